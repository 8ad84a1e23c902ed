"""Calls a WSGI application within this process, without the cost of sockets and a server."""

from collections.abc import Mapping
from typing import Any

ENVIRON = {
    "REQUEST_METHOD": "GET",
    "SCRIPT_NAME": "",
    "QUERY_STRING": "",
    "SERVER_NAME": "rp.example",
    "SERVER_PORT": "443",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "wsgi.url_scheme": "https",
    "HTTP_HOST": "rp.example",
}


def call(app: Any, path: str, headers: Mapping[str, str]) -> int:
    """The status; `headers` by their names in the environ."""
    seen: list[int] = []

    def start_response(status: str, _headers: object, _info: object = None) -> None:
        seen[:] = [int(status[:3])]

    b"".join(app.wsgi_app({**ENVIRON, "PATH_INFO": path, **headers}, start_response))
    return seen[0]
