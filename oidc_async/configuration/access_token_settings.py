"""The settings that decide which access tokens an API accepts, and their checks."""

from collections.abc import Collection, Mapping
from typing import Literal, Protocol, cast

from oidc_async.errors import ConfigurationError
from oidc_async.protocol.access_grant import CLIENT_CLAIMS
from oidc_async.protocol.access_token import ALLOWED_ALGORITHMS
from oidc_async.protocol.token_kind import AccessTokenMark, Marks, read_marks
from oidc_async.protocol.uri import is_encodable

Verification = Literal["introspection", "jwt", "auto"]
AudienceClaim = Literal["aud", "client_id", "azp", "appid", "cid"]
AUDIENCE_CLAIMS = ("aud", *CLIENT_CLAIMS)

ACCESS_TOKEN_USE = (AccessTokenMark(names=("token_use",), values=frozenset({"access"})),)
"""The mark that is required if `audience_claim` names a client: ID tokens of some providers have that claim too."""


class AccessTokenSettings(Protocol):
    """The settings of a ProviderConfiguration that concern access tokens."""

    @property
    def audience(self) -> str | Collection[str] | None: ...

    @property
    def audience_claim(self) -> AudienceClaim: ...

    @property
    def enforce_audience(self) -> bool: ...

    @property
    def access_token_verification(self) -> Verification: ...

    @property
    def access_token_algorithms(self) -> tuple[str, ...]: ...

    @property
    def accept_untyped_access_tokens(self) -> bool: ...

    @property
    def access_token_marks(self) -> Marks | None: ...

    @property
    def access_token_clients(self) -> str | Collection[str] | None: ...

    @property
    def access_token_subjects(self) -> str | Collection[str] | None: ...


def require_access_token_settings(settings: AccessTokenSettings) -> None:
    """Check that settings fit together, have an effect, and limit tokens."""
    if not settings.access_token_algorithms or not set(settings.access_token_algorithms) <= set(ALLOWED_ALGORITHMS):
        raise ConfigurationError(
            f"access_token_algorithms must be a tuple of some of {', '.join(ALLOWED_ALGORITHMS)}."
        )
    for name in ("audience", "access_token_clients", "access_token_subjects"):
        accepted_names(name, getattr(settings, name))
    _require_audience(settings)
    if settings.audience_claim != "aud" and settings.access_token_verification != "jwt":
        raise ConfigurationError(
            f'audience_claim="{settings.audience_claim}" needs access_token_verification="jwt": in an introspection '
            "response it may name the client that asked."
        )
    if settings.access_token_marks is not None:
        read_marks(settings.access_token_marks)
        if not settings.accept_untyped_access_tokens or settings.access_token_verification == "introspection":
            raise ConfigurationError(
                'access_token_marks needs accept_untyped_access_tokens=True, and access_token_verification "jwt" or '
                '"auto": a token that says in typ that it is an access token needs no other mark.'
            )


def _require_audience(settings: AccessTokenSettings) -> None:
    if settings.audience is not None and not settings.enforce_audience:
        raise ConfigurationError("audience is not checked with enforce_audience=False: set one of them.")
    if settings.audience is None and settings.access_token_verification == "jwt":
        raise ConfigurationError(
            'access_token_verification="jwt" needs audience: no other setting limits tokens to this API.'
        )


def accepted_names(setting: str, value: object) -> frozenset[str] | None:
    """Return one or several strings as a set, or None if nothing is set.

    Raises:
        ConfigurationError: a string is empty, or there is none.
    """
    if value is None:
        return None
    names: object = [value] if isinstance(value, str) else value
    # Of a mapping only the keys would be used, and the values ignored.
    is_usable = isinstance(names, Collection) and not isinstance(names, Mapping | bytes)
    members = list(cast("Collection[object]", names)) if is_usable else []
    if not members or not all(is_encodable(member) and member for member in members):
        raise ConfigurationError(f"{setting} must be a string, or a set of strings, and not empty.")
    return frozenset(cast("list[str]", members))


def accepted_marks(settings: AccessTokenSettings) -> tuple[AccessTokenMark, ...]:
    """Return what distinguishes access tokens without a type from ID tokens.

    It is empty if their audience distinguishes them.
    """
    if settings.access_token_marks is not None:
        return read_marks(settings.access_token_marks)
    return () if settings.audience_claim == "aud" else ACCESS_TOKEN_USE
