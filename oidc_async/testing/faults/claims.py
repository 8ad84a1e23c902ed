"""Faults of the ID token's claims (OIDC Core 2 and 3.1.3.7)."""

from oidc_async.testing.stages import CLAIMS, either, harmless, rejected

from .documents import (
    ENDLESS_INTEGER,
    HUGE_INTEGER,
    INFINITY,
    NAN,
    OVERFLOW,
    changed,
    put,
    toggled_slash,
    without,
)
from .forgeries import wrong_half_hash

OTHER = "https://other.example"
HOUR = 3600
DAY = 86400
LOGOUT_EVENT: dict[str, dict[str, str]] = {"http://schemas.openid.net/event/backchannel-logout": {}}
MAX_AGE = {"max_age": "600"}
ESSENTIAL_ACR = {"claims": '{"id_token":{"acr":{"essential":true,"values":["urn:example:strong"]}}}'}


class ClaimFaults:
    # iss, aud, azp
    ID_TOKEN_ISS_MISSING = rejected("no iss", CLAIMS(without("iss")))
    ID_TOKEN_ISS_OTHER = rejected("another iss", CLAIMS(put(iss=OTHER)))
    ID_TOKEN_ISS_PREFIX = rejected("iss lacks a letter", CLAIMS(changed("iss", lambda iss: iss[:-1])))
    ID_TOKEN_ISS_SUFFIX = rejected("iss has a suffix", CLAIMS(changed("iss", "{}.evil.example".format)))
    ID_TOKEN_ISS_TRAILING_SLASH = rejected("a slash more or less", CLAIMS(changed("iss", toggled_slash)))
    ID_TOKEN_ISS_LIST = rejected("iss is a list", CLAIMS(changed("iss", lambda iss: [iss])))
    ID_TOKEN_ISS_NULL = rejected("iss is null", CLAIMS(put(iss=None)))
    ID_TOKEN_AUD_MISSING = rejected("no aud", CLAIMS(without("aud")))
    ID_TOKEN_AUD_OTHER = rejected("aud is another client", CLAIMS(put(aud="other-client")))
    ID_TOKEN_AUD_LONGER = rejected("aud begins with the client_id", CLAIMS(changed("aud", "{}-2".format)))
    ID_TOKEN_AUD_SHORTER = rejected("aud is a part of the client_id", CLAIMS(changed("aud", lambda aud: aud[:-1])))
    ID_TOKEN_AUD_EMPTY_LIST = rejected("aud is []", CLAIMS(put(aud=[])))
    ID_TOKEN_AUD_OBJECT = rejected("aud is an object", CLAIMS(changed("aud", lambda aud: {aud: True})))
    ID_TOKEN_AUD_WITH_NUMBER = rejected("a number as second audience", CLAIMS(changed("aud", lambda aud: [aud, 5])))
    ID_TOKEN_AUD_EXTRA = rejected("a second audience", CLAIMS(changed("aud", lambda aud: [aud, "other"])))
    ID_TOKEN_AUD_EXTRA_WITH_AZP = rejected(
        "a second audience, and azp is the client",
        CLAIMS(lambda claims, scene: {**claims, "aud": [claims["aud"], "other"], "azp": claims["aud"]}),
    )
    ID_TOKEN_AUD_LIST = harmless("aud is a list with the client", CLAIMS(changed("aud", lambda aud: [aud])))
    ID_TOKEN_AZP_OTHER = rejected("azp is another client", CLAIMS(put(azp="other-client")))
    ID_TOKEN_AZP_NUMBER = rejected("azp is 5", CLAIMS(put(azp=5)))
    ID_TOKEN_AZP = harmless("azp is the client", CLAIMS(lambda claims, scene: {**claims, "azp": claims["aud"]}))

    # exp
    ID_TOKEN_EXP_MISSING = rejected("no exp", CLAIMS(without("exp")))
    ID_TOKEN_EXP_PAST = rejected("it expired an hour ago", CLAIMS(changed("exp", lambda exp: exp - 2 * HOUR)))
    ID_TOKEN_EXP_NAN = rejected("exp is NaN", CLAIMS(put(exp=NAN)))
    ID_TOKEN_EXP_INFINITY = rejected("exp is Infinity", CLAIMS(put(exp=INFINITY)))
    ID_TOKEN_EXP_OVERFLOW = rejected("exp is 1e400", CLAIMS(put(exp=OVERFLOW)))
    ID_TOKEN_EXP_1E300 = either("exp is 1e300", CLAIMS(put(exp=1e300)))
    ID_TOKEN_EXP_HUGE_INTEGER = rejected("exp has 401 digits", CLAIMS(put(exp=HUGE_INTEGER)))
    ID_TOKEN_EXP_ENDLESS_INTEGER = rejected("exp has 5,000 digits", CLAIMS(put(exp=ENDLESS_INTEGER)))
    ID_TOKEN_EXP_TRUE = rejected("exp is true", CLAIMS(put(exp=True)))
    ID_TOKEN_EXP_STRING = rejected("exp is a string", CLAIMS(changed("exp", str)))
    ID_TOKEN_EXP_NEGATIVE = rejected("exp is negative", CLAIMS(changed("exp", lambda exp: -exp)))
    ID_TOKEN_EXP_NULL = rejected("exp is null", CLAIMS(put(exp=None)))
    ID_TOKEN_EXP_FRACTION = harmless("exp has a fraction", CLAIMS(changed("exp", lambda exp: exp + 0.5)))

    # iat
    ID_TOKEN_IAT_MISSING = rejected("no iat", CLAIMS(without("iat")))
    ID_TOKEN_IAT_FUTURE = rejected("issued in an hour", CLAIMS(changed("iat", lambda iat: iat + HOUR)))
    ID_TOKEN_IAT_OLD = rejected("issued two days ago", CLAIMS(changed("iat", lambda iat: iat - 2 * DAY)))
    ID_TOKEN_IAT_NAN = rejected("iat is NaN", CLAIMS(put(iat=NAN)))
    ID_TOKEN_IAT_INFINITY = rejected("iat is Infinity", CLAIMS(put(iat=INFINITY)))
    ID_TOKEN_IAT_OVERFLOW = rejected("iat is 1e400", CLAIMS(put(iat=OVERFLOW)))
    ID_TOKEN_IAT_1E300 = rejected("iat is 1e300", CLAIMS(put(iat=1e300)))
    ID_TOKEN_IAT_HUGE_INTEGER = rejected("iat has 401 digits", CLAIMS(put(iat=HUGE_INTEGER)))
    ID_TOKEN_IAT_TRUE = rejected("iat is true", CLAIMS(put(iat=True)))
    ID_TOKEN_IAT_STRING = rejected("iat is a string", CLAIMS(changed("iat", str)))
    ID_TOKEN_IAT_NEGATIVE = rejected("iat is negative", CLAIMS(changed("iat", lambda iat: -iat)))
    ID_TOKEN_IAT_FRACTION = harmless("iat has a fraction", CLAIMS(changed("iat", lambda iat: iat + 0.5)))

    # nbf
    ID_TOKEN_NBF_FUTURE = rejected("valid in an hour", CLAIMS(lambda c, scene: {**c, "nbf": scene.now + HOUR}))
    ID_TOKEN_NBF_NAN = rejected("nbf is NaN", CLAIMS(put(nbf=NAN)))
    ID_TOKEN_NBF_INFINITY = rejected("nbf is Infinity", CLAIMS(put(nbf=INFINITY)))
    ID_TOKEN_NBF_OVERFLOW = rejected("nbf is 1e400", CLAIMS(put(nbf=OVERFLOW)))
    ID_TOKEN_NBF_1E300 = rejected("nbf is 1e300", CLAIMS(put(nbf=1e300)))
    ID_TOKEN_NBF_HUGE_INTEGER = rejected("nbf has 401 digits", CLAIMS(put(nbf=HUGE_INTEGER)))
    ID_TOKEN_NBF_TRUE = rejected("nbf is true", CLAIMS(put(nbf=True)))
    ID_TOKEN_NBF_STRING = rejected("nbf is a string", CLAIMS(put(nbf="0")))
    ID_TOKEN_NBF_NEGATIVE = either("nbf is negative", CLAIMS(put(nbf=-1)))
    ID_TOKEN_NBF_PAST = harmless("valid for a minute already", CLAIMS(lambda c, scene: {**c, "nbf": scene.now - 60}))

    # auth_time
    ID_TOKEN_AUTH_TIME_MISSING = rejected("no auth_time", CLAIMS(without("auth_time")), needs=MAX_AGE)
    ID_TOKEN_AUTH_TIME_OLD = rejected(
        "the user logged in a day ago", CLAIMS(changed("auth_time", lambda time: time - DAY)), needs=MAX_AGE
    )
    ID_TOKEN_AUTH_TIME_NAN = rejected("auth_time is NaN", CLAIMS(put(auth_time=NAN)))
    ID_TOKEN_AUTH_TIME_INFINITY = rejected("auth_time is Infinity", CLAIMS(put(auth_time=INFINITY)))
    ID_TOKEN_AUTH_TIME_OVERFLOW = rejected("auth_time is 1e400", CLAIMS(put(auth_time=OVERFLOW)))
    ID_TOKEN_AUTH_TIME_1E300 = either("auth_time is 1e300", CLAIMS(put(auth_time=1e300)))
    ID_TOKEN_AUTH_TIME_HUGE_INTEGER = rejected("auth_time has 401 digits", CLAIMS(put(auth_time=HUGE_INTEGER)))
    ID_TOKEN_AUTH_TIME_TRUE = rejected("auth_time is true", CLAIMS(put(auth_time=True)))
    ID_TOKEN_AUTH_TIME_STRING = rejected("auth_time is a string", CLAIMS(changed("auth_time", str)))
    ID_TOKEN_AUTH_TIME_NEGATIVE = rejected("auth_time is -1", CLAIMS(put(auth_time=-1)), needs=MAX_AGE)
    ID_TOKEN_AUTH_TIME_FRACTION = harmless("a fraction", CLAIMS(changed("auth_time", lambda time: time + 0.5)))

    # nonce, sub
    ID_TOKEN_NONCE_MISSING = rejected("no nonce", CLAIMS(without("nonce")))
    ID_TOKEN_NONCE_WRONG = rejected("another nonce", CLAIMS(changed("nonce", "x{}".format)))
    ID_TOKEN_NONCE_LIST = rejected("nonce is a list", CLAIMS(changed("nonce", lambda nonce: [nonce])))
    ID_TOKEN_NONCE_NULL = rejected("nonce is null", CLAIMS(put(nonce=None)))
    ID_TOKEN_SUB_MISSING = rejected("no sub", CLAIMS(without("sub")))
    ID_TOKEN_SUB_EMPTY = rejected("sub is empty", CLAIMS(put(sub="")))
    ID_TOKEN_SUB_NUMBER = rejected("sub is 5", CLAIMS(put(sub=5)))
    ID_TOKEN_SUB_NULL = rejected("sub is null", CLAIMS(put(sub=None)))
    ID_TOKEN_SUB_LONG = rejected("sub has 256 characters", CLAIMS(put(sub="x" * 256)))
    ID_TOKEN_SUB_SURROGATE = rejected("half a character in sub", CLAIMS(put(sub="alice\ud800")))

    # The rest
    ID_TOKEN_AT_HASH_WRONG = rejected("at_hash of another token", CLAIMS(changed("at_hash", wrong_half_hash)))
    ID_TOKEN_AT_HASH_NUMBER = rejected("at_hash is 5", CLAIMS(put(at_hash=5)))
    ID_TOKEN_AT_HASH_MISSING = harmless("no at_hash", CLAIMS(without("at_hash")))
    ID_TOKEN_C_HASH_WRONG = rejected("c_hash of another code", CLAIMS(put(c_hash=wrong_half_hash())))
    ID_TOKEN_ACR_MISSING = rejected("no acr", CLAIMS(without("acr")), needs=ESSENTIAL_ACR)
    ID_TOKEN_ACR_WEAK = rejected("acr is 0", CLAIMS(put(acr="0")), needs=ESSENTIAL_ACR)
    ID_TOKEN_EVENTS = rejected("events of a logout token", CLAIMS(put(events=LOGOUT_EVENT)))
    ID_TOKEN_CLAIM_EXTRA = harmless("unknown claims", CLAIMS(put(foo={"bar": [1, None, "é"]})))
