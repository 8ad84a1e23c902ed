"""Claims about the user from the UserInfo Endpoint (OIDC Core 5.3)."""

from typing import Any

from ..errors import ProviderUnreachable, UserInfoInvalid
from .http_message import HttpRequest, HttpResponse
from .strict_json import read_object


def userinfo_request(endpoint: str, access_token: str, method: str) -> HttpRequest:
    """Ask by GET or POST; the token goes into the header in both (OIDC Core 5.3.1, RFC 6750 2.1)."""
    headers = {"accept": "application/json", "authorization": f"Bearer {access_token}"}
    return HttpRequest(method=method, url=endpoint, headers=headers, repeatable=True)


def read_userinfo(response: HttpResponse, sub: str) -> dict[str, Any]:
    """The claims, if they speak of `sub` (OIDC Core 5.3.2, 5.3.4). Raises UserInfoInvalid."""
    if response.status >= 500:
        raise ProviderUnreachable(f"The userinfo endpoint answered {response.status}.", status=response.status)
    if response.status != 200:
        raise UserInfoInvalid(
            f"The userinfo endpoint must answer 200, not {response.status}.", status=response.status
        )
    if response.media_type == "application/jwt":
        raise UserInfoInvalid("The userinfo response is a JWT, but the client did not register for one.")
    try:
        claims = read_object(response.body)
    except ValueError as error:
        raise UserInfoInvalid(f"The userinfo response must be one JSON object: {error}") from None
    if claims.get("sub") != sub:
        raise UserInfoInvalid("sub in the userinfo response must equal that of the ID token.", claim="sub")
    return claims
