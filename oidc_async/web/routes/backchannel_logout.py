"""The back-channel logout route: a provider ends sessions without a browser (OIDC Back-Channel Logout 2.5 to 2.8)."""

import json
import logging
from urllib.parse import parse_qs

from oidc_async.errors import ClaimInvalid, OIDCError, ProviderError, StoreError, TokenError, TokenMalformed
from oidc_async.protocol.logout_token import LogoutToken
from oidc_async.protocol.presented_token import PresentedToken
from oidc_async.web.application import WebApplication
from oidc_async.web.http.login_errors import STORE_RETRY_SECONDS
from oidc_async.web.http.messages import WebRequest, WebResponse
from oidc_async.web.request_context import RequestContext
from oidc_async.web.sessions.revocations import SessionRevocations
from oidc_async.web.signals import logged_out, logout_failed

from .callback import empty_response, form_rejection

logger = logging.getLogger("oidc_async.sessions")

MAX_FIELDS = 50


def logout_request_rejection(request: WebRequest) -> WebResponse | None:
    """Return the rejection of a request that cannot be a logout request, before its body is read."""
    if request.method != "POST":
        return empty_response(405, {"allow": "POST"})
    return form_rejection(request)


async def end_sessions(context: RequestContext, body: bytes) -> WebResponse:
    """End the sessions that a logout token names (OIDC Back-Channel Logout 2.8).

    With status 200 the sessions have ended, also if there were none. With any other status the provider may try
    again.

    Args:
        context: The context of the request.
        body: The form with the logout token.
    """
    clients: dict[str, PresentedToken] = {}
    try:
        token = PresentedToken(_read_field(body))
        await context.application.recall_clients()
        clients |= _addressed(context.application, token)
        await _end_sessions(context, clients)
    except (TokenError, ProviderError, StoreError) as error:
        context.announce_failure(logout_failed, next(iter(clients), None), error)
        return _failed(error)
    return empty_response(200)


def _failed(error: OIDCError) -> WebResponse:
    if isinstance(error, TokenError):
        logger.warning("rejected a logout request: %s (%s)", error, error.code)
        return _error_response(400, "invalid_request", error.message)
    logger.error("a logout request could not be carried out: %s (%s)", error, error.code)
    retry = {"retry-after": f"{STORE_RETRY_SECONDS:.0f}"}
    return _error_response(
        503, "temporarily_unavailable", "The logout could not be carried out. Try again later.", retry
    )


async def _end_sessions(context: RequestContext, clients: dict[str, PresentedToken]) -> None:
    application = context.application
    now = context.application.now()
    revocations = application.require_revocations()
    # A token may be addressed to several of our clients, each of which verifies it by its own configuration.
    read = [await application.clients[name].logout_tokens.read(token) for name, token in clients.items()]
    if await revocations.is_used(read[0]):
        _reject_replay()
    for name, logout_token in zip(clients, read, strict=True):
        await revocations.end(application.client_names[name], logout_token, now)
    await _use_up(revocations, read[0], now)
    claims = {"iss": read[0].iss, "sub": read[0].sub, "sid": read[0].sid}
    for name in clients:
        context.announce(logged_out, name, reason="backchannel", claims=claims)


def _addressed(application: WebApplication, token: PresentedToken) -> dict[str, PresentedToken]:
    """Return the clients that a token is addressed to, each with the signed token. Contacts no provider."""
    addressed = {name: client.logout_tokens.addressed(token) for name, client in application.clients.items()}
    clients = {name: signed for name, signed in addressed.items() if signed is not None}
    if not clients:
        problems = [client.logout_tokens.form_problem(token) for client in application.clients.values()]
        # If no client could decode the token, the error is its form and not its claims.
        if problems and problems[0] is not None and None not in problems:
            raise problems[0]
        raise ClaimInvalid("iss and aud must be those of a provider and a client of this application.", claim="aud")
    return clients


async def _use_up(revocations: SessionRevocations, token: LogoutToken, now: float) -> None:
    # This is the last step, so that the provider can send the same token again if the store fails before. At this
    # point the sessions have ended, and ending them again would change nothing.
    try:
        is_first = await revocations.use(token, now)
    except StoreError as error:
        logger.warning(
            "the sessions of a logout have ended, but its token may be used again: %s (%s)", error, error.code
        )
        return
    if not is_first:
        _reject_replay()


def _reject_replay() -> None:
    raise ClaimInvalid("jti must be unique: a logout token with this jti was used before.", claim="jti")


def _read_field(body: bytes) -> str:
    try:
        tokens = parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_FIELDS).get("logout_token")
    except ValueError:
        tokens = None
    if tokens is None or len(tokens) != 1:
        raise TokenMalformed("The body of the request must be a form with exactly one logout_token.")
    return tokens[0]


def _error_response(status: int, error: str, description: str, more: dict[str, str] | None = None) -> WebResponse:
    headers = {"content-type": "application/json", "cache-control": "no-store", **(more or {})}
    body = json.dumps({"error": error, "error_description": description})
    return WebResponse(status=status, headers=headers, body=body)
