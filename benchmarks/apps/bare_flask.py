"""The view without protection: what all others are held against."""

from flask import Flask

app = Flask(__name__)


@app.get("/")
def view() -> dict[str, str]:
    return {"hello": "world"}
