"""Changes to JWTs: form, header, signature and payload."""

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding

from oidc_async.testing.keys import SigningKey, base64url
from oidc_async.testing.reply import JSONObject, json_bytes
from oidc_async.testing.stages import ELSEWHERE, Change, Draft, Scene

from .jwks import PUBLISHED_SECRET, attacker, certificate

# The signature


def unsigned(alg: Any) -> Change[Draft]:
    """This `alg` and an empty signature."""

    def change(draft: Draft, scene: Scene) -> Draft:
        draft.header["alg"] = alg
        draft.sign = lambda data: b""
        return draft

    return change


def unsigned_without_alg(draft: Draft, scene: Scene) -> Draft:
    del draft.header["alg"]
    draft.sign = lambda data: b""
    return draft


def hmac_with(secret: Callable[[SigningKey, Scene], bytes], *, kid: str | None = None) -> Change[Draft]:
    """HS256 with a value that is not a shared secret."""

    def change(draft: Draft, scene: Scene) -> Draft:
        key = secret(scene.ring.key("RS256"), scene)
        draft.header["alg"] = "HS256"
        if kid is not None:
            draft.header["kid"] = kid
        draft.sign = lambda data: hmac.digest(key, data, hashlib.sha256)
        return draft

    return change


def public_pem(key: SigningKey, scene: Scene) -> bytes:
    return key.public_bytes(Encoding.PEM)


def public_der(key: SigningKey, scene: Scene) -> bytes:
    return key.public_bytes(Encoding.DER)


def public_jwk(key: SigningKey, scene: Scene) -> bytes:
    return json_bytes(key.public_jwk())


def client_secret(key: SigningKey, scene: Scene) -> bytes:
    return ((scene.client and scene.client.client_secret) or "").encode()


def published_secret(key: SigningKey, scene: Scene) -> bytes:
    return PUBLISHED_SECRET


def signed_by(key: SigningKey, **header: Any) -> Change[Draft]:
    """A valid signature by this key; the header keeps parameters that are not given."""

    def change(draft: Draft, scene: Scene) -> Draft:
        draft.header.update({"alg": key.alg, **header})
        draft.sign = key.sign
        return draft

    return change


def foreign_signature(draft: Draft, scene: Scene) -> Draft:
    """Signed by an attacker, with the `kid` of the provider's key."""
    return signed_by(attacker())(draft, scene)


def other_algorithm(draft: Draft, scene: Scene) -> Draft:
    """A valid signature by another key of the same provider."""
    key = scene.ring.key("RS256" if draft.key.alg == "ES256" else "ES256")
    return signed_by(key, kid=key.kid)(draft, scene)


def other_padding(draft: Draft, scene: Scene) -> Draft:
    """PS256 with the key that is published for RS256."""
    key = scene.ring.key("RS256")
    return signed_by(SigningKey(kid=key.kid, alg="PS256", private=key.private))(draft, scene)


def signature(change_bytes: Callable[[bytes], bytes]) -> Change[Draft]:
    """The signature, changed."""

    def change(draft: Draft, scene: Scene) -> Draft:
        sign = draft.sign
        draft.sign = lambda data: change_bytes(sign(data))
        return draft

    return change


def flipped(value: bytes) -> bytes:
    return value[:-1] + bytes([value[-1] ^ 1])


def as_der(value: bytes) -> bytes:
    """An ECDSA signature in DER, as in X.509."""
    return encode_dss_signature(int.from_bytes(value[:32], "big"), int.from_bytes(value[32:], "big"))


# The header


def own_key_in_header(draft: Draft, scene: Scene) -> Draft:
    """Signed by an attacker, whose key is in the header as `jwk`."""
    return signed_by(attacker(), kid="attacker", jwk=attacker().public_jwk())(draft, scene)


def own_key_url(name: str) -> Change[Draft]:
    """Signed by an attacker, whose key URL is in the header: `jku` or `x5u`."""

    def change(draft: Draft, scene: Scene) -> Draft:
        url = scene.issuer.rstrip("/") + ELSEWHERE + "/keys"
        return signed_by(attacker(), kid="attacker", **{name: url})(draft, scene)

    return change


def own_certificate(draft: Draft, scene: Scene) -> Draft:
    """Signed by an attacker, whose certificate is in the header as `x5c`."""
    return signed_by(attacker(), kid="attacker", x5c=[certificate(attacker())])(draft, scene)


def provider_certificate(header: JSONObject, scene: Scene) -> JSONObject:
    return {**header, "x5c": [certificate(scene.ring.key("RS256"))]}


def header_bytes(change_bytes: Callable[[bytes], bytes]) -> Change[Draft]:
    def change(draft: Draft, scene: Scene) -> Draft:
        write = draft.write_header
        draft.write_header = lambda header: change_bytes(write(header))
        return draft

    return change


# The payload


def payload_bytes(change_bytes: Callable[[bytes], bytes]) -> Change[Draft]:
    def change(draft: Draft, scene: Scene) -> Draft:
        write = draft.write_payload
        draft.write_payload = lambda claims: change_bytes(write(claims))
        return draft

    return change


def as_utf16(content: bytes) -> bytes:
    return content.decode().encode("utf-16")


def with_broken_utf8(content: bytes) -> bytes:
    return b'{"name":"\xff\xfe",' + content[1:]


# The whole


def token(change_text: Callable[[str], str]) -> Change[str]:
    return lambda value, scene: change_text(value)


def segments(number: int) -> Change[str]:
    """The token cut or extended to this number of segments."""
    return lambda value, scene: ".".join([*value.split("."), *["e30"] * number][:number])


def json_serialized(value: str, scene: Scene) -> str:
    """The JWS JSON serialization (RFC 7515 7.2)."""
    header, payload, signed = value.split(".")
    return json.dumps({"payload": payload, "protected": header, "signature": signed})


def padded_segments(value: str, scene: Scene) -> str:
    return ".".join(part + "=" * (-len(part) % 4 or 4) for part in value.split("."))


def standard_alphabet(value: str, scene: Scene) -> str:
    """Plain base64 with padding instead of base64url."""
    parts = (part.replace("-", "+").replace("_", "/") for part in value.split("."))
    return ".".join(part + "=" * (-len(part) % 4) for part in parts)


def wrong_half_hash(value: str = "") -> str:
    return base64url(hashlib.sha256(f"other{value}".encode()).digest()[:16])
