"""Connections between two requests, kept open for the next one."""

import select
from contextlib import AbstractContextManager
from typing import Generic, Protocol, TypeVar

KEEP_ALIVE = 4.0
"""Seconds that a connection may idle. Node.js and uvicorn close theirs after 5, and must not do it as we send."""


class Connection(Protocol):
    origin: str
    """To which provider it leads."""
    idle_since: float
    """Seconds on the clock of those who keep it."""

    def is_open(self) -> bool:
        """Whether the other side has neither closed it nor said something unasked."""
        ...

    def close(self) -> None: ...


C = TypeVar("C", bound=Connection)


class IdleConnections(Generic[C]):
    """At most so many, the last used first: under little load the others grow old and are closed.

    `lock` is held while the list changes, never while a connection is asked or closed.
    """

    def __init__(self, most: int, lock: AbstractContextManager[object]) -> None:
        self._most = most
        self._lock = lock
        self._idle: list[C] = []

    def take(self, origin: str, now: float) -> C | None:
        """One that is open and leads to `origin`."""
        while (connection := self._pop(origin)) is not None:
            if now - connection.idle_since < KEEP_ALIVE and connection.is_open():
                return connection
            connection.close()
        return None

    def put(self, connection: C, now: float) -> None:
        connection.idle_since = now
        with self._lock:
            self._idle.append(connection)
            surplus = self._surplus(now)
        for each in surplus:
            each.close()

    def close(self) -> None:
        """Also those that are put here later."""
        self._most = 0
        with self._lock:
            surplus, self._idle = self._idle, []
        for each in surplus:
            each.close()

    def _pop(self, origin: str) -> C | None:
        with self._lock:
            for position in reversed(range(len(self._idle))):
                if self._idle[position].origin == origin:
                    return self._idle.pop(position)
        return None

    def _surplus(self, now: float) -> list[C]:
        # The first has been idle for longest.
        last = max(len(self._idle) - self._most, 0)
        while last < len(self._idle) and now - self._idle[last].idle_since >= KEEP_ALIVE:
            last += 1
        surplus, self._idle[:last] = self._idle[:last], []
        return surplus


def is_readable(descriptor: int) -> bool:
    """Whether a socket has something to read by now, be it the end; without waiting."""
    if not hasattr(select, "poll"):  # on Windows, where select takes any descriptor
        return bool(select.select([descriptor], [], [], 0)[0])
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
