"""A provider that behaves, a client of it, and a mini relying party and resource server in front."""

import pytest

from oidc_async.testing import Clock, SimulatedProvider

from .mini_relying_party import AFTER_LOGOUT, REDIRECT_URI, MiniRelyingParty
from .mini_resource_server import MiniResourceServer

SECRET = "a secret of the client, long enough for HMAC"


@pytest.fixture
def provider() -> SimulatedProvider:
    provider = SimulatedProvider(clock=Clock(start=1_700_000_000.5))
    provider.register("client1", SECRET, redirect_uris=[REDIRECT_URI], post_logout_redirect_uris=[AFTER_LOGOUT])
    provider.add_user(
        "alice",
        claims={"name": "Alice", "email": "alice@example.com", "groups": ["staff"]},
        id_token_claims={"tenant": "blue"},
    )
    return provider


@pytest.fixture
def rp(provider: SimulatedProvider) -> MiniRelyingParty:
    return MiniRelyingParty(provider.handle, provider.issuer, client_secret=SECRET)


@pytest.fixture
def api(provider: SimulatedProvider) -> MiniResourceServer:
    provider.register("api", "secret of the api")
    return MiniResourceServer(provider.handle, provider.issuer)
