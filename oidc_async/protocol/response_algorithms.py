"""How a client registered what it is sent: by which algorithms that is signed and encrypted (OIDC Registration 2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from ..errors import ConfigurationError, KeyUnusable
from .client_authentication import require_secret_for
from .jose import SUPPORTED_ALGORITHMS
from .jwe import CONTENT_ENCRYPTIONS, DEFAULT_ENC, KEY_ALGORITHMS, Encryption, derived_key
from .metadata import ClientMetadata

Kind = Literal["id_token", "userinfo"]

DEFAULT_SIGNATURES: Mapping[Kind, tuple[str, ...]] = MappingProxyType({"id_token": ("RS256",), "userinfo": ()})
"""An ID token is signed always; userinfo is plain JSON unless the client says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseAlgorithms:
    """Of one kind of response: no algorithms for what the client didn't register."""

    signatures: tuple[str, ...]
    encryption: Encryption | None

    @property
    def is_plain(self) -> bool:
        return not self.signatures and self.encryption is None


def response_algorithms(client: ClientMetadata, kind: Kind) -> ResponseAlgorithms:
    """`<kind>_signed_response_alg`, `<kind>_encrypted_response_alg` and `<kind>_encrypted_response_enc`."""
    alg, enc = client.get(f"{kind}_encrypted_response_alg"), client.get(f"{kind}_encrypted_response_enc")
    if alg is None and enc is not None:
        raise ConfigurationError(f"{kind}_encrypted_response_enc needs {kind}_encrypted_response_alg.")
    name = f"{kind}_signed_response_alg"
    return ResponseAlgorithms(
        signatures=(client[name],) if name in client else DEFAULT_SIGNATURES[kind],
        encryption=None if alg is None else Encryption(alg=alg, enc=enc or DEFAULT_ENC),
    )


def require_response_algorithms(client: ClientMetadata) -> tuple[str, ...]:
    """The `alg` values of encryption that need a private key of the client.

    Raises ConfigurationError for an algorithm that is not supported, or needs a longer client_secret.
    """
    return tuple(alg for kind in DEFAULT_SIGNATURES for alg in _require_kind(client, kind))


def _require_kind(client: ClientMetadata, kind: Kind) -> list[str]:
    algorithms = response_algorithms(client, kind)
    for alg in algorithms.signatures:
        _require_signature(f"{kind}_signed_response_alg", alg, client)
    if algorithms.encryption is None:
        return []
    _require_encryption(kind, algorithms.encryption, client)
    return [] if algorithms.encryption.is_symmetric else [algorithms.encryption.alg]


def _require_signature(name: str, alg: str, client: ClientMetadata) -> None:
    if alg not in SUPPORTED_ALGORITHMS:
        raise ConfigurationError(f"{name} must be one of {', '.join(SUPPORTED_ALGORITHMS)}.")
    require_secret_for(alg, client, name)


def _require_encryption(kind: Kind, encryption: Encryption, client: ClientMetadata) -> None:
    if encryption.alg not in KEY_ALGORITHMS:
        raise ConfigurationError(f"{kind}_encrypted_response_alg must be one of {', '.join(KEY_ALGORITHMS)}.")
    if encryption.enc not in tuple(CONTENT_ENCRYPTIONS):
        raise ConfigurationError(f"{kind}_encrypted_response_enc must be one of {', '.join(CONTENT_ENCRYPTIONS)}.")
    if encryption.is_symmetric:
        try:
            derived_key(client.get("client_secret", ""), encryption)
        except KeyUnusable as error:
            raise ConfigurationError(f"{kind}_encrypted_response_alg: {error}") from None
