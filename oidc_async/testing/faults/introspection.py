"""Faults of the introspection response, as JSON and as a JWT (RFC 9701)."""

import json
from base64 import urlsafe_b64decode

from oidc_async.testing.introspection import JWT_MEDIA_TYPE
from oidc_async.testing.reply import JSONObject, Reply, json_reply
from oidc_async.testing.stages import (
    INTROSPECTION,
    INTROSPECTION_REPLY,
    SIGNED_CLAIMS,
    SIGNED_DRAFT,
    SIGNED_HEADER,
    SIGNED_REPLY,
    Endpoint,
    Scene,
    either,
    harmless,
    rejected,
)

from .claims import DAY, HOUR, OTHER
from .documents import ENDLESS_INTEGER, NAN, OVERFLOW, changed, listed, put, scope_as_list, without
from .forgeries import (
    flipped,
    foreign_signature,
    hmac_with,
    other_algorithm,
    own_key_in_header,
    payload_bytes,
    public_pem,
    signature,
    unsigned,
)
from .responses import (
    BUSY,
    answered,
    body,
    cut_off,
    deep,
    dripping,
    endless,
    error,
    header,
    html,
    inflated,
    padded,
    redirected,
    reset,
    rewritten,
    slow,
    status,
    truncated,
    twice,
    with_mark,
)
from .userinfo import unsigned_jwt

FAR = 1e15
"""Seconds since the epoch that are valid JSON and beyond the range of `datetime`."""


def plain(reply: Reply, scene: Scene) -> Reply:
    """The JSON content of the JWT; any other response is unchanged."""
    if reply.media_type != JWT_MEDIA_TYPE:
        return reply
    payload = reply.body.split(b".")[1]
    claims = json.loads(urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)))
    return json_reply(claims["token_introspection"])


def unsigned_answer(reply: Reply, scene: Scene) -> Reply:
    return unsigned_jwt(plain(reply, scene), scene)


def lifted(claims: JSONObject, scene: Scene) -> JSONObject:
    """The members of the introspection response as claims of the JWT itself."""
    told = claims["token_introspection"]
    return {**told, **{name: value for name, value in claims.items() if value is not told}}


class IntrospectionFaults:
    # active
    INTROSPECTION_ACTIVE_MISSING = rejected("no active", INTROSPECTION(without("active")))
    INTROSPECTION_ACTIVE_NULL = rejected("active is null", INTROSPECTION(put(active=None)))
    INTROSPECTION_ACTIVE_STRING = rejected('active is "true"', INTROSPECTION(put(active="true")))
    INTROSPECTION_ACTIVE_NUMBER = rejected("active is 1", INTROSPECTION(put(active=1)))
    INTROSPECTION_ACTIVE_DIGIT = rejected('active is "1"', INTROSPECTION(put(active="1")))
    INTROSPECTION_ACTIVE_LIST = rejected("active is [true]", INTROSPECTION(put(active=[True])))
    INTROSPECTION_INACTIVE_IN_FULL = rejected(
        "not active, all other members are valid", INTROSPECTION(put(active=False))
    )

    # exp, nbf, iat
    INTROSPECTION_EXP_PAST = rejected(
        "it expired an hour ago", INTROSPECTION(changed("exp", lambda exp: exp - 2 * HOUR))
    )
    INTROSPECTION_EXP_STRING = rejected("exp is a string", INTROSPECTION(changed("exp", str)))
    INTROSPECTION_EXP_TRUE = rejected("exp is true", INTROSPECTION(put(exp=True)))
    INTROSPECTION_EXP_LIST = rejected("exp is a list", INTROSPECTION(changed("exp", lambda exp: [exp])))
    INTROSPECTION_EXP_NEGATIVE = rejected("exp is negative", INTROSPECTION(changed("exp", lambda exp: -exp)))
    INTROSPECTION_EXP_NAN = rejected("exp is NaN, which is not JSON", INTROSPECTION(put(exp=NAN)))
    INTROSPECTION_EXP_OVERFLOW = rejected("exp is 1e400", INTROSPECTION(put(exp=OVERFLOW)))
    INTROSPECTION_EXP_ENDLESS_INTEGER = rejected("exp has 5,000 digits", INTROSPECTION(put(exp=ENDLESS_INTEGER)))
    INTROSPECTION_EXP_FRACTION = harmless("exp has a fraction", INTROSPECTION(changed("exp", lambda exp: exp + 0.5)))
    INTROSPECTION_EXP_FAR = harmless("exp is 1e15", INTROSPECTION(put(exp=FAR)))
    INTROSPECTION_EXP_MISSING = harmless("no exp", INTROSPECTION(without("exp")))
    INTROSPECTION_NBF_FUTURE = rejected("valid in an hour", INTROSPECTION(changed("nbf", lambda nbf: nbf + HOUR)))
    INTROSPECTION_NBF_STRING = rejected("nbf is a string", INTROSPECTION(changed("nbf", str)))
    INTROSPECTION_IAT_FUTURE = rejected("issued in an hour", INTROSPECTION(changed("iat", lambda iat: iat + HOUR)))
    INTROSPECTION_IAT_STRING = rejected("iat is a string", INTROSPECTION(changed("iat", str)))
    INTROSPECTION_TIMES_MISSING = harmless("no times at all", INTROSPECTION(without("exp", "nbf", "iat")))

    # iss, aud
    INTROSPECTION_ISS_OTHER = rejected("another iss", INTROSPECTION(put(iss=OTHER)))
    INTROSPECTION_ISS_LIST = rejected("iss is a list", INTROSPECTION(changed("iss", lambda iss: [iss])))
    INTROSPECTION_ISS_MISSING = harmless("no iss", INTROSPECTION(without("iss")))
    INTROSPECTION_AUD_OTHER = rejected("for another API", INTROSPECTION(put(aud="other-api")))
    INTROSPECTION_AUD_LONGER = rejected("aud begins with the client_id", INTROSPECTION(changed("aud", "{}-2".format)))
    INTROSPECTION_AUD_SHORTER = rejected(
        "aud is a part of the client_id", INTROSPECTION(changed("aud", lambda aud: "".join(listed(aud))[:-1]))
    )
    INTROSPECTION_AUD_MISSING = rejected("no aud", INTROSPECTION(without("aud")))
    INTROSPECTION_AUD_NULL = rejected("aud is null", INTROSPECTION(put(aud=None)))
    INTROSPECTION_AUD_EMPTY_LIST = rejected("aud is []", INTROSPECTION(put(aud=[])))
    INTROSPECTION_AUD_OBJECT = rejected(
        "aud is an object", INTROSPECTION(changed("aud", lambda aud: dict.fromkeys(listed(aud), True)))
    )
    INTROSPECTION_AUD_NUMBER = rejected("aud is 5", INTROSPECTION(put(aud=5)))
    INTROSPECTION_AUD_WITH_NUMBER = rejected(
        "a number as second audience", INTROSPECTION(changed("aud", lambda aud: [*listed(aud), 5]))
    )
    INTROSPECTION_AUD_LIST = harmless("aud is a list with the client", INTROSPECTION(changed("aud", listed)))
    INTROSPECTION_AUD_EXTRA = harmless(
        "another API beside us", INTROSPECTION(changed("aud", lambda aud: ["x", *listed(aud)]))
    )

    # The rest of the members
    INTROSPECTION_TYP_REFRESH = rejected("a refresh token, as Keycloak says it", INTROSPECTION(put(typ="Refresh")))
    INTROSPECTION_TOKEN_USE_ID = rejected("an ID token, as Dex says it", INTROSPECTION(put(token_use="id")))
    INTROSPECTION_TOKEN_TYPE_REFRESH = rejected(
        "a refresh token by token_type", INTROSPECTION(put(token_type="refresh_token"))
    )
    INTROSPECTION_SCOPE_NUMBER = rejected("scope is 5", INTROSPECTION(put(scope=5)))
    INTROSPECTION_SCOPE_TRUE = rejected("scope is true", INTROSPECTION(put(scope=True)))
    INTROSPECTION_SCOPE_OBJECT = rejected("scope is an object", INTROSPECTION(put(scope={"read": True})))
    INTROSPECTION_SCOPE_WITH_NUMBER = rejected("a list with a number", INTROSPECTION(put(scope=["read", 5])))
    INTROSPECTION_SCOPE_LIST = harmless("scope is a list", INTROSPECTION(scope_as_list))
    INTROSPECTION_SCOPE_MISSING = harmless("no scope; some calls need one", INTROSPECTION(without("scope")))
    INTROSPECTION_SUB_NUMBER = rejected("sub is 5", INTROSPECTION(put(sub=5)))
    INTROSPECTION_SUB_LIST = rejected("sub is a list", INTROSPECTION(put(sub=["alice"])))
    INTROSPECTION_SUB_OBJECT = rejected("sub is an object", INTROSPECTION(put(sub={"alice": True})))
    INTROSPECTION_CNF_JKT = rejected("bound to a DPoP key", INTROSPECTION(put(cnf={"jkt": "0" * 43})))
    INTROSPECTION_CNF_X5T = rejected("bound to a certificate", INTROSPECTION(put(cnf={"x5t#S256": "0" * 43})))
    INTROSPECTION_CNF_STRING = rejected("bound to nothing known", INTROSPECTION(put(cnf="key")))
    INTROSPECTION_MEMBER_EXTRA = harmless("unknown members", INTROSPECTION(put(foo={"bar": [1, None, "é"]})))

    # The response
    INTROSPECTION_OTHER_CONTENT_TYPE = either("text/plain", INTROSPECTION_REPLY(header("content-type", "text/plain")))
    INTROSPECTION_UNASKED_JWT = rejected(
        "said to be a JWT, unasked", INTROSPECTION_REPLY(header("content-type", JWT_MEDIA_TYPE))
    )
    INTROSPECTION_UNSIGNED_JWT = rejected("a JWT without signature", INTROSPECTION_REPLY(unsigned_answer))
    INTROSPECTION_HTML = rejected("a page with status 200", INTROSPECTION_REPLY(html()))
    INTROSPECTION_ERROR_HTML = rejected("a page with status 400", INTROSPECTION_REPLY(html(400)))
    INTROSPECTION_ARRAY = rejected("a JSON array", INTROSPECTION_REPLY(answered([])))
    INTROSPECTION_NULL = rejected("null", INTROSPECTION_REPLY(answered(None)))
    INTROSPECTION_TRUE = rejected("true", INTROSPECTION_REPLY(answered(True)))
    INTROSPECTION_EMPTY = rejected("an empty body with status 200", INTROSPECTION_REPLY(body(b"")))
    INTROSPECTION_DUPLICATE_MEMBERS = rejected("active twice", INTROSPECTION_REPLY(rewritten(twice("active"))))
    INTROSPECTION_BYTE_ORDER_MARK = rejected("a byte order mark first", INTROSPECTION_REPLY(rewritten(with_mark)))
    INTROSPECTION_DEEP = rejected("40,000 nested arrays", INTROSPECTION_REPLY(rewritten(deep)))
    INTROSPECTION_TRUNCATED = rejected("half the document", INTROSPECTION_REPLY(rewritten(truncated)))
    INTROSPECTION_HUGE = rejected("2 MB", INTROSPECTION_REPLY(rewritten(padded)))
    INTROSPECTION_GZIP_BOMB = rejected("30 KB that unpack to 32 MB", INTROSPECTION_REPLY(inflated))
    INTROSPECTION_ENDLESS = rejected("a body without end", INTROSPECTION_REPLY(endless))
    INTROSPECTION_201 = rejected("status 201", INTROSPECTION_REPLY(answered({"active": True}, status=201)))
    INTROSPECTION_204 = rejected("status 204", INTROSPECTION_REPLY(status(204)))
    INTROSPECTION_REDIRECT = rejected("a redirect elsewhere", INTROSPECTION_REPLY(redirected(Endpoint.INTROSPECTION)))
    INTROSPECTION_307 = rejected(
        "a redirect that keeps the method", INTROSPECTION_REPLY(redirected(Endpoint.INTROSPECTION, 307))
    )
    INTROSPECTION_400 = rejected("invalid_request", INTROSPECTION_REPLY(error("invalid_request")))
    INTROSPECTION_UNSUPPORTED = rejected(
        "unsupported_token_type", INTROSPECTION_REPLY(error("unsupported_token_type"))
    )
    INTROSPECTION_401 = rejected("invalid_client", INTROSPECTION_REPLY(error("invalid_client", status=401)))
    INTROSPECTION_403 = rejected("access_denied", INTROSPECTION_REPLY(error("access_denied", status=403)))
    INTROSPECTION_404 = rejected("status 404", INTROSPECTION_REPLY(html(404)))
    INTROSPECTION_429 = rejected(
        "too many requests", INTROSPECTION_REPLY(answered({}, status=429, headers={"retry-after": "1"}))
    )
    INTROSPECTION_500 = rejected("status 500", INTROSPECTION_REPLY(error("server_error", status=500)))
    INTROSPECTION_502 = rejected("status 502", INTROSPECTION_REPLY(html(502)))
    INTROSPECTION_503 = rejected("503 with Retry-After", INTROSPECTION_REPLY(BUSY))
    INTROSPECTION_BUSY_ONCE = harmless("one 503 with Retry-After", INTROSPECTION_REPLY(BUSY), only_once=True)
    INTROSPECTION_ERROR_ACTIVE = rejected(
        "active, with status 500", INTROSPECTION_REPLY(answered({"active": True}, status=500))
    )
    INTROSPECTION_SLOW = rejected("an hour of silence", INTROSPECTION_REPLY(slow))
    INTROSPECTION_DRIP = rejected("byte after byte, slowly", INTROSPECTION_REPLY(dripping))
    INTROSPECTION_RESET = rejected("the connection breaks at once", INTROSPECTION_REPLY(reset))
    INTROSPECTION_CUT_OFF = rejected("the connection breaks in mid-body", INTROSPECTION_REPLY(cut_off))


class SignedIntrospectionFaults:
    """Faults for clients with `introspection_signed_response_alg` that accept a JWT."""

    # What carries it
    INTROSPECTION_JWT_PLAIN = rejected("plain JSON", SIGNED_REPLY(plain))
    INTROSPECTION_JWT_SAID_TO_BE_JSON = rejected(
        "application/json", SIGNED_REPLY(header("content-type", "application/json"))
    )
    INTROSPECTION_JWT_SAID_TO_BE_ANY = rejected(
        "application/jwt", SIGNED_REPLY(header("content-type", "application/jwt"))
    )
    INTROSPECTION_JWT_TRUNCATED = rejected("half of it", SIGNED_REPLY(rewritten(truncated)))

    # Header
    INTROSPECTION_JWT_TYP_JWT = rejected("typ is JWT", SIGNED_HEADER(put(typ="JWT")))
    INTROSPECTION_JWT_TYP_ACCESS_TOKEN = rejected("typ is at+jwt", SIGNED_HEADER(put(typ="at+jwt")))
    INTROSPECTION_JWT_TYP_MISSING = rejected("no typ", SIGNED_HEADER(without("typ")))
    INTROSPECTION_JWT_TYP_NUMBER = rejected("typ is 5", SIGNED_HEADER(put(typ=5)))
    INTROSPECTION_JWT_TYP_MEDIA_TYPE = harmless("typ is the media type", SIGNED_HEADER(put(typ=JWT_MEDIA_TYPE)))
    INTROSPECTION_JWT_KID_UNKNOWN = rejected("a kid that is not published", SIGNED_HEADER(put(kid="unknown")))
    INTROSPECTION_JWT_KID_MISSING = harmless("no kid, one key fits", SIGNED_HEADER(without("kid")))
    INTROSPECTION_JWT_CRIT_UNKNOWN = rejected("crit, unknown", SIGNED_HEADER(put(crit=["foo"], foo=1)))

    # Signature
    INTROSPECTION_JWT_ALG_NONE = rejected("alg is none", SIGNED_DRAFT(unsigned("none")))
    INTROSPECTION_JWT_ALG_NONE_MIXED = rejected("alg is NoNe", SIGNED_DRAFT(unsigned("NoNe")))
    INTROSPECTION_JWT_HS256_PUBLIC_PEM = rejected("HS256 with the public key", SIGNED_DRAFT(hmac_with(public_pem)))
    INTROSPECTION_JWT_OTHER_ALGORITHM = rejected("a valid signature, other alg", SIGNED_DRAFT(other_algorithm))
    INTROSPECTION_JWT_SIGNATURE_BROKEN = rejected("one bit is wrong", SIGNED_DRAFT(signature(flipped)))
    INTROSPECTION_JWT_SIGNATURE_EMPTY = rejected("no signature", SIGNED_DRAFT(signature(lambda value: b"")))
    INTROSPECTION_JWT_SIGNATURE_FOREIGN = rejected(
        "an attacker's, with the provider's kid", SIGNED_DRAFT(foreign_signature)
    )
    INTROSPECTION_JWT_JWK_INJECTED = rejected("an attacker's key as jwk", SIGNED_DRAFT(own_key_in_header))

    # Claims
    INTROSPECTION_JWT_ISS_OTHER = rejected("another iss", SIGNED_CLAIMS(put(iss=OTHER)))
    INTROSPECTION_JWT_ISS_MISSING = rejected("no iss", SIGNED_CLAIMS(without("iss")))
    INTROSPECTION_JWT_AUD_OTHER = rejected("for another client", SIGNED_CLAIMS(put(aud="other-client")))
    INTROSPECTION_JWT_AUD_MISSING = rejected("no aud", SIGNED_CLAIMS(without("aud")))
    INTROSPECTION_JWT_AUD_LIST = harmless("aud is a list with the client", SIGNED_CLAIMS(changed("aud", listed)))
    INTROSPECTION_JWT_IAT_MISSING = rejected("no iat", SIGNED_CLAIMS(without("iat")))
    INTROSPECTION_JWT_IAT_STRING = rejected("iat is a string", SIGNED_CLAIMS(changed("iat", str)))
    INTROSPECTION_JWT_IAT_OLD = rejected("signed yesterday", SIGNED_CLAIMS(changed("iat", lambda iat: iat - DAY)))
    INTROSPECTION_JWT_IAT_FUTURE = rejected("signed tomorrow", SIGNED_CLAIMS(changed("iat", lambda iat: iat + DAY)))
    INTROSPECTION_JWT_ANSWER_MISSING = rejected(
        "no token_introspection", SIGNED_CLAIMS(without("token_introspection"))
    )
    INTROSPECTION_JWT_ANSWER_LIFTED = rejected("its members one level up", SIGNED_CLAIMS(lifted))
    INTROSPECTION_JWT_ANSWER_LIST = rejected(
        "token_introspection is a list", SIGNED_CLAIMS(changed("token_introspection", lambda answer: [answer]))
    )
    INTROSPECTION_JWT_ANSWER_STRING = rejected(
        "token_introspection is a string", SIGNED_CLAIMS(changed("token_introspection", json.dumps))
    )
    INTROSPECTION_JWT_ANSWER_NULL = rejected(
        "token_introspection is null", SIGNED_CLAIMS(put(token_introspection=None))
    )
    INTROSPECTION_JWT_PAYLOAD_ARRAY = rejected(
        "a list", SIGNED_DRAFT(payload_bytes(lambda content: b"[" + content + b"]"))
    )
    INTROSPECTION_JWT_PAYLOAD_DUPLICATE_MEMBERS = rejected("iss twice", SIGNED_DRAFT(payload_bytes(twice("iss"))))
