"""A provider and our client at it: metadata, keys, registration, authentication."""
