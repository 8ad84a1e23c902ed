"""What an application reads of the user who is logged in."""

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
    "refused_after",
    "session_state",
    "userinfo",
)
OF_LOGIN = ("auth_time", "nonce", "sid")
"""Claims that an ID token of a refresh may lack: then they are those of the login."""
OF_REFRESH = ("auth_time", "nonce")
"""Those that must be those of the login when it has them (OIDC Core 12.2)."""


class UninitialisedSession(Exception):
    """There is no login in this session, and no provider was named to begin one."""


class UserSession:
    """The login kept in `session_storage`, any mutable mapping.

    With `provider_name`, the login at that provider: one at another provider is invisible, and is only replaced
    by `update`. Raises UninitialisedSession when there is no login and no provider is named.
    """

    def __init__(self, session_storage: MutableMapping[str, Any], provider_name: str | None = None) -> None:
        provider = provider_name or session_storage.get("current_provider")
        if not provider:
            raise UninitialisedSession("Nobody is logged in: name a provider, or guard the view with oidc_auth.")
        self._storage = session_storage
        self._provider: str = provider

    def _get(self, name: str) -> Any:
        ours = self._storage.get("current_provider") == self._provider
        return self._storage.get(name) if ours else None

    def is_authenticated(self) -> bool:
        return self.last_authenticated is not None

    def should_refresh(self, refresh_interval_seconds: float | None = None, *, now: float | None = None) -> bool:
        """Whether the login was last renewed more than `refresh_interval_seconds` ago; never when None."""
        last = self._get("last_renewal") or self._get("last_session_refresh")
        if refresh_interval_seconds is None or last is None:
            return False
        return bool(last + refresh_interval_seconds < (time.time() if now is None else now))

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
        """Keep what a login or a refresh brought; what is None stays as it was, but for what goes with it.

        `expires_in` is in seconds; `now` is the time of it, in seconds since the epoch. With `is_renewal=False` the
        login is no younger for it: tokens were refreshed, and nobody asked who the user is.
        """
        if self._storage.get("current_provider") != self._provider:
            self.clear()
        at = int(time.time() if now is None else now)
        # where no ID token says otherwise it is a refresh: nobody authenticated
        authenticated = (id_token or {}).get("auth_time", self.last_authenticated)
        if access_token is not None:
            self._forget("access_token_expires_at")
        of_login = self._get("of_login")
        if id_token is not None or id_token_jwt is not None:
            former, new = self.claims_of_login or {}, id_token or {}
            # A refresh is of the former login, and so are the ID tokens that later ones will bring. The same if a
            # login brings no refresh token and the former one stays.
            is_of_former = not is_renewal or (
                self.refresh_token is not None and refresh_token in (None, self.refresh_token)
            )
            stays = OF_REFRESH if is_of_former else ()
            lacking = [
                name for name in OF_LOGIN if name not in new or (name in stays and new[name] != former.get(name))
            ]
            of_login = {name: former[name] for name in lacking if name in former}
            self._forget("id_token", "id_token_jwt", "of_login")
        news = {
            "current_provider": self._provider,
            "last_authenticated": at if authenticated is None else authenticated,
            "last_renewal": at if is_renewal else None,
            "last_session_refresh": at,
            "access_token": access_token,
            "access_token_expires_at": None if expires_in is None else at + expires_in,
            # the claims are inside the JWT: kept once, they don't fill the cookie twice
            "id_token": dict(id_token) if id_token and not id_token_jwt else None,
            "id_token_jwt": id_token_jwt,
            "of_login": of_login or None,
            "userinfo": dict(userinfo) if userinfo else None,
            "refresh_token": refresh_token,
        }
        self._storage.update({name: value for name, value in news.items() if value is not None})

    def clear(self) -> None:
        self._forget(*KEYS)

    def _forget(self, *names: str) -> None:
        for name in names:
            # pop() of such a mapping raises and catches an error for what is not there
            if name in self._storage:
                del self._storage[name]

    @property
    def access_token(self) -> str | None:
        value: str | None = self._get("access_token")
        return value

    @property
    def access_token_expires_at(self) -> float | None:
        """Seconds since the epoch, as far as the provider said it."""
        value: float | None = self._get("access_token_expires_at")
        return value

    @property
    def refresh_token(self) -> str | None:
        value: str | None = self._get("refresh_token")
        return value

    @property
    def id_token(self) -> dict[str, Any] | None:
        """The claims of the ID token, verified at login."""
        if jwt := self.id_token_jwt:
            return read_object(parse_compact(jwt).payload)
        claims: dict[str, Any] | None = self._get("id_token")
        return claims

    @property
    def claims_of_login(self) -> dict[str, Any] | None:
        """The claims of the ID token, with those of the login that the refresh token is of (OIDC Core 12.2)."""
        claims = self.id_token
        return None if claims is None else {**claims, **(self._get("of_login") or {})}

    @property
    def id_token_jwt(self) -> str | None:
        value: str | None = self._get("id_token_jwt")
        return value

    @property
    def userinfo(self) -> dict[str, Any] | None:
        value: dict[str, Any] | None = self._get("userinfo")
        return value

    @property
    def current_provider(self) -> str:
        return self._provider

    @property
    def last_authenticated(self) -> float | None:
        """When the user authenticated, in seconds since the epoch."""
        value: float | None = self._get("last_authenticated")
        return value
