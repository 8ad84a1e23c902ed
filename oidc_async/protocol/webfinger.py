"""The issuer that a user's identifier leads to (OIDC Discovery 2, RFC 7033)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from oidc_async.errors import IdentifierInvalid, WebFingerInvalid

from .http_message import HttpRequest, HttpResponse
from .strict_json import read_object
from .uri import issuer_problem, origin, uri_problem, with_query

ISSUER_REL = "http://openid.net/specs/connect/1.0/issuer"
MEDIA_TYPES = frozenset({"application/jrd+json", "application/json"})
MAX_IDENTIFIER_LENGTH = 512
MAX_JRD = 64 * 1024
"""Bytes that we are ready to read of an answer."""

_ACCT = re.compile(r"acct:(?P<user>(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+)@(?P<host>[^@/?#]+)")
_ACCOUNT = re.compile(r"[^@:/?#]+@[^@:/?#]+")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?://|(?![0-9]+(?:[/?#]|$)))")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """What is asked about, and of whom: `uri` is the normalized identifier, `host` the origin of its host."""

    uri: str
    host: str


def read_identifier(identifier: str) -> Resource:
    """What a user typed, normalized (OIDC Discovery 2.1.2).

    An account such as joe@example.com is one of scheme acct; all else that names no scheme is of https. What has
    credentials in it is no identifier of ours. Raises IdentifierInvalid.
    """
    text = identifier.strip()
    if len(text) > MAX_IDENTIFIER_LENGTH:
        raise _invalid("is too long")
    if not _SCHEME.match(text):
        text = f"acct:{text}" if _ACCOUNT.fullmatch(text) else f"https://{text}"
    uri = text.partition("#")[0]
    host = _host_of_account(uri) if uri.startswith("acct:") else uri
    if problem := uri_problem(host):
        raise _invalid(problem)
    return Resource(uri=uri, host=origin(host))


def _host_of_account(uri: str) -> str:
    account = _ACCT.fullmatch(uri)
    if account is None:
        raise _invalid("must be an account as in joe@example.com")
    return f"https://{account['host'].lower()}"


def _invalid(problem: str) -> IdentifierInvalid:
    return IdentifierInvalid(f"The identifier {problem}.")


def webfinger_request(resource: Resource) -> HttpRequest:
    """Asks for the issuer alone (RFC 7033 4.1, 4.3)."""
    return HttpRequest(
        method="GET",
        url=with_query(f"{resource.host}/.well-known/webfinger", {"resource": resource.uri, "rel": ISSUER_REL}),
        headers={"accept": "application/jrd+json, application/json"},
        repeatable=True,
        max_body=MAX_JRD,
    )


def read_webfinger(response: HttpResponse) -> str:
    """The one issuer that the answer names (RFC 7033 4.4, OIDC Discovery 2.2).

    `subject` may be another name for the same account (RFC 7033 4.4.1) and decides nothing: who the user is, the ID
    token says. Raises WebFingerInvalid.
    """
    if response.status != 200:
        raise WebFingerInvalid(f"WebFinger must answer with 200, not {response.status}.", status=response.status)
    if response.media_type not in MEDIA_TYPES:
        raise WebFingerInvalid("WebFinger must answer with application/jrd+json.", field="content-type")
    try:
        jrd = read_object(response.body)
    except ValueError as error:
        raise WebFingerInvalid(f"WebFinger must answer with one JSON object: {error}") from None
    if not isinstance(jrd.get("subject", ""), str):
        raise WebFingerInvalid("subject in the answer of WebFinger must be a string.", field="subject")
    return _only_issuer(list(_issuers(jrd.get("links", []))))


def _issuers(links: object) -> Iterator[object]:
    if not isinstance(links, list) or not all(isinstance(link, dict) for link in cast("list[object]", links)):
        raise WebFingerInvalid("links in the answer of WebFinger must be a list of objects.", field="links")
    for link in cast("list[dict[str, object]]", links):
        if link.get("rel") == ISSUER_REL:
            yield link.get("href")


def _only_issuer(issuers: list[object]) -> str:
    if len(issuers) != 1:
        raise WebFingerInvalid(f"WebFinger must name one issuer, not {len(issuers)}.", field="links")
    if problem := issuer_problem(issuers[0]):
        raise WebFingerInvalid(f"href of the issuer in the answer of WebFinger {problem}.", field="href")
    return str(issuers[0])
