"""Somebody who visits pages, keeps cookies and submits forms: a browser without screen and scripts."""

import ssl
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Self
from urllib.parse import urljoin, urlsplit

import httpx

MAX_HOPS = 15


class Lost(Exception):
    """The visit did not lead where it should."""


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


@dataclass(slots=True)
class Form:
    """A form as the page sends it: hidden fields included, buttons not."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Where a visit ended; or, when it would have left for elsewhere, the address in `leads_to`."""

    url: str
    status: int
    headers: httpx.Headers
    text: str = field(repr=False)
    leads_to: str | None = None

    @property
    def forms(self) -> list[Form]:
        reader = _FormReader(self.url)
        reader.feed(self.text)
        return reader.forms

    def form(self, field_name: str | None = None) -> Form:
        """The first form, or the first with that field."""
        for form in self.forms:
            if field_name is None or field_name in form.fields:
                return form
        raise Lost(f"no form with {field_name or 'anything'} at {self.url} ({self.status}):\n{self.text}")


class _FormReader(HTMLParser):
    def __init__(self, page_url: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._page_url = page_url

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            action = urljoin(self._page_url, values.get("action", ""))
            self.forms.append(Form(action, values.get("method", "get").lower()))
        elif tag == "input" and self.forms and values.get("type") != "submit" and "name" in values:
            self.forms[-1].fields[values["name"]] = values.get("value", "")


class Visitor:
    """Keeps cookies from page to page as a browser does, and follows redirects.

    `within` names an origin (or a URL of it) that the visit must not leave: the page that comes back
    then says in `leads_to` where it would have gone. `ca` is the PEM file of the only authority that is trusted.
    """

    def __init__(self, ca: str | None = None) -> None:
        self._ca = ca
        self._trusted = ssl.create_default_context(cafile=ca)
        self._http = self._connected(httpx.Cookies())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    @property
    def cookies(self) -> httpx.Cookies:
        return self._http.cookies

    def hang_up(self) -> None:
        """Closes the connections and keeps the cookies: over TLS, Hypercorn waits for that before it ends."""
        self._http.close()
        self._http = self._connected(self._http.cookies)

    def without_cookies(self) -> "Visitor":
        """Another one, who has been nowhere."""
        return Visitor(self._ca)

    def open(self, url: str, *, within: str | None = None) -> Page:
        return self._follow(self._http.get(url), within)

    def submit(self, form: Form, *, within: str | None = None, **fields: str) -> Page:
        """Sends the form with `fields` filled in or, for the button that was pressed, added."""
        values = {**form.fields, **fields}
        if form.method == "post":
            return self._follow(self._http.post(form.action, data=values), within)
        return self._follow(self._http.get(form.action, params=values), within)

    def _connected(self, cookies: httpx.Cookies) -> httpx.Client:
        headers = {"Accept": "text/html,*/*;q=0.1"}
        return httpx.Client(verify=self._trusted, trust_env=False, timeout=20, headers=headers, cookies=cookies)

    def _follow(self, response: httpx.Response, within: str | None) -> Page:
        for _ in range(MAX_HOPS):
            target = response.headers.get("location")
            if not response.is_redirect or target is None:
                return _page(response)
            target = urljoin(str(response.url), target)
            if within is not None and origin_of(target) != origin_of(within):
                return _page(response, leads_to=target)
            response = self._http.get(target)
        raise Lost(f"more than {MAX_HOPS} redirects, the last one at {response.url}")


def _page(response: httpx.Response, leads_to: str | None = None) -> Page:
    return Page(
        url=str(response.url),
        status=response.status_code,
        headers=response.headers,
        text=response.text,
        leads_to=leads_to,
    )


def left_for(page: Page) -> str:
    """Where the visit left to; Lost when it did not."""
    if page.leads_to is None:
        raise Lost(f"still at {page.url} ({page.status}):\n{page.text}")
    return page.leads_to
