"""Faults of aggregated and distributed claims (OIDC Core 5.6.2)."""

from oidc_async.testing.stages import (
    SOURCE_CLAIMS,
    SOURCE_DRAFT,
    SOURCE_HEADER,
    SOURCE_REPLY,
    SOURCE_TOKEN,
    Endpoint,
    harmless,
    rejected,
)

from .claims import HOUR, LOGOUT_EVENT, OTHER
from .documents import changed, from_scene, put, without
from .forgeries import (
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
from .responses import body, dripping, endless, error, header, html, padded, redirected, reset, rewritten, slow, twice


class ClaimSourceFaults:
    # Algorithm and signature
    SOURCE_ALG_NONE = rejected("alg is none", SOURCE_DRAFT(unsigned("none")))
    SOURCE_OTHER_ALGORITHM = rejected("a valid signature, other alg", SOURCE_DRAFT(other_algorithm))
    SOURCE_HS256_PUBLIC_PEM = rejected("HS256 with the public key", SOURCE_DRAFT(hmac_with(public_pem)))
    SOURCE_JWK_INJECTED = rejected("an attacker's key as jwk", SOURCE_DRAFT(own_key_in_header))
    SOURCE_FOREIGN = rejected("an attacker's, with the provider's kid", SOURCE_DRAFT(foreign_signature))
    SOURCE_BROKEN = rejected("one bit is wrong", SOURCE_DRAFT(signature(flipped)))
    SOURCE_NO_SIGNATURE = rejected("no signature part", SOURCE_TOKEN(segments(2)))
    SOURCE_KID_UNKNOWN = rejected("a kid that is not published", SOURCE_HEADER(put(kid="unknown")))
    SOURCE_CRIT = rejected("crit names an unknown parameter", SOURCE_HEADER(put(crit=["foo"], foo=1)))
    SOURCE_ACCESS_TOKEN = rejected("typ is at+jwt", SOURCE_HEADER(put(typ="at+jwt")))
    SOURCE_TYP_NUMBER = rejected("typ is 5", SOURCE_HEADER(put(typ=5)))
    SOURCE_TYP_JWT = harmless("typ is JWT", SOURCE_HEADER(put(typ="JWT")))

    # Claims
    SOURCE_ISS_OTHER = rejected("another iss", SOURCE_CLAIMS(put(iss=OTHER)))
    SOURCE_ISS_MISSING = rejected("no iss", SOURCE_CLAIMS(without("iss")))
    SOURCE_ISS_LIST = rejected("iss is a list", SOURCE_CLAIMS(changed("iss", lambda iss: [iss])))
    SOURCE_AUD_OTHER = rejected("aud is another client", SOURCE_CLAIMS(put(aud="other-client")))
    SOURCE_AUD_EMPTY = rejected("aud is []", SOURCE_CLAIMS(put(aud=[])))
    SOURCE_AUD_US = harmless("for the client alone", SOURCE_CLAIMS(put(aud=["client1"])))
    SOURCE_EXP_PAST = rejected(
        "it expired an hour ago", SOURCE_CLAIMS(from_scene("exp", lambda scene: scene.now - HOUR))
    )
    SOURCE_EXP_STRING = rejected("exp is a string", SOURCE_CLAIMS(put(exp="never")))
    SOURCE_EXP_FUTURE = harmless(
        "it expires in an hour", SOURCE_CLAIMS(from_scene("exp", lambda scene: scene.now + HOUR))
    )
    SOURCE_NBF_FUTURE = rejected("valid in an hour", SOURCE_CLAIMS(from_scene("nbf", lambda scene: scene.now + HOUR)))
    SOURCE_LOGOUT_TOKEN = rejected("a logout token", SOURCE_CLAIMS(put(events=LOGOUT_EVENT)))
    SOURCE_SUB = harmless("its own name of the user", SOURCE_CLAIMS(put(sub="4711")))
    SOURCE_PROTECTED_CLAIMS = harmless(
        "claims of ID tokens, with other values",
        SOURCE_CLAIMS(put(sub="mallory", nonce="other", auth_time=1, acr="gold", sid="other", at_hash="other")),
    )
    SOURCE_PAYLOAD_ARRAY = rejected(
        "a list of claims", SOURCE_DRAFT(payload_bytes(lambda content: b"[" + content + b"]"))
    )
    SOURCE_DUPLICATE_MEMBERS = rejected("iss twice", SOURCE_DRAFT(payload_bytes(twice("iss"))))


class DistributedClaimFaults:
    SOURCE_401 = rejected("invalid_token", SOURCE_REPLY(error("invalid_token", status=401)))
    SOURCE_500 = rejected("status 500", SOURCE_REPLY(error("server_error", status=500)))
    SOURCE_201 = rejected("status 201", SOURCE_REPLY(lambda reply, scene: type(reply)(status=201, body=reply.body)))
    SOURCE_REDIRECT = rejected("a redirect to the claims", SOURCE_REPLY(redirected(Endpoint.CLAIMS)))
    SOURCE_HTML = rejected("a page with status 200", SOURCE_REPLY(html()))
    SOURCE_JSON = rejected("claims that nobody signed", SOURCE_REPLY(body(b'{"age": 30}')))
    SOURCE_EMPTY = rejected("an empty body with status 200", SOURCE_REPLY(body(b"")))
    SOURCE_OTHER_CONTENT_TYPE = harmless("text/plain", SOURCE_REPLY(header("content-type", "text/plain")))
    SOURCE_HUGE = rejected("2 MB", SOURCE_REPLY(rewritten(padded)))
    SOURCE_ENDLESS = rejected("a body without end", SOURCE_REPLY(endless))
    SOURCE_SLOW = rejected("an hour of silence", SOURCE_REPLY(slow))
    SOURCE_DRIP = rejected("byte after byte, slowly", SOURCE_REPLY(dripping))
    SOURCE_RESET = rejected("the connection breaks at once", SOURCE_REPLY(reset))
