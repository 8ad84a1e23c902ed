"""What another site says when it wants a login here: threat model 212, 213."""

from contextlib import suppress
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oidc_async.errors import DuplicateParameter, LoginError, LoginRequestInvalid
from oidc_async.protocol.initiate_login import (
    MAX_HINT_BYTES,
    MAX_LENGTH,
    ThirdPartyLogin,
    read_third_party_login,
)

OP = "https://op.example"


@pytest.mark.parametrize(
    ("encoded", "expected"),
    [
        (f"iss={OP}", ThirdPartyLogin(iss=OP)),
        ("iss=https%3A%2F%2Fop.example", ThirdPartyLogin(iss=OP)),
        (f"iss={OP}/", ThirdPartyLogin(iss=f"{OP}/")),
        (f"iss={OP}&login_hint=J%C3%BCrg+A", ThirdPartyLogin(iss=OP, login_hint="Jürg A")),
        (f"iss={OP}&login_hint=&target_link_uri=", ThirdPartyLogin(iss=OP)),
        (
            f"target_link_uri=https://rp.example/&iss={OP}",
            ThirdPartyLogin(iss=OP, target_link_uri="https://rp.example/"),
        ),
        (f"iss={OP}&scope=admin&state=a&state=b&prompt=none", ThirdPartyLogin(iss=OP)),
        (f"iss={OP}&login_hint={'a' * MAX_HINT_BYTES}", ThirdPartyLogin(iss=OP, login_hint="a" * MAX_HINT_BYTES)),
    ],
)
def test_three_parameters_are_read_and_no_others(encoded: str, expected: ThirdPartyLogin) -> None:
    assert read_third_party_login(encoded) == expected


@pytest.mark.parametrize(
    ("encoded", "error", "words"),
    [
        ("", LoginRequestInvalid, "iss is missing"),
        ("iss=", LoginRequestInvalid, "iss is missing"),
        (f"ISS={OP}", LoginRequestInvalid, "iss is missing"),
        (f"iss={OP}&iss={OP}", DuplicateParameter, "iss occurs twice"),
        (f"iss={OP}&iss=", DuplicateParameter, "iss occurs twice"),
        (f"iss={OP}&login_hint=a&login_hint=b", DuplicateParameter, "login_hint occurs twice"),
        (f"iss={OP}&target_link_uri=a&target_link_uri=b", DuplicateParameter, "target_link_uri occurs twice"),
        (f"iss={OP}&login_hint={'a' * (MAX_HINT_BYTES + 1)}", LoginRequestInvalid, "login_hint must have at most"),
        (f"iss={OP}&login_hint={'%C3%BC' * (MAX_HINT_BYTES // 2 + 1)}", LoginRequestInvalid, "login_hint must"),
        (f"iss={OP}&a={'a' * MAX_LENGTH}", LoginRequestInvalid, "at most"),
        (f"iss={OP}" + "&a=b" * 1000, LoginRequestInvalid, "at most"),
        (f"iss={OP}&login_hint=%FF", LoginRequestInvalid, "UTF-8"),
        (f"iss={OP}&login_hint=\xfc", LoginRequestInvalid, "form-encoded"),
    ],
)
def test_anything_else_is_rejected(encoded: str, error: type[LoginError], words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        read_third_party_login(encoded)
    assert caught.value.__context__ is None


def test_what_identifies_a_user_is_not_shown() -> None:
    """threat model 250"""
    login = read_third_party_login(f"iss={OP}&login_hint=alice&target_link_uri=https://rp.example/alice")
    assert "alice" not in repr(login)


@given(st.lists(st.tuples(st.sampled_from(["iss", "login_hint", "target_link_uri", "scope"]), st.text(max_size=9))))
def test_whatever_comes_is_read_or_rejected(pairs: list[tuple[str, str]]) -> None:
    with suppress(LoginRequestInvalid, DuplicateParameter):
        login = read_third_party_login(urlencode(pairs, errors="replace"))
        assert [login.iss] == [value for name, value in pairs if name == "iss"]


@given(st.text(max_size=200))
def test_no_nonsense_makes_another_error(encoded: str) -> None:
    with suppress(LoginRequestInvalid, DuplicateParameter):
        assert read_third_party_login(encoded).iss
