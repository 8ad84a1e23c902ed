"""What a token grants, and what a resource asks of it: threat model 128, 146."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oidc_async.errors import ClaimInvalid, InsufficientScope, InsufficientUserAuthentication, OIDCError
from oidc_async.protocol.access_grant import NO_REQUIREMENTS, Access, Requirements, read_scopes, require_granted
from tests.hypothesis_profiles import examples

NOW = 1_800_000_000.0
CLAIMS: dict[str, Any] = {
    "iss": "https://op.example",
    "sub": "alice",
    "aud": ["api", "other"],
    "client_id": "app",
    "scope": "read write",
    "exp": NOW + 300,
    "acr": "urn:gold",
    "auth_time": NOW - 60,
    "roles": {"admin": ["a", "b"]},
}


def access(**changes: Any) -> Access:
    """None takes a claim away."""
    return Access.of({name: value for name, value in {**CLAIMS, **changes}.items() if value is not None})


# Scopes


@pytest.mark.parametrize(
    ("claims", "scopes"),
    [
        pytest.param({"scope": "read write"}, {"read", "write"}, id="a string"),
        pytest.param({"scope": " read  write "}, {"read", "write"}, id="spaces too many"),
        pytest.param({"scope": ["read", "write"]}, {"read", "write"}, id="a list"),
        pytest.param({"scope": ["read write", "x"]}, {"read", "write", "x"}, id="a list of strings with spaces"),
        pytest.param({"scp": "read write"}, {"read", "write"}, id="scp"),
        pytest.param({"scp": ["read"]}, {"read"}, id="scp, a list"),
        pytest.param({"scope": "read", "scp": "write"}, {"read"}, id="scope goes first"),
        pytest.param({"scope": "", "scp": "write"}, set[str](), id="even when it is empty"),
        pytest.param({}, set[str](), id="128: absent"),
        pytest.param({"scope": None}, set[str](), id="128: null"),
        pytest.param({"scope": ""}, set[str](), id="128: empty"),
        pytest.param({"scope": []}, set[str](), id="128: an empty list"),
        pytest.param({"scope": "Read"}, {"Read"}, id="146: case matters"),
    ],
)
def test_scopes_are_read_from_what_providers_send(claims: dict[str, Any], scopes: set[str]) -> None:
    """threat model 128."""
    assert read_scopes(claims) == scopes
    assert Access.of(claims).scopes == scopes


@pytest.mark.parametrize("value", [5, True, {"read": True}, ["read", 5], [["read"]], ["read", None]], ids=str)
@pytest.mark.parametrize("name", ["scope", "scp"])
def test_a_scope_that_is_none_is_rejected(name: str, value: object) -> None:
    with pytest.raises(ClaimInvalid) as caught:
        read_scopes({name: value})
    assert caught.value.claim == "scope"


# Access


def test_access_is_a_mapping_with_typed_attributes() -> None:
    token = access()
    assert dict(token) == token.to_dict() == CLAIMS
    assert (len(token), "sub" in token, "x" in token, token.get("x")) == (len(CLAIMS), True, False, None)
    assert (token.subject, token.client_id, token.issuer, token.expires_at) == (
        "alice",
        "app",
        "https://op.example",
        NOW + 300,
    )
    assert token.scopes == {"read", "write"}
    assert token.audience == {"api", "other"}


def test_what_a_provider_does_not_say_is_none() -> None:
    token = Access.of({"active": True})
    assert (token.subject, token.client_id, token.issuer, token.expires_at) == (None,) * 4
    assert (token.scopes, token.audience) == (frozenset(), frozenset())


@pytest.mark.parametrize(
    ("claims", "client_id"),
    [({"azp": "b"}, "b"), ({"client_id": "a", "azp": "b"}, "a"), ({"client_id": "", "azp": "b"}, "b")],
    ids=["azp", "both", "empty"],
)
def test_either_claim_names_the_client(claims: dict[str, Any], client_id: str) -> None:
    assert Access.of(claims).client_id == client_id


def test_access_is_true_even_without_claims() -> None:
    assert Access.of({})


def test_claims_of_one_caller_cannot_be_changed_by_another() -> None:
    """threat model 247."""
    token = access()
    other = token.copy()
    token.claims["sub"] = "mallory"
    token["roles"]["admin"].append("mallory")
    given = token.to_dict()
    given["roles"]["admin"].clear()
    assert other.to_dict() == CLAIMS
    assert token.to_dict() == CLAIMS
    assert token.copy().to_dict() == CLAIMS


def test_a_repr_names_client_and_scope_alone() -> None:
    text = repr(access())
    assert text == "<Access of the client 'app': read write>"
    assert repr(access(scope=None)) == "<Access of the client 'app': no scope>"


documents = st.dictionaries(
    st.text(max_size=8),
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3)),
    max_size=6,
).filter(lambda claims: not {"scope", "scp"} & claims.keys())


@settings(max_examples=examples(100), deadline=None)
@given(documents, st.lists(st.text("abc:/", min_size=1), max_size=4))
def test_claims_come_out_as_they_went_in(claims: dict[str, Any], scopes: list[str]) -> None:
    token = Access.of({**claims, "scope": scopes})
    assert token.copy().to_dict() == json.loads(token.document) == {**claims, "scope": scopes}
    assert token.scopes == set(scopes)


# Requirements


def outcome(requirements: Requirements, leeway: float = 0.0, **changes: Any) -> str:
    """The code of the rejection, or "granted"."""
    try:
        require_granted(access(**changes), requirements, now=NOW, leeway=leeway)
    except OIDCError as error:
        return error.code
    return "granted"


def asking(**requirements: Any) -> Requirements:
    return Requirements(**requirements)


SCOPE, AUTHENTICATION = "insufficient_scope", "insufficient_user_authentication"


@pytest.mark.parametrize(
    ("requirements", "claims", "expected"),
    [
        pytest.param({}, {"scope": None, "acr": None}, "granted", id="nothing is asked"),
        pytest.param({"scopes": {"read"}}, {}, "granted", id="one of two"),
        pytest.param({"scopes": {"read", "write"}}, {}, "granted", id="both"),
        pytest.param({"scopes": {"read", "admin"}}, {}, SCOPE, id="all are needed"),
        pytest.param({"scopes": {"read"}}, {"scope": None}, SCOPE, id="128: no scope at all"),
        pytest.param({"scopes": {"read"}}, {"scope": "readwrite"}, SCOPE, id="146: a longer word"),
        pytest.param({"scopes": {"readwrite"}}, {"scope": "read"}, SCOPE, id="146: a shorter word"),
        pytest.param({"scopes": {"readwrite"}}, {"scope": "read write"}, SCOPE, id="146: two words"),
        pytest.param({"scopes": {"read"}}, {"scope": "READ"}, SCOPE, id="146: another case"),
        pytest.param({"any_scopes": {"admin", "read"}}, {}, "granted", id="any of them"),
        pytest.param({"any_scopes": {"admin", "root"}}, {}, SCOPE, id="none of them"),
        pytest.param({"any_scopes": {"readwrite"}}, {"scope": "read"}, SCOPE, id="146: any, a longer word"),
        pytest.param({"any_scopes": {"admin"}}, {"scope": None}, SCOPE, id="128: any, and no scope"),
        pytest.param({"scopes": {"read"}, "any_scopes": {"admin", "root"}}, {}, SCOPE, id="all, but not any"),
        pytest.param({"scopes": {"admin"}, "any_scopes": {"read"}}, {}, SCOPE, id="any, but not all"),
        pytest.param({"acr_values": ("urn:gold",)}, {}, "granted", id="acr"),
        pytest.param({"acr_values": ("urn:silver", "urn:gold")}, {}, "granted", id="one of the acr values"),
        pytest.param({"acr_values": ("urn:platinum",)}, {}, AUTHENTICATION, id="another acr"),
        pytest.param({"acr_values": ("urn:gold",)}, {"acr": None}, AUTHENTICATION, id="no acr"),
        pytest.param({"acr_values": ("urn:gold",)}, {"acr": ["urn:gold"]}, AUTHENTICATION, id="acr is a list"),
        pytest.param({"acr_values": ("urn:gold",)}, {"acr": "urn:gold2"}, AUTHENTICATION, id="a longer acr"),
        pytest.param({"max_age": 60}, {}, "granted", id="just recent enough"),
        pytest.param({"max_age": 59}, {}, AUTHENTICATION, id="a second too old"),
        pytest.param({"max_age": 0}, {}, AUTHENTICATION, id="max_age 0 is asked for, too"),
        pytest.param({"max_age": 0}, {"auth_time": NOW}, "granted", id="this very moment"),
        pytest.param({"max_age": 60}, {"auth_time": NOW - 59.5}, "granted", id="a fraction"),
        pytest.param({"max_age": 60}, {"auth_time": None}, AUTHENTICATION, id="no auth_time"),
        pytest.param({"max_age": 60}, {"auth_time": str(NOW)}, AUTHENTICATION, id="auth_time is a string"),
        pytest.param({"max_age": 1e9}, {"auth_time": True}, AUTHENTICATION, id="auth_time is true"),
        pytest.param({"max_age": 59, "acr_values": ("urn:gold",)}, {}, AUTHENTICATION, id="strong but old"),
        pytest.param({"max_age": 60, "acr_values": ("urn:x",)}, {}, AUTHENTICATION, id="recent but weak"),
        pytest.param({"scopes": {"admin"}, "max_age": 0}, {}, SCOPE, id="scope comes first"),
    ],
)
def test_requirements_are_held_against_what_is_granted(
    requirements: dict[str, Any], claims: dict[str, Any], expected: str
) -> None:
    """threat model 146."""
    assert outcome(asking(**requirements), **claims) == expected


def test_the_leeway_is_on_the_side_of_the_user() -> None:
    assert outcome(asking(max_age=31), leeway=30) == "granted"
    assert outcome(asking(max_age=29), leeway=30) == AUTHENTICATION


@pytest.mark.parametrize(
    ("requirements", "scope"),
    [
        (asking(scopes=frozenset({"write", "read"})), "read write"),
        (asking(any_scopes=frozenset({"b", "a"})), "a b"),
        (asking(scopes=frozenset({"read"}), any_scopes=frozenset({"b", "a"})), "a b read"),
        (NO_REQUIREMENTS, ""),
    ],
    ids=["all", "any", "both", "none"],
)
def test_a_missing_scope_is_named(requirements: Requirements, scope: str) -> None:
    """threat model 146: what the challenge says."""
    assert requirements.scope == scope
    if scope:
        with pytest.raises(InsufficientScope) as caught:
            require_granted(access(scope=None), requirements, now=NOW, leeway=0)
        assert caught.value.scope == scope


def test_a_missing_authentication_is_described() -> None:
    """RFC 9470 3."""
    with pytest.raises(InsufficientUserAuthentication) as caught:
        require_granted(access(), asking(acr_values=("a", "b"), max_age=10), now=NOW, leeway=0)
    assert (caught.value.acr_values, caught.value.max_age) == (("a", "b"), 10)


words = st.frozensets(st.sampled_from(["read", "write", "readwrite", "rea", "admin", "READ"]))


@settings(max_examples=examples(100), deadline=None)
@given(words, words, words)
def test_scopes_are_whole_words(granted: frozenset[str], all_of: frozenset[str], any_of: frozenset[str]) -> None:
    """threat model 146."""
    is_enough = all(word in granted for word in all_of) and (not any_of or any(word in granted for word in any_of))
    expected = "granted" if is_enough else SCOPE
    assert outcome(asking(scopes=all_of, any_scopes=any_of), scope=" ".join(granted)) == expected
