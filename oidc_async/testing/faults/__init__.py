"""Every way in which the provider can misbehave: one line each, in tables by where it strikes.

A `refused` fault must end a login without a session, a `harmless` one must not disturb it. After `either` a login
may go both ways, but nothing than our own errors may come out.
"""

from ..stages import ANY_REPLY, Misbehaviour, harmless
from .authorization import AuthorizationFaults
from .claims import ClaimFaults
from .discovery import DiscoveryFaults
from .id_token import IDTokenFaults
from .jwks import JWKSFaults
from .responses import header
from .token import TokenFaults
from .userinfo import UserInfoFaults


class Fault(
    DiscoveryFaults, JWKSFaults, AuthorizationFaults, TokenFaults, IDTokenFaults, ClaimFaults, UserInfoFaults
):
    """All faults by name, for `provider.misbehaving(Fault.ID_TOKEN_ISS_OTHER)`."""

    ANY_COOKIE = harmless("every response sets a cookie", ANY_REPLY(header("set-cookie", "op=1; Path=/")))


ALL_FAULTS: tuple[Misbehaviour, ...] = tuple(
    fault
    for table in (*Fault.__mro__[1:], Fault)
    for fault in vars(table).values()
    if isinstance(fault, Misbehaviour)
)
