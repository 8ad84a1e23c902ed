"""The view without protection: what all others are held against."""

from quart import Quart

app = Quart(__name__)


@app.get("/")
async def view() -> dict[str, str]:
    return {"hello": "world"}
