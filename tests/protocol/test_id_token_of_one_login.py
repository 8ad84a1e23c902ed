"""Two ID tokens of one login, and of one user."""

from dataclasses import replace
from typing import Any

import pytest

from oidc_async.errors import (
    ClaimInvalid,
)
from oidc_async.protocol.id_token import (
    is_same_user,
    require_same_login,
)
from tests.protocol.absent import ABSENT
from tests.protocol.id_tokens import CLAIMS, EXPECTATIONS, ISSUER, NOW, claims_with, read


@pytest.mark.parametrize(
    ("sub", "accepted"),
    [
        (CLAIMS["sub"], True),
        ("another", True),
        ("ANOTHER", False),
        ("nobody", False),
        ("", False),
        ([CLAIMS["sub"]], False),
        (ABSENT, False),
    ],
)
def test_a_user_who_was_asked_for_must_be_the_one(sub: object, accepted: bool) -> None:
    payload, expectations = claims_with(sub=sub), replace(EXPECTATIONS, subjects=(CLAIMS["sub"], "another"))
    if accepted:
        assert read(payload, expectations)["sub"] == sub
    else:
        with pytest.raises(ClaimInvalid) as caught:
            read(payload, expectations)
        assert caught.value.claim == "sub"


def test_the_time_of_authentication_may_be_required_whatever_it_is() -> None:
    expectations = replace(EXPECTATIONS, require_auth_time=True)
    assert read({**CLAIMS, "auth_time": NOW - 1e6}, expectations)["auth_time"] == NOW - 1e6
    with pytest.raises(ClaimInvalid, match="auth_time"):
        read(CLAIMS, expectations)


FIRST = {**CLAIMS, "auth_time": NOW - 100}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"nonce": ABSENT},
        {"auth_time": ABSENT},
        {"nonce": ABSENT, "auth_time": ABSENT},
        {"auth_time": NOW},
        {"iat": NOW + 600, "exp": NOW + 900},
        {"email": "new@example.org", "sid": "another"},
    ],
    ids=str,
)
def test_an_id_token_of_the_same_login_may_leave_out_and_add(changes: dict[str, Any]) -> None:
    """threat model 71; OIDC Core 12.2"""
    claims = {name: value for name, value in {**FIRST, **changes}.items() if value is not ABSENT}
    require_same_login(claims, FIRST)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("iss", "https://other.example"),
        ("iss", f"{ISSUER}/"),
        ("iss", ABSENT),
        ("sub", "Alice"),
        ("sub", "bob"),
        ("sub", ABSENT),
        ("nonce", "another"),
        ("nonce", ""),
        ("nonce", None),
        ("nonce", ["the nonce"]),
        ("auth_time", NOW - 101),
        ("auth_time", True),
        ("auth_time", None),
        ("auth_time", str(NOW - 100)),
    ],
    ids=str,
)
def test_an_id_token_of_another_login_is_rejected(name: str, value: Any) -> None:
    """threat model 71; OIDC Core 12.2"""
    claims = {key: member for key, member in {**FIRST, name: value}.items() if member is not ABSENT}
    with pytest.raises(ClaimInvalid) as caught:
        require_same_login(claims, FIRST)
    assert caught.value.evidence["claim"] == name
    assert "the nonce" not in str(caught.value)


def test_a_login_without_nonce_has_nothing_to_compare() -> None:
    require_same_login({**FIRST, "nonce": "new"}, {name: FIRST[name] for name in ("iss", "sub")})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"nonce": "another", "auth_time": NOW, "sid": "another"}, True),
        ({"iss": "https://other.example"}, False),
        ({"sub": "bob"}, False),
        ({"sub": "Alice"}, False),
        ({"sub": ABSENT}, False),
        ({"iss": ABSENT}, False),
    ],
    ids=str,
)
def test_a_user_is_a_subject_of_an_issuer(changes: dict[str, Any], expected: bool) -> None:
    """threat model 168; OIDC Core 5.7"""
    claims = {name: value for name, value in {**FIRST, **changes}.items() if value is not ABSENT}
    assert is_same_user(claims, FIRST) is expected
    assert is_same_user(FIRST, claims) is expected


def test_two_that_say_nothing_are_not_of_one_user() -> None:
    assert not is_same_user({}, {})
