"""Requests that are sent at the same moment, over connections that are already open."""

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from urllib.parse import urlsplit


def send_at_once(url: str, tokens: Sequence[str]) -> Counter[int]:
    """The statuses of one request for each token, all of them sent before the first answer is read."""
    return asyncio.run(_send_at_once(url, tokens))


def send_in_turn(url: str, tokens: Sequence[str], lanes: int = 32) -> Counter[int]:
    """The statuses of one request for each token, so many at a time."""
    statuses = Counter[int]()
    for start in range(0, len(tokens), lanes):
        statuses += send_at_once(url, tokens[start : start + lanes])
    return statuses


async def _send_at_once(url: str, tokens: Sequence[str]) -> Counter[int]:
    address = urlsplit(url)
    streams = [await asyncio.open_connection(address.hostname, address.port) for _ in tokens]
    for token, (_, writer) in zip(tokens, streams, strict=True):
        writer.write(_request(address.netloc, token))
    try:
        return Counter(await asyncio.gather(*(_status(reader) for reader, _ in streams)))
    finally:
        for _, writer in streams:
            writer.close()


def _request(host: str, token: str) -> bytes:
    return f"GET / HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()


async def _status(reader: asyncio.StreamReader) -> int:
    """The status of the answer, whose body is read to its end; 0 when there is none."""
    try:
        async with asyncio.timeout(120):
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
            await reader.readexactly(int(length[1]) if length else 0)
    except (OSError, EOFError):
        return 0
    return int(head.split(b" ", 2)[1])
