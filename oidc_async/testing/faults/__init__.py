"""Every way in which the provider can misbehave: one line each, in tables by where it strikes.

A `rejected` fault must end a login without a session, a `harmless` one must not disturb it. After `either` a login
may go both ways, but nothing than our own errors may come out.

Those of the front channel are met by a login that asks for more than a code, or for something else.
Faults of introspection and of access tokens concern no login but a call to an API, which in the same way must end
without an answer, or with it, or may go both ways; those of a refresh concern that one, and those of a logout token a
logout, which must not happen by it, or must. Those of a registration concern the first login after it, and those of
WebFinger the search for the provider of a user before it. Those of encryption and signed userinfo concern the login
of a client that registered for it, and those of a source of claims these claims, which must then be missing, or be
there. `Misbehaviour.exchange` tells which.
"""

from oidc_async.testing.stages import ANY_REPLY, Misbehaviour, harmless

from .access_token import AccessTokenFaults
from .authorization import AuthorizationFaults
from .claim_sources import ClaimSourceFaults, DistributedClaimFaults
from .claims import ClaimFaults
from .discovery import DiscoveryFaults
from .encryption import EncryptionFaults
from .front_channel import FrontChannelFaults
from .id_token import IDTokenFaults
from .introspection import IntrospectionFaults, SignedIntrospectionFaults
from .jwks import JWKSFaults
from .logout_token import LogoutTokenFaults
from .refresh import RefreshFaults
from .registration import RegistrationFaults
from .responses import header
from .signed_userinfo import SignedUserInfoFaults
from .token import TokenFaults
from .userinfo import UserInfoFaults
from .webfinger import WebFingerFaults


class Fault(
    DiscoveryFaults,
    JWKSFaults,
    AuthorizationFaults,
    FrontChannelFaults,
    TokenFaults,
    IDTokenFaults,
    ClaimFaults,
    UserInfoFaults,
    RefreshFaults,
    IntrospectionFaults,
    SignedIntrospectionFaults,
    AccessTokenFaults,
    EncryptionFaults,
    SignedUserInfoFaults,
    LogoutTokenFaults,
    RegistrationFaults,
    WebFingerFaults,
    ClaimSourceFaults,
    DistributedClaimFaults,
):
    """All faults by name, for `provider.misbehaving(Fault.ID_TOKEN_ISS_OTHER)`."""

    ANY_COOKIE = harmless("every response sets a cookie", ANY_REPLY(header("set-cookie", "op=1; Path=/")))


_EVERY_FAULT = tuple(
    fault
    for table in (*Fault.__mro__[1:], Fault)
    for fault in vars(table).values()
    if isinstance(fault, Misbehaviour)
)

ALL_FAULTS: tuple[Misbehaviour, ...] = tuple(fault for fault in _EVERY_FAULT if fault.exchange == "login")
"""Those that a login can meet."""

FRONT_CHANNEL_FAULTS: tuple[Misbehaviour, ...] = tuple(
    fault for fault in _EVERY_FAULT if fault.exchange == "front_channel"
)
"""Those that a login alone can meet whose response type, in `needs`, asks for tokens; it can also meet the former."""

REFRESH_FAULTS: tuple[Misbehaviour, ...] = tuple(fault for fault in _EVERY_FAULT if fault.exchange == "refresh")
"""Those that a refresh alone can meet; it can also meet those of a token response and of an ID token."""

LOGOUT_FAULTS: tuple[Misbehaviour, ...] = tuple(fault for fault in _EVERY_FAULT if fault.exchange == "logout")
"""Those of a logout token."""

REGISTRATION_FAULTS: tuple[Misbehaviour, ...] = tuple(
    fault for fault in _EVERY_FAULT if fault.exchange == "registration"
)
"""Those that the registration of a client can meet."""

WEBFINGER_FAULTS: tuple[Misbehaviour, ...] = tuple(fault for fault in _EVERY_FAULT if fault.exchange == "webfinger")
"""Those that the search for the provider of a user can meet."""

CLAIM_SOURCE_FAULTS: tuple[Misbehaviour, ...] = tuple(
    fault for fault in _EVERY_FAULT if fault.exchange == "claim_source"
)
"""Those of claims that a provider vouches for elsewhere: by a `rejected` one they are not believed."""

ENCRYPTION_FAULTS: tuple[Misbehaviour, ...] = tuple(
    fault for fault in _EVERY_FAULT if fault.exchange == "encrypted_response"
)
"""Those that the login of a client can meet that registered for an encrypted ID token, or for encrypted userinfo."""

SIGNED_USERINFO_FAULTS: tuple[Misbehaviour, ...] = tuple(
    fault for fault in _EVERY_FAULT if fault.exchange == "signed_userinfo"
)
"""Those that the login of a client can meet that registered for signed userinfo."""

_API_EXCHANGES = ("introspection", "signed_introspection", "access_token")

API_FAULTS: tuple[Misbehaviour, ...] = tuple(fault for fault in _EVERY_FAULT if fault.exchange in _API_EXCHANGES)
"""Those that a call to an API can meet."""
