"""Faults of the token response."""

from oidc_async.testing.stages import TOKEN, TOKEN_REPLY, Endpoint, either, harmless, rejected

from .documents import NAN, OVERFLOW, put, without
from .responses import (
    BUSY,
    MARKUP,
    answered,
    body,
    cut_off,
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
    with_mark,
)


class TokenFaults:
    # The members
    TOKEN_ACCESS_TOKEN_MISSING = rejected("no access_token", TOKEN(without("access_token")))
    TOKEN_ACCESS_TOKEN_NUMBER = rejected("access_token is 5", TOKEN(put(access_token=5)))
    TOKEN_ACCESS_TOKEN_EMPTY = rejected("access_token is empty", TOKEN(put(access_token="")))
    TOKEN_TYPE_MISSING = rejected("no token_type", TOKEN(without("token_type")))
    TOKEN_TYPE_UNKNOWN = rejected("token_type is mac", TOKEN(put(token_type="mac")))
    TOKEN_TYPE_DPOP = rejected("token_type is DPoP", TOKEN(put(token_type="DPoP")))
    TOKEN_TYPE_NUMBER = rejected("token_type is 5", TOKEN(put(token_type=5)))
    TOKEN_TYPE_LOWER_CASE = harmless("token_type is bearer", TOKEN(put(token_type="bearer")))
    TOKEN_ID_TOKEN_MISSING = rejected("no id_token", TOKEN(without("id_token")))
    TOKEN_ID_TOKEN_NUMBER = rejected("id_token is 5", TOKEN(put(id_token=5)))
    TOKEN_ID_TOKEN_EMPTY = rejected("id_token is empty", TOKEN(put(id_token="")))
    TOKEN_EXPIRES_IN_MISSING = harmless("no expires_in", TOKEN(without("expires_in")))
    TOKEN_EXPIRES_IN_NAN = rejected("expires_in is NaN, which is not JSON", TOKEN(put(expires_in=NAN)))
    TOKEN_EXPIRES_IN_STRING = either('expires_in is "600"', TOKEN(put(expires_in="600")))
    TOKEN_EXPIRES_IN_NEGATIVE = either("expires_in is -600", TOKEN(put(expires_in=-600)))
    TOKEN_EXPIRES_IN_OVERFLOW = either("expires_in is 1e400", TOKEN(put(expires_in=OVERFLOW)))
    TOKEN_EXPIRES_IN_TRUE = either("expires_in is true", TOKEN(put(expires_in=True)))
    TOKEN_EXPIRES_IN_NULL = either("expires_in is null", TOKEN(put(expires_in=None)))
    TOKEN_SCOPE_MISSING = harmless("no scope", TOKEN(without("scope")))
    TOKEN_SCOPE_NARROWER = harmless("less than asked for", TOKEN(put(scope="openid")))
    TOKEN_REFRESH_TOKEN_NUMBER = either("refresh_token is 5", TOKEN(put(refresh_token=5)))
    TOKEN_EXTRA_MEMBER = harmless("unknown members", TOKEN(put(session_state={"a": [1]})))

    # The response
    TOKEN_OTHER_CONTENT_TYPE = either("text/plain", TOKEN_REPLY(header("content-type", "text/plain")))
    TOKEN_HTML = rejected("a page with status 200", TOKEN_REPLY(html()))
    TOKEN_ARRAY = rejected("a JSON array", TOKEN_REPLY(answered([])))
    TOKEN_NULL = rejected("null", TOKEN_REPLY(answered(None)))
    TOKEN_EMPTY = rejected("an empty body", TOKEN_REPLY(body(b"")))
    TOKEN_DUPLICATE_MEMBERS = rejected("access_token twice", TOKEN_REPLY(rewritten(twice("access_token"))))
    TOKEN_BYTE_ORDER_MARK = rejected("a byte order mark first", TOKEN_REPLY(rewritten(with_mark)))
    TOKEN_DEEP = rejected("40,000 nested arrays", TOKEN_REPLY(rewritten(deep)))
    TOKEN_TRUNCATED = rejected("half the document", TOKEN_REPLY(rewritten(truncated)))
    TOKEN_HUGE = rejected("2 MB", TOKEN_REPLY(rewritten(padded)))
    TOKEN_ENDLESS = rejected("a body without end", TOKEN_REPLY(endless))
    TOKEN_SLOW = rejected("an hour of silence", TOKEN_REPLY(slow))
    TOKEN_DRIP = rejected("byte after byte, slowly", TOKEN_REPLY(dripping))
    TOKEN_RESET = rejected("the connection breaks at once", TOKEN_REPLY(reset))
    TOKEN_CUT_OFF = rejected("the connection breaks in mid-body", TOKEN_REPLY(cut_off))
    TOKEN_REDIRECT = rejected("a redirect that keeps the method", TOKEN_REPLY(redirected(Endpoint.TOKEN, 307)))
    TOKEN_INVALID_GRANT = rejected("invalid_grant", TOKEN_REPLY(error("invalid_grant")))
    TOKEN_INVALID_CLIENT = rejected("invalid_client", TOKEN_REPLY(error("invalid_client", status=401)))
    TOKEN_USE_DPOP_NONCE = rejected(
        "a DPoP nonce, though no proof was sent (RFC 9449 8)",
        TOKEN_REPLY(answered({"error": "use_dpop_nonce"}, status=400, headers={"dpop-nonce": "a nonce"})),
    )
    TOKEN_ERROR_MARKUP = rejected("markup in it", TOKEN_REPLY(error("invalid_grant", description=MARKUP)))
    TOKEN_ERROR_LONG = rejected("300 KB", TOKEN_REPLY(error("invalid_grant", description="no " * 100_000)))
    TOKEN_ERROR_NOT_TEXT = rejected("numbers in it", TOKEN_REPLY(answered({"error": 5}, status=400)))
    TOKEN_ERROR_WITH_200 = rejected("an error, status 200", TOKEN_REPLY(error("invalid_grant", status=200)))
    TOKEN_ERROR_HTML = rejected("a page with status 400", TOKEN_REPLY(html(400)))
    TOKEN_500 = rejected("status 500", TOKEN_REPLY(error("server_error", status=500)))
    TOKEN_BUSY = rejected("503 with Retry-After", TOKEN_REPLY(BUSY))
