"""Faults of the discovery document and of its response."""

from oidc_async.testing.stages import DISCOVERY, DISCOVERY_REPLY, Endpoint, harmless, rejected

from .documents import changed, put, toggled_scheme, toggled_slash, without
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
    truncated,
    twice,
    with_mark,
)


class DiscoveryFaults:
    # The document
    DISCOVERY_ISSUER_OTHER = rejected("issuer is another", DISCOVERY(put(issuer="https://other.example")))
    DISCOVERY_ISSUER_TRAILING_SLASH = rejected("a slash more or less", DISCOVERY(changed("issuer", toggled_slash)))
    DISCOVERY_ISSUER_SCHEME = rejected("http for https, or back", DISCOVERY(changed("issuer", toggled_scheme)))
    DISCOVERY_ISSUER_UPPER_CASE = rejected("issuer in capitals", DISCOVERY(changed("issuer", str.upper)))
    DISCOVERY_ISSUER_PORT = rejected("issuer names port 443", DISCOVERY(changed("issuer", "{}:443".format)))
    DISCOVERY_ISSUER_MISSING = rejected("no issuer", DISCOVERY(without("issuer")))
    DISCOVERY_ISSUER_LIST = rejected("issuer is a list", DISCOVERY(changed("issuer", lambda issuer: [issuer])))
    DISCOVERY_JWKS_URI_MISSING = rejected("no jwks_uri", DISCOVERY(without("jwks_uri")))
    DISCOVERY_JWKS_URI_HTTP = rejected("jwks_uri is http", DISCOVERY(put(jwks_uri="http://other.example/jwks")))
    DISCOVERY_AUTHORIZATION_ENDPOINT_MISSING = rejected("missing", DISCOVERY(without("authorization_endpoint")))
    DISCOVERY_AUTHORIZATION_ENDPOINT_JAVASCRIPT = rejected(
        "authorization_endpoint is a script", DISCOVERY(put(authorization_endpoint="javascript:alert(1)"))
    )
    DISCOVERY_TOKEN_ENDPOINT_MISSING = rejected("no token_endpoint", DISCOVERY(without("token_endpoint")))
    DISCOVERY_TOKEN_ENDPOINT_NULL = rejected("token_endpoint is null", DISCOVERY(put(token_endpoint=None)))
    DISCOVERY_TOKEN_ENDPOINT_LIST = rejected("is a list", DISCOVERY(changed("token_endpoint", lambda url: [url])))
    DISCOVERY_TOKEN_ENDPOINT_NUMBER = rejected("token_endpoint is 5", DISCOVERY(put(token_endpoint=5)))
    DISCOVERY_TOKEN_ENDPOINT_RELATIVE = rejected("is relative", DISCOVERY(put(token_endpoint="/token")))
    DISCOVERY_TOKEN_ENDPOINT_HTTP = rejected("is http", DISCOVERY(put(token_endpoint="http://other.example/token")))
    DISCOVERY_TOKEN_ENDPOINT_CREDENTIALS = rejected(
        "token_endpoint looks like loopback and is not", DISCOVERY(put(token_endpoint="http://localhost:80@evil/"))
    )
    DISCOVERY_USERINFO_ENDPOINT_HTTP = rejected("is http", DISCOVERY(put(userinfo_endpoint="http://other.example/")))
    DISCOVERY_NONE_ADVERTISED = harmless(
        "weak algorithms are advertised",
        DISCOVERY(put(id_token_signing_alg_values_supported=["none", "HS256", "RS256"])),
    )
    DISCOVERY_OPTIONAL_MISSING = harmless(
        "no optional member is present",
        DISCOVERY(without("scopes_supported", "response_modes_supported", "grant_types_supported")),
        DISCOVERY(without("token_endpoint_auth_methods_supported", "code_challenge_methods_supported")),
        DISCOVERY(without("claims_parameter_supported", "request_parameter_supported")),
        DISCOVERY(without("request_uri_parameter_supported", "end_session_endpoint", "revocation_endpoint")),
    )
    DISCOVERY_EXTRA_MEMBER = harmless("unknown members", DISCOVERY(put(tenant={"region": ["EU", 5, None]})))

    # The response
    DISCOVERY_OTHER_CONTENT_TYPE = harmless("text/plain", DISCOVERY_REPLY(header("content-type", "text/plain")))
    DISCOVERY_HTML = rejected("a page with status 200", DISCOVERY_REPLY(html()))
    DISCOVERY_500 = rejected("status 500", DISCOVERY_REPLY(error("server_error", status=500)))
    DISCOVERY_404 = rejected("status 404", DISCOVERY_REPLY(error("not_found", status=404)))
    DISCOVERY_BUSY_ONCE = harmless("one 503 with Retry-After", DISCOVERY_REPLY(BUSY), only_once=True)
    DISCOVERY_ARRAY = rejected("a JSON array", DISCOVERY_REPLY(answered([])))
    DISCOVERY_NULL = rejected("null", DISCOVERY_REPLY(answered(None)))
    DISCOVERY_STRING = rejected("a JSON string", DISCOVERY_REPLY(answered("issuer")))
    DISCOVERY_EMPTY = rejected("an empty body", DISCOVERY_REPLY(body(b"")))
    DISCOVERY_REDIRECT = rejected("a redirect to the document", DISCOVERY_REPLY(redirected(Endpoint.DISCOVERY)))
    DISCOVERY_TRUNCATED = rejected("half the document", DISCOVERY_REPLY(rewritten(truncated)))
    DISCOVERY_DUPLICATE_MEMBERS = rejected("issuer twice", DISCOVERY_REPLY(rewritten(twice("issuer"))))
    DISCOVERY_DEEP = rejected("40,000 nested arrays", DISCOVERY_REPLY(rewritten(deep)))
    DISCOVERY_BYTE_ORDER_MARK = rejected("a byte order mark first", DISCOVERY_REPLY(rewritten(with_mark)))
    DISCOVERY_HUGE = rejected("2 MB", DISCOVERY_REPLY(rewritten(padded)))
    DISCOVERY_ENDLESS = rejected("a body without end", DISCOVERY_REPLY(endless))
    DISCOVERY_GZIP_BOMB = rejected("gzip that unpacks to 32 MB", DISCOVERY_REPLY(inflated))
    DISCOVERY_SLOW = rejected("an hour of silence", DISCOVERY_REPLY(slow))
    DISCOVERY_DRIP = rejected("byte after byte, slowly", DISCOVERY_REPLY(dripping))
    DISCOVERY_RESET = rejected("the connection breaks at once", DISCOVERY_REPLY(reset))
    DISCOVERY_CUT_OFF = rejected("the connection breaks in mid-body", DISCOVERY_REPLY(cut_off))
