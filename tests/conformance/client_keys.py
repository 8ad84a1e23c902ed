"""Keys of the client, made for an algorithm."""

from collections.abc import Mapping
from functools import cache, reduce
from operator import add

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from oidc_async import ClientKeys

CURVES: Mapping[str, type[ec.EllipticCurve]] = {"ES384": ec.SECP384R1, "ES512": ec.SECP521R1}


def new_client_keys(algorithms: Mapping[str, str]) -> ClientKeys:
    """A key for each: `{"sig": "RS256", "enc": "RSA-OAEP"}`. Raises ConfigurationError for an unknown use."""
    return reduce(add, (_client_key(use, alg) for use, alg in algorithms.items()))


@cache
def _client_key(use: str, alg: str) -> ClientKeys:
    # once in a process: RSA keys are slow to make, and nothing is at stake
    pem = _private_key(alg).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return ClientKeys.from_pem(pem, use=use, alg=alg)


def _private_key(alg: str) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey:
    if alg.startswith(("RS", "PS")):
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    if alg in ("EdDSA", "Ed25519"):
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key(CURVES.get(alg, ec.SECP256R1)())
