"""Telling the provider that a token is not needed any more (RFC 7009)."""

from oidc_async.errors import ProviderError

from .client_authentication import ClientAuthentication, authenticated_request
from .http_message import HttpRequest, HttpResponse
from .metadata import ProviderMetadata
from .oauth_error import require_success


def revocation_request(
    provider: ProviderMetadata, client: ClientAuthentication, token: str, token_type_hint: str
) -> HttpRequest:
    """Revoke `token`; the hint is access_token or refresh_token (RFC 7009 2.1)."""
    form = {"token": token, "token_type_hint": token_type_hint}
    return authenticated_request(provider["revocation_endpoint"], form, client)


def read_revocation(response: HttpResponse) -> None:
    """Raise ProviderError unless the token is revoked, or was unknown anyway (RFC 7009 2.2)."""
    require_success(response, "revocation endpoint")
    # the RFC says 200; 204 does no harm, but a redirect is somebody else's answer
    if response.status not in (200, 204):
        raise ProviderError(
            f"The revocation endpoint must answer 200, not {response.status}; redirects are not followed.",
            status=response.status,
        )
