"""The keys of the clients that registered for encryption, made anew for each run."""

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from oidc_async import ClientKeys


def own_key(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, kid: str) -> ClientKeys:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return ClientKeys.from_pem(pem, use="enc", kid=kid)


CLIENT_KEYS = own_key(rsa.generate_private_key(public_exponent=65537, key_size=2048), "rsa") + own_key(
    ec.generate_private_key(ec.SECP256R1()), "ec"
)
