"""Access tokens: opaque ones, and JWTs (RFC 9068)."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from .jwt import JWTStages, sign_jwt
from .registry import ACCESS_TOKEN_LIFETIME, Client, Grant, IssuedToken, Registry, token
from .reply import JSONObject
from .stages import (
    ACCESS_TOKEN,
    ACCESS_TOKEN_CLAIMS,
    ACCESS_TOKEN_DRAFT,
    ACCESS_TOKEN_HEADER,
    Scene,
    Spell,
)

STAGES = JWTStages(
    header=ACCESS_TOKEN_HEADER, claims=ACCESS_TOKEN_CLAIMS, draft=ACCESS_TOKEN_DRAFT, token=ACCESS_TOKEN
)


def token_data(
    registry: Registry,
    grant: Grant,
    *,
    audience: str | Collection[str] | None = None,
    lifetime: int | None = None,
    claims: Mapping[str, Any] | None = None,
) -> IssuedToken:
    """Return the data of a token for this grant; its default audience is the client."""
    now = int(registry.now())
    named = grant.client_id if audience is None else audience
    return IssuedToken(
        grant=grant,
        issued_at=now,
        expires_at=now + (ACCESS_TOKEN_LIFETIME if lifetime is None else lifetime),
        audience=named if isinstance(named, str) else list(named),
        claims=dict(claims or {}),
    )


def issue_access_token(
    registry: Registry,
    spells: Sequence[Spell],
    client: Client,
    issued: IssuedToken,
    *,
    jwt: bool | None = None,
    header: Mapping[str, Any] | None = None,
) -> str:
    """Issue an access token in the form that the client registered, or as `jwt` says.

    The provider knows the correct JWT only: one that a fault changed is inactive, like a forgery.
    """
    if not (client.access_tokens == "jwt" if jwt is None else jwt):
        value = token()
        registry.access_tokens[value] = issued
        return value
    correct = _signed(registry, (), client, issued, header)
    registry.access_tokens[correct] = issued
    return _signed(registry, spells, client, issued, header) if spells else correct


def _signed(
    registry: Registry,
    spells: Sequence[Spell],
    client: Client,
    issued: IssuedToken,
    header: Mapping[str, Any] | None,
) -> str:
    user = issued.grant.user
    subject = {"sub": user.sub if user else issued.grant.client_id}
    claims = {**subject, **token_claims(registry, issued), **issued.claims}
    scene = Scene(issuer=registry.issuer, now=registry.now(), ring=registry.ring, client=client)
    key = registry.ring.key("RS256")
    return sign_jwt({"typ": "at+jwt", **(header or {})}, claims, key, STAGES, spells, scene)


def token_claims(registry: Registry, issued: IssuedToken) -> JSONObject:
    """Return the claims for a JWT (RFC 9068 2.2) or introspection (RFC 7662 2.2)."""
    grant = issued.grant
    told: JSONObject = {
        "iss": registry.issuer,
        "client_id": grant.client_id,
        "aud": issued.audience,
        "scope": " ".join(grant.scope) or None,
        "exp": issued.expires_at,
        "iat": issued.issued_at,
        "jti": issued.jti,
        "acr": grant.acr,
        "auth_time": grant.session and grant.session.auth_time,
    }
    return {name: value for name, value in told.items() if value is not None}
