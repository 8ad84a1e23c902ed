"""Responses of the provider, with the network failures that happen to them."""

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from oidc_async.protocol.http_message import HttpResponse

JSON_HEADERS: Mapping[str, str] = {
    "content-type": "application/json",
    "cache-control": "no-store",
    "pragma": "no-cache",
}

JSONObject = dict[str, Any]

_RAW = re.compile(r'"@raw\[(.*?)\]"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply(HttpResponse):
    """A response with the network failures that happen to it.

    Args:
        delay: seconds before the first byte.
        drips: the body is sent byte by byte, too slowly to finish.
        breaks_after: bytes of the body after which the connection is reset; 0: no response at all.
        never_ends: the body is sent until the client closes the connection.
    """

    delay: float = 0.0
    drips: bool = False
    breaks_after: int | None = None
    never_ends: bool = False


def raw(text: str) -> str:
    """A value that `json_bytes` writes without quotes, which json.dumps cannot."""
    return f"@raw[{text}]"


def json_bytes(document: object) -> bytes:
    text = json.dumps(document, separators=(",", ":"))
    return _RAW.sub(lambda match: match[1], text).encode("ascii")


def json_reply(document: object, *, status: int = 200, **headers: str) -> Reply:
    return Reply(status=status, headers={**JSON_HEADERS, **_dashed(headers)}, body=json_bytes(document))


def error_reply(error: str, description: str, *, status: int = 400, **headers: str) -> Reply:
    """Create an OAuth error response (RFC 6749 5.2)."""
    return json_reply({"error": error, "error_description": description}, status=status, **headers)


def redirect_reply(location: str, *, status: int = 302) -> Reply:
    return Reply(status=status, headers={"location": location, "cache-control": "no-store"})


def page_reply(title: str, content: str, *, status: int = 200, **headers: str) -> Reply:
    """Create an HTML page; `content` is markup."""
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><main><h1>{html.escape(title)}</h1>{content}</main></body></html>"
    )
    content_type = {"content-type": "text/html; charset=utf-8", "cache-control": "no-store"}
    return Reply(status=status, headers={**content_type, **_dashed(headers)}, body=page.encode())


def _dashed(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;background:#f4f4f6;color:#222}"
    "main{max-width:22rem;margin:12vh auto;padding:2rem;background:#fff;border-radius:.5rem}"
    "label,input,button{display:block;width:100%;box-sizing:border-box;margin:.4rem 0;font:inherit}"
    "input{padding:.4rem}button{padding:.5rem;cursor:pointer}[role=alert]{color:#a00}"
)


class Rejection(Exception):
    """Raised to answer with an OAuth error response."""

    def __init__(self, error: str, description: str, *, status: int = 400, **headers: str) -> None:
        super().__init__(description)
        self.reply = error_reply(error, description, status=status, **headers)


class RejectionPage(Exception):
    """Raised to show the user an error page instead of a redirect."""

    def __init__(self, text: str, *, status: int = 400) -> None:
        super().__init__(text)
        self.reply = page_reply("This request cannot be answered", f"<p>{html.escape(text)}</p>", status=status)


def form_page(action: str, fields: tuple[tuple[str, str], ...]) -> Reply:
    """Create a page that submits itself (OAuth 2.0 Form Post Response Mode)."""
    inputs = "".join(
        f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">' for name, value in fields
    )
    form = f'<form method="post" action="{html.escape(action)}">{inputs}<button>Continue</button></form>'
    return page_reply("Signing you in", f"{form}<script>document.forms[0].submit()</script>")
