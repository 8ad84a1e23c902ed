"""The token request and its response (OIDC Core 3.1.3, RFC 6749 4.1.3, 5)."""

import math
import re
from collections.abc import Mapping
from typing import Any

from oidc_async.errors import MetadataInvalid, TokenResponseInvalid

from .client_authentication import ClientAuthentication, authenticated_request
from .http_message import HttpRequest, HttpResponse
from .masked_mapping import MaskedMapping
from .metadata import ProviderMetadata
from .oauth_error import read_error, require_success
from .parameters import Parameters
from .strict_json import read_object

MAX_LIFETIME = 10 * 365 * 24 * 3600
"""In seconds. A longer `expires_in` is cut to this."""
_TOKEN = re.compile(r"[\x21-\x7e]+")
_PUBLIC = frozenset({"expires_in", "scope", "token_type"})


class TokenResponse(MaskedMapping):
    """A successful token response (RFC 6749 5.1). As a mapping, it has all members of the response."""

    __slots__ = ()

    def _is_secret(self, name: str) -> bool:
        # An unknown member may be a token.
        return name not in _PUBLIC

    @property
    def access_token(self) -> str:
        return str(self["access_token"])

    @property
    def token_type(self) -> str:
        return str(self["token_type"])

    @property
    def expires_in(self) -> float | None:
        """The lifetime of the access token at the time of the response, in seconds."""
        return self.get("expires_in")

    @property
    def refresh_token(self) -> str | None:
        return self.get("refresh_token") or None

    @property
    def id_token(self) -> str | None:
        """The encoded ID token."""
        return self.get("id_token")

    @property
    def scope(self) -> str | None:
        """The granted scope; None if it is the requested one."""
        return self.get("scope")


def authorization_code_request(
    provider: ProviderMetadata,
    client: ClientAuthentication,
    *,
    code: str,
    redirect_uri: str,
    code_verifier: str,
    more: Parameters | None = None,
) -> HttpRequest:
    """Return the token request for a code (OIDC Core 3.1.3.1, RFC 7636 4.5). `more` has further parameters."""
    form = {
        **(more or {}),
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": code_verifier,
    }
    return authenticated_request(token_endpoint(provider), form, client)


def refresh_request(
    provider: ProviderMetadata,
    client: ClientAuthentication,
    refresh_token: str,
    more: Parameters | None = None,
) -> HttpRequest:
    """Return the token request for a refresh token (OIDC Core 12.1, RFC 6749 6). `more` has further parameters."""
    form = {**(more or {}), "grant_type": "refresh_token", "refresh_token": refresh_token}
    return authenticated_request(token_endpoint(provider), form, client)


def client_credentials_request(
    provider: ProviderMetadata, client: ClientAuthentication, parameters: Parameters
) -> HttpRequest:
    """Return the token request of the client credentials grant (RFC 6749 4.4.2)."""
    form = {**parameters, "grant_type": "client_credentials"}
    return authenticated_request(token_endpoint(provider), form, client)


def token_endpoint(provider: ProviderMetadata) -> str:
    """Return the token endpoint. Raises MetadataInvalid if the provider has none."""
    # A provider with only the implicit flow has none (OIDC Discovery 3).
    if "token_endpoint" not in provider:
        raise MetadataInvalid(
            "The provider's metadata must have token_endpoint for this request.", field="token_endpoint"
        )
    endpoint: str = provider["token_endpoint"]
    return endpoint


def read_token_response(response: HttpResponse) -> TokenResponse:
    """Read the token response (RFC 6749 5.1).

    Raises:
        OAuthError: the response is an error response.
        TokenResponseInvalid: the response is malformed.
        ProviderUnreachable: the provider answers 5xx.
    """
    require_success(response, "token endpoint")
    if response.status != 200:
        raise TokenResponseInvalid(
            f"The token response must have status 200, not {response.status}. Redirects are not followed.",
            status=response.status,
        )
    try:
        document = read_object(response.body)
    except ValueError as error:
        raise TokenResponseInvalid(f"The token response must be one JSON object: {error}") from None
    if isinstance(document.get("error"), str) and "access_token" not in document:
        # Some providers answer errors with 200.
        raise read_error(response, "token endpoint")
    if problem := bearer_token_problem(document):
        name, rule = problem
        raise TokenResponseInvalid(f"{name} in the token response {rule}.", parameter=name)
    # Read leniently here, and strictly in all other members: see _joined_scope.
    if isinstance(document.get("scope"), list):
        document["scope"] = _joined_scope(document["scope"])
    # An absent member and null are the same: some providers send null.
    for name in ("refresh_token", "id_token", "scope"):
        if document.get(name) is not None and not isinstance(document[name], str):
            raise TokenResponseInvalid(f"{name} in the token response must be a string.", parameter=name)
    return TokenResponse(**{**document, "expires_in": read_lifetime(document.get("expires_in"))})


def _joined_scope(words: list[object]) -> str:
    """Join an array of scopes to a string, which it should be (RFC 6749 5.1). Raises TokenResponseInvalid.

    Twitch sends an array. Accepting it is safe as long as no element contains a blank, and so becomes two scopes.
    """
    texts = [word for word in words if isinstance(word, str) and word.split() == [word]]
    if len(texts) != len(words):
        raise TokenResponseInvalid(
            "scope in the token response must be a string, or a list of strings without blanks.", parameter="scope"
        )
    return " ".join(texts)


def bearer_token_problem(document: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the invalid member of a bearer token response, and the rule that it breaks; None if it is valid."""
    access_token, token_type = document.get("access_token"), document.get("token_type")
    # The token becomes a part of a header: other characters than visible ASCII could end the header.
    for name, value in (("access_token", access_token), ("token_type", token_type)):
        if value is None:
            return name, "is missing"
    if not isinstance(access_token, str) or not _TOKEN.fullmatch(access_token):
        return "access_token", "must be a string of visible ASCII characters"
    if not isinstance(token_type, str) or token_type.lower() != "bearer":
        return "token_type", "must be Bearer (tokens that are bound to a key, such as DPoP, are not supported)"
    try:
        read_lifetime(document.get("expires_in"))
    except ValueError as error:
        return "expires_in", str(error)
    return None


def read_lifetime(value: object) -> float | None:
    """Return the seconds of `expires_in`, within bounds; None if it is absent. Raises ValueError."""
    if value is None:
        return None
    # In a redirect it is always a string. In JSON it must be a number, but well-known providers send a string, and
    # accepting it is safe.
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = float(value[:20])
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ValueError("must be a number of seconds")
    return min(value, MAX_LIFETIME)
