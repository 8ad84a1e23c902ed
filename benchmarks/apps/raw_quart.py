"""The limit of what a call for each request can reach: HTTP/1.1 written by hand onto kept connections."""

import asyncio
import json
import os
from base64 import b64encode
from urllib.parse import urlencode, urlsplit

from quart import Quart, abort, request

from benchmarks.credentials import CLIENT_ID, CLIENT_SECRET

PROVIDER = urlsplit(os.environ["ISSUER"])
HEAD = (
    f"POST /introspect HTTP/1.1\r\nHost: {PROVIDER.netloc}\r\n"
    f"Authorization: Basic {b64encode(f'{CLIENT_ID}:{CLIENT_SECRET}'.encode()).decode()}\r\n"
    "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: "
)

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

app = Quart(__name__)
idle: list[Streams] = []


async def introspect(token: str) -> dict[str, object]:
    reader, writer = idle.pop() if idle else await asyncio.open_connection(PROVIDER.hostname, PROVIDER.port)
    body = urlencode({"token": token})
    writer.write(f"{HEAD}{len(body)}\r\n\r\n{body}".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    claims: dict[str, object] = json.loads(await reader.readexactly(length))
    idle.append((reader, writer))
    return claims


@app.get("/")
async def view() -> dict[str, str]:
    claims = await introspect(request.headers.get("Authorization", "").removeprefix("Bearer "))
    audience = claims["aud"]
    if not claims["active"] or not isinstance(audience, list) or CLIENT_ID not in audience:
        abort(403)
    return {"hello": "world"}
