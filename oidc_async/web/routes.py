"""Our own routes: the one table of what is answered where."""

from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from .application import Exchange
from .backchannel_logout import end_sessions, refused_logout_request
from .callback import Hook, finish_login, refused_callback
from .client_jwks import jwks_response
from .frontchannel_logout import end_framed_session
from .messages import WebRequest, WebResponse
from .request_objects import request_object_response
from .resource_metadata import metadata_response, metadata_route
from .session_iframe import session_iframe
from .settings import (
    BACKCHANNEL_LOGOUT,
    CLIENT_JWKS,
    FRONTCHANNEL_LOGOUT,
    INITIATE_LOGIN,
    REQUEST_OBJECT,
    SESSION_IFRAME,
    Settings,
)
from .third_party_login import initiate_login

RESOURCE_METADATA = "oidc_async.resource_metadata"


def _never(_request: WebRequest) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One of our routes.

    Parameters:
        answer: what it answers, given the body of a POST.
        refuse: a refusal of a request whose body is not worth reading.
        before_hooks: whether it answers before hooks of the application, such as a check of CSRF tokens.
    """

    endpoint: str
    answer: Callable[[Exchange, bytes], Coroutine[Any, Any, WebResponse]]
    methods: tuple[str, ...] = ("GET",)
    refuse: Callable[[WebRequest], WebResponse | None] = _never
    before_hooks: bool = False


def own_routes(settings: Settings, hook: Hook, scopes: Iterable[str]) -> dict[str, Route]:
    """Those that the settings ask for, by the decoded path at which the application sees each.

    `hook` is asked after each login, `scopes` are those that views ask for.
    """
    both, finish = ("GET", "POST"), partial(finish_login, hook=hook)
    table = [
        Route(endpoint=settings.redirect_uri.endpoint, methods=both, answer=finish, refuse=refused_callback),
        Route(endpoint=INITIATE_LOGIN, methods=both, answer=initiate_login, refuse=refused_callback),
        # a provider brings no cookie and no CSRF token, but a signature
        Route(
            endpoint=BACKCHANNEL_LOGOUT,
            methods=both,
            answer=end_sessions,
            refuse=refused_logout_request,
            before_hooks=True,
        ),
        Route(endpoint=FRONTCHANNEL_LOGOUT, answer=_frontchannel_logout),
        Route(endpoint=SESSION_IFRAME, answer=_session_iframe),
        Route(endpoint=CLIENT_JWKS, answer=_client_jwks),
        Route(endpoint=REQUEST_OBJECT, answer=_request_object),
        Route(endpoint=RESOURCE_METADATA, answer=partial(_resource_metadata, scopes)),
    ]
    rules = {endpoint: uri.route for endpoint, uri in settings.own_uris().items()}
    if REQUEST_OBJECT in rules:
        rules[REQUEST_OBJECT] += "/<name>"
    if settings.resource is not None:
        rules[RESOURCE_METADATA] = metadata_route(settings.resource)
    return {rules[route.endpoint]: route for route in table if route.endpoint in rules}


async def _frontchannel_logout(exchange: Exchange, _body: bytes) -> WebResponse:
    return await end_framed_session(exchange)


async def _session_iframe(exchange: Exchange, _body: bytes) -> WebResponse:
    return await session_iframe(exchange)


async def _client_jwks(exchange: Exchange, _body: bytes) -> WebResponse:
    return jwks_response(exchange.application.client_keys)


async def _request_object(exchange: Exchange, _body: bytes) -> WebResponse:
    return await request_object_response(exchange.application.request_objects, exchange.request)


async def _resource_metadata(scopes: Iterable[str], exchange: Exchange, _body: bytes) -> WebResponse:
    return metadata_response(exchange.application, scopes)
