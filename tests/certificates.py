"""Certificates for servers and clients of the tests, made on the spot: signed by themselves, or by an authority."""

import base64
import datetime
import hashlib
import ipaddress
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LOCK = "a password"
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate in a file, its key, and both in one file."""

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

    def read(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(Path(self.certificate).read_bytes())

    def public_key_hash(self) -> str:
        """What Chromium needs to accept this certificate: SHA-256 of the SubjectPublicKeyInfo in base64."""
        public_key = self.read().public_key()
        info = public_key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(hashlib.sha256(info).digest()).decode()


class Authority:
    """Signs certificates, and clients that trust the PEM file `certificate` accept them. Its key is in no file."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder, self._name, self._key = folder, name, ec.generate_private_key(ec.SECP256R1())
        extensions = [(x509.BasicConstraints(ca=True, path_length=0), True), (_usage(of_authority=True), True)]
        signed = _signed(self._key.public_key(), name, self._key, name, extensions)
        self.certificate = _write(folder / f"{name}.crt", signed.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, *hosts: str) -> Certificate:
        """For a server with these names and addresses; without any, for a client."""
        key = ec.generate_private_key(ec.SECP256R1())
        extensions: list[Extension] = [(x509.BasicConstraints(ca=False, path_length=None), True)]
        extensions += [(_usage(of_authority=False), True)]
        extensions += [(_alternative_names(hosts), False)] if hosts else []
        return _kept(self._folder, name, key, _signed(key.public_key(), name, self._key, self._name, extensions))

    def trusted(self) -> ssl.SSLContext:
        """For a client that trusts nobody else."""
        return ssl.create_default_context(cafile=self.certificate)


def make_certificate(folder: Path, name: str) -> Certificate:
    """One for 127.0.0.1 that is signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    extensions = [(_alternative_names([LOOPBACK]), False), (x509.BasicConstraints(ca=True, path_length=0), True)]
    return _kept(folder, name, key, _signed(key.public_key(), name, key, name, extensions))


Extension = tuple[x509.ExtensionType, bool]
"""And whether it is critical."""


def _signed(
    public_key: ec.EllipticCurvePublicKey,
    name: str,
    by: ec.EllipticCurvePrivateKey,
    issuer: str,
    extensions: list[Extension],
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_common_name(name))
        .issuer_name(_common_name(issuer))
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        # the strict checks of newer Pythons want both
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(by, hashes.SHA256())


def _usage(*, of_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not of_authority,
        key_cert_sign=of_authority,
        crl_sign=of_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _alternative_names(hosts: Sequence[str]) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([_alternative_name(host) for host in hosts])


def _alternative_name(host: str) -> x509.GeneralName:
    with suppress(ValueError):
        return x509.IPAddress(ipaddress.ip_address(host))
    return x509.DNSName(host)


def _kept(folder: Path, name: str, key: ec.EllipticCurvePrivateKey, signed: x509.Certificate) -> Certificate:
    certificate = signed.public_bytes(serialization.Encoding.PEM)
    open_key = _pem(key, serialization.NoEncryption())
    return Certificate(
        certificate=_write(folder / f"{name}.crt", certificate),
        key=_write(folder / f"{name}.key", open_key),
        both=_write(folder / f"{name}.pem", certificate + open_key),
        locked_key=_write(folder / f"{name}.locked", _pem(key, serialization.BestAvailableEncryption(LOCK.encode()))),
    )


def _pem(key: ec.EllipticCurvePrivateKey, lock: serialization.KeySerializationEncryption) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)


def _write(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return str(path)
