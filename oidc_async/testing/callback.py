"""The browser's request to the redirect URI."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from oidc_async.protocol.http_message import HttpResponse
from oidc_async.protocol.response_type import ResponseMode


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """A request to the redirect URI.

    Args:
        url: the URL with query and fragment.
        method: GET, or POST for `response_mode=form_post`.
        parameters: names and values in order, in any response mode; a name may occur twice.
    """

    url: str
    method: str = "GET"
    parameters: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    @property
    def response_mode(self) -> ResponseMode:
        """The response mode: query, fragment or form_post."""
        return "form_post" if self.method == "POST" else "fragment" if "#" in self.url else "query"

    @property
    def response(self) -> str:
        """The encoded response, for `complete_login` of a relying party."""
        parts = urlsplit(self.url)
        return self.body.decode() if self.method == "POST" else parts.fragment if "#" in self.url else parts.query

    @property
    def form(self) -> Mapping[str, Any]:
        """The fields of a POST; a name that occurs twice has a list of values."""
        return _by_name(self.parameters) if self.method == "POST" else {}

    @property
    def body(self) -> bytes:
        """The body of a POST as application/x-www-form-urlencoded."""
        return urlencode(self.parameters).encode() if self.method == "POST" else b""

    def get(self, name: str) -> str | None:
        """Return the first value of this response parameter."""
        return next((value for key, value in self.parameters if key == name), None)


def _by_name(pairs: tuple[tuple[str, str], ...]) -> dict[str, str | list[str]]:
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return {name: found[0] if len(found) == 1 else found for name, found in values.items()}


class NotRedirected(AssertionError):
    """The provider showed a page instead of a redirect; `response` is the page."""

    def __init__(self, response: HttpResponse) -> None:
        text = re.sub(r"<style>.*?</style>|<[^>]*>", " ", response.body.decode("utf-8", "replace"))
        super().__init__(f"the provider answered {response.status}: {' '.join(text.split())[:300]}")
        self.response = response
