"""Logging users in and out, and refreshing their tokens (OpenID Connect Core)."""
