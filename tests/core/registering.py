"""A relying party that registers itself, in either world."""

import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import pytest

from oidc_async import AsyncRelyingParty, ClientMetadata, ClientRegistrationInfo, RelyingParty
from oidc_async.errors import OIDCError
from oidc_async.testing import Clock, SimulatedProvider
from tests.core.realm import Realm, new_realm
from tests.core.worlds import World

START = 1_700_000_000.0


@dataclass
class Registering:
    """One process with such a relying party."""

    realm: Realm

    @property
    def party(self) -> AsyncRelyingParty | RelyingParty:
        return self.realm.party

    @property
    def provider(self) -> SimulatedProvider:
        return self.realm.provider

    @property
    def known(self) -> ClientMetadata:
        """The client as this process knows it."""
        return self._origin.provider.known_client

    @property
    def _origin(self) -> AsyncRelyingParty:
        party = self.party
        return party._origin if isinstance(party, RelyingParty) else party

    async def asking(self) -> ClientMetadata:
        return await self._origin.provider.client()

    def client(self) -> ClientMetadata:
        """The client, registered if need be."""
        return self.realm.world.run(self.asking())

    def rejection(self) -> OIDCError:
        """Why there is no client."""
        with pytest.raises(OIDCError) as caught:
            self.client()
        return caught.value

    def read(self) -> ClientMetadata:
        client: ClientMetadata = self._run(AsyncRelyingParty.read_registration, RelyingParty.read_registration)
        return client

    def update(self, **changes: Any) -> ClientMetadata:
        methods = AsyncRelyingParty.update_registration, RelyingParty.update_registration
        client: ClientMetadata = self._run(*methods, **changes)
        return client

    def delete(self) -> None:
        self._run(AsyncRelyingParty.delete_registration, RelyingParty.delete_registration)

    def _run(self, in_async: Callable[..., Any], blocking: Callable[..., Any], **arguments: Any) -> Any:
        """The method as it is called in this world."""
        if isinstance(self.party, RelyingParty):
            return blocking(self.party, **arguments)
        call: Coroutine[Any, Any, Any] = in_async(self.party, **arguments)
        return self.realm.world.run(call)


def open_provider(issuer: str = "https://op.example", **policy: Any) -> SimulatedProvider:
    """One that lets clients register; its clock does not move."""
    provider = SimulatedProvider(issuer=issuer, clock=Clock(START))
    provider.open_registration(**policy)
    provider.add_user("alice", claims={"email": "alice@example.com"})
    return provider


def new_registering(
    world: World, provider: SimulatedProvider | None = None, info: dict[str, Any] | None = None, **options: Any
) -> Registering:
    """`info` is that of the registration, `options` are those of `new_realm`."""
    given = ClientRegistrationInfo(client_name="An application", **(info or {}))
    settings = {"client_metadata": None, "client_registration_info": given, **options}
    return Registering(new_realm(world, provider or open_provider(), **settings))


def registrations(provider: SimulatedProvider, method: str = "POST") -> int:
    """How many requests of this kind the registration endpoint saw."""
    return provider.count("registration", method=method)


def sent(provider: SimulatedProvider, method: str = "POST") -> dict[str, Any]:
    """The metadata in the last request of this kind."""
    requests = [
        seen.request for seen in provider.requests if (seen.endpoint, seen.method) == ("registration", method)
    ]
    document: dict[str, Any] = json.loads(requests[-1].body)
    return document
