"""Strict verification of client JWTs (RFC 7515), with `cryptography` only."""

import base64
import hmac
import json
from collections.abc import Mapping
from typing import Any, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from .registry import Client, Registry

HASHES: Mapping[str, hashes.HashAlgorithm] = {
    "256": hashes.SHA256(),
    "384": hashes.SHA384(),
    "512": hashes.SHA512(),
}
CURVES: Mapping[str, ec.EllipticCurve] = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
CURVE_OF = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
SECRET_ALGORITHMS = ("HS256", "HS384", "HS512")
KEY_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", *CURVE_OF, "EdDSA", "Ed25519")


class JWTRejected(Exception):
    """The JWT is invalid; the message says why."""


def jwt_parts(token: str) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    """Return header, claims, signing input and signature. Raises JWTRejected."""
    try:
        head, body, signature = token.split(".")
        header, claims = json.loads(_bytes(head)), json.loads(_bytes(body))
        if not isinstance(header, dict) or not isinstance(claims, dict):
            raise ValueError
        return (
            cast("dict[str, Any]", header),
            cast("dict[str, Any]", claims),
            f"{head}.{body}".encode(),
            _bytes(signature),
        )
    except ValueError:
        raise JWTRejected("it is not a JWT") from None


def require_signature(
    registry: Registry,
    client: Client,
    header: Mapping[str, Any],
    message: bytes,
    signature: bytes,
    registered: str | None,
) -> None:
    """Require a signature by the client, with its `registered` alg if any.

    Raises:
        JWTRejected: the signature, its alg or its kid is invalid.
    """
    alg = header.get("alg")
    if registered not in (None, alg):
        raise JWTRejected("alg is not the registered one")
    if alg in SECRET_ALGORITHMS:
        secret = (client.client_secret or "").encode()
        if not hmac.compare_digest(hmac.digest(secret, message, f"sha{alg[2:]}"), signature):
            raise JWTRejected("the signature does not verify")
    elif alg in KEY_ALGORITHMS:
        _require_key_signature(_published(registry, client, header.get("kid")), alg, message, signature)
    else:
        raise JWTRejected("alg is not supported")


def _published(registry: Registry, client: Client, kid: object) -> Mapping[str, Any]:
    keys = [key for key in client_keys(registry, client) if key.get("use") == "sig" and key.get("kid") == kid]
    if len(keys) != 1:
        raise JWTRejected("kid does not name a signing key of the client")
    return cast("Mapping[str, Any]", keys[0])


def _require_key_signature(jwk: Mapping[str, Any], alg: str, message: bytes, signature: bytes) -> None:
    if jwk.get("alg", alg) != alg:
        raise JWTRejected("the key is for another alg")
    try:
        _verify(jwk, alg, message, signature)
    except (InvalidSignature, KeyError):
        raise JWTRejected("the signature does not verify") from None


def _verify(jwk: Mapping[str, Any], alg: str, message: bytes, signature: bytes) -> None:
    digest = HASHES.get(alg[2:], hashes.SHA512())
    match jwk["kty"], alg[:2]:
        case "RSA", "RS":
            _rsa(jwk).verify(signature, message, padding.PKCS1v15(), digest)
        case "RSA", "PS":
            _rsa(jwk).verify(signature, message, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
        case "EC", "ES":
            _verify_point(jwk, CURVES[CURVE_OF[alg]], message, signature, digest)
        case "OKP", "Ed":
            ed25519.Ed25519PublicKey.from_public_bytes(_bytes(jwk["x"])).verify(signature, message)
        case _:
            raise InvalidSignature


def _verify_point(
    jwk: Mapping[str, Any], curve: ec.EllipticCurve, message: bytes, signature: bytes, digest: hashes.HashAlgorithm
) -> None:
    size = (curve.key_size + 7) // 8
    if len(signature) != 2 * size or CURVES[jwk["crv"]] is not curve:
        raise InvalidSignature
    point = ec.EllipticCurvePublicNumbers(_number(jwk["x"]), _number(jwk["y"]), curve)
    der = encode_dss_signature(int.from_bytes(signature[:size]), int.from_bytes(signature[size:]))
    point.public_key().verify(der, message, ec.ECDSA(digest))


def _rsa(jwk: Mapping[str, Any]) -> rsa.RSAPublicKey:
    return rsa.RSAPublicNumbers(_number(jwk["e"]), _number(jwk["n"])).public_key()


def client_keys(registry: Registry, client: Client) -> list[dict[str, Any]]:
    """Return the public keys of the client, fetched if it has a jwks_uri.

    Raises:
        JWTRejected: `provider.fetch` is not set.
    """
    if client.jwks_uri is None:
        return list(client.jwks.get("keys", []))
    if registry.fetch is None:
        raise JWTRejected("jwks_uri cannot be fetched: set provider.fetch")
    return list(json.loads(registry.fetch(client.jwks_uri).body)["keys"])


def _number(text: str) -> int:
    return int.from_bytes(_bytes(text))


def _bytes(text: str) -> bytes:
    return base64.b64decode(text.translate(str.maketrans("-_", "+/")) + "=" * (-len(text) % 4), validate=True)
