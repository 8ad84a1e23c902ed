"""A request that does no harm when it is sent twice, sent again when the provider stumbles."""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC
from email.utils import parsedate_to_datetime

from oidc_async.errors import ProviderUnreachable
from oidc_async.protocol.http_message import HttpRequest, HttpResponse

from .port import REPEATING_SECONDS, Runtime
from .telemetry import OTHER, exchange

RETRIES = 2
"""Tries after the first."""

LONGEST_RETRY_AFTER = 2.0
"""Seconds that we are ready to wait because the provider asks for it."""

_FIRST_PAUSE = 0.2
_LEAST_SECONDS = 0.1
_STUMBLES = frozenset({429, 502, 503, 504})
_random = random.SystemRandom()


async def send_repeatable(
    runtime: Runtime,
    request: HttpRequest,
    endpoint: str = OTHER,
    *,
    rebuild: Callable[[], HttpRequest] | None = None,
) -> HttpResponse:
    """The response to `request`, tried again after a broken connection, 429, 502, 503 or 504.

    Only when `request.repeatable`. A short `Retry-After` (RFC 9110 10.2.3) is honoured; with a long one, and after
    the last try, the answer comes back as it is. `endpoint` is its name for whoever watches. `anew` makes the request
    for another try, where something in it is good for one time. Raises what `runtime.send` raises; a timeout and a
    full queue of our own are not tried again.
    """
    end = runtime.monotonic() + REPEATING_SECONDS
    attempt = request
    for pause in _pauses() if request.repeatable else ():
        try:
            response = await exchange(runtime, attempt, endpoint)
        except ProviderUnreachable:
            wait = pause
            if runtime.monotonic() + wait >= end:
                raise
        else:
            wait = max(pause, _retry_after(response, runtime.now()))
            if not _is_worth_retrying(response, wait, end - runtime.monotonic()):
                return response
        await runtime.sleep(wait)
        attempt = replace(
            request if rebuild is None else rebuild(), seconds=max(end - runtime.monotonic(), _LEAST_SECONDS)
        )
    return await exchange(runtime, attempt, endpoint)


def _is_worth_retrying(response: HttpResponse, wait: float, left: float) -> bool:
    return response.status in _STUMBLES and wait <= LONGEST_RETRY_AFTER and wait < left


def _pauses() -> Iterator[float]:
    """Seconds before each retry: doubling, and spread so that many clients do not come back as one."""
    for retry in range(RETRIES):
        yield _random.uniform(0.5, 1.0) * _FIRST_PAUSE * 2**retry


def _retry_after(response: HttpResponse, now: float) -> float:
    """Seconds that the response asks us to wait; 0 when it does not say or cannot be understood."""
    value = response.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, moment.timestamp() - now)
