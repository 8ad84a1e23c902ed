"""Finds mistakes of developers in metadata: misspelt names and values of a wrong type.

The names of metadata and request parameters are those of the IANA registries "OAuth Dynamic Client Registration
Metadata", "OAuth Authorization Server Metadata" and "OAuth Parameters". Other names are allowed, unless they differ
from a registered name by one or two letters only.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, cast

from oidc_async.errors import ConfigurationError

from .metadata import ProviderMetadata

CLIENT_NAMES = frozenset(
    [
        "application_type",
        "authorization_details_types",
        "authorization_encrypted_response_alg",
        "authorization_encrypted_response_enc",
        "authorization_signed_response_alg",
        "backchannel_authentication_request_signing_alg",
        "backchannel_client_notification_endpoint",
        "backchannel_logout_session_required",
        "backchannel_logout_uri",
        "backchannel_token_delivery_mode",
        "backchannel_user_code_parameter",
        "client_id",
        "client_id_issued_at",
        "client_name",
        "client_secret",
        "client_secret_expires_at",
        "client_uri",
        "contacts",
        "default_acr_values",
        "default_max_age",
        "dpop_bound_access_tokens",
        "frontchannel_logout_session_required",
        "frontchannel_logout_uri",
        "grant_types",
        "id_token_encrypted_response_alg",
        "id_token_encrypted_response_enc",
        "id_token_signed_response_alg",
        "initial_access_token",
        "initiate_login_uri",
        "introspection_encrypted_response_alg",
        "introspection_encrypted_response_enc",
        "introspection_endpoint_auth_method",
        "introspection_endpoint_auth_signing_alg",
        "introspection_signed_response_alg",
        "jwks",
        "jwks_uri",
        "logo_uri",
        "policy_uri",
        "post_logout_redirect_uris",
        "redirect_uris",
        "registration_access_token",
        "registration_client_uri",
        "registration_token",
        "request_object_encryption_alg",
        "request_object_encryption_enc",
        "request_object_signing_alg",
        "request_uris",
        "require_auth_time",
        "require_pushed_authorization_requests",
        "require_signed_request_object",
        "response_modes",
        "response_types",
        "revocation_endpoint_auth_method",
        "revocation_endpoint_auth_signing_alg",
        "scope",
        "sector_identifier_uri",
        "software_id",
        "software_statement",
        "software_version",
        "subject_type",
        "tls_client_auth_san_dns",
        "tls_client_auth_san_email",
        "tls_client_auth_san_ip",
        "tls_client_auth_san_uri",
        "tls_client_auth_subject_dn",
        "tls_client_certificate_bound_access_tokens",
        "token_endpoint_auth_method",
        "token_endpoint_auth_signing_alg",
        "tos_uri",
        "use_mtls_endpoint_aliases",
        "userinfo_encrypted_response_alg",
        "userinfo_encrypted_response_enc",
        "userinfo_signed_response_alg",
    ]
)
PROVIDER_NAMES = frozenset(
    [
        "acr_values_supported",
        "authorization_details_types_supported",
        "authorization_encryption_alg_values_supported",
        "authorization_encryption_enc_values_supported",
        "authorization_endpoint",
        "authorization_response_iss_parameter_supported",
        "authorization_signing_alg_values_supported",
        "backchannel_authentication_endpoint",
        "backchannel_authentication_request_signing_alg_values_supported",
        "backchannel_logout_session_supported",
        "backchannel_logout_supported",
        "backchannel_token_delivery_modes_supported",
        "backchannel_user_code_parameter_supported",
        "check_session_iframe",
        "claim_types_supported",
        "claims_locales_supported",
        "claims_parameter_supported",
        "claims_supported",
        "code_challenge_methods_supported",
        "device_authorization_endpoint",
        "display_values_supported",
        "dpop_signing_alg_values_supported",
        "end_session_endpoint",
        "frontchannel_logout_session_supported",
        "frontchannel_logout_supported",
        "grant_types_supported",
        "id_token_encryption_alg_values_supported",
        "id_token_encryption_enc_values_supported",
        "id_token_signing_alg_values_supported",
        "introspection_encryption_alg_values_supported",
        "introspection_encryption_enc_values_supported",
        "introspection_endpoint",
        "introspection_endpoint_auth_methods_supported",
        "introspection_endpoint_auth_signing_alg_values_supported",
        "introspection_signing_alg_values_supported",
        "issuer",
        "jwks_uri",
        "mtls_endpoint_aliases",
        "op_policy_uri",
        "op_tos_uri",
        "prompt_values_supported",
        "protected_resources",
        "pushed_authorization_request_endpoint",
        "registration_endpoint",
        "request_object_encryption_alg_values_supported",
        "request_object_encryption_enc_values_supported",
        "request_object_signing_alg_values_supported",
        "request_parameter_supported",
        "request_uri_parameter_supported",
        "require_pushed_authorization_requests",
        "require_request_uri_registration",
        "require_signed_request_object",
        "response_modes_supported",
        "response_types_supported",
        "revocation_endpoint",
        "revocation_endpoint_auth_methods_supported",
        "revocation_endpoint_auth_signing_alg_values_supported",
        "scopes_supported",
        "service_documentation",
        "signed_metadata",
        "subject_types_supported",
        "tls_client_certificate_bound_access_tokens",
        "token_endpoint",
        "token_endpoint_auth_methods_supported",
        "token_endpoint_auth_signing_alg_values_supported",
        "ui_locales_supported",
        "userinfo_encryption_alg_values_supported",
        "userinfo_encryption_enc_values_supported",
        "userinfo_endpoint",
        "userinfo_signing_alg_values_supported",
    ]
)
REQUEST_NAMES = frozenset(
    [
        "acr_values",
        "audience",
        "authorization_details",
        "claims",
        "claims_locales",
        "client_id",
        "code_challenge",
        "code_challenge_method",
        "display",
        "dpop_jkt",
        "id_token_hint",
        "login_hint",
        "max_age",
        "nonce",
        "prompt",
        "redirect_uri",
        "registration",
        "request",
        "request_uri",
        "resource",
        "response_mode",
        "response_type",
        "scope",
        "state",
        "ui_locales",
    ]
)
CLIENT_LISTS = (
    "contacts",
    "default_acr_values",
    "grant_types",
    "post_logout_redirect_uris",
    "redirect_uris",
    "request_uris",
    "response_types",
)
"""Members of client metadata that are arrays of strings (OIDC Registration 2, RFC 7591 2)."""
MIN_SIMILARITY = 0.9


def find_misspelling(names: Iterable[str], registered: Collection[str]) -> tuple[str, str] | None:
    """Return the first name that is similar to a registered name, and the registered one."""
    for name in names:
        nearest = [] if name in registered else get_close_matches(name, registered, n=1, cutoff=MIN_SIMILARITY)
        if nearest:
            return name, nearest[0]
    return None


def require_valid_members(metadata: Mapping[str, Any] | None) -> None:
    """Raise ConfigurationError if a member is misspelt, or has a value of a wrong type.

    This is for metadata in a configuration, not for responses of a provider.
    """
    if metadata is None:
        return
    kind = type(metadata).__name__
    is_provider = isinstance(metadata, ProviderMetadata)
    if found := find_misspelling(metadata, PROVIDER_NAMES if is_provider else CLIENT_NAMES):
        raise ConfigurationError(f"{found[0]} in {kind} is unknown. Did you mean {found[1]}?")
    if is_provider:
        return
    for name in ("client_id", "client_secret"):
        if re.search(r"[\x00-\x1f\x7f]", str(metadata.get(name, ""))):
            raise ConfigurationError(
                f"{name} in {kind} contains a line break or another control character (RFC 6749 A.1, A.2). "
                "If it was read from a file, apply .strip()."
            )
    for name in CLIENT_LISTS:
        if not _is_list_of_strings(metadata.get(name, [])):
            raise ConfigurationError(f"{name} in {kind} must be a list of strings.")


def _is_list_of_strings(value: object) -> bool:
    # A string is a sequence, too: of its characters.
    return isinstance(value, list | tuple) and all(isinstance(item, str) for item in cast(Sequence[object], value))
