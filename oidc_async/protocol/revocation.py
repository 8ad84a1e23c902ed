"""Token revocation (RFC 7009)."""

from oidc_async.errors import ProviderError

from .client_authentication import ClientAuthentication, authenticated_request
from .http_message import HttpRequest, HttpResponse
from .metadata import ProviderMetadata
from .oauth_error import require_success


def revocation_request(
    provider: ProviderMetadata, client: ClientAuthentication, token: str, token_type_hint: str
) -> HttpRequest:
    """Return the request to revoke `token`; the hint is access_token or refresh_token (RFC 7009 2.1)."""
    form = {"token": token, "token_type_hint": token_type_hint}
    return authenticated_request(provider["revocation_endpoint"], form, client)


def read_revocation(response: HttpResponse) -> None:
    """Require that the token was revoked or unknown (RFC 7009 2.2). Raises ProviderError."""
    require_success(response, "revocation endpoint")
    # The RFC requires 200, and 204 means the same. A redirect does not come from a revocation endpoint.
    if response.status not in (200, 204):
        raise ProviderError(
            f"The revocation response must have status 200, not {response.status}. Redirects are not followed.",
            status=response.status,
        )
