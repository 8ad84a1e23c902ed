"""The page that posts itself: what it says, and what it lets nobody do. threat model 166, 195, 253."""

from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import pytest

from oidc_async.web.http.form_post import form_post

ACTION = "https://op.example/end_session"


class Reader(HTMLParser):
    """The one form of a page, as a browser reads it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags = list[str]()
        self.form: dict[str, str | None] = {}
        self.fields = list[tuple[str | None, str | None]]()
        self.scripts = list[str]()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "form":
            self.form = dict(attrs)
        if tag == "input":
            attributes = dict(attrs)
            assert attributes["type"] == "hidden"
            self.fields.append((attributes["name"], attributes["value"]))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] == "script" and data.strip():
            self.scripts.append(data)


EVIL = """"><script>alert(1)</script><b a='&quot;&#39;\r\n\x00 {title} {fields} ü \U0001f600"""


@pytest.mark.parametrize("value", ["plain", EVIL, "", "a" * 20_000], ids=["plain", "markup", "empty", "long"])
def test_the_fields_arrive_as_they_are(value: str) -> None:
    """A value of a claim or a setting is never markup."""
    page = Reader(form_post(ACTION, {"first": value, value or "name": "x"}, title="Go").body)
    assert page.form == {"method": "post", "action": ACTION}
    assert page.fields == [("first", value), (value or "name", "x")]
    assert page.tags == ["html", "meta", "meta", "title", "form", "input", "input", "button", "script"]


def test_an_endpoint_is_not_markup_either() -> None:
    page = Reader(form_post(f"{ACTION}?a=b&amp=c'\"", {}, title="<i>").body)
    assert page.form["action"] == f"{ACTION}?a=b&amp=c'\""
    assert "i" not in page.tags


def test_no_script_runs_but_the_one_that_posts_the_form() -> None:
    """threat model 195: the policy names its digest, and nothing else may be loaded, framed or rebased"""
    answer = form_post(ACTION, {"submit": "a field that hides the method"}, title="Go")
    (script,) = Reader(answer.body).scripts
    digest = b64encode(sha256(script.encode()).digest()).decode()
    directives = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert directives == {
        "default-src": "'none'",
        "script-src": f"'sha256-{digest}'",
        "form-action": "https: http:",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    assert "document.forms[0].submit" not in script


def test_the_page_is_kept_nowhere_and_tells_nobody_where_it_was() -> None:
    """threat model 166, 253"""
    answer = form_post(ACTION, {"id_token_hint": "a.b.c"}, title="Go")
    assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "a.b.c" not in repr(answer)
