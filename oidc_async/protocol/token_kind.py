"""Tells access tokens from other tokens of the same provider, by their claims.

RFC 9068 defines a `typ` in the header of access tokens, but many providers don't set it. Then the claims must be
checked, because ID tokens, refresh tokens and access tokens are signed with the same keys.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, cast

from oidc_async.errors import ClaimInvalid, ConfigurationError

from .claims import STANDARD_CLAIMS, Claims, format_claim

KIND_CLAIMS = ("typ", "token_use", "token_type")
"""Claims with the kind of a token: of Keycloak, Amazon Cognito, and RFC 7662 (and others that use its name)."""

OTHER_KINDS = frozenset(
    {"id", "serialized_id", "refresh", "offline", "logout", "initialaccess", "registrationaccess"}
)
"""Kinds that are not access tokens, in lower case and without the suffix `token`."""

ID_TOKEN_ONLY_CLAIMS = ("nonce", "at_hash", "c_hash", "s_hash", "events")
"""Claims that access tokens never have."""

ID_TOKEN_CLAIMS = frozenset({*STANDARD_CLAIMS, *ID_TOKEN_ONLY_CLAIMS, "azp"})
"""Claims that any provider may add to ID tokens (OIDC Core 2, 5.1)."""

COMMON_ID_TOKEN_CLAIMS = ID_TOKEN_CLAIMS | {"roles", "groups"}
"""Claims that ID tokens commonly have, so that they can't identify an access token."""

MarkValue = Literal[True] | str | Collection[str]
Marks = Mapping[str | tuple[str, ...], MarkValue]


def require_no_other_kind(claims: Claims) -> None:
    """Raise ClaimInvalid if a claim identifies an ID token, a refresh token or a logout token.

    No setting disables this: such a token is never meant for an API.
    """
    for name in KIND_CLAIMS:
        value = claims.get(name)
        if value is None:
            continue
        if not isinstance(value, str):
            raise ClaimInvalid(f"{name} must be a string, not a {format_claim(value)}.", claim=name)
        if _kind(value) in OTHER_KINDS:
            raise ClaimInvalid(
                f"{name} is {format_claim(value)}: this is not an access token.", claim=name, seen=value
            )


def _kind(value: str) -> str:
    # RFC 8693 3 names the kinds by URN: urn:ietf:params:oauth:token-type:refresh_token
    # The names differ in case, in separators and in the suffix: "Refresh", "refresh_token", "refresh-token".
    word = value.strip().lower().rpartition(":")[2].replace("-", "_")
    return word.removesuffix("token").rstrip("_")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessTokenMark:
    """A claim that only the access tokens of a provider have, and not its ID tokens.

    Args:
        names: claims of which the token must have at least one.
        values: the accepted values; None accepts any non-empty string or array of strings.
    """

    names: tuple[str, ...]
    values: frozenset[str] | None = None

    def is_in(self, claims: Claims) -> bool:
        return any(self._fits(claims.get(name)) for name in self.names)

    def __str__(self) -> str:
        names = " or ".join(self.names)
        return names if self.values is None else f"{names}={' or '.join(sorted(self.values))}"

    def _fits(self, value: object) -> bool:
        if self.values is not None:
            return isinstance(value, str) and value in self.values
        texts: list[object] = cast("list[object]", value) if isinstance(value, list) else [value]
        return bool(texts) and all(isinstance(text, str) and bool(text.strip()) for text in texts)


def require_marks(claims: Claims, marks: tuple[AccessTokenMark, ...]) -> None:
    """Require that the claims have all marks of an access token. Raises ClaimInvalid."""
    for mark in marks:
        if not mark.is_in(claims):
            raise ClaimInvalid(
                f"{mark} is required by access_token_marks: without it, this may be an ID token.",
                claim=mark.names[0],
            )


def read_marks(marks: object) -> tuple[AccessTokenMark, ...]:
    """Read the setting access_token_marks.

    Args:
        marks: maps a claim, or a tuple of alternative claims, to the accepted values: True for any string, a string,
            or a collection of strings.

    Raises:
        ConfigurationError: the setting is malformed, or ID tokens may have all of the marks.
    """
    if not isinstance(marks, Mapping) or not marks:
        raise ConfigurationError('access_token_marks must be a non-empty mapping, such as {"token_use": "access"}.')
    read = tuple(_read_mark(key, value) for key, value in cast("Mapping[object, object]", marks).items())
    if not _has_azp_and_grants(read) and not any(COMMON_ID_TOKEN_CLAIMS.isdisjoint(mark.names) for mark in read):
        raise ConfigurationError(
            f"access_token_marks needs a claim that ID tokens don't have: {', '.join(map(str, read))} may be in both."
        )
    return read


def _has_azp_and_grants(marks: Collection[AccessTokenMark]) -> bool:
    # Some providers add azp to ID tokens, and some add roles, but hardly any adds both.
    has_azp = any("azp" in mark.names for mark in marks)
    return has_azp and any(ID_TOKEN_CLAIMS.isdisjoint(mark.names) for mark in marks)


def _read_mark(key: object, value: object) -> AccessTokenMark:
    names = cast("tuple[object, ...]", (key,) if isinstance(key, str) else key if isinstance(key, tuple) else ())
    if not names or not all(isinstance(name, str) and name for name in names):
        raise ConfigurationError("access_token_marks must name a claim, or a tuple of claims, for each mark.")
    texts = cast("tuple[str, ...]", names)
    if value is True:
        if not set(texts).isdisjoint(KIND_CLAIMS):
            raise ConfigurationError(
                f"access_token_marks must have a value for {', '.join(texts)}, such as access or Bearer."
            )
        return AccessTokenMark(names=texts)
    return AccessTokenMark(names=texts, values=_read_values(texts, value))


def _read_values(names: tuple[str, ...], value: object) -> frozenset[str]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, Collection) or isinstance(values, Mapping | bytes) or not values:
        raise ConfigurationError(
            f"access_token_marks must map {', '.join(names)} to True, a string, or several strings."
        )
    texts = cast("Collection[object]", values)
    if not all(isinstance(text, str) and text for text in texts):
        raise ConfigurationError(
            f"access_token_marks must map {', '.join(names)} to True, a string, or several strings."
        )
    read = frozenset(cast("Collection[str]", texts))
    if not set(names).isdisjoint(KIND_CLAIMS) and any(_kind(text) in OTHER_KINDS for text in read):
        raise ConfigurationError(f"access_token_marks must not accept {', '.join(sorted(read))} as access tokens.")
    return read
