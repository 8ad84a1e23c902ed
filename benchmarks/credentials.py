"""Whom the views are at the provider. Nothing is imported here: each app runs on what its own environment has."""

CLIENT_ID = "benchmark-client"
CLIENT_SECRET = "benchmark-secret-0123456789abcdef"
