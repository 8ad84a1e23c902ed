"""Changes to whole responses, and failures of the network."""

import gzip
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from oidc_async.testing.reply import Reply, json_bytes, json_reply, page_reply
from oidc_async.testing.stages import ELSEWHERE, Change, Endpoint, Scene

FOREVER = 3600.0
HUGE = 2 * 1024 * 1024

MARKUP = "<script>alert(1)</script>"
LINE_BREAKS = "no\r\nSet-Cookie: evil=1"


def body(content: bytes) -> Change[Reply]:
    """Replace the body."""
    return lambda reply, scene: replace(reply, body=content)


def rewritten(change: Callable[[bytes], bytes]) -> Change[Reply]:
    """Change the body."""
    return lambda reply, scene: replace(reply, body=change(reply.body))


def answered(document: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Change[Reply]:
    """Replace the response by this JSON document."""
    reply = json_reply(document, status=status)
    full = replace(reply, headers={**reply.headers, **(headers or {})})
    return lambda _, scene: full


def html(status: int = 200) -> Change[Reply]:
    """Replace the response by a page, as a proxy in front of the provider does."""
    return lambda reply, scene: page_reply("Maintenance", "<p>Back soon.</p>", status=status)


def error(name: str, *, status: int = 400, description: str = "No.") -> Change[Reply]:
    """Replace the response by an OAuth error response."""
    return answered({"error": name, "error_description": description}, status=status)


def header(name: str, value: str) -> Change[Reply]:
    return lambda reply, scene: replace(reply, headers={**reply.headers, name: value})


def status(number: int) -> Change[Reply]:
    """Replace the response by this status and an empty body."""
    return lambda reply, scene: Reply(status=number)


def redirected(endpoint: Endpoint, status: int = 302) -> Change[Reply]:
    """Redirect to a URL that serves the correct response."""

    def change(reply: Reply, scene: Scene) -> Reply:
        location = scene.issuer.rstrip("/") + ELSEWHERE + endpoint.value
        return Reply(status=status, headers={"location": location})

    return change


def truncated(content: bytes) -> bytes:
    return content[: len(content) // 2]


def with_mark(content: bytes) -> bytes:
    return b"\xef\xbb\xbf" + content


def twice(name: str) -> Callable[[bytes], bytes]:
    """Duplicate a member, wrong value first: lenient parsers keep the last one."""
    return lambda content: b"{" + json_bytes({name: "other"})[1:-1] + b"," + content[1:]


def padded(content: bytes) -> bytes:
    return b'{"padding":"' + b"x" * HUGE + b'",' + content[1:]


def deep(content: bytes) -> bytes:
    return b'{"deep":' + b"[" * 40_000 + b"]" * 40_000 + b"," + content[1:]


def inflated(reply: Reply, scene: Scene) -> Reply:
    """About 30 KB of gzip that decompress to 32 MB."""
    bomb = gzip.compress(reply.body + b" " * (32 * 1024 * 1024), compresslevel=6)
    return replace(reply, body=bomb, headers={**reply.headers, "content-encoding": "gzip"})


def slow(reply: Reply, scene: Scene) -> Reply:
    return replace(reply, delay=FOREVER)


def dripping(reply: Reply, scene: Scene) -> Reply:
    return replace(reply, drips=True)


def reset(reply: Reply, scene: Scene) -> Reply:
    return replace(reply, breaks_after=0)


def cut_off(reply: Reply, scene: Scene) -> Reply:
    return replace(reply, breaks_after=len(reply.body) // 2)


def endless(reply: Reply, scene: Scene) -> Reply:
    return replace(reply, never_ends=True)


BUSY = answered({"error": "temporarily_unavailable"}, status=503, headers={"retry-after": "1"})
