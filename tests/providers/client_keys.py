"""The keys of the clients that have some, made for each run."""

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from oidc_async import ClientKeys

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def own_key(key: PrivateKey, kid: str, use: str = "enc") -> ClientKeys:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return ClientKeys.from_pem(pem, use=use, kid=kid)


CLIENT_KEYS = own_key(rsa.generate_private_key(public_exponent=65537, key_size=2048), "rsa") + own_key(
    ec.generate_private_key(ec.SECP256R1()), "ec"
)
"""To which responses are encrypted."""


def new_signing_keys() -> ClientKeys:
    """Under the names that are registered."""
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    others = own_key(ec.generate_private_key(ec.SECP256R1()), "ec-sig", "sig")
    others += own_key(ed25519.Ed25519PrivateKey.generate(), "ed-sig", "sig")
    return own_key(rsa_key, "rsa-sig", "sig") + others


SIGNING_KEYS = new_signing_keys()
"""By which clients authenticate."""

REQUEST_KEYS = own_key(rsa.generate_private_key(public_exponent=65537, key_size=2048), "rsa-request", "sig")
"""By which requests are signed that a provider fetches."""
