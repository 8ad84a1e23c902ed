"""The credentials of the views. Imports nothing: each app runs with the packages of its own environment."""

CLIENT_ID = "benchmark-client"
CLIENT_SECRET = "benchmark-secret-0123456789abcdef"
