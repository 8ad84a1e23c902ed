"""Faults of the userinfo response."""

import json
from dataclasses import replace

from oidc_async.testing.keys import base64url
from oidc_async.testing.reply import Reply, json_bytes
from oidc_async.testing.stages import USERINFO, USERINFO_REPLY, Endpoint, Scene, either, harmless, rejected

from .documents import put, without
from .responses import (
    BUSY,
    answered,
    body,
    deep,
    dripping,
    endless,
    error,
    header,
    html,
    padded,
    redirected,
    reset,
    rewritten,
    slow,
    truncated,
    twice,
)


def unsigned_jwt(reply: Reply, scene: Scene) -> Reply:
    """The claims as an unsigned JWT."""
    claims = json_bytes(json.loads(reply.body))
    token = f"{base64url(json_bytes({'alg': 'none'}))}.{base64url(claims)}."
    return replace(reply, body=token.encode(), headers={**reply.headers, "content-type": "application/jwt"})


class UserInfoFaults:
    USERINFO_SUB_OTHER = rejected("somebody else's sub", USERINFO(put(sub="mallory")))
    USERINFO_SUB_MISSING = rejected("no sub", USERINFO(without("sub")))
    USERINFO_SUB_NUMBER = rejected("sub is 5", USERINFO(put(sub=5)))
    USERINFO_SUB_NULL = rejected("sub is null", USERINFO(put(sub=None)))
    USERINFO_ID_TOKEN_CLAIMS = harmless(
        "claims of ID tokens, with other values",
        USERINFO(put(iss="https://other.example", aud="other", exp=1, iat=1, nonce="other", auth_time=1)),
    )
    USERINFO_OTHER_CONTENT_TYPE = either("text/plain", USERINFO_REPLY(header("content-type", "text/plain")))
    USERINFO_UNSIGNED_JWT = rejected("a JWT without signature", USERINFO_REPLY(unsigned_jwt))
    USERINFO_HTML = rejected("a page with status 200", USERINFO_REPLY(html()))
    USERINFO_ARRAY = rejected("a JSON array", USERINFO_REPLY(answered([])))
    USERINFO_NULL = rejected("null", USERINFO_REPLY(answered(None)))
    USERINFO_EMPTY = rejected("an empty body with status 200", USERINFO_REPLY(body(b"")))
    USERINFO_401 = rejected("invalid_token", USERINFO_REPLY(error("invalid_token", status=401)))
    USERINFO_403 = rejected("insufficient_scope", USERINFO_REPLY(error("insufficient_scope", status=403)))
    USERINFO_USE_DPOP_NONCE = rejected(
        "a DPoP nonce, though no proof was sent (RFC 9449 8)",
        USERINFO_REPLY(
            answered(
                {"error": "use_dpop_nonce"},
                status=401,
                headers={"www-authenticate": 'DPoP error="use_dpop_nonce"', "dpop-nonce": "a nonce"},
            )
        ),
    )
    USERINFO_500 = rejected("status 500", USERINFO_REPLY(error("server_error", status=500)))
    USERINFO_BUSY_ONCE = harmless("one 503 with Retry-After", USERINFO_REPLY(BUSY), only_once=True)
    USERINFO_REDIRECT = rejected("a redirect to the claims", USERINFO_REPLY(redirected(Endpoint.USERINFO)))
    USERINFO_TRUNCATED = rejected("half the claims", USERINFO_REPLY(rewritten(truncated)))
    USERINFO_DUPLICATE_MEMBERS = rejected("sub twice", USERINFO_REPLY(rewritten(twice("sub"))))
    USERINFO_DEEP = rejected("40,000 nested arrays", USERINFO_REPLY(rewritten(deep)))
    USERINFO_HUGE = rejected("2 MB", USERINFO_REPLY(rewritten(padded)))
    USERINFO_ENDLESS = rejected("a body without end", USERINFO_REPLY(endless))
    USERINFO_SLOW = rejected("an hour of silence", USERINFO_REPLY(slow))
    USERINFO_DRIP = rejected("byte after byte, slowly", USERINFO_REPLY(dripping))
    USERINFO_RESET = rejected("the connection breaks at once", USERINFO_REPLY(reset))
