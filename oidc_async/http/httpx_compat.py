"""Chooses the HTTP library: httpcore2 if `httpx2` is installed, else httpcore."""

import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpcore as core
else:
    try:
        import httpcore2 as core
    except ImportError:
        import httpcore as core

__all__ = ["core", "usual_tls_context"]


def usual_tls_context() -> ssl.SSLContext:
    """Return a TLS context with the certificate authorities of httpx or httpx2."""
    # Imported only here: it takes longer than importing this library, and an application with its own TLS context
    # does not need it.
    try:
        from httpx2 import create_ssl_context
    except ImportError:
        from httpx import create_ssl_context
    return create_ssl_context(trust_env=False)
