"""The front-channel logout page, which a provider loads in a frame (OIDC Front-Channel Logout 1.0)."""

from collections.abc import Iterator, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from oidc_async.protocol.metadata import ProviderMetadata
from oidc_async.protocol.uri import origin
from oidc_async.relying_party.relying_party import AsyncRelyingParty
from oidc_async.web.application import WebApplication
from oidc_async.web.http.messages import WebRequest, WebResponse
from oidc_async.web.http.navigation import is_embedded, is_prefetch
from oidc_async.web.request_context import RequestContext
from oidc_async.web.sessions.lifecycle import SessionLifecycle
from oidc_async.web.sessions.user_session import UserSession
from oidc_async.web.signals import logged_out

MAX_FIELDS = 50


async def end_framed_session(context: RequestContext) -> WebResponse:
    """End the session that `iss` and `sid` name (OIDC Front-Channel Logout 3).

    It ends in this browser, and with a store in all browsers. Anybody can send such a request, so no tokens are
    revoked and no provider is contacted. The page is always blank. Raises StoreError.
    """
    request = context.request
    if request.method == "GET" and not is_prefetch(request) and not is_embedded(request):
        issuer, sid = _named(request)
        clients = _clients_of(context.application, issuer)
        if sid and clients:
            await _end(context, clients, sid)
    return _blank_page(context.application)


async def _end(context: RequestContext, clients: dict[str, AsyncRelyingParty], sid: str) -> None:
    application = context.application
    # The session is read before it is revoked, since a revoked session is empty.
    session = dict(await context.require_session())
    for name, client in clients.items():
        is_here = session.get("current_provider") == name and _sid_of(session) == sid
        is_revoked = application.revocations is not None and await application.revocations.end_expected(
            application.client_names[name], sid, application.now()
        )
        if is_here:
            await SessionLifecycle(context).log_out("frontchannel")
            await application.session_tokens.invalidate(UserSession(session))
        elif is_revoked:
            claims = {"iss": client.configuration.issuer_identifier, "sid": sid}
            context.announce(logged_out, name, reason="frontchannel", claims=claims)


def _sid_of(session: MutableMapping[str, Any]) -> Any:
    return (UserSession(session).claims_of_login or {}).get("sid")


def _named(request: WebRequest) -> tuple[str, str]:
    """Return `iss` and `sid` if each is present once; empty strings otherwise."""
    try:
        parameters = parse_qs(request.query, max_num_fields=MAX_FIELDS)
    except ValueError:
        return "", ""
    issuers = parameters.get("iss", [])
    sids = parameters.get("sid", [])
    return (issuers[0], sids[0]) if len(issuers) == len(sids) == 1 else ("", "")


def _clients_of(application: WebApplication, issuer: str) -> dict[str, AsyncRelyingParty]:
    clients = application.clients.items()
    return {name: client for name, client in clients if client.configuration.issuer_identifier == issuer}


def _blank_page(application: WebApplication) -> WebResponse:
    ancestors = " ".join(sorted(set(_frame_origins(application)))) or "'none'"
    headers = {
        "content-type": "text/html; charset=utf-8",
        "cache-control": "no-store",
        # The URL contains the sid.
        "referrer-policy": "no-referrer",
        "content-security-policy": f"default-src 'none'; frame-ancestors {ancestors}",
    }
    return WebResponse(status=200, headers=headers)


def _frame_origins(application: WebApplication) -> Iterator[str]:
    """Return the known origins of the providers' pages, without fetching metadata."""
    for client in application.clients.values():
        yield origin(client.configuration.issuer_identifier)
        metadata = client.provider.known_metadata() or ProviderMetadata()
        if endpoint := metadata.get("end_session_endpoint"):
            yield origin(endpoint)
