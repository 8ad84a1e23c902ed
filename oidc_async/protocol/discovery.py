"""Where a provider publishes its metadata, and what makes them believable (OIDC Discovery 4)."""

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
"""Those that browsers are sent to; all others are asked by us."""
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
"""Those that are asked by us, and may have an alias for clients with a certificate (RFC 8705 5)."""
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
    """Where `issuer` publishes its metadata (OIDC Discovery 4.1)."""
    return issuer.removesuffix("/") + "/.well-known/openid-configuration"


def discovery_request(uri: str) -> HttpRequest:
    return HttpRequest(method="GET", url=uri, headers={"accept": "application/json"}, repeatable=True)


def read_discovery(
    response: HttpResponse, issuer: str, response_type: str = "code", network: PrivateNetwork = PUBLIC
) -> ProviderMetadata:
    """The metadata of `issuer` (OIDC Discovery 4.2, 4.3), for logins by this response type.

    Raises IssuerMismatch when the document speaks for another issuer, MetadataInvalid for any other fault.
    """
    if response.status != 200:
        raise MetadataInvalid(
            f"The discovery document of {issuer} must be answered with 200, not {response.status}. "
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
    """Compared code point by code point: a trailing slash makes another issuer (OIDC Discovery 4.3)."""
    published = document.get("issuer")
    if published != issuer:
        shown = ascii(published)[:200]
        raise IssuerMismatch(
            f"The discovery document's issuer is {shown}, but issuer is configured as {issuer!r}. "
            f"They must be equal in every character. {_advice(published, issuer, network)}",
            expected=issuer,
        )


def _advice(published: object, issuer: str, network: PrivateNetwork) -> str:
    """What to change where the issuers differ."""
    text = published if isinstance(published, str) else ""
    if uri_problem(published, None) is None and network.is_at_backchannel(text):
        return (
            "The provider takes its name from the address at which it is asked, here backchannel_url: configure its "
            "public address there (KC_HOSTNAME of Keycloak)."
        )
    if "{" in text:
        return (
            "The part in braces is a placeholder for a tenant: set issuer to that of one tenant, with its id "
            "in that place. Logins of any tenant (common, organizations) are not supported."
        )
    slash = "They differ in the slash at the end. " if text.rstrip("/") == issuer.rstrip("/") else ""
    return (
        f"{slash}If this is the right provider, set issuer to what its document says, and discovery_url to the "
        "address of the document when that is not below issuer."
    )


def require_usable(metadata: ProviderMetadata, response_type: str = "code", network: PrivateNetwork = PUBLIC) -> None:
    """Raise MetadataInvalid for an endpoint that is missing, or that no token may be sent to."""
    for name in REQUIRED_ENDPOINTS:
        if name not in metadata:
            raise MetadataInvalid(f"The provider's metadata must have {name}.", field=name)
    require_token_endpoint(metadata, response_type)
    require_endpoints(metadata, str(metadata["issuer"]), network)


def require_token_endpoint(metadata: ProviderMetadata, response_type: str) -> None:
    """Raise MetadataInvalid when codes are asked for that nobody exchanges (OIDC Discovery 3)."""
    if "code" in response_type.split() and "token_endpoint" not in metadata:
        raise MetadataInvalid(
            f"The provider's metadata must have token_endpoint: response_type={response_type} brings a code.",
            field="token_endpoint",
        )


def require_endpoints(metadata: ProviderMetadata, issuer: str, network: PrivateNetwork = PUBLIC) -> None:
    """Raise MetadataInvalid for a member that is there and not what it must be.

    Endpoints that are asked by us may be at the backchannel of `network`, those for browsers may not.
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
    """The same with the endpoints that ask for a client certificate, where they differ (RFC 8705 5).

    Those that browsers are sent to stay as they are: a browser has another certificate, or none.
    """
    aliases: Mapping[str, str] = metadata.get("mtls_endpoint_aliases", {})
    return metadata.copy(**{name: aliases[name] for name in ALIASED_ENDPOINTS if name in aliases})


def _require_endpoint(name: str, endpoint: object, issuer: str, network: PrivateNetwork) -> None:
    problem = network.uri_problem(endpoint)
    if problem is None and name in BROWSER_ENDPOINTS and network.is_at_backchannel(str(endpoint)):
        problem = "is at backchannel_url, where no browser gets: configure the provider's public address there"
    # a public provider must not lead us to a service on this machine, unless somebody named it
    is_named = problem is None and network.accepts_plaintext(str(endpoint))
    if problem is None and is_plaintext(str(endpoint)) and not is_plaintext(issuer) and not is_named:
        problem = "must use https as the issuer does"
    if problem:
        raise MetadataInvalid(f"{name} in the provider's metadata {problem}.", field=name)


def _is_list_of_strings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)  # pyright: ignore[reportUnknownVariableType]
