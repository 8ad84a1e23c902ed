"""Many tokens at once, and a provider that is slow or down: threat model 125, 229, 234, 239, 241 to 249."""

import asyncio
import threading
from collections import Counter
from functools import partial
from typing import Any

import pytest

from oidc_async import ClientMetadata, ProviderConfiguration, ProviderMetadata
from oidc_async.errors import (
    IntrospectionInvalid,
    OAuthError,
    ProviderError,
    ProviderOverloaded,
    ProviderPaused,
    ProviderTimeout,
    ProviderUnreachable,
    TokenInactive,
)
from oidc_async.http.settings import DEFAULT_SETTINGS, HttpSettings
from oidc_async.protocol.access_grant import Access
from oidc_async.resource_server.resource_server import AsyncResourceServer, ResourceServer
from oidc_async.testing import Clock, Fault, Misbehaviour, SimulatedProvider
from tests.core.api import API, SECRET, START, new_api, new_provider, twice_in_a_row
from tests.core.conftest import Serve
from tests.core.raw_server import Connection, response
from tests.core.worlds import AsyncWorld, World

OUTAGES = [
    Fault.INTROSPECTION_RESET,
    Fault.INTROSPECTION_SLOW,
    Fault.INTROSPECTION_DRIP,
    Fault.INTROSPECTION_502,
    Fault.INTROSPECTION_503,
    Fault.INTROSPECTION_429,
]
STUMBLES = [
    Fault.INTROSPECTION_400,
    Fault.INTROSPECTION_401,
    Fault.INTROSPECTION_500,
    Fault.INTROSPECTION_HTML,
    Fault.INTROSPECTION_HUGE,
    Fault.INTROSPECTION_EXP_NAN,
]


@pytest.fixture
def api(either_world: World) -> API:
    return new_api(either_world)


@pytest.fixture
def slow_api(either_world: World) -> API:
    """The provider takes a while, so that all who come at once meet."""
    return new_api(either_world, latency=0.1)


def kinds(outcomes: list[Access | BaseException]) -> dict[str, int]:
    return dict(Counter(type(outcome).__name__ for outcome in outcomes))


# Single flight for each token


@pytest.mark.parametrize("verification", ["introspection", "jwt"])
def test_a_crowd_with_one_uncached_token_causes_one_request(either_world: World, verification: str) -> None:
    """threat model 241: and one discovery, and one fetch of keys."""
    api = new_api(either_world, latency=0.1, audience="api", access_token_verification=verification)
    outcomes = api.together([api.issue(jwt=verification == "jwt")] * api.crowd)
    assert kinds(outcomes) == {"Access": api.crowd}
    expected = ["discovery", "introspection" if verification == "introspection" else "jwks"]
    assert [recorded.endpoint for recorded in api.provider.requests] == expected
    assert api.statistics.verified_here == (verification == "jwt")
    assert api.statistics.entries == 1


def test_those_of_a_crowd_share_nothing_that_could_be_changed(slow_api: API) -> None:
    """threat model 247."""
    outcomes = [access for access in slow_api.together([slow_api.issue()] * 20) if isinstance(access, Access)]
    outcomes[0].claims["sub"] = "mallory"
    assert [access.subject for access in outcomes] == ["mallory"] + ["alice"] * 19


def test_each_of_a_crowd_gets_the_access_of_its_own_token(slow_api: API) -> None:
    """threat model 247."""
    tokens = [slow_api.issue(claims={"jti": str(number)}) for number in range(50)]
    outcomes = slow_api.together(tokens * 2)
    assert [access["jti"] for access in outcomes if isinstance(access, Access)] == [str(n) for n in range(50)] * 2
    assert slow_api.asked() == 50


def test_a_crowd_with_an_invalid_token_causes_one_request(slow_api: API) -> None:
    """threat model 131, 241."""
    outcomes = slow_api.together(["guessed"] * slow_api.crowd)
    assert kinds(outcomes) == {"TokenInactive": slow_api.crowd}
    assert len({id(outcome) for outcome in outcomes}) == slow_api.crowd
    assert slow_api.asked() == 1


def test_a_key_that_is_missing_is_looked_for_once_by_a_crowd(either_world: World) -> None:
    """threat model 241."""
    api = new_api(either_world, latency=0.05, audience="api", access_token_verification="jwt")
    api.verify(api.issue(jwt=True))
    with api.provider.misbehaving(Fault.ACCESS_TOKEN_KID_UNKNOWN):
        token = api.issue(jwt=True)
    assert kinds(api.together([token] * 50)) == {"KeyNotFound": 50}
    assert api.provider.count("jwks") == 2


def test_a_caller_whose_flight_starts_late_finds_the_work_done(api: API, monkeypatch: pytest.MonkeyPatch) -> None:
    """threat model 241: as for two callers of whom the second starts after the first one's call is complete."""
    twice_in_a_row(monkeypatch, api.server)
    assert api.verify(api.issue()).subject == "alice"
    assert api.asked() == 1


def test_a_failure_is_shared_and_not_cached(slow_api: API) -> None:
    """threat model 125, 234: it says nothing about the token, and the next request after a pause succeeds."""
    token = slow_api.issue()
    with slow_api.provider.misbehaving(Fault.INTROSPECTION_500):
        outcomes = slow_api.together([token] * slow_api.crowd)
    assert kinds(outcomes) == {"ProviderUnreachable": slow_api.crowd}
    assert len({id(outcome) for outcome in outcomes}) == slow_api.crowd
    assert slow_api.asked() == 1
    slow_api.pass_time(1)
    assert slow_api.verify(token).subject == "alice"
    assert slow_api.statistics.refused_hits == 0


def test_the_first_may_go_away_without_the_others() -> None:
    """threat model 242."""
    world = AsyncWorld()
    api = new_api(world, latency=0.1)
    token = api.issue()

    async def scenario() -> list[Access]:
        first = asyncio.create_task(api.verifying(token))
        await asyncio.sleep(0.01)
        others = [asyncio.create_task(api.verifying(token)) for _ in range(10)]
        await asyncio.sleep(0.01)
        first.cancel()
        others[0].cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        return await asyncio.gather(*others[1:])

    assert [access.subject for access in world.run(scenario())] == ["alice"] * 9
    assert api.asked() == 1
    world.close()


def test_a_result_that_all_callers_have_left_is_cached() -> None:
    """threat model 242."""
    world = AsyncWorld()
    api = new_api(world, latency=0.05)
    token = api.issue()

    async def scenario() -> None:
        only = asyncio.create_task(api.verifying(token))
        await asyncio.sleep(0.01)
        only.cancel()
        await asyncio.sleep(0.3)

    world.run(scenario())
    assert api.server.known(token)
    assert api.asked() == 1
    world.close()


def test_a_cached_token_does_not_wait(either_world: World, serve: Serve) -> None:
    """threat model 249: while somebody waits for the provider, those who are known pass."""
    may_answer, is_asked = threading.Event(), threading.Event()

    def answer(connection: Connection) -> None:
        for seen in connection.requests():
            if b"slow" in seen.body:
                is_asked.set()
                may_answer.wait(10)
            connection.send(response(b'{"active":true,"aud":"api"}'))

    server = over_http(either_world, serve(answer).url)
    either_world.run(verifying(server, "known"))

    async def known_meanwhile() -> Access:
        # without blocking the loop on which the other one waits
        while not is_asked.is_set():
            await _moment(either_world)
        try:
            return await verifying(server, "known")
        finally:
            may_answer.set()

    outcomes = either_world.run_together([lambda: verifying(server, "slow"), known_meanwhile])
    assert kinds(outcomes) == {"Access": 2}
    assert server.statistics().hits == 1


async def _moment(world: World) -> None:
    if isinstance(world, AsyncWorld):
        await asyncio.sleep(0.01)
    else:
        threading.Event().wait(0.01)


# A provider that is down


@pytest.mark.parametrize("fault", OUTAGES, ids=str)
def test_an_outage_does_not_affect_cached_tokens_and_causes_no_requests(api: API, fault: Misbehaviour) -> None:
    """threat model 125, 229: within the pause no request is sent at all."""
    known, unknown = api.issue(), [api.issue() for _ in range(20)]
    api.verify(known)
    with api.provider.misbehaving(fault):
        assert isinstance(api.rejection(unknown[0]), ProviderError)
        asked = api.asked()
        for token in unknown[1:]:
            error = api.rejection(token)
            assert isinstance(error, ProviderPaused)
            assert 0 < error.retry_after <= 1
            assert api.verify(known).subject == "alice"
        assert api.asked() == asked


@pytest.mark.parametrize("fault", OUTAGES, ids=str)
def test_recovery_is_noticed_by_the_first_after_the_pause(api: API, fault: Misbehaviour) -> None:
    """threat model 229."""
    tokens = [api.issue() for _ in range(5)]
    with api.provider.misbehaving(fault):
        api.rejection(tokens[0])
    assert isinstance(api.rejection(tokens[1]), ProviderPaused)
    api.pass_time(1)
    assert [api.verify(token).subject for token in tokens] == ["alice"] * 5


def test_while_it_lasts_one_tries_in_each_pause(api: API) -> None:
    """threat model 229."""
    with api.provider.misbehaving(Fault.INTROSPECTION_SLOW):
        api.rejection(api.issue())
        for _ in range(5):
            api.pass_time(1)
            asked = api.asked()
            assert [type(api.rejection(api.issue())) for _ in range(4)] == [ProviderTimeout] + [ProviderPaused] * 3
            assert api.asked() == asked + 1


@pytest.mark.parametrize("answer", ["good", "inactive", *STUMBLES], ids=str)
def test_any_answer_shows_that_the_provider_is_back(api: API, answer: str | Misbehaviour) -> None:
    """threat model 229: requests with invalid tokens do not keep the others out."""
    with api.provider.misbehaving(Fault.INTROSPECTION_RESET):
        api.rejection(api.issue())
    api.pass_time(1)
    first = "guessed" if answer == "inactive" else api.issue()
    if isinstance(answer, Misbehaviour):
        with api.provider.misbehaving(answer):
            assert isinstance(api.rejection(first), ProviderError)
    elif answer == "good":
        api.verify(first)
    else:
        assert isinstance(api.rejection(first), TokenInactive)
    assert [api.verify(api.issue()).subject for _ in range(3)] == ["alice"] * 3


@pytest.mark.parametrize("fault", STUMBLES, ids=str)
def test_no_single_token_stops_all_others(api: API, fault: Misbehaviour) -> None:
    """threat model 229."""
    with api.provider.misbehaving(fault):
        error = api.rejection(api.issue())
    assert isinstance(error, OAuthError | ProviderUnreachable | IntrospectionInvalid | ProviderError)
    assert not isinstance(error, ProviderPaused)
    assert api.verify(api.issue()).subject == "alice"
    assert api.statistics.paused == 0


def test_a_token_whose_introspection_fails_is_not_introspected_again_at_once(api: API) -> None:
    """threat model 229."""
    token = api.issue()
    with api.provider.misbehaving(Fault.INTROSPECTION_500):
        assert [type(api.rejection(token)) for _ in range(10)] == [ProviderUnreachable] * 10
    assert api.asked() == 1


def test_a_discovery_that_fails_is_not_tried_for_each_token(api: API) -> None:
    """threat model 229."""
    with api.provider.misbehaving(Fault.DISCOVERY_RESET):
        tries = []
        for _ in range(20):
            assert isinstance(api.rejection(api.issue()), ProviderError)
            tries.append(api.provider.count("discovery"))
    assert tries[0] == tries[-1]
    api.pass_time(1)
    assert api.verify(api.issue())


def test_jwts_are_verified_while_introspection_is_down(either_world: World) -> None:
    api = new_api(either_world, audience="api", access_token_verification="auto")
    api.verify(api.issue(jwt=True))
    with api.provider.misbehaving(Fault.INTROSPECTION_RESET):
        api.rejection(api.issue())
        assert isinstance(api.rejection(api.issue()), ProviderPaused)
        assert api.verify(api.issue(jwt=True)).subject == "alice"


def test_the_pause_is_a_setting(either_world: World) -> None:
    settings = HttpSettings(failure_pause=30)
    provider = new_provider()
    runtime = provider.async_runtime(settings) if isinstance(either_world, AsyncWorld) else None
    runtime_of_threads = None if runtime else provider.blocking_runtime(settings)
    api = new_api(either_world, provider, runtime=runtime or runtime_of_threads, http_settings=settings)
    with provider.misbehaving(Fault.INTROSPECTION_RESET):
        api.rejection(api.issue())
    api.pass_time(29)
    assert isinstance(api.rejection(api.issue()), ProviderPaused)
    api.pass_time(1)
    assert api.verify(api.issue())


# A provider that hangs, over real connections

HANGING = HttpSettings(deadline=0.5, max_concurrency=2, max_queue=4, failure_pause=5)


def over_http(world: World, url: str, settings: HttpSettings = DEFAULT_SETTINGS, **options: Any) -> Any:
    metadata = ProviderMetadata(
        issuer=url,
        authorization_endpoint=f"{url}/authorize",
        token_endpoint=f"{url}/token",
        jwks_uri=f"{url}/jwks",
        introspection_endpoint=f"{url}/introspect",
    )
    configuration = ProviderConfiguration(
        provider_metadata=metadata,
        client_metadata=ClientMetadata("api", SECRET),
        http_settings=settings,
        runtime=world.runtime(settings, **options),
    )
    return (AsyncResourceServer if isinstance(world, AsyncWorld) else ResourceServer)(configuration)


async def verifying(server: Any, token: str) -> Access:
    return server.verify(token) if isinstance(server, ResourceServer) else await server.verify(token)


def test_a_provider_that_hangs_holds_nobody_beyond_the_deadline(either_world: World, serve: Serve) -> None:
    """threat model 125, 229: nor do those pile up who come meanwhile."""

    def silence(connection: Connection) -> None:
        for _ in connection.requests():
            pass

    hanging, clock = serve(silence), Clock(START)
    server = over_http(either_world, hanging.url, HANGING, monotonic=clock.monotonic)

    def crowd(name: str) -> dict[str, int]:
        tokens = [f"{name}{number}" for number in range(20)]
        return kinds(either_world.run_together([partial(verifying, server, token) for token in tokens]))

    assert crowd("first") == {"ProviderTimeout": 2 + 4, "ProviderOverloaded": 14}
    asked = len(hanging.seen)
    # who waits may still get his turn in the last moment of his own deadline; who was turned away never asks
    assert asked <= 2 + 4
    assert server.statistics().queue_length == 0
    assert crowd("meanwhile") == {"ProviderPaused": 20}
    assert len(hanging.seen) == asked
    clock.advance(5)
    assert crowd("later") == {"ProviderTimeout": 1, "ProviderPaused": 19}
    assert len(hanging.seen) == asked + 1


def test_our_own_queue_is_not_the_fault_of_the_provider(either_world: World, serve: Serve) -> None:
    """threat model 229: a request that finds the queue full is rejected, and the circuit breaker stays closed."""

    def answer(connection: Connection) -> None:
        for _ in connection.requests():
            threading.Event().wait(0.1)
            connection.send(response(b'{"active":true,"aud":"api"}'))

    settings = HttpSettings(max_concurrency=1, max_queue=1)
    server = over_http(either_world, serve(answer).url, settings)
    outcomes = either_world.run_together([partial(verifying, server, f"token{n}") for n in range(6)])
    assert set(kinds(outcomes)) == {"Access", "ProviderOverloaded"}
    assert isinstance(either_world.run(verifying(server, "one more")), Access)
    assert [error.retry_after for error in outcomes if isinstance(error, ProviderOverloaded)]


def test_over_real_connections_a_crowd_makes_one_call(either_world: World) -> None:
    """threat model 241."""
    provider: SimulatedProvider = new_provider()
    with provider.serve(login_page=False):
        runtime = either_world.runtime(clock=provider.clock, monotonic=provider.clock.monotonic)
        api = new_api(either_world, provider, runtime=runtime)
        outcomes = api.together([api.issue()] * api.crowd)
        assert kinds(outcomes) == {"Access": api.crowd}
        assert api.asked() == 1
        either_world.close_runtime(runtime)
