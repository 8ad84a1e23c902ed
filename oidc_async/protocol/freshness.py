"""The freshness lifetime of cached responses (RFC 9111 5.2.2)."""

import re

from .http_message import HttpResponse

_MAX_AGE = re.compile(r'(?:^|[\s,])max-age="?(\d+)', re.IGNORECASE)


def freshness_lifetime(response: HttpResponse, *, default: float, minimum: float, maximum: float) -> float:
    """Return `max-age` of Cache-Control within bounds, else `default`, in seconds.

    The bounds keep a provider from disabling the cache, and from making an outdated value permanent.
    """
    match = _MAX_AGE.search(response.headers.get("cache-control", ""))
    return min(max(float(match[1]), minimum), maximum) if match else default
