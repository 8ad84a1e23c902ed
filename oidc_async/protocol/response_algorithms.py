"""The registered signature and encryption algorithms of ID tokens and userinfo (OIDC Registration 2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from oidc_async.errors import ConfigurationError

from .client_authentication import require_secret_for
from .jose.jwe import Encryption
from .jose.jws import SUPPORTED_ALGORITHMS
from .metadata import ClientMetadata
from .registered_encryption import registered_encryption, require_encryption

ResponseKind = Literal["id_token", "userinfo"]

DEFAULT_SIGNATURES: Mapping[ResponseKind, tuple[str, ...]] = MappingProxyType(
    {"id_token": ("RS256",), "userinfo": ()}
)
"""ID tokens are always signed; userinfo is plain JSON by default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseAlgorithms:
    """The algorithms of one kind of response. Without any, the response is plain JSON."""

    signatures: tuple[str, ...]
    encryption: Encryption | None

    @property
    def is_plain(self) -> bool:
        return not self.signatures and self.encryption is None


def response_algorithms(client: ClientMetadata, kind: ResponseKind) -> ResponseAlgorithms:
    """Read `<kind>_signed_response_alg`, `<kind>_encrypted_response_alg` and `<kind>_encrypted_response_enc`."""
    name = f"{kind}_signed_response_alg"
    return ResponseAlgorithms(
        signatures=(client[name],) if name in client else DEFAULT_SIGNATURES[kind],
        encryption=registered_encryption(client, f"{kind}_encrypted_response"),
    )


def require_response_algorithms(client: ClientMetadata) -> tuple[str, ...]:
    """Return the `alg` values of encryption that need a private key of the client.

    Raises:
        ConfigurationError: an algorithm is unsupported or needs a longer client_secret.
    """
    return tuple(alg for kind in DEFAULT_SIGNATURES for alg in _require_kind(client, kind))


def _require_kind(client: ClientMetadata, kind: ResponseKind) -> list[str]:
    algorithms = response_algorithms(client, kind)
    for alg in algorithms.signatures:
        _require_signature(f"{kind}_signed_response_alg", alg, client)
    if algorithms.encryption is None:
        return []
    require_encryption(f"{kind}_encrypted_response", algorithms.encryption, client)
    return [] if algorithms.encryption.is_symmetric else [algorithms.encryption.alg]


def _require_signature(name: str, alg: str, client: ClientMetadata) -> None:
    if alg not in SUPPORTED_ALGORITHMS:
        raise ConfigurationError(f"{name} must be one of {', '.join(SUPPORTED_ALGORITHMS)}.")
    require_secret_for(alg, client, name)
