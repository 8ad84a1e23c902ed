"""Where a login comes back to, seen from the browser: the page that was asked for, on this origin and no other."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.web.browser_url import origin_of_location

from .site import ORIGIN, REDIRECT_URI, Browser, Page, Site, new_provider

MakeSite = Callable[..., Site]


def back_from(browser: Browser, path: str) -> Page:
    """The answer to a login that began at `path`, sent as it is."""
    page = browser.request("GET", f"{ORIGIN}{path}")
    assert page.status_code == 302, (page.status_code, page.text)
    return browser.come_back(browser.site.provider.authorize(page.headers["location"]))


@pytest.mark.parametrize(
    "path",
    [
        "/private",
        "/deep/a/b/c",
        "/deep/a%2Fb",
        "/deep/a%20b",
        "/deep/%C3%BC",
        "/deep/100%25",
        "/deep/what%3F",
        "/deep/a%23b",
        "/deep/a%5Cb",
        "/deep/a;b=c,d",
        "/deep/a+b",
        "/deep/@a:b",
        "/private?a=b&a=c&d",
        "/private?a=%26%3D%20+",
        "/private?next=https://evil.example/",
        "/private?next=//evil.example",
        "/private?a=/%5Cevil.example",
        "/private?a=%0D%0AX-Header:%20b",
        "/private?a=%FF",
    ],
)
def test_a_login_comes_back_to_the_page_as_it_was_asked_for(site: Site, path: str) -> None:
    """contract.md 2 (the return URL)"""
    browser = site.browser()
    page = back_from(browser, path)
    assert page.headers["location"] == path
    assert browser.get(path).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example/..%2Fprivate",
        "//evil.example/%2e%2e/private",
        "///evil.example/private",
        "/deep//evil.example",
        "/deep/%2F/evil.example",
        "/deep/..//evil.example",
        "/%2F%2Fevil.example",
        "/%5C%5Cevil.example",
        "/%09/evil.example",
        "/deep/%0D%0ALocation:%20https:%2F%2Fevil.example",
        "/deep/%00",
        "/private?\\\\evil.example",
        "/private?" + "a" * 5000,
        "/deep/" + "a" * 5000,
        "/deep/" + "%C3%BC" * 900,
    ],
)
def test_no_address_leads_to_another_host(site: Site, path: str) -> None:
    """threat model 201 to 209, 211"""
    browser = site.browser()
    page = browser.request("GET", f"{ORIGIN}{path}")
    if page.status_code == 302 and page.headers["location"].startswith(site.provider.issuer):
        page = browser.come_back(site.provider.authorize(page.headers["location"]))
        assert page.status_code == 302
    location = page.headers.get("location", "/")
    assert origin_of_location(location, "https", "rp.example") == ORIGIN
    assert len(location) < 4096


def test_a_page_of_any_address(make_site: MakeSite) -> None:
    """threat model 201 to 205: protected views that answer every path"""
    evil = ["//evil.example", "///evil.example", "/%5Cevil.example", "/%09/evil.example", "/%2F/evil.example", "//"]
    evil += ["//evil.example/%2e%2e", "/https:%2F%2Fevil.example", "/.//evil.example", "/%0A/evil.example", "/%00"]

    site = make_site(views=_add_catch_all)
    for path in evil:
        page = site.browser().request("GET", f"{ORIGIN}{path}")
        assert page.status_code in (302, 308), path
        if page.headers["location"].startswith(site.provider.issuer):
            page = back_from(site.browser(), path)
        location = page.headers["location"]
        assert origin_of_location(location, "https", "rp.example") == ORIGIN, path


def _add_catch_all(app: Any, auth: Any) -> None:
    def anything(path: str = "") -> str:
        return path

    view = auth.oidc_auth("default")(anything)
    app.add_url_rule("/", view_func=view)
    app.add_url_rule("/<path:path>", view_func=view)


@pytest.mark.parametrize("length", [1900, 3000])
def test_a_long_address_is_come_back_to_whole_or_not_at_all(site: Site, length: int) -> None:
    """threat model 209"""
    path = f"/private?q={'a' * length}"
    assert back_from(site.browser(), path).headers["location"] == (path if length < 2000 else "/")


@pytest.mark.parametrize("path", ["/private", "/deep/a%2Fb?c=d", "/deep/%C3%BC"])
def test_below_a_mount_the_address_keeps_its_beginning(make_site: MakeSite, path: str) -> None:
    """contract.md 2: SCRIPT_NAME"""
    uri = f"{ORIGIN}/app/redirect_uri"
    providers = {"default": new_provider(redirect_uri=uri)}
    site = make_site(providers=providers, config={"OIDC_REDIRECT_URI": uri}, root_path="/app")
    browser = site.browser()
    page = back_from(browser, f"/app{path}")
    assert page.headers["location"] == f"/app{path}"
    assert browser.get(page.headers["location"]).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"x-forwarded-host": "evil.example"},
        {"x-forwarded-prefix": "//evil.example"},
        {"x-forwarded-proto": "http"},
        {"forwarded": "host=evil.example;proto=http"},
        {"x-original-url": "https://evil.example/"},
        {"x-rewrite-url": "//evil.example/"},
    ],
    ids=lambda headers: next(iter(headers)),
)
def test_no_header_decides_where_a_login_goes_or_comes_back_to(site: Site, headers: dict[str, str]) -> None:
    """threat model 169"""
    browser = site.browser()
    page = browser.get("/private", headers=headers)
    callback = site.provider.authorize(page.headers["location"])
    assert callback.url.startswith(f"{REDIRECT_URI}?")
    assert browser.get(callback.url, headers=headers).headers["location"] == "/private"


@pytest.mark.parametrize("name", ["next", "return_to", "redirect", "target_link_uri", "state", "redirect_uri"])
def test_no_parameter_of_the_response_decides_where_a_login_comes_back_to(site: Site, name: str) -> None:
    """threat model 201, 210"""
    browser = site.browser()
    callback = browser.begin_login()
    evil = "" if name == "state" else f"&{name}=https%3A%2F%2Fevil.example%2F"
    assert browser.get(f"{callback.url}{evil}").headers["location"] == "/private"


@pytest.mark.parametrize(
    "query",
    ["iss=https://evil.example", "iss=https://op.example&target_link_uri=https://evil.example", "login_hint=a"],
)
def test_nobody_else_begins_a_login_here(site: Site, query: str) -> None:
    """threat model 212, 213: third-party initiated login is not offered"""
    browser = site.browser()
    page = browser.get(f"/redirect_uri?{query}")
    assert page.status_code == 400
    assert "location" not in page.headers
    assert site.provider.requests == ()


def test_the_return_path_can_not_be_read_or_changed_on_its_way(site: Site) -> None:
    """threat model 210"""
    browser = site.browser()
    callback = browser.begin_login("/deep/a-secret-place")
    assert "secret-place" not in callback.url
    assert all("secret-place" not in (cookie.value or "") for cookie in browser.cookies.jar)
    assert browser.come_back(callback).headers["location"] == "/deep/a-secret-place"
