"""Authentication requests, which begin logins at the provider (OIDC Core 3.1.2.1)."""

from collections.abc import Mapping
from secrets import token_urlsafe
from typing import Any, cast

from oidc_async.configuration.request_parameters import as_parameters, require_request_parameters
from oidc_async.errors import ConfigurationError
from oidc_async.protocol.authorization import authorization_request, code_challenge
from oidc_async.protocol.claims_parameter import read_required_claims
from oidc_async.protocol.discovery import require_token_endpoint
from oidc_async.protocol.http_message import HttpRequest
from oidc_async.protocol.metadata import ProviderMetadata
from oidc_async.protocol.parameters import Parameter, Parameters, single_text
from oidc_async.protocol.pushed_authorization import (
    is_push_required,
    pushed_authorization_request,
    pushed_request_parameters,
    read_pushed_authorization,
)
from oidc_async.protocol.response_type import ResponseMode, default_response_mode, registered_response_type
from oidc_async.provider.client_authentication import RegisteredClient
from oidc_async.provider.client_context import ClientContext
from oidc_async.runtime.retry import send_repeatable

from .login import AuthorizationRequest, PendingLogin
from .request_objects import RequestObjects

GIVEN = "the parameters of a login"


class AuthenticationRequests:
    """Creates authentication requests whose responses go to `redirect_uri`."""

    def __init__(
        self,
        context: ClientContext,
        redirect_uri: str,
        request_objects: RequestObjects,
        registered: RegisteredClient,
    ) -> None:
        self._context = context
        self._configuration = context.configuration
        self._provider = context.provider
        self._redirect_uri = redirect_uri
        self._request_objects = request_objects
        self._registered = registered

    async def new(self, given: Mapping[str, Any]) -> AuthorizationRequest:
        """Create a request whose parameters are those of the configuration and the `given` ones, which take priority.

        Raises:
            ConfigurationError: a parameter can't be used.
            ProviderError: the provider's metadata can't be fetched, or it rejects a pushed request.
        """
        parameters = {**self._configuration.request_parameters(), **as_parameters(GIVEN, given)}
        require_request_parameters(parameters, GIVEN)
        response_type = registered_response_type(single_text(parameters, "response_type"))
        parameters["response_type"] = response_type
        provider = await self._provider.metadata()
        client = await self._provider.client()
        require_token_endpoint(provider, response_type)
        pending = self._pending_login(provider, parameters)
        parameters |= {"client_id": client["client_id"], **_of_this_login(pending)}
        is_pushed = self._configuration.pushed_authorization_requests or is_push_required(provider, client)
        sent = await self._request_objects.carrying(parameters, provider, client, is_pushed=is_pushed)
        carried = sent.parameters
        if is_pushed:
            carried = pushed_request_parameters(client["client_id"], await self._pushed(carried, provider))
        url = authorization_request(provider, carried)
        return AuthorizationRequest(
            url=url, pending=pending, request_object=sent.request_object, request_uri=sent.request_uri
        )

    async def _pushed(self, parameters: dict[str, Parameter], provider: ProviderMetadata) -> str:
        """Push the request and return its `request_uri` (RFC 9126 2)."""
        if "request_uri" in parameters:
            raise ConfigurationError(
                'request_object="reference" can\'t be combined with pushed authorization requests (RFC 9126 2.1), '
                'which pushed_authorization_requests or the provider requires: use request_object="value".'
            )

        def request() -> HttpRequest:
            client = self._registered.known_authentication(provider)
            return pushed_authorization_request(provider, client, parameters)

        response = await send_repeatable(
            self._context.runtime, request(), "pushed_authorization_request", rebuild=request
        )
        return read_pushed_authorization(response)

    def _pending_login(self, provider: ProviderMetadata, parameters: Parameters) -> PendingLogin:
        response_type = single_text(parameters, "response_type")
        max_age = single_text(parameters, "max_age")
        mode = single_text(parameters, "response_mode", default_response_mode(response_type))
        required = read_required_claims(single_text(parameters, "claims", "{}"))
        return PendingLogin(
            state=token_urlsafe(32),
            nonce=token_urlsafe(32),
            code_verifier=token_urlsafe(32),
            issuer=provider["issuer"],
            redirect_uri=self._redirect_uri,
            response_type=response_type,
            response_mode=cast(ResponseMode, mode),
            max_age=float(max_age) if max_age else None,
            acr_values=required.acr_values,
            subjects=required.subjects,
            requires_auth_time=required.auth_time,
            begun_at=self._context.runtime.now(),
        )


def _of_this_login(pending: PendingLogin) -> dict[str, str]:
    parameters = {"redirect_uri": pending.redirect_uri, "state": pending.state, "nonce": pending.nonce}
    if "code" not in pending.response_type.split():
        return parameters
    return {**parameters, "code_challenge": code_challenge(pending.code_verifier), "code_challenge_method": "S256"}
