"""What an application makes of a login before its session begins: it lets it, refuses it, or leads it elsewhere."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, fields
from typing import Any, Self

from oidc_async.errors import ConfigurationError
from oidc_async.relying_party.login import Login

from .http.return_path import is_same_origin_path


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLogin(Login):
    """A login whose every part was verified, and whose session has not begun.

    Parameters:
        provider: the name under which its provider is configured.
        return_path: where the browser goes afterwards: the page at which the login began.
    """

    provider: str
    return_path: str = field(repr=False)

    @classmethod
    def of(cls, login: Login, provider: str, return_path: str) -> Self:
        verified: dict[str, Any] = {part.name: getattr(login, part.name) for part in fields(login)}
        return cls(**verified, provider=provider, return_path=return_path)


async def path_after(login: NewLogin, hook: Callable[[NewLogin], Awaitable[object]]) -> str:
    """Where the browser goes after `login`, by the application's `hook`.

    Raises what the hook raises, and ConfigurationError when it names a place that isn't the application's.
    """
    path = await hook(login)
    if path is None:
        return login.return_path
    if not isinstance(path, str) or not is_same_origin_path(path):
        raise ConfigurationError(
            "What after_login returns must be None or a path of this host, encoded, as url_for('page') gives it: it "
            "begins with one slash, and has no host, space or character outside ASCII."
        )
    return path
