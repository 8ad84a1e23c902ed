"""A token before anything is known about it: threat model 362."""

from typing import Any

import pytest

from oidc_async.errors import TokenMalformed
from oidc_async.protocol.claims import MAX_BRACKETS, read_claims
from oidc_async.protocol.presented_token import PresentedToken
from tests.protocol.signing import b64, compact

HEADER = b64(b'{"alg":"RS256","kid":"1"}')
SIZE = 24_000
FULL_OF = {"lists": b"[]", "objects": b"{}", "deep lists": b"[" * 28 + b"]" * 28, "members": b'{"a":{}}'}


def full_of(unit: bytes, size: int = SIZE) -> str:
    claims = b'{"iss":"https://op.example","x":[' + b",".join([unit] * (size // (len(unit) + 1))) + b"]}"
    return f"{HEADER}.{b64(claims)}.{b64(b'x' * 256)}"


def test_a_token_is_taken_apart_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """threat model 362: whichever part of it is needed first."""
    read: list[bytes] = []

    def counting(payload: bytes) -> dict[str, Any]:
        read.append(payload)
        return read_claims(payload)

    monkeypatch.setattr("oidc_async.protocol.jose.jws.read_claims", counting)
    token = PresentedToken(compact({"alg": "RS256"}, {"iss": "https://op.example"}))
    assert [token.claimed_issuer for _ in range(3)] == ["https://op.example"] * 3
    assert token.jws is token.jws
    assert token.jws.claims is token.jws.claims
    assert len(read) == 1


@pytest.mark.parametrize("unit", FULL_OF.values(), ids=list(FULL_OF))
def test_one_full_of_brackets_is_rejected_before_it_is_read(unit: bytes) -> None:
    """threat model 362."""
    token = PresentedToken(full_of(unit))
    assert token.claimed_issuer is None
    with pytest.raises(TokenMalformed, match=f"at most {MAX_BRACKETS} objects and arrays"):
        _ = token.jws.claims


@pytest.mark.parametrize("unit", FULL_OF.values(), ids=list(FULL_OF))
def test_one_with_as_many_brackets_as_are_allowed_is_read(unit: bytes) -> None:
    """threat model 362: the limit rejects nothing below it."""
    brackets = unit.count(b"[") + unit.count(b"{")
    size = (MAX_BRACKETS - 2) // brackets * (len(unit) + 1)
    assert PresentedToken(full_of(unit, size)).claimed_issuer == "https://op.example"


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c", "a.b.c.d.e", "é.é.é"], ids=ascii)
def test_a_malformed_token_has_no_issuer(text: str) -> None:
    token = PresentedToken(text)
    assert (token.jws_or_none, token.claimed_issuer) == (None, None)
    for _ in range(2):
        with pytest.raises(TokenMalformed):
            _ = token.jws


def test_nothing_of_it_is_shown() -> None:
    assert "canary" not in repr(PresentedToken("canary"))
