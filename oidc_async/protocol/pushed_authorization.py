"""Pushed authorization requests: the client sends the parameters to the provider directly (RFC 9126)."""

import re
from dataclasses import replace

from oidc_async.errors import MetadataInvalid, ProviderError

from .client_authentication import ClientAuthentication, authenticated_request
from .http_message import HttpRequest, HttpResponse
from .metadata import ClientMetadata, ProviderMetadata
from .oauth_error import require_success
from .parameters import Parameter, Parameters
from .strict_json import read_object

REQUIRED = "require_pushed_authorization_requests"
_REQUEST_URI = re.compile(r"[\x21-\x7e]{1,2048}")


def is_push_required(provider: ProviderMetadata, client: ClientMetadata) -> bool:
    """Return whether requests must be pushed, by the metadata of the provider or the client (RFC 9126 5, 6)."""
    return provider.get(REQUIRED, False) is True or client.get(REQUIRED, False) is True


def pushed_authorization_request(
    provider: ProviderMetadata, client: ClientAuthentication, parameters: Parameters
) -> HttpRequest:
    """Return the POST request of the client (RFC 9126 2.1). Raises MetadataInvalid if there is no endpoint."""
    name = "pushed_authorization_request_endpoint"
    if name not in provider:
        raise MetadataInvalid(f"The provider's metadata must have {name} to push authorization requests.", field=name)
    # A retry only creates a second request_uri, which nobody uses.
    return replace(authenticated_request(provider[name], parameters, client), repeatable=True)


def read_pushed_authorization(response: HttpResponse) -> str:
    """Read the `request_uri` of the pushed request (RFC 9126 2.2). Raises ProviderError."""
    require_success(response, "pushed authorization request endpoint")
    if response.status not in (200, 201):
        raise ProviderError(
            f"The response of the pushed authorization request endpoint must have status 201, not {response.status}. "
            "Redirects are not followed.",
            status=response.status,
        )
    try:
        request_uri = read_object(response.body).get("request_uri")
    except ValueError as error:
        raise ProviderError(
            f"The response to a pushed authorization request must be one JSON object: {error}."
        ) from None
    if not isinstance(request_uri, str) or not _REQUEST_URI.fullmatch(request_uri):
        raise ProviderError("request_uri in the response to a pushed authorization request must be a URI.")
    return request_uri


def pushed_request_parameters(client_id: str, request_uri: str) -> dict[str, Parameter]:
    """Return the parameters that the browser carries for a pushed request (RFC 9126 4)."""
    return {"client_id": client_id, "request_uri": request_uri}
