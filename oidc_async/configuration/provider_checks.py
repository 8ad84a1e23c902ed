"""The checks of a ProviderConfiguration.

Each raises ConfigurationError, which names the setting and the fix.
"""

import os
from collections.abc import Collection, Mapping, Sequence
from ssl import SSLContext
from typing import TYPE_CHECKING, cast

from oidc_async.errors import ConfigurationError, MetadataInvalid
from oidc_async.http.settings import HttpSettings, require_unused
from oidc_async.protocol.access_token import ALLOWED_ALGORITHMS
from oidc_async.protocol.client_authentication import require_client, uses_mtls, uses_mtls_endpoints
from oidc_async.protocol.discovery import require_endpoints, require_usable
from oidc_async.protocol.metadata import ClientMetadata, ClientRegistrationInfo, ProviderMetadata
from oidc_async.protocol.metadata_members import require_valid_members
from oidc_async.protocol.parameters import single_text
from oidc_async.protocol.request_object_algorithms import require_request_object_algorithms
from oidc_async.protocol.response_algorithms import require_response_algorithms, response_algorithms
from oidc_async.protocol.uri import is_encodable, issuer_problem, uri_problem

from .access_token_settings import AUDIENCE_CLAIMS, require_access_token_settings
from .claims_provider import ClaimsProvider
from .client_keys import ClientKeys, require_request_object_keys, require_signing_keys
from .request_parameters import require_request_parameters

if TYPE_CHECKING:
    from .provider import ProviderConfiguration

CHOICES: Mapping[str, tuple[str | bool | None, ...]] = {
    "access_token_verification": ("introspection", "jwt", "auto"),
    "audience_claim": AUDIENCE_CLAIMS,
    "client_assertion_audience": ("issuer", "token_endpoint"),
    "end_session_http_method": ("GET", "POST"),
    "request_object": (None, "value", "reference"),
    "revoke_at_logout": ("auto", True, False),
    "userinfo_http_method": ("GET", "POST", None),
}
TYPES: Mapping[str, type] = {
    "provider_metadata": ProviderMetadata,
    "client_registration_info": ClientRegistrationInfo,
    "client_metadata": ClientMetadata,
    "client_keys": ClientKeys,
    "claims_providers": Mapping,
    "auth_request_params": Mapping,
    "token_request_params": Mapping,
    "end_session_params": Mapping,
    "logout_hint_claim": str,
    "http_settings": HttpSettings,
}
DURATIONS = ("session_refresh_interval_seconds", "clock_skew_seconds", "id_token_issued_within_seconds")
SWITCHES = (
    "userinfo_token_in_body",
    "enforce_audience",
    "accept_untyped_access_tokens",
    "accept_untyped_logout_tokens",
    "accept_logout_tokens_without_exp",
    "accept_unencrypted_logout_tokens",
    "send_id_token_hint",
    "unsigned_request_objects",
    "pushed_authorization_requests",
)
MOST_SECONDS = 1e10
UNSUPPORTED_CLIENT_METADATA = ("introspection_encrypted_response_alg",)


def require_types(configuration: "ProviderConfiguration") -> None:
    """Check the type of each setting, and its value if only some are possible."""
    _require_instances(configuration)
    for metadata in (
        configuration.client_metadata,
        configuration.client_registration_info,
        configuration.provider_metadata,
    ):
        require_valid_members(metadata)
    for name, choices in CHOICES.items():
        if getattr(configuration, name) not in choices:
            raise ConfigurationError(f"{name} must be one of {', '.join(map(str, choices))}.")
    if configuration.http_client is not None:
        require_unused(configuration.http_settings)


def require_consistent(configuration: "ProviderConfiguration") -> None:
    """Check the settings together; `require_types` has checked each of them."""
    _require_provider(configuration)
    _require_client(configuration)
    _require_access_tokens(configuration)
    _require_renewal(configuration)
    _require_claims_providers(configuration)
    require_request_parameters(configuration.request_parameters())
    configuration.token_parameters()
    configuration.end_session_parameters()
    if configuration.unsigned_request_objects and configuration.request_object is None:
        raise ConfigurationError("unsigned_request_objects needs request_object.")
    if configuration.pushed_authorization_requests and configuration.request_object == "reference":
        raise ConfigurationError('pushed_authorization_requests can\'t be used with request_object="reference".')
    if configuration.userinfo_token_in_body and configuration.userinfo_http_method != "POST":
        raise ConfigurationError('userinfo_token_in_body needs userinfo_http_method="POST".')


def _require_instances(configuration: "ProviderConfiguration") -> None:
    for name, kind in TYPES.items():
        value = getattr(configuration, name)
        if value is not None and not isinstance(value, kind):
            raise ConfigurationError(f"{name} must be a {kind.__name__}, not a {type(value).__name__}.")
    for name in DURATIONS:
        if getattr(configuration, name) is not None:
            require_seconds(name, getattr(configuration, name))
    if configuration.registration_file == "" or not isinstance(
        cast(object, configuration.registration_file), str | os.PathLike | None
    ):
        raise ConfigurationError("registration_file must be the path of a file.")
    # A string is a collection too, of its letters.
    audiences = cast(object, configuration.trusted_audiences)
    if (
        isinstance(audiences, str)
        or not isinstance(audiences, Collection)
        or not all(map(is_encodable, configuration.trusted_audiences))
    ):
        raise ConfigurationError('trusted_audiences must be a set of strings, such as {"api"}.')


def _require_provider(configuration: "ProviderConfiguration") -> None:
    if configuration.issuer:
        _require_issuer(configuration, configuration.issuer)
    elif configuration.provider_metadata is None:
        raise ConfigurationError("ProviderConfiguration needs issuer or provider_metadata.")
    for name in ("discovery_url", "logout_hint_claim"):
        if getattr(configuration, name) == "":
            raise ConfigurationError(f"{name} is empty. Set it, or leave it out.")
    if configuration.discovery_url:
        _require_discovery_url(configuration, configuration.discovery_url)
    if configuration.provider_metadata is not None:
        _require_provider_metadata(configuration, configuration.provider_metadata)
    if configuration.private_network.is_at_backchannel(configuration.issuer_identifier):
        raise ConfigurationError("backchannel_url must have another scheme, host or port than issuer.")


def _require_issuer(configuration: "ProviderConfiguration", issuer: str) -> None:
    if problem := issuer_problem(issuer, configuration.insecure_hosts):
        raise ConfigurationError(f"issuer {problem}.{_private_network_advice(issuer)}")
    if issuer.endswith("//"):
        raise ConfigurationError("issuer must not end in two slashes.")
    if "/.well-known/" in f"{issuer}/":
        raise ConfigurationError("issuer must end before /.well-known/: only discovery_url may have that.")


def _require_discovery_url(configuration: "ProviderConfiguration", url: str) -> None:
    if not configuration.issuer:
        raise ConfigurationError("discovery_url needs issuer: the metadata found there must be those of issuer.")
    if problem := configuration.private_network.uri_problem(url):
        raise ConfigurationError(f"discovery_url {problem}.")


def _require_provider_metadata(configuration: "ProviderConfiguration", metadata: ProviderMetadata) -> None:
    issuer = metadata.get("issuer", configuration.issuer)
    if problem := issuer_problem(issuer, configuration.insecure_hosts):
        raise ConfigurationError(f"issuer in provider_metadata {problem}.")
    if configuration.issuer and issuer != configuration.issuer:
        raise ConfigurationError("issuer and the issuer in provider_metadata must be equal.")
    try:
        if configuration.issuer:
            require_endpoints(metadata, issuer, configuration.private_network)
        else:
            require_usable(
                metadata,
                single_text(configuration.request_parameters(), "response_type"),
                configuration.private_network,
            )
    except MetadataInvalid as error:
        hint = "" if configuration.issuer else " Set issuer to discover what is not given."
        raise ConfigurationError(f"provider_metadata: {error}{hint}") from None


def _require_access_tokens(configuration: "ProviderConfiguration") -> None:
    for name in SWITCHES:
        if not isinstance(getattr(configuration, name), bool):
            raise ConfigurationError(f"{name} must be True or False.")
    require_access_token_settings(configuration)


def _require_renewal(configuration: "ProviderConfiguration") -> None:
    if not isinstance(cast(object, configuration.renew_with_refresh_token), bool):
        raise ConfigurationError("renew_with_refresh_token must be True or False.")
    if configuration.renew_with_refresh_token and configuration.session_refresh_interval_seconds is None:
        raise ConfigurationError("renew_with_refresh_token needs session_refresh_interval_seconds.")


def _require_claims_providers(configuration: "ProviderConfiguration") -> None:
    for issuer, trusted in cast("Mapping[object, object]", configuration.claims_providers or {}).items():
        if problem := issuer_problem(issuer):
            raise ConfigurationError(f"Each issuer in claims_providers {problem}.")
        if not isinstance(trusted, ClaimsProvider):
            raise ConfigurationError("claims_providers must have a ClaimsProvider for each issuer.")


def _require_client(configuration: "ProviderConfiguration") -> None:
    if configuration.client_metadata is None:
        # An API that only verifies JWTs needs no client.
        if configuration.client_registration_info is None and configuration.access_token_verification != "jwt":
            raise ConfigurationError("ProviderConfiguration needs client_metadata or client_registration_info.")
        return
    require_suitable_client(configuration, configuration.client_metadata)


def require_suitable_client(configuration: "ProviderConfiguration", client: ClientMetadata) -> None:
    """Check that `client` can work with this configuration."""
    require_client(client, configuration.provider_metadata)
    require_signing_keys(client, configuration.client_keys)
    _require_request_object(configuration, client)
    _require_certificate(configuration, client)
    if configuration.backchannel_url is not None and uses_mtls_endpoints(client):
        raise ConfigurationError(
            "backchannel_url can't be used by a client that shows a certificate: its requests must go where the "
            "provider asks for the certificate. Give the endpoints in provider_metadata."
        )
    _require_uris(client, "post_logout_redirect_uris")
    _require_algorithms(configuration, client)
    for name in UNSUPPORTED_CLIENT_METADATA:
        if name in client:
            raise ConfigurationError(f"{name} in ClientMetadata is not supported by this version.")


def _require_request_object(configuration: "ProviderConfiguration", client: ClientMetadata) -> None:
    if configuration.request_object is None:
        return
    require_request_object_algorithms(client, unsigned=configuration.unsigned_request_objects)
    if not configuration.unsigned_request_objects:
        require_request_object_keys(client, configuration.client_keys)


def _require_certificate(configuration: "ProviderConfiguration", client: ClientMetadata) -> None:
    settings = configuration.http_settings
    # The application's own TLS context, client or runtime may have the certificate.
    others = (settings.client_certificate, configuration.http_client, configuration.runtime)
    has_one = isinstance(settings.ca_bundle, SSLContext) or any(other is not None for other in others)
    if uses_mtls(client) and not has_one:
        raise ConfigurationError(
            "The client is registered with a certificate: set http_settings=HttpSettings(client_certificate=...)."
        )


def _require_algorithms(configuration: "ProviderConfiguration", client: ClientMetadata) -> None:
    for alg in require_response_algorithms(client):
        if configuration.client_keys is None or not configuration.client_keys.decryption_keys(None, alg):
            raise ConfigurationError(
                f"Responses encrypted by {alg} need client_keys with a key for it: one with use=enc."
            )
    of_introspection = client.get("introspection_signed_response_alg", "RS256")
    if of_introspection not in (*ALLOWED_ALGORITHMS, *response_algorithms(client, "id_token").signatures):
        raise ConfigurationError(f"introspection_signed_response_alg must be one of {', '.join(ALLOWED_ALGORITHMS)}.")


def require_seconds(name: str, value: object) -> None:
    """Check that `value` is a number of seconds from 0 to MOST_SECONDS."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < MOST_SECONDS:
        raise ConfigurationError(f"{name} must be a number of seconds, not negative.")


def _require_uris(client: ClientMetadata, name: str) -> None:
    uris = client.get(name, [])
    # A string is a sequence too, of its letters.
    if not isinstance(uris, list | tuple) or any(uri_problem(uri) for uri in cast(Sequence[object], uris)):
        raise ConfigurationError(f"{name} in ClientMetadata must be a list of https URLs.")


def _private_network_advice(issuer: str) -> str:
    """Return the settings to advise for an issuer with http, else an empty text."""
    if not str(issuer).startswith("http://"):
        return ""
    return " For a provider in a private network, set backchannel_url or insecure_hosts (docs/guides/deployment.md)."
