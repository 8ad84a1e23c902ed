"""The names that others build on, and that both adapters are one thing said twice."""

import ast
import importlib
import inspect
import re
from pathlib import Path
from typing import Any

import flask_oidc_async
import pytest
import quart_oidc_async

import oidc_async
import oidc_async.web

ADAPTERS = Path(__file__).parents[2] / "adapters"
NAMES_OF_ADAPTERS = {
    "ClaimsProvider",
    "Access",
    "ClientKeys",
    "ClientMetadata",
    "ClientRegistrationInfo",
    "HttpSettings",
    "LoginRefused",
    "NewLogin",
    "OIDCAuthentication",
    "OIDCError",
    "ProviderConfiguration",
    "ProviderMetadata",
    "RedirectUriConfig",
    "UninitialisedSession",
    "UserSession",
}
NAMES_OF_THE_CORE = {
    *NAMES_OF_ADAPTERS - {"NewLogin", "OIDCAuthentication"},
    "AccessCache",
    "AsyncRelyingParty",
    "AsyncResourceServer",
    "AsyncRuntime",
    "AsyncWebFinger",
    "AuthorizationRequest",
    "BearerError",
    "BlockingRuntime",
    "ConfigurationError",
    "Login",
    "LoginError",
    "LogoutToken",
    "OAuthError",
    "PendingLogin",
    "ProviderError",
    "RelyingParty",
    "Requirements",
    "ResourceServer",
    "Statistics",
    "StoreError",
    "TokenError",
    "TokenResponse",
    "WebFinger",
    "__version__",
    "ends_refresh_token",
}
MODULES = {
    "provider_configuration": {
        "ClientMetadata",
        "ClientRegistrationInfo",
        "ProviderConfiguration",
        "ProviderMetadata",
    },
    "redirect_uri_config": {"RedirectUriConfig"},
    "user_session": {"UninitialisedSession", "UserSession"},
}
SIGNALS = {"logged_in", "logged_out", "login_failed", "logout_failed", "refresh_failed", "token_refreshed"}

each_adapter = pytest.mark.parametrize("adapter", [flask_oidc_async, quart_oidc_async], ids=lambda it: it.__name__)


def test_the_core_exports_these_names() -> None:
    assert set(oidc_async.__all__) == NAMES_OF_THE_CORE
    assert all(hasattr(oidc_async, name) for name in oidc_async.__all__)


@each_adapter
def test_an_adapter_exports_these_names(adapter: Any) -> None:
    assert set(adapter.__all__) == NAMES_OF_ADAPTERS
    assert all(hasattr(adapter, name) for name in adapter.__all__)


@each_adapter
@pytest.mark.parametrize("module", MODULES)
def test_the_documented_modules_have_the_same_objects(adapter: Any, module: str) -> None:
    found = importlib.import_module(f"{adapter.__name__}.{module}")
    assert set(found.__all__) == MODULES[module]
    assert all(getattr(found, name) is getattr(adapter, name) for name in MODULES[module])


def test_what_a_hook_is_given_is_the_same_in_both_adapters_and_without_one() -> None:
    assert flask_oidc_async.NewLogin is quart_oidc_async.NewLogin is oidc_async.web.NewLogin


def test_the_signals_are_the_same_in_both_adapters() -> None:
    of_flask, of_quart = (importlib.import_module(f"{name}_oidc_async.signals") for name in ("flask", "quart"))
    assert set(of_flask.__all__) == set(of_quart.__all__) == SIGNALS
    assert all(getattr(of_flask, name) is getattr(of_quart, name) for name in SIGNALS)
    assert all(getattr(of_flask, name) is getattr(oidc_async.web.signals, name) for name in SIGNALS)


@each_adapter
@pytest.mark.parametrize("name", sorted(NAMES_OF_ADAPTERS - {"NewLogin", "OIDCAuthentication", "UserSession"}))
def test_a_class_lives_once(adapter: Any, name: str) -> None:
    assert getattr(adapter, name) is getattr(oidc_async, name)


@each_adapter
def test_the_session_of_an_adapter_is_that_of_the_core(adapter: Any) -> None:
    assert issubclass(adapter.UserSession, oidc_async.UserSession)


@each_adapter
@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("__init__", ["provider_configurations", "app", "redirect_uri_config"]),
        ("init_app", ["app", "provider_configurations"]),
        ("oidc_auth", ["provider_name"]),
        ("login", ["provider_name", "return_to", "authorization_params"]),
        (
            "token_auth",
            ["provider_name", "scopes_required", "scopes_any", "requires", "acr_values", "max_age"],
        ),
        (
            "access_control",
            ["provider_name", "scopes_required", "scopes_any", "requires", "acr_values", "max_age"],
        ),
        ("valid_access_token", ["force_refresh"]),
        ("statistics", []),
        ("oidc_logout", ["view", "post_logout_redirect_uri"]),
        ("error_view", ["view"]),
        ("after_login", ["hook"]),
    ],
)
def test_a_member_takes_these_parameters(adapter: Any, name: str, parameters: list[str]) -> None:
    member = getattr(adapter.OIDCAuthentication, name)
    assert list(inspect.signature(member).parameters) == ["self", *parameters]


@each_adapter
def test_a_provider_configuration_takes_the_known_arguments_in_the_known_order(adapter: Any) -> None:
    parameters = inspect.signature(adapter.ProviderConfiguration).parameters.values()
    assert [parameter.name for parameter in parameters if parameter.kind is not parameter.KEYWORD_ONLY] == [
        "issuer",
        "provider_metadata",
        "userinfo_http_method",
        "client_registration_info",
        "client_metadata",
        "auth_request_params",
        "session_refresh_interval_seconds",
        "requests_session",
    ]


@each_adapter
def test_provider_metadata_take_the_known_arguments_in_the_known_order(adapter: Any) -> None:
    parameters = inspect.signature(adapter.ProviderMetadata).parameters.values()
    assert [parameter.name for parameter in parameters if parameter.kind is not parameter.VAR_KEYWORD] == [
        "issuer",
        "authorization_endpoint",
        "jwks_uri",
        "token_endpoint",
        "userinfo_endpoint",
        "introspection_endpoint",
        "registration_endpoint",
    ]


def files_of(adapter: Any) -> dict[str, Path]:
    folder = Path(adapter.__file__).parent
    return {path.name: path for path in folder.iterdir() if path.is_file()}


OF_QUART_ALONE = {"sockets.py"}
"""Flask has no WebSockets."""


def test_both_adapters_have_the_same_files() -> None:
    assert set(files_of(flask_oidc_async)) | OF_QUART_ALONE == set(files_of(quart_oidc_async))


@each_adapter
def test_an_adapter_is_small(adapter: Any) -> None:
    files = {name: path for name, path in files_of(adapter).items() if name not in OF_QUART_ALONE}
    assert sum(len(path.read_text().splitlines()) for path in files.values()) < 700


class Leveller(ast.NodeTransformer):
    """Takes away what tells Flask's code from Quart's: `async`, `await`, and the names of the two."""

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> Any:
        plain = ast.FunctionDef(**{name: getattr(node, name) for name in node._fields})
        return self.generic_visit(ast.copy_location(plain, node))

    def visit_Await(self, node: ast.Await) -> Any:
        return self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> Any:
        # cast(Response, ...): Quart's functions promise less than they give; run_without_loop(...) is Flask's `await`
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in ("cast", "run_without_loop"):
            return self.visit(node.args[-1])
        return self.generic_visit(node)


LEVEL_NAMES = {
    r"[Ff]lask|[Qq]uart": "framework",
    r"\b(AsyncRelyingParty|RelyingParty)\b": "Party",
    r"\b(AsyncRuntime|BlockingRuntime)\b": "Runtime",
    r"\bensure_(a?sync)\b": "ensure",
    r"\brequest\.(environ|scope)\b": "request.environ",
}


def functions_of(path: Path) -> dict[str, str]:
    """The functions of a file by their names, as text in which both frameworks look the same."""
    tree = Leveller().visit(ast.parse(path.read_text()))
    found = {node.name: ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    for pattern, name in LEVEL_NAMES.items():
        found = {function: re.sub(pattern, name, text) for function, text in found.items()}
    return found


@pytest.mark.parametrize(
    ("file", "differing"),
    [
        # the life of the runtimes; the kind of view that needs help; Flask's clients and stores are blocking faces;
        # what asgiref is needed for
        (
            "authentication.py",
            {
                "init_app",
                "clients",
                "_guard",
                "decorate",
                "_awaited",
                "_verdict",
                "_open_store",
                "_close",
                "close_connections",
                "require_kind",
                # Quart's servers announce that they start, and its WebSockets have hooks of their own
                "_add_hooks",
                "check_oidc_wiring",
            },
        ),
        # where the undecoded path and the headers are, what is left of a form that was read, and how a receiver of
        # the other kind is called
        (
            "translation.py",
            {
                *("_raw_path", "_send_signals", "read_authorizations", "read_body", "read_form_tokens"),
                # Quart reads bodies as they come
                *("_take_chunks_in", "limit_body", "limit_own_bodies"),
                # a request of Quart may be a WebSocket
                *("current_context", "current_environ", "read_request", "open_session", "finish_socket", "is_exempt"),
                *("_prefers_json", "_answers_get", "_read_trusted_request"),
            },
        ),
        ("signals.py", set()),
        ("user_session.py", set()),
        ("provider_configuration.py", set()),
        ("redirect_uri_config.py", set()),
    ],
)
def test_the_adapters_differ_in_nothing_but_this(file: str, differing: set[str]) -> None:
    of_flask = functions_of(files_of(flask_oidc_async)[file])
    of_quart = functions_of(files_of(quart_oidc_async)[file])
    names = {*of_flask, *of_quart}
    assert {name for name in names if of_flask.get(name) != of_quart.get(name)} == differing
