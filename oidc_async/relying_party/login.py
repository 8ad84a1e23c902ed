"""A login: its authentication request, the pending login of a browser, and the result."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from oidc_async.errors import LoginExpired
from oidc_async.protocol.response_type import ResponseMode
from oidc_async.protocol.token import TokenResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingLogin:
    """A login that was begun. Keep it for this browser only, until its authorization response arrives.

    Attributes:
        state: binds the response to this browser.
        nonce: binds the ID token to this login.
        code_verifier: proves to the token endpoint that this client began the login (PKCE, RFC 7636).
        issuer: the provider that must send the response.
        redirect_uri: where the response goes.
        response_type: what the response must contain.
        response_mode: how the response is sent.
        max_age: seconds since the user authenticated, at most; None if they were not limited.
        acr_values: one of these must be the `acr` of the ID token; empty if any is accepted.
        subjects: one of these must be the `sub` of the ID token; empty if any is accepted.
        requires_auth_time: whether the ID token must have `auth_time`.
        begun_at: seconds since the epoch.
    """

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)
    issuer: str
    redirect_uri: str
    response_type: str
    response_mode: ResponseMode
    max_age: float | None
    acr_values: tuple[str, ...]
    subjects: tuple[str, ...]
    requires_auth_time: bool
    begun_at: float

    def to_dict(self) -> dict[str, Any]:
        """Return the values by name. They can be encoded as JSON."""
        # Not asdict(), which would copy each of these immutable values.
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Create it from the result of `to_dict`. Raises LoginExpired for that of another version of oidc_async."""
        try:
            lists = {name: tuple(values[name]) for name in ("acr_values", "subjects")}
            known: dict[str, Any] = {**values, **lists}
            return cls(**known)
        except (KeyError, TypeError):
            raise LoginExpired("The login was begun with another version of oidc_async. Begin it again.") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """An authentication request (OIDC Core 3.1.2.1).

    Attributes:
        url: where to send the browser.
        pending: what to keep for this browser until its response arrives.
        request_object: with `request_object="reference"`, a JWT for the provider. Serve it at `request_uri` as
            `application/oauth-authz-req+jwt` for as long as the login may take (RFC 9101 5.2).
        request_uri: the URL of `request_object`.
    """

    url: str = field(repr=False)
    pending: PendingLogin
    request_object: str | None = field(default=None, repr=False)
    request_uri: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """The result of a login, all of which is verified except `session_state`.

    Attributes:
        tokens: the token response; for response types without `code`, the tokens of the authorization response.
        id_token: the claims of the ID token.
        userinfo: the UserInfo claims; None if they were not requested.
        session_state: the state of the session at the provider (OIDC Session Management 1.0, 2). It passes through
            the browser without any protection.
    """

    tokens: TokenResponse
    id_token: Mapping[str, Any] = field(repr=False)
    userinfo: Mapping[str, Any] | None = field(default=None, repr=False)
    session_state: str | None = field(default=None, repr=False)

    @property
    def access_token(self) -> str | None:
        """The access token; None for response_type=id_token."""
        return self.tokens.get("access_token")

    @property
    def id_token_jwt(self) -> str:
        """The ID token as a signed JWT, which `id_token_hint` of a logout takes."""
        return str(self.tokens["id_token"])
