"""The view without protection, the baseline of all others."""

from quart import Quart

app = Quart(__name__)
# as every app with sessions has one: the framework's session costs something, too
app.config["SECRET_KEY"] = "a secret of the benchmark 0123456789"


@app.get("/")
async def view() -> dict[str, str]:
    return {"hello": "world"}
