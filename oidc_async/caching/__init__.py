"""Caches in memory and what invalidates them; no I/O."""
