"""An API's side of a token, its provider and the world that both live in, for tests without a framework."""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from oidc_async import AsyncRelyingParty, ClientMetadata, ProviderConfiguration, RelyingParty
from oidc_async.errors import OIDCError
from oidc_async.http.settings import HttpSettings
from oidc_async.protocol.access_grant import NO_REQUIREMENTS, Access, Requirements
from oidc_async.protocol.http_message import HttpRequest, HttpResponse
from oidc_async.protocol.token import TokenResponse
from oidc_async.resource_server.resource_server import AsyncResourceServer, ResourceServer
from oidc_async.resource_server.statistics import Statistics
from oidc_async.runtime.port import Runtime
from oidc_async.testing import Clock, Misbehaviour, SimulatedProvider
from oidc_async.testing.runtimes import async_runtime, blocking_runtime
from tests.core.worlds import AsyncWorld, World

ISSUER = "https://op.example"
SECRET = "the client secret of the API, 32+"
START = 1_700_000_000.0
CROWD = {True: 1000, False: 50}
"""How many come at once: tasks in the async world, threads in the other."""


@dataclass
class API:
    """AsyncResourceServer in the async world, ResourceServer in the blocking one, behind the same words."""

    world: World
    provider: SimulatedProvider
    server: AsyncResourceServer | ResourceServer

    def verify(self, token: str, requirements: Requirements = NO_REQUIREMENTS) -> Access:
        return self.world.run(self.verifying(token, requirements))

    async def verifying(self, token: str, requirements: Requirements = NO_REQUIREMENTS) -> Access:
        if isinstance(self.server, ResourceServer):
            return self.server.verify(token, requirements)
        return await self.server.verify(token, requirements)

    def forget(self, token: str) -> None:
        self.world.run(self.invalidating(token))

    async def invalidating(self, token: str) -> None:
        if isinstance(self.server, ResourceServer):
            return self.server.forget(token)
        return await self.server.forget(token)

    def rejection(self, token: str, requirements: Requirements = NO_REQUIREMENTS) -> OIDCError:
        """The error by which the token is rejected."""
        try:
            access = self.verify(token, requirements)
        except OIDCError as error:
            return error
        raise AssertionError(f"the token was taken: {access.to_dict()}")

    def together(self, tokens: Sequence[str]) -> list[Access | BaseException]:
        """What comes of all these, each in a task or a thread of its own."""
        return self.world.run_together([partial(self.verifying, token) for token in tokens])

    def issue(self, client_id: str = "app", **options: Any) -> str:
        """A token of alice's for this API, unless the options say otherwise."""
        wanted: dict[str, Any] = {"scope": "read", "username": "alice", "audience": "api", **options}
        return self.provider.issue_access_token(client_id, **wanted)

    def asked(self) -> int:
        """How many introspection requests reached the provider."""
        return self.provider.count("introspection")

    def pass_time(self, seconds: float) -> None:
        self.provider.clock.advance(seconds)

    @property
    def statistics(self) -> Statistics:
        return self.server.statistics()

    @property
    def crowd(self) -> int:
        return CROWD[isinstance(self.world, AsyncWorld)]


def new_provider(issuer: str = ISSUER, *, clock: Clock | None = None, **client: Any) -> SimulatedProvider:
    """A provider whose clock is simulated, with the client of the API and a client that gets tokens."""
    provider = SimulatedProvider(issuer, clock=clock or Clock(START))
    provider.register("api", SECRET, **client)
    provider.register("app", "the client secret of the app, 32+")
    provider.add_user("alice")
    return provider


def simulated(
    world: World, *providers: SimulatedProvider, settings: HttpSettings | None = None, latency: float = 0.0
) -> Runtime:
    """A runtime for this world on which these providers are the whole internet."""
    kind = async_runtime if isinstance(world, AsyncWorld) else blocking_runtime
    return kind(*providers, settings=settings, latency=latency)


def new_api(
    world: World,
    provider: SimulatedProvider | None = None,
    *,
    runtime: Runtime | None = None,
    latency: float = 0.0,
    server: dict[str, Any] | None = None,
    client: dict[str, Any] | None = None,
    **configuration: Any,
) -> API:
    """`server` goes to the resource server, `client` to its ClientMetadata, `configuration` to the rest."""
    provider = provider or new_provider()
    settings: dict[str, Any] = {
        "issuer": provider.issuer,
        "client_metadata": ClientMetadata("api", SECRET, **(client or {})),
        "runtime": runtime or simulated(world, provider, latency=latency),
        **configuration,
    }
    kind = AsyncResourceServer if isinstance(world, AsyncWorld) else ResourceServer
    return API(world, provider, kind(ProviderConfiguration(**settings), **(server or {})))


def api_for(world: World, fault: Misbehaviour, verification: str) -> API:
    """An API that the fault can strike: only some get signed answers."""
    alg: dict[str, Any] = {"introspection_signed_response_alg": "RS256"}
    signed = alg if fault.exchange == "signed_introspection" else {}
    settings: dict[str, Any] = {"audience": "api", "access_token_verification": verification}
    return new_api(world, new_provider(**signed), client=signed, **settings)


def twice_in_a_row(monkeypatch: pytest.MonkeyPatch, owner: object) -> None:
    """Shared work of this server or client starts a second time as soon as it is complete."""
    runtime: Any = vars(getattr(owner, "_origin", owner))["_runtime"]
    share = runtime.share

    async def share_twice(key: Hashable, work: Callable[[], Awaitable[Any]], **options: Any) -> Any:
        await share(key, work, **options)
        return await share(key, work, **options)

    monkeypatch.setattr(runtime, "share", share_twice)


def before_the_answer_arrives(
    monkeypatch: pytest.MonkeyPatch, owner: object, path: str, act: Callable[[], Awaitable[Any]]
) -> None:
    """`act` happens once: after the provider answered there, and before this server or client knows."""
    runtime: Any = vars(getattr(owner, "_origin", owner))["_runtime"]
    send, acts = runtime.send, [act]

    async def send_slowly(request: HttpRequest) -> HttpResponse:
        response: HttpResponse = await send(request)
        if acts and request.url.endswith(path):
            await acts.pop()()
        return response

    monkeypatch.setattr(runtime, "send", send_slowly)


@dataclass
class Service:
    """A client that gets tokens of its own."""

    world: World
    provider: SimulatedProvider
    party: AsyncRelyingParty | RelyingParty

    def grant(self, *scope: Any, **extra: Any) -> TokenResponse:
        async def granting() -> TokenResponse:
            if isinstance(self.party, RelyingParty):
                return self.party.client_credentials_grant(*scope, **extra)
            return await self.party.client_credentials_grant(*scope, **extra)

        return self.world.run(granting())

    def token(self, *scope: Any, **extra: Any) -> TokenResponse:
        return self.world.run(self.getting(*scope, **extra))

    async def getting(self, *scope: Any, **extra: Any) -> TokenResponse:
        if isinstance(self.party, RelyingParty):
            return self.party.service_token(*scope, **extra)
        return await self.party.service_token(*scope, **extra)

    def asked(self) -> int:
        return self.provider.count("token", grant_type="client_credentials")


def new_service(world: World, *, latency: float = 0.0) -> Service:
    provider = new_provider()
    configuration = ProviderConfiguration(
        provider.issuer,
        client_metadata=ClientMetadata("api", SECRET),
        runtime=simulated(world, provider, latency=latency),
    )
    kind = AsyncRelyingParty if isinstance(world, AsyncWorld) else RelyingParty
    return Service(world, provider, kind(configuration, redirect_uri="https://rp.example/redirect_uri"))
