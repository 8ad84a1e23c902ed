"""Certificates for servers and clients of the tests, made on the spot."""

import datetime
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A self-signed certificate for 127.0.0.1, its key, and both in one file."""

    certificate: str
    key: str
    both: str
    locked_key: str

    def server_context(self, trusted_clients: "Certificate | None" = None) -> ssl.SSLContext:
        """For a server; with `trusted_clients`, one that insists on their certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        if trusted_clients is not None:
            context.load_verify_locations(trusted_clients.certificate)
            context.verify_mode = ssl.CERT_REQUIRED
        return context


LOCK = "a password"


def make_certificate(folder: Path, name: str) -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _certificate(key, name).public_bytes(serialization.Encoding.PEM)
    open_key = _pem(key, serialization.NoEncryption())
    locked_key = _pem(key, serialization.BestAvailableEncryption(LOCK.encode()))
    return Certificate(
        certificate=_write(folder / f"{name}.crt", certificate),
        key=_write(folder / f"{name}.key", open_key),
        both=_write(folder / f"{name}.pem", certificate + open_key),
        locked_key=_write(folder / f"{name}.locked", locked_key),
    )


def _certificate(key: ec.EllipticCurvePrivateKey, name: str) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    addresses = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(addresses, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )


def _pem(key: ec.EllipticCurvePrivateKey, lock: serialization.KeySerializationEncryption) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)


def _write(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return str(path)
