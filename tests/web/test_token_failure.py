"""Error responses for bearer tokens: status, challenge and a few plain words, for every kind of error."""

import json
import logging
from collections.abc import Iterator

import pytest

from oidc_async import errors
from oidc_async.errors import OIDCError
from oidc_async.web.http.bearer_errors import (
    TokenFailure,
    read_token_failure,
    token_challenge,
    token_failure_response,
)
from oidc_async.web.http.warning_limit import WarningLimit

from .challenge import read_challenge
from .web_request import settings, web_request

CANARY = "canary-4711"
INVALID = [
    errors.TokenMalformed("Nonsense."),
    errors.AlgorithmNotAllowed("none."),
    errors.KeyNotFound("No key."),
    errors.KeyAmbiguous("Two keys."),
    errors.KeyUnusable("A weak key."),
    errors.SignatureInvalid("Broken."),
    errors.DecryptionFailed("Nonsense."),
    errors.TokenExpired("Too late."),
    errors.TokenInactive("Revoked."),
    # of a `requires` that refreshes on its own
    errors.RefreshTokenSpent("Used."),
    errors.ClaimInvalid("Another aud.", claim="aud"),
]
UNAVAILABLE = [
    errors.ProviderUnreachable("No connection."),
    errors.ProviderTimeout("Too slow."),
    errors.ProviderOverloaded("A queue."),
    errors.StoreUnavailable("No connection."),
    errors.SessionNotWritable("No response follows."),
    errors.ResponseTooLarge("Too large."),
    errors.MetadataInvalid("Nonsense."),
    errors.IssuerMismatch("Another issuer."),
    errors.JWKSInvalid("Nonsense."),
    errors.RegistrationInvalid("Another client."),
    errors.IntrospectionInvalid("Nonsense."),
    errors.WebFingerInvalid("Nonsense."),
    errors.ProviderPaused("It failed recently."),
    errors.OAuthError("It rejected us.", error="invalid_client", error_description=None, status=401),
    errors.OAuthError("It rejected us.", error="access_denied", error_description=None, status=403),
    # of a `requires` that asks on its own
    errors.TokenResponseInvalid("Nonsense."),
    errors.UserInfoInvalid("Nonsense."),
]
OTHERS: list[tuple[OIDCError, int, str]] = [
    (errors.BearerTokenMissing("None."), 401, "bearer_token_missing"),
    (errors.BearerRequestInvalid("Two."), 400, "invalid_request"),
    (errors.InsufficientScope("Not that."), 403, "insufficient_scope"),
    (errors.InsufficientUserAuthentication("Again."), 401, "insufficient_user_authentication"),
    (errors.ConfigurationError("A setting."), 500, "server_error"),
]
STATUSES = [
    *((error, 403, "invalid_token") for error in INVALID),
    *((error, 503, "temporarily_unavailable") for error in UNAVAILABLE),
    *OTHERS,
]


def failure_of(error: OIDCError, **changes: object) -> TokenFailure:
    return read_token_failure(error, settings(**changes), WarningLimit(lambda: 0.0))


def challenge_of(failure: TokenFailure) -> dict[str, str]:
    scheme, parameters = read_challenge(failure.headers()["www-authenticate"])
    assert scheme == "Bearer"
    return parameters


@pytest.mark.parametrize(("error", "status", "code"), STATUSES, ids=lambda value: getattr(value, "code", str(value)))
def test_every_error_has_its_status(error: OIDCError, status: int, code: str) -> None:
    """contract.md 4"""
    failure = failure_of(error)
    assert (failure.status, failure.error) == (status, code)
    assert token_failure_response(failure, web_request()).status == status


def leaves(of: type[OIDCError]) -> Iterator[type[OIDCError]]:
    for kind in of.__subclasses__():
        yield from leaves(kind)
        if not kind.__subclasses__():
            yield kind


def test_no_kind_of_error_is_left_out() -> None:
    ours = {kind for kind in leaves(OIDCError) if kind.__module__ == errors.__name__}
    # those end a login, and no view for tokens logs anybody in
    ours -= set(leaves(errors.LoginError))
    assert {type(error) for error, *_ in STATUSES} >= ours


@pytest.mark.parametrize("error", INVALID, ids=lambda error: error.code)
def test_an_invalid_token_is_401_when_the_setting_says_so(error: OIDCError) -> None:
    """contract.md 4"""
    failure = failure_of(error, rfc6750_status=True)
    assert (failure.status, challenge_of(failure)["error"]) == (401, "invalid_token")


@pytest.mark.parametrize(
    ("error", "status"), [(error, status) for error, status, _ in STATUSES if status != 403], ids=str
)
def test_the_setting_changes_nothing_else(error: OIDCError, status: int) -> None:
    """contract.md 4: above all, that the provider is down is never said to be the token's fault."""
    assert failure_of(error, rfc6750_status=True).status == status
    assert failure_of(errors.InsufficientScope("Not that."), rfc6750_status=True).status == 403


@pytest.mark.parametrize("error", UNAVAILABLE, ids=lambda error: error.code)
def test_who_can_not_be_helped_by_a_token_is_asked_for_none(error: OIDCError) -> None:
    """threat model 125"""
    headers = failure_of(error, resource="https://rp.example").headers()
    assert "www-authenticate" not in headers
    assert int(headers["retry-after"]) >= 1


@pytest.mark.parametrize(("seconds", "header"), [(0.01, "1"), (1.0, "1"), (1.4, "1"), (7.6, "8"), (90.0, "90")])
@pytest.mark.parametrize("kind", [errors.ProviderOverloaded, errors.ProviderPaused])
def test_a_client_that_has_to_wait_learns_how_long(
    kind: type[errors.ProviderOverloaded | errors.ProviderPaused], seconds: float, header: str
) -> None:
    assert failure_of(kind("A queue.", retry_after=seconds)).headers()["retry-after"] == header


def test_no_error_code_without_a_token() -> None:
    """threat model 138"""
    assert challenge_of(failure_of(errors.BearerTokenMissing("None."))) == {}


def test_a_missing_scope_is_named() -> None:
    """threat model 146"""
    assert (
        challenge_of(failure_of(errors.InsufficientScope("Not that.", scope="read write")))["scope"] == "read write"
    )
    assert "scope" not in challenge_of(failure_of(errors.InsufficientScope("Not that.")))


@pytest.mark.parametrize(("error", "status"), [(error, status) for error, status, _ in STATUSES], ids=str)
def test_a_client_that_needs_another_token_learns_the_scope_of_the_view(error: OIDCError, status: int) -> None:
    """RFC 6750 3: of a missing token and of an invalid one, whatever its status."""
    failure = read_token_failure(error, settings(), WarningLimit(lambda: 0.0), "read write")
    needs_another = status == 401 or failure.error == "invalid_token"
    assert ((failure.challenge or {}).get("scope") == "read write") == needs_another
    assert "scope" not in failure_of(errors.TokenExpired("Too late.")).headers()["www-authenticate"]


def test_the_authentication_that_is_needed_is_named() -> None:
    """RFC 9470 3"""
    error = errors.InsufficientUserAuthentication("Again.", acr_values=("gold", "silver"), max_age=60.0)
    seen = challenge_of(failure_of(error))
    assert (seen["acr_values"], seen["max_age"]) == ("gold silver", "60")
    bare = challenge_of(failure_of(errors.InsufficientUserAuthentication("Again.")))
    assert set(bare) == {"error", "error_description"}


@pytest.mark.parametrize(
    "text", ['quo"te', "back\\slash", "line\r\nSet-Cookie: a=b", "\x00\x7f", "é", "\u2028", "😀"]
)
def test_nothing_breaks_out_of_the_challenge(text: str) -> None:
    """threat model 147, 143, 208"""
    for error in (
        errors.InsufficientScope(text, scope=text),
        errors.InsufficientUserAuthentication(text, acr_values=(text,)),
    ):
        headers = failure_of(error).headers()
        assert all(value.isascii() and value.isprintable() for value in headers.values())
        parameters = challenge_of(failure_of(error))
        assert "?" in parameters["error_description"]
        assert set(parameters) <= {"error", "error_description", "scope", "acr_values"}


@pytest.mark.parametrize(
    ("resource", "where"),
    [
        ("https://rp.example", "https://rp.example/.well-known/oauth-protected-resource"),
        ("https://rp.example/", "https://rp.example/.well-known/oauth-protected-resource"),
        ("https://rp.example:8443/a/b", "https://rp.example:8443/.well-known/oauth-protected-resource/a/b"),
    ],
)
def test_a_challenge_points_to_the_metadata(resource: str, where: str) -> None:
    """RFC 9728 5.1"""
    for error, *_ in STATUSES:
        failure = failure_of(error, resource=resource)
        if failure.challenge is not None:
            assert challenge_of(failure)["resource_metadata"] == where
    header = token_challenge(settings(resource=resource))["www-authenticate"]
    assert read_challenge(header) == ("Bearer", {"resource_metadata": where})
    assert token_challenge(settings()) == {"www-authenticate": "Bearer"}
    assert token_challenge(settings(), "read write") == {"www-authenticate": 'Bearer scope="read write"'}


@pytest.mark.parametrize(("error", "status", "code"), STATUSES, ids=lambda value: getattr(value, "code", str(value)))
def test_no_response_is_cached_or_exposes_internals(
    error: OIDCError, status: int, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """threat model 250"""
    # except two that say what is needed, in our words
    if code not in ("insufficient_scope", "insufficient_user_authentication"):
        monkeypatch.setattr(error, "args", (CANARY,))
    for accept in ("", "text/html"):
        answer = token_failure_response(failure_of(error), web_request(headers={"accept": accept}))
        assert answer.headers["cache-control"] == "no-store"
        assert CANARY not in answer.body + str(answer.headers)


@pytest.mark.parametrize(
    ("accept", "prefers_json", "media_type"),
    [
        ("", False, "application/json"),
        ("*/*", False, "application/json"),
        ("application/json", True, "application/json"),
        ("application/json, text/html;q=0.1", True, "application/json"),
        ("text/html", False, "text/plain; charset=utf-8"),
        ("text/html, application/json;q=0.1", False, "text/plain; charset=utf-8"),
    ],
)
def test_the_form_is_what_the_client_prefers(accept: str, prefers_json: bool, media_type: str) -> None:
    """contract.md 2"""
    failure = failure_of(errors.TokenExpired("Too late."))
    answer = token_failure_response(failure, web_request(headers={"accept": accept}, prefers_json=prefers_json))
    assert answer.headers["content-type"] == media_type
    if media_type == "application/json":
        assert json.loads(answer.body) == {"error": failure.error, "error_description": failure.description}
    else:
        assert answer.body == failure.description


@pytest.mark.parametrize(
    ("error", "level"),
    [
        (errors.BearerTokenMissing("None."), logging.INFO),
        (errors.TokenExpired("Too late."), logging.INFO),
        (errors.SignatureInvalid("Broken."), logging.INFO),
        (errors.TokenInactive("Not for this client."), logging.WARNING),
        (errors.ClaimInvalid("The clocks differ.", claim="nbf"), logging.WARNING),
        (errors.ClaimInvalid("Another issuer.", claim="iss"), logging.WARNING),
        (errors.AlgorithmNotAllowed("ES256."), logging.WARNING),
        (errors.TokenMalformed("Opaque."), logging.WARNING),
        (errors.ClaimInvalid("aud is missing.", claim="aud"), logging.WARNING),
        (errors.ClaimInvalid("typ must be at+jwt.", claim="typ"), logging.WARNING),
        (errors.ConfigurationError("A setting."), logging.WARNING),
        # an error where it was found already
        (errors.IntrospectionInvalid("Nonsense."), logging.INFO),
    ],
    ids=lambda value: getattr(value, "message", str(value)),
)
def test_what_a_setting_would_mend_is_warned_of(
    error: OIDCError, level: int, caplog: pytest.LogCaptureFixture
) -> None:
    """contract.md 4: anybody can send invalid tokens, which shall not fill the log."""
    caplog.set_level(logging.DEBUG)
    failure_of(error)
    (record,) = caplog.records
    assert record.levelno == level
    assert error.message in record.getMessage()
    assert error.code in record.getMessage()


def levels(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.levelname for record in caplog.records]


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (errors.ClaimInvalid("Another aud.", claim="aud"), 60),
        (errors.ConfigurationError("A setting."), 60),
        (errors.TokenInactive("Revoked."), 3600),
    ],
    ids=lambda value: getattr(value, "code", str(value)),
)
def test_strangers_do_not_fill_the_log_with_warnings(
    error: OIDCError, seconds: float, caplog: pytest.LogCaptureFixture
) -> None:
    """threat model 391"""
    caplog.set_level(logging.INFO)
    clock = [1000.0]
    warnings = WarningLimit(lambda: clock[0])
    for moment in (1000.0, 1000.0, 999.0 + seconds, 1000.0 + seconds, 1001.0 + seconds, 500.0):
        clock[0] = moment
        read_token_failure(error, settings(), warnings)
    # a clock that was set back silences nothing
    assert levels(caplog) == ["WARNING", "INFO", "INFO", "WARNING", "INFO", "WARNING"]


def test_one_reason_does_not_silence_another(caplog: pytest.LogCaptureFixture) -> None:
    """threat model 391"""
    caplog.set_level(logging.INFO)
    warnings = WarningLimit(lambda: 0.0)
    for claim in ("aud", "iss", "aud", "typ"):
        read_token_failure(errors.ClaimInvalid(claim, claim=claim), settings(), warnings)
    assert levels(caplog) == ["WARNING", "WARNING", "INFO", "WARNING"]


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
@pytest.mark.parametrize("debug", [True, False])
def test_the_reason_is_shown_in_debug_mode_alone(accept: str, debug: bool) -> None:
    """threat model 392"""
    failure = failure_of(errors.ClaimInvalid(CANARY, claim="aud"))
    answer = token_failure_response(failure, web_request(headers={"accept": accept}, debug=debug))
    assert (f"{CANARY} (claim_invalid)" in answer.body) is debug
    assert CANARY not in str(answer.headers)
    if accept == "application/json":
        document = json.loads(answer.body)
        assert document["error_description"] == failure.description
        assert document.get("debug") == (f"{CANARY} (claim_invalid)" if debug else None)
