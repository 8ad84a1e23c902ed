"""WebFinger: finds the issuer of a user's identifier (OIDC Discovery 2, RFC 7033)."""

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
"""The limit of a response, in bytes."""

_ACCT = re.compile(r"acct:(?P<user>(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+)@(?P<host>[^@/?#]+)")
_ACCOUNT = re.compile(r"[^@:/?#]+@[^@:/?#]+")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?://|(?![0-9]+(?:[/?#]|$)))")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """The resource of a WebFinger request: the normalized identifier and the origin of its host."""

    uri: str
    host: str


def read_identifier(identifier: str) -> Resource:
    """Normalize the identifier that a user entered (OIDC Discovery 2.1.2).

    An identifier without a scheme is an acct: URI if it looks like joe@example.com, else an https: URI.

    Raises:
        IdentifierInvalid: the identifier can't be used, for instance because it contains credentials.
    """
    text = identifier.strip()
    if len(text) > MAX_IDENTIFIER_LENGTH:
        raise _invalid("is too long")
    if not _SCHEME.match(text):
        text = f"acct:{text}" if _ACCOUNT.fullmatch(text) else f"https://{text}"
    # OIDC Discovery 2.1.2: a fragment is not a part of the identifier.
    uri = text.partition("#")[0]
    host = _host_of_account(uri) if uri.startswith("acct:") else uri
    if problem := uri_problem(host):
        raise _invalid(problem)
    return Resource(uri=uri, host=origin(host))


def _host_of_account(uri: str) -> str:
    account = _ACCT.fullmatch(uri)
    if account is None:
        raise _invalid("must be an account such as joe@example.com")
    return f"https://{account['host'].lower()}"


def _invalid(problem: str) -> IdentifierInvalid:
    return IdentifierInvalid(f"The identifier {problem}.")


def webfinger_request(resource: Resource) -> HttpRequest:
    """Return the request for the issuer of a resource (RFC 7033 4.1, 4.3)."""
    return HttpRequest(
        method="GET",
        url=with_query(f"{resource.host}/.well-known/webfinger", {"resource": resource.uri, "rel": ISSUER_REL}),
        headers={"accept": "application/jrd+json, application/json"},
        repeatable=True,
        max_body=MAX_JRD,
    )


def read_webfinger(response: HttpResponse) -> str:
    """Read the issuer from the response (RFC 7033 4.4, OIDC Discovery 2.2).

    `subject` is ignored. It may be another name for the same account (RFC 7033 4.4.1), and only an ID token can
    identify the user.

    Raises:
        WebFingerInvalid: the response is invalid, or has no issuer or several.
    """
    if response.status != 200:
        raise WebFingerInvalid(
            f"The WebFinger response must have status 200, not {response.status}.", status=response.status
        )
    if response.media_type not in MEDIA_TYPES:
        raise WebFingerInvalid(
            "The WebFinger response must have the type application/jrd+json.", field="content-type"
        )
    try:
        jrd = read_object(response.body)
    except ValueError as error:
        raise WebFingerInvalid(f"The WebFinger response must be one JSON object: {error}") from None
    if not isinstance(jrd.get("subject", ""), str):
        raise WebFingerInvalid("subject in the WebFinger response must be a string.", field="subject")
    return _only_issuer(list(_issuers(jrd.get("links", []))))


def _issuers(links: object) -> Iterator[object]:
    if not isinstance(links, list) or not all(isinstance(link, dict) for link in cast("list[object]", links)):
        raise WebFingerInvalid("links in the WebFinger response must be a list of objects.", field="links")
    for link in cast("list[dict[str, object]]", links):
        if link.get("rel") == ISSUER_REL:
            yield link.get("href")


def _only_issuer(issuers: list[object]) -> str:
    if len(issuers) != 1:
        raise WebFingerInvalid(
            f"The WebFinger response must have one issuer link, not {len(issuers)}.", field="links"
        )
    if problem := issuer_problem(issuers[0]):
        raise WebFingerInvalid(f"href of the issuer link in the WebFinger response {problem}.", field="href")
    return str(issuers[0])
