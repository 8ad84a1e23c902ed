"""Logging out, here and at the provider (OIDC RP-Initiated Logout 2, 3)."""

import hmac
import logging
from collections.abc import Mapping
from secrets import token_urlsafe
from urllib.parse import parse_qs, quote

from ..errors import ProviderError
from ..protocol.metadata import ClientMetadata
from ..protocol.uri import origin
from ..relying_party import AsyncRelyingParty
from ..user_session import UserSession
from .application import Exchange
from .login import forget_count
from .messages import WebRequest, WebResponse, redirect
from .navigation import is_embedded, is_prefetch
from .session_tokens import forget_tokens

logger = logging.getLogger(__name__)

KIND = "logout"
MAX_SECONDS = 600
MAX_URL_LENGTH = 8000
"""Longer ones may be refused (RFC 9110 4.1): the ID token of a user in hundreds of groups is no hint then."""


async def log_out(exchange: Exchange, return_uri: str | None = None) -> WebResponse | None:
    """End the session. The way to the provider's logout, or None when the view is to be shown.

    The provider sends the browser back to `return_uri`, a registered post_logout_redirect_uri; None chooses one.
    The view is shown to who comes back from the provider, who was not logged in, and where the provider knows no
    logout or can't be reached: the session here is ended in any case. What nobody asked for (HEAD, a prefetch, an
    image) ends nothing.
    """
    if exchange.request.method == "HEAD" or is_prefetch(exchange.request) or is_embedded(exchange.request):
        return WebResponse(status=503, headers={"cache-control": "no-store"})
    session = dict(await exchange.require_session())
    came_back = _came_back(exchange)
    await exchange.log_out("user")
    if not session.get("current_provider"):
        return None
    exchange.set_cookies(forget_count(exchange.application))
    user = UserSession(session)
    try:
        # who comes back logged in did so meanwhile, in another tab; the view says that nobody is
        return None if came_back else await _leave_provider(exchange, user, return_uri)
    finally:
        # afterwards: what is asked about a token before it is revoked would be remembered again
        await forget_tokens(exchange.application, user)


async def _leave_provider(exchange: Exchange, user: UserSession, return_uri: str | None) -> WebResponse | None:
    client = exchange.application.clients.get(user.current_provider)
    if client is None:
        return None
    answer = await _log_out_at(client, exchange, user.id_token_jwt, return_uri)
    if answer is None:
        await _revoke(client, _tokens(user))
    return answer


def _tokens(user: UserSession) -> dict[str, str]:
    """The tokens of the session by their hints, the one first from which new ones could be got (RFC 7009 2.1)."""
    known = {"refresh_token": user.refresh_token, "access_token": user.access_token}
    return {hint: token for hint, token in known.items() if token is not None}


async def _revoke(client: AsyncRelyingParty, tokens: Mapping[str, str]) -> None:
    """Where the provider knows no logout, it shall at least forget what it issued for this one."""
    try:
        for hint, token in tokens.items():
            await client.revoke(token, token_type_hint=hint)
    except ProviderError as error:
        logger.warning("logged out, but a token could not be revoked: %s (%s)", error, error.code)


async def _log_out_at(
    client: AsyncRelyingParty, exchange: Exchange, id_token: str | None, return_uri: str | None
) -> WebResponse | None:
    state = token_urlsafe(32)
    return_uri = return_uri or _return_uri(client, exchange)
    try:
        url = await client.end_session_url(id_token_hint=id_token, post_logout_redirect_uri=return_uri, state=state)
        if url and len(url) > MAX_URL_LENGTH:
            # the provider then asks the user
            url = await client.end_session_url(post_logout_redirect_uri=return_uri, state=state)
    except ProviderError as error:
        logger.warning("logged out here, but not at the provider: %s (%s)", error, error.code)
        return None
    if url is None:
        return None
    cookies, name = exchange.application.cookies, exchange.application.cookies.name(KIND)
    sealed = exchange.application.sealer.seal(KIND, name, state.encode())
    exchange.set_cookies(cookies.set(name, sealed, MAX_SECONDS))
    return redirect(url, 303)


def _return_uri(client: AsyncRelyingParty, exchange: Exchange) -> str:
    """The registered post_logout_redirect_uri that is this view, else the first one.

    When none is registered: this view, or the application's root if the view doesn't answer GET.
    """
    request = exchange.request
    root = origin(exchange.application.settings.redirect_uri.full_uri) + quote(request.root_path)
    here = root + quote(request.path)
    registered = (client.configuration.client_metadata or ClientMetadata()).get("post_logout_redirect_uris")
    if not registered:
        return here if request.method == "GET" or request.answers_get() else root + "/"
    return here if here in registered else str(registered[0])


def _came_back(exchange: Exchange) -> bool:
    state = _state(exchange.request)
    if state is None:
        return False
    cookies, name = exchange.application.cookies, exchange.application.cookies.name(KIND)
    expected = exchange.application.sealer.open(KIND, name, exchange.request.cookies.get(name, ""))
    if expected is not None and hmac.compare_digest(expected, state.encode(errors="replace")):
        exchange.set_cookies(cookies.delete(name))
        return True
    logger.warning("a return from logout has a state that this browser was not given")
    return False


def _state(request: WebRequest) -> str | None:
    try:
        values = parse_qs(request.query, max_num_fields=50).get("state")
    except ValueError:
        return None
    return values[0] if values else None
