"""What a failed refresh means for the refresh token and for the response that the provider has sent."""

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
"""A response that fails by one of these is never going to be valid; what is not here may be valid later.

Later: the keys or the metadata can't be fetched (all other ProviderErrors), the key is not published yet or the
published one has the same name (KeyNotFound, KeyAmbiguous, KeyUnusable, SignatureInvalid), the clock is wrong
(TokenExpired, and the claims CLAIMS_OF_TIME), the store is down (StoreError).
"""
CLAIMS_OF_TIME = frozenset({"auth_time", "exp", "iat", "nbf"})
"""Claims that a clock decides about, and clocks are set."""
_SPENT = "spent"


def may_be_valid_later(error: OIDCError) -> bool:
    """Whether the response whose verification failed with `error` can be verified again with another result."""
    if isinstance(error, ClaimInvalid) and error.evidence.get("claim") in CLAIMS_OF_TIME:
        return True
    return not isinstance(error, FINAL)


def mark_spent(error: E) -> E:
    """Note on `error` that the provider has taken the refresh token and given nothing usable for it."""
    error.evidence["refresh_token"] = _SPENT
    return error


@contextmanager
def marking_broken_responses() -> Generator[None]:
    """Mark a ProviderError by which the body of a response with status 200 was lost: the refresh token is spent."""
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
    """Whether a refresh that failed with `error` leaves a refresh token that is of no use any more.

    The provider rejects it (`invalid_grant`, RFC 6749 5.2), or it was exchanged and its response is not usable.
    """
    if isinstance(error, OAuthError):
        return error.error == "invalid_grant"
    return isinstance(error, RefreshTokenSpent) or is_spent(error)
