"""The README's code is run as it stands there."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from oidc_async.testing import SimulatedProvider

from .adapters.site import AsgiClient, Client

README = Path(__file__).parent.parent / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
ORIGIN = "https://app.example.com"


@pytest.fixture
def provider() -> SimulatedProvider:
    provider = SimulatedProvider(issuer="https://op.example.com")
    provider.register(
        "client1",
        "secret1",
        redirect_uris=[f"{ORIGIN}/redirect_uri"],
        post_logout_redirect_uris=[f"{ORIGIN}/logout"],
    )
    provider.add_user("alice", claims={"name": "Alice"})
    return provider


def block_with(words: str) -> str:
    """The one block of code that holds `words`, in a world where the provider is a simulated one."""
    (block,) = [block for block in BLOCKS if words in block]
    without_network: str = block.replace("client_metadata=", "runtime=runtime, client_metadata=")
    assert without_network != block
    return without_network


def run(code: str, **names: Any) -> dict[str, Any]:
    exec(compile(code, "README.md", "exec"), names)
    return names


@pytest.mark.parametrize(
    ("import_line", "runtime", "client"),
    [
        pytest.param(
            "from flask import",
            SimulatedProvider.blocking_runtime,
            lambda app: httpx.Client(transport=httpx.WSGITransport(app=app)),
            id="Flask",
        ),
        pytest.param(
            "from quart import", SimulatedProvider.async_runtime, lambda app: AsgiClient(app, ""), id="Quart"
        ),
    ],
)
def test_the_readmes_app_logs_in_and_out(
    provider: SimulatedProvider,
    monkeypatch: pytest.MonkeyPatch,
    import_line: str,
    runtime: Callable[[SimulatedProvider], Any],
    client: Callable[[Any], Client],
) -> None:
    monkeypatch.setenv("SECRET_KEY", "a secret of the tests, long enough")
    names = run(block_with(import_line), __name__="app", runtime=runtime(provider))
    browser = client(names["app"])

    to_login = browser.request("GET", f"{ORIGIN}/")
    back = browser.request("GET", provider.authorize(to_login.headers["location"]).url)
    assert browser.request("GET", ORIGIN + back.headers["location"]).text == "Hello, Alice (alice)"

    to_logout = browser.request("GET", f"{ORIGIN}/logout")
    assert to_logout.status_code == 303
    returned = provider.end_session(to_logout.headers["location"])
    assert browser.request("GET", returned.url).text == "Goodbye."

    assert browser.request("GET", f"{ORIGIN}/redirect_uri").json()["error"] == "state_missing"
    browser.close()


def test_the_readmes_blocking_client_logs_in(provider: SimulatedProvider, capsys: pytest.CaptureFixture[str]) -> None:
    run(
        block_with("from oidc_async import ClientMetadata, ProviderConfiguration, RelyingParty"),
        runtime=provider.blocking_runtime(),
        open_in_browser=lambda url: urlsplit(provider.authorize(url).url).query,
    )
    assert capsys.readouterr().out.startswith("alice {'sub': 'alice'")


def test_the_readmes_async_client_logs_in(provider: SimulatedProvider, capsys: pytest.CaptureFixture[str]) -> None:
    names = run(
        block_with("from oidc_async import AsyncRelyingParty"),
        runtime=provider.async_runtime(),
        open_in_browser=lambda url: urlsplit(provider.authorize(url).url).query,
    )
    asyncio.run(names["log_in"]())
    assert capsys.readouterr().out.startswith("alice {'sub': 'alice'")
