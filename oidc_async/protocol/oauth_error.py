"""OAuth error responses, made safe to show and to log (RFC 6749 4.1.2.1, 5.2)."""

import re

from ..errors import OAuthError, ProviderUnreachable
from .http_message import HttpResponse
from .strict_json import read_object

MAX_ERROR_LENGTH = 100
MAX_DESCRIPTION_LENGTH = 500
_NOT_IN_A_CODE = re.compile(r"[^A-Za-z0-9_.:/ -]")
_NOT_ALLOWED = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")


def safe_error(error: str) -> str:
    """An `error` value of bounded length, in the characters of which codes are made: no markup among them."""
    return _NOT_IN_A_CODE.sub("?", error[:MAX_ERROR_LENGTH])


def safe_description(description: object) -> str | None:
    """An `error_description` in the characters that RFC 6749 allows; None when there is none."""
    if not isinstance(description, str):
        return None
    return _NOT_ALLOWED.sub("?", description[:MAX_DESCRIPTION_LENGTH])


def require_success(response: HttpResponse, endpoint: str) -> None:
    """Raise OAuthError for an error response of `endpoint`, ProviderUnreachable for 5xx."""
    if response.status >= 500:
        raise ProviderUnreachable(f"The {endpoint} answered {response.status}.", status=response.status)
    if 400 <= response.status < 500:
        raise _read_error(response, endpoint)


def _read_error(response: HttpResponse, endpoint: str) -> OAuthError:
    try:
        document = read_object(response.body)
    except ValueError:
        document = {}
    named = document.get("error")
    error = safe_error(named if isinstance(named, str) and named else f"http_{response.status}")
    kind = "introspection" if endpoint.startswith("introspection") else "token"
    hint = f" Check client_id, client_secret and {kind}_endpoint_auth_method in ClientMetadata."
    return OAuthError(
        f"The {endpoint} answered {response.status} with the error {error!r}.{hint * (error == 'invalid_client')}",
        error=error,
        error_description=safe_description(document.get("error_description")),
        status=response.status,
    )
