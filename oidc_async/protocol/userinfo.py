"""Claims about the user from the UserInfo Endpoint, plain, signed or encrypted (OIDC Core 5.3)."""

from typing import Any
from urllib.parse import urlencode

from oidc_async.errors import ClaimInvalid, ProviderUnreachable, UserInfoInvalid

from .claims import require_audience, require_issuer, require_not_before, require_not_expired
from .http_message import HttpRequest, HttpResponse
from .jose.jws import CompactJWS, VerificationKey, parse_compact, require_algorithm, verify_compact
from .oauth_error import quote_description, read_description
from .strict_json import read_object

JWT_TYPE = "application/jwt"
FOR_AN_API = "Some providers (Entra ID, AD FS) reject access tokens that are meant for an API."
WITHOUT = "userinfo_http_method=None in ProviderConfiguration does without userinfo: the ID token has claims as well."


def userinfo_request(
    endpoint: str, access_token: str, method: str, *, as_jwt: bool = False, in_body: bool = False
) -> HttpRequest:
    """Ask by GET or POST, with the token in the header (OIDC Core 5.3.1, RFC 6750 2.1).

    With `in_body`, which takes POST, it is in a form instead, and in no header (RFC 6750 2.2).
    """
    accept = {"accept": JWT_TYPE if as_jwt else "application/json"}
    if not in_body:
        headers = {**accept, "authorization": f"Bearer {access_token}"}
        return HttpRequest(method=method, url=endpoint, headers=headers, repeatable=True)
    headers = {**accept, "content-type": "application/x-www-form-urlencoded"}
    body = urlencode({"access_token": access_token}).encode()
    return HttpRequest(method="POST", url=endpoint, headers=headers, body=body, repeatable=True)


def read_userinfo(response: HttpResponse, sub: str) -> dict[str, Any]:
    """The claims of a plain response, if they speak of `sub` (OIDC Core 5.3.2, 5.3.4). Raises UserInfoInvalid."""
    _require_answer(response)
    if response.media_type == JWT_TYPE:
        raise UserInfoInvalid(
            "The userinfo response is a JWT, but ClientMetadata have neither userinfo_signed_response_alg nor "
            "userinfo_encrypted_response_alg."
        )
    return read_userinfo_claims(response.body, sub)


def read_userinfo_token(response: HttpResponse) -> str:
    """The JWT, signed or encrypted, that the client registered for (OIDC Core 5.3.2). Raises UserInfoInvalid."""
    _require_answer(response)
    if response.media_type != JWT_TYPE:
        raise UserInfoInvalid(
            f"The userinfo response must be {JWT_TYPE}, as userinfo_signed_response_alg or "
            "userinfo_encrypted_response_alg in ClientMetadata says."
        )
    # what is no ASCII is no token, and is refused as such
    return response.body.decode("ascii", "replace")


def read_userinfo_claims(data: bytes, sub: str) -> dict[str, Any]:
    """The claims in `data`, a JSON object, if they speak of `sub`. Raises UserInfoInvalid."""
    try:
        claims = read_object(data)
    except ValueError as error:
        raise UserInfoInvalid(f"The userinfo response must be one JSON object: {error}. {WITHOUT}") from None
    if claims.get("sub") != sub:
        message = f"sub in the userinfo response must equal that of the ID token. {WITHOUT}"
        raise UserInfoInvalid(message, claim="sub")
    return claims


def parse_signed_userinfo(token: str, algorithms: tuple[str, ...]) -> CompactJWS:
    """A signed response taken apart, its signature **not** verified yet.

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
    """The claims, if they are signed by `key` and speak of `sub` (OIDC Core 5.3.2, 5.3.4).

    `iss` and `aud` may be missing, as the specification only recommends them; what is there must be right. The same
    holds for the times. `leeway` and `now` are in seconds.
    Raises SignatureInvalid, KeyUnusable, ClaimInvalid, TokenExpired or UserInfoInvalid.
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
        refused = response.status in (401, 403)
        message = f"The userinfo endpoint must answer 200, not {response.status}.{said}{f' {FOR_AN_API}' * refused}"
        raise UserInfoInvalid(f"{message} {WITHOUT}", status=response.status)
