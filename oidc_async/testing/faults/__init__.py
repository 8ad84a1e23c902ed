"""All faults of the provider, in tables by the place that they affect.

A `rejected` fault must end a login without a session, and a `harmless` one must not affect it. After an `either`
fault the login may succeed or fail, and only the library's own errors may be raised.

`Misbehaviour.exchange` states what a fault affects:

- a login, with or without tokens in its authorization response;
- a refresh, or a call to an API (introspection and JWT access tokens), which must then fail or succeed;
- a logout token, which must then be rejected or end the session;
- the registration of a client, or WebFinger, which fail the first login after them;
- the login of a client that registered for encryption or for signed userinfo;
- aggregated and distributed claims, which must then be missing or present.
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
"""Faults of a login."""

FRONT_CHANNEL_FAULTS: tuple[Misbehaviour, ...] = tuple(
    fault for fault in _EVERY_FAULT if fault.exchange == "front_channel"
)
"""Faults of a login with tokens in its authorization response (`needs`); `ALL_FAULTS` affect it too."""

REFRESH_FAULTS: tuple[Misbehaviour, ...] = tuple(fault for fault in _EVERY_FAULT if fault.exchange == "refresh")
"""Faults of a refresh; those of token responses and ID tokens affect it too."""

LOGOUT_FAULTS: tuple[Misbehaviour, ...] = tuple(fault for fault in _EVERY_FAULT if fault.exchange == "logout")
"""Faults of a logout token."""

REGISTRATION_FAULTS: tuple[Misbehaviour, ...] = tuple(
    fault for fault in _EVERY_FAULT if fault.exchange == "registration"
)
"""Faults of the registration of a client."""

WEBFINGER_FAULTS: tuple[Misbehaviour, ...] = tuple(fault for fault in _EVERY_FAULT if fault.exchange == "webfinger")
"""Faults of WebFinger."""

CLAIM_SOURCE_FAULTS: tuple[Misbehaviour, ...] = tuple(
    fault for fault in _EVERY_FAULT if fault.exchange == "claim_source"
)
"""Faults of aggregated and distributed claims; after a `rejected` one the claims are missing."""

ENCRYPTION_FAULTS: tuple[Misbehaviour, ...] = tuple(
    fault for fault in _EVERY_FAULT if fault.exchange == "encrypted_response"
)
"""Faults of encrypted ID tokens and encrypted userinfo."""

SIGNED_USERINFO_FAULTS: tuple[Misbehaviour, ...] = tuple(
    fault for fault in _EVERY_FAULT if fault.exchange == "signed_userinfo"
)
"""Faults of signed userinfo."""

_API_EXCHANGES = ("introspection", "signed_introspection", "access_token")

API_FAULTS: tuple[Misbehaviour, ...] = tuple(fault for fault in _EVERY_FAULT if fault.exchange in _API_EXCHANGES)
"""Faults of a call to an API."""
