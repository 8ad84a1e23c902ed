"""Faults of the registration response (OIDC Registration 3.2, 3.3; RFC 7591 3.2)."""

from dataclasses import replace

from oidc_async.testing.reply import Reply
from oidc_async.testing.stages import REGISTRATION, REGISTRATION_REPLY, Endpoint, harmless, rejected

from .documents import changed, put, without
from .responses import answered, body, error, html, redirected, reset, rewritten, slow, status, truncated

PAST = 1


class RegistrationFaults:
    # Who the client is
    REGISTRATION_CLIENT_ID_MISSING = rejected("no client_id", REGISTRATION(without("client_id")))
    REGISTRATION_CLIENT_ID_EMPTY = rejected("an empty client_id", REGISTRATION(put(client_id="")))
    REGISTRATION_CLIENT_ID_NUMBER = rejected("client_id is a number", REGISTRATION(put(client_id=7)))
    REGISTRATION_CLIENT_ID_LINES = rejected("client_id with a line break", REGISTRATION(put(client_id="a\r\nb")))
    REGISTRATION_CLIENT_ID_HUGE = rejected("an endless client_id", REGISTRATION(put(client_id="x" * 9000)))
    REGISTRATION_SECRET_MISSING = rejected("no secret", REGISTRATION(without("client_secret")))
    REGISTRATION_SECRET_EMPTY = rejected("an empty secret", REGISTRATION(put(client_secret="")))
    REGISTRATION_SECRET_NUMBER = rejected("the secret is a number", REGISTRATION(put(client_secret=7)))
    REGISTRATION_SECRET_EXPIRED = rejected("an expired secret", REGISTRATION(put(client_secret_expires_at=PAST)))
    REGISTRATION_EXPIRY_TEXT = rejected("the expiry is text", REGISTRATION(put(client_secret_expires_at="never")))
    REGISTRATION_EXPIRY_NEGATIVE = rejected("a negative expiry", REGISTRATION(put(client_secret_expires_at=-1)))
    REGISTRATION_EXPIRY_MISSING = harmless("no expiry", REGISTRATION(without("client_secret_expires_at")))

    # What was registered
    REGISTRATION_REDIRECT_URI_DROPPED = rejected("no redirect URI", REGISTRATION(put(redirect_uris=[])))
    REGISTRATION_REDIRECT_URI_OTHER = rejected(
        "another redirect URI", REGISTRATION(put(redirect_uris=["https://evil.example/redirect_uri"]))
    )
    REGISTRATION_REDIRECT_URI_TEXT = rejected(
        "redirect_uris is not a list", REGISTRATION(changed("redirect_uris", lambda uris: uris[0]))
    )
    REGISTRATION_REDIRECT_URI_UNTOLD = harmless("no redirect_uris", REGISTRATION(without("redirect_uris")))
    REGISTRATION_RESPONSE_TYPE_OTHER = rejected("another response type", REGISTRATION(put(response_types=["token"])))
    REGISTRATION_AUTH_METHOD_NONE = rejected(
        "auth method is none", REGISTRATION(put(token_endpoint_auth_method="none"))
    )
    REGISTRATION_AUTH_METHOD_UNKNOWN = rejected(
        "an unknown auth method", REGISTRATION(put(token_endpoint_auth_method="by_handshake"))
    )
    REGISTRATION_AUTH_METHOD_LIST = rejected(
        "several authentications", REGISTRATION(put(token_endpoint_auth_method=["client_secret_basic"]))
    )
    REGISTRATION_ALG_NONE = harmless(
        "alg is none, though a signature was requested", REGISTRATION(put(id_token_signed_response_alg="none"))
    )
    REGISTRATION_ALG_UNKNOWN = rejected("unknown signatures", REGISTRATION(put(id_token_signed_response_alg="X512")))
    REGISTRATION_ALG_LIST = rejected("several signatures", REGISTRATION(put(id_token_signed_response_alg=["RS256"])))
    REGISTRATION_ENCRYPTED = rejected(
        "encryption to keys that the client does not have",
        REGISTRATION(put(id_token_encrypted_response_alg="RSA-OAEP")),
    )

    # Where it is managed
    REGISTRATION_CLIENT_URI_PLAIN = rejected(
        "managed without TLS", REGISTRATION(put(registration_client_uri="http://op.example/register"))
    )
    REGISTRATION_CLIENT_URI_LOCAL = rejected(
        "managed on the client's own host", REGISTRATION(put(registration_client_uri="http://127.0.0.1/register"))
    )
    REGISTRATION_CLIENT_URI_FILE = rejected(
        "managed in a file", REGISTRATION(put(registration_client_uri="file:///etc/passwd"))
    )
    REGISTRATION_TOKEN_LINES = rejected(
        "a registration access token with a line break", REGISTRATION(put(registration_access_token="a\r\nb"))
    )
    REGISTRATION_UNMANAGED = harmless(
        "no way to manage it", REGISTRATION(without("registration_client_uri", "registration_access_token"))
    )

    # The response
    REGISTRATION_200 = harmless("200 in place of 201", REGISTRATION_REPLY(lambda reply, scene: _ok(reply)))
    REGISTRATION_NULLS = harmless("null for absent members", REGISTRATION(put(jwks_uri=None, logo_uri=None)))
    REGISTRATION_MORE = harmless("unknown members", REGISTRATION(put(self="x", color={"of": ["it"]})))
    REGISTRATION_204 = rejected("nothing", REGISTRATION_REPLY(status(204)))
    REGISTRATION_302 = rejected("a redirect", REGISTRATION_REPLY(redirected(Endpoint.REGISTRATION)))
    REGISTRATION_500 = rejected("an error of the provider", REGISTRATION_REPLY(status(500)))
    REGISTRATION_REJECTED = rejected("an error response", REGISTRATION_REPLY(error("invalid_redirect_uri")))
    REGISTRATION_401 = rejected("another token is wanted", REGISTRATION_REPLY(status(401)))
    REGISTRATION_LIST = rejected("a list", REGISTRATION_REPLY(answered([], status=201)))
    REGISTRATION_EMPTY = rejected("no body", REGISTRATION_REPLY(body(b"")))
    REGISTRATION_TRUNCATED = rejected("half of it", REGISTRATION_REPLY(rewritten(truncated)))
    REGISTRATION_HTML = rejected("a page", REGISTRATION_REPLY(html(200)))
    REGISTRATION_RESET = rejected("the connection breaks", REGISTRATION_REPLY(reset))
    REGISTRATION_SLOW = rejected("no answer in time", REGISTRATION_REPLY(slow))


def _ok(reply: Reply) -> Reply:
    return replace(reply, status=200)
