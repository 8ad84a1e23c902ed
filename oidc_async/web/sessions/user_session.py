"""The session as an application sees it: tokens, claims and times of the user who is logged in."""

import time
from collections.abc import Mapping, MutableMapping
from typing import Any

from oidc_async.protocol.jose.jws import parse_compact
from oidc_async.protocol.strict_json import read_object

KEYS = (
    "access_token",
    "access_token_expires_at",
    "current_provider",
    "id_token",
    "id_token_jwt",
    "last_authenticated",
    "last_renewal",
    "last_session_refresh",
    "login_state",
    "of_login",
    "refresh_token",
    "rejected_after",
    "session_state",
    "userinfo",
)
CLAIMS_OF_LOGIN = ("auth_time", "nonce", "sid")
"""Claims that the ID token of a refresh may omit: those of the login then still apply."""
CLAIMS_THAT_STAY = ("auth_time", "nonce")
"""Claims that the ID token of a refresh must repeat unchanged if it has them (OIDC Core 12.2)."""


class UninitialisedSession(Exception):
    """The session has no login, and no provider was named."""


class UserSession:
    """The login that `session_storage` holds.

    With `provider_name` it is the login at that provider. A login at another provider is invisible then; only
    `update` replaces it.

    Args:
        session_storage: `flask.session`, `quart.session` or any other mutable mapping.
        provider_name: The name of a provider; the one of the present login if None.

    Raises:
        UninitialisedSession: Nobody is logged in and no provider was named.
    """

    def __init__(self, session_storage: MutableMapping[str, Any], provider_name: str | None = None) -> None:
        provider = provider_name or session_storage.get("current_provider")
        if not provider:
            raise UninitialisedSession(
                "Nobody is logged in. Name a provider, or protect the view with the decorator oidc_auth."
            )
        self._storage = session_storage
        self._provider: str = provider

    def _get(self, name: str) -> Any:
        is_current = self._storage.get("current_provider") == self._provider
        return self._storage.get(name) if is_current else None

    def is_authenticated(self) -> bool:
        """Whether the user is logged in at the provider."""
        return self.last_authenticated is not None

    def should_refresh(self, refresh_interval_seconds: float | None = None, *, now: float | None = None) -> bool:
        """Whether the login was last renewed more than `refresh_interval_seconds` ago; False if that is None."""
        last = self._get("last_renewal") or self._get("last_session_refresh")
        if refresh_interval_seconds is None or last is None:
            return False
        return bool(last + refresh_interval_seconds < _now_unless(now))

    def update(
        self,
        *,
        access_token: str | None = None,
        expires_in: float | None = None,
        id_token: Mapping[str, Any] | None = None,
        id_token_jwt: str | None = None,
        userinfo: Mapping[str, Any] | None = None,
        refresh_token: str | None = None,
        now: float | None = None,
        is_renewal: bool = True,
    ) -> None:
        """Store the result of a login or a refresh. Values that are None are left as they are.

        A new access token removes the expiry of the former one, and a new ID token replaces its claims and its JWT.
        A login at another provider is removed first.

        Args:
            access_token: The access token.
            expires_in: The lifetime of the access token, in seconds.
            id_token: The claims of the ID token.
            id_token_jwt: The ID token itself.
            userinfo: The claims of the userinfo response.
            refresh_token: The refresh token.
            now: When the tokens were received, in seconds since 1970.
            is_renewal: Whether the provider authenticated or recognised the user. False for a refresh of tokens,
                which does not postpone the next renewal of the session.
        """
        if self._storage.get("current_provider") != self._provider:
            self.clear()
        at = int(_now_unless(now))
        last_authenticated = self._time_of_authentication(id_token, at)
        if access_token is not None:
            self._remove("access_token_expires_at")
        claims_of_login = self._get("of_login")
        if id_token is not None or id_token_jwt is not None:
            belongs_to_former = not is_renewal or self._keeps_refresh_token(refresh_token)
            claims_of_login = self._claims_of_former_login(id_token or {}, belongs_to_former=belongs_to_former)
            self._remove("id_token", "id_token_jwt", "of_login")
        self._set(
            current_provider=self._provider,
            last_authenticated=last_authenticated,
            last_renewal=at if is_renewal else None,
            last_session_refresh=at,
            access_token=access_token,
            access_token_expires_at=None if expires_in is None else at + expires_in,
            # The JWT contains the claims. Storing them twice would fill the cookie.
            id_token=dict(id_token) if id_token and not id_token_jwt else None,
            id_token_jwt=id_token_jwt,
            of_login=claims_of_login,
            userinfo=dict(userinfo) if userinfo else None,
            refresh_token=refresh_token,
        )

    def _time_of_authentication(self, id_token: Mapping[str, Any] | None, at: int) -> float:
        """Return `auth_time`, else the time that is known from before: a refresh authenticates nobody."""
        authenticated: float | None = (id_token or {}).get("auth_time", self.last_authenticated)
        return at if authenticated is None else authenticated

    def _keeps_refresh_token(self, refresh_token: str | None) -> bool:
        """Whether the session keeps its refresh token because a login returned none, or the same one."""
        return self.refresh_token is not None and refresh_token in (None, self.refresh_token)

    def _claims_of_former_login(self, new: Mapping[str, Any], *, belongs_to_former: bool) -> dict[str, Any] | None:
        """Return those claims of the former login that apply although the new ID token does not have them.

        A refresh belongs to the login of its refresh token, and later refreshes are compared with that login. The
        same holds for a renewal that leaves the former refresh token in place. So their `auth_time` and `nonce` are
        kept even if the new ID token has other ones.
        """
        former = self.claims_of_login or {}
        stay = CLAIMS_THAT_STAY if belongs_to_former else ()
        missing = [
            name for name in CLAIMS_OF_LOGIN if name not in new or (name in stay and new[name] != former.get(name))
        ]
        return {name: former[name] for name in missing if name in former} or None

    def _set(self, **values: Any) -> None:
        self._storage.update({name: value for name, value in values.items() if value is not None})

    def clear(self) -> None:
        """End the login: remove everything that belongs to it."""
        self._remove(*KEYS)

    def _remove(self, *names: str) -> None:
        for name in names:
            # pop() of a mutable mapping raises and catches an error for each missing name.
            if name in self._storage:
                del self._storage[name]

    @property
    def access_token(self) -> str | None:
        """The access token."""
        value: str | None = self._get("access_token")
        return value

    @property
    def access_token_expires_at(self) -> float | None:
        """When the access token expires, in seconds since 1970; None if the provider did not say it."""
        value: float | None = self._get("access_token_expires_at")
        return value

    @property
    def refresh_token(self) -> str | None:
        """The refresh token."""
        value: str | None = self._get("refresh_token")
        return value

    @property
    def id_token(self) -> dict[str, Any] | None:
        """The claims of the ID token, which was verified at login."""
        if jwt := self.id_token_jwt:
            return read_object(parse_compact(jwt).payload)
        claims: dict[str, Any] | None = self._get("id_token")
        return claims

    @property
    def claims_of_login(self) -> dict[str, Any] | None:
        """The claims of the ID token, with those of the login that the refresh token belongs to (OIDC Core 12.2)."""
        claims = self.id_token
        return None if claims is None else {**claims, **(self._get("of_login") or {})}

    @property
    def id_token_jwt(self) -> str | None:
        """The ID token as a signed JWT."""
        value: str | None = self._get("id_token_jwt")
        return value

    @property
    def userinfo(self) -> dict[str, Any] | None:
        """The claims of the userinfo response."""
        value: dict[str, Any] | None = self._get("userinfo")
        return value

    @property
    def current_provider(self) -> str:
        """The name of the provider."""
        return self._provider

    @property
    def last_authenticated(self) -> float | None:
        """When the user authenticated, in seconds since 1970; None if nobody is logged in."""
        value: float | None = self._get("last_authenticated")
        return value


def _now_unless(now: float | None) -> float:
    return time.time() if now is None else now
