"""The table of our own routes."""

from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from oidc_async.web.http.messages import WebRequest, WebResponse
from oidc_async.web.request_context import RequestContext
from oidc_async.web.settings import (
    BACKCHANNEL_LOGOUT,
    CLIENT_JWKS,
    FRONTCHANNEL_LOGOUT,
    INITIATE_LOGIN,
    REQUEST_OBJECT,
    RESOURCE_METADATA,
    SESSION_IFRAME,
    Settings,
)

from .backchannel_logout import end_sessions, logout_request_rejection
from .callback import Hook, callback_rejection, finish_login
from .client_jwks import jwks_response
from .frontchannel_logout import end_framed_session
from .initiate_login import initiate_login
from .request_objects import request_object_response
from .resource_metadata import metadata_response, metadata_route
from .session_iframe import session_iframe

Methods = tuple[Literal["GET", "POST"], ...]


def _never(_request: WebRequest) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One of our routes.

    Attributes:
        endpoint: The name of its endpoint in the map of URLs.
        name: The name of its view.
        description: The docstring of its view.
        answer: Returns the response, given the context and the body of a POST.
        methods: The methods that it accepts.
        reject: Returns the rejection of a request before its body is read, or None.
        before_hooks: Whether it responds before hooks of the application, such as a check of CSRF tokens.
    """

    endpoint: str
    name: str
    description: str
    answer: Callable[[RequestContext, bytes], Coroutine[Any, Any, WebResponse]]
    methods: Methods = ("GET",)
    reject: Callable[[WebRequest], WebResponse | None] = _never
    before_hooks: bool = False


def own_routes(settings: Settings, hook: Hook, scopes: Iterable[str]) -> dict[str, Route]:
    """Return the routes that the settings enable, by their decoded paths.

    Args:
        settings: The settings of the application.
        hook: Called after each login.
        scopes: The scopes that views require; they may be added later.
    """
    both: Methods = ("GET", "POST")
    table = [
        Route(
            endpoint=settings.redirect_uri.endpoint,
            name="redirect_uri",
            description="Receive the authorization response (OIDC Core 3.1.2.5).",
            methods=both,
            answer=partial(finish_login, hook=hook),
            reject=callback_rejection,
        ),
        Route(
            endpoint=INITIATE_LOGIN,
            name="initiate_login",
            description="Start a login for another site (OIDC Core 4).",
            methods=both,
            answer=initiate_login,
            reject=callback_rejection,
        ),
        # The request of a provider has neither a cookie nor a CSRF token; its logout token is signed.
        Route(
            endpoint=BACKCHANNEL_LOGOUT,
            name="backchannel_logout",
            description="End the sessions that a logout token names (OIDC Back-Channel Logout 2.5).",
            methods=both,
            answer=end_sessions,
            reject=logout_request_rejection,
            before_hooks=True,
        ),
        Route(
            endpoint=FRONTCHANNEL_LOGOUT,
            name="frontchannel_logout",
            description="End the session of this browser (OIDC Front-Channel Logout 3).",
            answer=_frontchannel_logout,
        ),
        Route(
            endpoint=SESSION_IFRAME,
            name="session_iframe",
            description="Watch the session at the provider (OIDC Session Management 3.1).",
            answer=_session_iframe,
        ),
        Route(
            endpoint=CLIENT_JWKS,
            name="client_jwks",
            description="Publish the public keys of the client (RFC 7517 5).",
            answer=_client_jwks,
        ),
        Route(
            endpoint=REQUEST_OBJECT,
            name="request_object",
            description="Serve a request object to the provider (OIDC Core 6.2).",
            answer=_request_object,
        ),
        Route(
            endpoint=RESOURCE_METADATA,
            name="resource_metadata",
            description="Publish the metadata of the protected resource (RFC 9728 3).",
            answer=partial(_resource_metadata, scopes),
        ),
    ]
    rules = {endpoint: uri.route for endpoint, uri in settings.own_uris().items()}
    if REQUEST_OBJECT in rules:
        rules[REQUEST_OBJECT] += "/<name>"
    if settings.resource is not None:
        rules[RESOURCE_METADATA] = metadata_route(settings.resource)
    return {rules[route.endpoint]: route for route in table if route.endpoint in rules}


async def _frontchannel_logout(context: RequestContext, _body: bytes) -> WebResponse:
    return await end_framed_session(context)


async def _session_iframe(context: RequestContext, _body: bytes) -> WebResponse:
    return await session_iframe(context)


async def _client_jwks(context: RequestContext, _body: bytes) -> WebResponse:
    return jwks_response(context.application.client_keys)


async def _request_object(context: RequestContext, _body: bytes) -> WebResponse:
    return await request_object_response(context.application.request_objects, context.request)


async def _resource_metadata(scopes: Iterable[str], context: RequestContext, _body: bytes) -> WebResponse:
    return metadata_response(context.application, scopes)
