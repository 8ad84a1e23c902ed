"""Identifiers of users, WebFinger requests and their responses: threat model 14."""

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oidc_async.errors import IdentifierInvalid, WebFingerInvalid
from oidc_async.protocol.http_message import HttpResponse
from oidc_async.protocol.uri import uri_problem
from oidc_async.protocol.webfinger import (
    ISSUER_REL,
    MAX_IDENTIFIER_LENGTH,
    MAX_JRD,
    Resource,
    read_identifier,
    read_webfinger,
    webfinger_request,
)

ISSUER = "https://server.example.com"


@pytest.mark.parametrize(
    ("identifier", "uri", "host"),
    [
        # OIDC Discovery 2.2.1 to 2.2.4
        ("joe@example.com", "acct:joe@example.com", "https://example.com"),
        ("https://example.com/joe", "https://example.com/joe", "https://example.com"),
        ("https://example.com:8080/", "https://example.com:8080/", "https://example.com:8080"),
        (
            "acct:juliet%40capulet.example@shopping.example.com",
            "acct:juliet%40capulet.example@shopping.example.com",
            "https://shopping.example.com",
        ),
        # 2.1.2
        ("example.com", "https://example.com", "https://example.com"),
        ("joe", "https://joe", "https://joe"),
        ("example.com:8080", "https://example.com:8080", "https://example.com:8080"),
        ("example.com:8080/joe?a=b", "https://example.com:8080/joe?a=b", "https://example.com:8080"),
        ("example.com/joe", "https://example.com/joe", "https://example.com"),
        ("example.com/@joe", "https://example.com/@joe", "https://example.com"),
        ("https://example.com/joe#me", "https://example.com/joe", "https://example.com"),
        ("example.com#me", "https://example.com", "https://example.com"),
        # as they are typed
        ("  joe@example.com\n", "acct:joe@example.com", "https://example.com"),
        ("joe.o'neill+mail@Example.COM", "acct:joe.o'neill+mail@Example.COM", "https://example.com"),
        ("https://Example.com:443/joe", "https://Example.com:443/joe", "https://example.com"),
        ("acct:joe@example.com:8443", "acct:joe@example.com:8443", "https://example.com:8443"),
        ("localhost:8080", "https://localhost:8080", "https://localhost:8080"),
        ("http://localhost:8080/joe", "http://localhost:8080/joe", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_an_identifier_is_normalized(identifier: str, uri: str, host: str) -> None:
    assert read_identifier(identifier) == Resource(uri=uri, host=host)


@pytest.mark.parametrize(
    "identifier",
    [
        "",
        " ",
        "@example.com",
        "joe@",
        "acct:joe",
        "acct:@example.com",
        "acct:joe@",
        "acct:joe@example.com/path",
        "acct:joe@example.com?query",
        "acct:jo e@example.com",
        "acct:%zz@example.com",
        "acct:joe@ann@example.com",
        "joe@ann@example.com",
        "joe@example.com:8080",
        "joe:secret@example.com",
        "joe@example.com/path",
        "https://joe@example.com",
        "https://joe:secret@example.com/",
        "http://localhost:80@evil.example/",
        "http://example.com/joe",
        "HTTPS://example.com",
        "ftp://example.com",
        "file:///etc/passwd",
        "mailto:joe@example.com",
        "javascript:alert(1)",
        "=joe",
        "@joe",
        "!joe",
        "https://",
        "https:///path",
        "https://example.com:0",
        "https://example.com:",
        "https://example.com:65536",
        "https://[::1",
        "https://exa mple.com",
        "https://example.com\\@evil.example",
        "https://example.com/\r\nHost: evil.example",
        "joe@example.com\r\nHost: evil.example",
        "joe@exämple.com",
        "jöe@example.com",
        f"joe@{'a' * MAX_IDENTIFIER_LENGTH}.example",
    ],
)
def test_anything_but_an_identifier_is_rejected(identifier: str) -> None:
    with pytest.raises(IdentifierInvalid) as rejection:
        read_identifier(identifier)
    assert "secret" not in str(rejection.value)


@given(st.text() | st.from_regex(r"\A(acct:|https://|http://)?[a-z@:/.#?%0-9\[\]\\]+\Z"))
def test_whatever_is_typed_is_read_or_rejected(text: str) -> None:
    try:
        resource = read_identifier(text)
    except IdentifierInvalid:
        return
    assert uri_problem(webfinger_request(resource).url) is None
    assert urlsplit(webfinger_request(resource).url).path == "/.well-known/webfinger"


def test_the_issuer_alone_is_asked_for() -> None:
    request = webfinger_request(read_identifier("acct:juliet%40capulet.example@shopping.example.com"))
    target, _, query = request.url.partition("?")
    assert target == "https://shopping.example.com/.well-known/webfinger"
    assert parse_qsl(query) == [
        ("resource", "acct:juliet%40capulet.example@shopping.example.com"),
        ("rel", "http://openid.net/specs/connect/1.0/issuer"),
    ]
    assert "%2540" in query
    assert (request.method, request.repeatable, request.max_body) == ("GET", True, MAX_JRD)


def jrd(links: Any, content_type: str = "application/jrd+json", status: int = 200, **members: Any) -> HttpResponse:
    body = json.dumps({"subject": "acct:joe@example.com", "links": links, **members})
    return HttpResponse(status=status, headers={"content-type": content_type}, body=body.encode())


def link(href: Any, rel: Any = ISSUER_REL) -> dict[str, Any]:
    return {"rel": rel, "href": href}


@pytest.mark.parametrize(
    "content_type", ["application/jrd+json", "application/json", "Application/JSON; charset=utf-8"]
)
def test_the_issuer_is_read(content_type: str) -> None:
    assert read_webfinger(jrd([link("https://a.example", "self"), link(ISSUER)], content_type)) == ISSUER


@pytest.mark.parametrize("issuer", [f"{ISSUER}/", f"{ISSUER}/tenant/", "http://localhost:8080"])
def test_an_issuer_is_taken_as_it_is(issuer: str) -> None:
    assert read_webfinger(jrd([link(issuer)])) == issuer


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (jrd([link(ISSUER)], status=201), "200"),
        (jrd([link(ISSUER)], status=302), "200"),
        (jrd([link(ISSUER)], "text/html"), "jrd"),
        (jrd([link(ISSUER)], ""), "jrd"),
        (HttpResponse(status=200, headers={"content-type": "application/json"}, body=b"[]"), "one JSON object"),
        (jrd([link(ISSUER)], subject=None), "subject"),
        (jrd([link(ISSUER)], subject=["acct:joe@example.com"]), "subject"),
        (jrd(None), "links"),
        (jrd({}), "links"),
        (jrd("https://a.example"), "links"),
        (jrd([ISSUER]), "links"),
        (jrd([None, link(ISSUER)]), "links"),
        (jrd([]), "one issuer link, not 0"),
        (jrd([link(ISSUER, "self")]), "one issuer link, not 0"),
        (jrd([link(ISSUER, [ISSUER_REL])]), "one issuer link, not 0"),
        (jrd([link(ISSUER, ISSUER_REL + "/")]), "one issuer link, not 0"),
        (jrd([link(ISSUER), link(ISSUER)]), "one issuer link, not 2"),
        (jrd([link(None)]), "href"),
        (jrd([{"rel": ISSUER_REL}]), "href"),
        (jrd([link(5)]), "href"),
        (jrd([link([ISSUER])]), "href"),
        (jrd([link("http://server.example.com")]), "https"),
        (jrd([link("//server.example.com")]), "absolute"),
        (jrd([link("https://a@server.example.com")]), "credentials"),
        (jrd([link(f"{ISSUER}?a=b")]), "query"),
        (jrd([link(f"{ISSUER}#a")]), "fragment"),
        (jrd([link("javascript:alert(1)")]), "https"),
        (jrd([link(f"{ISSUER}/\r\nHost: a.example")]), "characters"),
    ],
)
def test_an_invalid_response_is_rejected(response: HttpResponse, words: str) -> None:
    with pytest.raises(WebFingerInvalid, match=words):
        read_webfinger(response)
