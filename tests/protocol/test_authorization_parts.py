"""What a response type asks for, and what comes: OIDC Core 3.2.2.5 and 3.3.2.5, threat model 51 and 100."""

from typing import Any

import pytest

from oidc_async.errors import AuthorizationRefused, AuthorizationResponseInvalid, ClaimInvalid
from oidc_async.protocol.authorization import AuthorizationResponse, read_authorization_response
from oidc_async.protocol.id_token import require_same_authentication
from oidc_async.protocol.metadata import ProviderMetadata
from oidc_async.protocol.response_type import RESPONSE_TYPES

ISSUER = "https://op.example"
PROVIDER = ProviderMetadata(ISSUER, f"{ISSUER}/authorize", f"{ISSUER}/jwks", f"{ISSUER}/token")
PARTS: dict[str, dict[str, str]] = {
    "code": {"code": "the-code"},
    "id_token": {"id_token": "the.id.token"},
    "token": {"access_token": "the-token", "token_type": "Bearer", "expires_in": "600", "scope": "openid"},
}
IMPLICIT = PARTS["id_token"] | PARTS["token"]


def read(parameters: dict[str, str], response_type: str) -> AuthorizationResponse:
    return read_authorization_response({"state": "s1", "iss": ISSUER, **parameters}, PROVIDER, "s1", response_type)


def parts_of(response_type: str) -> dict[str, str]:
    return {name: value for part in response_type.split() for name, value in PARTS[part].items()}


@pytest.mark.parametrize("response_type", RESPONSE_TYPES)
def test_the_requested_parts_are_read(response_type: str) -> None:
    received = read(parts_of(response_type), response_type)
    values = response_type.split()
    assert received.code == ("the-code" if "code" in values else None)
    assert received.tokens.id_token == ("the.id.token" if "id_token" in values else None)
    assert received.tokens.get("access_token") == ("the-token" if "token" in values else None)
    assert received.tokens.expires_in == (600 if "token" in values else None)
    assert "the-" not in repr(received)


@pytest.mark.parametrize("response_type", RESPONSE_TYPES)
@pytest.mark.parametrize("part", PARTS)
def test_each_part_is_there_when_it_was_asked_for_and_only_then(response_type: str, part: str) -> None:
    """threat model 51: a part more is an injection, a part less can't be verified."""
    parts = parts_of(response_type)
    if part in response_type.split():
        changed = {name: value for name, value in parts.items() if name not in PARTS[part]}
    else:
        changed = parts | PARTS[part]
    with pytest.raises(AuthorizationResponseInvalid) as caught:
        read(changed, response_type)
    assert str(caught.value.evidence["parameter"]) in PARTS[part]
    assert "the-" not in str(caught.value)


@pytest.mark.parametrize("response_type", RESPONSE_TYPES)
def test_an_error_is_one_whatever_comes_with_it(response_type: str) -> None:
    """threat model 48."""
    with pytest.raises(AuthorizationRefused):
        read({**parts_of(response_type), "error": "server_error"}, response_type)


@pytest.mark.parametrize(
    ("changes", "parameter"),
    [
        pytest.param({"access_token": ""}, "access_token", id="access_token-empty"),
        pytest.param({"access_token": "a b"}, "access_token", id="access_token-with-a-space"),
        pytest.param({"access_token": "a\r\nx: y"}, "access_token", id="access_token-with-line-breaks"),
        pytest.param({"access_token": "é"}, "access_token", id="access_token-outside-ascii"),
        pytest.param({"token_type": ""}, "token_type", id="63-token_type-empty"),
        pytest.param({"token_type": "DPoP"}, "token_type", id="63-token_type-other"),
        pytest.param({"expires_in": ""}, "expires_in", id="66-expires_in-empty"),
        pytest.param({"expires_in": "-1"}, "expires_in", id="66-expires_in-negative"),
        pytest.param({"expires_in": "1e400"}, "expires_in", id="66-expires_in-infinite"),
        pytest.param({"expires_in": "\u0663"}, "expires_in", id="66-expires_in-in-other-digits"),
        pytest.param({"id_token": ""}, "id_token", id="id_token-empty"),
        pytest.param({"refresh_token": "r"}, "refresh_token", id="51-refresh_token-added"),
        pytest.param({"response": "e30.e30."}, "response", id="57-a-response-as-jwt"),
    ],
)
def test_a_malformed_part_is_rejected(changes: dict[str, str], parameter: str) -> None:
    """threat model 51, 57, 63, 66."""
    with pytest.raises(AuthorizationResponseInvalid) as caught:
        read({**IMPLICIT, **changes}, "id_token token")
    assert caught.value.evidence["parameter"] == parameter


@pytest.mark.parametrize("token_type", ["bearer", "BEARER", "bEaReR"])
def test_the_token_type_has_no_case(token_type: str) -> None:
    """threat model 63."""
    assert read({**IMPLICIT, "token_type": token_type}, "id_token token").tokens.access_token == "the-token"


def test_the_lifetime_may_be_missing_or_too_long() -> None:
    """threat model 66."""
    without = {name: value for name, value in IMPLICIT.items() if name != "expires_in"}
    assert read(without, "id_token token").tokens.expires_in is None
    assert read({**IMPLICIT, "expires_in": "9" * 40}, "id_token token").tokens.expires_in == 10 * 365 * 24 * 3600


SENDS_ISS = PROVIDER.copy(authorization_response_iss_parameter_supported=True)


@pytest.mark.parametrize("response_type", RESPONSE_TYPES)
def test_iss_may_be_missing_where_an_id_token_says_it(response_type: str) -> None:
    """threat model 45; RFC 9207 4."""
    parameters = {"state": "s1", **parts_of(response_type)}
    if "id_token" in response_type.split():
        assert read_authorization_response(parameters, SENDS_ISS, "s1", response_type).tokens.id_token
        parameters = {"state": "s1", "error": "server_error", "id_token": "the.id.token"}
    with pytest.raises(AuthorizationResponseInvalid, match="iss is missing"):
        read_authorization_response(parameters, SENDS_ISS, "s1", response_type)


@pytest.mark.parametrize("response_type", RESPONSE_TYPES)
def test_an_iss_that_is_there_must_be_right(response_type: str) -> None:
    """threat model 44."""
    with pytest.raises(AuthorizationResponseInvalid, match="another provider"):
        read({**parts_of(response_type), "iss": "https://other.example"}, response_type)


CLAIMS: dict[str, Any] = {"iss": ISSUER, "sub": "alice", "aud": "client1", "auth_time": 1, "acr": "1", "nonce": "n"}


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://other.example"},
        {"sub": "bob"},
        {"sub": None},
        {"auth_time": 2},
        {"acr": "2"},
        {"aud": ["client1", "trusted"]},
    ],
    ids=str,
)
def test_two_id_tokens_of_one_login_agree(changes: dict[str, Any]) -> None:
    """threat model 100; OIDC Core 3.3.3.6."""
    (name,) = changes
    for one, other in ((CLAIMS, {**CLAIMS, **changes}), ({**CLAIMS, **changes}, CLAIMS)):
        with pytest.raises(ClaimInvalid, match=f"^{name} must be the same in both ID tokens"):
            require_same_authentication(one, other)


@pytest.mark.parametrize(
    "other",
    [
        CLAIMS,
        {**CLAIMS, "aud": ["client1"]},
        {**CLAIMS, "email": "alice@example.com", "at_hash": "h", "iat": 5},
        {name: value for name, value in CLAIMS.items() if name not in ("auth_time", "acr")},
    ],
    ids=["equal", "aud-as-a-list", "more-claims", "without-auth_time-and-acr"],
)
def test_one_of_two_id_tokens_may_say_less(other: dict[str, Any]) -> None:
    require_same_authentication(CLAIMS, other)
    require_same_authentication(other, CLAIMS)
