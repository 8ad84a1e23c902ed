"""The responses to refresh requests: as the provider sent them, and verified."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from oidc_async.errors import ClaimInvalid, TokenResponseInvalid
from oidc_async.protocol.http_message import HttpResponse
from oidc_async.protocol.id_token import require_same_login
from oidc_async.protocol.strict_json import read_object
from oidc_async.protocol.token import TokenResponse, read_token_response

from .refresh_failures import mark_spent

REUSE_SECONDS = 2.0
"""How long the result of a refresh without rotation is replayed to callers that name no access token to replace."""
LATE_SECONDS = 10.0
"""Seconds from the request to the response after which the callers may have stopped waiting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshResponse:
    """A successful response to a refresh request (RFC 6749 6). Its ID token is not verified yet.

    Attributes:
        tokens: the members of the response.
        at: when the request was sent, in seconds since the epoch; `expires_in` counts from then.
        is_rotated: whether the response replaces the refresh token, so that the old one must not be sent again.
        is_late: whether the callers may have stopped waiting for it. It is then kept as long as a response that
            can't be verified yet.
    """

    tokens: TokenResponse = field(repr=False)
    at: float
    is_rotated: bool
    is_late: bool = False

    def is_wanted(self, replaces: str | None, age: float) -> bool:
        """Whether it serves a caller that wants to replace the access token `replaces`, `age` seconds later.

        A response that rotated the refresh token is all that there is. Without rotation, the refresh token can be
        used again: the response serves only while its access token lasts, and never a caller that already has it.
        """
        if self.is_rotated:
            return True
        lifetime = self.tokens.expires_in
        access_token = self.tokens.access_token
        if lifetime is not None and age >= lifetime:
            return False
        return age < REUSE_SECONDS if replaces is None else access_token != replaces


@dataclass(frozen=True, slots=True, kw_only=True)
class Refresh:
    """The result of a refresh: tokens, and the verified claims of the new ID token, if there is one.

    Attributes:
        tokens: the members of the token response.
        id_token: the claims of the new ID token.
        at: when the refresh was requested, in seconds since the epoch; `expires_in` counts from then.
        is_rotated: whether `tokens.refresh_token` replaces the refresh token that was used.
    """

    tokens: TokenResponse
    id_token: Mapping[str, Any] | None = field(default=None, repr=False)
    at: float
    is_rotated: bool

    def require_same_login(self, former: Mapping[str, Any] | None) -> None:
        """Raise ClaimInvalid unless the ID token is of the login of `former`, as far as there are both."""
        if self.id_token is None or former is None:
            return
        try:
            require_same_login(self.id_token, former)
        except ClaimInvalid as error:
            if self.is_rotated:
                mark_spent(error)
            raise


def read_refresh_response(response: HttpResponse, refresh_token: str, *, at: float, now: float) -> RefreshResponse:
    """Read the response to a refresh request with `refresh_token`, sent at `at` and received at `now`.

    Raises:
        OAuthError: the provider rejects the refresh token.
        ProviderUnreachable: the status is that of an outage.
        TokenResponseInvalid: the response can't be used. It is marked with `mark_spent` if the status was 200 and
            the provider has most likely rotated the refresh token.
    """
    try:
        tokens = read_token_response(response)
    except TokenResponseInvalid as error:
        if response.status == 200 and _may_be_rotated(response.body, refresh_token):
            mark_spent(error)
        raise
    is_rotated = tokens.refresh_token not in (None, refresh_token)
    return RefreshResponse(tokens=tokens, at=at, is_rotated=is_rotated, is_late=now - at > LATE_SECONDS)


def _may_be_rotated(body: bytes, refresh_token: str) -> bool:
    try:
        document = read_object(body)
    except ValueError:
        return True
    return document.get("refresh_token") not in (None, "", refresh_token)
