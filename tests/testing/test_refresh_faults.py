"""Faults of a refresh strike there and nowhere else, and change what they say."""

from typing import Any

import pytest

from oidc_async.testing import REFRESH_FAULTS, Fault, Misbehaviour, SimulatedProvider

from .conftest import SECRET
from .mini_relying_party import REDIRECT_URI, MiniRelyingParty, read, segment, verify


def refreshed(rp: MiniRelyingParty, provider: SimulatedProvider, *faults: Misbehaviour) -> dict[str, Any]:
    """The members of the response to a refresh that meets these faults."""
    rp.scope = "openid offline_access"
    form = {"grant_type": "refresh_token", "refresh_token": rp.log_in(provider).tokens["refresh_token"]}
    with provider.misbehaving(*faults):
        return read(rp.ask_for_tokens(form))


@pytest.mark.parametrize(
    ("fault", "claim", "value"),
    [
        (Fault.REFRESH_ISS_OTHER, "iss", "https://other.example"),
        (Fault.REFRESH_SUB_OTHER, "sub", "somebody else"),
        (Fault.REFRESH_SUB_MISSING, "sub", None),
        (Fault.REFRESH_AUD_OTHER, "aud", "another client"),
        (Fault.REFRESH_AUD_EXTRA, "aud", ["client1", "other"]),
        (Fault.REFRESH_NONCE_OTHER, "nonce", "another nonce"),
        (Fault.REFRESH_NONCE_SAME, "nonce", "nonce1"),
        (Fault.REFRESH_AUTH_TIME_OTHER, "auth_time", 1_699_996_400),
        (Fault.REFRESH_AUTH_TIME_MISSING, "auth_time", None),
    ],
    ids=lambda value: str(value).lower(),
)
def test_a_claim_is_changed_below_a_valid_signature(
    provider: SimulatedProvider, rp: MiniRelyingParty, fault: Misbehaviour, claim: str, value: object
) -> None:
    token = refreshed(rp, provider, fault)["id_token"]
    assert segment(token, 1).get(claim) == value
    verify(token, rp.published("RS256"))


def test_null_is_not_nothing(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    claims = segment(refreshed(rp, provider, Fault.REFRESH_NONCE_NULL)["id_token"], 1)
    assert ("nonce" in claims, claims["nonce"]) == (True, None)


def test_a_token_may_have_no_signature(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    token = refreshed(rp, provider, Fault.REFRESH_ID_TOKEN_UNSIGNED)["id_token"]
    assert (segment(token, 0), segment(token, 1)["sub"], token.rpartition(".")[2]) == ({"alg": "none"}, "alice", "")


def test_a_token_may_have_the_signature_of_another(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    token = refreshed(rp, provider, Fault.REFRESH_ID_TOKEN_TAMPERED)["id_token"]
    assert segment(token, 1)["admin"] is True
    with pytest.raises(Exception, match="signature"):
        verify(token, rp.published("RS256"))


@pytest.mark.parametrize(
    ("fault", "member", "value"),
    [
        (Fault.REFRESH_ID_TOKEN_MISSING, "id_token", None),
        (Fault.REFRESH_EXPIRES_IN_MISSING, "expires_in", None),
        (Fault.REFRESH_SCOPE_NARROWER, "scope", "openid"),
    ],
    ids=lambda value: str(value).lower(),
)
def test_a_member_is_changed(
    provider: SimulatedProvider, rp: MiniRelyingParty, fault: Misbehaviour, member: str, value: object
) -> None:
    assert refreshed(rp, provider, fault).get(member) == value
    assert refreshed(rp, provider)[member] not in (None, "openid")


def test_a_refresh_token_that_is_not_replaced_is_good_for_more(
    provider: SimulatedProvider, rp: MiniRelyingParty
) -> None:
    provider.register("client1", SECRET, redirect_uris=[REDIRECT_URI], rotates_refresh_tokens=False)
    rp.scope = "openid offline_access"
    form = {"grant_type": "refresh_token", "refresh_token": rp.log_in(provider).tokens["refresh_token"]}
    answers = [read(rp.ask_for_tokens(form)) for _ in range(3)]
    assert len({answer["access_token"] for answer in answers}) == 3
    assert not any("refresh_token" in answer for answer in answers)


def test_a_refresh_meets_what_strikes_every_token(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    assert segment(refreshed(rp, provider, Fault.ID_TOKEN_AUD_LIST)["id_token"], 1)["aud"] == ["client1"]


def test_each_is_of_a_refresh(provider: SimulatedProvider) -> None:
    assert {fault.exchange for fault in REFRESH_FAULTS} == {"refresh"}
    assert {fault.name.partition("_")[0] for fault in REFRESH_FAULTS} == {"REFRESH"}
    assert len(REFRESH_FAULTS) == 15
