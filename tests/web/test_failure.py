"""Error responses for failed logins: a status, a few plain words, and no internals."""

import json
import logging
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser

import pytest

from oidc_async import errors
from oidc_async.errors import OIDCError
from oidc_async.protocol.authorization import require_state
from oidc_async.web.http.login_errors import failure_response, read_failure

from .web_request import web_request

CANARY = "canary-4711"


def rejected(error: str, description: str | None = None) -> OIDCError:
    return errors.AuthorizationRefused("The provider rejected.", error=error, error_description=description)


def answered(error: str, status: int = 400) -> OIDCError:
    return errors.OAuthError("The provider rejected.", error=error, error_description=None, status=status)


STATUSES: list[tuple[OIDCError, int]] = [
    (errors.StateMissing("No state."), 400),
    (errors.StateMismatch("Another state."), 400),
    (errors.LoginExpired("Too late."), 400),
    (errors.DuplicateParameter("Twice."), 400),
    (errors.AuthorizationResponseInvalid("Not the requested response."), 400),
    (errors.LoginLoop("Again and again."), 400),
    (errors.LoginRequestInvalid("Nowhere."), 400),
    (errors.LoginRefused("Not today."), 403),
    (errors.IdentifierInvalid("Nothing."), 400),
    (errors.HostNotAllowed("A stranger."), 400),
    (errors.IssuerNotAllowed("A stranger."), 400),
    (errors.UserChanged("Somebody else."), 400),
    (rejected("access_denied"), 403),
    (rejected("server_error"), 400),
    (rejected("login_required"), 400),
    (errors.SessionTooLarge("Too large."), 500),
    (errors.ConfigurationError("A setting."), 500),
    (errors.ProviderUnreachable("No connection."), 502),
    (errors.ProviderTimeout("Too slow."), 504),
    (errors.ProviderOverloaded("A queue."), 503),
    (errors.ResponseTooLarge("Too large."), 502),
    (errors.MetadataInvalid("Nonsense."), 502),
    (errors.IssuerMismatch("Another issuer."), 502),
    (errors.JWKSInvalid("Nonsense."), 502),
    (errors.TokenResponseInvalid("Nonsense."), 502),
    (errors.UserInfoInvalid("Nonsense."), 502),
    (errors.IntrospectionInvalid("Nonsense."), 502),
    (errors.RegistrationInvalid("Nonsense."), 502),
    (errors.WebFingerInvalid("Nonsense."), 502),
    (errors.ProviderPaused("It failed recently."), 503),
    (answered("invalid_grant"), 400),
    (answered("invalid_client", 401), 502),
    (errors.TokenMalformed("Nonsense."), 502),
    (errors.AlgorithmNotAllowed("none."), 502),
    (errors.KeyNotFound("No key."), 502),
    (errors.KeyAmbiguous("Two keys."), 502),
    (errors.KeyUnusable("A weak key."), 502),
    (errors.SignatureInvalid("Broken."), 502),
    (errors.DecryptionFailed("Broken."), 502),
    (errors.TokenExpired("Too late."), 502),
    (errors.TokenInactive("Revoked."), 502),
    (errors.RefreshTokenSpent.result_expired(), 502),
    (errors.ClaimInvalid("Another nonce.", claim="nonce"), 502),
    (errors.StoreUnavailable("No connection."), 503),
    (errors.SessionNotWritable("No response follows."), 503),
]


def leaves(of: type[OIDCError]) -> Iterator[type[OIDCError]]:
    for kind in of.__subclasses__():
        yield from leaves(kind)
        if not kind.__subclasses__():
            yield kind


@pytest.mark.parametrize(("error", "status"), STATUSES, ids=lambda value: getattr(value, "code", str(value)))
def test_every_error_has_its_status(error: OIDCError, status: int) -> None:
    """contract.md 4"""
    assert read_failure(error).status == status
    assert failure_response(read_failure(error), web_request()).status == status


def test_no_kind_of_error_is_left_out() -> None:
    ours = {kind for kind in leaves(OIDCError) if kind.__module__ == errors.__name__}
    # those end in a status of an API, not in a failed login
    ours -= set(leaves(errors.BearerError))
    assert {type(error) for error, _ in STATUSES} >= ours


@pytest.mark.parametrize(("seconds", "header"), [(0.1, "1"), (1.0, "1"), (7.6, "8")])
def test_a_busy_service_says_when_to_come_again(seconds: float, header: str) -> None:
    """contract.md 4"""
    failure = read_failure(errors.ProviderOverloaded("A queue.", retry_after=seconds))
    assert failure_response(failure, web_request()).headers["retry-after"] == header


@pytest.mark.parametrize("error", [error for error, _ in STATUSES], ids=lambda error: error.code)
@pytest.mark.parametrize("prefers_json", [False, True], ids=["page", "JSON"])
def test_no_answer_is_kept_in_caches_or_tells_its_address(error: OIDCError, prefers_json: bool) -> None:
    """threat model 166, 257: the address may hold a code and a state"""
    headers = failure_response(read_failure(error), web_request(prefers_json=prefers_json)).headers
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("error", [error for error, _ in STATUSES], ids=lambda error: error.code)
def test_the_page_tells_nothing_of_the_inside(error: OIDCError) -> None:
    """contract.md 1 (error view); threat model 250"""
    page = failure_response(read_failure(error), web_request()).body
    assert error.message not in page
    assert type(error).__name__ not in page
    assert error.code not in page


class Tags(HTMLParser):
    """The tags of a page, and the targets of its links."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str | None] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name == "href"]


@pytest.mark.parametrize(
    "text",
    ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{explanation}", "{0}", "%s", "\u202e"],
)
def test_what_the_provider_says_is_not_in_the_page(text: str) -> None:
    """threat model 49"""
    page = failure_response(read_failure(rejected(text, text)), web_request()).body
    assert text not in page
    assert "script" not in Tags(page).tags


@pytest.mark.parametrize(
    ("root_path", "link"),
    [
        ("", "/"),
        ("/app", "/app/"),
        ('/"><script>', "/%22%3E%3Cscript%3E/"),
        ("/{0}", "/%7B0%7D/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/%5Cevil.example/"),
    ],
)
def test_the_page_leads_on_to_the_root_of_the_application(root_path: str, link: str) -> None:
    """threat model 201, 202"""
    failure = read_failure(errors.StateMismatch("Another state."))
    page = Tags(failure_response(failure, web_request(root_path=root_path)).body)
    assert page.links == [link]
    assert "script" not in page.tags


def test_a_script_gets_json() -> None:
    answer = failure_response(read_failure(errors.StateMismatch(CANARY)), web_request(prefers_json=True))
    assert answer.headers["content-type"] == "application/json"
    assert json.loads(answer.body)["error"] == "state_mismatch"
    assert CANARY not in answer.body


@pytest.mark.parametrize(
    ("error", "arguments"),
    [
        (rejected("access_denied", "No."), {"error": "access_denied", "error_description": "No."}),
        (rejected("access_denied"), {"error": "access_denied"}),
        (answered("invalid_grant"), {"error": "invalid_grant"}),
        (errors.StateMissing("No state."), {"error": "state_missing", "error_description": "No state."}),
    ],
    ids=["the provider's, with a description", "the provider's", "from the token endpoint", "ours"],
)
def test_an_error_view_is_called_with_what_there_is(error: OIDCError, arguments: dict[str, str]) -> None:
    """contract.md 1 (error view)"""
    assert read_failure(error).arguments() == arguments


def test_a_failure_is_one_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """threat model 256"""
    with caplog.at_level(logging.WARNING, "oidc_async"):
        read_failure(errors.StateMismatch("Another state."))
    assert [record.getMessage() for record in caplog.records] == ["a login failed: Another state. (state_mismatch)"]


@pytest.mark.parametrize("error", [error for error, _ in STATUSES], ids=lambda error: error.code)
@pytest.mark.parametrize("prefers_json", [False, True], ids=["page", "JSON"])
def test_debug_mode_shows_the_reason(error: OIDCError, prefers_json: bool) -> None:
    """threat model 392"""
    answer = failure_response(read_failure(error), web_request(prefers_json=prefers_json, debug=True))
    assert unescape(answer.body).count(f"{error.message} ({error.code})") == 1


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{explanation}", "%s"]
)
def test_the_reason_is_not_markup(text: str) -> None:
    """threat model 392"""
    page = Tags(failure_response(read_failure(errors.StateMismatch(text)), web_request(debug=True)).body)
    plain = Tags(failure_response(read_failure(errors.StateMismatch("plain")), web_request(debug=True)).body)
    assert page.tags == plain.tags
    assert text in unescape(failure_response(read_failure(errors.StateMismatch(text)), web_request(debug=True)).body)


def test_what_a_stranger_may_have_written_is_for_developers_alone(caplog: pytest.LogCaptureFixture) -> None:
    """threat model 393"""
    with pytest.raises(errors.StateMissing) as caught:
        require_state({"error": "invalid_scope", "error_description": "Call 555 for help"})
    failure = read_failure(caught.value)
    assert failure.arguments() == {
        "error": "state_missing",
        "error_description": "The authorization response has no state.",
    }
    assert "555" not in failure_response(failure, web_request()).body
    assert "555" in failure_response(failure, web_request(debug=True)).body
    assert "Its error is 'invalid_scope'. The provider says: \"Call 555 for help\"" in caplog.text
