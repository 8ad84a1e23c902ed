"""Which views are protected, and whether an app serves them so."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from weakref import WeakSet

from oidc_async.errors import ConfigurationError

View = Callable[..., Any]


class ProtectedViews:
    """The functions that decorators of one extension were given, and what they made of them.

    `@app.route` serves the function that stands below it. A decorator above it then makes a protected view that is
    never served, and the page is open to everybody.
    """

    def __init__(self) -> None:
        # weak: a view may make protected functions with each request
        self._given: WeakSet[View] = WeakSet()
        self._protected: WeakSet[View] = WeakSet()

    def add(self, view: View, protected: View) -> None:
        """Note that a decorator was given `view` and made `protected` of it."""
        self._protected.add(protected)
        for function in _layers(view):
            try:
                self._given.add(function)
            except TypeError:
                # an object with __slots__ takes no weak reference, one with __eq__ alone has no hash
                continue

    def __contains__(self, view: View) -> bool:
        return any(_is_among(self._protected, layer) for layer in _layers(view))

    def __len__(self) -> int:
        return len(self._given)

    def require_served(self, views: Mapping[str, View], served: Iterable[View]) -> None:
        """Raise ConfigurationError if an endpoint serves the function that a decorator was given.

        It is on purpose where the protected view is served, too, by any of the apps of the extension, and where the
        function was not replaced in its module: then it was not decorated, but passed to a decorator.

        Args:
            views: those of one app, by their endpoints.
            served: those of all apps.
        """
        # by value: each look at a method of an object makes another one
        protected = [layer for view in served for layer in self._below(view)]
        open_views = {
            endpoint: view
            for endpoint, view in views.items()
            if view not in self
            and any(_is_among(self._given, layer) and layer not in protected for layer in _layers(view))
            and not _is_kept_in_module(view)
        }
        if open_views:
            raise ConfigurationError(_describe(open_views))

    def _below(self, view: View) -> Iterator[View]:
        """The functions that a view calls only for who may see it."""
        is_protected = False
        for layer in _layers(view):
            if is_protected:
                yield layer
            is_protected = is_protected or _is_among(self._protected, layer)


def _is_among(functions: WeakSet[View], layer: View) -> bool:
    try:
        return layer in functions
    except TypeError:
        # any object may be a view, also one without a hash
        return False


def _layers(view: View) -> Iterator[View]:
    """A function, and those that it wraps."""
    layer: Any = view
    seen: set[int] = set()
    while layer is not None and id(layer) not in seen:
        seen.add(id(layer))
        yield layer
        layer = getattr(layer, "__wrapped__", None)


def _is_kept_in_module(view: View) -> bool:
    """Whether the name of the function in its module still means it, without protection."""
    layers = list(_layers(view))
    innermost: Any = layers[-1]
    name, names = getattr(innermost, "__name__", ""), getattr(innermost, "__globals__", {})
    is_global = getattr(innermost, "__qualname__", None) == name
    return is_global and any(names.get(name) is layer for layer in layers)


def _describe(open_views: dict[str, View]) -> str:
    named = ", ".join(
        f"endpoint {endpoint!r} (view {getattr(view, '__module__', '')}.{getattr(view, '__qualname__', repr(view))})"
        for endpoint, view in open_views.items()
    )
    return (
        f"Anybody can open {named}: the decorator of OIDCAuthentication is above @app.route, which serves the "
        "function below it. Write @app.route(...) first, and @auth.oidc_auth(...), @auth.token_auth(...), "
        "@auth.access_control(...) or @auth.oidc_logout below it."
    )
