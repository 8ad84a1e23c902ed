"""The redirect URI: where the provider sends the browser back to (OIDC Core 3.1.2.5)."""

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

from .response_relay import awaits_fragment, lacks_cookies, read_relayed, relay_page

logger = logging.getLogger("oidc_async.login")

MAX_FORM_BYTES = 64 * 1024
FORM_TYPE = "application/x-www-form-urlencoded"


def refused_callback(request: WebRequest) -> WebResponse | None:
    """A refusal of what can't be what another site has a browser bring, before its body is read.

    That is an authorization response, or a request for a login; nothing is used up, and nothing begins.
    """
    if request.method not in ("GET", "POST"):
        return empty_response(405, {"allow": "GET, POST"})
    if is_prefetch(request):
        return empty_response(204)
    return refused_form(request) if request.method == "POST" else None


Hook = Callable[[NewLogin], Awaitable[object]]


async def finish_login(context: RequestContext, body: bytes, hook: Hook) -> WebResponse:
    """Complete the login, or the renewal, that this browser began, and go back to where it was begun.

    A login may lead to where `hook` says. A response that came without its cookies, or not at all, is answered with
    the page that sends it once more. `body` is that of a POST. Raises LoginError, TokenError, ProviderError,
    ConfigurationError, StoreError, or what the hook raises; the present session then stays.
    """
    # one character for each byte: what is outside ASCII is refused with all else that is no form
    form = body.decode("latin-1")
    application, request = context.application, context.request
    with announcing_failure(context):
        if awaits_fragment(application, request):
            return relay_page("fragment", "")
        encoded, response_mode, is_relayed = _encoded_response(request, form)
        # Parsed here, for the relay, the pending login and the relying party.
        parameters = parse_authorization_response(encoded)
        state = require_state(parameters)
        if response_mode == "form_post" and not is_relayed and lacks_cookies(application, request, state):
            return relay_page("form_post", encoded)
        return await _finish_login(context, parameters, state, response_mode, hook)


async def _finish_login(
    context: RequestContext, parameters: Mapping[str, str], state: str, response_mode: ResponseMode, hook: Hook
) -> WebResponse:
    application, request = context.application, context.request
    # while nothing is used up: the browser may come again with the same response
    await context.require_session()
    status = 302 if request.method == "GET" else 303
    try:
        login_in_browser = application.pending_logins.finish(state, request.cookies)
    except StateMismatch:
        path = None if "error" in parameters else _path_of_repeated(context, state)
        if path is None:
            raise
        logger.info("a login came back once more to a browser that is logged in: sent on")
        return redirect(path, status)
    context.set_cookies(application.pending_logins.forget(state))
    context.login_provider = login_in_browser.provider
    client = application.clients.get(login_in_browser.provider)
    if client is None:
        raise StateMismatch("The provider of this login is not configured any more. Begin it again.")
    if login_in_browser.renews is not None:
        answer = await finish_renewal(context, client, login_in_browser, parameters, response_mode)
        return answer or redirect(login_in_browser.return_path, status)
    login = await _completed(context, client, login_in_browser, parameters, response_mode)
    new = NewLogin.of(login, login_in_browser.provider, login_in_browser.return_path)
    path = await path_after(new, hook)
    await SessionLifecycle(context).log_in(
        new.provider, login, begun_at=login_in_browser.pending.begun_at, state=state
    )
    context.set_cookies(count_login(context))
    return redirect(path, status)


def _path_of_repeated(context: RequestContext, state: str) -> str | None:
    """Where to send a browser that repeats the callback by which it was logged in, by its Back button for instance.

    The page at which that login was begun; the root where another process finished it. None for every other browser
    and callback. Nothing of the response is used: a forged one is worth less than a link.
    """
    is_logged_in = any(map(context.is_logged_in, context.application.clients))
    if not is_logged_in or not SessionLifecycle(context).was_started_by(state):
        return None
    return context.application.pending_logins.path_of_used(state) or root_path(context.request)


async def _completed(
    context: RequestContext,
    client: AsyncRelyingParty,
    begun: LoginInBrowser,
    parameters: Mapping[str, str],
    response_mode: ResponseMode,
) -> Login:
    """The login. It stays pending when the provider failed before the code was sent: the browser may come again."""
    requests: list[str] = []
    try:
        return await client.complete_login(
            begun.pending, parameters, response_mode=response_mode, on_request=lambda: requests.append("token")
        )
    except ProviderError:
        if not requests:
            context.unset_cookie(context.application.pending_logins.give_back(begun.pending.state))
        raise


def _encoded_response(request: WebRequest, form: str) -> tuple[str, ResponseMode, bool]:
    """Return the encoded response, its response mode, and whether our own page posted it."""
    if request.method == "GET":
        return request.query, "query", False
    relayed = read_relayed(form)
    return (form, "form_post", False) if relayed is None else (*relayed, True)


def refused_form(request: WebRequest) -> WebResponse | None:
    """A rejection of a body that is no form, or too large a one, before it is read."""
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
    """A response that nobody keeps."""
    return WebResponse(status=status, headers={"cache-control": "no-store", **(headers or {})})
