"""OAuth error responses, sanitized for messages and logs (RFC 6749 4.1.2.1, 5.2)."""

import re
from base64 import b64decode
from typing import Any
from urllib.parse import unquote_plus

from oidc_async.errors import OAuthError, ProviderUnreachable

from .http_message import HttpRequest, HttpResponse
from .strict_json import read_object

MAX_ERROR_LENGTH = 100
MAX_DESCRIPTION_LENGTH = 500
MAX_QUOTED_LENGTH = 200
"""The limit of a description in a message, in characters."""
LEAST_SECRET_LENGTH = 4
_PUBLIC = frozenset(
    {
        "client_id",
        "redirect_uri",
        "grant_type",
        "scope",
        "token_type_hint",
        "client_assertion_type",
        "response_type",
        "response_mode",
        "resource",
        "audience",
    }
)
_NOT_IN_A_CODE = re.compile(r"[^A-Za-z0-9_.:/ -]")
_NOT_ALLOWED = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")
_WORD = re.compile(r"[A-Za-z0-9_~+=-]{16,}")
_KINDS = (re.compile("[0-9]"), re.compile("[a-z]"), re.compile("[A-Z]"))


def safe_error(error: str) -> str:
    """Return an `error` value of limited length, in characters of error codes: without markup."""
    return _NOT_IN_A_CODE.sub("?", error[:MAX_ERROR_LENGTH])


def safe_description(description: object) -> str | None:
    """Return an `error_description` in characters that RFC 6749 allows; None if it is not a string."""
    if not isinstance(description, str):
        return None
    return _NOT_ALLOWED.sub("?", description[:MAX_DESCRIPTION_LENGTH])


def quote_description(description: object, request: HttpRequest | None = None) -> str:
    """Return an `error_description` as the end of a message: printable, cut, and without secrets.

    Some providers quote the request, so the secrets in `request` are removed, and also everything that looks like a
    token.
    """
    if not isinstance(description, str) or not description:
        return ""
    # This cut may leave a part of a secret at its end, so it is far behind the final one.
    text = description[: 10 * MAX_DESCRIPTION_LENGTH]
    # The longest first: a secret may contain another one, whose removal would leave the rest visible.
    for secret in sorted(_secrets(request), key=len, reverse=True):
        text = text.replace(secret, "...")
    text = _WORD.sub(_unless_token, _NOT_ALLOWED.sub("?", text))
    return f' The provider says: "{text[:MAX_QUOTED_LENGTH]}"'


def _unless_token(word: re.Match[str]) -> str:
    """Return the word unless it looks random: very long, or with digits and both cases. A UUID is kept."""
    text = word.group()
    return "..." if len(text) >= 40 or all(kind.search(text) for kind in _KINDS) else text


def _secrets(request: HttpRequest | None) -> set[str]:
    """Return the values in the form and the Authorization header, encoded and decoded, except public ones."""
    if request is None:
        return set()
    pairs = [pair.partition("=") for pair in request.body.decode("latin-1").split("&")]
    sent = {value for name, _, value in pairs if name not in _PUBLIC}
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme == "Basic":
        sent.add(b64decode(credentials).decode("latin-1").partition(":")[2])
    secrets = {credentials, *sent, *map(unquote_plus, sent)}
    return {value for value in secrets if len(value) >= LEAST_SECRET_LENGTH}


def read_description(response: HttpResponse) -> object:
    """Return the raw `error_description` of a JSON error response; None if it has none."""
    return _read_document(response).get("error_description")


def require_success(response: HttpResponse, endpoint: str) -> None:
    """Raise OAuthError if the response is an error response, ProviderUnreachable for 5xx."""
    if response.status >= 500:
        said = quote_description(read_description(response), response.request)
        raise ProviderUnreachable(f"The {endpoint} answered {response.status}.{said}", status=response.status)
    if 400 <= response.status < 500:
        raise read_error(response, endpoint)


def _read_document(response: HttpResponse) -> dict[str, Any]:
    try:
        return read_object(response.body)
    except ValueError:
        return {}


def read_error(response: HttpResponse, endpoint: str) -> OAuthError:
    """Read the error response of `endpoint`, with any status."""
    document = _read_document(response)
    named = document.get("error")
    error = safe_error(named if isinstance(named, str) and named else f"http_{response.status}")
    kind = "introspection" if endpoint.startswith("introspection") else "token"
    hint = f" Check client_id, client_secret and {kind}_endpoint_auth_method in ClientMetadata."
    return OAuthError(
        f"The {endpoint} answered {response.status} with the error {error!r}.{hint * (error == 'invalid_client')}"
        f"{quote_description(document.get('error_description'), response.request)}",
        error=error,
        error_description=safe_description(document.get("error_description")),
        status=response.status,
    )
