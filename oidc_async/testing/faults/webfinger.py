"""Faults of the WebFinger response (RFC 7033, OIDC Discovery 2)."""

from typing import Any

from oidc_async.testing.reply import JSONObject
from oidc_async.testing.stages import WEBFINGER, WEBFINGER_REPLY, Endpoint, Scene, harmless, rejected
from oidc_async.testing.webfinger import ISSUER_REL

from .documents import changed, put, toggled_slash, without
from .responses import (
    answered,
    body,
    deep,
    endless,
    error,
    header,
    html,
    padded,
    redirected,
    reset,
    rewritten,
    slow,
    status,
    truncated,
    twice,
    with_mark,
)


def _href(value: Any) -> JSONObject:
    return {"rel": ISSUER_REL, "href": value}


def _and_another(document: JSONObject, scene: Scene) -> JSONObject:
    return {**document, "links": [*document["links"], _href("https://other.example")]}


def _in_a_crowd(document: JSONObject, scene: Scene) -> JSONObject:
    others = [
        {"rel": "self", "href": "https://other.example"},
        {"rel": ISSUER_REL.upper(), "href": "https://other.example"},
        {"href": "https://other.example"},
    ]
    return {**document, "links": [*others, *document["links"]]}


def _with_slash(document: JSONObject, scene: Scene) -> JSONObject:
    return {**document, "links": [_href(toggled_slash(scene.issuer))]}


class WebFingerFaults:
    # The links
    WEBFINGER_ISSUER_OTHER = rejected("another issuer", WEBFINGER(put(links=[_href("https://other.example")])))
    WEBFINGER_ISSUER_SLASH = rejected("a slash more or less", WEBFINGER(_with_slash))
    WEBFINGER_ISSUER_HTTP = rejected("an issuer of http", WEBFINGER(put(links=[_href("http://other.example")])))
    WEBFINGER_ISSUER_QUERY = rejected(
        "an issuer with a query", WEBFINGER(put(links=[_href("https://other.example?a")]))
    )
    WEBFINGER_ISSUER_INTERNAL = rejected("within the network", WEBFINGER(put(links=[_href("https://10.0.0.1")])))
    WEBFINGER_ISSUER_FILE = rejected("a file", WEBFINGER(put(links=[_href("file:///etc/passwd")])))
    WEBFINGER_ISSUER_CREDENTIALS = rejected(
        "credentials in the issuer", WEBFINGER(put(links=[_href("http://localhost:80@other.example")]))
    )
    WEBFINGER_HREF_MISSING = rejected("a link without href", WEBFINGER(put(links=[{"rel": ISSUER_REL}])))
    WEBFINGER_HREF_LIST = rejected("a list of issuers", WEBFINGER(put(links=[_href(["https://op.example"])])))
    WEBFINGER_HREF_NULL = rejected("null in place of an issuer", WEBFINGER(put(links=[_href(None)])))
    WEBFINGER_SEVERAL = rejected("two issuers", WEBFINGER(_and_another))
    WEBFINGER_NONE = rejected("no links", WEBFINGER(put(links=[])))
    WEBFINGER_LINKS_MISSING = rejected("no links at all", WEBFINGER(without("links")))
    WEBFINGER_LINKS_NULL = rejected("null in place of links", WEBFINGER(put(links=None)))
    WEBFINGER_LINKS_OBJECT = rejected("an object in place of links", WEBFINGER(changed("links", lambda it: it[0])))
    WEBFINGER_LINKS_STRINGS = rejected("strings in place of links", WEBFINGER(put(links=["https://op.example"])))
    WEBFINGER_REL_OTHER = rejected(
        "links to other things", WEBFINGER(put(links=[{"rel": "self", "href": "https://op.example"}]))
    )
    WEBFINGER_SUBJECT_NUMBER = rejected("subject is a number", WEBFINGER(put(subject=5)))
    WEBFINGER_SUBJECT_OTHER = harmless("another name of the account", WEBFINGER(put(subject="acct:a@op.example")))
    WEBFINGER_SUBJECT_MISSING = harmless("no subject", WEBFINGER(without("subject")))
    WEBFINGER_OTHER_LINKS = harmless("links to other things beside", WEBFINGER(_in_a_crowd))
    WEBFINGER_MORE = harmless("unknown members", WEBFINGER(put(aliases=["x"], properties={"a": None})))

    # The response
    WEBFINGER_JRD = harmless(
        "as a JRD", WEBFINGER_REPLY(header("content-type", "application/jrd+json; charset=utf-8"))
    )
    WEBFINGER_TEXT = rejected("as text", WEBFINGER_REPLY(header("content-type", "text/plain")))
    WEBFINGER_HTML = rejected("a page", WEBFINGER_REPLY(html()))
    WEBFINGER_204 = rejected("nothing", WEBFINGER_REPLY(status(204)))
    WEBFINGER_404 = rejected("unknown", WEBFINGER_REPLY(error("not_found", status=404)))
    WEBFINGER_500 = rejected("an error", WEBFINGER_REPLY(status(500)))
    WEBFINGER_REDIRECT = rejected("a redirect to the answer", WEBFINGER_REPLY(redirected(Endpoint.WEBFINGER)))
    WEBFINGER_ARRAY = rejected("a list", WEBFINGER_REPLY(answered([])))
    WEBFINGER_EMPTY = rejected("no body", WEBFINGER_REPLY(body(b"")))
    WEBFINGER_TRUNCATED = rejected("half of it", WEBFINGER_REPLY(rewritten(truncated)))
    WEBFINGER_DUPLICATE_MEMBERS = rejected("links twice", WEBFINGER_REPLY(rewritten(twice("links"))))
    WEBFINGER_DEEP = rejected("40,000 nested arrays", WEBFINGER_REPLY(rewritten(deep)))
    WEBFINGER_BYTE_ORDER_MARK = rejected("a byte order mark first", WEBFINGER_REPLY(rewritten(with_mark)))
    WEBFINGER_HUGE = rejected("2 MB", WEBFINGER_REPLY(rewritten(padded)))
    WEBFINGER_ENDLESS = rejected("a body without end", WEBFINGER_REPLY(endless))
    WEBFINGER_SLOW = rejected("an hour of silence", WEBFINGER_REPLY(slow))
    WEBFINGER_RESET = rejected("the connection breaks", WEBFINGER_REPLY(reset))
