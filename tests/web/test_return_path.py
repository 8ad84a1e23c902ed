"""Where a login comes back to: a path of this application, as it was asked for, and never another host."""

import pytest

from oidc_async.web.http.messages import WebRequest
from oidc_async.web.http.return_path import MAX_LENGTH, is_same_origin_path, return_path

from .browser_url import origin_of_location
from .web_request import ORIGIN, REDIRECT_URI, web_request

EVIL = {
    "201 another origin": "https://evil.example/",
    "201 no scheme": "//evil.example/",
    "202 slash and backslash": "/\\evil.example",
    "202 two backslashes": "\\\\evil.example",
    "202 backslash first": "\\/evil.example",
    "202 backslash further on": "/a\\..\\b",
    "203 three slashes": "///evil.example",
    "203 four slashes": "////evil.example",
    "204 tab": "/\t/evil.example",
    "204 line feed": "/\n/evil.example",
    "204 carriage return": "/\r/evil.example",
    "204 leading space": " //evil.example",
    "204 leading control character": "\x01//evil.example",
    "204 leading line feed": "\n//evil.example",
    "204 null": "/\x00/evil.example",
    "204 delete": "/\x7f",
    "204 space within": "/a b",
    "205 scheme without slashes": "https:evil.example",
    "205 javascript": "javascript:alert(1)",
    "205 data": "data:text/html,hello",
    "206 user": "https://rp.example@evil.example/",
    "206 subdomain": "https://rp.example.evil.example/",
    "206 longer name": "https://evil-rp.example/",
    "206 bare name": "evil.example",
    "207 broken host": "http://[::1",
    "208 header injection": "/a\r\nSet-Cookie: a=b",
    "209 too long": "/" + "a" * MAX_LENGTH,
    "empty": "",
    "query only": "?next=/",
    "outside ASCII": "/\uff0fevil.example",
    "unicode slash": "/\u2044evil.example",
}
FINE = {
    "root": "/",
    "path": "/deep/page",
    "query": "/page?a=b&c=%20d",
    "URL in the query": "/page?next=https://evil.example",
    "encoded slashes": "/%2F%2Fevil.example",
    "encoded backslash": "/%5Cevil.example",
    "encoded line end": "/%0D%0Aa",
    "slashes later": "/a//b",
    "dots": "/..//evil.example",
    "at sign": "/@evil.example",
    "colon": "/a:b",
    "longest": "/" + "a" * (MAX_LENGTH - 1),
}


@pytest.mark.parametrize("path", EVIL.values(), ids=EVIL)
def test_a_path_that_a_browser_may_take_for_another_host_is_not_of_this_origin(path: str) -> None:
    """threat model 201 to 209"""
    assert not is_same_origin_path(path)


@pytest.mark.parametrize("path", FINE.values(), ids=FINE)
def test_a_path_that_every_browser_finds_here_is_one(path: str) -> None:
    assert is_same_origin_path(path)
    assert origin_of_location(path, "https", "rp.example") == ORIGIN


@pytest.mark.parametrize(
    ("location", "origin"),
    [
        ("/a", ORIGIN),
        ("a", ORIGIN),
        ("https:a", ORIGIN),
        ("//evil.example/a", "https://evil.example"),
        ("/\\evil.example", "https://evil.example"),
        ("\\\\\\evil.example", "https://evil.example"),
        ("/\t/evil.example", "https://evil.example"),
        (" \x01//evil.example", "https://evil.example"),
        ("///evil.example", "https://evil.example"),
        ("https://rp.example@evil.example:443/", "https://evil.example"),
        ("http:evil.example", "http://evil.example"),
        ("javascript:alert(1)", "opaque"),
        ("https://rp.example:443/x", ORIGIN),
    ],
)
def test_the_imitation_of_a_browser_finds_the_hosts_that_browsers_find(location: str, origin: str) -> None:
    assert origin_of_location(location, "https", "rp.example") == origin


GETS = {
    "a path": (web_request(path="/deep/page"), "/deep/page"),
    "the root": (web_request(path="/"), "/"),
    "a query": (web_request(path="/page", query="a=b&c=%26&d=e+f"), "/page?a=b&c=%26&d=e+f"),
    "a mount": (web_request(path="/page", root_path="/app"), "/app/page"),
    "a mount with a space": (web_request(path="/page", root_path="/my app"), "/my%20app/page"),
    "an encoded slash": (web_request(path="/a/b", raw_path="/a%2Fb"), "/a%2Fb"),
    "an encoded slash below a mount": (
        web_request(path="/a/b", root_path="/app", raw_path="/app/a%2Fb"),
        "/app/a%2Fb",
    ),
    "a mount that was cut off": (web_request(path="/a/b", root_path="/app", raw_path="/a%2Fb"), "/app/a%2Fb"),
    "a raw path with its query": (web_request(path="/a", raw_path="/%61?b=c", query="b=c"), "/%61?b=c"),
    "letters outside ASCII": (web_request(path="/süß"), "/s%C3%BC%C3%9F"),
    "raw bytes in the path": (web_request(path="/ü", raw_path="/\xc3\xbc"), "/%C3%BC"),
    "raw bytes in the query": (web_request(path="/a", query="b=\xc3\xbc"), "/a?b=%C3%BC"),
    "a percent sign": (web_request(path="/100%"), "/100%25"),
    "a question mark": (web_request(path="/what?"), "/what%3F"),
    "a hash": (web_request(path="/a#b"), "/a%23b"),
    "a quote": (web_request(path='/"'), "/%22"),
    "the raw path of another request": (web_request(path="/a", raw_path="//evil.example/a"), "/a"),
    "a raw URL": (web_request(path="/a", raw_path="http://evil.example/a"), "/a"),
    "201 two slashes": (web_request(path="//evil.example", raw_path="//evil.example"), "/"),
    "201 two slashes below a mount": (web_request(path="//evil.example", root_path="/app"), "/app//evil.example"),
    "201 a mount that is a host": (web_request(path="/page", root_path="//evil.example"), "/"),
    "202 backslash": (web_request(path="/\\evil.example"), "/%5Cevil.example"),
    "202 raw backslash": (web_request(path="/\\evil.example", raw_path="/\\evil.example"), "/%5Cevil.example"),
    "204 control characters": (web_request(path="/\t/evil.example"), "/%09/evil.example"),
    "208 line ends": (web_request(path="/a\r\nb", query="c\r\nd"), "/a%0D%0Ab?c%0D%0Ad"),
    "209 a long path": (web_request(path="/" + "a" * MAX_LENGTH), "/"),
    "209 a long query": (web_request(path="/a", query="b" * MAX_LENGTH, root_path="/app"), "/app/"),
    "209 a path that encoding makes long": (web_request(path="/" + "ü" * (MAX_LENGTH // 2)), "/"),
    "209 a long mount": (web_request(path="/a", root_path="/" + "a" * MAX_LENGTH), "/"),
}


@pytest.mark.parametrize(("request_", "path"), GETS.values(), ids=GETS)
def test_a_page_is_come_back_to_as_it_was_asked_for(request_: WebRequest, path: str) -> None:
    """contract.md 2 (the return URL); threat model 201 to 209, 211"""
    assert return_path(request_, REDIRECT_URI) == path


FALLBACK = "/form"
REFERERS = {
    "a page": (f"{ORIGIN}/page", "/page"),
    "a page with a query": (f"{ORIGIN}/page?a=%26&b", "/page?a=%26&b"),
    "the root": (ORIGIN, "/"),
    "the default port": ("https://rp.example:443/page", "/page"),
    "a host in capitals": ("https://RP.example/page", "/page"),
    "a fragment": (f"{ORIGIN}/page#part", "/page"),
    "raw bytes": (f"{ORIGIN}/\xc3\xbc?\xc3\xbc", "/%C3%BC?%C3%BC"),
    "quotes": (f'{ORIGIN}/"', "/%22"),
    "none": ("", FALLBACK),
    "nonsense": ("about:blank", FALLBACK),
    "201 another origin": ("https://evil.example/page", FALLBACK),
    "201 another scheme": ("http://rp.example/page", FALLBACK),
    "201 another port": ("https://rp.example:8443/page", FALLBACK),
    "201 two slashes": (f"{ORIGIN}//evil.example", "/"),
    "202 backslash in the path": (f"{ORIGIN}/\\evil.example", "/%5Cevil.example"),
    "202 backslash in the host": ("https://rp.example\\@evil.example/", FALLBACK),
    "206 user": ("https://rp.example@evil.example/page", FALLBACK),
    "206 a user before our host": ("https://evil.example@rp.example/page", FALLBACK),
    "206 subdomain": ("https://rp.example.evil.example/", FALLBACK),
    "207 broken host": ("https://[::1", FALLBACK),
    "207 broken port": ("https://rp.example:port/page", FALLBACK),
    "207 huge port": ("https://rp.example:99999999/page", FALLBACK),
    "209 too long": (f"{ORIGIN}/{'a' * MAX_LENGTH}", "/"),
    "the redirect URI, where a failed login ended": (f"{REDIRECT_URI}?code=a&state=b", FALLBACK),
}


@pytest.mark.parametrize(("referer", "path"), REFERERS.values(), ids=REFERERS)
def test_a_form_is_come_back_to_where_it_was_sent_from(referer: str, path: str) -> None:
    """contract.md 2 (form POST); threat model 201 to 209"""
    request = web_request("POST", FALLBACK, headers={"referer": referer} if referer else {})
    assert return_path(request, REDIRECT_URI) == path


def test_a_form_from_elsewhere_to_a_path_without_get_leads_to_the_root() -> None:
    """contract.md 2 (form POST)"""
    request = web_request("POST", "/form", root_path="/app", answers_get=False)
    assert return_path(request, REDIRECT_URI) == "/app/"


def test_a_page_is_come_back_to_whatever_it_was_linked_from() -> None:
    request = web_request("GET", "/page", headers={"referer": f"{ORIGIN}/elsewhere"})
    assert return_path(request, REDIRECT_URI) == "/page"


def test_a_header_of_the_host_decides_nothing() -> None:
    """threat model 169"""
    forged = {"host": "evil.example", "x-forwarded-host": "evil.example", "referer": "https://evil.example/page"}
    assert return_path(web_request("POST", "/form", headers=forged), REDIRECT_URI) == "/form"
