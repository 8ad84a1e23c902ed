"""Faults of logout tokens (OIDC Back-Channel Logout 2.4, 2.6).

They affect the tokens that are issued in the `with` block.
"""

from oidc_async.testing.reply import JSONObject
from oidc_async.testing.stages import (
    LOGOUT_CLAIMS,
    LOGOUT_DRAFT,
    LOGOUT_HEADER,
    LOGOUT_TOKEN,
    Scene,
    harmless,
    rejected,
)

from .claims import DAY, HOUR, LOGOUT_EVENT, OTHER
from .documents import HUGE_INTEGER, NAN, changed, put, toggled_slash, without
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
from .responses import twice

HEADER = LOGOUT_HEADER
CLAIMS = LOGOUT_CLAIMS
DRAFT = LOGOUT_DRAFT
(EVENT,) = LOGOUT_EVENT


def of_id_token(claims: JSONObject, scene: Scene) -> JSONObject:
    """The claims of an ID token of the same session."""
    kept: JSONObject = {name: claims[name] for name in ("iss", "sub", "aud", "exp", "iat", "sid") if name in claims}
    return {**kept, "auth_time": claims["iat"], "nonce": "nonce1"}


class LogoutTokenFaults:
    # What kind of token it is
    LOGOUT_TOKEN_ID_TOKEN = rejected("an ID token", HEADER(put(typ="JWT")), CLAIMS(of_id_token))
    LOGOUT_TOKEN_TYP_ACCESS_TOKEN = rejected("typ is at+jwt", HEADER(put(typ="at+jwt")))
    LOGOUT_TOKEN_TYP_SECURITY_EVENT = rejected("typ is secevent+jwt", HEADER(put(typ="secevent+jwt")))
    LOGOUT_TOKEN_TYP_NUMBER = rejected("typ is 5", HEADER(put(typ=5)))
    LOGOUT_TOKEN_TYP_JWT = harmless("typ is JWT", HEADER(put(typ="JWT")))
    LOGOUT_TOKEN_TYP_MISSING = harmless("no typ", HEADER(without("typ")))

    # Algorithm and signature
    LOGOUT_TOKEN_ALG_NONE = rejected("alg is none", DRAFT(unsigned("none")))
    LOGOUT_TOKEN_ALG_NONE_MIXED = rejected("alg is NoNe", DRAFT(unsigned("NoNe")))
    LOGOUT_TOKEN_HS256_PUBLIC_PEM = rejected("HS256 with the public key as PEM", DRAFT(hmac_with(public_pem)))
    LOGOUT_TOKEN_HS256_CLIENT_SECRET = rejected("HS256, unregistered", DRAFT(hmac_with(client_secret)))
    LOGOUT_TOKEN_OTHER_ALGORITHM = rejected("a valid signature, other alg", DRAFT(other_algorithm))
    LOGOUT_TOKEN_SIGNATURE_BROKEN = rejected("one bit is wrong", DRAFT(signature(flipped)))
    LOGOUT_TOKEN_SIGNATURE_FOREIGN = rejected("an attacker's, with the provider's kid", DRAFT(foreign_signature))
    LOGOUT_TOKEN_JWK_INJECTED = rejected("an attacker's key as jwk", DRAFT(own_key_in_header))
    LOGOUT_TOKEN_KID_UNKNOWN = rejected("a kid that is not published", HEADER(put(kid="unknown")))

    # iss, aud
    LOGOUT_TOKEN_ISS_MISSING = rejected("no iss", CLAIMS(without("iss")))
    LOGOUT_TOKEN_ISS_OTHER = rejected("another iss", CLAIMS(put(iss=OTHER)))
    LOGOUT_TOKEN_ISS_TRAILING_SLASH = rejected("a slash more or less", CLAIMS(changed("iss", toggled_slash)))
    LOGOUT_TOKEN_AUD_MISSING = rejected("no aud", CLAIMS(without("aud")))
    LOGOUT_TOKEN_AUD_OTHER = rejected("aud is another client", CLAIMS(put(aud="other-client")))
    LOGOUT_TOKEN_AUD_EMPTY_LIST = rejected("aud is []", CLAIMS(put(aud=[])))
    LOGOUT_TOKEN_AUD_LIST = harmless("aud is a list with the client", CLAIMS(changed("aud", lambda aud: [aud])))

    # Times
    LOGOUT_TOKEN_EXP_MISSING = rejected("no exp", CLAIMS(without("exp")))
    LOGOUT_TOKEN_EXP_PAST = rejected("expired an hour ago", CLAIMS(changed("exp", lambda exp: exp - HOUR)))
    LOGOUT_TOKEN_EXP_STRING = rejected("exp is text", CLAIMS(changed("exp", str)))
    LOGOUT_TOKEN_EXP_HUGE = rejected("exp is 10^400", CLAIMS(put(exp=HUGE_INTEGER)))
    LOGOUT_TOKEN_IAT_MISSING = rejected("no iat", CLAIMS(without("iat")))
    LOGOUT_TOKEN_IAT_FUTURE = rejected("issued in an hour", CLAIMS(changed("iat", lambda iat: iat + HOUR)))
    LOGOUT_TOKEN_IAT_OLD = rejected("issued yesterday", CLAIMS(changed("iat", lambda iat: iat - DAY)))
    LOGOUT_TOKEN_IAT_NAN = rejected("iat is NaN", CLAIMS(put(iat=NAN)))

    # jti, events, nonce
    LOGOUT_TOKEN_JTI_MISSING = rejected("no jti", CLAIMS(without("jti")))
    LOGOUT_TOKEN_JTI_EMPTY = rejected("jti is empty", CLAIMS(put(jti="")))
    LOGOUT_TOKEN_JTI_NUMBER = rejected("jti is 5", CLAIMS(put(jti=5)))
    LOGOUT_TOKEN_EVENTS_MISSING = rejected("no events", CLAIMS(without("events")))
    LOGOUT_TOKEN_EVENTS_EMPTY = rejected("no event in events", CLAIMS(put(events={})))
    LOGOUT_TOKEN_EVENTS_OTHER = rejected("another event", CLAIMS(put(events={"urn:example:other": {}})))
    LOGOUT_TOKEN_EVENTS_NOT_OBJECT = rejected(
        "the event is true", CLAIMS(put(events=dict.fromkeys(LOGOUT_EVENT, True)))
    )
    LOGOUT_TOKEN_EVENTS_LIST = rejected("a list of events", CLAIMS(changed("events", list)))
    LOGOUT_TOKEN_EVENTS_MORE = harmless(
        "another event too", CLAIMS(put(events={**LOGOUT_EVENT, "urn:example:other": {}}))
    )
    LOGOUT_TOKEN_NONCE = rejected("a nonce", CLAIMS(put(nonce="nonce1")))
    LOGOUT_TOKEN_NONCE_NULL = rejected("nonce is null", CLAIMS(put(nonce=None)))

    # sub, sid
    LOGOUT_TOKEN_SUB_AND_SID_MISSING = rejected("about nobody", CLAIMS(without("sub", "sid")))
    LOGOUT_TOKEN_SUB_NUMBER = rejected("sub is 5", CLAIMS(put(sub=5)))
    LOGOUT_TOKEN_SID_NUMBER = rejected("sid is 5", CLAIMS(put(sid=5)))
    LOGOUT_TOKEN_SID_EMPTY = rejected("sid is empty", CLAIMS(put(sid="")))
    LOGOUT_TOKEN_SUB_MISSING = harmless("the session alone", CLAIMS(without("sub")))
    LOGOUT_TOKEN_SID_MISSING = harmless("the user alone", CLAIMS(without("sid")))
    LOGOUT_TOKEN_EXTRA_CLAIM = harmless("a claim that nobody knows", CLAIMS(put(trace_id="1")))

    # Form
    LOGOUT_TOKEN_PAYLOAD_DUPLICATE_MEMBERS = rejected("sid twice", DRAFT(payload_bytes(twice("sid"))))
    LOGOUT_TOKEN_TWO_SEGMENTS = rejected("no signature part", LOGOUT_TOKEN(segments(2)))
    LOGOUT_TOKEN_FIVE_SEGMENTS = rejected("five, as if encrypted", LOGOUT_TOKEN(segments(5)))
