"""The public names, and the size and the differences of the two adapters."""

import ast
import importlib
import inspect
import io
import re
import tokenize
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


OF_QUART_ALONE = {"body_limit.py", "sockets.py"}
"""Flask has no WebSockets, and reads a body when it is used only."""


def test_both_adapters_have_the_same_files() -> None:
    assert set(files_of(flask_oidc_async)) | OF_QUART_ALONE == set(files_of(quart_oidc_async))


NO_CODE = {getattr(tokenize, name) for name in ("COMMENT", "NL", "NEWLINE", "INDENT", "DEDENT", "ENDMARKER")}


def lines_of_docstrings(source: str) -> set[int]:
    """The lines of all strings that are statements of their own."""
    expressions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Expr)]
    strings = [
        node for node in expressions if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    ]
    return {line for node in strings for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)}


def lines_of_code(source: str) -> int:
    """The number of lines without blank lines, comments and docstrings."""
    tokens = [token for token in tokenize.generate_tokens(io.StringIO(source).readline) if token.type not in NO_CODE]
    lines = {line for token in tokens for line in range(token.start[0], token.end[0] + 1)}
    return len(lines - lines_of_docstrings(source))


def test_only_lines_of_code_are_counted() -> None:
    source = (
        '"""A module."""\n\n# A comment.\ndef f():\n    """A\n    function."""\n    return (\n\n        1\n    )\n'
    )
    assert lines_of_code(source) == 4


@each_adapter
def test_an_adapter_is_small(adapter: Any) -> None:
    files = {
        name: path for name, path in files_of(adapter).items() if path.suffix == ".py" and name not in OF_QUART_ALONE
    }
    assert sum(lines_of_code(path.read_text()) for path in files.values()) <= 250


class Leveller(ast.NodeTransformer):
    """Removes the differences of sync and async code: `async`, `await`, `run_without_loop` and casts."""

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> Any:
        plain = ast.FunctionDef(**{name: getattr(node, name) for name in node._fields})
        return self.generic_visit(ast.copy_location(plain, node))

    def visit_Await(self, node: ast.Await) -> Any:
        return self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> Any:
        # The types of Quart are wider than those of Flask, and run_without_loop(...) is the `await` of Flask.
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
    """The functions of a file by their names, as text without the differences that every function may have."""
    tree = Leveller().visit(ast.parse(path.read_text()))
    found = {node.name: ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    for pattern, name in LEVEL_NAMES.items():
        found = {function: re.sub(pattern, name, text) for function, text in found.items()}
    return found


@pytest.mark.parametrize(
    ("file", "differing"),
    [
        (
            "authentication.py",
            {
                # The kind of view that is called directly, and asgiref, which Flask needs for the other kind.
                *("_protect", "decorate", "_is_cached", "require_kind"),
                # The clients of Flask are blocking.
                "clients",
                # Servers of Quart announce that they start and stop.
                *("init_app", "check_oidc_wiring", "close_connections", "_close"),
            },
        ),
        (
            "translation.py",
            {
                # The environ of WSGI and the scope of ASGI.
                *("environ", "authorizations", "read_authorizations", "raw_path"),
                # Quart receives a body while the request is handled, and Flask when it is read.
                *("read_body", "read_form_tokens", "_read_chunks", "_limit_own_bodies", "early_hooks"),
                # Quart has WebSockets.
                *("connection", "is_socket", "hooks_of", "after_websocket"),
                # Awaitables and receivers of signals of the other kind.
                *("wait_for", "_result", "send", "after_request"),
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
