"""The I/O port of the core, and its implementations on asyncio and in threads."""
