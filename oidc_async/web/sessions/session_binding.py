"""Maps provider names to the issuer and client that a session is bound to."""

from collections.abc import Iterator, Mapping

from oidc_async.configuration.provider import ProviderConfiguration
from oidc_async.relying_party.relying_party import AsyncRelyingParty
from oidc_async.runtime.sync_facade import run_without_loop


class ClientNames(Mapping[str, str]):
    """The issuer and client of each provider name; for clients that register themselves, those known by now."""

    def __init__(
        self, configurations: Mapping[str, ProviderConfiguration], clients: Mapping[str, AsyncRelyingParty]
    ) -> None:
        self._given = {name: configuration.client_name for name, configuration in configurations.items()}
        self._clients = clients

    def __getitem__(self, name: str) -> str:
        client = self._clients.get(name)
        registration = None if client is None else client.provider.registration
        if client is None or registration is None:
            return self._given[name]
        if client.configuration.registration_file is not None:
            # Reading a file does not wait, so this works where a session is loaded from cookies, too.
            run_without_loop(registration.recall())
        return client.configuration.name_of(registration.known)

    def __iter__(self) -> Iterator[str]:
        return iter(self._given)

    def __len__(self) -> int:
        return len(self._given)
