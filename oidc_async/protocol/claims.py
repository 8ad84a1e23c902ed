"""Checks of claims that all kinds of JWT share (RFC 7519 4.1).

`now` and other times are in seconds since 1970; `leeway` is in seconds and widens the accepted range.
Comparisons are written as `if not a <= b`, so that NaN, for which every comparison is false, is rejected.
"""

import hmac
from collections.abc import Mapping
from typing import Any, cast

from oidc_async.errors import ClaimInvalid, TokenExpired, TokenMalformed

from .strict_json import read_object

Claims = Mapping[str, Any]

MAX_TIME = 253_402_300_799
"""The end of the year 9999. Times in milliseconds, and numbers made to overflow, exceed it."""

MAX_BRACKETS = 2000
"""The limit for objects and arrays in the claims of a token: they take longest to parse, and attackers send many."""

MAX_SHOWN = 200
MAX_SUBJECT_LENGTH = 255
STANDARD_CLAIMS = (
    *("iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid", "auth_time", "acr", "amr"),
    *("name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile", "picture"),
    *("website", "email", "email_verified", "gender", "birthdate", "zoneinfo", "locale", "phone_number"),
    *("phone_number_verified", "address", "updated_at"),
)
"""Claims that any ID token may have, about itself and the user (RFC 7519 4.1, OIDC Core 2, 5.1)."""

_NUMBERS = frozenset({int, float})
"""The number types of JSON. A bool is an int in Python, so types are compared exactly."""


def read_claims(payload: bytes) -> dict[str, Any]:
    """Parse the payload of a token (RFC 7519 4), at most 2,000 objects and arrays. Raises TokenMalformed."""
    # Counting bytes takes microseconds, parsing a payload full of brackets takes many milliseconds. Brackets within
    # strings count, too, but real claims are far below the limit.
    if payload.count(b"{") + payload.count(b"[") > MAX_BRACKETS:
        raise TokenMalformed(f"The token's claims must have at most {MAX_BRACKETS} objects and arrays.")
    try:
        return read_object(payload)
    except ValueError as error:
        raise TokenMalformed(f"The token's claims must be one JSON object: {error}.") from None


def format_claim(value: object) -> str:
    """Format a claim of a **verified** token for a message: printable ASCII, cut to 200 characters."""
    text = ascii(value)[:MAX_SHOWN]
    return text if isinstance(value, str | list) else type(value).__name__


def is_same_secret(one: str, other: str) -> bool:
    """Compare two secrets in constant time, so that the time does not reveal where they differ."""
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))


def require_string(claims: Claims, name: str) -> str:
    """Return a claim that must be a non-empty string. Raises ClaimInvalid."""
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise ClaimInvalid(f"{name} must be a non-empty string.", claim=name)
    return value


def require_subject(claims: Claims) -> None:
    """Require `sub`, with at most 255 characters (OIDC Core 2). Raises ClaimInvalid."""
    if len(require_string(claims, "sub")) > MAX_SUBJECT_LENGTH:
        raise ClaimInvalid(f"sub must be at most {MAX_SUBJECT_LENGTH} characters.", claim="sub")


def require_time(claims: Claims, name: str) -> float:
    """Return a claim that must be a NumericDate (RFC 7519 2), with or without a fraction. Raises ClaimInvalid."""
    # bool is excluded by the exact type, and NaN by the form of the comparison.
    value = claims.get(name)
    if type(value) not in _NUMBERS or not 0 <= cast(float, value) <= MAX_TIME:
        raise ClaimInvalid(f"{name} must be a number of seconds since 1970.", claim=name)
    return cast(float, value)


def require_past_time(claims: Claims, name: str, *, now: float, leeway: float) -> float:
    """Return a claim that must be a NumericDate not in the future. Raises ClaimInvalid."""
    time = require_time(claims, name)
    if not time <= now + leeway:
        message = f"{name} is {time - now:.0f} s in the future; the clocks differ by more than {_skew(leeway)}."
        raise ClaimInvalid(message, claim=name, seen=time, now=now)
    return time


def require_not_expired(claims: Claims, *, now: float, leeway: float) -> None:
    """Require `exp`, in the future (RFC 7519 4.1.4). Raises ClaimInvalid or TokenExpired."""
    expiry = require_time(claims, "exp")
    if not now < expiry + leeway:
        message = f"exp is {now - expiry:.0f} s in the past; the clocks may differ by {_skew(leeway)}."
        raise TokenExpired(message, claim="exp", seen=expiry, now=now)


def require_not_before(claims: Claims, *, now: float, leeway: float) -> None:
    """Require that `nbf`, if present, is not in the future (RFC 7519 4.1.5). Raises ClaimInvalid."""
    if "nbf" in claims:
        require_past_time(claims, "nbf", now=now, leeway=leeway)


def _skew(leeway: float) -> str:
    return f"OIDC_CLOCK_SKEW = {leeway:g} s"


def require_issued_recently(
    claims: Claims, *, now: float, leeway: float, within: float, setting: str | None = None
) -> None:
    """Require `iat`, at most `within` seconds ago (OIDC Core 3.1.3.7, 10). Raises ClaimInvalid.

    `setting` is the setting behind `within`, for the message.
    """
    issued = require_past_time(claims, "iat", now=now, leeway=leeway)
    if not now - issued <= within + leeway:
        most = f"{setting} = {within:g} s" if setting else f"{within:g} s"
        message = (
            f"iat is {now - issued:.0f} s in the past; at most {most} are accepted, and the clocks may differ by "
            f"{_skew(leeway)}."
        )
        raise ClaimInvalid(message, claim="iat", seen=issued, now=now)


def require_issuer(claims: Claims, issuer: str) -> None:
    """Require that `iss` is exactly `issuer` (OIDC Core 3.1.3.7, 2). Raises ClaimInvalid."""
    # No normalization: with it, two different issuers could be the same, and mix-up attacks would be possible.
    if claims.get("iss") != issuer:
        seen = format_claim(claims.get("iss"))
        message = f"iss must be {issuer!r}, the configured issuer, not {seen}."
        raise ClaimInvalid(message, claim="iss", expected=issuer, seen=seen)


def read_audience(claims: Claims) -> frozenset[str]:
    """Return the members of `aud`, a string or an array of strings (RFC 7519 4.1.3). Raises ClaimInvalid."""
    value = claims.get("aud")
    if isinstance(value, str) and value:
        return frozenset((value,))
    members = cast(list[object], value) if isinstance(value, list) else []
    if not members or not all(isinstance(member, str) and member for member in members):
        raise ClaimInvalid("aud must be a string or a list of strings, and not empty.", claim="aud")
    return frozenset(cast(list[str], members))


def require_audience(claims: Claims, expected: frozenset[str]) -> None:
    """Require that `aud` contains one of `expected` (RFC 7519 4.1.3). Raises ClaimInvalid."""
    if read_audience(claims).isdisjoint(expected):
        names, seen = ", ".join(sorted(expected)), format_claim(claims["aud"])
        raise ClaimInvalid(f"aud must contain {names}, not only {seen}.", claim="aud", expected=expected, seen=seen)
