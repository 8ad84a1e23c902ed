"""What a provider is asked, held up until a test lets it go."""

import asyncio
import threading
from typing import Any

from oidc_async.runtime.port import Runtime

from .api import Detour
from .site import Framework, QuartFramework

SECONDS = 20
"""Until a test gives up; nothing takes as long."""


class Gate(Detour):
    """Holds requests up until it is opened."""

    def __init__(self, origin: Runtime, framework: Framework, endpoint: str = "/introspect") -> None:
        super().__init__(origin, endpoint)
        self._opened: Any = asyncio.Event() if isinstance(framework, QuartFramework) else threading.Event()
        self.arrived = 0

    def open(self) -> None:
        self._opened.set()

    def close(self) -> None:
        self._opened.clear()

    async def on_the_way(self) -> None:
        self.arrived += 1
        if isinstance(self._opened, asyncio.Event):
            await asyncio.wait_for(self._opened.wait(), SECONDS)
        else:
            assert self._opened.wait(SECONDS)
