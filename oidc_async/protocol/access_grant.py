"""What a verified access token grants, and what a protected resource asks of it (RFC 6750, RFC 9470)."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from oidc_async.errors import ClaimInvalid, InsufficientScope, InsufficientUserAuthentication

from .claims import Claims, read_audience

CLIENT_CLAIMS = ("client_id", "azp", "appid", "cid")
"""Claims that name the client that got a token: RFC 9068 2.2, OIDC Core 2, Microsoft Entra, Okta."""


class Access(Mapping[str, Any]):
    """The verified claims of an access token, as a mapping and by their meaning.

    Two of the same token share nothing that could be changed.
    """

    __slots__ = ("_claims", "_document", "scopes")

    scopes: frozenset[str]
    """The scope that was granted; empty when the provider names none."""

    def __init__(self, document: bytes, scopes: frozenset[str]) -> None:
        self._document, self.scopes = document, scopes
        self._claims: dict[str, Any] | None = None

    @classmethod
    def of(cls, claims: Claims, document: bytes = b"") -> "Access":
        """The access that verified claims grant. Raises ClaimInvalid when `scope` can't be read.

        `document` are the same claims as JSON, where there is that already.
        """
        return cls(document or json.dumps(dict(claims), separators=(",", ":")).encode(), read_scopes(claims))

    @property
    def document(self) -> bytes:
        """The claims as JSON."""
        return self._document

    def copy(self) -> "Access":
        """The same for somebody else."""
        return Access(self._document, self.scopes)

    @property
    def claims(self) -> dict[str, Any]:
        """The claims, a dict that belongs to this access alone. Read at first need: most views never look."""
        if self._claims is None:
            self._claims = json.loads(self._document)
        return cast("dict[str, Any]", self._claims)

    def __getitem__(self, name: str) -> Any:
        return self.claims[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.claims)

    def __len__(self) -> int:
        return len(self.claims)

    # and not by counting, for which they would have to be read
    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"<Access of the client {self.client_id!r}: {' '.join(sorted(self.scopes)) or 'no scope'}>"

    def to_dict(self) -> dict[str, Any]:
        """The claims, to do with as you like."""
        return self.copy().claims

    @property
    def subject(self) -> str | None:
        """`sub`: the user, or the client itself when there is none."""
        return self.get("sub")

    @property
    def client_id(self) -> str | None:
        """The client that the token was issued to: `client_id`, else `azp`, `appid` or `cid`."""
        return next((self[name] for name in CLIENT_CLAIMS if self.get(name)), None)

    @property
    def issuer(self) -> str | None:
        return self.get("iss")

    @property
    def audience(self) -> frozenset[str]:
        return read_audience(self) if "aud" in self else frozenset()

    @property
    def expires_at(self) -> float | None:
        """Seconds since the epoch; None when the provider doesn't say."""
        return self.claims.get("exp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """What a resource asks of a token that is good.

    Parameters:
        scopes: each of them must be granted.
        any_scopes: one of them must be; empty when none need be.
        acr_values: one of these must be the context in which the user authenticated; empty when any will do.
        max_age: seconds since the user authenticated, at most; None when it doesn't matter.
    """

    scopes: frozenset[str] = frozenset()
    any_scopes: frozenset[str] = frozenset()
    acr_values: tuple[str, ...] = ()
    max_age: float | None = None

    @property
    def scope(self) -> str:
        """A scope that is enough, which challenges name (RFC 6750 3): of `any_scopes`, all are in it."""
        return " ".join(sorted(self.scopes | self.any_scopes))

    @property
    def requires_authentication(self) -> bool:
        """Whether it matters how, or when, the user authenticated."""
        return bool(self.acr_values) or self.max_age is not None


NO_REQUIREMENTS = Requirements()


def require_granted(access: Access, requirements: Requirements, *, now: float, leeway: float) -> None:
    """Raise InsufficientScope or InsufficientUserAuthentication for what `access` does not grant.

    `now` is in seconds since the epoch, `leeway` in seconds.
    """
    if not grants_scope(access, requirements):
        raise InsufficientScope("The token does not grant the scope that is needed.", scope=requirements.scope)
    if requirements.requires_authentication:
        _require_authentication(access, requirements, now - leeway)


def grants_scope(access: Access, requirements: Requirements) -> bool:
    any_scopes = requirements.any_scopes
    return requirements.scopes <= access.scopes and not (any_scopes and any_scopes.isdisjoint(access.scopes))


def _require_authentication(access: Access, requirements: Requirements, now: float) -> None:
    max_age = requirements.max_age
    is_strong = not requirements.acr_values or access.get("acr") in requirements.acr_values
    if not is_strong or (max_age is not None and not _is_recent(access.get("auth_time"), now - max_age)):
        raise InsufficientUserAuthentication(
            "The user has to authenticate as this resource asks for.",
            acr_values=requirements.acr_values,
            max_age=max_age,
        )


def _is_recent(auth_time: object, since: float) -> bool:
    return isinstance(auth_time, int | float) and not isinstance(auth_time, bool) and auth_time >= since


def read_scopes(claims: Claims) -> frozenset[str]:
    """`scope`, or `scp` in its place, a string or a list of strings; empty when absent. Raises ClaimInvalid."""
    value = claims.get("scope", claims.get("scp"))
    if value is None:
        return frozenset()
    if isinstance(value, str):
        return frozenset(value.split())
    if not isinstance(value, list) or not all(isinstance(part, str) for part in cast("list[object]", value)):
        raise ClaimInvalid("scope must be a string, or a list of strings.", claim="scope")
    return frozenset(" ".join(cast("list[str]", value)).split())
