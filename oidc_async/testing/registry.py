"""The state of the provider: clients, users, sessions, codes and tokens."""

import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from oidc_async.protocol.http_message import HttpResponse

from .clock import Clock
from .keys import KeyRing, SecretKey, SigningKey

CODE_LIFETIME = 60
ACCESS_TOKEN_LIFETIME = 600
ID_TOKEN_LIFETIME = 600

SCOPE_CLAIMS: Mapping[str, frozenset[str]] = {
    "profile": frozenset(
        {"name", "family_name", "given_name", "middle_name", "nickname", "preferred_username", "profile"}
        | {"picture", "website", "gender", "birthdate", "zoneinfo", "locale", "updated_at"}
    ),
    "email": frozenset({"email", "email_verified"}),
    "address": frozenset({"address"}),
    "phone": frozenset({"phone_number", "phone_number_verified"}),
}
"""The claims that each scope requests (OIDC Core 5.4)."""

RequestedClaims = Mapping[str, Mapping[str, Any]]
"""The `claims` parameter: names for `id_token` and for `userinfo` (OIDC Core 5.5)."""

T = TypeVar("T")
AccessTokenForm = Literal["opaque", "jwt"]

_SCOPED_CLAIMS = frozenset[str]().union(*SCOPE_CLAIMS.values())


def token() -> str:
    return secrets.token_urlsafe(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A registered client; its metadata have the names of OIDC Registration 2."""

    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    backchannel_logout_uri: str | None = None
    frontchannel_logout_uri: str | None = None
    response_types: tuple[str, ...] = ("code",)
    token_endpoint_auth_method: str = "client_secret_basic"
    introspection_endpoint_auth_method: str = "client_secret_basic"
    token_endpoint_auth_signing_alg: str | None = None
    assertion_audience: Literal["issuer", "token_endpoint"] = "issuer"
    id_token_signed_response_alg: str = "RS256"
    id_token_encrypted_response_alg: str | None = None
    id_token_encrypted_response_enc: str | None = None
    userinfo_signed_response_alg: str | None = None
    userinfo_encrypted_response_alg: str | None = None
    userinfo_encrypted_response_enc: str | None = None
    introspection_signed_response_alg: str | None = None
    request_object_signing_alg: str | None = None
    request_object_encryption_alg: str | None = None
    request_object_encryption_enc: str | None = None
    request_uris: tuple[str, ...] = ()
    client_secret_expires_at: int = 0
    access_tokens: AccessTokenForm = "opaque"
    rotates_refresh_tokens: bool = True
    jwks: Mapping[str, Any] = field(default_factory=dict[str, Any])
    jwks_uri: str | None = None

    def key_for(self, alg: str, ring: KeyRing) -> SigningKey | SecretKey:
        """Return the signing key for this client. Raises ValueError: unknown alg."""
        if alg.startswith("HS"):
            return SecretKey(secret=(self.client_secret or "").encode(), alg=alg)
        return ring.key(alg)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationPolicy:
    """Policy of dynamic registration; see `SimulatedProvider.open_registration`."""

    initial_access_token: str | None = field(default=None, repr=False)
    secret_seconds: int = 0
    renews_secrets: bool = False
    is_managed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An end-user: `claims` are for userinfo, `id_token_claims` for every ID token."""

    username: str
    sub: str
    password: str = field(repr=False)
    claims: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    id_token_claims: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)

    def claims_for(self, scope: Collection[str], requested: Collection[str]) -> dict[str, Any]:
        """Return the claims: standard ones if scoped or requested by name, others always."""
        allowed = frozenset(requested).union(*(SCOPE_CLAIMS.get(name, ()) for name in scope))
        return {name: value for name, value in self.claims.items() if name in allowed or name not in _SCOPED_CLAIMS}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSession:
    """A user's login at the provider."""

    sid: str
    auth_time: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a user granted a client; all tokens from one code share a `family`."""

    client_id: str
    scope: tuple[str, ...]
    user: User | None = None
    session: ProviderSession | None = None
    nonce: str | None = None
    acr: str | None = None
    claims: RequestedClaims = field(default_factory=dict[str, Mapping[str, Any]])
    family: str = field(default_factory=token, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedCode:
    grant: Grant
    redirect_uri: str
    code_challenge: str | None = field(repr=False)
    expires_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedToken:
    """The data of an access token, times in whole seconds; `claims` are additional."""

    grant: Grant
    issued_at: int
    expires_at: int
    audience: str | list[str]
    jti: str = field(default_factory=token)
    claims: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(slots=True, kw_only=True)
class Registry:
    """The state of the provider."""

    issuer: str
    clock: Clock
    ring: KeyRing
    fetch: Callable[[str], HttpResponse] | None = None
    clients: dict[str, Client] = field(default_factory=dict[str, Client])
    registration: RegistrationPolicy | None = None
    manages_sessions: bool = False
    registrations: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]], repr=False)
    users: dict[str, User] = field(default_factory=dict[str, User])
    sessions: dict[str, ProviderSession] = field(default_factory=dict[str, ProviderSession])
    signed_out: set[str] = field(default_factory=set[str])
    spent_assertions: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    codes: dict[str, IssuedCode] = field(default_factory=dict[str, IssuedCode])
    spent_codes: dict[str, Grant] = field(default_factory=dict[str, Grant])
    access_tokens: dict[str, IssuedToken] = field(default_factory=dict[str, IssuedToken])
    refresh_tokens: dict[str, Grant] = field(default_factory=dict[str, Grant])
    spent_refresh_tokens: dict[str, Grant] = field(default_factory=dict[str, Grant])
    pushed: dict[str, tuple[str, dict[str, str], float]] = field(
        default_factory=dict[str, tuple[str, dict[str, str], float]], repr=False
    )
    distributed_claims: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]], repr=False)
    id_tokens: dict[str, Grant] = field(default_factory=dict[str, Grant])

    def now(self) -> float:
        return self.clock()

    def endpoint(self, path: str) -> str:
        return self.issuer.rstrip("/") + path

    def sign_in(self, username: str) -> ProviderSession:
        """Start a new session for this user."""
        self.signed_out.discard(username)
        self.sessions[username] = ProviderSession(sid=token(), auth_time=int(self.now()))
        return self.sessions[username]

    def sign_out(self, username: str) -> None:
        self.sessions.pop(username, None)
        self.signed_out.add(username)

    def logged_in_clients(self, session: ProviderSession) -> list[Client]:
        """Return the clients that got an ID token in this session, sorted by client_id."""
        names = {grant.client_id for grant in self.id_tokens.values() if grant.session == session}
        return [self.clients[name] for name in sorted(names & self.clients.keys())]

    def is_older_than(self, session: ProviderSession, max_age: str | None) -> bool:
        """Return whether the login is older than the parameter `max_age` (seconds)."""
        asked = max_age is not None and max_age.isdecimal()
        return asked and self.now() - session.auth_time > int(max_age or 0)

    def valid_access_token(self, value: str) -> IssuedToken | None:
        """Return the data of this token; None if it is unknown, revoked or expired."""
        issued = self.access_tokens.get(value)
        return issued if issued and self.now() < issued.expires_at else None

    def issue_refresh_token(self, grant: Grant) -> str:
        value = token()
        self.refresh_tokens[value] = grant
        return value

    def revoke(self, family: str) -> None:
        """Revoke every token of this family, as after a replayed code."""
        for tokens in (self.access_tokens, self.refresh_tokens):
            for value in [value for value, issued in tokens.items() if _family(issued) == family]:
                tokens.pop(value)


def _family(issued: IssuedToken | Grant) -> str:
    return issued.grant.family if isinstance(issued, IssuedToken) else issued.family


def known(things: Mapping[str, T], name: str, maker: str) -> T:
    """Return the entry of this name. Raises KeyError that names its `maker`."""
    if name not in things:
        raise KeyError(f"{name!r} is unknown; {maker}() first")
    return things[name]
