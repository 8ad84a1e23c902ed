"""The provider and our client at it, as both roles need them: metadata, keys, registration, authentication."""
