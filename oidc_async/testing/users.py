"""The users of a simulated provider, their sessions, and the user of the browser."""

import threading
from collections.abc import Mapping
from typing import Any, Final

from .registry import Registry, User


class CurrentUser:
    """Placeholder for the value of `provider.user`."""


CURRENT_USER: Final = CurrentUser()


class Users:
    """The part of a provider that manages users.

    `user` is the first one that was added, or the username that you set; None if nobody is logged in.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry, self._lock = registry, threading.RLock()
        self.user: str | None = None

    def add_user(
        self,
        username: str,
        *,
        password: str = "password",
        sub: str | None = None,
        claims: Mapping[str, Any] | None = None,
        id_token_claims: Mapping[str, Any] | None = None,
    ) -> User:
        """Add a user.

        Args:
            username: the name to log in with.
            password: the password on the login page.
            sub: the subject identifier, the username by default.
            claims: claims for userinfo; standard claims need their scope.
            id_token_claims: claims for every ID token.
        """
        user = User(
            username=username,
            sub=sub or username,
            password=password,
            claims=dict(claims or {}),
            id_token_claims=dict(id_token_claims or {}),
        )
        with self._lock:
            self._registry.users[username] = user
            self.user = self.user or username
        return user

    def is_password(self, username: str, password: str) -> bool:
        user = self._registry.users.get(username)
        return user is not None and user.password == password

    def sign_in(self, username: str) -> None:
        """Start a new session at the provider, with a new `sid` and `auth_time`."""
        with self._lock:
            self._registry.sign_in(username)

    def sign_out(self, username: str) -> None:
        """End the session at the provider; `prompt=none` then gets login_required."""
        with self._lock:
            self._registry.sign_out(username)

    def is_login_older_than(self, username: str, max_age: str | None) -> bool:
        session = self._registry.sessions.get(username)
        return session is None or self._registry.is_older_than(session, max_age)

    def present(self, user: str | CurrentUser | None) -> str | None:
        """Return the username; `CURRENT_USER` is replaced by `self.user`."""
        return self.user if isinstance(user, CurrentUser) else user
