"""Logout begun at the relying party (OIDC RP-Initiated Logout 2)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .metadata import ProviderMetadata
from .uri import with_query


@dataclass(frozen=True, slots=True, kw_only=True)
class EndSessionRequest:
    """A logout request. The browser brings it to the provider, as a query or as a form to POST to `endpoint`."""

    endpoint: str
    parameters: Mapping[str, str] = field(repr=False)

    @property
    def url(self) -> str:
        """Where to send the browser, for a request by GET."""
        return with_query(self.endpoint, dict(self.parameters))


def end_session_request(provider: ProviderMetadata, parameters: Mapping[str, str | None]) -> EndSessionRequest | None:
    """The request with those of `parameters` that have a value; None when the provider offers no logout."""
    endpoint = provider.get("end_session_endpoint")
    if endpoint is None:
        return None
    present = {name: value for name, value in parameters.items() if value}
    return EndSessionRequest(endpoint=endpoint, parameters=present)
