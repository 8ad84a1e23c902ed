"""The hook after a login: its argument, and its results before a session begins. threat model 251, 256."""

from collections.abc import Callable
from typing import Any

import pytest
from flask_oidc_async import LoginRefused, NewLogin

from oidc_async import ConfigurationError
from oidc_async.testing import Fault

from .api import Kind
from .cookie_jar import is_anonymous, logged_in, login_again, session_of
from .refresh_site import OFFLINE
from .site import Browser, Framework, Page, Site, new_provider
from .test_error_view import echo
from .test_response_types import every_way, site_by
from .toolbox import toolbox

SESSIONS_IN = ("cookies", "memory")
MakeSite = Callable[..., Site]
Hook = Callable[[NewLogin], Any]


def hooked(site: Site, hook: Hook, kind: Kind = "sync") -> Site:
    """The site with a hook of one kind."""

    async def async_hook(login: NewLogin) -> Any:
        return hook(login)

    site.auth.after_login(hook if kind == "sync" else async_hook)
    return site


def answer_to(browser: Browser, path: str = "/private", **authorize: Any) -> Page:
    """What the browser is answered when it comes back from the provider."""
    return browser.come_back(browser.begin_login(path, **authorize))


def reject(login: NewLogin) -> None:
    raise LoginRefused(f"{login.id_token['sub']} is not on the list")


# What it is given


def test_it_is_given_all_that_the_login_brought(make_site: MakeSite, kind: Kind) -> None:
    given: list[NewLogin] = []
    site = hooked(make_site(**OFFLINE), given.append, kind)
    browser = site.browser()
    browser.log_in("/deep/a?b=c")
    (login,), who = given, browser.who()
    assert (login.provider, login.return_path) == ("default", "/deep/a?b=c")
    assert (login.id_token, login.id_token_jwt) == (who["id_token"], who["id_token_jwt"])
    assert login.userinfo == who["userinfo"] == {"sub": "alice", "name": "Alice"}
    assert login.tokens.access_token == who["access_token"]
    assert login.tokens.refresh_token == who["refresh_token"] is not None


@every_way
def test_it_is_called_once_whichever_way_the_response_takes(
    make_site: MakeSite, response_type: str, mode: str
) -> None:
    given: list[NewLogin] = []
    browser = hooked(site_by(make_site, mode, response_type), given.append).browser()
    browser.log_in()
    (login,), who = given, browser.who()
    assert (login.id_token["sub"], login.id_token_jwt) == ("alice", who["id_token_jwt"])
    assert login.access_token == who["access_token"]


def test_its_text_tells_nothing(make_site: MakeSite) -> None:
    """threat model 251"""
    given: list[NewLogin] = []
    site = hooked(make_site(**OFFLINE), given.append)
    site.browser().log_in("/private?note=private-note")
    text = f"{given[0]!r} {given[0]}"
    assert "default" in text
    registry = site.provider._registry
    secrets = {*registry.access_tokens, *registry.refresh_tokens, *registry.id_tokens, "alice", "Alice", "note"}
    assert [secret for secret in secrets if secret in text] == []


def test_it_is_called_once_for_each_login_and_at_no_other_time(make_site: MakeSite) -> None:
    others = {"first": new_provider(), "second": new_provider("https://op2.example")}
    given: list[NewLogin] = []
    site = hooked(make_site(providers=others), given.append)
    browser = site.browser()
    for path in ("/private", "/private-second"):
        browser.log_in(path)
        assert browser.get(path).status_code == 200
    browser.get("/logout")
    assert [login.provider for login in given] == ["first", "second"]


@pytest.mark.parametrize("fault", [Fault.ID_TOKEN_SIGNATURE_BROKEN, Fault.USERINFO_500], ids=str)
def test_it_is_not_given_what_was_not_verified(site: Site, fault: Any) -> None:
    given: list[NewLogin] = []
    hooked(site, given.append)
    with site.provider.misbehaving(fault):
        assert answer_to(site.browser()).status_code == 502
    assert given == []


def test_it_finds_the_session_of_before(site: Site, framework: Framework, kind: Kind) -> None:
    tools, found = toolbox(framework), list[str]()

    def look(login: NewLogin) -> None:
        found.append(tools.user_session(tools.session).id_token["sub"])

    browser = logged_in(site)
    hooked(site, look, kind)
    browser.come_back(site.provider.authorize(login_again(browser), user="bob"))
    assert found == ["alice"]
    assert browser.who()["id_token"]["sub"] == "bob"


def test_what_it_puts_into_the_frameworks_session_is_there(site: Site, framework: Framework, kind: Kind) -> None:
    tools = toolbox(framework)

    def give_role(login: NewLogin) -> None:
        tools.session["role"] = f"role of {login.id_token['sub']}"

    hooked(site, give_role, kind)
    site.app.add_url_rule("/role", "role", lambda: dict(tools.session))
    assert logged_in(site).get("/role").json() == {"role": "role of alice"}


# What it rejects


def test_a_user_whom_it_rejects_has_no_session_and_learns_why(site: Site, kind: Kind) -> None:
    hooked(site, reject, kind).auth.error_view(echo)
    browser = site.browser()
    page = answer_to(browser)
    assert page.status_code == 403
    assert page.json() == {"error": "login_refused", "error_description": "alice is not on the list"}
    assert session_of(browser) == {}
    assert is_anonymous(browser)


def test_without_an_error_view_a_plain_page_says_that_it_was_rejected(site: Site) -> None:
    page = answer_to(hooked(site, reject).browser())
    assert (page.status_code, "The login was rejected." in page.text) == (403, True)
    assert "alice" not in page.text


@pytest.mark.parametrize(
    ("problem", "status"),
    [
        (LoginRefused("no"), 403),
        (ConfigurationError("a setting"), 500),
        (RuntimeError("a mistake"), 500),
        ("//evil.example", 500),
    ],
    ids=lambda value: type(value).__name__,
)
def test_whatever_goes_wrong_the_present_session_stays(
    make_site: MakeSite, problem: Exception | str, status: int, kind: Kind
) -> None:
    """contract.md 2"""

    def fail(login: NewLogin) -> str:
        if isinstance(problem, Exception):
            raise problem
        return problem

    site = make_site(config={"TESTING": False, "PROPAGATE_EXCEPTIONS": False})
    browser = logged_in(site)
    hooked(site, fail, kind)
    before = session_of(browser)
    page = browser.come_back(site.provider.authorize(login_again(browser), user="bob"))
    assert page.status_code == status
    assert session_of(browser) == before
    assert browser.who()["id_token"]["sub"] == "alice"


def test_a_rejected_login_can_not_be_brought_again(site: Site) -> None:
    browser = hooked(site, reject).browser()
    callback = browser.begin_login()
    assert browser.come_back(callback).status_code == 403
    hooked(site, lambda login: None)
    assert browser.come_back(callback).status_code == 400
    assert is_anonymous(browser)


def test_its_words_forge_no_line_of_the_log(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """threat model 256"""

    def reject_in_lines(login: NewLogin) -> None:
        raise LoginRefused("no\r\nINFO forged \x1b[31m\u2028line")

    answer_to(hooked(site, reject_in_lines).browser())
    assert [record.getMessage() for record in caplog.records if record.name.startswith("oidc_async")] == [
        "a login failed: no??INFO forged ?[31m?line (login_refused)"
    ]


# Where it leads


@pytest.mark.parametrize("path", ["/", "/welcome", "/deep/a%20b?c=d%26e#f", "/app/new?next=//x", "/%C3%BC"])
def test_the_browser_goes_where_it_says(site: Site, path: str, kind: Kind) -> None:
    page = answer_to(hooked(site, lambda login: path, kind).browser())
    assert (page.status_code, page.headers["location"]) == (302, path)


@pytest.mark.parametrize(
    "place",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "/\t/evil.example",
        "/a\r\nSet-Cookie: a=b",
        "javascript:alert(1)",
        "welcome",
        "",
        "/ü",
        "/a b",
        "/" + "a" * 3000,
        "https://rp.example/welcome",
        b"/welcome",
        True,
        False,
        7,
        ["/welcome"],
    ],
    ids=ascii,
)
def test_another_place_is_an_error_that_names_the_fix(site: Site, place: Any) -> None:
    hooked(site, lambda login: place).auth.error_view(echo)
    browser = site.browser()
    page = answer_to(browser)
    assert (page.status_code, page.json()["error"]) == (500, "configuration_error")
    assert "url_for('page')" in page.json()["error_description"]
    assert session_of(browser) == {}


def test_what_it_says_may_be_in_an_app_below_a_path(make_site: MakeSite, framework: Framework) -> None:
    tools = toolbox(framework)
    provider = new_provider(redirect_uri="https://rp.example/app/redirect_uri")
    config = {"OIDC_REDIRECT_URI": "https://rp.example/app/redirect_uri"}
    site = make_site(providers={"default": provider}, config=config, root_path="/app")
    hooked(site, lambda login: tools.url_for("private"))
    page = answer_to(site.browser(), "/app/deep/a")
    assert page.headers["location"] == "/app/private"


# The decorator


def test_it_is_the_same_object_after_it_was_registered_and_the_last_one_counts(site: Site) -> None:
    assert site.auth.after_login(reject) is reject
    hooked(site, lambda login: "/last")
    assert answer_to(site.browser()).headers["location"] == "/last"


@pytest.mark.parametrize("hook", [lambda: None, lambda a, b: None, "hook"], ids=["none", "two", "text"])
def test_one_that_can_not_be_called_with_a_login_is_rejected_at_once(site: Site, hook: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"def hook\(login\)"):
        site.auth.after_login(hook)
