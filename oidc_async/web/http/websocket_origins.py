"""Whose pages may open a WebSocket with the session cookie: protection against cross-site WebSocket hijacking.

Browsers send cookies with the handshake of a WebSocket, whichever page opens it, and the same-origin policy does not
hold back what the socket then says. `Origin` tells whose page it is, and scripts can't forge it (RFC 6455 10.2).
"""

import logging
from collections.abc import Mapping
from typing import Any, cast

from oidc_async.errors import ConfigurationError
from oidc_async.protocol.uri import origin, uri_problem

logger = logging.getLogger("oidc_async.sessions")

SETTING = "OIDC_WEBSOCKET_ORIGINS"
MAX_LOGGED = 200
"""Characters of an origin that is logged: anybody can send any."""


def read_origins(config: Mapping[str, Any], redirect_uri: str) -> frozenset[str]:
    """The origins whose pages may use the session in a WebSocket: that of the redirect URI, and those of the setting.

    Raises ConfigurationError.
    """
    value: object = config.get(SETTING)
    named = () if value is None else value
    if not isinstance(named, list | tuple | set | frozenset):
        raise ConfigurationError(f'{SETTING} must be a list of origins, such as ["https://www.example.com"].')
    further = cast("list[object]", list(cast("Any", named)))
    for item in further:
        _require_origin(item)
    return frozenset({origin(redirect_uri), *cast("list[str]", further)})


def _require_origin(item: object) -> None:
    if problem := uri_problem(item):
        raise ConfigurationError(f"{SETTING}: {item!r} {problem}. There are no wildcards: name each origin.")
    # browsers send it in exactly one way (RFC 6454 6.2), and it is compared as text
    if origin(str(item)) != item:
        raise ConfigurationError(f"{SETTING}: {item!r} must be written as browsers send it: {origin(str(item))!r}.")


def is_allowed_origin(headers: Mapping[str, str], allowed: frozenset[str]) -> bool:
    """Whether a page of an allowed origin opens the WebSocket; not so for `null` and where there is no `Origin`."""
    return headers.get("origin") in allowed


def log_refused_origin(headers: Mapping[str, str]) -> None:
    """Log which WebSocket was rejected, and which setting would allow it."""
    sent = headers.get("origin")
    if sent is None:
        logger.warning("the session of a WebSocket was rejected: it has no Origin header, which every browser sends")
    else:
        logger.warning(
            "the session of a WebSocket was rejected: Origin %r is neither that of OIDC_REDIRECT_URI nor in %s",
            sent[:MAX_LOGGED],
            SETTING,
        )
