"""The idle connections, kept open for the next request."""

import select
from contextlib import AbstractContextManager
from typing import Any, Generic, Protocol, TypeVar

KEEP_ALIVE = 4.0
"""Seconds that a connection may be idle.

Node.js and uvicorn close idle connections after 5 s. We close them earlier, so that no request is sent on a
connection that is being closed.
"""


class Connection(Protocol):
    """What blocking and async connections of httpcore have in common."""

    def can_handle_request(self, origin: Any) -> bool: ...


C = TypeVar("C", bound=Connection)


class IdleConnections(Generic[C]):
    """A pool of idle connections; the last used is taken first.

    So the others expire under little load. It replaces the pool of httpcore, which for every request checks every
    connection and its socket. Connections that are not kept are returned to the caller, who closes them.

    Args:
        most: how many connections are kept.
        lock: held only while the list changes.
    """

    def __init__(self, most: int, lock: AbstractContextManager[object]) -> None:
        self._most = most
        self._lock = lock
        self._idle: list[tuple[C, float]] = []

    def pop(self, origin: Any) -> C | None:
        """Take the last used connection to `origin`, which may have expired, or None."""
        with self._lock:
            for position in reversed(range(len(self._idle))):
                if self._idle[position][0].can_handle_request(origin):
                    return self._idle.pop(position)[0]
        return None

    def push(self, connection: C, now: float) -> C | None:
        """Keep `connection`, and return the one that the caller has to close, if any.

        Args:
            now: seconds on any clock.
        """
        with self._lock:
            self._idle.append((connection, now))
            # The first one has been idle for the longest time. Its socket is not checked here: such a system call
            # releases the GIL, so that all other threads may run before this one continues.
            if len(self._idle) > self._most or now - self._idle[0][1] >= KEEP_ALIVE:
                return self._idle.pop(0)[0]
        return None

    def clear(self) -> list[C]:
        """Return the connections for the caller to close; from now on, none is kept."""
        self._most = 0
        with self._lock:
            idle, self._idle = self._idle, []
        return [connection for connection, _ in idle]


def is_readable(transport: Any) -> bool:
    """Return whether the socket of a transport has data, or is closed; do not wait."""
    descriptor = transport.get_extra_info("socket").fileno()
    if not hasattr(select, "poll"):  # On Windows, where select accepts any descriptor.
        return bool(select.select([descriptor], [], [], 0)[0])
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
