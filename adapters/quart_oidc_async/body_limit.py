"""A limit for the body of one request. Quart itself has one for the whole app, MAX_CONTENT_LENGTH (16 MB)."""

from collections.abc import Generator
from typing import Any, cast

from quart import abort, request
from quart.wrappers import Body


class LimitedBody:
    """Wraps a body that is still being received. Above the limit the data is dropped, and readers get 413.

    Quart appends data while the request is handled, whether anything reads it or not.
    """

    def __init__(self, body: Body, limit: int) -> None:
        self.body, self.limit = body, limit
        self._received = 0

    def append(self, data: bytes) -> None:
        self._received += len(data)
        if self._received <= self.limit:
            self.body.append(data)
        else:
            self.body.clear()
            self.body.set_complete()

    def set_complete(self) -> None:
        self.body.set_complete()

    def set_result(self, data: bytes) -> None:
        self.append(data)
        self.set_complete()

    def clear(self) -> None:
        self.body.clear()

    def __aiter__(self) -> "LimitedBody":
        return self

    async def __anext__(self) -> bytes:
        data = await anext(self.body)
        self._require_limit(data)
        return data

    def __await__(self) -> Generator[Any, None, bytes]:
        data: bytes = yield from self.body.__await__()
        self._require_limit(data)
        return data

    def _require_limit(self, data: bytes) -> None:
        # The data may also be too long because most of it was received before this limit.
        if max(self._received, len(data)) > self.limit:
            abort(413)


def limit_body(limit: int) -> None:
    """Limit the body of this request to a number of bytes. Whatever awaits a longer one aborts with 413."""
    cast(Any, request).body = LimitedBody(request.body, limit)
