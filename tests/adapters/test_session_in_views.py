"""Views that change the session, hooks that do, and views that fail."""

from collections.abc import Callable
from hashlib import md5
from typing import Any

import pytest

from .cookie_jar import in_cookies, logged_in, session_of
from .site import Framework, Site, cookies_of
from .toolbox import toolbox

MakeSite = Callable[..., Site]
SESSIONS_IN = ("cookies", "memory", "sqlite")
MANY_GROUPS = [md5(f"group {number}".encode()).hexdigest() for number in range(4000)]


# Views that change the session, and views that fail


def site_with(make_site: MakeSite, framework: Framework, view: Callable[[Any], Any], **options: Any) -> Site:
    """A site with `view` at /change, called with the UserSession; errors are answered, not raised."""
    tools = toolbox(framework)

    def views(app: Any, auth: Any) -> None:
        framework.add_standard_views(app, auth)

        def change() -> Any:
            return view(tools.user_session(tools.session, "default"))

        app.add_url_rule("/change", view_func=change)

    return make_site(views=views, config={"TESTING": False, **options})


def test_a_view_that_is_named_static_sees_the_session(make_site: MakeSite, framework: Framework) -> None:
    """It is not a static file, though a blueprint names its static files so, too."""
    tools = toolbox(framework)

    def views(app: Any, auth: Any) -> None:
        framework.add_standard_views(app, auth)

        def static(page: str) -> str:
            return f"{page} for {tools.user_session(tools.session).id_token['sub']}"

        blueprint = tools.blueprint("pages", __name__)
        blueprint.add_url_rule("/pages/<page>", view_func=static)
        app.register_blueprint(blueprint)

    browser = logged_in(make_site(views=views))
    assert browser.get("/pages/imprint").text == "imprint for alice"


def test_what_a_view_keeps_is_there_in_the_next_request(make_site: MakeSite, framework: Framework) -> None:
    def view(user: Any) -> str:
        user.update(access_token="next", userinfo={"sub": "alice", "name": "Another"})
        return str(user.access_token)

    browser = logged_in(site_with(make_site, framework, view))
    assert browser.get("/change").text == "next"
    assert browser.who()["userinfo"]["name"] == "Another"


def test_a_session_is_one_however_often_it_is_asked_for(make_site: MakeSite, framework: Framework) -> None:
    tools = toolbox(framework)

    def view(user: Any) -> str:
        again = tools.user_session(tools.session, "default")
        user.update(access_token="next")
        before = again.access_token
        again.clear()
        return f"{before} {user.is_authenticated()} {tools.user_session(tools.session, 'default').access_token}"

    browser = logged_in(site_with(make_site, framework, view))
    assert browser.get("/change").text == "next False None"
    assert browser.who() == {}
    assert session_of(browser) == {}


def _fail(user: Any) -> str:
    user.clear()
    raise RuntimeError("the view failed")


def test_a_view_that_fails_still_ends_the_session_that_it_ended(make_site: MakeSite, framework: Framework) -> None:
    browser = logged_in(site_with(make_site, framework, _fail))
    assert browser.get("/change").status_code == 500
    assert browser.who() == {}


@in_cookies
@pytest.mark.parametrize(
    ("value", "name"),
    [
        (MANY_GROUPS, "SessionTooLarge"),
        ("a" * 300_000, "SessionTooLarge"),
        (object(), "ConfigurationError"),
        (float("nan"), "ConfigurationError"),
    ],
    ids=["too large", "too large, though it compresses well", "no JSON", "NaN"],
)
def test_what_can_not_be_kept_is_an_error_and_leaves_the_session(
    make_site: MakeSite, framework: Framework, caplog: pytest.LogCaptureFixture, value: Any, name: str
) -> None:
    """threat model 165"""

    def view(user: Any) -> str:
        user.update(userinfo={"claim": value})
        return "kept"

    browser = logged_in(site_with(make_site, framework, view))
    before = browser.who()
    assert browser.get("/change").status_code == 500
    assert name in caplog.text
    assert browser.who() == before


def test_a_response_that_is_streamed_carries_the_cookies(make_site: MakeSite, framework: Framework) -> None:
    tools = toolbox(framework)

    def view(user: Any) -> Any:
        user.update(access_token="next")
        return tools.response(part for part in (b"one ", b"two"))

    browser = logged_in(site_with(make_site, framework, view))
    assert browser.get("/change").text == "one two"
    assert browser.who()["access_token"] == "next"


def test_a_hook_may_end_the_session_that_a_login_just_began(make_site: MakeSite, framework: Framework) -> None:
    """threat model 156: an application that lets only some users in"""
    tools = toolbox(framework)

    def leave(response: Any) -> Any:
        tools.user_session(tools.session, "default").clear()
        return response

    async def leave_task(response: Any) -> Any:
        return leave(response)

    def views(app: Any, auth: Any) -> None:
        framework.add_standard_views(app, auth)
        app.after_request(leave if framework.name == "flask" else leave_task)

    site = make_site(views=views)
    browser = site.browser()
    page = browser.come_back(browser.begin_login())
    assert page.status_code == 302
    assert [name for name, cookie in cookies_of(page).items() if cookie.value and "session" in name] == []
    assert browser.who() == {}
