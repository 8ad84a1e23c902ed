"""Stages where faults change values, and the faults in force."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Generic, Literal, TypeVar

from .keys import KeyRing, SecretKey, SigningKey
from .registry import Client
from .reply import JSONObject, Reply

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Context of a change: the provider, the time and the client."""

    issuer: str
    now: float
    ring: KeyRing
    client: Client | None = None
    nonce: str | None = field(default=None, repr=False)
    state: str | None = field(default=None, repr=False)


Change = Callable[[T, Scene], T]
"""A function from the correct value to the changed one."""


@dataclass(slots=True, kw_only=True)
class Draft:
    """The parts of a JWT before serialization."""

    header: JSONObject
    claims: JSONObject
    write_header: Callable[[JSONObject], bytes]
    write_payload: Callable[[JSONObject], bytes]
    sign: Callable[[bytes], bytes]
    key: SigningKey | SecretKey


@dataclass(slots=True, kw_only=True)
class JWEDraft:
    """The parts of a JWE before serialization, with the client's keys and secret.

    `at_last` is merged into the header after the keys are derived from it.
    """

    header: JSONObject
    content: bytes = field(repr=False)
    keys: Sequence[Mapping[str, Any]]
    secret: bytes = field(repr=False)
    compact: "Callable[[JWEDraft], str]"
    at_last: JSONObject = field(default_factory=dict[str, Any])


@dataclass(slots=True, kw_only=True)
class Answer:
    """An authorization response before it is encoded."""

    redirect_uri: str
    parameters: list[tuple[str, str]]
    response_mode: str


ExchangeKind = Literal[
    "login",
    "front_channel",
    "refresh",
    "introspection",
    "signed_introspection",
    "access_token",
    "encrypted_response",
    "signed_userinfo",
    "logout",
    "registration",
    "webfinger",
    "claim_source",
]
"""What a fault affects.

`front_channel` is a login with tokens in its authorization response; `encrypted_response` an encrypted ID token or
encrypted userinfo; `claim_source` aggregated and distributed claims.
"""


@dataclass(frozen=True, eq=False)
class Stage(Generic[T]):
    """A point where the provider produces a value of type T; call it to make an edit."""

    name: str
    exchange: ExchangeKind = "login"

    def __call__(self, change: Change[T]) -> "Edit[T]":
        return Edit(self, change)


@dataclass(frozen=True, slots=True)
class Edit(Generic[T]):
    """A change at a stage."""

    stage: Stage[T]
    change: Change[T]


DISCOVERY = Stage[JSONObject]("the discovery document")
DISCOVERY_REPLY = Stage[Reply]("the discovery response")
JWKS = Stage[JSONObject]("the key set")
JWKS_REPLY = Stage[Reply]("the key set response")
AUTHORIZATION = Stage[Answer]("the authorization response")
TOKEN = Stage[JSONObject]("the members of the token response")
TOKEN_REPLY = Stage[Reply]("the token response")
CLAIMS = Stage[JSONObject]("the claims of the ID token")
HEADER = Stage[JSONObject]("the header of the ID token")
DRAFT = Stage[Draft]("the parts of the ID token")
ID_TOKEN = Stage[str]("the ID token")
FRONT_CHANNEL_CLAIMS = Stage[JSONObject]("the claims of the ID token in the authorization response")
CODE_CLAIMS = Stage[JSONObject]("the claims of the ID token in the token response")
REFRESH = Stage[JSONObject]("the members of the response to a refresh", "refresh")
REFRESH_CLAIMS = Stage[JSONObject]("the claims of a refreshed ID token", "refresh")
USERINFO = Stage[JSONObject]("the userinfo claims")
USERINFO_REPLY = Stage[Reply]("the userinfo response")
INTROSPECTION = Stage[JSONObject]("the members of the introspection response for a valid token", "introspection")
INTROSPECTION_REPLY = Stage[Reply]("the introspection response", "introspection")
SIGNED_HEADER = Stage[JSONObject]("the header of the signed introspection response", "signed_introspection")
SIGNED_CLAIMS = Stage[JSONObject]("the claims of the signed introspection response", "signed_introspection")
SIGNED_DRAFT = Stage[Draft]("the parts of the signed introspection response", "signed_introspection")
SIGNED_TOKEN = Stage[str]("the signed introspection response", "signed_introspection")
SIGNED_REPLY = Stage[Reply]("the response that carries it", "signed_introspection")
ACCESS_TOKEN_HEADER = Stage[JSONObject]("the header of a JWT access token", "access_token")
ACCESS_TOKEN_CLAIMS = Stage[JSONObject]("the claims of a JWT access token", "access_token")
ACCESS_TOKEN_DRAFT = Stage[Draft]("the parts of a JWT access token", "access_token")
ACCESS_TOKEN = Stage[str]("a JWT access token", "access_token")
JWE_DRAFT = Stage[JWEDraft]("the parts of an encrypted ID token or userinfo response", "encrypted_response")
JWE_TOKEN = Stage[str]("an encrypted ID token or userinfo response", "encrypted_response")
USERINFO_HEADER = Stage[JSONObject]("the header of signed userinfo", "signed_userinfo")
USERINFO_CLAIMS = Stage[JSONObject]("the claims of signed userinfo", "signed_userinfo")
USERINFO_DRAFT = Stage[Draft]("the parts of signed userinfo", "signed_userinfo")
USERINFO_TOKEN = Stage[str]("signed userinfo", "signed_userinfo")
USERINFO_JWT_REPLY = Stage[Reply]("the response that carries signed userinfo", "signed_userinfo")
LOGOUT_HEADER = Stage[JSONObject]("the header of a logout token", "logout")
LOGOUT_CLAIMS = Stage[JSONObject]("the claims of a logout token", "logout")
LOGOUT_DRAFT = Stage[Draft]("the parts of a logout token", "logout")
LOGOUT_TOKEN = Stage[str]("a logout token", "logout")
REGISTRATION = Stage[JSONObject]("the members of the registration response", "registration")
REGISTRATION_REPLY = Stage[Reply]("the registration response", "registration")
WEBFINGER = Stage[JSONObject]("the members of the WebFinger response", "webfinger")
WEBFINGER_REPLY = Stage[Reply]("the WebFinger response", "webfinger")
SOURCE_HEADER = Stage[JSONObject]("the header of a JWT with aggregated or distributed claims", "claim_source")
SOURCE_CLAIMS = Stage[JSONObject]("the claims of such a JWT", "claim_source")
SOURCE_DRAFT = Stage[Draft]("the parts of such a JWT", "claim_source")
SOURCE_TOKEN = Stage[str]("such a JWT", "claim_source")
SOURCE_REPLY = Stage[Reply]("the response that carries it", "claim_source")
ANY_REPLY = Stage[Reply]("every response")

Outcome = Literal["rejected", "harmless", "either"]


@dataclass(kw_only=True, eq=False)
class Misbehaviour:
    """A fault, named after the class attribute that it is assigned to.

    Args:
        does: a short description.
        edits: the changes, each at its stage.
        outcome: what must happen to the affected login, refresh, API call, logout or registration.
        only_once: applies to the first response only.
        needs: authorization request parameters without which it has no effect.
        needs_alg: the `id_token_signed_response_alg` that it applies to.
        needs_encryption: the `alg` that it applies to, if it affects encrypted responses.
    """

    does: str
    edits: tuple[Edit[Any], ...]
    outcome: Outcome
    only_once: bool = False
    needs: Mapping[str, str] = field(default_factory=dict[str, str])
    needs_alg: str = "RS256"
    needs_encryption: str = "RSA-OAEP"
    name: str = field(default="", init=False)

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __str__(self) -> str:
        return self.name.lower()

    @property
    def exchange(self) -> ExchangeKind:
        """What it affects; if its stages differ, the first that is not a login."""
        if "response_type" in self.needs:
            return "front_channel"
        for edit in self.edits:
            if edit.stage.exchange != "login":
                return edit.stage.exchange
        return "login"

    @property
    def rejected(self) -> bool:
        """True if the affected login, refresh, API call or logout must fail."""
        return self.outcome == "rejected"

    @property
    def harmless(self) -> bool:
        """True if the affected login, refresh, API call or logout must succeed."""
        return self.outcome == "harmless"


def rejected(
    does: str,
    *edits: Edit[Any],
    needs: Mapping[str, str] | None = None,
    alg: str = "RS256",
    encryption: str = "RSA-OAEP",
) -> Misbehaviour:
    """A fault that must make the affected exchange fail."""
    return Misbehaviour(
        does=does, edits=edits, outcome="rejected", needs=needs or {}, needs_alg=alg, needs_encryption=encryption
    )


def harmless(
    does: str, *edits: Edit[Any], only_once: bool = False, needs: Mapping[str, str] | None = None
) -> Misbehaviour:
    """A deviation that must have no effect."""
    return Misbehaviour(does=does, edits=edits, outcome="harmless", only_once=only_once, needs=needs or {})


def either(does: str, *edits: Edit[Any]) -> Misbehaviour:
    """A fault that may be rejected or tolerated."""
    return Misbehaviour(does=does, edits=edits, outcome="either")


@dataclass(slots=True, kw_only=True, eq=False)
class Spell:
    """A fault in force; `left` counts its remaining uses, None is unlimited."""

    misbehaviour: Misbehaviour
    left: int | None = None


def strike(spells: Iterable[Spell], stage: Stage[T], value: T, scene: Scene) -> T:
    """Apply every fault in force at this stage to `value`."""
    for spell in spells:
        for edit in spell.misbehaviour.edits:
            if edit.stage is stage and spell.left != 0:
                value = edit.change(value, scene)
                if spell.left is not None:
                    spell.left -= 1
    return value


class Endpoint(Enum):
    """The provider's endpoints by name and path."""

    DISCOVERY = "/.well-known/openid-configuration"
    JWKS = "/jwks"
    AUTHORIZATION = "/authorize"
    TOKEN = "/token"
    USERINFO = "/userinfo"
    INTROSPECTION = "/introspect"
    REVOCATION = "/revoke"
    END_SESSION = "/end_session"
    REGISTRATION = "/register"
    WEBFINGER = "/.well-known/webfinger"
    CHECK_SESSION = "/check_session"
    CLAIMS = "/claims"
    PUSHED_AUTHORIZATION = "/par"


REPLY_STAGES: Mapping[Endpoint, Stage[Reply]] = {
    Endpoint.DISCOVERY: DISCOVERY_REPLY,
    Endpoint.JWKS: JWKS_REPLY,
    Endpoint.TOKEN: TOKEN_REPLY,
    Endpoint.USERINFO: USERINFO_REPLY,
    Endpoint.INTROSPECTION: INTROSPECTION_REPLY,
    Endpoint.REGISTRATION: REGISTRATION_REPLY,
    Endpoint.WEBFINGER: WEBFINGER_REPLY,
    Endpoint.CLAIMS: SOURCE_REPLY,
}

ELSEWHERE = "/elsewhere"
"""Path prefix of URLs that no client may request: redirect targets, keys of an attacker."""
