"""A simulated OpenID Provider for tests, which misbehaves on request."""

from .callback import Callback, NotRedirected
from .clock import Clock
from .faults import (
    ALL_FAULTS,
    API_FAULTS,
    CLAIM_SOURCE_FAULTS,
    ENCRYPTION_FAULTS,
    FRONT_CHANNEL_FAULTS,
    LOGOUT_FAULTS,
    REFRESH_FAULTS,
    REGISTRATION_FAULTS,
    SIGNED_USERINFO_FAULTS,
    WEBFINGER_FAULTS,
    Fault,
)
from .provider import SimulatedProvider
from .recorded_request import RecordedRequest
from .registry import Client, User
from .stages import Misbehaviour

__all__ = [
    "ALL_FAULTS",
    "API_FAULTS",
    "CLAIM_SOURCE_FAULTS",
    "ENCRYPTION_FAULTS",
    "FRONT_CHANNEL_FAULTS",
    "LOGOUT_FAULTS",
    "REFRESH_FAULTS",
    "REGISTRATION_FAULTS",
    "SIGNED_USERINFO_FAULTS",
    "WEBFINGER_FAULTS",
    "Callback",
    "Client",
    "Clock",
    "Fault",
    "Misbehaviour",
    "NotRedirected",
    "RecordedRequest",
    "SimulatedProvider",
    "User",
]
