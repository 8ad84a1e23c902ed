"""The keys of a client: private ones to sign and decrypt, public ones to publish."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, Self, cast

from oidc_async.errors import ConfigurationError, KeyUnusable
from oidc_async.protocol.client_authentication import ENDPOINTS, assertion_algorithm
from oidc_async.protocol.jose.jwks import MAX_KEYS
from oidc_async.protocol.jose.private_keys import PrivateKey, import_private_jwk, import_private_pem
from oidc_async.protocol.metadata import ClientMetadata
from oidc_async.protocol.request_object_algorithms import request_object_algorithms


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientKeys:
    """The private keys of the client.

    The first suitable one signs, and the public keys of all are published.

    Use `from_pem` or `from_jwk` to create them. `new + old` has the keys of both, which is how keys are rotated: the
    first one signs, and the provider finds the public keys of both.

    Raises:
        ConfigurationError: no key, more than 100 keys, or two keys with one `kid`.
    """

    keys: tuple[PrivateKey, ...]

    def __post_init__(self) -> None:
        names = [key.kid for key in self.keys]
        if not 0 < len(names) <= MAX_KEYS:
            raise ConfigurationError(f"ClientKeys needs 1 to {MAX_KEYS} keys, not {len(names)}.")
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ConfigurationError(
                f"ClientKeys has two keys with kid {twice[0]!a}: give each its own, or leave one out."
            )

    @classmethod
    def from_pem(
        cls,
        pem: "str | bytes | PathLike[str]",
        *,
        password: str | bytes | None = None,
        kid: str | None = None,
        use: str | None = None,
        alg: str | None = None,
    ) -> Self:
        """Read one private key in PEM.

        Args:
            pem: the text itself, or the path (`pathlib.Path`) of a file with it.
            password: the password of an encrypted key.
            kid: the name of the key; its thumbprint (RFC 7638) when None.
            use: "sig" for a key that signs, "enc" for one that decrypts. None derives it from `alg` and curve, and
                is "sig" if these allow both.
            alg: the only algorithm for which the key may be used.

        Raises:
            ConfigurationError: the PEM does not contain a private key, or a weak one.
        """
        data = _pem_of(pem)
        secret = password.encode() if isinstance(password, str) else password
        key = _usable("The PEM", lambda: import_private_pem(data, password=secret, kid=kid, use=use, alg=alg))
        return cls(keys=(key,))

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, Any]) -> Self:
        """Read the private keys in a JWK, or in a JWK Set (RFC 7517 4, 5).

        Raises:
            ConfigurationError: a key is public, symmetric or weak.
        """
        if "keys" not in jwk:
            return cls(keys=(_usable("The JWK", partial(_read_jwk, jwk)),))
        entries: object = jwk["keys"]
        if not isinstance(entries, list | tuple):
            raise ConfigurationError("keys of the JWK Set must be a list.")
        return cls(keys=tuple(_read_entries(cast("Iterable[object]", entries))))

    def __add__(self, other: "ClientKeys") -> "ClientKeys":
        return ClientKeys(keys=(*self.keys, *other.keys))

    def signing_key(self, algorithm: str | None = None) -> PrivateKey:
        """Return the first key that can sign with `algorithm`, or with any.

        Raises:
            ConfigurationError: no key can.
        """
        for key in self.keys:
            if key.use == "sig" and (algorithm is None or key.is_for(algorithm)):
                return key
        wanted = f"signs with {algorithm}" if algorithm else "signs: all of them have use=enc"
        raise ConfigurationError(f"client_keys has no key that {wanted}.")

    def signature(self, supported: Collection[str] | None) -> tuple[PrivateKey, str]:
        """Return the first key that can sign with a supported algorithm, and which.

        Args:
            supported: the `alg` values that the provider supports; None for any.

        Raises:
            ConfigurationError: no key can sign with any of them.
        """
        for key in self.keys:
            algorithm = key.algorithm_of(supported) if key.use == "sig" else None
            if algorithm is not None:
                return key, algorithm
        shown = ascii(", ".join(supported or ()))[1:200].rstrip("'")
        raise ConfigurationError(
            f"client_keys has no key for an algorithm that the provider supports ({shown}). Add one, or set "
            "token_endpoint_auth_signing_alg in ClientMetadata if the client is registered for another."
        )

    def decryption_keys(self, kid: str | None, algorithm: str) -> tuple[PrivateKey, ...]:
        """Return the keys for decryption with `algorithm`.

        That is the one named `kid`, or all keys if the token names none.
        """
        return tuple(
            key for key in self.keys if key.use == "enc" and key.is_for(algorithm) and kid in (None, key.kid)
        )

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """Return the JWK Set of the public keys, to register or to publish at `jwks_uri`."""
        return {"keys": [key.public_jwk() for key in self.keys]}


def require_signing_keys(client: ClientMetadata, keys: ClientKeys | None) -> None:
    """Check that a client that is registered for private_key_jwt has a key for it."""
    for endpoint in ENDPOINTS:
        if (
            client.get(f"{endpoint}_endpoint_auth_method", client.get("token_endpoint_auth_method"))
            == "private_key_jwt"
        ):
            if keys is None:
                raise ConfigurationError(
                    "private_key_jwt needs client_keys in ProviderConfiguration: ClientKeys.from_pem(Path(...))."
                )
            keys.signing_key(assertion_algorithm(client, endpoint))


def require_request_object_keys(client: ClientMetadata, keys: ClientKeys | None) -> None:
    """Check that the client can sign request objects as it is registered."""
    algorithm = request_object_algorithms(client).signature
    if algorithm is not None and algorithm.startswith("HS"):
        return
    if keys is None:
        raise ConfigurationError(
            "request_object needs client_keys in ProviderConfiguration to sign with: ClientKeys.from_pem(Path(...)); "
            "or request_object_signing_alg of HS256 in ClientMetadata, which signs with client_secret."
        )
    keys.signing_key(algorithm)


def _pem_of(pem: "str | bytes | PathLike[str]") -> bytes:
    if isinstance(pem, PathLike):
        try:
            return Path(pem).read_bytes()
        except OSError as error:
            raise ConfigurationError(f"The PEM cannot be read: {type(error).__name__}.") from None
    data = pem.encode() if isinstance(pem, str) else pem
    if b"-----BEGIN" not in data:
        raise ConfigurationError("The PEM must begin with -----BEGIN; pass the path of a file as a pathlib.Path.")
    return data


def _read_entries(entries: Iterable[object]) -> Iterable[PrivateKey]:
    for index, entry in enumerate(entries):
        yield _usable(f"keys[{index}] of the JWK Set", partial(_read_jwk, entry))


def _read_jwk(jwk: object) -> PrivateKey:
    if not isinstance(jwk, Mapping):
        raise KeyUnusable("it must be an object.")
    return import_private_jwk(cast("Mapping[str, Any]", jwk))


def _usable(name: str, read: Callable[[], PrivateKey]) -> PrivateKey:
    try:
        return read()
    except KeyUnusable as error:
        raise ConfigurationError(f"{name} can't be a key of the client: {error}") from None
