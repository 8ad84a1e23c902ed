"""A login that another site asks for, as it came with the browser (OIDC Core 4)."""

from dataclasses import dataclass, field

from oidc_async.errors import DuplicateParameter, LoginRequestInvalid

from .authorization import MAX_PARAMETERS, read_pairs

MAX_LENGTH = 16_384
MAX_HINT_BYTES = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ThirdPartyLogin:
    """What the other site says: nothing of it is to be trusted."""

    iss: str
    login_hint: str | None = field(default=None, repr=False)
    target_link_uri: str | None = field(default=None, repr=False)


def read_third_party_login(encoded: str) -> ThirdPartyLogin:
    """The three parameters that there are, of a query or a form body; all others are left alone.

    A parameter without a value counts as missing (RFC 6749 3.1).
    Raises LoginRequestInvalid, or DuplicateParameter when one of the three occurs twice.
    """
    pairs = read_pairs(encoded) if len(encoded) <= MAX_LENGTH and encoded.isascii() else None
    if pairs is None:
        raise LoginRequestInvalid(
            f"A request for a login has at most {MAX_LENGTH} characters and {MAX_PARAMETERS} parameters, "
            "form-encoded in UTF-8."
        )
    iss, login_hint = _value(pairs, "iss"), _value(pairs, "login_hint")
    if iss is None:
        raise LoginRequestInvalid("iss is missing: it tells at which provider to log in.", parameter="iss")
    if login_hint is not None and len(login_hint.encode()) > MAX_HINT_BYTES:
        raise LoginRequestInvalid(f"login_hint must have at most {MAX_HINT_BYTES} bytes.", parameter="login_hint")
    return ThirdPartyLogin(iss=iss, login_hint=login_hint, target_link_uri=_value(pairs, "target_link_uri"))


def _value(pairs: list[tuple[str, str]], name: str) -> str | None:
    values = [value for given, value in pairs if given == name]
    if len(values) > 1:
        raise DuplicateParameter(f"{name} occurs twice in the request for a login.")
    return (values or [""])[0] or None
