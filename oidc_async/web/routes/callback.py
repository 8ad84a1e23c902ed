"""The callback at the redirect URI, which receives authorization responses (OIDC Core 3.1.2.5)."""

import logging
from collections.abc import Awaitable, Callable, Mapping

from oidc_async.errors import ProviderError, StateMismatch
from oidc_async.protocol.authorization import parse_authorization_response, require_state
from oidc_async.protocol.response_type import ResponseMode
from oidc_async.relying_party.login import Login
from oidc_async.relying_party.relying_party import AsyncRelyingParty
from oidc_async.web.http.messages import WebRequest, WebResponse, is_framed_twice, redirect
from oidc_async.web.http.navigation import is_prefetch
from oidc_async.web.http.return_path import root_path
from oidc_async.web.login_hook import NewLogin, path_after
from oidc_async.web.request_context import RequestContext
from oidc_async.web.sessions.lifecycle import SessionLifecycle
from oidc_async.web.sessions.pending_logins import LoginInBrowser
from oidc_async.web.views.begin_login import announcing_failure, count_login
from oidc_async.web.views.silent_renewal import finish_renewal

from .response_relay import awaits_fragment, lacks_cookies, read_relayed, relay_response

logger = logging.getLogger("oidc_async.login")

MAX_FORM_BYTES = 64 * 1024
FORM_TYPE = "application/x-www-form-urlencoded"


def callback_rejection(request: WebRequest) -> WebResponse | None:
    """Return the rejection of a request that no other site can have caused, before its body is read.

    Other sites send the browser here with an authorization response or a third-party-initiated login. A rejected
    request, such as a prefetch, uses no pending login and starts none.
    """
    if request.method not in ("GET", "POST"):
        return empty_response(405, {"allow": "GET, POST"})
    if is_prefetch(request):
        return empty_response(204)
    return form_rejection(request) if request.method == "POST" else None


Hook = Callable[[NewLogin], Awaitable[object]]


async def finish_login(context: RequestContext, body: bytes, hook: Hook) -> WebResponse:
    """Complete the login or renewal of this browser, and redirect it to the page at which that was started.

    A response without its cookies, or in the fragment of the URL, is answered with the response relay.

    Args:
        context: The context of the request.
        body: The body of a POST.
        hook: Called with a verified login; it may return another path to redirect to.

    Raises:
        LoginError: The response or the state is invalid. The present session is kept, here and in all other cases.
        TokenError: A token is invalid.
        ProviderError: The provider could not be reached, or its response is invalid.
        ConfigurationError: The hook returned an invalid path.
        StoreError: The session could not be saved.
    """
    # Latin-1 maps each byte to one character. The parser of the form rejects characters outside ASCII.
    form = body.decode("latin-1")
    application = context.application
    request = context.request
    with announcing_failure(context):
        # A GET without a query is either empty or has its response in the fragment, which only a script can read.
        if awaits_fragment(application, request):
            return relay_response("fragment", "")
        encoded, response_mode, is_relayed = _encoded_response(request, form)
        # The response is parsed once, for the relay, the pending login and the relying party.
        parameters = parse_authorization_response(encoded)
        state = require_state(parameters)
        if response_mode == "form_post" and not is_relayed and lacks_cookies(application, request, state):
            return relay_response("form_post", encoded)
        return await _finish_login(context, parameters, state, response_mode, hook)


async def _finish_login(
    context: RequestContext, parameters: Mapping[str, str], state: str, response_mode: ResponseMode, hook: Hook
) -> WebResponse:
    application = context.application
    request = context.request
    # The session is loaded before the login is used, so that the browser can repeat the response if the store fails.
    await context.require_session()
    # 303 makes the browser continue with GET after a form_post.
    status = 302 if request.method == "GET" else 303
    try:
        login_in_browser = application.pending_logins.use(state, request.cookies)
    except StateMismatch:
        # The Back button repeats the callback of a login that succeeded. An error page would confuse the user, who is
        # logged in, so the browser is redirected to the page of that login.
        path = None if "error" in parameters else _path_of_repeated(context, state)
        if path is None:
            raise
        logger.info("a browser that is logged in repeated the callback of its login: redirected")
        return redirect(path, status)
    # Whatever follows, the pending login is used now. `_completed` restores its cookie if nothing was sent.
    context.set_cookies(application.pending_logins.delete(state))
    context.login_provider = login_in_browser.provider
    client = application.clients.get(login_in_browser.provider)
    if client is None:
        raise StateMismatch("The provider of this login is no longer configured. Start the login again.")
    if login_in_browser.renews is not None:
        response = await finish_renewal(context, client, login_in_browser, parameters, response_mode)
        return response or redirect(login_in_browser.return_path, status)
    login = await _completed(context, client, login_in_browser, parameters, response_mode)
    new = NewLogin.of(login, login_in_browser.provider, login_in_browser.return_path)
    # The hook runs before the session starts, so that it can reject the login.
    path = await path_after(new, hook)
    await SessionLifecycle(context).log_in(
        new.provider, login, begun_at=login_in_browser.pending.begun_at, state=state
    )
    context.set_cookies(count_login(context))
    return redirect(path, status)


def _path_of_repeated(context: RequestContext, state: str) -> str | None:
    """Return the path for a browser that repeats the callback of its login, for instance by its Back button.

    It is the page at which the login was started, or the root if another process completed it; None for all other
    browsers and callbacks. The response itself is not used, so a forged one has no more effect than a link.
    """
    is_logged_in = any(map(context.is_logged_in, context.application.clients))
    if not is_logged_in or not SessionLifecycle(context).was_started_by(state):
        return None
    return context.application.pending_logins.return_path_of_used(state) or root_path(context.request)


async def _completed(
    context: RequestContext,
    client: AsyncRelyingParty,
    begun: LoginInBrowser,
    parameters: Mapping[str, str],
    response_mode: ResponseMode,
) -> Login:
    """Complete a login. It remains pending if the provider fails before the code is sent, so it can be repeated."""
    requests: list[str] = []
    try:
        return await client.complete_login(
            begun.pending, parameters, response_mode=response_mode, on_request=lambda: requests.append("token")
        )
    except ProviderError:
        if not requests:
            context.unset_cookie(context.application.pending_logins.release(begun.pending.state))
        raise


def _encoded_response(request: WebRequest, form: str) -> tuple[str, ResponseMode, bool]:
    """Return the encoded response, its response mode, and whether our own page posted it."""
    if request.method == "GET":
        return request.query, "query", False
    relayed = read_relayed(form)
    return (form, "form_post", False) if relayed is None else (*relayed, True)


def form_rejection(request: WebRequest) -> WebResponse | None:
    """Return the rejection of a body that is not a form or too large, before it is read."""
    if is_framed_twice(request.headers):
        return empty_response(400)
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != FORM_TYPE:
        return empty_response(415, {"accept-post": FORM_TYPE})
    length = request.headers.get("content-length", "")
    if not (length.isascii() and length.isdigit()):
        return empty_response(411)
    return empty_response(413) if len(length) > 9 or int(length) > MAX_FORM_BYTES else None


def empty_response(status: int, headers: dict[str, str] | None = None) -> WebResponse:
    """Return a response without a body, which caches do not store."""
    return WebResponse(status=status, headers={"cache-control": "no-store", **(headers or {})})
