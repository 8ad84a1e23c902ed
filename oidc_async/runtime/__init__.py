"""The port to the network, the clock and concurrent callers, and its implementations: asyncio and threads."""
