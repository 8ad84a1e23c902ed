"""Faults of what a registration is answered with (OIDC Registration 3.2, 3.3; RFC 7591 3.2)."""

from dataclasses import replace

from oidc_async.testing.reply import Reply
from oidc_async.testing.stages import REGISTRATION, REGISTRATION_REPLY, Endpoint, harmless, refused

from .documents import changed, put, without
from .responses import answered, body, error, html, redirected, reset, rewritten, slow, status, truncated

PAST = 1


class RegistrationFaults:
    # Who the client is
    REGISTRATION_CLIENT_ID_MISSING = refused("no client_id", REGISTRATION(without("client_id")))
    REGISTRATION_CLIENT_ID_EMPTY = refused("an empty client_id", REGISTRATION(put(client_id="")))
    REGISTRATION_CLIENT_ID_NUMBER = refused("client_id is a number", REGISTRATION(put(client_id=7)))
    REGISTRATION_CLIENT_ID_LINES = refused("client_id with a line break", REGISTRATION(put(client_id="a\r\nb")))
    REGISTRATION_CLIENT_ID_HUGE = refused("an endless client_id", REGISTRATION(put(client_id="x" * 9000)))
    REGISTRATION_SECRET_MISSING = refused("no secret", REGISTRATION(without("client_secret")))
    REGISTRATION_SECRET_EMPTY = refused("an empty secret", REGISTRATION(put(client_secret="")))
    REGISTRATION_SECRET_NUMBER = refused("the secret is a number", REGISTRATION(put(client_secret=7)))
    REGISTRATION_SECRET_EXPIRED = refused("an expired secret", REGISTRATION(put(client_secret_expires_at=PAST)))
    REGISTRATION_EXPIRY_TEXT = refused("the expiry is text", REGISTRATION(put(client_secret_expires_at="never")))
    REGISTRATION_EXPIRY_NEGATIVE = refused("a negative expiry", REGISTRATION(put(client_secret_expires_at=-1)))
    REGISTRATION_EXPIRY_MISSING = harmless("no expiry", REGISTRATION(without("client_secret_expires_at")))

    # What was registered
    REGISTRATION_REDIRECT_URI_DROPPED = refused("no redirect URI", REGISTRATION(put(redirect_uris=[])))
    REGISTRATION_REDIRECT_URI_OTHER = refused(
        "another redirect URI", REGISTRATION(put(redirect_uris=["https://evil.example/redirect_uri"]))
    )
    REGISTRATION_REDIRECT_URI_TEXT = refused(
        "the redirect URI is no list", REGISTRATION(changed("redirect_uris", lambda uris: uris[0]))
    )
    REGISTRATION_REDIRECT_URI_UNTOLD = harmless("no redirect_uris", REGISTRATION(without("redirect_uris")))
    REGISTRATION_RESPONSE_TYPE_OTHER = refused("another response type", REGISTRATION(put(response_types=["token"])))
    REGISTRATION_AUTH_METHOD_NONE = refused("no authentication", REGISTRATION(put(token_endpoint_auth_method="none")))
    REGISTRATION_AUTH_METHOD_UNKNOWN = refused(
        "an authentication that nobody knows", REGISTRATION(put(token_endpoint_auth_method="by_handshake"))
    )
    REGISTRATION_AUTH_METHOD_LIST = refused(
        "several authentications", REGISTRATION(put(token_endpoint_auth_method=["client_secret_basic"]))
    )
    REGISTRATION_ALG_NONE = harmless(
        "no signatures, where they were asked for", REGISTRATION(put(id_token_signed_response_alg="none"))
    )
    REGISTRATION_ALG_UNKNOWN = refused("unknown signatures", REGISTRATION(put(id_token_signed_response_alg="X512")))
    REGISTRATION_ALG_LIST = refused("several signatures", REGISTRATION(put(id_token_signed_response_alg=["RS256"])))
    REGISTRATION_ENCRYPTED = refused(
        "encryption to keys that the client hasn't", REGISTRATION(put(id_token_encrypted_response_alg="RSA-OAEP"))
    )

    # Where it is managed
    REGISTRATION_CLIENT_URI_PLAIN = refused(
        "managed without TLS", REGISTRATION(put(registration_client_uri="http://op.example/register"))
    )
    REGISTRATION_CLIENT_URI_LOCAL = refused(
        "managed on the client's own host", REGISTRATION(put(registration_client_uri="http://127.0.0.1/register"))
    )
    REGISTRATION_CLIENT_URI_FILE = refused(
        "managed in a file", REGISTRATION(put(registration_client_uri="file:///etc/passwd"))
    )
    REGISTRATION_TOKEN_LINES = refused(
        "a registration access token with a line break", REGISTRATION(put(registration_access_token="a\r\nb"))
    )
    REGISTRATION_UNMANAGED = harmless(
        "no way to manage it", REGISTRATION(without("registration_client_uri", "registration_access_token"))
    )

    # The response
    REGISTRATION_200 = harmless("200 in place of 201", REGISTRATION_REPLY(lambda reply, scene: _ok(reply)))
    REGISTRATION_NULLS = harmless("null for what there is not", REGISTRATION(put(jwks_uri=None, logo_uri=None)))
    REGISTRATION_MORE = harmless("members that nobody knows", REGISTRATION(put(self="x", color={"of": ["it"]})))
    REGISTRATION_204 = refused("nothing", REGISTRATION_REPLY(status(204)))
    REGISTRATION_302 = refused("a redirect", REGISTRATION_REPLY(redirected(Endpoint.REGISTRATION)))
    REGISTRATION_500 = refused("an error of the provider", REGISTRATION_REPLY(status(500)))
    REGISTRATION_REFUSED = refused("refused", REGISTRATION_REPLY(error("invalid_redirect_uri")))
    REGISTRATION_401 = refused("another token is wanted", REGISTRATION_REPLY(status(401)))
    REGISTRATION_LIST = refused("a list", REGISTRATION_REPLY(answered([], status=201)))
    REGISTRATION_EMPTY = refused("no body", REGISTRATION_REPLY(body(b"")))
    REGISTRATION_TRUNCATED = refused("half of it", REGISTRATION_REPLY(rewritten(truncated)))
    REGISTRATION_HTML = refused("a page", REGISTRATION_REPLY(html(200)))
    REGISTRATION_RESET = refused("the connection breaks", REGISTRATION_REPLY(reset))
    REGISTRATION_SLOW = refused("no answer in time", REGISTRATION_REPLY(slow))


def _ok(reply: Reply) -> Reply:
    return replace(reply, status=200)
