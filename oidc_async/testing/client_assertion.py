"""A client's assertion (RFC 7523 3, OIDC Core 9), verified strictly and with `cryptography` alone."""

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

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST_LIFE = 300
CLOCK_SKEW = 5
HASHES: Mapping[str, hashes.HashAlgorithm] = {
    "256": hashes.SHA256(),
    "384": hashes.SHA384(),
    "512": hashes.SHA512(),
}
CURVES: Mapping[str, ec.EllipticCurve] = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
CURVE_OF = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
SECRET_ALGORITHMS = ("HS256", "HS384", "HS512")
KEY_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", *CURVE_OF, "EdDSA", "Ed25519")


class AssertionRefused(Exception):
    """What is wrong with it."""


def assertion_subject(assertion: str) -> str:
    """The client that it says it is from, **not verified**. Raises AssertionRefused."""
    return str(_parts(assertion)[1].get("sub"))


def assertion_method(assertion: str) -> str:
    """By which of the two methods it was made. Raises AssertionRefused."""
    return "client_secret_jwt" if _parts(assertion)[0].get("alg") in SECRET_ALGORITHMS else "private_key_jwt"


def spend_assertion(registry: Registry, client: Client, assertion: str, assertion_type: str | None) -> None:
    """Require that it is from this client, for this provider, of now, and never seen before."""
    if assertion_type != ASSERTION_TYPE:
        raise AssertionRefused("client_assertion_type is not that of a JWT")
    header, claims, signing_input, signature = _parts(assertion)
    _require_signature(client, header, signing_input, signature)
    if claims.get("iss") != client.client_id or claims.get("sub") != client.client_id:
        raise AssertionRefused("iss and sub must be the client_id")
    endpoints = {"issuer": registry.issuer, "token_endpoint": registry.endpoint("/token")}
    if claims.get("aud") not in (endpoints[client.assertion_audience], [endpoints[client.assertion_audience]]):
        raise AssertionRefused("aud must be this provider and nobody else")
    _require_times(claims, registry.now())
    jti = claims.get("jti")
    if not isinstance(jti, str) or not jti or (client.client_id, jti) in registry.spent_assertions:
        raise AssertionRefused("jti is missing, or was used before")
    registry.spent_assertions.add((client.client_id, jti))


def _require_times(claims: Mapping[str, Any], now: float) -> None:
    issued_at, expiry = claims.get("iat"), claims.get("exp")
    if type(issued_at) is not int or issued_at > now + CLOCK_SKEW:
        raise AssertionRefused("iat must be there, and not in the future")
    if type(expiry) is not int or not now < expiry <= issued_at + LONGEST_LIFE:
        raise AssertionRefused("exp must be in the future, and not far away")


def _require_signature(client: Client, header: Mapping[str, Any], message: bytes, signature: bytes) -> None:
    alg = header.get("alg")
    if client.token_endpoint_auth_signing_alg not in (None, alg):
        raise AssertionRefused("alg is not the registered one")
    if alg in SECRET_ALGORITHMS:
        secret = (client.client_secret or "").encode()
        if not hmac.compare_digest(hmac.digest(secret, message, f"sha{alg[2:]}"), signature):
            raise AssertionRefused("the signature does not verify")
    elif alg in KEY_ALGORITHMS:
        _require_key_signature(_published(client, header.get("kid")), alg, message, signature)
    else:
        raise AssertionRefused("alg is not supported")


def _published(client: Client, kid: object) -> Mapping[str, Any]:
    keys = [key for key in client.jwks.get("keys", []) if key.get("use") == "sig" and key.get("kid") == kid]
    if len(keys) != 1:
        raise AssertionRefused("kid names no signature key of the client")
    return cast("Mapping[str, Any]", keys[0])


def _require_key_signature(jwk: Mapping[str, Any], alg: str, message: bytes, signature: bytes) -> None:
    if jwk.get("alg", alg) != alg:
        raise AssertionRefused("the key is for another alg")
    try:
        _verify(jwk, alg, message, signature)
    except (InvalidSignature, KeyError):
        raise AssertionRefused("the signature does not verify") from None


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


def _parts(assertion: str) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    try:
        head, body, signature = assertion.split(".")
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
        raise AssertionRefused("client_assertion is not a JWT") from None


def _number(text: str) -> int:
    return int.from_bytes(_bytes(text))


def _bytes(text: str) -> bytes:
    return base64.b64decode(text.translate(str.maketrans("-_", "+/")) + "=" * (-len(text) % 4), validate=True)
