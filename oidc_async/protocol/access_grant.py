"""The access that a verified token grants, and the requirements of a resource (RFC 6750, RFC 9470)."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from oidc_async.errors import ClaimInvalid, InsufficientScope, InsufficientUserAuthentication

from .claims import Claims, read_audience

CLIENT_CLAIMS = ("client_id", "azp", "appid", "cid")
"""Claims that name the client of a token: RFC 9068 2.2, OIDC Core 2, Microsoft Entra, Okta."""


class Access(Mapping[str, Any]):
    """The verified claims of an access token, as a mapping and as properties.

    It keeps the claims as JSON, which is compact in a cache, and parses them on first access. Two objects of the same
    token share nothing mutable.
    """

    __slots__ = ("_claims", "_document", "scopes")

    scopes: frozenset[str]
    """The granted scopes; empty if the token has none."""

    def __init__(self, document: bytes, scopes: frozenset[str]) -> None:
        self._document, self.scopes = document, scopes
        self._claims: dict[str, Any] | None = None

    @classmethod
    def of(cls, claims: Claims, document: bytes = b"") -> "Access":
        """Create an Access from verified claims. Raises ClaimInvalid if `scope` is malformed.

        `document` is the JSON of the same claims, if it exists already.
        """
        return cls(document or json.dumps(dict(claims), separators=(",", ":")).encode(), read_scopes(claims))

    @property
    def document(self) -> bytes:
        """The claims, as JSON."""
        return self._document

    def copy(self) -> "Access":
        """Return an independent copy."""
        return Access(self._document, self.scopes)

    @property
    def claims(self) -> dict[str, Any]:
        """The claims, as a dict of this object alone. Parsed on first access, because most views don't need them."""
        if self._claims is None:
            self._claims = json.loads(self._document)
        return cast("dict[str, Any]", self._claims)

    def __getitem__(self, name: str) -> Any:
        return self.claims[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.claims)

    def __len__(self) -> int:
        return len(self.claims)

    # By default, truth is the length, which would parse the claims.
    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"<Access of the client {self.client_id!r}: {' '.join(sorted(self.scopes)) or 'no scope'}>"

    def to_dict(self) -> dict[str, Any]:
        """Return the claims as a new dict."""
        return self.copy().claims

    @property
    def subject(self) -> str | None:
        """`sub`: the user, or the client itself if no user is involved."""
        return self.get("sub")

    @property
    def client_id(self) -> str | None:
        """The client that the token was issued to: `client_id`, `azp`, `appid` or `cid`."""
        return next((self[name] for name in CLIENT_CLAIMS if self.get(name)), None)

    @property
    def issuer(self) -> str | None:
        return self.get("iss")

    @property
    def audience(self) -> frozenset[str]:
        return read_audience(self) if "aud" in self else frozenset()

    @property
    def expires_at(self) -> float | None:
        """`exp`, in seconds since the epoch; None if absent."""
        return self.claims.get("exp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """The requirements of a resource for valid tokens.

    Args:
        scopes: scopes that must all be granted.
        any_scopes: scopes of which at least one must be granted; ignored if empty.
        acr_values: the accepted values of `acr`; empty accepts every value.
        max_age: the maximum seconds since the authentication of the user; None for no limit.
    """

    scopes: frozenset[str] = frozenset()
    any_scopes: frozenset[str] = frozenset()
    acr_values: tuple[str, ...] = ()
    max_age: float | None = None

    @property
    def scope(self) -> str:
        """A sufficient scope, for challenges (RFC 6750 3). It includes all of `any_scopes`."""
        return " ".join(sorted(self.scopes | self.any_scopes))

    @property
    def requires_authentication(self) -> bool:
        """Whether there are requirements for the authentication of the user."""
        return bool(self.acr_values) or self.max_age is not None


NO_REQUIREMENTS = Requirements()


def require_granted(access: Access, requirements: Requirements, *, now: float, leeway: float) -> None:
    """Require that `access` meets the requirements.

    Args:
        access: the verified access.
        requirements: the requirements of the resource.
        now: seconds since the epoch.
        leeway: the tolerated clock difference, in seconds.

    Raises:
        InsufficientScope: a scope is missing.
        InsufficientUserAuthentication: `acr` or `auth_time` is not sufficient.
    """
    if not grants_scope(access, requirements):
        raise InsufficientScope("The token does not grant the required scope.", scope=requirements.scope)
    if requirements.requires_authentication:
        _require_authentication(access, requirements, now - leeway)


def grants_scope(access: Access, requirements: Requirements) -> bool:
    any_scopes = requirements.any_scopes
    return requirements.scopes <= access.scopes and not (any_scopes and any_scopes.isdisjoint(access.scopes))


def _require_authentication(access: Access, requirements: Requirements, now: float) -> None:
    max_age = requirements.max_age
    # A missing acr or auth_time does not meet a requirement: the client then has to authenticate the user again (RFC
    # 9470 3).
    is_strong = not requirements.acr_values or access.get("acr") in requirements.acr_values
    if not is_strong or (max_age is not None and not _is_recent(access.get("auth_time"), now - max_age)):
        raise InsufficientUserAuthentication(
            "The user has to authenticate again, as this resource requires by acr_values or max_age.",
            acr_values=requirements.acr_values,
            max_age=max_age,
        )


def _is_recent(auth_time: object, since: float) -> bool:
    return isinstance(auth_time, int | float) and not isinstance(auth_time, bool) and auth_time >= since


def read_scopes(claims: Claims) -> frozenset[str]:
    """Return the scopes of `scope` or else `scp`, a string or an array; empty if absent. Raises ClaimInvalid."""
    value = claims.get("scope", claims.get("scp"))
    if value is None:
        return frozenset()
    if isinstance(value, str):
        return frozenset(value.split())
    if not isinstance(value, list) or not all(isinstance(part, str) for part in cast("list[object]", value)):
        raise ClaimInvalid("scope must be a string, or a list of strings.", claim="scope")
    return frozenset(" ".join(cast("list[str]", value)).split())
