"""The view without protection, the baseline of all others."""

from flask import Flask

app = Flask(__name__)
# as every app with sessions has one: the framework's session costs something, too
app.config["SECRET_KEY"] = "a secret of the benchmark 0123456789"


@app.get("/")
def view() -> dict[str, str]:
    return {"hello": "world"}
