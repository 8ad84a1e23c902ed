"""The parts that the Flask and Quart extensions share, without a framework.

For applications and libraries that serve both frameworks it exports `NewLogin` and the module `signals`.
"""

from typing import TYPE_CHECKING, Any

from .login_hook import NewLogin

if TYPE_CHECKING:
    from . import signals

__all__ = ["NewLogin", "signals"]


def __getattr__(name: str) -> Any:
    # Importing oidc_async imports this package, and blinker is installed only with an extra.
    if name == "signals":
        from importlib import import_module

        return import_module(f"{__name__}.signals")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
