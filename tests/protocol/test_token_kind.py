"""What tells access tokens from the other tokens of a provider: threat model 364, 368."""

from typing import Any

import pytest

from oidc_async.errors import ClaimInvalid, ConfigurationError
from oidc_async.protocol.token_kind import read_marks, require_marks, require_no_other_kind

OTHER = {
    "typ": [
        "ID",
        "id",
        "Serialized-ID",
        "Refresh",
        "REFRESH",
        "Offline",
        "Logout",
        " ID ",
        "RegistrationAccessToken",
    ],
    "token_use": ["id", "ID", "refresh", "id_token", "refresh_token"],
    "token_type": [
        "refresh_token",
        "id_token",
        "refresh",
        "urn:ietf:params:oauth:token-type:refresh_token",
        "idtoken",
    ],
}
ACCESS: dict[str, list[str | None]] = {
    "typ": ["Bearer", "DPoP", "JWT", "at+jwt", "identity", "", None],
    "token_use": ["access", "access_token", None],
    "token_type": ["Bearer", "bearer", "N_A", "access", "urn:ietf:params:oauth:token-type:access_token", "token"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in OTHER.items() for value in values])
def test_a_token_that_says_it_is_another_kind_is_not_an_access_token(name: str, value: str) -> None:
    """threat model 364."""
    with pytest.raises(ClaimInvalid, match="not an access token") as caught:
        require_no_other_kind({"sub": "alice", name: value})
    assert caught.value.claim == name


@pytest.mark.parametrize("name", OTHER)
@pytest.mark.parametrize("value", [["Bearer"], {"is": "ID"}, 5, True, []], ids=str)
def test_a_kind_that_is_not_text_is_rejected(name: str, value: object) -> None:
    """threat model 364: what was not understood is not waved through."""
    with pytest.raises(ClaimInvalid, match=f"{name} must be a string"):
        require_no_other_kind({name: value})


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in ACCESS.items() for value in values])
def test_a_token_that_says_it_is_an_access_token_may_be_one(name: str, value: object) -> None:
    require_no_other_kind({name: value})


ENTRA = {"azp": True, ("scp", "roles"): True}
ENTRA_V1 = {("azp", "appid"): True, ("scp", "roles"): True}
B2C = {"scp": True, "tfp": ("B2C_1_a", "B2C_1_b")}


@pytest.mark.parametrize(
    ("marks", "claims", "is_one"),
    [
        pytest.param({"token_use": "access"}, {"token_use": "access"}, True, id="Cognito"),
        pytest.param({"token_use": "access"}, {}, False, id="Cognito without it"),
        pytest.param({"token_use": "access"}, {"token_use": "Access"}, False, id="another case"),
        pytest.param({"token_use": "access"}, {"token_use": ["access"]}, False, id="a list"),
        pytest.param({"typ": "Bearer"}, {"typ": "Bearer"}, True, id="Keycloak"),
        pytest.param({"scope": True}, {"scope": "read"}, True, id="Spring"),
        pytest.param({"scope": True}, {"scope": ["read"]}, True, id="Spring, a list"),
        pytest.param({"scope": True}, {"scope": ""}, False, id="an empty scope"),
        pytest.param({"scope": True}, {"scope": " "}, False, id="a blank scope"),
        pytest.param({"scope": True}, {"scope": []}, False, id="an empty list"),
        pytest.param({"scope": True}, {"scope": ["read", ""]}, False, id="a list with an empty word"),
        pytest.param({"scope": True}, {"scope": [5]}, False, id="a list of numbers"),
        pytest.param({"scope": True}, {"scope": True}, False, id="true"),
        pytest.param({"scope": True}, {"scope": None}, False, id="null"),
        pytest.param(ENTRA, {"azp": "app", "scp": "read"}, True, id="Entra, a user"),
        pytest.param(ENTRA, {"azp": "app", "roles": ["admin"]}, True, id="Entra, an application"),
        pytest.param(ENTRA, {"roles": ["admin"]}, False, id="an ID token of Entra with roles"),
        pytest.param(ENTRA, {"azp": "app"}, False, id="Entra without scp and roles"),
        pytest.param(ENTRA, {"azp": "app", "scp": ""}, False, id="Entra with an empty scp"),
        pytest.param(ENTRA_V1, {"appid": "app", "scp": "read"}, True, id="Entra, the former version"),
        pytest.param(B2C, {"scp": "read", "tfp": "B2C_1_b"}, True, id="B2C"),
        pytest.param(B2C, {"scp": "read", "tfp": "B2C_1_reset"}, False, id="B2C of another policy"),
    ],
)
def test_marks_tell_an_access_token(marks: Any, claims: dict[str, Any], is_one: bool) -> None:
    """threat model 368."""
    read = read_marks(marks)
    if is_one:
        require_marks(claims, read)
        return
    with pytest.raises(ClaimInvalid, match="access_token_marks"):
        require_marks(claims, read)


@pytest.mark.parametrize(
    "marks",
    [
        pytest.param({}, id="none"),
        pytest.param("scope", id="text"),
        pytest.param(["scope"], id="a list"),
        pytest.param({"scope": False}, id="false"),
        pytest.param({"scope": None}, id="null"),
        pytest.param({"scope": ""}, id="an empty value"),
        pytest.param({"scope": []}, id="no values"),
        pytest.param({"scope": [5]}, id="a number"),
        pytest.param({"scope": {"read": True}}, id="an object"),
        pytest.param({"": True}, id="a claim without a name"),
        pytest.param({(): True}, id="no claims"),
        pytest.param({5: True}, id="a claim that is a number"),
        pytest.param({"typ": True}, id="any typ"),
        pytest.param({"token_use": True}, id="any token_use"),
        pytest.param({"typ": "ID"}, id="typ of an ID token"),
        pytest.param({"token_use": ["access", "id"]}, id="token_use of an ID token, too"),
        pytest.param({"roles": True}, id="roles, which are in ID tokens"),
        pytest.param({("scp", "roles"): True}, id="scp, or roles, which are in ID tokens"),
        pytest.param({"azp": True}, id="azp alone, which may be in ID tokens"),
        pytest.param({"nonce": True, "email": "a@example.com"}, id="claims of ID tokens"),
        pytest.param({"azp": True, "email": True}, id="azp and a claim of ID tokens"),
        pytest.param({"azp": True, ("scp", "name"): True}, id="azp, and scp or a claim of ID tokens"),
        pytest.param({("azp", "client_id"): True}, id="client_id, or azp, which may be in ID tokens"),
    ],
)
def test_marks_that_tell_nothing_are_a_mistake(marks: object) -> None:
    """threat model 368."""
    with pytest.raises(ConfigurationError, match="access_token_marks"):
        read_marks(marks)
