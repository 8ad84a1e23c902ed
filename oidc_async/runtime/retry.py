"""Retries of repeatable requests, with backoff and jitter."""

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
    """Send `request`, and retry it if it is `repeatable`.

    Retries follow a failed connection, 429, 502, 503 or 504. A short `Retry-After` (RFC 9110 10.2.3) is respected.
    With a longer one, and after the last attempt, the response is returned as it is. Timeouts and a full queue are
    not retried.

    Args:
        runtime: sends the request.
        request: the first attempt.
        endpoint: the name of the endpoint in metrics and spans.
        rebuild: creates the request of a retry, if a part of it can be used only once, such as a client assertion.

    Raises:
        ProviderError: as `runtime.send`.
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
    """Yield the seconds before each retry.

    Doubled each time, with jitter so that clients do not retry together.
    """
    for retry in range(RETRIES):
        yield _random.uniform(0.5, 1.0) * _FIRST_PAUSE * 2**retry


def _retry_after(response: HttpResponse, now: float) -> float:
    """Return the seconds to wait by `Retry-After`; 0 if it is missing or invalid."""
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
