"""HTTP requests and responses as plain values: what the protocol makes and reads, and a runtime carries."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

MAX_RESPONSE_BODY = 512 * 1024
"""Bytes of a response body that we are ready to read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One request to a provider.

    `repeatable` says that sending it twice does no harm. `max_body` caps the decoded response body, in bytes.
    `seconds` caps the whole exchange, where the runtime's own deadline is later; where that is earlier, the exchange
    may take `min_seconds` all the same. `address` is the IP address to
    connect to, in place of what the host's name stands for; it is still that host whose certificate must be shown.
    `is_caused_by_login` marks a request that anybody can cause: only so many of them run at one endpoint at a time.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    body: bytes = field(default=b"", repr=False)
    repeatable: bool = False
    max_body: int = MAX_RESPONSE_BODY
    seconds: float = math.inf
    min_seconds: float = 0.0
    address: str = ""
    is_caused_by_login: bool = False

    def deadline(self, usual: float) -> float:
        """Seconds for the whole exchange, where the runtime's own deadline is `usual`."""
        return min(max(usual, self.min_seconds), self.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """What came back, read to its end. Header names are lower case.

    `seconds` is how long the exchange took, without waiting for its turn. `request` is what was sent, where that is
    known: an error must not quote its secrets.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    body: bytes = field(default=b"", repr=False)
    seconds: float = 0.0
    request: HttpRequest | None = field(default=None, repr=False, compare=False)

    @property
    def media_type(self) -> str:
        """The Content-Type without its parameters, in lower case; empty when absent."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()
