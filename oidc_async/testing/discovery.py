"""The discovery document (OIDC Discovery 3) and the key set (RFC 7517)."""

from .client_signature import KEY_ALGORITHMS, SECRET_ALGORITHMS
from .decryption import decryption_keys
from .encryption import ENCRYPTION_ALGORITHMS, KEY_SIZES
from .keys import SIGNING_ALGORITHMS
from .registry import Registry
from .reply import JSONObject
from .request_object import UNSIGNED
from .stages import Endpoint

RESPONSE_TYPES = (
    "code",
    "id_token",
    "code id_token",
    "code token",
    "code id_token token",
    "id_token token",
)
RESPONSE_MODES = ("query", "fragment", "form_post")
SCOPES = ("openid", "profile", "email", "address", "phone", "offline_access")
CONFIDENTIAL_AUTH_METHODS = ("client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt")
AUTH_METHODS = (*CONFIDENTIAL_AUTH_METHODS, "none")

ASSERTION_ALGORITHMS = (*SECRET_ALGORITHMS, *KEY_ALGORITHMS)


def discovery_document(registry: Registry) -> JSONObject:
    """Return the provider metadata (OIDC Discovery 3)."""
    registration = registry.endpoint(Endpoint.REGISTRATION.value)
    frame = registry.endpoint(Endpoint.CHECK_SESSION.value)
    return {
        **({} if registry.registration is None else {"registration_endpoint": registration}),
        **({"check_session_iframe": frame} if registry.manages_sessions else {}),
        "issuer": registry.issuer,
        "authorization_endpoint": registry.endpoint(Endpoint.AUTHORIZATION.value),
        "token_endpoint": registry.endpoint(Endpoint.TOKEN.value),
        "userinfo_endpoint": registry.endpoint(Endpoint.USERINFO.value),
        "jwks_uri": registry.endpoint(Endpoint.JWKS.value),
        "introspection_endpoint": registry.endpoint(Endpoint.INTROSPECTION.value),
        "revocation_endpoint": registry.endpoint(Endpoint.REVOCATION.value),
        "pushed_authorization_request_endpoint": registry.endpoint(Endpoint.PUSHED_AUTHORIZATION.value),
        "end_session_endpoint": registry.endpoint(Endpoint.END_SESSION.value),
        "scopes_supported": list(SCOPES),
        "response_types_supported": list(RESPONSE_TYPES),
        "response_modes_supported": list(RESPONSE_MODES),
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials", "implicit"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": list(SIGNING_ALGORITHMS),
        "id_token_encryption_alg_values_supported": list(ENCRYPTION_ALGORITHMS),
        "id_token_encryption_enc_values_supported": list(KEY_SIZES),
        "userinfo_signing_alg_values_supported": list(SIGNING_ALGORITHMS),
        "userinfo_encryption_alg_values_supported": list(ENCRYPTION_ALGORITHMS),
        "userinfo_encryption_enc_values_supported": list(KEY_SIZES),
        "token_endpoint_auth_methods_supported": list(AUTH_METHODS),
        "token_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGORITHMS),
        "introspection_endpoint_auth_methods_supported": list(CONFIDENTIAL_AUTH_METHODS),
        "introspection_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGORITHMS),
        "revocation_endpoint_auth_methods_supported": list(AUTH_METHODS),
        "revocation_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGORITHMS),
        "introspection_signing_alg_values_supported": list(SIGNING_ALGORITHMS),
        "code_challenge_methods_supported": ["S256"],
        "claims_parameter_supported": True,
        "request_parameter_supported": True,
        "request_uri_parameter_supported": registry.fetch is not None,
        "request_object_signing_alg_values_supported": [UNSIGNED, *ASSERTION_ALGORITHMS],
        "request_object_encryption_alg_values_supported": list(ENCRYPTION_ALGORITHMS),
        "request_object_encryption_enc_values_supported": list(KEY_SIZES),
        "authorization_response_iss_parameter_supported": True,
    }


def key_set(registry: Registry) -> JSONObject:
    """Return the public keys for signatures and encryption (RFC 7517 5)."""
    signs = [key.public_jwk() for key in registry.ring.published()]
    return {"keys": [*signs, *(key.public_jwk() for key in decryption_keys(registry))]}
