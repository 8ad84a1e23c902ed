"""Connections between two requests, kept open for the next one."""

import select
from contextlib import AbstractContextManager
from typing import Any, Generic, Protocol, TypeVar

KEEP_ALIVE = 4.0
"""Seconds that a connection may idle. Node.js and uvicorn close theirs after 5, and must not do it as we send."""


class Connection(Protocol):
    """What httpcore's connections tell, blocking and async."""

    def can_handle_request(self, origin: Any) -> bool: ...


C = TypeVar("C", bound=Connection)


class IdleConnections(Generic[C]):
    """At most so many, the last used first: under little load the others grow old and are closed.

    In place of httpcore's pool, which for every request looks at every connection and asks its socket. Those that
    are not kept come back to the caller, who closes them. `lock` is held while the list changes, for nothing else.
    """

    def __init__(self, most: int, lock: AbstractContextManager[object]) -> None:
        self._most = most
        self._lock = lock
        self._idle: list[tuple[C, float]] = []

    def pop(self, origin: Any) -> C | None:
        """The last used that leads to `origin`, be it expired."""
        with self._lock:
            for position in reversed(range(len(self._idle))):
                if self._idle[position][0].can_handle_request(origin):
                    return self._idle.pop(position)[0]
        return None

    def push(self, connection: C, now: float) -> C | None:
        """Keep `connection`; another one, or this, that is to be closed for it. `now` in seconds, on any clock."""
        with self._lock:
            self._idle.append((connection, now))
            # The first has been idle for longest. Its socket is not asked: in threads that takes a turn of them all.
            if len(self._idle) > self._most or now - self._idle[0][1] >= KEEP_ALIVE:
                return self._idle.pop(0)[0]
        return None

    def clear(self) -> list[C]:
        """Those that were kept. From now on none is."""
        self._most = 0
        with self._lock:
            idle, self._idle = self._idle, []
        return [connection for connection, _ in idle]


def is_readable(transport: Any) -> bool:
    """Whether the socket of an asyncio transport has something to read by now, be it the end; without waiting."""
    descriptor = transport.get_extra_info("socket").fileno()
    if not hasattr(select, "poll"):  # on Windows, where select takes any descriptor
        return bool(select.select([descriptor], [], [], 0)[0])
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
