"""Registers our routes and hooks in an app so that other extensions of the app work with them."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Protocol, TypeVar, cast

from oidc_async.errors import ConfigurationError

from .route_table import Route

ADAPTERS = {"flask": "Flask", "quart": "Quart"}
"""The class names of apps by the package of their framework."""
CSRF_PROTECTIONS = ("CSRFProtect", "SeaSurf")
"""Class names of extensions that require a CSRF token: Flask-WTF, quart-wtforms, quart-csrf and Flask-SeaSurf."""
AUTOMATIC = frozenset(("HEAD", "OPTIONS"))
"""Methods that the framework adds to each view."""
ANY = ("GET", "POST")
"""The methods that our routes and a rule without methods may have in common."""
Hooks = dict[Any, list[Any]]
"""A table of hooks of an app: by the name of a blueprint, or None for the whole app."""
View = TypeVar("View", bound=Callable[..., Any])


class App(Protocol):
    """The members of apps that Flask and Quart have in common, as far as we use them."""

    config: Any
    url_map: Any
    extensions: dict[str, Any]
    view_functions: dict[str, Any]
    before_request_funcs: Hooks
    after_request_funcs: Hooks
    error_handler_spec: Any

    @property
    def add_url_rule(self) -> Callable[..., Any]: ...


def require_app(app: object, framework: str) -> None:
    """Raise ConfigurationError unless `app` is an app of this framework.

    The check compares the names of its classes, because the other framework may not be installed.

    Args:
        app: The app.
        framework: "Flask" or "Quart".
    """
    kinds = {cls.__name__ for cls in app.__class__.__mro__ if cls.__module__.partition(".")[0] in ADAPTERS}
    if framework in kinds:
        return
    for module, other in ADAPTERS.items():
        if other in kinds:
            raise ConfigurationError(
                f"This is a {other} app: import OIDCAuthentication from {module}_oidc_async, "
                f"not from {framework.lower()}_oidc_async."
            )
    raise ConfigurationError(f"OIDCAuthentication needs a {framework} app, not {app.__class__.__name__}.")


def require_free_endpoints(app: App, endpoints: Iterable[str]) -> None:
    """Raise ConfigurationError if the app already has a view at one of our endpoints."""
    for endpoint in endpoints:
        if endpoint in app.view_functions:
            raise ConfigurationError(
                f"The app has an endpoint {endpoint!r} already, which OIDCAuthentication adds itself: rename yours "
                "(endpoint=...), or remove it if it was meant to answer the provider."
            )


def require_own_paths(app: App, endpoints: Collection[str]) -> None:
    """Raise ConfigurationError if another view has the path of one of our routes: one of them is never reached."""
    rules: list[Any] = list(app.url_map.iter_rules())
    ours = {_place(rule): rule for rule in rules if rule.endpoint in endpoints}
    for rule in rules:
        own = ours.get(_place(rule))
        if own is not None and rule.endpoint not in endpoints and not own.methods.isdisjoint(_methods(rule)):
            raise ConfigurationError(
                f"Endpoint {rule.endpoint!r} has the path {rule.rule}, at which OIDCAuthentication answers requests "
                f"itself (endpoint {own.endpoint!r}): give it another path, or remove it."
            )


def _place(rule: Any) -> tuple[str, str | None, str | None, bool]:
    return rule.rule, rule.subdomain, rule.host, rule.websocket


def _methods(rule: Any) -> Collection[str]:
    """Return the methods of a rule. A rule that was added directly to the map of URLs may have any, or none."""
    if rule.build_only:
        return ()
    return ANY if rule.methods is None else rule.methods - AUTOMATIC


def describe(view: View, route: Route) -> View:
    """Name and document the view of a route, and hide it from OpenAPI documents.

    Extensions tell views apart by `__module__` and `__name__`. Each OpenAPI tool hides views with another attribute;
    none of the tools has to be imported for it.
    """
    attributes: Mapping[str, Any] = {
        "__name__": route.name,
        "__qualname__": route.name,
        "__doc__": route.description,
        "_spec": {"hide": True},  # APIFlask
        "_quart_schema_hidden": True,  # quart-schema
        "_decorator": "oidc_async",  # spectree before 3: the route of another extension
    }
    for name, value in attributes.items():
        setattr(view, name, value)
    return view


def exempt_from_csrf(app: App, endpoints: Iterable[str]) -> None:
    """Exempt the views of these endpoints from each CSRF protection of the app that is known by name.

    Their requests come from providers and other sites, which have no CSRF token. An authorization response is bound
    to the browser by `state` (RFC 6749 10.12), and a logout token is signed.
    """
    views = [app.view_functions[endpoint] for endpoint in endpoints if endpoint in app.view_functions]
    for protection in _csrf_protections(app):
        for view in views:
            protection.exempt(view)


def _csrf_protections(app: App) -> list[Any]:
    hooks = app.before_request_funcs.get(None, ())
    # Flask-SeaSurf is not in app.extensions, but its hook is a bound method.
    candidates = [*app.extensions.values(), *(getattr(hook, "__self__", None) for hook in hooks)]
    return [candidate for candidate in candidates if _is_csrf_protection(candidate)]


def _is_csrf_protection(candidate: object) -> bool:
    names = {cls.__name__ for cls in type(candidate).__mro__}
    return not names.isdisjoint(CSRF_PROTECTIONS) and callable(getattr(cast(Any, candidate), "exempt", None))


def is_static_file(endpoint: str | None, view_args: Mapping[str, Any] | None) -> bool:
    """Whether the response is a static file of an app or a blueprint, which needs no session.

    The name is not enough, because a view of the application may have it, too.
    """
    return (endpoint or "").rpartition(".")[2] == "static" and "filename" in (view_args or {})


def run_first(hooks: Hooks, hook: Callable[[], Any]) -> None:
    """Run a hook before all others of the app, such as a check of CSRF tokens."""
    hooks.setdefault(None, []).insert(0, hook)


def remove_hook(hooks: Hooks, hook: Callable[[], Any]) -> None:
    """Remove a hook of the app; also possible while the hook runs."""
    # The list is replaced, because the present request still iterates over the old one.
    hooks[None] = [other for other in hooks.get(None, ()) if other is not hook]


def run_last(app: App, hook: Callable[[Any], Any]) -> None:
    """Run a hook after all other `after_request` hooks of the app, such as one that sets headers."""
    # These hooks run in reverse order.
    app.after_request_funcs.setdefault(None, []).insert(0, hook)
