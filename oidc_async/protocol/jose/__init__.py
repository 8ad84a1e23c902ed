"""Signed and encrypted tokens and their keys (RFC 7515 to 7519); the only importer of joserfc."""
