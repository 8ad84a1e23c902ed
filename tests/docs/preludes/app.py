"""The module that the tutorial about tests saves as `app.py`."""

from typing import Any

from flask import Flask


def create_app(**options: Any) -> Flask:
    raise NotImplementedError
