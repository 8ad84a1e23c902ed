"""The hashes in an ID token: of the access token, the code and the state that came with it."""

from dataclasses import replace

import pytest

from oidc_async.errors import (
    ClaimInvalid,
)
from oidc_async.protocol.id_token import (
    require_token_hash,
)
from oidc_async.protocol.jose.jws import (
    SUPPORTED_ALGORITHMS,
)
from tests.protocol.id_tokens import CLAIMS, EXPECTATIONS, read
from tests.protocol.signing import half_hash


@pytest.mark.parametrize(
    ("claim", "value"), [("at_hash", "the access token"), ("c_hash", "the code")], ids=["at_hash", "c_hash"]
)
def test_a_hash_can_be_made_a_must(claim: str, value: str) -> None:
    """threat model 97"""
    must = replace(EXPECTATIONS, require_at_hash=claim == "at_hash", require_c_hash=claim == "c_hash")
    assert read({**CLAIMS, claim: half_hash(value, "sha256")}, must)["sub"] == "alice"
    with pytest.raises(ClaimInvalid) as caught:
        read(CLAIMS, must)
    assert caught.value.claim == claim


@pytest.mark.parametrize("alg", SUPPORTED_ALGORITHMS)
def test_the_hash_is_that_of_the_token_s_algorithm(alg: str) -> None:
    """threat model 98, 99: SHA-512 for Ed25519"""
    expectations = replace(EXPECTATIONS, algorithms=(alg,))
    right = "sha512" if alg.startswith("Ed") else f"sha{alg[2:]}"
    for hash_name in ("sha256", "sha384", "sha512"):
        payload = {**CLAIMS, "at_hash": half_hash("the access token", hash_name)}
        if hash_name == right:
            assert read(payload, expectations, header={"alg": alg}, alg=alg)["sub"] == "alice"
        else:
            with pytest.raises(ClaimInvalid, match="at_hash"):
                read(payload, expectations, header={"alg": alg}, alg=alg)


@pytest.mark.parametrize("alg", ["none", "", "ES256K", "XX256", "RS1"])
def test_a_hash_by_an_unknown_algorithm_fails(alg: str) -> None:
    """threat model 99"""
    for hash_name in ("sha256", "sha512"):
        with pytest.raises(ClaimInvalid, match="at_hash"):
            require_token_hash({"at_hash": half_hash("token", hash_name)}, "at_hash", "token", alg)


def test_a_hash_without_its_value_is_not_checked() -> None:
    expectations = replace(EXPECTATIONS, access_token=None, code=None)
    assert read({**CLAIMS, "at_hash": "x", "c_hash": "y"}, expectations)["at_hash"] == "x"
