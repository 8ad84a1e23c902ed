"""What both roles know of a provider and of our client there: metadata, keys, registration, authentication."""
