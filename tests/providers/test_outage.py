"""A real provider ends, and is started again, while an application takes its access tokens."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from oidc_async import ProviderConfiguration

from .apps import serving
from .canaille_provider import CanailleProvider
from .configurations import configuration_of
from .node_provider import NodeProvider
from .processes import free_port
from .real_provider import RealProvider
from .tokens import service_token

OPAQUE, JWT = "https://opaque.example", "https://jwt.example"


def of_canaille(provider: RealProvider) -> dict[str, ProviderConfiguration]:
    return {"opaque": configuration_of(provider, provider.clients["basic"])}


def of_node(provider: RealProvider) -> dict[str, ProviderConfiguration]:
    basic = provider.clients["basic"]
    return {
        "opaque": configuration_of(provider, basic, audience=OPAQUE),
        "jwt": configuration_of(provider, basic, audience=JWT, access_token_verification="jwt"),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A provider of its own, and an application that takes its tokens."""

    provider: CanailleProvider | NodeProvider
    app: str

    def token(self, resource: str = OPAQUE) -> str:
        parameters = {"scope": "api:read", "resource": resource} if self.provider.name != "canaille" else {}
        return service_token(self.provider, "basic", **parameters)

    def ask(self, token: str, api: str = "opaque") -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        return httpx.get(f"{self.app}/api/{api}", headers=headers, trust_env=False)

    def counted(self, counter: str) -> int:
        counted: int = httpx.get(f"{self.app}/counters", trust_env=False).json()["opaque"][counter]
        return counted


@pytest.fixture
def app() -> str:
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture(params=["canaille", "node"])
def own_provider(request: pytest.FixtureRequest, app: str) -> Iterator[CanailleProvider | NodeProvider]:
    kind = CanailleProvider if request.param == "canaille" else NodeProvider
    with kind([app], log_name=f"test-outage-{request.param}") as provider:
        yield provider


@pytest.fixture(params=["flask", "quart"])
def scene(request: pytest.FixtureRequest, app: str, own_provider: CanailleProvider | NodeProvider) -> Iterator[Scene]:
    configurations = (of_canaille if own_provider.name == "canaille" else of_node)(own_provider)
    with serving(request.param, configurations, app):
        yield Scene(provider=own_provider, app=app)


def test_cached_tokens_are_accepted_and_others_come_back_with_the_provider(scene: Scene) -> None:
    known, unknown = scene.token(), scene.token()
    assert scene.ask(known).status_code == 200

    scene.provider.server.stop()
    assert scene.ask(known).status_code == 200
    rejected = scene.ask(unknown)
    assert rejected.status_code == 503
    assert int(rejected.headers["retry-after"]) >= 1
    assert "www-authenticate" not in rejected.headers
    asked = scene.counted("upstream_calls")
    assert scene.ask("another").status_code == 503
    assert (scene.counted("upstream_calls"), scene.counted("paused")) == (asked, 1)
    assert scene.ask(known).status_code == 200

    with scene.provider:
        time.sleep(int(rejected.headers["retry-after"]))
        assert scene.ask(scene.token()).status_code == 200
        # it has lost all that it knew
        assert scene.ask(unknown).status_code == 403
        assert scene.ask(known).status_code == 200


@pytest.mark.parametrize("own_provider", ["node"], indirect=True)
def test_jwts_need_no_provider_that_is_up(scene: Scene) -> None:
    known, unknown = scene.token(JWT), scene.token(JWT)
    assert scene.ask(known, "jwt").status_code == 200
    scene.provider.server.stop()
    assert scene.ask(unknown, "jwt").status_code == 200


@pytest.mark.parametrize("own_provider", ["node"], indirect=True)
def test_a_provider_that_comes_back_with_new_keys_of_the_same_name_is_believed(scene: Scene) -> None:
    old = scene.token(JWT)
    assert scene.ask(old, "jwt").status_code == 200
    scene.provider.server.stop()
    with scene.provider:
        assert scene.ask(scene.token(JWT), "jwt").status_code == 200
