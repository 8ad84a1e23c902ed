"""The userinfo endpoint (OIDC Core 5.3)."""

from ..protocol.http_message import HttpRequest
from .registry import Grant, Registry
from .reply import JSONObject, Refusal
from .token_endpoint import read_form


def userinfo_claims(registry: Registry, grant: Grant) -> JSONObject:
    if grant.user is None:
        raise _unauthorized("insufficient_scope", "This token speaks for no user.", status=403)
    requested = grant.claims.get("userinfo", {})
    return {**grant.user.claims_for(grant.scope, tuple(requested)), "sub": grant.user.sub}


def require_grant(registry: Registry, request: HttpRequest) -> Grant:
    """What the bearer token stands for (RFC 6750 2)."""
    issued = registry.valid_access_token(_bearer_token(request))
    if issued is None:
        raise _unauthorized("invalid_token", "The access token is unknown or has expired.", status=401)
    if "openid" not in issued.grant.scope:
        raise _unauthorized("insufficient_scope", "The scope openid is missing.", status=403)
    return issued.grant


def _bearer_token(request: HttpRequest) -> str:
    headers = {name.lower(): value for name, value in request.headers.items()}
    scheme, _, token = headers.get("authorization", "").partition(" ")
    in_body = read_form(request).get("access_token") if request.method == "POST" and request.body else None
    if scheme and in_body:
        raise Refusal("invalid_request", "The access token was sent twice.")
    if scheme and scheme.lower() != "bearer":
        raise Refusal("invalid_request", "The Authorization header is not a bearer token.")
    return token or in_body or ""


def _unauthorized(error: str, description: str, *, status: int) -> Refusal:
    challenge = f'Bearer error="{error}", error_description="{description}"'
    return Refusal(error, description, status=status, www_authenticate=challenge)
