"""The registered encryption of a client: `<name>_alg`, and `<name>_enc` with a default (OIDC Registration 2)."""

from oidc_async.errors import ConfigurationError, KeyUnusable

from .jose.jwe import CONTENT_ENCRYPTIONS, DEFAULT_ENC, KEY_ALGORITHMS, Encryption, derived_key
from .metadata import ClientMetadata


def registered_encryption(client: ClientMetadata, name: str) -> Encryption | None:
    """Read the algorithms; None if there are none. Raises ConfigurationError if there is only `enc`."""
    alg, enc = client.get(f"{name}_alg"), client.get(f"{name}_enc")
    if alg is None and enc is not None:
        raise ConfigurationError(f"{name}_enc needs {name}_alg.")
    return None if alg is None else Encryption(alg=alg, enc=enc or DEFAULT_ENC)


def require_encryption(name: str, encryption: Encryption, client: ClientMetadata) -> None:
    """Raise ConfigurationError if an algorithm is unsupported or needs a longer client_secret."""
    if encryption.alg not in KEY_ALGORITHMS:
        raise ConfigurationError(f"{name}_alg must be one of {', '.join(KEY_ALGORITHMS)}.")
    if encryption.enc not in tuple(CONTENT_ENCRYPTIONS):
        raise ConfigurationError(f"{name}_enc must be one of {', '.join(CONTENT_ENCRYPTIONS)}.")
    if encryption.is_symmetric:
        try:
            derived_key(client.get("client_secret", ""), encryption)
        except KeyUnusable as error:
            raise ConfigurationError(f"{name}_alg: {error}") from None
