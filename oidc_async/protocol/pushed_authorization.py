"""Authentication requests that the client hands to the provider before the browser comes (RFC 9126)."""

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
    """Whether the provider takes no other requests, from anybody or from this client (RFC 9126 5, 6)."""
    return provider.get(REQUIRED, False) is True or client.get(REQUIRED, False) is True


def pushed_authorization_request(
    provider: ProviderMetadata, client: ClientAuthentication, parameters: Parameters
) -> HttpRequest:
    """The request as a POST by the client (RFC 9126 2.1). Raises MetadataInvalid where there is no place for it."""
    name = "pushed_authorization_request_endpoint"
    if name not in provider:
        raise MetadataInvalid(f"The provider's metadata must have {name} for requests to be pushed.", field=name)
    # one that is pushed twice is used once
    return replace(authenticated_request(provider[name], parameters, client), repeatable=True)


def read_pushed_authorization(response: HttpResponse) -> str:
    """The `request_uri` that stands for what was pushed (RFC 9126 2.2). Raises ProviderError."""
    require_success(response, "pushed authorization request endpoint")
    if response.status not in (200, 201):
        raise ProviderError(
            f"The pushed authorization request endpoint must answer 201, not {response.status}; redirects are not "
            "followed.",
            status=response.status,
        )
    try:
        request_uri = read_object(response.body).get("request_uri")
    except ValueError as error:
        raise ProviderError(f"The answer to a pushed request must be one JSON object: {error}.") from None
    if not isinstance(request_uri, str) or not _REQUEST_URI.fullmatch(request_uri):
        raise ProviderError("request_uri in the answer to a pushed request must be a URI.")
    return request_uri


def pushed_request_parameters(client_id: str, request_uri: str) -> dict[str, Parameter]:
    """The parameters that the browser carries then, and nothing else (RFC 9126 4)."""
    return {"client_id": client_id, "request_uri": request_uri}
