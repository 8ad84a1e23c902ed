"""What a provider over TLS needs: a certificate, the authority behind it, and clients that show theirs (RFC 8705)."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from tests.certificates import LOOPBACK, Authority, Certificate, make_certificate

from .processes import free_port
from .real_provider import RegisteredClient

BOUND = {"tls_client_certificate_bound_access_tokens": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Of servers and clients, all signed by one authority, except for the one that signed itself."""

    authority: Authority
    provider: Certificate
    """For 127.0.0.1 alone."""
    client: Certificate
    self_signed: Certificate
    somebody: Certificate
    """Of a client that is not ours."""

    @classmethod
    def made_in(cls, folder: Path) -> Self:
        authority = Authority(folder)
        return cls(
            authority=authority,
            provider=authority.issue("provider", LOOPBACK),
            client=authority.issue("client"),
            self_signed=make_certificate(folder, "self-signed"),
            somebody=authority.issue("somebody"),
        )

    @property
    def ca(self) -> str:
        return self.authority.certificate

    def environment(self) -> dict[str, str]:
        """For node/tls.mjs."""
        return {
            "TLS_CERTIFICATE": self.provider.certificate,
            "TLS_KEY": self.provider.key,
            "CLIENT_AUTHORITY": self.ca,
            "MTLS_PORT": str(free_port()),
        }


def tls_clients(tls: Tls) -> Mapping[str, RegisteredClient]:
    """By their certificate some say who they are, some have their tokens bound to it, and some do both."""
    clients = (
        RegisteredClient(
            client_id="tls",
            authentication="tls_client_auth",
            registered={"tls_client_auth_subject_dn": "CN=client"},
            certificate=tls.client,
        ),
        RegisteredClient(
            client_id="tls-self-signed",
            authentication="self_signed_tls_client_auth",
            registered={"jwks": {"keys": [certificate_jwk(tls.self_signed)]}, **BOUND},
            certificate=tls.self_signed,
        ),
        RegisteredClient(
            client_id="tls-bound",
            client_secret="bound-secret-0123456789abcdef0123456789abcdef",
            authentication="client_secret_basic",
            registered=BOUND,
            certificate=tls.client,
        ),
    )
    return {client.client_id: client for client in clients}


def certificate_jwk(certificate: Certificate) -> dict[str, Any]:
    """The public key, with its certificate (RFC 7517 4.7)."""
    read = certificate.read()
    key = read.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    point = key.public_numbers()
    return {
        "kty": "EC",
        "crv": "P-256",
        "x": _base64url(point.x),
        "y": _base64url(point.y),
        "x5c": [base64.b64encode(read.public_bytes(Encoding.DER)).decode()],
    }


def _base64url(number: int) -> str:
    return base64.urlsafe_b64encode(number.to_bytes(32)).rstrip(b"=").decode()
