"""Faults of the ID token: algorithm and signature, header, form, payload. Those of its claims are in `claims`."""

from oidc_async.testing.stages import DRAFT, HEADER, ID_TOKEN, JWKS, harmless, refused

from .documents import put, without
from .forgeries import (
    as_der,
    as_utf16,
    client_secret,
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
    standard_alphabet,
    token,
    unsigned,
    unsigned_without_alg,
    with_broken_utf8,
)
from .jwks import OCT_KEY, also
from .responses import deep, twice, with_mark


class IDTokenFaults:
    # Algorithm and signature
    ID_TOKEN_ALG_NONE = refused("alg is none", DRAFT(unsigned("none")))
    ID_TOKEN_ALG_NONE_TITLE = refused("alg is None", DRAFT(unsigned("None")))
    ID_TOKEN_ALG_NONE_MIXED = refused("alg is NoNe", DRAFT(unsigned("NoNe")))
    ID_TOKEN_ALG_NONE_UPPER = refused("alg is NONE", DRAFT(unsigned("NONE")))
    ID_TOKEN_ALG_NONE_SIGNED = refused("alg is none beside a signature", HEADER(put(alg="none")))
    ID_TOKEN_ALG_EMPTY = refused("alg is empty", DRAFT(unsigned("")))
    ID_TOKEN_ALG_NULL = refused("alg is null", DRAFT(unsigned(None)))
    ID_TOKEN_ALG_NUMBER = refused("alg is 256", DRAFT(unsigned(256)))
    ID_TOKEN_ALG_LIST = refused("alg is a list", HEADER(put(alg=["RS256"])))
    ID_TOKEN_ALG_MISSING = refused("no alg", DRAFT(unsigned_without_alg))
    ID_TOKEN_ALG_LOWER_CASE = refused("alg is rs256", HEADER(put(alg="rs256")))
    ID_TOKEN_HS256_PUBLIC_PEM = refused("HS256 with the public key as PEM", DRAFT(hmac_with(public_pem)))
    ID_TOKEN_HS256_PUBLIC_DER = refused("HS256 with the public key as DER", DRAFT(hmac_with(public_der)))
    ID_TOKEN_HS256_PUBLIC_JWK = refused("HS256 with the public key as JWK", DRAFT(hmac_with(public_jwk)))
    ID_TOKEN_HS256_CLIENT_SECRET = refused("HS256, unregistered", DRAFT(hmac_with(client_secret)))
    ID_TOKEN_HS256_PUBLISHED_KEY = refused(
        "HS256 with a published key", JWKS(also(OCT_KEY)), DRAFT(hmac_with(published_secret, kid="oct-1"))
    )
    ID_TOKEN_OTHER_ALGORITHM = refused("a good signature, other alg", DRAFT(other_algorithm))
    ID_TOKEN_OTHER_PADDING = refused("PS256 with the RS256 key", DRAFT(other_padding))
    ID_TOKEN_SIGNATURE_BROKEN = refused("one bit is wrong", DRAFT(signature(flipped)))
    ID_TOKEN_SIGNATURE_EMPTY = refused("no signature", DRAFT(signature(lambda value: b"")))
    ID_TOKEN_SIGNATURE_LONGER = refused("a byte more", DRAFT(signature(lambda value: value + b"\0")))
    ID_TOKEN_SIGNATURE_SHORTER = refused("a byte less", DRAFT(signature(lambda value: value[:-1])))
    ID_TOKEN_SIGNATURE_FOREIGN = refused("an attacker's, under our kid", DRAFT(foreign_signature))
    ID_TOKEN_ECDSA_ZERO = refused("r = s = 0", DRAFT(signature(lambda value: bytes(64))), alg="ES256")
    ID_TOKEN_ECDSA_DER = refused("DER, not r and s", DRAFT(signature(as_der)), alg="ES256")

    # Header
    ID_TOKEN_KID_UNKNOWN = refused("a kid that is not published", HEADER(put(kid="unknown")))
    ID_TOKEN_KID_NUMBER = refused("kid is 5", HEADER(put(kid=5)))
    ID_TOKEN_KID_LONG = refused("a kid of 100 KB", HEADER(put(kid="x" * 100_000)))
    ID_TOKEN_KID_PATH = refused("kid is a path", HEADER(put(kid="../../../dev/null")))
    ID_TOKEN_JWK_INJECTED = refused("an attacker's key as jwk", DRAFT(own_key_in_header))
    ID_TOKEN_JKU_INJECTED = refused("an attacker's keys at jku", DRAFT(own_key_url("jku")))
    ID_TOKEN_X5U_INJECTED = refused("an attacker's certificate at x5u", DRAFT(own_key_url("x5u")))
    ID_TOKEN_X5C_INJECTED = refused("an attacker's certificate as x5c", DRAFT(own_certificate))
    ID_TOKEN_X5C = harmless("the provider's own certificate as x5c", HEADER(provider_certificate))
    ID_TOKEN_CRIT_UNKNOWN = refused("crit names what we don't know", HEADER(put(crit=["foo"], foo=1)))
    ID_TOKEN_CRIT_EMPTY = refused("crit is empty", HEADER(put(crit=[])))
    ID_TOKEN_CRIT_REGISTERED = refused("crit names kid", HEADER(put(crit=["kid"])))
    ID_TOKEN_CRIT_ABSENT = refused("crit names what is not there", HEADER(put(crit=["foo"])))
    ID_TOKEN_CRIT_STRING = refused("crit is a string", HEADER(put(crit="foo", foo=1)))
    ID_TOKEN_CRIT_B64_TRUE = refused("crit names b64, which is true", HEADER(put(crit=["b64"], b64=True)))
    ID_TOKEN_B64_FALSE = refused("b64 is false, and critical", HEADER(put(crit=["b64"], b64=False)))
    ID_TOKEN_B64_FALSE_UNNAMED = refused("b64 is false, not critical", HEADER(put(b64=False)))
    ID_TOKEN_TYP_ACCESS_TOKEN = refused("typ is at+jwt", HEADER(put(typ="at+jwt")))
    ID_TOKEN_TYP_LOGOUT_TOKEN = refused("typ is logout+jwt", HEADER(put(typ="logout+jwt")))
    ID_TOKEN_TYP_DPOP = refused("typ is dpop+jwt", HEADER(put(typ="dpop+jwt")))
    ID_TOKEN_TYP_SECURITY_EVENT = refused("typ is secevent+jwt", HEADER(put(typ="secevent+jwt")))
    ID_TOKEN_TYP_MEDIA_TYPE = refused("typ is application/at+jwt", HEADER(put(typ="application/at+jwt")))
    ID_TOKEN_TYP_NUMBER = refused("typ is 5", HEADER(put(typ=5)))
    ID_TOKEN_TYP_LOWER_CASE = harmless("typ is jwt", HEADER(put(typ="jwt")))
    ID_TOKEN_TYP_MISSING = harmless("no typ", HEADER(without("typ")))
    ID_TOKEN_HEADER_EXTRA = harmless("a parameter that nobody knows", HEADER(put(foo={"bar": 1})))
    ID_TOKEN_HEADER_HUGE = refused("a parameter of 100 KB", HEADER(put(foo="x" * 100_000)))
    ID_TOKEN_HEADER_ARRAY = refused("the header is []", DRAFT(header_bytes(lambda content: b"[]")))
    ID_TOKEN_HEADER_EMPTY = refused("the header is {}", DRAFT(header_bytes(lambda content: b"{}")))
    ID_TOKEN_HEADER_NOT_JSON = refused("the header is no JSON", DRAFT(header_bytes(lambda content: b"{alg}")))
    ID_TOKEN_HEADER_DUPLICATE_MEMBERS = refused("alg twice", DRAFT(header_bytes(twice("alg"))))
    ID_TOKEN_HEADER_DEEP = refused("arrays in each other", DRAFT(header_bytes(deep)))

    # Payload
    ID_TOKEN_PAYLOAD_ARRAY = refused("a list of claims", DRAFT(payload_bytes(lambda content: b"[" + content + b"]")))
    ID_TOKEN_PAYLOAD_STRING = refused("a string", DRAFT(payload_bytes(lambda content: b'"claims"')))
    ID_TOKEN_PAYLOAD_NUMBER = refused("a number", DRAFT(payload_bytes(lambda content: b"5")))
    ID_TOKEN_PAYLOAD_NULL = refused("null", DRAFT(payload_bytes(lambda content: b"null")))
    ID_TOKEN_PAYLOAD_EMPTY = refused("nothing", DRAFT(payload_bytes(lambda content: b"")))
    ID_TOKEN_PAYLOAD_TRAILING = refused("more after it", DRAFT(payload_bytes(lambda content: content + b"{}")))
    ID_TOKEN_PAYLOAD_DUPLICATE_MEMBERS = refused("sub twice", DRAFT(payload_bytes(twice("sub"))))
    ID_TOKEN_PAYLOAD_UTF16 = refused("UTF-16", DRAFT(payload_bytes(as_utf16)))
    ID_TOKEN_PAYLOAD_BROKEN_UTF8 = refused("bytes that are no UTF-8", DRAFT(payload_bytes(with_broken_utf8)))
    ID_TOKEN_PAYLOAD_BYTE_ORDER_MARK = refused("a byte order mark first", DRAFT(payload_bytes(with_mark)))
    ID_TOKEN_PAYLOAD_DEEP = refused("40,000 arrays in each other", DRAFT(payload_bytes(deep)))

    # Form
    ID_TOKEN_JSON_SERIALIZATION = refused("the JWS JSON serialization", ID_TOKEN(json_serialized))
    ID_TOKEN_LEADING_SPACE = refused("a space before it", ID_TOKEN(token(" {}".format)))
    ID_TOKEN_TRAILING_NEWLINE = refused("a line break after it", ID_TOKEN(token("{}\n".format)))
    ID_TOKEN_PADDED = refused("= after each segment", ID_TOKEN(padded_segments))
    ID_TOKEN_STANDARD_BASE64 = refused("+ and / for - and _", ID_TOKEN(standard_alphabet))
    ID_TOKEN_ONE_SEGMENT = refused("the header alone", ID_TOKEN(segments(1)))
    ID_TOKEN_TWO_SEGMENTS = refused("no signature part", ID_TOKEN(segments(2)))
    ID_TOKEN_FOUR_SEGMENTS = refused("four segments", ID_TOKEN(segments(4)))
    ID_TOKEN_FIVE_SEGMENTS = refused("five, as if encrypted", ID_TOKEN(segments(5)))
    ID_TOKEN_SIX_SEGMENTS = refused("six segments", ID_TOKEN(segments(6)))
    ID_TOKEN_100000_SEGMENTS = refused("dots and dots", ID_TOKEN(token(lambda value: value + "." * 100_000)))
