"""Aggregated and distributed claims, in the situations of the suite: the provider vouches for them itself."""

from typing import Any

import pytest

from oidc_async.testing import Fault, Misbehaviour

from .driver import Driver, asked

CLAIMS = {"credit_score": 650, "eye_color": "blue"}
KINDS = ("aggregated", "distributed")


def tell(driver: Driver, kind: str) -> None:
    """What the provider says of alice at userinfo from now on."""
    provider = driver.provider
    source = {"JWT": provider.claims_token(CLAIMS)} if kind == "aggregated" else provider.distribute_claims(CLAIMS)
    told = {"_claim_names": dict.fromkeys(CLAIMS, "src1"), "_claim_sources": {"src1": source}}
    provider.add_user("alice", claims={"name": "Alice", **told})


def log_in(driver: Driver, kind: str, **order: Any) -> dict[str, Any]:
    driver.configure(scope="openid profile", **order)
    tell(driver, kind)
    result = driver.log_in()
    assert result["ok"]
    return result


@pytest.mark.parametrize("kind", KINDS)
def test_claims_that_are_verified(driver: Driver, kind: str) -> None:
    result = log_in(driver, kind, claims_providers={driver.provider.issuer: {"algorithms": ["RS256"]}})
    assert result["userinfo"] == {"sub": "alice", "name": "Alice", **CLAIMS}
    assert asked(result).count("claims") == (1 if kind == "distributed" else 0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", [Fault.SOURCE_BROKEN, Fault.SOURCE_ALG_NONE, Fault.SOURCE_AUD_OTHER], ids=str)
def test_claims_that_can_not_be_trusted(driver: Driver, kind: str, fault: Misbehaviour) -> None:
    with driver.provider.misbehaving(fault):
        result = log_in(driver, kind, claims_providers={driver.provider.issuer: {}})
    assert result["userinfo"] == {"sub": "alice", "name": "Alice"}


@pytest.mark.parametrize("kind", KINDS)
def test_claims_of_an_issuer_that_nobody_allowed(driver: Driver, kind: str) -> None:
    result = log_in(driver, kind, claims_providers={"https://claims.example": {}})
    assert result["userinfo"] == {"sub": "alice", "name": "Alice"}
    assert "claims" not in asked(result)


@pytest.mark.parametrize("kind", KINDS)
def test_claims_are_handed_on_by_default(driver: Driver, kind: str) -> None:
    result = log_in(driver, kind)
    assert result["userinfo"]["_claim_names"] == dict.fromkeys(CLAIMS, "src1")
    assert "claims" not in asked(result)


def test_a_claims_provider_that_can_not_be(driver: Driver) -> None:
    client = {"client_id": "client1", "client_secret": "secret"}
    order = {driver.provider.issuer: {"algorithms": ["none"]}}
    assert driver.rejection(client=client, claims_providers=order)["code"] == "configuration_error"
