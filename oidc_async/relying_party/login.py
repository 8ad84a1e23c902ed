"""A login, from the browser's departure to what it brings back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from oidc_async.errors import LoginExpired
from oidc_async.protocol.token import TokenResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingLogin:
    """A login that was begun. Keep it for this browser only, until the provider sends the browser back."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)
    issuer: str
    redirect_uri: str
    response_type: str
    response_mode: str
    max_age: float | None
    acr_values: tuple[str, ...]
    subjects: tuple[str, ...]
    requires_auth_time: bool
    begun_at: float

    def to_dict(self) -> dict[str, Any]:
        # asdict() would copy each value, all of which are immutable
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """From what `to_dict` gave, also by way of JSON. Raises LoginExpired for that of another version."""
        try:
            lists = {name: tuple(values[name]) for name in ("acr_values", "subjects")}
            known: dict[str, Any] = {**values, **lists}
            return cls(**known)
        except (KeyError, TypeError):
            raise LoginExpired("The login was begun with another version of oidc_async. Begin it again.") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """Where to send the browser, and what to remember of it until it comes back.

    With `request_object="reference"` the provider asks for `request_object` at `request_uri`: serve it there as
    `application/oauth-authz-req+jwt` for as long as the login may take (RFC 9101 5.2).
    """

    url: str = field(repr=False)
    pending: PendingLogin
    request_object: str | None = field(default=None, repr=False)
    request_uri: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A login whose every part was verified.

    `tokens` are those of the token endpoint; with a response type without `code`, those that came by the browser.
    `session_state` came by the browser too, and nobody vouches for it (OIDC Session Management 1.0, 2).
    """

    tokens: TokenResponse
    id_token: Mapping[str, Any] = field(repr=False)
    userinfo: Mapping[str, Any] | None = field(default=None, repr=False)
    session_state: str | None = field(default=None, repr=False)

    @property
    def access_token(self) -> str | None:
        """None when response_type=id_token asked for none."""
        return self.tokens.get("access_token")

    @property
    def id_token_jwt(self) -> str:
        return str(self.tokens["id_token"])
