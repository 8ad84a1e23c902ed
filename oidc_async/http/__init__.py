"""HTTP: connections to providers, their limits, and the messages on the wire."""
