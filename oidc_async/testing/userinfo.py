"""The userinfo endpoint (OIDC Core 5.3): JSON, signed or encrypted responses."""

from collections.abc import Sequence
from urllib.parse import parse_qs, urlsplit

from oidc_async.protocol.http_message import HttpRequest

from .encryption import encrypt_for
from .jwt import JWTStages, sign_jwt
from .registry import Client, Grant, Registry
from .reply import JSON_HEADERS, JSONObject, Rejection, Reply, json_bytes, json_reply
from .stages import USERINFO_CLAIMS, USERINFO_DRAFT, USERINFO_HEADER, USERINFO_TOKEN, Scene, Spell
from .token_endpoint import read_form

STAGES = JWTStages(header=USERINFO_HEADER, claims=USERINFO_CLAIMS, draft=USERINFO_DRAFT, token=USERINFO_TOKEN)


def userinfo_claims(registry: Registry, grant: Grant) -> JSONObject:
    if grant.user is None:
        raise _unauthorized("insufficient_scope", "The access token has no user.", status=403)
    requested = grant.claims.get("userinfo", {})
    return {**grant.user.claims_for(grant.scope, tuple(requested)), "sub": grant.user.sub}


def userinfo_reply(registry: Registry, spells: Sequence[Spell], client: Client, claims: JSONObject) -> Reply:
    """Respond as the client registered: JSON, signed, encrypted or both."""
    scene = Scene(issuer=registry.issuer, now=registry.now(), ring=registry.ring, client=client)
    content, alg = json_bytes(claims), client.userinfo_signed_response_alg
    if alg is not None:
        told = {**claims, "iss": registry.issuer, "aud": client.client_id}
        content = sign_jwt({}, told, client.key_for(alg, registry.ring), STAGES, spells, scene).encode()
    encrypted = encrypt_for(registry, client, "userinfo", content, spells, scene)
    if alg is None and encrypted is None:
        return json_reply(claims)
    body = content if encrypted is None else encrypted.encode()
    return Reply(status=200, headers={**JSON_HEADERS, "content-type": "application/jwt"}, body=body)


def require_grant(registry: Registry, request: HttpRequest) -> Grant:
    """Return the grant of the bearer token (RFC 6750 2). Raises Rejection."""
    issued = registry.valid_access_token(_bearer_token(request))
    if issued is None:
        raise _unauthorized("invalid_token", "The access token is unknown or has expired.", status=401)
    if "openid" not in issued.grant.scope:
        raise _unauthorized("insufficient_scope", "The scope openid is missing.", status=403)
    return issued.grant


def _bearer_token(request: HttpRequest) -> str:
    """Return the token from the header or from the form of a POST, not both."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    scheme, _, token = headers.get("authorization", "").partition(" ")
    form = read_form(request) if request.method == "POST" and request.body else {}
    if "access_token" in parse_qs(urlsplit(request.url).query, keep_blank_values=True):
        raise Rejection("invalid_request", "The access token is in the URL.")
    if scheme and "access_token" in form:
        raise Rejection("invalid_request", "The access token was sent twice.")
    if scheme and scheme.lower() != "bearer":
        raise Rejection("invalid_request", "The Authorization header is not a bearer token.")
    return token or form.get("access_token", "")


def _unauthorized(error: str, description: str, *, status: int) -> Rejection:
    challenge = f'Bearer error="{error}", error_description="{description}"'
    return Rejection(error, description, status=status, www_authenticate=challenge)
