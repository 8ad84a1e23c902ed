"""The port to network, clock and concurrent callers, and its two implementations: asyncio and threads."""
