"""Bearer tokens in requests, and the challenges for those who bring none or a bad one (RFC 6750, 9470, 9728)."""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import unquote

from oidc_async.errors import BearerRequestInvalid

MAX_TOKEN_LENGTH = 32 * 1024
"""Characters. Servers cut headers off long before."""
SUBPROTOCOL = "bearer"
"""The WebSocket subprotocol that is followed by an access token: browsers can set no Authorization header there."""

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)
_NOT_QUOTABLE = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")


def read_bearer_token(authorizations: Sequence[str], form_tokens: Sequence[str] = ()) -> str | None:
    """The one bearer token that a request brings; None when it brings none.

    Parameters:
        authorizations: each Authorization header (RFC 6750 2.1).
        form_tokens: each `access_token` of a form in the body, where that is allowed (RFC 6750 2.2), or each token
            among the subprotocols of a WebSocket.

    Raises BearerRequestInvalid for two tokens, and for what is no token.
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
        raise BearerRequestInvalid("The token must be of the characters that RFC 6750 2.1 allows.")
    return tokens[0]


def read_subprotocols(offered: Sequence[str]) -> tuple[list[str], list[str]]:
    """The access tokens among the subprotocols that a WebSocket offers, and the names that are no tokens.

    A token follows the name `bearer`. Characters that no subprotocol may have (RFC 6455 4.1) are percent-encoded.
    """
    tokens, names, rest = list[str](), list[str](), iter(offered)
    for name in rest:
        names.append(name)
        if name == SUBPROTOCOL:
            # none at all is read as an empty one, which is no token
            tokens.append(unquote(next(rest, "")))
    return tokens, names


def _in_header(authorizations: Sequence[str]) -> list[str]:
    """What stands behind `Bearer`, whatever its case; another scheme is not ours."""
    for value in authorizations:
        scheme, _, token = value.partition(" ")
        if scheme.lower() == "bearer":
            return [token.lstrip(" ")]
        # servers may join two headers with a comma
        if scheme[:7].lower() in ("bearer\t", "bearer,"):
            raise BearerRequestInvalid("A space must stand between Bearer and the token.")
    return []


def challenge(parameters: Mapping[str, str | None]) -> str:
    """A WWW-Authenticate header for Bearer (RFC 6750 3), with those of the parameters that are not None.

    Characters that could break out of a quoted string are replaced.
    """
    known = ((name, value) for name, value in parameters.items() if value is not None)
    quoted = (f'{name}="{_NOT_QUOTABLE.sub("?", value)}"' for name, value in known)
    return " ".join(("Bearer", ", ".join(quoted))).rstrip()
