"""Logging out, here and at the provider (OIDC RP-Initiated Logout 2, 3)."""

import hmac
import logging
from collections.abc import Mapping
from dataclasses import replace
from secrets import token_urlsafe
from typing import Final
from urllib.parse import parse_qs, quote

from oidc_async.errors import ProviderError
from oidc_async.protocol.end_session import EndSessionRequest
from oidc_async.protocol.uri import is_encodable, origin
from oidc_async.relying_party.relying_party import AsyncRelyingParty
from oidc_async.web.http.form_post import form_post
from oidc_async.web.http.messages import MAX_URL_LENGTH, WebRequest, WebResponse, redirect
from oidc_async.web.http.navigation import is_embedded, is_navigation, is_prefetch
from oidc_async.web.request_context import RequestContext
from oidc_async.web.sessions.lifecycle import SessionLifecycle
from oidc_async.web.sessions.renewal_state import forget_mark
from oidc_async.web.sessions.user_session import UserSession

from .begin_login import forget_count

logger = logging.getLogger("oidc_async.login")

KIND: Final = "logout"
MAX_SECONDS = 600


async def log_out(context: RequestContext, return_uri: str | None = None) -> WebResponse | None:
    """End the session. The way to the provider's logout, or None when the view is to be shown.

    The provider sends the browser back to `return_uri`, a registered post_logout_redirect_uri; None chooses one.
    The view is shown to who comes back from the provider, who was not logged in, and where the provider knows no
    logout or can't be reached: the session here is ended in any case. What nobody asked for (HEAD, a prefetch, an
    image) ends nothing.
    """
    if context.request.method == "HEAD" or is_prefetch(context.request) or is_embedded(context.request):
        return WebResponse(status=503, headers={"cache-control": "no-store"})
    session = dict(await context.require_session())
    came_back = _came_back(context)
    await SessionLifecycle(context).log_out("user")
    if not session.get("current_provider"):
        return None
    context.set_cookies(forget_count(context.application), *forget_mark(context))
    user = UserSession(session)
    try:
        # who comes back logged in did so meanwhile, in another tab; the view says that nobody is
        return None if came_back else await _leave_provider(context, user, return_uri)
    finally:
        # afterwards: what is asked about a token before it is revoked would be remembered again
        await context.application.session_tokens.invalidate(user)


async def _leave_provider(context: RequestContext, user: UserSession, return_uri: str | None) -> WebResponse | None:
    client = context.application.clients.get(user.current_provider)
    if client is None:
        return None
    answer = await _log_out_at(client, context, user, return_uri)
    wanted = client.configuration.revoke_at_logout
    if (answer is None) if wanted == "auto" else wanted:
        await _revoke(client, _tokens(user), is_wanted=wanted != "auto")
    return answer


def _tokens(user: UserSession) -> dict[str, str]:
    """The tokens of the session by their hints, the one first from which new ones could be got (RFC 7009 2.1)."""
    known = {"refresh_token": user.refresh_token, "access_token": user.access_token}
    return {hint: token for hint, token in known.items() if token is not None}


async def _revoke(client: AsyncRelyingParty, tokens: Mapping[str, str], *, is_wanted: bool) -> None:
    """Revoke the tokens of the session: a refresh token for offline access outlives a logout at the provider."""
    try:
        for hint, token in tokens.items():
            if not await client.revoke(token, token_type_hint=hint) and is_wanted:
                logger.warning("logged out, but revoke_at_logout=True needs a revocation_endpoint of the provider")
                return
    except ProviderError as error:
        logger.warning("logged out, but a token could not be revoked: %s (%s)", error, error.code)


async def _log_out_at(
    client: AsyncRelyingParty, context: RequestContext, user: UserSession, return_uri: str | None
) -> WebResponse | None:
    state = token_urlsafe(32)
    try:
        request = await client.end_session_request(
            id_token_hint=user.id_token_jwt if client.configuration.send_id_token_hint else None,
            logout_hint=_logout_hint(client, user),
            post_logout_redirect_uri=return_uri or _return_uri(client, context),
            state=state,
        )
    except ProviderError as error:
        logger.warning("logged out here, but not at the provider: %s (%s)", error, error.code)
        return None
    if request is None:
        return None
    cookies, name = context.application.cookies, context.application.cookies.name(KIND)
    sealed = context.application.sealer.seal(KIND, name, state.encode())
    context.set_cookies(cookies.set(name, sealed, MAX_SECONDS))
    # a page would show the ID token to a script, which can't be sent to the provider anyway
    by_post = client.configuration.end_session_http_method == "POST" and is_navigation(context.request)
    return form_post(request.endpoint, request.parameters, title="Log out") if by_post else _redirect(client, request)


def _redirect(client: AsyncRelyingParty, request: EndSessionRequest) -> WebResponse:
    """By GET; without the ID token where it would make the URL too long, or is to be in no URL."""
    in_url = client.configuration.end_session_http_method == "GET"
    if in_url and len(request.url) <= MAX_URL_LENGTH:
        return redirect(request.url, 303)
    # The provider then asks the user. Not all take POST, and to some it doesn't bring their session cookie
    # (SameSite=Lax), so that they find nothing to end: who wants POST says so.
    parameters = {name: value for name, value in request.parameters.items() if name != "id_token_hint"}
    return redirect(replace(request, parameters=parameters).url, 303)


def _logout_hint(client: AsyncRelyingParty, user: UserSession) -> str | None:
    """What the provider itself calls who logs out."""
    claim = client.configuration.logout_hint_claim
    if claim is None:
        return None
    hint = {**(user.userinfo or {}), **(user.id_token or {})}.get(claim)
    return hint if isinstance(hint, str) and is_encodable(hint) else None


def _return_uri(client: AsyncRelyingParty, context: RequestContext) -> str | None:
    """The registered post_logout_redirect_uri that is this view, else the first one.

    When none is known to be registered: this view, or the application's root if the view doesn't answer GET. None
    when we know that none is, as we registered the client.
    """
    request = context.request
    root = origin(context.application.settings.redirect_uri.full_uri) + quote(request.root_path)
    here = root + quote(request.path)
    registered = client.provider.known_client.get("post_logout_redirect_uris")
    if not registered and client.provider.registration is not None:
        return None
    if not registered:
        return here if request.method == "GET" or request.answers_get() else root + "/"
    return here if here in registered else str(registered[0])


def _came_back(context: RequestContext) -> bool:
    state = _state(context.request)
    if state is None:
        return False
    cookies, name = context.application.cookies, context.application.cookies.name(KIND)
    expected = context.application.sealer.open(KIND, name, context.request.cookies.get(name, ""))
    if expected is not None and hmac.compare_digest(expected, state.encode(errors="replace")):
        context.set_cookies(cookies.delete(name))
        return True
    logger.warning("a return from logout has a state that this browser was not given")
    return False


def _state(request: WebRequest) -> str | None:
    try:
        values = parse_qs(request.query, max_num_fields=50).get("state")
    except ValueError:
        return None
    return values[0] if values else None
