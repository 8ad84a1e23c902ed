"""Aggregated and distributed claims (OIDC Core 5.6.2)."""

from collections.abc import Mapping, Sequence
from typing import Any

from oidc_async.protocol.http_message import HttpRequest

from .jwt import JWTStages, sign_jwt
from .registry import Registry, token
from .reply import JSON_HEADERS, Rejection, Reply
from .stages import SOURCE_CLAIMS, SOURCE_DRAFT, SOURCE_HEADER, SOURCE_TOKEN, Endpoint, Scene, Spell

STAGES = JWTStages(header=SOURCE_HEADER, claims=SOURCE_CLAIMS, draft=SOURCE_DRAFT, token=SOURCE_TOKEN)


def claims_token(registry: Registry, spells: Sequence[Spell], claims: Mapping[str, Any]) -> str:
    """Sign claims, for a provider that aggregates them."""
    scene = Scene(issuer=registry.issuer, now=registry.now(), ring=registry.ring)
    told = {"iss": registry.issuer, **claims}
    return sign_jwt({}, told, registry.ring.key("RS256"), STAGES, spells, scene)


def distribute_claims(registry: Registry, claims: Mapping[str, Any]) -> dict[str, str]:
    """Store claims, and return the source that a provider refers to."""
    value = token()
    registry.distributed_claims[value] = dict(claims)
    return {"endpoint": registry.endpoint(Endpoint.CLAIMS.value), "access_token": value}


def claims_reply(registry: Registry, spells: Sequence[Spell], request: HttpRequest) -> Reply:
    """Return the distributed claims of the bearer token. Raises Rejection."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or value not in registry.distributed_claims:
        raise Rejection("invalid_token", "The access token is unknown.", status=401)
    body = claims_token(registry, spells, registry.distributed_claims[value]).encode()
    return Reply(status=200, headers={**JSON_HEADERS, "content-type": "application/jwt"}, body=body)
