"""Apps as Flask-pyoidc's documentation shows them, with nothing changed but what a migration changes.

The sources are our own words around the same use of the API. For Flask the import root is replaced, for Quart that
and the framework's name; each is run with views that are `async` and with views that aren't; where
sessions are kept is a setting more. The provider is on the network.
"""

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping
from inspect import isawaitable
from typing import Any

import pytest

from oidc_async import BlockingRuntime
from oidc_async.testing import Callback, Fault, SimulatedProvider

from .cookie_jar import in_cookies
from .quickstart_apps import (
    APP_FACTORY,
    CLIENT_CREDENTIALS,
    DIALECTS,
    ERROR_VIEW,
    LOGIN,
    LOGOUT,
    SEVERAL_PROVIDERS,
    TOKEN_OR_SESSION,
    TOKENS,
    Dialect,
)
from .site import (
    ORIGIN,
    SECRET_KEY,
    Browser,
    Page,
    Site,
    new_provider,
)

SESSIONS_IN = ("cookies", "sqlite")


@pytest.fixture
def provider() -> Iterator[SimulatedProvider]:
    provider = new_provider()
    with provider.serve():
        yield provider


@pytest.fixture(params=DIALECTS, ids=lambda dialect: dialect.name)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    dialect: Dialect = request.param
    return dialect


@pytest.fixture
def start(
    dialect: Dialect, provider: SimulatedProvider, sessions_in: dict[str, Any]
) -> Iterator[Callable[..., dict[str, Any]]]:
    """Runs a source with the names that it leaves open, and gives all names that it has then."""
    started: list[dict[str, Any]] = []

    def start(source: str, **names: Any) -> dict[str, Any]:
        names.update(issuer=provider.issuer, secret_key=SECRET_KEY, sessions_in=sessions_in)
        exec(compile(dialect.migrated(source), dialect.name, "exec"), names)
        started.append(names)
        return names

    yield start
    for names in started:
        for runtime in names["app"].extensions["oidc_async"].application.runtimes:
            # those for asyncio end with their event loop
            if isinstance(runtime, BlockingRuntime):
                runtime.close()


@pytest.fixture
def browse(
    dialect: Dialect, start: Callable[..., dict[str, Any]], provider: SimulatedProvider
) -> Iterator[Callable[..., Browser]]:
    """Runs a source, or takes one that runs, and opens a browser in front of its `app`."""
    sites: list[Site] = []

    def browse(source: str | Mapping[str, Any], *others: SimulatedProvider, **names: Any) -> Browser:
        running = start(source, **names) if isinstance(source, str) else source
        sites.append(Site(dialect.framework, running["app"], running["auth"], [provider, *others]))
        return sites[-1].browser()

    yield browse
    for site in sites:
        site.close()


def bring(browser: Browser, token: str, path: str = "/api") -> Page:
    """The page for a client that brings this token."""
    return browser.get(path, headers={"Authorization": f"Bearer {token}"})


def test_a_login_shows_the_tokens_and_the_user(browse: Callable[..., Browser], provider: SimulatedProvider) -> None:
    browser = browse(LOGIN)
    shown = browser.log_in("/login").json()
    assert shown["id_token"]["sub"] == "alice"
    assert shown["id_token"]["iss"] == provider.issuer
    assert shown["userinfo"]["sub"] == "alice"
    assert shown["access_token"]
    assert browser.get("/login").json() == shown
    assert provider.count("token") == 1


def test_each_of_several_providers_has_its_own_pages(
    browse: Callable[..., Browser], provider: SimulatedProvider
) -> None:
    other = new_provider()
    with other.serve():
        browser = browse(SEVERAL_PROVIDERS, other, other_issuer=other.issuer)
        assert browser.log_in("/login1").text == "provider1"
        assert browser.log_in("/login2").text == "provider2"
    assert (provider.count("token"), other.count("token")) == (1, 1)


@pytest.mark.parametrize(
    ("registered", "last_page"),
    [
        pytest.param(None, "You are logged out.", id="none-registered"),
        pytest.param([f"{ORIGIN}/logout"], "You are logged out.", id="the-view-registered"),
        pytest.param([f"{ORIGIN}/bye"], "bye", id="another-page-registered"),
    ],
)
def test_a_logout_goes_by_the_provider_and_comes_back(
    browse: Callable[..., Browser], provider: SimulatedProvider, registered: list[str] | None, last_page: str
) -> None:
    provider.register(
        "client1",
        "secret1",
        redirect_uris=[f"{ORIGIN}/redirect_uri"],
        post_logout_redirect_uris=[f"{ORIGIN}/logout", f"{ORIGIN}/bye"],
    )
    browser = browse(LOGOUT, registered=registered)
    browser.log_in("/login")
    leaving = browser.get("/logout")
    assert leaving.status_code == 303
    back = provider.end_session(leaving.headers["location"])
    assert browser.get(back.url).text == last_page
    assert browser.get("/login").status_code == 302


@in_cookies
def test_a_logout_without_a_login_shows_the_view(browse: Callable[..., Browser]) -> None:
    assert browse(LOGOUT, registered=None).get("/logout").text == "You are logged out."


def test_an_error_of_the_authentication_response_reaches_the_error_view(browse: Callable[..., Browser]) -> None:
    browser = browse(ERROR_VIEW)
    page = browser.come_back(browser.begin_login("/login", consent=False))
    assert page.json() == {"error": "access_denied", "message": "The user said no."}
    assert browser.log_in("/login").text == "logged in"


def test_an_error_of_the_token_response_reaches_the_error_view(
    browse: Callable[..., Browser], provider: SimulatedProvider
) -> None:
    browser = browse(ERROR_VIEW)
    with provider.misbehaving(Fault.TOKEN_INVALID_GRANT):
        page = browser.come_back(browser.begin_login("/login"))
    assert page.json()["error"] == "invalid_grant"
    assert page.status_code == 400


def test_an_app_of_a_factory_works_without_discovery(
    browse: Callable[..., Browser], provider: SimulatedProvider
) -> None:
    metadata = {
        "issuer": provider.issuer,
        "authorization_endpoint": f"{provider.issuer}/authorize",
        "token_endpoint": f"{provider.issuer}/token",
        "userinfo_endpoint": f"{provider.issuer}/userinfo",
        "jwks_uri": f"{provider.issuer}/jwks",
    }
    browser = browse(APP_FACTORY, metadata=metadata)
    assert browser.log_in("/login").text == "alice@example.com"
    assert provider.count("discovery") == 0


def test_the_legacy_settings_still_make_a_login(browse: Callable[..., Browser]) -> None:
    legacy = LOGIN.replace(
        'OIDC_REDIRECT_URI="https://rp.example/redirect_uri"',
        'OIDC_REDIRECT_DOMAIN="rp.example", PREFERRED_URL_SCHEME="https"',
    )
    with pytest.warns(DeprecationWarning, match="OIDC_REDIRECT_URI"):
        browser = browse(legacy)
    assert browser.log_in("/login").json()["id_token"]["sub"] == "alice"


def test_a_wrong_state_is_an_error_of_the_app(browse: Callable[..., Browser]) -> None:
    browser = browse(ERROR_VIEW)
    callback = browser.begin_login("/login")
    page = browser.come_back(Callback(url=re.sub("state=[^&]*", "state=other", callback.url)))
    assert (page.status_code, page.json()["error"]) == (400, "state_mismatch")


@in_cookies
def test_a_token_opens_the_api_and_tells_whose_it_is(
    browse: Callable[..., Browser], provider: SimulatedProvider
) -> None:
    browser = browse(TOKENS)
    token = provider.issue_access_token("client1", scope="read write", username="alice")
    identity = bring(browser, token).json()
    assert (identity["active"], identity["sub"], identity["client_id"]) == (True, "alice", "client1")
    assert identity["scope"] == "read write"
    assert bring(browser, token, "/me").json() == {"sub": "alice"}
    assert browser.get("/open").json() == {"identity": None}


@in_cookies
def test_a_token_of_one_request_is_not_that_of_the_next(
    browse: Callable[..., Browser], provider: SimulatedProvider
) -> None:
    browser = browse(TOKENS)
    tokens = [provider.issue_access_token("client1", username=name) for name in ("alice", "bob", "alice")]
    assert [bring(browser, token, "/me").json()["sub"] for token in tokens] == ["alice", "bob", "alice"]
    assert bring(browser, tokens[0], "/open").json() == {"identity": None}


@in_cookies
def test_an_api_without_a_token_answers_401(browse: Callable[..., Browser]) -> None:
    page = browse(TOKENS).get("/api")
    assert (page.status_code, page.headers["www-authenticate"]) == (401, 'Bearer scope="read write"')


@in_cookies
@pytest.mark.parametrize(
    ("issued", "error"),
    [
        pytest.param({"scope": "read"}, "insufficient_scope", id="a-scope-is-missing"),
        pytest.param({"scope": ""}, "insufficient_scope", id="no-scope"),
        pytest.param({"scope": "read write", "lifetime": -1}, "invalid_token", id="expired"),
        pytest.param({"scope": "read write", "audience": "other"}, "invalid_token", id="for-somebody-else"),
    ],
)
def test_a_token_that_will_not_do_is_answered_with_403(
    browse: Callable[..., Browser], provider: SimulatedProvider, issued: dict[str, Any], error: str
) -> None:
    page = bring(browse(TOKENS), provider.issue_access_token("client1", username="alice", **issued))
    assert (page.status_code, page.json()["error"]) == (403, error)
    assert f'error="{error}"' in page.headers["www-authenticate"]


@in_cookies
def test_a_token_that_was_revoked_is_answered_with_403(
    browse: Callable[..., Browser], provider: SimulatedProvider
) -> None:
    token = provider.issue_access_token("client1", scope="read write")
    provider.revoke_access_token(token)
    assert bring(browse(TOKENS), token).status_code == 403


def test_a_page_for_tokens_and_for_logins_tells_which_it_was(
    browse: Callable[..., Browser], provider: SimulatedProvider
) -> None:
    browser = browse(TOKEN_OR_SESSION)
    token = provider.issue_access_token("client1", scope="read write", username="bob")
    assert bring(browser, token, "/notes").json() == {"token_of": "bob"}
    assert browser.log_in("/notes").json() == {"session_of": "alice"}
    assert bring(browser, token, "/notes").json() == {"token_of": "bob"}
    assert browser.get("/notes").json() == {"session_of": "alice"}


def test_an_invalid_token_is_rejected_though_there_is_a_session(
    browse: Callable[..., Browser], provider: SimulatedProvider
) -> None:
    browser = browse(TOKEN_OR_SESSION)
    browser.log_in("/notes")
    rejected = bring(browser, provider.issue_access_token("client1", scope="read"), "/notes")
    assert (rejected.status_code, rejected.json()["error"]) == (403, "insufficient_scope")
    assert bring(browser, "unknown", "/notes").status_code == 403
    assert browser.get("/notes").json() == {"session_of": "alice"}


@in_cookies
@pytest.mark.parametrize(
    ("function", "scope", "audience"),
    [
        ("credentials", None, "client1"),
        ("scoped_credentials", "read write", "client1"),
        ("credentials_for_others", "read write", ["client1", "client2"]),
    ],
)
def test_the_clients_own_token_opens_an_api(
    start: Callable[..., dict[str, Any]],
    browse: Callable[..., Browser],
    provider: SimulatedProvider,
    function: str,
    scope: str | None,
    audience: str | list[str],
) -> None:
    running = start(CLIENT_CREDENTIALS)
    token = result(running[function]())
    identity = bring(browse(running), token, "/identity").json()
    assert (identity.get("scope"), identity["aud"]) == (scope, audience)
    assert (identity["client_id"], "sub" in identity) == ("client1", False)
    assert bring(browse(running), token).status_code == (200 if scope else 403)
    assert result(running[function]()) != token, "each call is a request"
    assert provider.count("token", grant_type="client_credentials") == 2


def result(outcome: Any) -> Any:
    """What a function gave, awaited where it has to be."""

    async def awaited() -> Any:
        return await outcome

    return asyncio.run(awaited()) if isawaitable(outcome) else outcome
