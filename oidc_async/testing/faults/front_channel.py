"""Faults of implicit and hybrid authorization responses (OIDC Core 3.2.2, 3.3.2).

Each fault names the response type that it needs.
"""

from collections.abc import Callable
from dataclasses import replace

from oidc_async.testing.keys import half_hash
from oidc_async.testing.reply import JSONObject
from oidc_async.testing.stages import (
    AUTHORIZATION,
    CODE_CLAIMS,
    FRONT_CHANNEL_CLAIMS,
    Answer,
    Change,
    Scene,
    harmless,
    rejected,
)

from .authorization import add, drop, error_response, rewrite
from .documents import changed, put, without
from .forgeries import wrong_half_hash

HOUR = 3600
ID_TOKEN = {"response_type": "id_token"}
IMPLICIT = {"response_type": "id_token token"}
CODE_ID_TOKEN = {"response_type": "code id_token"}
CODE_TOKEN = {"response_type": "code token"}
HYBRID = {"response_type": "code id_token token"}
STRONG = {**HYBRID, "acr_values": "urn:example:strong"}
FORGED = "e30.e30.e30"


def by(response_mode: str) -> Change[Answer]:
    """The response in this response mode."""
    return lambda answer, scene: replace(answer, response_mode=response_mode)


def s_hash(of: Callable[[str], str]) -> Change[JSONObject]:
    """The `s_hash` of FAPI 1.0, computed from `of(state)`."""
    return lambda claims, scene: {**claims, "s_hash": half_hash(of(scene.state or ""), "RS256")}


def _unsigned(token: str) -> str:
    return token.rpartition(".")[0] + "."


def _other_time(claims: JSONObject, scene: Scene) -> JSONObject:
    return {**claims, "auth_time": claims["auth_time"] - HOUR}


class FrontChannelFaults:
    # Hashes and nonce: they bind the parts to each other and to the request
    FRONT_CHANNEL_AT_HASH_MISSING = rejected("no at_hash", FRONT_CHANNEL_CLAIMS(without("at_hash")), needs=IMPLICIT)
    FRONT_CHANNEL_AT_HASH_WRONG = rejected(
        "at_hash of another token", FRONT_CHANNEL_CLAIMS(changed("at_hash", wrong_half_hash)), needs=IMPLICIT
    )
    FRONT_CHANNEL_AT_HASH_MISSING_BESIDE_CODE = rejected(
        "no at_hash", FRONT_CHANNEL_CLAIMS(without("at_hash")), needs=HYBRID
    )
    FRONT_CHANNEL_ACCESS_TOKEN_SWAPPED = rejected(
        "another access token", AUTHORIZATION(rewrite("access_token", lambda token: "stolen")), needs=IMPLICIT
    )
    FRONT_CHANNEL_C_HASH_MISSING = rejected("no c_hash", FRONT_CHANNEL_CLAIMS(without("c_hash")), needs=CODE_ID_TOKEN)
    FRONT_CHANNEL_C_HASH_WRONG = rejected(
        "c_hash of another code", FRONT_CHANNEL_CLAIMS(changed("c_hash", wrong_half_hash)), needs=CODE_ID_TOKEN
    )
    FRONT_CHANNEL_C_HASH_MISSING_BESIDE_TOKEN = rejected(
        "no c_hash", FRONT_CHANNEL_CLAIMS(without("c_hash")), needs=HYBRID
    )
    FRONT_CHANNEL_CODE_SWAPPED = rejected(
        "another code", AUTHORIZATION(rewrite("code", lambda code: "stolen")), needs=CODE_ID_TOKEN
    )
    FRONT_CHANNEL_S_HASH_WRONG = rejected(
        "s_hash of another state", FRONT_CHANNEL_CLAIMS(s_hash("x{}".format)), needs=ID_TOKEN
    )
    FRONT_CHANNEL_S_HASH = harmless("s_hash of the state", FRONT_CHANNEL_CLAIMS(s_hash(str)), needs=CODE_ID_TOKEN)
    FRONT_CHANNEL_NONCE_MISSING = rejected("no nonce", FRONT_CHANNEL_CLAIMS(without("nonce")), needs=ID_TOKEN)
    FRONT_CHANNEL_NONCE_WRONG = rejected(
        "another nonce", FRONT_CHANNEL_CLAIMS(changed("nonce", "x{}".format)), needs=ID_TOKEN
    )
    FRONT_CHANNEL_NONCE_MISSING_BESIDE_CODE = rejected(
        "no nonce", FRONT_CHANNEL_CLAIMS(without("nonce")), needs=CODE_ID_TOKEN
    )
    FRONT_CHANNEL_UNSIGNED = rejected("no signature", AUTHORIZATION(rewrite("id_token", _unsigned)), needs=ID_TOKEN)
    FRONT_CHANNEL_EXPIRED = rejected(
        "it expired an hour ago",
        FRONT_CHANNEL_CLAIMS(changed("exp", lambda exp: exp - 2 * HOUR)),
        needs=ID_TOKEN,
    )

    # The two ID tokens of one login
    FRONT_CHANNEL_SUB_OTHER = rejected(
        "another user than for the code", FRONT_CHANNEL_CLAIMS(put(sub="somebody else")), needs=CODE_ID_TOKEN
    )
    FRONT_CHANNEL_ISS_OTHER = rejected(
        "another iss than for the code",
        FRONT_CHANNEL_CLAIMS(put(iss="https://other.example")),
        needs=CODE_ID_TOKEN,
    )
    FRONT_CHANNEL_AUTH_TIME_OTHER = rejected(
        "another auth_time than for the code", FRONT_CHANNEL_CLAIMS(_other_time), needs=CODE_ID_TOKEN
    )
    FRONT_CHANNEL_ACR_OTHER = rejected(
        "another acr than for the code", FRONT_CHANNEL_CLAIMS(put(acr="urn:example:weak")), needs=STRONG
    )
    CODE_ID_TOKEN_SUB_OTHER = rejected("another user for the code", CODE_CLAIMS(put(sub="eve")), needs=HYBRID)
    CODE_ID_TOKEN_NONCE_MISSING = rejected("no nonce for the code", CODE_CLAIMS(without("nonce")), needs=HYBRID)
    CODE_ID_TOKEN_NONCE_WRONG = rejected(
        "another nonce for the code", CODE_CLAIMS(changed("nonce", "x{}".format)), needs=CODE_TOKEN
    )
    CODE_ID_TOKEN_AT_HASH_MISSING = harmless("no at_hash for the code", CODE_CLAIMS(without("at_hash")), needs=HYBRID)
    CODE_ID_TOKEN_AUTH_TIME_MISSING = harmless(
        "no auth_time for the code", CODE_CLAIMS(without("auth_time")), needs=HYBRID
    )

    # Parameters that are missing or unrequested
    FRONT_CHANNEL_CODE_ADDED = rejected("an unrequested code", AUTHORIZATION(add(code="c1")), needs=ID_TOKEN)
    FRONT_CHANNEL_ACCESS_TOKEN_ADDED = rejected(
        "an unrequested access_token", AUTHORIZATION(add(access_token="t", token_type="Bearer")), needs=ID_TOKEN
    )
    FRONT_CHANNEL_ID_TOKEN_ADDED = rejected(
        "an unrequested id_token", AUTHORIZATION(add(id_token=FORGED)), needs=CODE_TOKEN
    )
    FRONT_CHANNEL_REFRESH_TOKEN_ADDED = rejected(
        "a refresh token by the browser", AUTHORIZATION(add(refresh_token="r1")), needs=IMPLICIT
    )
    FRONT_CHANNEL_CODE_MISSING = rejected("no code", AUTHORIZATION(drop("code")), needs=HYBRID)
    FRONT_CHANNEL_ID_TOKEN_MISSING = rejected("no id_token", AUTHORIZATION(drop("id_token")), needs=CODE_ID_TOKEN)
    FRONT_CHANNEL_ID_TOKEN_EMPTY = rejected(
        "an empty id_token", AUTHORIZATION(rewrite("id_token", lambda token: "")), needs=ID_TOKEN
    )
    FRONT_CHANNEL_ACCESS_TOKEN_MISSING = rejected(
        "no access_token", AUTHORIZATION(drop("access_token")), needs=HYBRID
    )
    FRONT_CHANNEL_ACCESS_TOKEN_CONTROLS = rejected(
        "line breaks", AUTHORIZATION(rewrite("access_token", "{}\r\nx: y".format)), needs=CODE_TOKEN
    )
    FRONT_CHANNEL_TOKEN_TYPE_MISSING = rejected("no token_type", AUTHORIZATION(drop("token_type")), needs=CODE_TOKEN)
    FRONT_CHANNEL_TOKEN_TYPE_DPOP = rejected(
        "token_type is DPoP", AUTHORIZATION(rewrite("token_type", lambda name: "DPoP")), needs=IMPLICIT
    )
    FRONT_CHANNEL_TOKEN_TYPE_CASE = harmless(
        "token_type is bEARER", AUTHORIZATION(rewrite("token_type", lambda name: "bEARER")), needs=IMPLICIT
    )
    FRONT_CHANNEL_EXPIRES_IN_NEGATIVE = rejected(
        "expires_in is negative", AUTHORIZATION(rewrite("expires_in", "-{}".format)), needs=IMPLICIT
    )
    FRONT_CHANNEL_EXPIRES_IN_NO_NUMBER = rejected(
        "expires_in is soon", AUTHORIZATION(rewrite("expires_in", lambda seconds: "soon")), needs=CODE_TOKEN
    )
    FRONT_CHANNEL_EXPIRES_IN_MISSING = harmless("no expires_in", AUTHORIZATION(drop("expires_in")), needs=IMPLICIT)

    FRONT_CHANNEL_ISS_MISSING = rejected("no iss, though advertised", AUTHORIZATION(drop("iss")), needs=CODE_TOKEN)
    FRONT_CHANNEL_ISS_MISSING_IN_ERROR = rejected(
        "an error without iss",
        AUTHORIZATION(error_response("server_error")),
        AUTHORIZATION(drop("iss")),
        needs=CODE_ID_TOKEN,
    )
    FRONT_CHANNEL_ISS_IN_ID_TOKEN = harmless("iss in the ID token alone", AUTHORIZATION(drop("iss")), needs=HYBRID)
    FRONT_CHANNEL_ISS_WRONG = rejected(
        "another iss beside the ID token",
        AUTHORIZATION(rewrite("iss", lambda iss: "https://other.example")),
        needs=CODE_ID_TOKEN,
    )

    # Response modes
    FRONT_CHANNEL_IN_QUERY = rejected("tokens in the query", AUTHORIZATION(by("query")), needs=IMPLICIT)
    FRONT_CHANNEL_AS_FORM = rejected("by form for fragment", AUTHORIZATION(by("form_post")), needs=CODE_ID_TOKEN)
    FRONT_CHANNEL_FORM_AS_FRAGMENT = rejected(
        "by fragment for form", AUTHORIZATION(by("fragment")), needs={**HYBRID, "response_mode": "form_post"}
    )
    FRONT_CHANNEL_ACCESS_DENIED = rejected(
        "the user said no", AUTHORIZATION(error_response("access_denied", "No.")), needs=CODE_ID_TOKEN
    )
