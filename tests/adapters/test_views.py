"""What an application writes: views behind a login, in every form, their logout, and the session that they read."""

import importlib
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from werkzeug.exceptions import abort

from oidc_async import ConfigurationError, UninitialisedSession

from .site import ORIGIN, REDIRECT_URI, Framework, Site
from .toolbox import toolbox

MakeSite = Callable[..., Site]
SESSIONS_IN = ("cookies", "sqlite")


def add_private(app: Any, auth: Any) -> None:
    app.add_url_rule("/private", "private", auth.oidc_auth("default")(lambda: "private"))


class TestViews:
    @pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
    def test_get_their_arguments(self, make_site: MakeSite, is_async: bool) -> None:
        def page(number: int, name: str = "nobody") -> str:
            return f"{number} {name}"

        async def async_page(number: int, name: str = "nobody") -> str:
            return page(number, name)

        def views(app: Any, auth: Any) -> None:
            protected = auth.oidc_auth("default")(async_page if is_async else page)
            app.add_url_rule("/page/<int:number>", view_func=protected)
            app.add_url_rule("/page/<int:number>/<name>", view_func=protected)

        browser = make_site(views=views).browser()
        assert browser.log_in("/page/7").text == "7 nobody"
        assert browser.get("/page/8/alice").text == "8 alice"

    @pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
    @pytest.mark.parametrize("status", [401, 403, 404, 410, 418])
    def test_keep_their_http_errors(self, make_site: MakeSite, status: int, is_async: bool) -> None:
        def fail() -> Any:
            abort(status, "said by the view")

        async def async_fail() -> Any:
            abort(status, "said by the view")

        def views(app: Any, auth: Any) -> None:
            app.add_url_rule("/fail", "fail", auth.oidc_auth("default")(async_fail if is_async else fail))

        browser = make_site(views=views).browser()
        page = browser.log_in("/fail")
        assert page.status_code == status
        assert "said by the view" in page.text
        assert page.headers["cache-control"] == "no-store, private"

    def test_keep_their_names(self, site: Site) -> None:
        def page() -> str:
            """What it shows."""
            return "page"

        for decorate in (site.auth.oidc_auth("default"), site.auth.oidc_logout, site.auth.oidc_logout()):
            assert (decorate(page).__name__, decorate(page).__doc__) == ("page", "What it shows.")

    def test_work_in_blueprints(self, make_site: MakeSite, framework: Framework) -> None:
        def views(app: Any, auth: Any) -> None:
            blueprint = importlib.import_module(framework.name).Blueprint("inner", "inner", url_prefix="/inner")
            blueprint.add_url_rule("/private", "private", auth.oidc_auth("default")(lambda: "private inside"))
            blueprint.add_url_rule("/logout", "logout", auth.oidc_logout(lambda: "logged out inside"))
            app.register_blueprint(blueprint)

        site = make_site(views=views)
        site.provider.register(
            "client1",
            "secret1",
            redirect_uris=[REDIRECT_URI],
            post_logout_redirect_uris=[f"{ORIGIN}/inner/logout"],
        )
        browser = site.browser()
        assert browser.log_in("/inner/private").text == "private inside"
        back = site.provider.end_session(browser.get("/inner/logout").headers["location"])
        assert browser.get(back.url).text == "logged out inside"
        assert browser.get("/inner/private").status_code == 302


class TestLogout:
    @pytest.mark.parametrize(
        ("decorated", "expected"),
        [
            pytest.param(lambda auth: auth.oidc_logout, f"{ORIGIN}/bye", id="bare"),
            pytest.param(lambda auth: auth.oidc_logout(), f"{ORIGIN}/bye", id="called"),
            pytest.param(
                lambda auth: auth.oidc_logout(post_logout_redirect_uri=f"{ORIGIN}/app/logout"),
                f"{ORIGIN}/app/logout",
                id="with-a-uri",
            ),
        ],
    )
    def test_in_each_form(self, make_site: MakeSite, decorated: Callable[[Any], Any], expected: str) -> None:
        def views(app: Any, auth: Any) -> None:
            add_private(app, auth)
            app.add_url_rule("/bye", "bye", decorated(auth)(lambda: "bye"))

        browser = make_site(views=views).browser()
        browser.log_in()
        leaving = browser.get("/bye")
        assert leaving.status_code == 303
        assert parse_qs(urlsplit(leaving.headers["location"]).query)["post_logout_redirect_uri"] == [expected]
        assert browser.get("/private").status_code == 302
        assert browser.get("/bye").text == "bye"

    @pytest.mark.parametrize("uri", ["/bye", "", "javascript:alert(1)", "http://rp.example/bye", 5], ids=str)
    def test_rejects_anything_but_a_uri(self, site: Site, uri: Any) -> None:
        """threat model 199"""
        with pytest.raises(ConfigurationError, match="post_logout_redirect_uri must"):
            site.auth.oidc_logout(post_logout_redirect_uri=uri)


class TestUserSession:
    def test_of_the_frameworks_session_is_the_login(self, make_site: MakeSite, framework: Framework) -> None:
        tools = toolbox(framework)

        def views(app: Any, auth: Any) -> None:
            def page() -> str:
                tools.session["theirs"] = "kept"
                return str(tools.user_session(tools.session).current_provider)

            app.add_url_rule("/page", "page", auth.oidc_auth("default")(page))
            app.add_url_rule("/logout", "logout", auth.oidc_logout(lambda: tools.session["theirs"]))
            app.add_url_rule("/clear", "clear", lambda: tools.session.clear() or "cleared")

        browser = make_site(views=views).browser()
        assert browser.log_in("/page").text == "default"
        # the framework's session is the application's: neither ends with the other
        assert browser.get("/clear").text == "cleared"
        assert browser.get("/page").text == "default"
        browser.get("/logout")
        assert browser.get("/logout").text == "kept"

    def test_of_another_mapping_works_on_that_mapping(self, make_site: MakeSite, framework: Framework) -> None:
        tools = toolbox(framework)

        def page() -> dict[str, Any]:
            storage: dict[str, Any] = {}
            tools.user_session(storage, "elsewhere").update(access_token="token")
            with pytest.raises(UninitialisedSession):
                tools.user_session({})
            return {"stored": storage["access_token"]}

        site = make_site(views=lambda app, auth: app.add_url_rule("/page", "page", page))
        browser = site.browser()
        assert browser.get("/page").json() == {"stored": "token"}
        assert "set-cookie" not in browser.get("/page").headers

    def test_is_read_without_a_decorator(self, make_site: MakeSite, framework: Framework) -> None:
        tools = toolbox(framework)

        def views(app: Any, auth: Any) -> None:
            def home() -> str:
                user = tools.user_session(tools.session, "default")
                return f"Hello, {user.id_token['sub']}" if user.is_authenticated() else "Hello"

            add_private(app, auth)
            app.add_url_rule("/", "home", home)

        browser = make_site(views=views).browser()
        assert browser.get("/").text == "Hello"
        browser.log_in()
        page = browser.get("/")
        assert page.text == "Hello, alice"
        # no shared cache may give it to somebody else (threat model 166)
        assert "Cookie" in page.headers["vary"]
        assert page.headers["cache-control"] == "no-store, private"
