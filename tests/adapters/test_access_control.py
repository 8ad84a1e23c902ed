"""`access_control`: a token decides when there is one, else the session (contract.md 1)."""

from typing import Any

import pytest

from oidc_async.testing import Fault

from .api import Api, Kind, MakeApi, challenge_of, of_kind
from .site import Framework, cookies_of
from .toolbox import toolbox


@pytest.fixture
def api(make_api: MakeApi, kind: Kind) -> Api:
    return make_api(kind)


@pytest.fixture
def logged_in(api: Api) -> Api:
    assert api.browser.log_in("/private").status_code == 200
    return api


def test_a_token_opens_the_view(api: Api) -> None:
    identity = api.identity("/both", api.token())
    assert identity is not None
    assert identity["sub"] == "alice"
    assert len(api.browser.cookies) == 0


def test_a_session_opens_it_too_and_is_not_a_token(logged_in: Api) -> None:
    page = logged_in.call("/both")
    assert (page.status_code, page.json()) == (200, None)
    assert page.headers["cache-control"] == "no-store, private"
    assert page.headers["vary"] == "Cookie"


@pytest.mark.parametrize("scopes", ["", "read", "admin"])
def test_a_session_needs_no_scopes(make_api: MakeApi, framework: Framework, scopes: str) -> None:
    def add_views(app: Any, auth: Any) -> None:
        app.add_url_rule("/both", "both", auth.access_control("default", scopes or None)(lambda: "in"))

    assert make_api(views=add_views).browser.log_in("/both").text == "in"


def test_a_login_comes_back_to_the_view(api: Api) -> None:
    assert api.browser.log_in("/both").json() is None


def test_nothing_at_all_leads_to_the_login(api: Api) -> None:
    """contract.md 4"""
    page = api.call("/both", headers={"accept": "text/html"})
    assert page.status_code == 302
    assert page.headers["location"].startswith(f"{api.provider.issuer}/authorize?")
    assert page.headers["cache-control"] == "no-store, private"
    assert "www-authenticate" not in page.headers


@pytest.mark.parametrize(
    "headers",
    [
        {"x-requested-with": "XMLHttpRequest"},
        {"accept": "application/json"},
        {"sec-fetch-mode": "cors"},
        {"sec-fetch-mode": "no-cors"},
    ],
    ids=str,
)
def test_a_script_with_neither_learns_that_a_token_would_do(api: Api, headers: dict[str, str]) -> None:
    """threat model 138, 154, 170, contract.md 2"""
    page = api.call("/both", headers=headers)
    assert (page.status_code, page.json()["error"]) == (401, "login_required")
    assert challenge_of(page) == {}
    assert "no-store" in page.headers["cache-control"]
    assert cookies_of(page) == {}
    assert "www-authenticate" not in api.call("/private", headers=headers).headers


def test_another_scheme_is_not_a_token(logged_in: Api) -> None:
    """Some browsers send Basic along for ever."""
    page = logged_in.call("/both", headers={"authorization": "Basic YTpi"})
    assert (page.status_code, page.json()) == (200, None)


@pytest.mark.parametrize(
    ("token", "status"), [("unknown", 403), ("two words", 400), ("", 400), ("x,y", 400)], ids=repr
)
@pytest.mark.parametrize("headers", [{}, {"accept": "text/html"}], ids=["client", "browser"])
def test_an_invalid_token_is_rejected_whatever_the_session(
    logged_in: Api, token: str, status: int, headers: dict[str, str]
) -> None:
    """contract.md 1: and the session stays as it was."""
    before = dict(logged_in.browser.cookies)
    page = logged_in.call("/both", token, headers=headers)
    assert page.status_code == status
    assert challenge_of(page)["error"] == {403: "invalid_token", 400: "invalid_request"}[status]
    assert cookies_of(page) == {}
    assert dict(logged_in.browser.cookies) == before
    assert logged_in.call("/both").status_code == 200


def test_a_token_that_does_not_suffice_is_rejected_whatever_the_session(
    make_api: MakeApi, framework: Framework, kind: Kind
) -> None:
    def add_views(app: Any, auth: Any) -> None:
        tools = toolbox(framework)
        view = of_kind(kind, lambda: tools.jsonify(auth.current_token_identity))
        app.add_url_rule("/scope", "scope", auth.access_control("default", ["admin"])(view))
        never = auth.access_control("default", requires=lambda claims: False)
        app.add_url_rule("/requires", "requires", never(view))
        app.add_url_rule("/acr", "acr", auth.access_control("default", acr_values="gold")(view))

    api = make_api(views=add_views)
    api.browser.log_in("/scope")
    for path, status, error in (
        ("/scope", 403, "insufficient_scope"),
        ("/requires", 403, "insufficient_scope"),
        ("/acr", 401, "insufficient_user_authentication"),
    ):
        page = api.call(path, api.token())
        assert (page.status_code, challenge_of(page)["error"]) == (status, error)
        assert api.call(path).json() is None


def test_a_provider_that_is_down_lets_no_token_fall_back_on_the_session(logged_in: Api) -> None:
    """threat model 125"""
    with logged_in.provider.misbehaving(Fault.INTROSPECTION_RESET):
        page = logged_in.call("/both", logged_in.token())
    assert (page.status_code, "www-authenticate" in page.headers) == (503, False)
    assert logged_in.call("/both").status_code == 200


def test_an_invalid_token_begins_no_login(api: Api) -> None:
    page = api.call("/both", "unknown", headers={"accept": "text/html", "sec-fetch-mode": "navigate"})
    assert (page.status_code, cookies_of(page)) == (403, {})


def test_a_dpop_bound_token_is_not_a_login(logged_in: Api) -> None:
    """threat model 151, 152"""
    page = logged_in.call("/both", logged_in.token(claims={"cnf": {"jkt": "0" * 43}}))
    assert page.status_code == 403


def test_a_session_and_a_token_of_two_users_stay_apart(logged_in: Api, framework: Framework) -> None:
    """threat model 247"""
    identity = logged_in.identity("/both", logged_in.token(username="bob"))
    assert identity is not None
    assert identity["sub"] == "bob"
    assert logged_in.call("/both").json() is None


def test_a_failing_login_is_reported_as_everywhere(api: Api) -> None:
    with api.provider.misbehaving(Fault.DISCOVERY_500):
        page = api.call("/both", headers={"accept": "text/html"})
    assert page.status_code == 502
    assert "www-authenticate" not in page.headers
