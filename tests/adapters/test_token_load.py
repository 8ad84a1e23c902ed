"""Many calls to an API at once: the provider is asked once for each token, and nobody waits for, or sees, another."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from oidc_async.testing import Fault, SimulatedProvider

from .api import Api, Kind, MakeApi, of_kind
from .at_once import Fetch, Visiting, at_once
from .gate import SECONDS, Gate
from .site import ORIGIN, Framework, Page, QuartFramework, new_provider
from .toolbox import toolbox


@pytest.fixture
def provider() -> SimulatedProvider:
    return new_provider()


@pytest.fixture
def gate(framework: Framework, provider: SimulatedProvider) -> Gate:
    return Gate(framework.runtime(provider), framework)


@pytest.fixture
def api(make_api: MakeApi, provider: SimulatedProvider, gate: Gate) -> Api:
    return make_api(providers={"default": provider}, runtime=gate)


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def calling(token: str, path: str = "/api") -> Visiting[Page]:
    async def visit(fetch: Fetch) -> Page:
        return await fetch(f"{ORIGIN}{path}", headers=bearer(token))

    return visit


def behind_the_gate(api: Api, gate: Gate, tokens: Sequence[str], waiting: Callable[[], bool]) -> list[Page]:
    """The pages for these tokens, all called at once; the gate opens when `waiting` is true."""

    async def open_async() -> None:
        async with asyncio.timeout(SECONDS):
            while not waiting():
                await asyncio.sleep(0.001)
        gate.open()

    def open_blocking() -> None:
        for _ in range(SECONDS * 1000):
            if waiting():
                break
            threading.Event().wait(0.001)
        gate.open()

    async def opening(fetch: Fetch) -> Page:
        if api.site.framework.name == "flask":
            open_blocking()
        else:
            await open_async()
        return await fetch(f"{ORIGIN}/open")

    visits = [*map(calling, tokens), opening]
    return at_once(api.site, visits, threads=len(visits))[:-1]


def test_many_calls_with_one_uncached_token_are_one_request(api: Api, gate: Gate, framework: Framework) -> None:
    """threat model 241"""
    many = 200 if framework.name == "quart" else 32
    token = api.token()
    pages = behind_the_gate(api, gate, [token] * many, lambda: api.statistics().misses >= many)
    assert [page.status_code for page in pages] == [200] * many
    assert {page.json()["sub"] for page in pages} == {"alice"}
    assert (gate.arrived, api.asked()) == (1, 1)
    statistics = api.statistics()
    assert (statistics.misses, statistics.upstream_calls) == (many, 1)
    assert (statistics.joined, statistics.hits) == (many - 1, 0)


def test_each_of_many_has_an_identity_of_its_own(
    make_api: MakeApi, provider: SimulatedProvider, gate: Gate, framework: Framework, kind: Kind
) -> None:
    """threat model 247: what one view writes into it, no other one reads."""
    tools = toolbox(framework)

    def add_views(app: Any, auth: Any) -> None:
        def write() -> Any:
            visits = auth.current_token_identity.setdefault("visits", [])
            visits.append("a visit")
            return tools.jsonify(len(auth.current_token_identity["visits"]))

        app.add_url_rule("/api", "api", auth.token_auth("default")(of_kind(kind, write)))
        app.add_url_rule("/open", "open", lambda: "open")

    api = make_api(providers={"default": provider}, views=add_views, runtime=gate)
    pages = behind_the_gate(api, gate, [api.token()] * 20, lambda: api.statistics().misses >= 20)
    assert [page.json() for page in pages] == [1] * 20


def test_many_calls_with_one_invalid_token_are_one_request(api: Api, gate: Gate) -> None:
    pages = behind_the_gate(api, gate, ["unknown"] * 20, lambda: api.statistics().misses >= 20)
    assert {page.status_code for page in pages} == {403}
    assert api.asked() == 1


def test_a_failure_is_shared_by_all_who_waited_and_not_cached(api: Api, gate: Gate) -> None:
    token = api.token()
    with api.provider.misbehaving(Fault.INTROSPECTION_RESET):
        pages = behind_the_gate(api, gate, [token] * 20, lambda: api.statistics().misses >= 20)
    assert {page.status_code for page in pages} == {503}
    assert api.statistics().upstream_calls == 1
    api.provider.clock.advance(1.5)
    assert api.call(token=token).status_code == 200


def test_a_slow_provider_holds_no_cached_token_up(api: Api, gate: Gate, framework: Framework) -> None:
    """threat model 249: while 20 callers wait for the provider, 200 calls with cached tokens are answered."""
    known = [api.token() for _ in range(5)]
    gate.open()
    assert [api.call(token=token).status_code for token in known] == [200] * 5
    gate.close()
    answered: list[int] = []

    def continuing(token: str) -> Visiting[Page]:
        async def visit(fetch: Fetch) -> Page:
            while gate.arrived < 5 + 20:
                await asyncio.sleep(0.001) if framework.name == "quart" else threading.Event().wait(0.001)
            for _ in range(40):
                page = await fetch(f"{ORIGIN}/api", headers=bearer(token))
                answered.append(page.status_code)
            if len(answered) >= 200:
                gate.open()
            return page

        return visit

    waiting = [calling(api.token()) for _ in range(20)]
    pages = at_once(api.site, [*waiting, *map(continuing, known)], threads=25)
    assert answered == [200] * 200
    assert {page.status_code for page in pages} == {200}
    assert api.statistics().upstream_calls == 25


def test_each_of_many_sees_its_own_identity(make_api: MakeApi, framework: Framework, kind: Kind) -> None:
    """threat model 247: 50 users at once, each several times, with pauses in which the others run."""
    tools = toolbox(framework)
    provider = new_provider()
    users = [f"user{number}" for number in range(50)]
    for user in users:
        provider.add_user(user)

    def add_views(app: Any, auth: Any) -> None:
        def tell() -> Any:
            seen = [auth.current_token_identity["sub"], tools.request.args["user"]]
            threading.Event().wait(0.001)
            return tools.jsonify([*seen, auth.current_token_identity["sub"]])

        async def tell_async() -> Any:
            seen = [auth.current_token_identity["sub"], tools.request.args["user"]]
            await asyncio.sleep(0.001)
            return tools.jsonify([*seen, auth.current_token_identity["sub"]])

        async def is_own(claims: Any) -> bool:
            await asyncio.sleep(0.001)
            return bool(claims["sub"] == tools.request.args["user"])

        decorator = auth.token_auth("default", requires=is_own)
        app.add_url_rule("/tell", "tell", decorator(tell if kind == "sync" else tell_async))
        app.add_url_rule("/open", "open", of_kind(kind, lambda: tools.jsonify(auth.current_token_identity)))

    latency = provider.async_runtime if framework.name == "quart" else provider.blocking_runtime
    api = make_api(providers={"default": provider}, views=add_views, runtime=latency(latency=0.005))

    def telling(user: str) -> Visiting[list[Any]]:
        token = provider.issue_access_token("client1", username=user)

        async def visit(fetch: Fetch) -> list[Any]:
            seen: list[Any] = []
            for _ in range(4):
                seen += (await fetch(f"{ORIGIN}/tell?user={user}", headers=bearer(token))).json()
                seen.append((await fetch(f"{ORIGIN}/open")).json())
            return seen

        return visit

    seen = at_once(api.site, [telling(user) for user in users], threads=32)
    assert seen == [[user, user, user, None] * 4 for user in users]
    assert api.asked() == 50


class TestACallerWhoGoesAway:
    """threat model 242"""

    @pytest.fixture(params=[QuartFramework()], ids=["quart"])
    def framework(self, request: pytest.FixtureRequest) -> Framework:
        chosen: Framework = request.param
        return chosen

    @pytest.mark.parametrize("leaving", [0, 1, 3], ids=["the first", "a later one", "the last"])
    def test_takes_nobody_along(self, api: Api, gate: Gate, leaving: int) -> None:
        token = api.token()

        async def calls() -> list[Any]:
            transport = httpx.ASGITransport(app=api.site.app)
            async with httpx.AsyncClient(transport=transport) as client:
                tasks = [asyncio.create_task(client.get(f"{ORIGIN}/api", headers=bearer(token))) for _ in range(4)]
                async with asyncio.timeout(SECONDS):
                    while api.statistics().misses < 4:
                        await asyncio.sleep(0)
                    tasks[leaving].cancel()
                    await asyncio.sleep(0.01)
                    gate.open()
                    return await asyncio.gather(*tasks, return_exceptions=True)

        outcomes = asyncio.run(calls())
        assert isinstance(outcomes.pop(leaving), asyncio.CancelledError)
        assert [page.json()["sub"] for page in outcomes] == ["alice"] * 3
        assert api.asked() == 1

    def test_leaves_what_was_found_out(self, api: Api, gate: Gate) -> None:
        token = api.token()

        async def calls() -> Page:
            transport = httpx.ASGITransport(app=api.site.app)
            async with httpx.AsyncClient(transport=transport) as client:
                task = asyncio.create_task(client.get(f"{ORIGIN}/api", headers=bearer(token)))
                async with asyncio.timeout(SECONDS):
                    while not gate.arrived:
                        await asyncio.sleep(0)
                    task.cancel()
                    gate.open()
                    return await client.get(f"{ORIGIN}/api", headers=bearer(token))

        assert asyncio.run(calls()).json()["sub"] == "alice"
        assert api.asked() == 1


class TestAServiceToken:
    """One request for any number of callers."""

    @pytest.fixture
    def pool(self) -> Iterator[ThreadPoolExecutor]:
        with ThreadPoolExecutor(32) as pool:
            yield pool

    def test_is_fetched_once(self, make_api: MakeApi, framework: Framework, pool: ThreadPoolExecutor) -> None:
        provider = new_provider()
        latency = provider.async_runtime if framework.name == "quart" else provider.blocking_runtime
        api = make_api(providers={"default": provider}, runtime=latency(latency=0.02))
        client = api.site.auth.clients["default"]

        async def all_at_once() -> list[Any]:
            return list(await asyncio.gather(*(client.service_token(scope="read") for _ in range(100))))

        if framework.name == "quart":
            tokens = asyncio.run(all_at_once())
        else:
            tokens = list(pool.map(lambda _: client.service_token(scope="read"), range(100)))
        assert len({token.access_token for token in tokens}) == 1
        assert provider.count("token", grant_type="client_credentials") == 1
