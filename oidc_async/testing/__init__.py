"""An OpenID Provider for tests, which behaves or misbehaves on purpose."""

from .clock import Clock
from .faults import Fault
from .provider import RecordedRequest, SimulatedProvider
from .registry import Client, User
from .reply import Callback, NotRedirected

__all__ = [
    "Callback",
    "Client",
    "Clock",
    "Fault",
    "NotRedirected",
    "RecordedRequest",
    "SimulatedProvider",
    "User",
]
