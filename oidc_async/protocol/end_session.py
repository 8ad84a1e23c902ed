"""RP-initiated logout: the request to the end session endpoint (OIDC RP-Initiated Logout 2)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .metadata import ProviderMetadata
from .uri import with_query


@dataclass(frozen=True, slots=True, kw_only=True)
class EndSessionRequest:
    """A logout request that the browser sends to `endpoint`, as a query or as a form by POST."""

    endpoint: str
    parameters: Mapping[str, str] = field(repr=False)

    @property
    def url(self) -> str:
        """The URL to redirect the browser to, for a GET request."""
        return with_query(self.endpoint, dict(self.parameters))


def end_session_request(provider: ProviderMetadata, parameters: Mapping[str, str | None]) -> EndSessionRequest | None:
    """Return the request with the non-empty parameters; None if the provider has no end session endpoint."""
    endpoint = provider.get("end_session_endpoint")
    if endpoint is None:
        return None
    present = {name: value for name, value in parameters.items() if value}
    return EndSessionRequest(endpoint=endpoint, parameters=present)
