"""How requests reach a provider: connections, their limits, and what goes over the wire."""
