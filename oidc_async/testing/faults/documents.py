"""Changes to JSON objects: metadata, claims, header parameters."""

from collections.abc import Callable
from typing import Any

from oidc_async.testing.reply import JSONObject, raw
from oidc_async.testing.stages import Change, Scene

NAN = float("nan")
INFINITY = float("inf")
OVERFLOW = raw("1e400")
HUGE_INTEGER = 10**400
ENDLESS_INTEGER = raw("9" * 5000)


def put(**members: Any) -> Change[JSONObject]:
    """Set these members."""
    return lambda document, scene: {**document, **members}


def without(*names: str) -> Change[JSONObject]:
    """Remove these members."""
    return lambda document, scene: {name: document[name] for name in document if name not in names}


def changed(name: str, change: Callable[[Any], Any]) -> Change[JSONObject]:
    """Change the value of this member."""
    return lambda document, scene: {**document, name: change(document[name])}


def from_scene(name: str, make: Callable[[Scene], Any]) -> Change[JSONObject]:
    """Set this member to a value that depends on the scene."""
    return lambda document, scene: {**document, name: make(scene)}


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def scope_as_list(document: JSONObject, scene: Scene) -> JSONObject:
    return {**document, "scope": document.get("scope", "").split()}


def toggled_slash(url: str) -> str:
    return url.removesuffix("/") if url.endswith("/") else url + "/"


def toggled_scheme(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{'http' if scheme == 'https' else 'https'}://{rest}"
