"""Invalidates what is cached about the tokens of a session that has ended."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from oidc_async.relying_party.relying_party import AsyncRelyingParty
from oidc_async.resource_server.resource_server import AsyncResourceServer

from .user_session import UserSession


@dataclass(frozen=True, slots=True)
class SessionTokens:
    """The caches that may hold the tokens of a session.

    Args:
        clients: The relying parties by provider name.
        resource_servers: The resource servers by provider name.
        providers: The names of the providers whose access tokens views accept. It may grow later, as views are
            decorated.
    """

    clients: Mapping[str, AsyncRelyingParty]
    resource_servers: Mapping[str, AsyncResourceServer]
    providers: Collection[str]

    async def invalidate(self, user: UserSession) -> None:
        """Invalidate the cached access token, and the cached refresh, of the session as it was.

        It never fails, even if the store is down: an entry that remains expires by itself, after
        OIDC_TOKEN_CACHE_SECONDS in other processes and after REPLAY_SECONDS in the store.
        """
        if (access_token := user.access_token) is not None:
            # The token may be cached for every provider of a view, not only for the one that issued it.
            for name in self.providers:
                await self.resource_servers[name].forget(access_token)
        client = self.clients.get(user.current_provider)
        if client is not None and (refresh_token := user.refresh_token) is not None:
            await client.forget(refresh_token)
