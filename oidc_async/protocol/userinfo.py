"""Userinfo requests and responses: plain, signed or encrypted (OIDC Core 5.3)."""

from typing import Any
from urllib.parse import urlencode

from oidc_async.errors import ClaimInvalid, ProviderUnreachable, UserInfoInvalid

from .claims import require_audience, require_issuer, require_not_before, require_not_expired
from .http_message import HttpRequest, HttpResponse
from .jose.jws import CompactJWS, VerificationKey, parse_compact, require_algorithm, verify_compact
from .oauth_error import quote_description, read_description
from .strict_json import read_object

JWT_TYPE = "application/jwt"
API_TOKEN_HINT = "Some providers (Entra ID, AD FS) reject access tokens that were issued for an API."
DISABLE_HINT = (
    "userinfo_http_method=None in ProviderConfiguration disables userinfo: the ID token has claims as well."
)


def userinfo_request(
    endpoint: str, access_token: str, method: str, *, as_jwt: bool = False, in_body: bool = False
) -> HttpRequest:
    """Return the userinfo request (OIDC Core 5.3.1).

    Args:
        endpoint: the URL of the UserInfo Endpoint.
        access_token: the access token.
        method: GET or POST.
        as_jwt: whether a JWT is requested instead of JSON.
        in_body: whether the token is in a form by POST (RFC 6750 2.2) instead of the header (RFC 6750 2.1).
    """
    accept = {"accept": JWT_TYPE if as_jwt else "application/json"}
    if not in_body:
        headers = {**accept, "authorization": f"Bearer {access_token}"}
        return HttpRequest(method=method, url=endpoint, headers=headers, repeatable=True)
    headers = {**accept, "content-type": "application/x-www-form-urlencoded"}
    body = urlencode({"access_token": access_token}).encode()
    return HttpRequest(method="POST", url=endpoint, headers=headers, body=body, repeatable=True)


def read_userinfo(response: HttpResponse, sub: str) -> dict[str, Any]:
    """Read a plain response, which must be about `sub` (OIDC Core 5.3.2, 5.3.4). Raises UserInfoInvalid."""
    _require_answer(response)
    if response.media_type == JWT_TYPE:
        raise UserInfoInvalid(
            "The userinfo response is a JWT, but ClientMetadata has neither userinfo_signed_response_alg nor "
            "userinfo_encrypted_response_alg."
        )
    return read_userinfo_claims(response.body, sub)


def read_userinfo_token(response: HttpResponse) -> str:
    """Return the signed or encrypted JWT in the response (OIDC Core 5.3.2). Raises UserInfoInvalid."""
    _require_answer(response)
    if response.media_type != JWT_TYPE:
        raise UserInfoInvalid(
            f"The userinfo response must have the type {JWT_TYPE}, because ClientMetadata has "
            "userinfo_signed_response_alg or userinfo_encrypted_response_alg."
        )
    # Other characters than ASCII are replaced here, and rejected by the parser of the token.
    return response.body.decode("ascii", "replace")


def read_userinfo_claims(data: bytes, sub: str) -> dict[str, Any]:
    """Read claims, a JSON object that must be about `sub`. Raises UserInfoInvalid."""
    try:
        claims = read_object(data)
    except ValueError as error:
        raise UserInfoInvalid(f"The userinfo response must be one JSON object: {error}. {DISABLE_HINT}") from None
    # OIDC Core 5.3.2: without this check, an exchanged access token would show the claims of another user (token
    # substitution).
    if claims.get("sub") != sub:
        message = f"sub in the userinfo response must equal that of the ID token. {DISABLE_HINT}"
        raise UserInfoInvalid(message, claim="sub")
    return claims


def parse_signed_userinfo(token: str, algorithms: tuple[str, ...]) -> CompactJWS:
    """Parse a signed response; its signature is **not** verified yet.

    Raises TokenMalformed, AlgorithmNotAllowed or ClaimInvalid.
    """
    jws = parse_compact(token)
    typ = jws.header.get("typ", "JWT")
    if not isinstance(typ, str) or typ.lower().removeprefix("application/") != "jwt":
        raise ClaimInvalid("typ must be JWT or absent: this is another kind of token.", claim="typ")
    require_algorithm(jws, algorithms, setting="userinfo_signed_response_alg in ClientMetadata")
    return jws


def read_signed_userinfo(
    jws: CompactJWS, key: VerificationKey, *, issuer: str, client_id: str, sub: str, leeway: float, now: float
) -> dict[str, Any]:
    """Verify a signed response and return its claims (OIDC Core 5.3.2, 5.3.4).

    `iss`, `aud` and the times are optional, because the specification only recommends them, but must be valid if
    present.

    Args:
        jws: from `parse_signed_userinfo`.
        key: the provider's key, or the client secret.
        issuer: the expected `iss`.
        client_id: the expected `aud`.
        sub: the `sub` of the ID token.
        leeway: the tolerated clock difference, in seconds.
        now: seconds since 1970.

    Raises:
        TokenError: SignatureInvalid, KeyUnusable, ClaimInvalid or TokenExpired.
        UserInfoInvalid: the claims are malformed, or about another user.
    """
    verify_compact(jws, key)
    claims = read_userinfo_claims(jws.payload, sub)
    if "iss" in claims:
        require_issuer(claims, issuer)
    if "aud" in claims:
        require_audience(claims, frozenset({client_id}))
    if "exp" in claims:
        require_not_expired(claims, now=now, leeway=leeway)
    require_not_before(claims, now=now, leeway=leeway)
    if "events" in claims:
        raise ClaimInvalid("events must be absent: this is a logout or event token.", claim="events")
    return claims


def _require_answer(response: HttpResponse) -> None:
    said = quote_description(read_description(response), response.request) if response.status != 200 else ""
    if response.status >= 500:
        raise ProviderUnreachable(f"The userinfo endpoint answered {response.status}.{said}", status=response.status)
    if response.status != 200:
        is_denied = response.status in (401, 403)
        hint = f" {API_TOKEN_HINT}" if is_denied else ""
        message = f"The userinfo response must have status 200, not {response.status}.{said}{hint}"
        raise UserInfoInvalid(f"{message} {DISABLE_HINT}", status=response.status)
