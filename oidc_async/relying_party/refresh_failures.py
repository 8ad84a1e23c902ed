"""What a failed refresh means for the refresh token, and for the response that the provider has sent."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import TypeVar

from oidc_async.errors import (
    AlgorithmNotAllowed,
    ClaimInvalid,
    DecryptionFailed,
    OAuthError,
    OIDCError,
    ProviderError,
    RefreshTokenSpent,
    TokenMalformed,
    TokenResponseInvalid,
)

E = TypeVar("E", bound=OIDCError)

FINAL = (AlgorithmNotAllowed, ClaimInvalid, DecryptionFailed, TokenMalformed, TokenResponseInvalid)
"""Errors after which a response can never become valid. After all others it may be valid later.

These others are: the keys or the metadata can't be fetched (all other ProviderErrors), the key is not published yet
or a different one is published under its name (KeyNotFound, KeyAmbiguous, KeyUnusable, SignatureInvalid), the clock
is wrong (TokenExpired, and the claims TIME_CLAIMS), and the store is down (StoreError).
"""
TIME_CLAIMS = frozenset({"auth_time", "exp", "iat", "nbf"})
"""Claims that are compared with the clock, which may be set right later."""
_SPENT = "spent"


def may_be_valid_later(error: OIDCError) -> bool:
    """Whether the response whose verification failed with `error` can be verified again with another result."""
    if isinstance(error, ClaimInvalid) and error.evidence.get("claim") in TIME_CLAIMS:
        return True
    return not isinstance(error, FINAL)


def mark_spent(error: E) -> E:
    """Note on `error` that the refresh token is spent, and that the provider's response to it can't be used."""
    error.evidence["refresh_token"] = _SPENT
    return error


@contextmanager
def marking_broken_responses() -> Generator[None]:
    """Mark a ProviderError after a response with status 200 whose body was lost: the refresh token is spent."""
    try:
        yield
    except ProviderError as error:
        if error.evidence.get("answered") == 200:
            mark_spent(error)
        raise


def is_spent(error: OIDCError) -> bool:
    """Whether `error` was marked by `mark_spent`."""
    return error.evidence.get("refresh_token") == _SPENT


def ends_refresh_token(error: OIDCError) -> bool:
    """Whether a refresh that failed with `error` has made the refresh token useless, so that it can be dropped.

    The provider rejects it (`invalid_grant`, RFC 6749 5.2), or it was exchanged and the response can't be used.
    """
    if isinstance(error, OAuthError):
        return error.error == "invalid_grant"
    return isinstance(error, RefreshTokenSpent) or is_spent(error)
