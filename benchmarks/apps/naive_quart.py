"""What one writes first: one shared httpx.AsyncClient, one call for each request."""

import os

import httpx
from quart import Quart, abort, request

from benchmarks.credentials import CLIENT_ID, CLIENT_SECRET

INTROSPECTION_ENDPOINT = f"{os.environ['ISSUER']}/introspect"

app = Quart(__name__)
client = httpx.AsyncClient(auth=(CLIENT_ID, CLIENT_SECRET))


@app.get("/")
async def view() -> dict[str, str]:
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    response = await client.post(INTROSPECTION_ENDPOINT, data={"token": token})
    claims = response.json()
    if not claims["active"] or CLIENT_ID not in claims["aud"]:
        abort(403)
    return {"hello": "world"}
