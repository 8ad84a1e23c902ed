"""HTTP requests and responses as values: the protocol creates and reads them, a runtime sends them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

MAX_RESPONSE_BODY = 512 * 1024
"""The default limit of a response body, in bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One request to a provider.

    Args:
        method: the HTTP method.
        url: the absolute URL.
        headers: the headers, by lower-case name.
        body: the body.
        repeatable: whether the request may be sent again after a failure.
        max_body: the limit of the decoded response body, in bytes.
        seconds: the limit of the whole exchange, if it is less than the deadline of the runtime.
        min_seconds: the least time that the exchange may take, even if the deadline of the runtime is earlier.
        address: the IP address to connect to, instead of resolving the host name. The certificate must still be that
            of the host name.
        is_caused_by_login: whether anyone can cause the request by starting a login. Only so many of these run at one
            endpoint at a time.
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
        """Return the seconds for the whole exchange, given the deadline of the runtime."""
        return min(max(usual, self.min_seconds), self.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """A complete response.

    Args:
        status: the status code.
        headers: the headers, by lower-case name.
        body: the decoded body.
        seconds: the duration of the exchange, without the wait for a connection.
        request: the request, if known, so that messages don't quote its secrets.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    body: bytes = field(default=b"", repr=False)
    seconds: float = 0.0
    request: HttpRequest | None = field(default=None, repr=False, compare=False)

    @property
    def media_type(self) -> str:
        """The Content-Type without parameters, in lower case; empty if absent."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()
