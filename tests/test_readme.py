"""The code of the README and of the guide to APIs is executed."""

import ast
import asyncio
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from inspect import iscoroutine
from pathlib import Path
from typing import Any, cast
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from oidc_async.testing import Fault, SimulatedProvider

from .adapters.site import AsgiClient, Client

ROOT = Path(__file__).parent.parent


def blocks_of(document: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / document).read_text(), re.DOTALL)


BLOCKS = blocks_of("README.md")
API_BLOCKS = blocks_of("docs/guides/protecting-apis.md")
ORIGIN = "https://app.example.com"
API = "https://api.example.com"


@pytest.fixture
def provider() -> SimulatedProvider:
    provider = SimulatedProvider(issuer="https://op.example.com")
    provider.register(
        "client1",
        "secret1",
        redirect_uris=[f"{ORIGIN}/redirect_uri"],
        post_logout_redirect_uris=[f"{ORIGIN}/logout"],
    )
    provider.register("api", "secret of the api", redirect_uris=[f"{API}/redirect_uri"])
    provider.add_user("alice", claims={"name": "Alice"})
    provider.sign_in("alice")
    return provider


def block_with(words: str) -> str:
    """The one block that contains `words`, at a simulated provider; an application has its logout and error view."""
    in_quart = "quart" in words
    words = words.replace("quart", "flask")
    (block,) = [block for block in BLOCKS if words in block]
    if "OIDCAuthentication" in block:
        block = "\n\n".join([block, *(more for more in BLOCKS if "@auth.error_view" in more)])
    without_network: str = block.replace("client_metadata=", "runtime=runtime, client_metadata=")
    assert without_network != block
    return QUART.migrated(without_network) if in_quart else without_network


def run(code: str, **names: Any) -> dict[str, Any]:
    exec(compile(code, "README.md", "exec"), names)
    return names


@dataclass(frozen=True)
class Adapter:
    """A framework, and the changes that its users make to code for Flask."""

    name: str
    runtime: Callable[[SimulatedProvider], Any]
    client: Callable[[Any], Client]

    def migrated(self, code: str) -> str:
        if self.name == "flask":
            return code
        code = re.sub(r"\bflask(?=\b|_oidc)", "quart", code).replace("Flask", "Quart")
        code = re.sub(r"^def", "async def", code, flags=re.MULTILINE).replace("with app.", "async with app.")
        return code.replace("auth.clients", "await auth.clients").replace("auth.login(", "await auth.login(")


FLASK = Adapter(
    "flask",
    SimulatedProvider.blocking_runtime,
    lambda app: cast(Client, httpx.Client(transport=httpx.WSGITransport(app=app))),
)
QUART = Adapter("quart", SimulatedProvider.async_runtime, lambda app: AsgiClient(app, ""))
ADAPTERS = [pytest.param(FLASK, id="Flask"), pytest.param(QUART, id="Quart")]


@pytest.fixture(autouse=True)
def secret_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "a secret of the tests, long enough")


def log_in(browser: Client, provider: SimulatedProvider, url: str) -> httpx.Response:
    """Log in, and return the page that the browser ends on."""
    to_login = browser.request("GET", url)
    back = browser.request("GET", provider.authorize(to_login.headers["location"]).url)
    return browser.request("GET", urljoin(url, back.headers["location"]))


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_the_readmes_app_logs_in_and_out(provider: SimulatedProvider, adapter: Adapter) -> None:
    names = run(block_with(f"from {adapter.name} import"), __name__="app", runtime=adapter.runtime(provider))
    browser = adapter.client(names["app"])

    assert log_in(browser, provider, f"{ORIGIN}/").json() == {"hello": "Alice"}

    to_logout = browser.request("GET", f"{ORIGIN}/logout")
    assert to_logout.status_code == 303
    returned = provider.end_session(to_logout.headers["location"])
    assert browser.request("GET", returned.url).text == "Goodbye."

    assert browser.request("GET", f"{ORIGIN}/redirect_uri").json()["error"] == "state_missing"
    browser.close()


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_the_readmes_api_takes_tokens(provider: SimulatedProvider, adapter: Adapter) -> None:
    (views,) = [block for block in BLOCKS if "token_auth" in block]
    names = run(
        block_with(f"from {adapter.name} import") + adapter.migrated(views),
        __name__="app",
        runtime=adapter.runtime(provider),
        ask_weather_service=lambda token: f"a token of {len(token)} characters",
    )
    browser = adapter.client(names["app"])

    assert bring(browser, f"{ORIGIN}/api/notes").status_code == 401
    token = provider.issue_access_token("client1", scope="notes:read", username="alice")
    assert bring(browser, f"{ORIGIN}/api/notes", token).json() == {"notes_of": "alice"}
    without_scope = bring(browser, f"{ORIGIN}/api/notes", provider.issue_access_token("client1"))
    assert (without_scope.status_code, without_scope.json()["error"]) == (403, "insufficient_scope")
    assert bring(browser, f"{ORIGIN}/notes", token).json() == {"notes_of": "alice", "by": "token"}

    assert log_in(browser, provider, f"{ORIGIN}/notes").json() == {"notes_of": "alice", "by": "login"}
    for _ in range(2):
        assert browser.request("GET", f"{ORIGIN}/weather").text.startswith("a token of")
    assert provider.count("token", grant_type="client_credentials") == 1
    browser.close()


def bring(client: Client, url: str, token: str | None = None, method: str = "GET") -> httpx.Response:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return client.request(method, url, headers=headers)


def test_the_readmes_blocking_client_logs_in(provider: SimulatedProvider, capsys: pytest.CaptureFixture[str]) -> None:
    run(
        block_with("from oidc_async import ClientMetadata, ProviderConfiguration, RelyingParty"),
        runtime=provider.blocking_runtime(),
        open_in_browser=lambda url: urlsplit(provider.authorize(url).url).query,
    )
    assert capsys.readouterr().out.startswith("alice {'sub': 'alice'")


def test_the_readmes_client_logs_in_with_await_too(
    provider: SimulatedProvider, capsys: pytest.CaptureFixture[str]
) -> None:
    code = block_with("from oidc_async import ClientMetadata, ProviderConfiguration, RelyingParty")
    code = code.replace("RelyingParty", "AsyncRelyingParty")
    code = re.sub(r"client\.(?=begin_login|complete_login|end_session_url)", "await client.", code)
    names = {
        "runtime": provider.async_runtime(),
        "open_in_browser": lambda url: urlsplit(provider.authorize(url).url).query,
    }
    asyncio.run(eval(compile(code, "README.md", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names))
    assert capsys.readouterr().out.startswith("alice {'sub': 'alice'")


def test_the_readmes_changes_for_quart_are_those_of_its_users() -> None:
    (diff,) = re.findall(r"```diff\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    app = block_with("from flask import").splitlines()
    removed = [line[1:] for line in diff.splitlines() if line.startswith("-")]
    added = [line[1:] for line in diff.splitlines() if line.startswith("+")]
    assert set(removed) <= set(app)
    assert [QUART.migrated(line) for line in removed] == added


def api_block(words: str) -> str:
    (block,) = [block for block in API_BLOCKS if words in block]
    return block.replace("issuer=", "runtime=runtime, issuer=")


@pytest.mark.parametrize("adapter", ADAPTERS)
class TestTheGuideToApis:
    @pytest.fixture
    def names(self, provider: SimulatedProvider, adapter: Adapter) -> dict[str, Any]:
        code = [
            block.replace("issuer=", "runtime=runtime, issuer=") for block in API_BLOCKS if "Server(" not in block
        ]
        return run(
            adapter.migrated("\n".join(code)),
            __name__="api",
            runtime=adapter.runtime(provider),
            ask_weather=lambda headers: headers["Authorization"],
        )

    @pytest.fixture
    def client(self, names: dict[str, Any], adapter: Adapter) -> Iterator[Client]:
        client = adapter.client(names["app"])
        yield client
        client.close()

    @pytest.mark.parametrize("jwt", [False, True])
    def test_accepts_either_kind_of_token(self, provider: SimulatedProvider, client: Client, jwt: bool) -> None:
        token = provider.issue_access_token("client1", scope="notes:read", username="alice", audience=API, jwt=jwt)
        for path in ("/notes", "/both"):
            assert bring(client, API + path, token).json() == {"notes_of": "alice"}
        (counters,) = client.request("GET", f"{API}/metrics").json().values()
        assert (counters["misses"], counters["hits"]) == (1, 1)
        assert (counters["upstream_calls"], counters["verified_here"]) == ((0, 1) if jwt else (1, 0))

    def test_accepts_a_login(self, provider: SimulatedProvider, client: Client) -> None:
        assert log_in(client, provider, f"{API}/both").json() == {"notes_of": "alice"}

    def test_rejects_tokens_for_other_apis(self, provider: SimulatedProvider, client: Client) -> None:
        for_others = provider.issue_access_token("client1", scope="notes:read", audience="https://other.example.com")
        page = bring(client, f"{API}/notes", for_others)
        assert (page.status_code, page.json()["error"]) == (401, "invalid_token")

    @pytest.mark.parametrize(
        ("scope", "claims", "status"),
        [
            ("notes:read notes:delete owner", {}, 204),
            ("notes:read notes:delete", {}, 403),
            ("notes:delete owner", {}, 403),
            ("notes:read notes:delete owner", {"department": "sales"}, 403),
            ("notes:read notes:delete owner", {"acr": "password"}, 401),
            ("notes:read notes:delete owner", {"auth_time": 1}, 401),
        ],
    )
    def test_requires_everything_that_a_view_requires(
        self, provider: SimulatedProvider, client: Client, scope: str, claims: dict[str, Any], status: int
    ) -> None:
        good = {"department": "archive", "acr": "urn:example:two-factors"}
        token = provider.issue_access_token(
            "client1", scope=scope, username="alice", audience=API, claims={**good, **claims}
        )
        page = bring(client, f"{API}/notes/1", token, method="DELETE")
        assert page.status_code == status
        if status == 403:
            assert list(page.json()) == ["message"], "the error handler answers"
            assert 'error="insufficient_scope"' in page.headers["www-authenticate"]

    def test_calls_other_apis(self, provider: SimulatedProvider, names: dict[str, Any]) -> None:
        header = names["forecast"]()
        assert (asyncio.run(header) if iscoroutine(header) else header).startswith("Bearer ")
        assert provider.count("token", grant_type="client_credentials") == 1


def test_the_guides_blocking_server_verifies(provider: SimulatedProvider) -> None:
    who_may_read = run(api_block(" ResourceServer("), runtime=provider.blocking_runtime())["who_may_read"]
    kind: dict[str, Any] = {"username": "alice", "audience": API, "jwt": True}
    assert who_may_read(provider.issue_access_token("client1", scope="notes:read", **kind)) == "alice by client1"
    assert who_may_read(provider.issue_access_token("client1", **kind)) == "rejected: insufficient_scope"
    assert who_may_read("nothing like it") == "rejected: token_malformed"
    assert provider.count("introspection") == 0


def test_the_guides_blocking_server_says_when_nothing_is_known(provider: SimulatedProvider) -> None:
    who_may_read = run(api_block(" ResourceServer("), runtime=provider.blocking_runtime())["who_may_read"]
    with provider.misbehaving(Fault.DISCOVERY_ISSUER_OTHER):
        token = provider.issue_access_token("client1", audience=API, jwt=True)
        assert who_may_read(token) == "try again in a moment"


def test_the_guides_async_server_verifies_and_invalidates(provider: SimulatedProvider) -> None:
    names = run(api_block("AsyncResourceServer("), runtime=provider.async_runtime())
    token = provider.issue_access_token("client1", username="alice", audience=API)

    async def scenario() -> list[str]:
        subjects = [await names["who"](token), await names["who"](token)]
        assert provider.count("introspection") == 1
        await names["log_out"](token)
        return [*subjects, await names["who"](token)]

    assert asyncio.run(scenario()) == ["alice"] * 3
    assert provider.count("introspection") == 2
