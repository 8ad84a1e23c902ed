"""JOSE: signed and encrypted tokens and their keys (RFC 7515 to 7519). The only package that imports joserfc."""
