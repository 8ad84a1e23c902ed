"""The discovery document of a provider: its request and its validation (OIDC Discovery 4)."""

from collections.abc import Mapping
from typing import Any, cast

from oidc_async.errors import IssuerMismatch, MetadataInvalid

from .http_message import HttpRequest, HttpResponse
from .metadata import ProviderMetadata
from .private_network import PUBLIC, PrivateNetwork
from .strict_json import read_object
from .uri import is_plaintext, uri_problem

REQUIRED_ENDPOINTS = ("authorization_endpoint", "jwks_uri")
BROWSER_ENDPOINTS = ("authorization_endpoint", "end_session_endpoint", "check_session_iframe")
"""Endpoints that browsers are sent to. This library sends requests to all others."""
OPTIONAL_ENDPOINTS = (
    "userinfo_endpoint",
    "end_session_endpoint",
    "introspection_endpoint",
    "revocation_endpoint",
    "registration_endpoint",
    "pushed_authorization_request_endpoint",
    "check_session_iframe",
)
ALIASED_ENDPOINTS = (
    "token_endpoint",
    "userinfo_endpoint",
    "introspection_endpoint",
    "revocation_endpoint",
    "registration_endpoint",
    "pushed_authorization_request_endpoint",
)
"""Endpoints that may have an alias for clients with a certificate (RFC 8705 5)."""
BOOLEANS = (
    "authorization_response_iss_parameter_supported",
    "request_parameter_supported",
    "request_uri_parameter_supported",
    "require_pushed_authorization_requests",
    "require_signed_request_object",
)
LISTS = (
    "token_endpoint_auth_methods_supported",
    "introspection_endpoint_auth_methods_supported",
    "revocation_endpoint_auth_methods_supported",
    "token_endpoint_auth_signing_alg_values_supported",
    "introspection_endpoint_auth_signing_alg_values_supported",
    "revocation_endpoint_auth_signing_alg_values_supported",
    "code_challenge_methods_supported",
    "request_object_signing_alg_values_supported",
    "request_object_encryption_alg_values_supported",
    "request_object_encryption_enc_values_supported",
)


def well_known_uri(issuer: str) -> str:
    """Return the URL of the discovery document of `issuer` (OIDC Discovery 4.1)."""
    return issuer.removesuffix("/") + "/.well-known/openid-configuration"


def discovery_request(uri: str) -> HttpRequest:
    return HttpRequest(method="GET", url=uri, headers={"accept": "application/json"}, repeatable=True)


def read_discovery(
    response: HttpResponse, issuer: str, response_type: str = "code", network: PrivateNetwork = PUBLIC
) -> ProviderMetadata:
    """Read the discovery document of `issuer` (OIDC Discovery 4.2, 4.3).

    Args:
        response: the response with the document.
        issuer: the configured Issuer Identifier.
        response_type: the response type of logins, which decides which endpoints are required.
        network: the addresses that may use http.

    Raises:
        IssuerMismatch: the document is that of another issuer.
        MetadataInvalid: the document is invalid in another way.
    """
    if response.status != 200:
        raise MetadataInvalid(
            f"The response for the discovery document of {issuer} must have status 200, not {response.status}. "
            "Check the issuer, or set discovery_url.",
            status=response.status,
        )
    try:
        document = read_object(response.body)
    except ValueError as error:
        raise MetadataInvalid(f"The discovery document of {issuer} must be one JSON object: {error}") from None
    require_issuer(document, issuer, network)
    metadata = ProviderMetadata(**document)
    require_usable(metadata, response_type, network)
    return metadata


def require_issuer(document: dict[str, Any], issuer: str, network: PrivateNetwork = PUBLIC) -> None:
    """Require that `issuer` is exactly equal: a trailing slash makes another issuer (OIDC Discovery 4.3)."""
    published = document.get("issuer")
    if published != issuer:
        shown = ascii(published)[:200]
        raise IssuerMismatch(
            f"The discovery document's issuer is {shown}, but issuer is configured as {issuer!r}. "
            f"They must be equal in every character. {_advice(published, issuer, network)}",
            expected=issuer,
        )


def _advice(published: object, issuer: str, network: PrivateNetwork) -> str:
    """Return what to change if the issuers differ."""
    text = published if isinstance(published, str) else ""
    if uri_problem(published, None) is None and network.is_at_backchannel(text):
        return (
            "The provider derives its issuer from the address of the request, here backchannel_url: configure its "
            "public address at the provider (KC_HOSTNAME of Keycloak)."
        )
    if "{" in text:
        return (
            "The part in braces is a placeholder for a tenant: set issuer to that of one tenant, with the tenant id "
            "instead. Logins of any tenant (common, organizations) are not supported."
        )
    slash = "They differ in the trailing slash. " if text.rstrip("/") == issuer.rstrip("/") else ""
    return (
        f"{slash}If this is the right provider, set issuer to the value in the document, and discovery_url to the "
        "URL of the document if that is not below issuer."
    )


def require_usable(metadata: ProviderMetadata, response_type: str = "code", network: PrivateNetwork = PUBLIC) -> None:
    """Raise MetadataInvalid if an endpoint is missing, or has a URL that tokens must not be sent to."""
    for name in REQUIRED_ENDPOINTS:
        if name not in metadata:
            raise MetadataInvalid(f"The provider's metadata must have {name}.", field=name)
    require_token_endpoint(metadata, response_type)
    require_endpoints(metadata, str(metadata["issuer"]), network)


def require_token_endpoint(metadata: ProviderMetadata, response_type: str) -> None:
    """Raise MetadataInvalid if the response type has a code, and no token endpoint exists (OIDC Discovery 3)."""
    if "code" in response_type.split() and "token_endpoint" not in metadata:
        raise MetadataInvalid(
            f"The provider's metadata must have token_endpoint: response_type={response_type} includes a code.",
            field="token_endpoint",
        )


def require_endpoints(metadata: ProviderMetadata, issuer: str, network: PrivateNetwork = PUBLIC) -> None:
    """Raise MetadataInvalid if a member is present and invalid.

    Endpoints may be at the backchannel of `network`, except those that browsers are sent to.
    """
    for name in (*REQUIRED_ENDPOINTS, "token_endpoint", *OPTIONAL_ENDPOINTS):
        if name in metadata:
            _require_endpoint(name, metadata[name], issuer, network)
    for name in BOOLEANS:
        if not isinstance(metadata.get(name, False), bool):
            raise MetadataInvalid(f"{name} in the provider's metadata must be true or false.", field=name)
    for name in LISTS:
        if not _is_list_of_strings(metadata.get(name, [])):
            raise MetadataInvalid(f"{name} in the provider's metadata must be a list of strings.", field=name)

    _require_aliases(metadata.get("mtls_endpoint_aliases", {}), issuer)


def _require_aliases(aliases: object, issuer: str) -> None:
    if not isinstance(aliases, Mapping):
        raise MetadataInvalid(
            "mtls_endpoint_aliases in the provider's metadata must be an object.", field="mtls_endpoint_aliases"
        )
    for name, alias in cast("Mapping[str, object]", aliases).items():
        if name in ALIASED_ENDPOINTS:
            _require_endpoint(f"mtls_endpoint_aliases.{name}", alias, issuer, PUBLIC)


def with_mtls_endpoints(metadata: ProviderMetadata) -> ProviderMetadata:
    """Return the metadata with the endpoints for clients with a certificate, if there are any (RFC 8705 5).

    Endpoints that browsers are sent to don't change: browsers don't have the client's certificate.
    """
    # RFC 8705 5: at these endpoints the server requests a certificate during the TLS handshake, which it can't do at
    # endpoints that browsers use as well.
    aliases: Mapping[str, str] = metadata.get("mtls_endpoint_aliases", {})
    return metadata.copy(**{name: aliases[name] for name in ALIASED_ENDPOINTS if name in aliases})


def _require_endpoint(name: str, endpoint: object, issuer: str, network: PrivateNetwork) -> None:
    problem = network.uri_problem(endpoint)
    if problem is None and name in BROWSER_ENDPOINTS and network.is_at_backchannel(str(endpoint)):
        problem = "is at backchannel_url, which browsers can't reach: configure the public address at the provider"
    # A public provider must not send requests with tokens to a service on this machine.
    is_allowed = problem is None and network.accepts_plaintext(str(endpoint))
    if problem is None and is_plaintext(str(endpoint)) and not is_plaintext(issuer) and not is_allowed:
        problem = "must use https as the issuer does"
    if problem:
        raise MetadataInvalid(f"{name} in the provider's metadata {problem}.", field=name)


def _is_list_of_strings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)  # pyright: ignore[reportUnknownVariableType]
