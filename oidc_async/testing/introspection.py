"""The introspection endpoint (RFC 7662), JSON or signed (RFC 9701)."""

from collections.abc import Mapping, Sequence

from oidc_async.protocol.http_message import HttpRequest

from .access_token import token_claims
from .jwt import JWTStages, sign_jwt
from .registry import Client, IssuedToken, Registry
from .reply import JSON_HEADERS, JSONObject, Rejection, Reply
from .stages import SIGNED_CLAIMS, SIGNED_DRAFT, SIGNED_HEADER, SIGNED_TOKEN, Scene, Spell

JWT_MEDIA_TYPE = "application/token-introspection+jwt"

STAGES = JWTStages(header=SIGNED_HEADER, claims=SIGNED_CLAIMS, draft=SIGNED_DRAFT, token=SIGNED_TOKEN)


def introspection_document(registry: Registry, form: Mapping[str, str]) -> JSONObject:
    """Return the introspection response; inactive for unknown or expired tokens."""
    if "token" not in form:
        raise Rejection("invalid_request", "token is missing.")
    issued = registry.valid_access_token(form["token"])
    return {"active": False} if issued is None else _active(registry, issued)


def _active(registry: Registry, issued: IssuedToken) -> JSONObject:
    user = issued.grant.user
    who = {"sub": user.sub, "username": user.username} if user else {}
    told = {**token_claims(registry, issued), "nbf": issued.issued_at, "token_type": "Bearer"}
    return {"active": True, **who, **told, **issued.claims}


def wants_jwt(client: Client, request: HttpRequest) -> bool:
    """Return whether the client registered for and accepts a JWT (RFC 9701 4)."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    accepted = [name.partition(";")[0].strip().lower() for name in headers.get("accept", "").split(",")]
    return client.introspection_signed_response_alg is not None and JWT_MEDIA_TYPE in accepted


def signed_reply(registry: Registry, spells: Sequence[Spell], client: Client, document: JSONObject) -> Reply:
    """Sign the introspection response for this client (RFC 9701 5)."""
    key = client.key_for(client.introspection_signed_response_alg or "RS256", registry.ring)
    claims: JSONObject = {
        "iss": registry.issuer,
        "aud": client.client_id,
        "iat": int(registry.now()),
        "token_introspection": document,
    }
    scene = Scene(issuer=registry.issuer, now=registry.now(), ring=registry.ring, client=client)
    token = sign_jwt({"typ": "token-introspection+jwt"}, claims, key, STAGES, spells, scene)
    return Reply(status=200, headers={**JSON_HEADERS, "content-type": JWT_MEDIA_TYPE}, body=token.encode())
