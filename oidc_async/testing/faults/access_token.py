"""Faults of JWT access tokens (RFC 9068): header, signature, claims and form.

They affect the tokens that are issued in the `with` block. The provider does not know the changed token: its
introspection endpoint answers `"active": false`.
"""

from oidc_async.testing.reply import JSONObject
from oidc_async.testing.stages import (
    ACCESS_TOKEN,
    ACCESS_TOKEN_CLAIMS,
    ACCESS_TOKEN_DRAFT,
    ACCESS_TOKEN_HEADER,
    JWKS,
    Scene,
    either,
    harmless,
    rejected,
)

from .claims import HOUR, LOGOUT_EVENT, OTHER
from .documents import (
    ENDLESS_INTEGER,
    HUGE_INTEGER,
    INFINITY,
    NAN,
    OVERFLOW,
    changed,
    listed,
    put,
    scope_as_list,
    toggled_slash,
    without,
)
from .forgeries import (
    as_utf16,
    flipped,
    foreign_signature,
    header_bytes,
    hmac_with,
    json_serialized,
    other_algorithm,
    other_padding,
    own_certificate,
    own_key_in_header,
    own_key_url,
    padded_segments,
    payload_bytes,
    provider_certificate,
    public_der,
    public_jwk,
    public_pem,
    published_secret,
    segments,
    signature,
    token,
    unsigned,
    unsigned_without_alg,
    with_broken_utf8,
    wrong_half_hash,
)
from .jwks import OCT_KEY, also
from .responses import deep, twice, with_mark

HEADER = ACCESS_TOKEN_HEADER
CLAIMS = ACCESS_TOKEN_CLAIMS
DRAFT = ACCESS_TOKEN_DRAFT


def of_id_token(claims: JSONObject, scene: Scene) -> JSONObject:
    """The claims of an ID token for the same client, with its own audience."""
    kept = {name: claims[name] for name in ("iss", "sub", "exp", "iat")}
    told = {"auth_time": claims["iat"], "nonce": "nonce1", "at_hash": wrong_half_hash(), "sid": "sid1"}
    return {**kept, **told, "aud": claims["client_id"]}


class AccessTokenFaults:
    # What kind of token it is
    ACCESS_TOKEN_TYP_JWT = rejected("typ is JWT", HEADER(put(typ="JWT")))
    ACCESS_TOKEN_TYP_MISSING = rejected("no typ", HEADER(without("typ")))
    ACCESS_TOKEN_TYP_NUMBER = rejected("typ is 5", HEADER(put(typ=5)))
    ACCESS_TOKEN_TYP_LOGOUT_TOKEN = rejected("typ is logout+jwt", HEADER(put(typ="logout+jwt")))
    ACCESS_TOKEN_TYP_DPOP = rejected("typ is dpop+jwt", HEADER(put(typ="dpop+jwt")))
    ACCESS_TOKEN_TYP_INTROSPECTION = rejected("a signed answer's typ", HEADER(put(typ="token-introspection+jwt")))
    ACCESS_TOKEN_TYP_MEDIA_TYPE = harmless("typ is application/at+jwt", HEADER(put(typ="application/at+jwt")))
    ACCESS_TOKEN_TYP_UPPER_CASE = harmless("typ is AT+JWT", HEADER(put(typ="AT+JWT")))
    ACCESS_TOKEN_PAYLOAD_TYP_ID = rejected("the claims say ID, as Keycloak's do", CLAIMS(put(typ="ID")))
    ACCESS_TOKEN_PAYLOAD_TYP_OFFLINE = rejected("the claims say Offline", CLAIMS(put(typ="Offline")))
    ACCESS_TOKEN_PAYLOAD_TYP_BEARER = harmless("the claims say Bearer", CLAIMS(put(typ="Bearer")))
    ACCESS_TOKEN_USE_ID = rejected("token_use is id, as Cognito's", CLAIMS(put(token_use="id")))
    ACCESS_TOKEN_USE_ACCESS = harmless("token_use is access", CLAIMS(put(token_use="access")))
    ACCESS_TOKEN_ID_TOKEN = rejected("an ID token", HEADER(put(typ="JWT")), CLAIMS(of_id_token))
    ACCESS_TOKEN_LOGOUT_TOKEN = rejected(
        "a logout token", HEADER(put(typ="logout+jwt")), CLAIMS(put(events=LOGOUT_EVENT, sid="sid1"))
    )

    # Algorithm and signature
    ACCESS_TOKEN_ALG_NONE = rejected("alg is none", DRAFT(unsigned("none")))
    ACCESS_TOKEN_ALG_NONE_TITLE = rejected("alg is None", DRAFT(unsigned("None")))
    ACCESS_TOKEN_ALG_NONE_MIXED = rejected("alg is NoNe", DRAFT(unsigned("NoNe")))
    ACCESS_TOKEN_ALG_NONE_UPPER = rejected("alg is NONE", DRAFT(unsigned("NONE")))
    ACCESS_TOKEN_ALG_NONE_SIGNED = rejected("alg is none beside a signature", HEADER(put(alg="none")))
    ACCESS_TOKEN_ALG_EMPTY = rejected("alg is empty", DRAFT(unsigned("")))
    ACCESS_TOKEN_ALG_NULL = rejected("alg is null", DRAFT(unsigned(None)))
    ACCESS_TOKEN_ALG_LIST = rejected("alg is a list", HEADER(put(alg=["RS256"])))
    ACCESS_TOKEN_ALG_MISSING = rejected("no alg", DRAFT(unsigned_without_alg))
    ACCESS_TOKEN_ALG_LOWER_CASE = rejected("alg is rs256", HEADER(put(alg="rs256")))
    ACCESS_TOKEN_HS256_PUBLIC_PEM = rejected("HS256 with the public key as PEM", DRAFT(hmac_with(public_pem)))
    ACCESS_TOKEN_HS256_PUBLIC_DER = rejected("HS256 with the public key as DER", DRAFT(hmac_with(public_der)))
    ACCESS_TOKEN_HS256_PUBLIC_JWK = rejected("HS256 with the public key as JWK", DRAFT(hmac_with(public_jwk)))
    ACCESS_TOKEN_HS256_PUBLISHED_KEY = rejected(
        "HS256 with a published key", JWKS(also(OCT_KEY)), DRAFT(hmac_with(published_secret, kid="oct-1"))
    )
    ACCESS_TOKEN_OTHER_ALGORITHM = rejected("a valid signature, other alg", DRAFT(other_algorithm))
    ACCESS_TOKEN_OTHER_PADDING = rejected("PS256 with the RS256 key", DRAFT(other_padding))
    ACCESS_TOKEN_SIGNATURE_BROKEN = rejected("one bit is wrong", DRAFT(signature(flipped)))
    ACCESS_TOKEN_SIGNATURE_EMPTY = rejected("no signature", DRAFT(signature(lambda value: b"")))
    ACCESS_TOKEN_SIGNATURE_SHORTER = rejected("a byte less", DRAFT(signature(lambda value: value[:-1])))
    ACCESS_TOKEN_SIGNATURE_FOREIGN = rejected("an attacker's, with the provider's kid", DRAFT(foreign_signature))

    # Header
    ACCESS_TOKEN_JWK_INJECTED = rejected("an attacker's key as jwk", DRAFT(own_key_in_header))
    ACCESS_TOKEN_JKU_INJECTED = rejected("an attacker's keys at jku", DRAFT(own_key_url("jku")))
    ACCESS_TOKEN_X5U_INJECTED = rejected("an attacker's certificate at x5u", DRAFT(own_key_url("x5u")))
    ACCESS_TOKEN_X5C_INJECTED = rejected("an attacker's certificate as x5c", DRAFT(own_certificate))
    ACCESS_TOKEN_X5C = harmless("the provider's own certificate as x5c", HEADER(provider_certificate))
    ACCESS_TOKEN_KID_UNKNOWN = rejected("a kid that is not published", HEADER(put(kid="unknown")))
    ACCESS_TOKEN_KID_NUMBER = rejected("kid is 5", HEADER(put(kid=5)))
    ACCESS_TOKEN_KID_LONG = rejected("a kid of 100 KB", HEADER(put(kid="x" * 100_000)))
    ACCESS_TOKEN_KID_PATH = rejected("kid is a path", HEADER(put(kid="../../../dev/null")))
    ACCESS_TOKEN_KID_MISSING = harmless("no kid, one key fits", HEADER(without("kid")))
    ACCESS_TOKEN_CRIT_UNKNOWN = rejected("crit names an unknown parameter", HEADER(put(crit=["foo"], foo=1)))
    ACCESS_TOKEN_CRIT_EMPTY = rejected("crit is empty", HEADER(put(crit=[])))
    ACCESS_TOKEN_B64_FALSE = rejected("b64 is false, and critical", HEADER(put(crit=["b64"], b64=False)))
    ACCESS_TOKEN_B64_FALSE_UNNAMED = rejected("b64 is false, not critical", HEADER(put(b64=False)))
    ACCESS_TOKEN_HEADER_EXTRA = harmless("an unknown parameter", HEADER(put(foo={"bar": 1})))
    ACCESS_TOKEN_HEADER_ARRAY = rejected("the header is []", DRAFT(header_bytes(lambda content: b"[]")))
    ACCESS_TOKEN_HEADER_NOT_JSON = rejected("the header is not JSON", DRAFT(header_bytes(lambda content: b"{alg}")))
    ACCESS_TOKEN_HEADER_DUPLICATE_MEMBERS = rejected("alg twice", DRAFT(header_bytes(twice("alg"))))
    ACCESS_TOKEN_HEADER_DEEP = rejected("nested arrays", DRAFT(header_bytes(deep)))

    # iss, aud
    ACCESS_TOKEN_ISS_OTHER = rejected("another iss", CLAIMS(put(iss=OTHER)))
    ACCESS_TOKEN_ISS_MISSING = rejected("no iss", CLAIMS(without("iss")))
    ACCESS_TOKEN_ISS_LIST = rejected("iss is a list", CLAIMS(changed("iss", lambda iss: [iss])))
    ACCESS_TOKEN_ISS_SUFFIX = rejected("iss has a suffix", CLAIMS(changed("iss", "{}.evil.example".format)))
    ACCESS_TOKEN_ISS_TRAILING_SLASH = rejected("a slash more or less", CLAIMS(changed("iss", toggled_slash)))
    ACCESS_TOKEN_AUD_OTHER = rejected("for another API", CLAIMS(put(aud="other-api")))
    ACCESS_TOKEN_AUD_MISSING = rejected("no aud", CLAIMS(without("aud")))
    ACCESS_TOKEN_AUD_LONGER = rejected("aud begins with the client_id", CLAIMS(changed("aud", "{}-2".format)))
    ACCESS_TOKEN_AUD_SHORTER = rejected(
        "aud is a part of the client_id", CLAIMS(changed("aud", lambda aud: "".join(listed(aud))[:-1]))
    )
    ACCESS_TOKEN_AUD_EMPTY_LIST = rejected("aud is []", CLAIMS(put(aud=[])))
    ACCESS_TOKEN_AUD_OBJECT = rejected(
        "aud is an object", CLAIMS(changed("aud", lambda aud: dict.fromkeys(listed(aud), True)))
    )
    ACCESS_TOKEN_AUD_NULL = rejected("aud is null", CLAIMS(put(aud=None)))
    ACCESS_TOKEN_AUD_WITH_NUMBER = rejected(
        "a number as second audience", CLAIMS(changed("aud", lambda aud: [*listed(aud), 5]))
    )
    ACCESS_TOKEN_AUD_LIST = harmless("aud is a list with the client", CLAIMS(changed("aud", listed)))
    ACCESS_TOKEN_AUD_EXTRA = harmless(
        "another API beside us", CLAIMS(changed("aud", lambda aud: ["x", *listed(aud)]))
    )

    # exp, iat, nbf
    ACCESS_TOKEN_EXP_MISSING = rejected("no exp", CLAIMS(without("exp")))
    ACCESS_TOKEN_EXP_PAST = rejected("it expired an hour ago", CLAIMS(changed("exp", lambda exp: exp - 2 * HOUR)))
    ACCESS_TOKEN_EXP_NAN = rejected("exp is NaN", CLAIMS(put(exp=NAN)))
    ACCESS_TOKEN_EXP_INFINITY = rejected("exp is Infinity", CLAIMS(put(exp=INFINITY)))
    ACCESS_TOKEN_EXP_OVERFLOW = rejected("exp is 1e400", CLAIMS(put(exp=OVERFLOW)))
    ACCESS_TOKEN_EXP_1E300 = either("exp is 1e300", CLAIMS(put(exp=1e300)))
    ACCESS_TOKEN_EXP_HUGE_INTEGER = rejected("exp has 401 digits", CLAIMS(put(exp=HUGE_INTEGER)))
    ACCESS_TOKEN_EXP_ENDLESS_INTEGER = rejected("exp has 5,000 digits", CLAIMS(put(exp=ENDLESS_INTEGER)))
    ACCESS_TOKEN_EXP_TRUE = rejected("exp is true", CLAIMS(put(exp=True)))
    ACCESS_TOKEN_EXP_STRING = rejected("exp is a string", CLAIMS(changed("exp", str)))
    ACCESS_TOKEN_EXP_NULL = rejected("exp is null", CLAIMS(put(exp=None)))
    ACCESS_TOKEN_EXP_NEGATIVE = rejected("exp is negative", CLAIMS(changed("exp", lambda exp: -exp)))
    ACCESS_TOKEN_EXP_FRACTION = harmless("exp has a fraction", CLAIMS(changed("exp", lambda exp: exp + 0.5)))
    ACCESS_TOKEN_IAT_FUTURE = rejected("issued in an hour", CLAIMS(changed("iat", lambda iat: iat + HOUR)))
    ACCESS_TOKEN_IAT_STRING = rejected("iat is a string", CLAIMS(changed("iat", str)))
    ACCESS_TOKEN_IAT_MISSING = either("no iat", CLAIMS(without("iat")))
    ACCESS_TOKEN_NBF_FUTURE = rejected(
        "valid in an hour", CLAIMS(lambda claims, scene: {**claims, "nbf": claims["iat"] + HOUR})
    )
    ACCESS_TOKEN_NBF_STRING = rejected("nbf is a string", CLAIMS(put(nbf="0")))
    ACCESS_TOKEN_NBF_PAST = harmless("valid since long", CLAIMS(put(nbf=1)))

    # The rest of the claims
    ACCESS_TOKEN_CNF_JKT = rejected("bound to a DPoP key", CLAIMS(put(cnf={"jkt": "0" * 43})))
    ACCESS_TOKEN_CNF_X5T = rejected("bound to a certificate", CLAIMS(put(cnf={"x5t#S256": "0" * 43})))
    ACCESS_TOKEN_SUB_NUMBER = rejected("sub is 5", CLAIMS(put(sub=5)))
    ACCESS_TOKEN_SUB_MISSING = either("no sub", CLAIMS(without("sub")))
    ACCESS_TOKEN_CLIENT_ID_MISSING = either("no client_id", CLAIMS(without("client_id")))
    ACCESS_TOKEN_JTI_MISSING = either("no jti", CLAIMS(without("jti")))
    ACCESS_TOKEN_SCOPE_NUMBER = rejected("scope is 5", CLAIMS(put(scope=5)))
    ACCESS_TOKEN_SCOPE_OBJECT = rejected("scope is an object", CLAIMS(put(scope={"read": True})))
    ACCESS_TOKEN_SCOPE_LIST = harmless("scope is a list", CLAIMS(scope_as_list))
    ACCESS_TOKEN_SCOPE_MISSING = harmless("no scope; some calls need one", CLAIMS(without("scope")))
    ACCESS_TOKEN_CLAIM_EXTRA = harmless("unknown claims", CLAIMS(put(foo={"bar": [1, None, "é"]})))

    # Payload
    ACCESS_TOKEN_PAYLOAD_ARRAY = rejected("a list", DRAFT(payload_bytes(lambda content: b"[" + content + b"]")))
    ACCESS_TOKEN_PAYLOAD_STRING = rejected("a string", DRAFT(payload_bytes(lambda content: b'"claims"')))
    ACCESS_TOKEN_PAYLOAD_NULL = rejected("null", DRAFT(payload_bytes(lambda content: b"null")))
    ACCESS_TOKEN_PAYLOAD_EMPTY = rejected("nothing", DRAFT(payload_bytes(lambda content: b"")))
    ACCESS_TOKEN_PAYLOAD_TRAILING = rejected("more after it", DRAFT(payload_bytes(lambda content: content + b"{}")))
    ACCESS_TOKEN_PAYLOAD_DUPLICATE_MEMBERS = rejected("aud twice", DRAFT(payload_bytes(twice("aud"))))
    ACCESS_TOKEN_PAYLOAD_UTF16 = rejected("UTF-16", DRAFT(payload_bytes(as_utf16)))
    ACCESS_TOKEN_PAYLOAD_BROKEN_UTF8 = rejected("bytes that are not UTF-8", DRAFT(payload_bytes(with_broken_utf8)))
    ACCESS_TOKEN_PAYLOAD_BYTE_ORDER_MARK = rejected("a byte order mark first", DRAFT(payload_bytes(with_mark)))
    ACCESS_TOKEN_PAYLOAD_DEEP = rejected("40,000 nested arrays", DRAFT(payload_bytes(deep)))

    # Form
    ACCESS_TOKEN_JSON_SERIALIZATION = rejected("the JWS JSON serialization", ACCESS_TOKEN(json_serialized))
    ACCESS_TOKEN_PADDED = rejected("= after each segment", ACCESS_TOKEN(padded_segments))
    ACCESS_TOKEN_ONE_SEGMENT = rejected("the header alone", ACCESS_TOKEN(segments(1)))
    ACCESS_TOKEN_TWO_SEGMENTS = rejected("no signature part", ACCESS_TOKEN(segments(2)))
    ACCESS_TOKEN_FOUR_SEGMENTS = rejected("four segments", ACCESS_TOKEN(segments(4)))
    ACCESS_TOKEN_FIVE_SEGMENTS = rejected("five, as if encrypted", ACCESS_TOKEN(segments(5)))
    ACCESS_TOKEN_SIX_SEGMENTS = rejected("six segments", ACCESS_TOKEN(segments(6)))
    ACCESS_TOKEN_100000_SEGMENTS = rejected("dots and dots", ACCESS_TOKEN(token(lambda value: value + "." * 100_000)))
    ACCESS_TOKEN_HUGE = rejected("a claim of 1 MB under a valid signature", CLAIMS(put(foo="x" * 1024 * 1024)))
