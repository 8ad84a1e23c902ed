"""A user's provider, found by WebFinger at a real one."""

import asyncio
from typing import Any

from oidc_async import AsyncWebFinger, WebFinger

from .canaille_provider import CanailleProvider


def allowed(provider: CanailleProvider) -> dict[str, Any]:
    return {"allowed_hosts": [provider.issuer.removeprefix("http://")], "allowed_issuers": [provider.issuer]}


def test_canaille_is_found_for_its_users_in_threads(canaille: CanailleProvider) -> None:
    assert WebFinger(**allowed(canaille)).discover_issuer(f"{canaille.issuer}/profile/alice") == canaille.issuer


def test_and_on_asyncio(canaille: CanailleProvider) -> None:
    async def discover() -> str:
        return await AsyncWebFinger(**allowed(canaille)).discover_issuer(f"{canaille.issuer}/profile/alice")

    assert asyncio.run(discover()) == canaille.issuer
