"""Sites whose sessions are in a real Redis, which a test may stop."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from oidc_async.stores import RedisStore
from tests.adapters.site import Site, new_provider
from tests.stores.redis.server import RedisServer

TIMEOUT = 1.0


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def sessions_in(redis_server: RedisServer) -> dict[str, Any]:
    """A store over the connections of its own, as one process has."""
    return {"OIDC_STORE": RedisStore.from_url(redis_server.url, timeout=TIMEOUT)}


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    return make_site(
        providers={"default": new_provider()},
        config={"TESTING": False},
        auth_request_params={"scope": "openid profile offline_access"},
    )
