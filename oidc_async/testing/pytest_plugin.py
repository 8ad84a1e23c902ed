"""Fixtures for pytest.

Activate them in conftest.py: `pytest_plugins = ["oidc_async.testing.pytest_plugin"]`.
"""

from collections.abc import Iterator

import pytest

from .provider import SimulatedProvider


@pytest.fixture
def oidc_provider() -> SimulatedProvider:
    """A provider at https://op.example with the user alice and no clients.

    Her password is "password".
    """
    provider = SimulatedProvider()
    provider.add_user("alice", claims={"name": "Alice", "email": "alice@example.com", "email_verified": True})
    return provider


@pytest.fixture
def served_oidc_provider(oidc_provider: SimulatedProvider) -> Iterator[SimulatedProvider]:
    """The provider, served over HTTP on 127.0.0.1 at its `issuer` during the test."""
    with oidc_provider.serve():
        yield oidc_provider
