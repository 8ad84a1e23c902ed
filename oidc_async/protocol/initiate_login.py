"""Third-party-initiated login: the request of another site (OIDC Core 4)."""

from dataclasses import dataclass, field

from oidc_async.errors import DuplicateParameter, LoginRequestInvalid

from .authorization import MAX_PARAMETERS, read_pairs

MAX_LENGTH = 16_384
MAX_HINT_BYTES = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ThirdPartyLogin:
    """The parameters of a third-party-initiated login, **not trusted**: any site can send them."""

    iss: str
    login_hint: str | None = field(default=None, repr=False)
    target_link_uri: str | None = field(default=None, repr=False)


def read_third_party_login(encoded: str) -> ThirdPartyLogin:
    """Read the three parameters from a query or a form body; other parameters are ignored.

    A parameter without a value is the same as a missing one (RFC 6749 3.1).

    Args:
        encoded: the query or the body, form-encoded.

    Raises:
        LoginRequestInvalid: the request is malformed or has no `iss`.
        DuplicateParameter: one of the three parameters occurs twice.
    """
    pairs = read_pairs(encoded) if len(encoded) <= MAX_LENGTH and encoded.isascii() else None
    if pairs is None:
        raise LoginRequestInvalid(
            f"A third-party-initiated login must have at most {MAX_LENGTH} characters and {MAX_PARAMETERS} "
            "parameters, form-encoded in UTF-8."
        )
    iss, login_hint = _value(pairs, "iss"), _value(pairs, "login_hint")
    if iss is None:
        raise LoginRequestInvalid("iss is missing: it names the provider to log in at.", parameter="iss")
    if login_hint is not None and len(login_hint.encode()) > MAX_HINT_BYTES:
        raise LoginRequestInvalid(f"login_hint must have at most {MAX_HINT_BYTES} bytes.", parameter="login_hint")
    return ThirdPartyLogin(iss=iss, login_hint=login_hint, target_link_uri=_value(pairs, "target_link_uri"))


def _value(pairs: list[tuple[str, str]], name: str) -> str | None:
    values = [value for given, value in pairs if given == name]
    if len(values) > 1:
        raise DuplicateParameter(f"{name} occurs twice in the third-party-initiated login.")
    return (values or [""])[0] or None
