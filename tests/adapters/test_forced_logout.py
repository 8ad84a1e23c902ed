"""How an application keeps others from logging its users out: docs/guides/logging-out.md. threat model 196."""

import secrets
from collections.abc import Callable
from typing import Any

import pytest

from oidc_async import ClientMetadata

from .cookie_jar import logged_in
from .end_session import is_at_provider, parameters
from .site import ORIGIN, Browser, Framework, Site, cookies_of, new_provider
from .toolbox import toolbox

MakeSite = Callable[..., Site]
SESSIONS_IN = ("cookies", "sqlite")


def protected_views(framework: Framework) -> Callable[[Any, Any], None]:
    """The standard views; `/leave` takes POST with the token that `/form-token` shows, and `/goodbye` is for all."""
    tools = toolbox(framework)

    def is_forged(form: Any) -> bool:
        return bool(tools.request.path == "/leave" and form.get("token") != tools.session.get("form_token", ""))

    def reject_forgeries() -> Any:
        if tools.request.method == "POST" and is_forged(tools.request.form):
            tools.abort(400)

    async def reject_awaited_forgeries() -> Any:
        if tools.request.method == "POST" and is_forged(await tools.request.form):
            tools.abort(400)

    def form_token() -> str:
        token: str = tools.session.setdefault("form_token", secrets.token_urlsafe())
        return token

    def views(app: Any, auth: Any) -> None:
        framework.add_standard_views(app, auth)
        app.before_request(reject_forgeries if framework.name == "flask" else reject_awaited_forgeries)
        app.add_url_rule("/form-token", "form_token", form_token)
        app.add_url_rule("/leave", "leave", auth.oidc_logout(lambda: "left"), methods=["POST"])
        app.add_url_rule("/goodbye", "goodbye", lambda: "goodbye")

    return views


@pytest.fixture
def user(make_site: MakeSite, framework: Framework) -> Browser:
    provider = new_provider()
    return_uri = [f"{ORIGIN}/goodbye"]
    provider.register(
        "client1", "secret1", redirect_uris=[f"{ORIGIN}/redirect_uri"], post_logout_redirect_uris=return_uri
    )
    client = ClientMetadata("client1", "secret1", post_logout_redirect_uris=return_uri)
    views = protected_views(framework)
    return logged_in(make_site(providers={"default": provider}, views=views, client_metadata=client))


@pytest.mark.parametrize(
    ("method", "form", "status"),
    [("GET", {}, 405), ("HEAD", {}, 405), ("POST", {}, 400), ("POST", {"token": "guessed"}, 400)],
    ids=["a link", "a look", "a form of another site", "a guess"],
)
def test_nobody_else_ends_a_session(user: Browser, method: str, form: dict[str, str], status: int) -> None:
    """threat model 196"""
    page = user.request(method, "/leave", data=form)
    assert page.status_code == status
    assert user.who() != {}


def test_the_users_own_form_does(user: Browser) -> None:
    page = user.post("/leave", data={"token": user.get("/form-token").text})
    assert is_at_provider(page, user.site.provider)
    assert parameters(page)["post_logout_redirect_uri"] == f"{ORIGIN}/goodbye"
    assert user.get(user.site.provider.end_session(page.headers["location"]).url).text == "goodbye"
    assert user.who() == {}


def test_without_the_session_cookie_which_other_sites_dont_bring_a_post_ends_nothing(user: Browser) -> None:
    """threat model 196: SameSite=Lax"""
    page = user.site.browser().post("/logout")
    assert (page.status_code, page.text) == (200, "logged out")
    assert [name for name in cookies_of(page) if name.startswith("__Host-oidc-")] == []
    assert user.who() != {}


def test_no_other_site_brings_the_session_along(user: Browser) -> None:
    """threat model 157, 196"""
    provider = user.site.provider
    user.cookies.clear()
    back = user.get("/private").headers["location"]
    cookies = cookies_of(user.come_back(provider.authorize(back)))
    sessions = [cookie for name, cookie in cookies.items() if name.endswith(("-session", "-sid"))]
    assert [cookie.attributes["samesite"] for cookie in sessions] == ["Lax"]


def test_a_link_of_another_site_ends_the_session_where_the_view_answers_get(user: Browser) -> None:
    """threat model 196: browsers send SameSite=Lax cookies with links, so only the application can tell."""
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert user.get("/logout", headers=link).status_code == 303
    assert user.who() == {}
