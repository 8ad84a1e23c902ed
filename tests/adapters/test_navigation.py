"""Which request is a navigation, sent to the login, and which is a script, answered with 401."""

from collections.abc import Callable

import pytest

from .cookie_jar import in_cookies, jar_of
from .site import ORIGIN, Page, Site, cookies_of

SESSIONS_IN = ("cookies", "sqlite")
FORM = {"content-type": "application/x-www-form-urlencoded"}
NAVIGATION = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "sec-fetch-site": "none"}
CHROME = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"

PAGES: dict[str, tuple[str, dict[str, str]]] = {
    "a link": ("GET", {}),
    "a link in a browser of today": ("GET", {**NAVIGATION, "accept": CHROME, "sec-fetch-user": "?1"}),
    "a link on another site": ("GET", {**NAVIGATION, "sec-fetch-site": "cross-site"}),
    "a browser of yesterday": ("GET", {"accept": CHROME}),
    "a mode alone": ("GET", {"sec-fetch-mode": "navigate"}),
    "a frame": ("GET", {**NAVIGATION, "sec-fetch-dest": "iframe"}),
    "an old frame": ("GET", {**NAVIGATION, "sec-fetch-dest": "frame"}),
    "anything accepted": ("GET", {"accept": "*/*"}),
    "HTML before JSON": ("GET", {"accept": "text/html, application/json;q=0.9"}),
    "HTML and JSON alike": ("GET", {"accept": "application/json, text/html"}),
    "nothing accepted": ("GET", {"accept": ""}),
    "an app of Android that shows pages": ("GET", {**NAVIGATION, "x-requested-with": "com.example.app"}),
    "another purpose": ("GET", {**NAVIGATION, "purpose": "preview"}),
    "a form": ("POST", {**NAVIGATION, **FORM}),
    "a form of yesterday": ("POST", FORM),
    "a form with a character set": ("POST", {"content-type": "Application/X-WWW-Form-Urlencoded; charset=UTF-8"}),
    "a form with files": ("POST", {"content-type": "multipart/form-data; boundary=a"}),
    "a form of plain text": ("POST", {"content-type": "text/plain"}),
    "an empty form": ("POST", {}),
}
SCRIPTS: dict[str, tuple[str, dict[str, str]]] = {
    "fetch": ("GET", {"sec-fetch-mode": "cors", "sec-fetch-dest": "empty", "accept": "*/*"}),
    "fetch of the same origin": ("GET", {"sec-fetch-mode": "same-origin", "sec-fetch-dest": "empty"}),
    "an image": ("GET", {"sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}),
    "a web socket": ("GET", {"sec-fetch-mode": "websocket", "sec-fetch-dest": "websocket"}),
    "an embedded object": ("GET", {**NAVIGATION, "sec-fetch-dest": "object"}),
    "an embedded page": ("GET", {**NAVIGATION, "sec-fetch-dest": "embed"}),
    "a destination of nonsense": ("GET", {**NAVIGATION, "sec-fetch-dest": "nonsense"}),
    "a mode of nonsense": ("GET", {"sec-fetch-mode": "nonsense"}),
    "XMLHttpRequest": ("GET", {"x-requested-with": "XMLHttpRequest"}),
    "a script by another name": ("GET", {"x-requested-with": "fetch"}),
    "a script that says that it is one": ("GET", {"x-requested-with": "XMLHttpRequest", "accept": CHROME}),
    "JSON accepted": ("GET", {"accept": "application/json"}),
    "JSON before HTML": ("GET", {"accept": "application/json, text/html;q=0.9"}),
    "JSON before anything": ("GET", {"accept": "application/json, */*;q=0.1"}),
    "JSON in a navigation": ("GET", {**NAVIGATION, "accept": "application/json"}),
    "prefetching": ("GET", {**NAVIGATION, "sec-purpose": "prefetch"}),
    "prerendering": ("GET", {**NAVIGATION, "sec-purpose": "prefetch;prerender"}),
    "prefetching of yesterday": ("GET", {"purpose": "prefetch"}),
    "a script that posts a form": ("POST", {**FORM, "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}),
    "a script that posts a form with XMLHttpRequest": ("POST", {**FORM, "x-requested-with": "XMLHttpRequest"}),
    "a form that wants JSON": ("POST", {**FORM, "accept": "application/json"}),
    "JSON posted": ("POST", {"content-type": "application/json"}),
    "JSON posted as a page": ("POST", {**NAVIGATION, "content-type": "application/json"}),
    "XML posted": ("POST", {"content-type": "text/xml"}),
    "a type that only begins like a form": ("POST", {"content-type": "text/plainer"}),
    "PUT": ("PUT", FORM),
    "DELETE": ("DELETE", {}),
    "PATCH as a page": ("PATCH", {**NAVIGATION, **FORM}),
    "HEAD": ("HEAD", {}),
}


def ask(site: Site, method: str, headers: dict[str, str]) -> Page:
    path = "/every-method" if method in ("PUT", "DELETE", "PATCH") else "/form"
    return site.browser().request(method, path, headers={"accept": "*/*", **headers}, content=b"")


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    site = make_site()

    def every_method() -> str:
        raise AssertionError("the view must not be shown")

    view = site.auth.oidc_auth("default")(every_method)
    site.app.add_url_rule("/every-method", view_func=view, methods=["PUT", "DELETE", "PATCH"])
    return site


@in_cookies
@pytest.mark.parametrize(("method", "headers"), PAGES.values(), ids=PAGES)
def test_a_person_is_sent_to_the_login(site: Site, method: str, headers: dict[str, str]) -> None:
    """contract.md 2 (navigation) and 4"""
    page = ask(site, method, headers)
    assert page.status_code == 302
    assert page.headers["location"].startswith(f"{site.provider.issuer}/authorize?")
    assert "no-store" in page.headers["cache-control"]
    assert len(cookies_of(page)) == 1


@in_cookies
@pytest.mark.parametrize(("method", "headers"), SCRIPTS.values(), ids=SCRIPTS)
def test_a_script_has_to_log_in(site: Site, method: str, headers: dict[str, str]) -> None:
    """contract.md 2 (navigation); threat model 170"""
    page = ask(site, method, headers)
    assert page.status_code == 401
    assert "location" not in page.headers
    assert cookies_of(page) == {}
    assert page.headers["content-type"] == "application/json"
    assert "no-store" in page.headers["cache-control"]
    assert page.headers["vary"] == "Cookie"
    if method != "HEAD":
        assert page.json()["error"] == "login_required"
    assert site.provider.count("discovery") == 0


@in_cookies
@pytest.mark.parametrize(("method", "headers"), SCRIPTS.values(), ids=SCRIPTS)
def test_a_script_leaves_the_logins_that_are_pending(site: Site, method: str, headers: dict[str, str]) -> None:
    """contract.md 2 (navigation)"""
    browser = site.browser()
    callback = browser.begin_login()
    kept = jar_of(browser)
    for _ in range(10):
        browser.request(method, "/form", headers={"accept": "*/*", **headers}, content=b"")
    assert jar_of(browser) == kept
    assert browser.come_back(callback).status_code == 302


@pytest.mark.parametrize("headers", [{}, {"x-requested-with": "XMLHttpRequest"}, {"accept": "application/json"}])
def test_a_user_who_is_logged_in_is_shown_the_view_whatever_asks_for_it(site: Site, headers: dict[str, str]) -> None:
    browser = site.browser()
    browser.log_in()
    assert browser.get("/private", headers=headers).text == "private"
    assert browser.request("POST", "/form", headers=headers).text == "form POST"


REFERERS: dict[str, tuple[str, str | None, str]] = {
    "the page that it was on": ("/form", f"{ORIGIN}/deep/page?a=%20b", "/deep/page?a=%20b"),
    "its own page": ("/form", f"{ORIGIN}/form", "/form"),
    "no referer": ("/form", None, "/form"),
    "no referer, with a query": ("/form?a=b", None, "/form?a=b"),
    "no referer, and no GET": ("/post-only", None, "/"),
    "another site": ("/form", "https://evil.example/page", "/form"),
    "another site, and no GET": ("/post-only", "https://evil.example/page", "/"),
    "201 two slashes": ("/form", f"{ORIGIN}//evil.example", "/"),
    "206 a user before the host": ("/form", "https://rp.example@evil.example/", "/form"),
    "a login that failed": ("/form", f"{ORIGIN}/redirect_uri?code=a&state=b", "/form"),
}


@pytest.mark.parametrize(("path", "referer", "back"), REFERERS.values(), ids=REFERERS)
def test_a_form_leads_to_the_login_and_back_by_get(site: Site, path: str, referer: str | None, back: str) -> None:
    """contract.md 2 (form POST); threat model 170"""
    browser = site.browser()
    page = browser.post(path, data={"a": "b"}, headers={"referer": referer} if referer else {})
    assert page.status_code == 302
    page = browser.come_back(site.provider.authorize(page.headers["location"]))
    assert (page.status_code, page.headers["location"]) == (302, back)
    assert browser.get(back).status_code == 200


FROM_ELSEWHERE = {**NAVIGATION, **FORM, "sec-fetch-site": "cross-site", "referer": "https://evil.example/"}


@pytest.mark.parametrize(("path", "page"), [("/form?a=b", "/form?a=b"), ("/post-only", "/")])
def test_what_another_site_posts_is_asked_for_by_get(site: Site, path: str, page: str) -> None:
    """It comes without cookies, so that logins that are pending already could not be counted."""
    answer = site.browser().post(path, headers=FROM_ELSEWHERE)
    assert (answer.status_code, answer.headers["location"]) == (303, page)
    assert "no-store" in answer.headers["cache-control"]
    assert cookies_of(answer) == {}
    assert site.provider.requests == ()


def test_a_site_of_the_same_owner_may_post(site: Site) -> None:
    answer = site.browser().post("/form", headers={**FROM_ELSEWHERE, "sec-fetch-site": "same-site"})
    assert answer.status_code == 302


def test_who_is_logged_in_is_shown_the_view_though_another_site_posts(site: Site) -> None:
    """A browser that does send its cookies with that, as old ones do."""
    browser = site.browser()
    browser.log_in()
    assert browser.post("/form", headers=FROM_ELSEWHERE).text == "form POST"


def test_a_method_that_the_path_does_not_answer_is_not_a_login(site: Site) -> None:
    assert site.browser().request("DELETE", "/private").status_code == 405
    assert site.browser().get("/post-only").status_code == 405


def test_the_view_is_not_run_before_the_login(site: Site) -> None:
    """threat model 170: the protected body is never rendered"""
    assert site.browser().request("PUT", "/every-method").status_code == 401
