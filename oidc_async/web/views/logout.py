"""Logout of the application and of the provider (OIDC RP-Initiated Logout 2 and 3)."""

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
from oidc_async.web.sessions.renewal_state import delete_state
from oidc_async.web.sessions.user_session import UserSession

from .begin_login import delete_login_count

logger = logging.getLogger("oidc_async.login")

KIND: Final = "logout"
MAX_SECONDS = 600


async def log_out(context: RequestContext, return_uri: str | None = None) -> WebResponse | None:
    """End the session, and redirect to the logout of the provider.

    Returns None if the view is to be shown: after the return from the provider, if nobody was logged in, and if the
    provider has no logout or cannot be reached. The session of the application ends in any case. Requests that a user
    did not make (HEAD, a prefetch, an image) end nothing.

    Args:
        context: The context of the request.
        return_uri: A registered post_logout_redirect_uri; chosen from the registered ones if None.
    """
    if context.request.method == "HEAD" or is_prefetch(context.request) or is_embedded(context.request):
        return WebResponse(status=503, headers={"cache-control": "no-store"})
    # A copy, since the tokens are needed after the session has ended.
    session = dict(await context.require_session())
    has_returned = _has_returned(context)
    await SessionLifecycle(context).log_out("user")
    if not session.get("current_provider"):
        return None
    context.set_cookies(delete_login_count(context.application), *delete_state(context))
    user = UserSession(session)
    try:
        # A user who returns with a session has logged in meanwhile, in another tab. That session ends, too, since the
        # view says that nobody is logged in.
        return None if has_returned else await _leave_provider(context, user, return_uri)
    finally:
        # The caches are invalidated last: a token that is introspected before its revocation would be cached again.
        await context.application.session_tokens.invalidate(user)


async def _leave_provider(context: RequestContext, user: UserSession, return_uri: str | None) -> WebResponse | None:
    client = context.application.clients.get(user.current_provider)
    if client is None:
        return None
    response = await _log_out_at(client, context, user, return_uri)
    setting = client.configuration.revoke_at_logout
    # With "auto" tokens are revoked only if the provider has no logout, which usually revokes them.
    if (response is None) if setting == "auto" else setting:
        await _revoke(client, _tokens(user), is_required=setting != "auto")
    return response


def _tokens(user: UserSession) -> dict[str, str]:
    """Return the tokens by their hints, first the refresh token, which could get new tokens (RFC 7009 2.1)."""
    known = {"refresh_token": user.refresh_token, "access_token": user.access_token}
    return {hint: token for hint, token in known.items() if token is not None}


async def _revoke(client: AsyncRelyingParty, tokens: Mapping[str, str], *, is_required: bool) -> None:
    """Revoke the tokens: a refresh token for offline access remains valid after a logout at the provider."""
    try:
        for hint, token in tokens.items():
            if not await client.revoke(token, token_type_hint=hint) and is_required:
                logger.warning(
                    "logged out, but tokens were not revoked: revoke_at_logout=True needs a revocation_endpoint"
                )
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
        logger.warning("logged out of the application, but not of the provider: %s (%s)", error, error.code)
        return None
    if request is None:
        return None
    cookies = context.application.cookies
    name = context.application.cookies.name(KIND)
    # The cookie proves at the return that this browser started the logout (OIDC RP-Initiated Logout 2, `state`).
    sealed = context.application.sealer.seal(KIND, name, state.encode())
    context.set_cookies(cookies.set(name, sealed, MAX_SECONDS))
    # Scripts get a redirect: they cannot be sent to the provider, and a page would expose the ID token to them.
    by_post = client.configuration.end_session_http_method == "POST" and is_navigation(context.request)
    return form_post(request.endpoint, request.parameters, title="Log out") if by_post else _redirect(client, request)


def _redirect(client: AsyncRelyingParty, request: EndSessionRequest) -> WebResponse:
    """Return a redirect by GET, without the ID token if the URL would be too long or must not contain it."""
    in_url = client.configuration.end_session_http_method == "GET"
    if in_url and len(request.url) <= MAX_URL_LENGTH:
        return redirect(request.url, 303)
    # Without the hint the provider asks the user. POST is not the default for long hints: some providers do not
    # accept it, and others do not receive their session cookie with it (SameSite=Lax), so they find no session to
    # end.
    parameters = {name: value for name, value in request.parameters.items() if name != "id_token_hint"}
    return redirect(replace(request, parameters=parameters).url, 303)


def _logout_hint(client: AsyncRelyingParty, user: UserSession) -> str | None:
    """Return the claim by which the provider identifies the user (`logout_hint_claim`)."""
    claim = client.configuration.logout_hint_claim
    if claim is None:
        return None
    hint = {**(user.userinfo or {}), **(user.id_token or {})}.get(claim)
    return hint if isinstance(hint, str) and is_encodable(hint) else None


def _return_uri(client: AsyncRelyingParty, context: RequestContext) -> str | None:
    """Return the registered post_logout_redirect_uri that is this view, else the first one.

    If none is known to be registered, it is this view, or the root of the application if the view does not answer
    GET. None if we registered the client without one.
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


def _has_returned(context: RequestContext) -> bool:
    state = _state(context.request)
    if state is None:
        return False
    cookies = context.application.cookies
    name = context.application.cookies.name(KIND)
    expected = context.application.sealer.open(KIND, name, context.request.cookies.get(name, ""))
    if expected is not None and hmac.compare_digest(expected, state.encode(errors="replace")):
        context.set_cookies(cookies.delete(name))
        return True
    logger.warning("the return from a logout has a state that was not issued to this browser")
    return False


def _state(request: WebRequest) -> str | None:
    try:
        values = parse_qs(request.query, max_num_fields=50).get("state")
    except ValueError:
        return None
    return values[0] if values else None
