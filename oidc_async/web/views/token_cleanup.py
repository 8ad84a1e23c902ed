"""The tokens of a session that has ended: what is still remembered of them is forgotten."""

from typing import TYPE_CHECKING

from oidc_async.web.sessions.user_session import UserSession

# it uses this
if TYPE_CHECKING:
    from oidc_async.web.application import WebApplication


async def forget_tokens(application: "WebApplication", user: UserSession) -> None:
    """Forget what was found out about the access token, and what the refresh token was exchanged for.

    `user` is the session as it was. Nothing fails here, whoever is down: what couldn't be forgotten ends by itself,
    after OIDC_TOKEN_CACHE_SECONDS in other processes and REPLAY_SECONDS in the store.
    """
    if (access_token := user.access_token) is not None:
        # those of other providers may have been asked about it, too
        for name in application.token_providers:
            await application.resource_servers[name].forget(access_token)
    client = application.clients.get(user.current_provider)
    if client is not None and (refresh_token := user.refresh_token) is not None:
        await client.forget(refresh_token)
