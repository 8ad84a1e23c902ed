"""A relying party, its provider and the world that both live in, for tests without a framework."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from oidc_async import AsyncRelyingParty, ClientMetadata, ProviderConfiguration, RelyingParty
from oidc_async.protocol.response_type import RESPONSE_TYPES
from oidc_async.relying_party.login import AuthorizationRequest, Login, PendingLogin
from oidc_async.runtime.port import Runtime
from oidc_async.testing import Callback, Clock, SimulatedProvider
from oidc_async.testing.runtimes import async_runtime, blocking_runtime
from tests.core.worlds import AsyncWorld, World

REDIRECT_URI = "https://rp.example/redirect_uri"
SECRET = "a client secret of the tests, 32+"


@dataclass
class Realm:
    """AsyncRelyingParty in the async world, RelyingParty in the blocking one, behind the same words."""

    world: World
    provider: SimulatedProvider
    party: AsyncRelyingParty | RelyingParty

    def begin(self, **parameters: Any) -> AuthorizationRequest:
        return self.world.run(self.beginning(**parameters))

    def complete(self, pending: PendingLogin, callback: Callback) -> Login:
        return self.world.run(self.completing(pending, callback))

    def log_in(self, **parameters: Any) -> Login:
        """A whole login of the provider's current user."""
        return self.world.run(self.logging_in(**parameters))

    async def beginning(self, **parameters: Any) -> AuthorizationRequest:
        if isinstance(self.party, RelyingParty):
            return self.party.begin_login(**parameters)
        return await self.party.begin_login(**parameters)

    async def completing(self, pending: PendingLogin, callback: Callback) -> Login:
        response, mode = callback.response, callback.response_mode
        if isinstance(self.party, RelyingParty):
            return self.party.complete_login(pending, response, response_mode=mode)
        return await self.party.complete_login(pending, response, response_mode=mode)

    async def logging_in(self, **parameters: Any) -> Login:
        begun = await self.beginning(**parameters)
        return await self.completing(begun.pending, self.provider.authorize(begun.url))


def new_provider(
    issuer: str = "https://op.example", *, alg: str = "RS256", clock: Clock | None = None
) -> SimulatedProvider:
    provider = SimulatedProvider(issuer=issuer, clock=clock)
    provider.register(
        "client1",
        SECRET,
        redirect_uris=[REDIRECT_URI],
        response_types=RESPONSE_TYPES,
        id_token_signed_response_alg=alg,
    )
    provider.add_user("alice", claims={"email": "alice@example.com"})
    return provider


def simulated(world: World, *providers: SimulatedProvider, latency: float = 0.0) -> Runtime:
    """A runtime for this world on which these providers are the whole internet."""
    return (async_runtime if isinstance(world, AsyncWorld) else blocking_runtime)(*providers, latency=latency)


def new_realm(
    world: World,
    provider: SimulatedProvider | None = None,
    *,
    runtime: Runtime | None = None,
    latency: float = 0.0,
    party: dict[str, Any] | None = None,
    alg: str = "RS256",
    **configuration: Any,
) -> Realm:
    """`party` goes to the relying party, `configuration` to its ProviderConfiguration."""
    provider = provider or new_provider(alg=alg)
    settings: dict[str, Any] = {
        "issuer": provider.issuer,
        "client_metadata": ClientMetadata("client1", SECRET, id_token_signed_response_alg=alg),
        "runtime": runtime or simulated(world, provider, latency=latency),
        **configuration,
    }
    kind = AsyncRelyingParty if isinstance(world, AsyncWorld) else RelyingParty
    return Realm(world, provider, kind(ProviderConfiguration(**settings), redirect_uri=REDIRECT_URI, **(party or {})))


@contextmanager
def served(world: World) -> Iterator[Realm]:
    """A realm whose provider has a socket, and whose runtime uses it."""
    provider = new_provider()
    with provider.serve(login_page=False):
        runtime = world.runtime()
        yield new_realm(world, provider, runtime=runtime)
        world.close_runtime(runtime)
