"""What each error means for the answer to a refresh, and for the refresh token. threat model 354, 355."""

from collections.abc import Iterator

import pytest

from oidc_async import errors
from oidc_async.errors import OAuthError, OIDCError
from oidc_async.relying_party.refresh_failures import ends_refresh_token, mark_spent, may_be_valid_later
from oidc_async.runtime.single_flight import copy_error

LATER = [
    errors.ProviderUnreachable("The keys."),
    errors.ProviderTimeout("The keys."),
    errors.ProviderOverloaded("Our queue."),
    errors.ProviderPaused("It failed."),
    errors.ResponseTooLarge("The keys."),
    errors.MetadataInvalid("No jwks_uri."),
    errors.IssuerMismatch("Another issuer."),
    errors.JWKSInvalid("No keys."),
    errors.KeyNotFound("Not published yet."),
    errors.KeyAmbiguous("Two keys."),
    errors.KeyUnusable("A weak key."),
    errors.SignatureInvalid("Another key of this name."),
    errors.TokenExpired("A clock that is ahead."),
    errors.ClaimInvalid("A clock that is behind.", claim="iat"),
    errors.ClaimInvalid("A clock that is behind.", claim="nbf"),
    errors.ClaimInvalid("A clock that is behind.", claim="auth_time"),
    errors.StoreUnavailable("No connection."),
]
NEVER = [
    errors.TokenResponseInvalid("HTML."),
    errors.TokenMalformed("No JWS."),
    errors.AlgorithmNotAllowed("none."),
    errors.DecryptionFailed("Another key."),
    *(
        errors.ClaimInvalid("Wrong.", claim=claim)
        for claim in ("iss", "sub", "aud", "azp", "nonce", "at_hash", "typ")
    ),
]
NOT_OF_A_VERIFICATION = {
    errors.OAuthError,
    errors.UserInfoInvalid,
    errors.IntrospectionInvalid,
    errors.RegistrationInvalid,
    errors.WebFingerInvalid,
    errors.TokenInactive,
    errors.RefreshTokenSpent,
    errors.SessionNotWritable,
}


def named(error: OIDCError) -> str:
    return f"{error.code} {error.evidence.get('claim', '')}"


@pytest.mark.parametrize("error", LATER, ids=named)
def test_what_passes_is_verified_again(error: OIDCError) -> None:
    assert may_be_valid_later(error)
    assert not ends_refresh_token(error)


@pytest.mark.parametrize("error", NEVER, ids=named)
def test_what_stays_wrong_is_final(error: OIDCError) -> None:
    assert not may_be_valid_later(error)
    # before the provider has said 200 it costs nothing
    assert not ends_refresh_token(error)
    assert ends_refresh_token(copy_error(mark_spent(error)))


def kinds(of: type[OIDCError]) -> Iterator[type[OIDCError]]:
    for kind in of.__subclasses__():
        if kind.__module__ == errors.__name__:
            yield kind
            yield from kinds(kind)


def test_each_error_of_a_provider_or_token_is_in_the_table() -> None:
    expected = {*kinds(errors.ProviderError), *kinds(errors.TokenError), *kinds(errors.StoreError)}
    assert {type(error) for error in [*LATER, *NEVER]} | NOT_OF_A_VERIFICATION == expected


@pytest.mark.parametrize(
    ("error", "ends"),
    [
        ("invalid_grant", True),
        ("invalid_client", False),
        ("unauthorized_client", False),
        ("invalid_request", False),
        ("temporarily_unavailable", False),
        ("http_400", False),
    ],
)
def test_only_invalid_grant_ends_the_refresh_token(error: str, ends: bool) -> None:
    """RFC 6749 5.2; a gateway's page with status 400 says nothing of the token"""
    assert ends_refresh_token(OAuthError("No.", error=error, error_description=None, status=400)) is ends
