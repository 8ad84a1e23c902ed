"""The hook `after_login`: an application accepts, rejects or redirects a login before its session starts."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, fields
from typing import Any, Self

from oidc_async.errors import ConfigurationError
from oidc_async.relying_party.login import Login

from .http.return_path import is_same_origin_path


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLogin(Login):
    """A verified login whose session has not started yet.

    Attributes:
        provider: The name of its provider in the configuration.
        return_path: The path to which the browser returns: the page at which the login was started.
    """

    provider: str
    return_path: str = field(repr=False)

    @classmethod
    def of(cls, login: Login, provider: str, return_path: str) -> Self:
        """Add the provider and the return URL to a verified login."""
        verified: dict[str, Any] = {part.name: getattr(login, part.name) for part in fields(login)}
        return cls(**verified, provider=provider, return_path=return_path)


async def path_after(login: NewLogin, hook: Callable[[NewLogin], Awaitable[object]]) -> str:
    """Call the hook and return the path to redirect the browser to.

    Raises:
        ConfigurationError: The hook returned something else than None or a path of this host.
        Exception: Any exception of the hook.
    """
    path = await hook(login)
    if path is None:
        return login.return_path
    if not isinstance(path, str) or not is_same_origin_path(path):
        raise ConfigurationError(
            "after_login must return None or an encoded path of this host, as url_for('page') returns it: with one "
            "slash at its beginning, and without a host, a space or a character outside ASCII."
        )
    return path
