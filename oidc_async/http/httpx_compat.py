"""Which HTTP library our own connections are made of: httpcore2 when `httpx2` is installed, else httpcore."""

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
    """One that trusts the authorities that httpx, or httpx2, trusts."""
    # Only here: importing it takes longer than all of ours, and who brings a context of his own does without it.
    try:
        from httpx2 import create_ssl_context
    except ImportError:
        from httpx import create_ssl_context
    return create_ssl_context(trust_env=False)
