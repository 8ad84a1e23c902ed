"""Accepting access tokens: introspection and JWTs (RFC 6750, 7662, 9068)."""
