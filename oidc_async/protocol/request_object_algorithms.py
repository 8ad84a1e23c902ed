"""The registered signature and encryption algorithms of request objects (OIDC Registration 2)."""

from dataclasses import dataclass

from oidc_async.errors import ConfigurationError

from .client_authentication import require_secret_for
from .jose.jwe import Encryption
from .jose.jws import SUPPORTED_ALGORITHMS
from .metadata import ClientMetadata, ProviderMetadata
from .registered_encryption import registered_encryption, require_encryption

SIGNING, ENCRYPTION = "request_object_signing_alg", "request_object_encryption"
UNSIGNED = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestObjectAlgorithms:
    """The registered algorithms. `signature` is None if the client accepts any."""

    signature: str | None
    encryption: Encryption | None


def request_object_algorithms(client: ClientMetadata) -> RequestObjectAlgorithms:
    """Read `request_object_signing_alg`, `request_object_encryption_alg` and `request_object_encryption_enc`."""
    return RequestObjectAlgorithms(
        signature=client.get(SIGNING), encryption=registered_encryption(client, ENCRYPTION)
    )


def require_request_object_algorithms(client: ClientMetadata, *, unsigned: bool) -> None:
    """Raise ConfigurationError if an algorithm is unsupported or needs a longer client_secret.

    `unsigned` is whether the application wants unsigned request objects.
    """
    algorithms = request_object_algorithms(client)
    _require_signature(algorithms.signature, client, unsigned=unsigned)
    if algorithms.encryption is None:
        return
    if unsigned:
        raise ConfigurationError(f"{ENCRYPTION}_alg needs signed request objects: unsigned ones can't be encrypted.")
    require_encryption(ENCRYPTION, algorithms.encryption, client)


def _require_signature(alg: str | None, client: ClientMetadata, *, unsigned: bool) -> None:
    if unsigned:
        if alg not in (None, UNSIGNED):
            raise ConfigurationError(f"{SIGNING} must be none or absent with unsigned_request_objects=True.")
    elif alg == UNSIGNED:
        raise ConfigurationError(
            f"{SIGNING} none does not protect the request from changes in the browser: "
            "set unsigned_request_objects=True if that is intended."
        )
    elif alg is not None:
        if alg not in SUPPORTED_ALGORITHMS:
            raise ConfigurationError(f"{SIGNING} must be one of {', '.join(SUPPORTED_ALGORITHMS)}.")
        require_secret_for(alg, client, SIGNING)


def require_accepted(
    provider: ProviderMetadata, *, way: str | None, signature: str, encryption: Encryption | None
) -> None:
    """Raise ConfigurationError if the provider's metadata excludes such a request object (OIDC Discovery 3).

    `request_parameter_supported` is about the authorization endpoint only: it does not matter for a pushed request
    object (RFC 9126 3).
    """
    if way == "reference" and not provider.get("request_uri_parameter_supported", True):
        raise ConfigurationError(
            'request_object="reference" can\'t be used: the provider has request_uri_parameter_supported: false.'
        )
    if way == "value" and not provider.get("request_parameter_supported", False):
        raise ConfigurationError(
            'request_object="value" can\'t be used: the provider does not have request_parameter_supported: true. '
            "If it accepts request objects nevertheless, set that in provider_metadata."
        )
    if signature == UNSIGNED and provider.get("require_signed_request_object", False):
        raise ConfigurationError(
            "unsigned_request_objects can't be used: the provider requires signed request objects."
        )
    _require_listed(provider, SIGNING, signature)
    if encryption is not None:
        _require_listed(provider, f"{ENCRYPTION}_alg", encryption.alg)
        _require_listed(provider, f"{ENCRYPTION}_enc", encryption.enc)


def _require_listed(provider: ProviderMetadata, name: str, value: str) -> None:
    supported = provider.get(f"{name}_values_supported")
    if supported is not None and value not in supported:
        raise ConfigurationError(f"{name} {value} is not in {name}_values_supported of the provider.")
