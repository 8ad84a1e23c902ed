"""Bearer tokens in requests, and the challenges for rejected requests (RFC 6750, RFC 9470, RFC 9728)."""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import unquote

from oidc_async.errors import BearerRequestInvalid

MAX_TOKEN_LENGTH = 32 * 1024
"""In characters. Servers limit headers to less."""
SUBPROTOCOL = "bearer"
"""The WebSocket subprotocol before an access token: browsers can't set the Authorization header of a WebSocket."""

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)
_NOT_QUOTABLE = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")


def read_bearer_token(authorizations: Sequence[str], form_tokens: Sequence[str] = ()) -> str | None:
    """Return the bearer token of a request; None if it has no token.

    Args:
        authorizations: all Authorization headers (RFC 6750 2.1).
        form_tokens: all `access_token` fields of a form in the body, if that is allowed (RFC 6750 2.2), or all tokens
            among the subprotocols of a WebSocket.

    Raises:
        BearerRequestInvalid: there are two tokens, or a malformed one.
    """
    if len(authorizations) > 1:
        raise BearerRequestInvalid("There must be one Authorization header.")
    tokens = [*_in_header(authorizations), *form_tokens]
    if not tokens:
        return None
    if len(tokens) > 1:
        raise BearerRequestInvalid("There must be one token, in one place.")
    if len(tokens[0]) > MAX_TOKEN_LENGTH:
        raise BearerRequestInvalid(f"The token must be at most {MAX_TOKEN_LENGTH} characters long.")
    if not _TOKEN.fullmatch(tokens[0]):
        raise BearerRequestInvalid("The token must have only characters that RFC 6750 2.1 allows.")
    return tokens[0]


def read_subprotocols(offered: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split the offered subprotocols of a WebSocket into access tokens and names.

    A token follows the name `bearer`. Characters that a subprotocol can't have (RFC 6455 4.1) are percent-encoded.
    """
    tokens, names, rest = list[str](), list[str](), iter(offered)
    for name in rest:
        names.append(name)
        if name == SUBPROTOCOL:
            # A missing token becomes an empty one, which is rejected later.
            tokens.append(unquote(next(rest, "")))
    return tokens, names


def _in_header(authorizations: Sequence[str]) -> list[str]:
    """Return the token after the scheme `Bearer`, in any case; other schemes are ignored."""
    for value in authorizations:
        scheme, _, token = value.partition(" ")
        if scheme.lower() == "bearer":
            return [token.lstrip(" ")]
        # Servers may join two headers with a comma.
        if scheme[:7].lower() in ("bearer\t", "bearer,"):
            raise BearerRequestInvalid("There must be a space between Bearer and the token.")
    return []


def challenge(parameters: Mapping[str, str | None]) -> str:
    """Return a WWW-Authenticate header for Bearer (RFC 6750 3); parameters that are None are omitted.

    Characters that could end a quoted string are replaced.
    """
    present = ((name, value) for name, value in parameters.items() if value is not None)
    quoted = (f'{name}="{_NOT_QUOTABLE.sub("?", value)}"' for name, value in present)
    return " ".join(("Bearer", ", ".join(quoted))).rstrip()
