"""Caches in memory and their invalidation; no I/O."""
