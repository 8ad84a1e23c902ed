"""Faults of signed userinfo responses (OIDC Core 5.3.2)."""

import json
from dataclasses import replace

from oidc_async.testing.keys import base64url, decode_base64url
from oidc_async.testing.reply import Reply, json_bytes, json_reply
from oidc_async.testing.stages import (
    USERINFO_CLAIMS,
    USERINFO_DRAFT,
    USERINFO_HEADER,
    USERINFO_JWT_REPLY,
    USERINFO_TOKEN,
    Scene,
    harmless,
    rejected,
)

from .claims import HOUR, LOGOUT_EVENT, OTHER
from .documents import changed, from_scene, listed, put, without
from .forgeries import (
    client_secret,
    flipped,
    foreign_signature,
    hmac_with,
    other_algorithm,
    own_key_in_header,
    payload_bytes,
    public_pem,
    segments,
    signature,
    unsigned,
)
from .responses import header, twice


def as_json(reply: Reply, scene: Scene) -> Reply:
    """The claims as JSON; an encrypted response is unchanged."""
    parts = reply.body.decode().split(".")
    return json_reply(json.loads(decode_base64url(parts[1]))) if len(parts) == 3 else reply


def as_if_encrypted(reply: Reply, scene: Scene) -> Reply:
    parts = (base64url(json_bytes({"alg": "RSA-OAEP", "enc": "A256GCM"})), "", "AAAA", "AAAA", "AAAA")
    return replace(reply, body=".".join(parts).encode())


class SignedUserInfoFaults:
    # What it is
    SIGNED_USERINFO_AS_JSON = rejected("JSON, though a signature was registered", USERINFO_JWT_REPLY(as_json))
    SIGNED_USERINFO_JSON_TYPE = rejected(
        "a JWT with the media type of JSON", USERINFO_JWT_REPLY(header("content-type", "application/json"))
    )
    SIGNED_USERINFO_TYPE_PARAMETER = harmless(
        "a charset beside the type", USERINFO_JWT_REPLY(header("content-type", "Application/JWT; charset=utf-8"))
    )
    SIGNED_USERINFO_ENCRYPTED = rejected("five segments, as if encrypted", USERINFO_JWT_REPLY(as_if_encrypted))
    SIGNED_USERINFO_ACCESS_TOKEN = rejected("typ is at+jwt", USERINFO_HEADER(put(typ="at+jwt")))
    SIGNED_USERINFO_LOGOUT_TOKEN = rejected(
        "a logout token", USERINFO_HEADER(put(typ="logout+jwt")), USERINFO_CLAIMS(put(events=LOGOUT_EVENT))
    )
    SIGNED_USERINFO_TYP_NUMBER = rejected("typ is 5", USERINFO_HEADER(put(typ=5)))
    SIGNED_USERINFO_TYP_JWT = harmless("typ is JWT", USERINFO_HEADER(put(typ="JWT")))

    # Algorithm and signature
    SIGNED_USERINFO_ALG_NONE = rejected("alg is none", USERINFO_DRAFT(unsigned("none")))
    SIGNED_USERINFO_OTHER_ALGORITHM = rejected("a valid signature, other alg", USERINFO_DRAFT(other_algorithm))
    SIGNED_USERINFO_HS256_PUBLIC_PEM = rejected("HS256 with the public key", USERINFO_DRAFT(hmac_with(public_pem)))
    SIGNED_USERINFO_HS256_SECRET = rejected("HS256, unregistered", USERINFO_DRAFT(hmac_with(client_secret)))
    SIGNED_USERINFO_JWK_INJECTED = rejected("an attacker's key as jwk", USERINFO_DRAFT(own_key_in_header))
    SIGNED_USERINFO_FOREIGN = rejected("an attacker's, with the provider's kid", USERINFO_DRAFT(foreign_signature))
    SIGNED_USERINFO_BROKEN = rejected("one bit is wrong", USERINFO_DRAFT(signature(flipped)))
    SIGNED_USERINFO_NO_SIGNATURE = rejected("no signature part", USERINFO_TOKEN(segments(2)))
    SIGNED_USERINFO_KID_UNKNOWN = rejected("a kid that is not published", USERINFO_HEADER(put(kid="unknown")))
    SIGNED_USERINFO_CRIT = rejected("crit names an unknown parameter", USERINFO_HEADER(put(crit=["foo"], foo=1)))

    # Claims
    SIGNED_USERINFO_SUB_OTHER = rejected("somebody else's sub", USERINFO_CLAIMS(put(sub="mallory")))
    SIGNED_USERINFO_SUB_MISSING = rejected("no sub", USERINFO_CLAIMS(without("sub")))
    SIGNED_USERINFO_ISS_OTHER = rejected("another iss", USERINFO_CLAIMS(put(iss=OTHER)))
    SIGNED_USERINFO_ISS_NULL = rejected("iss is null", USERINFO_CLAIMS(put(iss=None)))
    SIGNED_USERINFO_ISS_MISSING = harmless("no iss, as Core allows", USERINFO_CLAIMS(without("iss")))
    SIGNED_USERINFO_AUD_OTHER = rejected("aud is another client", USERINFO_CLAIMS(put(aud="other-client")))
    SIGNED_USERINFO_AUD_EMPTY = rejected("aud is []", USERINFO_CLAIMS(put(aud=[])))
    SIGNED_USERINFO_AUD_MISSING = harmless("no aud, as Core allows", USERINFO_CLAIMS(without("aud")))
    SIGNED_USERINFO_AUD_LIST = harmless("aud is a list with the client", USERINFO_CLAIMS(changed("aud", listed)))
    SIGNED_USERINFO_EXP_PAST = rejected(
        "it expired an hour ago", USERINFO_CLAIMS(from_scene("exp", lambda scene: scene.now - HOUR))
    )
    SIGNED_USERINFO_EXP_STRING = rejected("exp is a string", USERINFO_CLAIMS(put(exp="never")))
    SIGNED_USERINFO_NBF_FUTURE = rejected(
        "valid in an hour", USERINFO_CLAIMS(from_scene("nbf", lambda scene: scene.now + HOUR))
    )
    SIGNED_USERINFO_TIMES = harmless(
        "valid exp and iat",
        USERINFO_CLAIMS(lambda claims, scene: {**claims, "iat": scene.now, "exp": scene.now + HOUR}),
    )
    SIGNED_USERINFO_PAYLOAD_ARRAY = rejected(
        "a list of claims", USERINFO_DRAFT(payload_bytes(lambda content: b"[" + content + b"]"))
    )
    SIGNED_USERINFO_DUPLICATE_MEMBERS = rejected("sub twice", USERINFO_DRAFT(payload_bytes(twice("sub"))))
