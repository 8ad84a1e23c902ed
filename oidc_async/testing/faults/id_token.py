"""Faults of the ID token except its claims: signature, header, payload, form."""

from oidc_async.testing.stages import DRAFT, HEADER, ID_TOKEN, JWKS, harmless, rejected

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
    ID_TOKEN_ALG_NONE = rejected("alg is none", DRAFT(unsigned("none")))
    ID_TOKEN_ALG_NONE_TITLE = rejected("alg is None", DRAFT(unsigned("None")))
    ID_TOKEN_ALG_NONE_MIXED = rejected("alg is NoNe", DRAFT(unsigned("NoNe")))
    ID_TOKEN_ALG_NONE_UPPER = rejected("alg is NONE", DRAFT(unsigned("NONE")))
    ID_TOKEN_ALG_NONE_SIGNED = rejected("alg is none beside a signature", HEADER(put(alg="none")))
    ID_TOKEN_ALG_EMPTY = rejected("alg is empty", DRAFT(unsigned("")))
    ID_TOKEN_ALG_NULL = rejected("alg is null", DRAFT(unsigned(None)))
    ID_TOKEN_ALG_NUMBER = rejected("alg is 256", DRAFT(unsigned(256)))
    ID_TOKEN_ALG_LIST = rejected("alg is a list", HEADER(put(alg=["RS256"])))
    ID_TOKEN_ALG_MISSING = rejected("no alg", DRAFT(unsigned_without_alg))
    ID_TOKEN_ALG_LOWER_CASE = rejected("alg is rs256", HEADER(put(alg="rs256")))
    ID_TOKEN_HS256_PUBLIC_PEM = rejected("HS256 with the public key as PEM", DRAFT(hmac_with(public_pem)))
    ID_TOKEN_HS256_PUBLIC_DER = rejected("HS256 with the public key as DER", DRAFT(hmac_with(public_der)))
    ID_TOKEN_HS256_PUBLIC_JWK = rejected("HS256 with the public key as JWK", DRAFT(hmac_with(public_jwk)))
    ID_TOKEN_HS256_CLIENT_SECRET = rejected("HS256, unregistered", DRAFT(hmac_with(client_secret)))
    ID_TOKEN_HS256_PUBLISHED_KEY = rejected(
        "HS256 with a published key", JWKS(also(OCT_KEY)), DRAFT(hmac_with(published_secret, kid="oct-1"))
    )
    ID_TOKEN_OTHER_ALGORITHM = rejected("a valid signature, other alg", DRAFT(other_algorithm))
    ID_TOKEN_OTHER_PADDING = rejected("PS256 with the RS256 key", DRAFT(other_padding))
    ID_TOKEN_SIGNATURE_BROKEN = rejected("one bit is wrong", DRAFT(signature(flipped)))
    ID_TOKEN_SIGNATURE_EMPTY = rejected("no signature", DRAFT(signature(lambda value: b"")))
    ID_TOKEN_SIGNATURE_LONGER = rejected("a byte more", DRAFT(signature(lambda value: value + b"\0")))
    ID_TOKEN_SIGNATURE_SHORTER = rejected("a byte less", DRAFT(signature(lambda value: value[:-1])))
    ID_TOKEN_SIGNATURE_FOREIGN = rejected("an attacker's, with the provider's kid", DRAFT(foreign_signature))
    ID_TOKEN_ECDSA_ZERO = rejected("r = s = 0", DRAFT(signature(lambda value: bytes(64))), alg="ES256")
    ID_TOKEN_ECDSA_DER = rejected("DER, not r and s", DRAFT(signature(as_der)), alg="ES256")

    # Header
    ID_TOKEN_KID_UNKNOWN = rejected("a kid that is not published", HEADER(put(kid="unknown")))
    ID_TOKEN_KID_NUMBER = rejected("kid is 5", HEADER(put(kid=5)))
    ID_TOKEN_KID_LONG = rejected("a kid of 100 KB", HEADER(put(kid="x" * 100_000)))
    ID_TOKEN_KID_PATH = rejected("kid is a path", HEADER(put(kid="../../../dev/null")))
    ID_TOKEN_JWK_INJECTED = rejected("an attacker's key as jwk", DRAFT(own_key_in_header))
    ID_TOKEN_JKU_INJECTED = rejected("an attacker's keys at jku", DRAFT(own_key_url("jku")))
    ID_TOKEN_X5U_INJECTED = rejected("an attacker's certificate at x5u", DRAFT(own_key_url("x5u")))
    ID_TOKEN_X5C_INJECTED = rejected("an attacker's certificate as x5c", DRAFT(own_certificate))
    ID_TOKEN_X5C = harmless("the provider's own certificate as x5c", HEADER(provider_certificate))
    ID_TOKEN_CRIT_UNKNOWN = rejected("crit names an unknown parameter", HEADER(put(crit=["foo"], foo=1)))
    ID_TOKEN_CRIT_EMPTY = rejected("crit is empty", HEADER(put(crit=[])))
    ID_TOKEN_CRIT_REGISTERED = rejected("crit names kid", HEADER(put(crit=["kid"])))
    ID_TOKEN_CRIT_ABSENT = rejected("crit names what is not there", HEADER(put(crit=["foo"])))
    ID_TOKEN_CRIT_STRING = rejected("crit is a string", HEADER(put(crit="foo", foo=1)))
    ID_TOKEN_CRIT_B64_TRUE = rejected("crit names b64, which is true", HEADER(put(crit=["b64"], b64=True)))
    ID_TOKEN_B64_FALSE = rejected("b64 is false, and critical", HEADER(put(crit=["b64"], b64=False)))
    ID_TOKEN_B64_FALSE_UNNAMED = rejected("b64 is false, not critical", HEADER(put(b64=False)))
    ID_TOKEN_TYP_ACCESS_TOKEN = rejected("typ is at+jwt", HEADER(put(typ="at+jwt")))
    ID_TOKEN_TYP_LOGOUT_TOKEN = rejected("typ is logout+jwt", HEADER(put(typ="logout+jwt")))
    ID_TOKEN_TYP_DPOP = rejected("typ is dpop+jwt", HEADER(put(typ="dpop+jwt")))
    ID_TOKEN_TYP_SECURITY_EVENT = rejected("typ is secevent+jwt", HEADER(put(typ="secevent+jwt")))
    ID_TOKEN_TYP_MEDIA_TYPE = rejected("typ is application/at+jwt", HEADER(put(typ="application/at+jwt")))
    ID_TOKEN_TYP_NUMBER = rejected("typ is 5", HEADER(put(typ=5)))
    ID_TOKEN_TYP_LOWER_CASE = harmless("typ is jwt", HEADER(put(typ="jwt")))
    ID_TOKEN_TYP_MISSING = harmless("no typ", HEADER(without("typ")))
    ID_TOKEN_HEADER_EXTRA = harmless("an unknown parameter", HEADER(put(foo={"bar": 1})))
    ID_TOKEN_HEADER_HUGE = rejected("a parameter of 100 KB", HEADER(put(foo="x" * 100_000)))
    ID_TOKEN_HEADER_ARRAY = rejected("the header is []", DRAFT(header_bytes(lambda content: b"[]")))
    ID_TOKEN_HEADER_EMPTY = rejected("the header is {}", DRAFT(header_bytes(lambda content: b"{}")))
    ID_TOKEN_HEADER_NOT_JSON = rejected("the header is not JSON", DRAFT(header_bytes(lambda content: b"{alg}")))
    ID_TOKEN_HEADER_DUPLICATE_MEMBERS = rejected("alg twice", DRAFT(header_bytes(twice("alg"))))
    ID_TOKEN_HEADER_DEEP = rejected("nested arrays", DRAFT(header_bytes(deep)))

    # Payload
    ID_TOKEN_PAYLOAD_ARRAY = rejected("a list of claims", DRAFT(payload_bytes(lambda content: b"[" + content + b"]")))
    ID_TOKEN_PAYLOAD_STRING = rejected("a string", DRAFT(payload_bytes(lambda content: b'"claims"')))
    ID_TOKEN_PAYLOAD_NUMBER = rejected("a number", DRAFT(payload_bytes(lambda content: b"5")))
    ID_TOKEN_PAYLOAD_NULL = rejected("null", DRAFT(payload_bytes(lambda content: b"null")))
    ID_TOKEN_PAYLOAD_EMPTY = rejected("nothing", DRAFT(payload_bytes(lambda content: b"")))
    ID_TOKEN_PAYLOAD_TRAILING = rejected("more after it", DRAFT(payload_bytes(lambda content: content + b"{}")))
    ID_TOKEN_PAYLOAD_DUPLICATE_MEMBERS = rejected("sub twice", DRAFT(payload_bytes(twice("sub"))))
    ID_TOKEN_PAYLOAD_UTF16 = rejected("UTF-16", DRAFT(payload_bytes(as_utf16)))
    ID_TOKEN_PAYLOAD_BROKEN_UTF8 = rejected("bytes that are not UTF-8", DRAFT(payload_bytes(with_broken_utf8)))
    ID_TOKEN_PAYLOAD_BYTE_ORDER_MARK = rejected("a byte order mark first", DRAFT(payload_bytes(with_mark)))
    ID_TOKEN_PAYLOAD_DEEP = rejected("40,000 nested arrays", DRAFT(payload_bytes(deep)))

    # Form
    ID_TOKEN_JSON_SERIALIZATION = rejected("the JWS JSON serialization", ID_TOKEN(json_serialized))
    ID_TOKEN_LEADING_SPACE = rejected("a space before it", ID_TOKEN(token(" {}".format)))
    ID_TOKEN_TRAILING_NEWLINE = rejected("a line break after it", ID_TOKEN(token("{}\n".format)))
    ID_TOKEN_PADDED = rejected("= after each segment", ID_TOKEN(padded_segments))
    ID_TOKEN_STANDARD_BASE64 = rejected("+ and / for - and _", ID_TOKEN(standard_alphabet))
    ID_TOKEN_ONE_SEGMENT = rejected("the header alone", ID_TOKEN(segments(1)))
    ID_TOKEN_TWO_SEGMENTS = rejected("no signature part", ID_TOKEN(segments(2)))
    ID_TOKEN_FOUR_SEGMENTS = rejected("four segments", ID_TOKEN(segments(4)))
    ID_TOKEN_FIVE_SEGMENTS = rejected("five, as if encrypted", ID_TOKEN(segments(5)))
    ID_TOKEN_SIX_SEGMENTS = rejected("six segments", ID_TOKEN(segments(6)))
    ID_TOKEN_100000_SEGMENTS = rejected("dots and dots", ID_TOKEN(token(lambda value: value + "." * 100_000)))
