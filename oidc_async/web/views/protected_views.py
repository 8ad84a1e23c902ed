"""Detects views that an application serves without their protection."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from weakref import WeakSet

from oidc_async.errors import ConfigurationError

View = Callable[..., Any]


class ProtectedViews:
    """The functions that were decorated, and the protected views that the decorators returned.

    `@app.route` serves the function below it. If a decorator of this library is above it, the protected view is never
    served, and the page is open to everybody.
    """

    def __init__(self) -> None:
        # The references are weak, since a view may decorate functions in each request.
        self._decorated: WeakSet[View] = WeakSet()
        self._protected: WeakSet[View] = WeakSet()

    def add(self, view: View, protected: View) -> None:
        """Record that a decorator received `view` and returned `protected`."""
        self._protected.add(protected)
        for function in _layers(view):
            try:
                self._decorated.add(function)
            except TypeError:
                # An object with __slots__ may not support weak references, and one with __eq__ alone has no hash.
                continue

    def __contains__(self, view: View) -> bool:
        return any(_is_among(self._protected, layer) for layer in _layers(view))

    def __len__(self) -> int:
        return len(self._decorated)

    def require_served(self, views: Mapping[str, View], served: Iterable[View]) -> None:
        """Raise ConfigurationError if an endpoint serves a decorated function without its protection.

        It is intended if the protected view is served, too, by any of the apps of the extension. It is also intended
        if the name of the function in its module still refers to the function itself: then it was not decorated with
        `@`, but passed to a decorator.

        Args:
            views: The views of one app, by their endpoints.
            served: The views of all apps.
        """
        # Compared by value, since each access to a method of an object returns another object.
        protected = [layer for view in served for layer in self._below(view)]
        open_views = {
            endpoint: view
            for endpoint, view in views.items()
            if view not in self
            and any(_is_among(self._decorated, layer) and layer not in protected for layer in _layers(view))
            and not _is_kept_in_module(view)
        }
        if open_views:
            raise ConfigurationError(_describe(open_views))

    def _below(self, view: View) -> Iterator[View]:
        """Yield the functions that a view calls only after its protection."""
        is_protected = False
        for layer in _layers(view):
            if is_protected:
                yield layer
            is_protected = is_protected or _is_among(self._protected, layer)


def _is_among(functions: WeakSet[View], layer: View) -> bool:
    try:
        return layer in functions
    except TypeError:
        # A view may be any object, also one without a hash.
        return False


def _layers(view: View) -> Iterator[View]:
    """Yield a function and those that it wraps."""
    layer: Any = view
    seen: set[int] = set()
    while layer is not None and id(layer) not in seen:
        seen.add(id(layer))
        yield layer
        layer = getattr(layer, "__wrapped__", None)


def _is_kept_in_module(view: View) -> bool:
    """Whether the name of the function in its module still refers to the function itself."""
    layers = list(_layers(view))
    innermost: Any = layers[-1]
    name = getattr(innermost, "__name__", "")
    names = getattr(innermost, "__globals__", {})
    is_global = getattr(innermost, "__qualname__", None) == name
    return is_global and any(names.get(name) is layer for layer in layers)


def _describe(open_views: dict[str, View]) -> str:
    named = ", ".join(
        f"endpoint {endpoint!r} (view {getattr(view, '__module__', '')}.{getattr(view, '__qualname__', repr(view))})"
        for endpoint, view in open_views.items()
    )
    return (
        f"Not protected: {named}. The decorator of OIDCAuthentication is above @app.route, which serves the function "
        "below it. Write @app.route(...) first, and @auth.oidc_auth(...), @auth.token_auth(...), "
        "@auth.access_control(...) or @auth.oidc_logout below it."
    )
