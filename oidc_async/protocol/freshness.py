"""How long a response may be reused (RFC 9111 5.2.2)."""

import re

from .http_message import HttpResponse

_MAX_AGE = re.compile(r'(?:^|[\s,])max-age="?(\d+)', re.IGNORECASE)


def freshness_lifetime(response: HttpResponse, *, default: float, minimum: float, maximum: float) -> float:
    """Seconds: `max-age` of Cache-Control within bounds, else `default`. A provider can't ask for never or always."""
    match = _MAX_AGE.search(response.headers.get("cache-control", ""))
    return min(max(float(match[1]), minimum), maximum) if match else default
