"""What all parts of a client need: its provider, configuration and runtime."""

from dataclasses import dataclass
from typing import Self

from oidc_async.configuration.provider import ProviderConfiguration
from oidc_async.runtime.port import Runtime

from .provider import Provider


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientContext:
    """One client of one provider, for the parts of a relying party or resource server.

    Attributes:
        provider: the provider's metadata and keys, and the client as it is registered there.
        configuration: what the application has configured for both.
        runtime: the network and the clock.
        leeway: the tolerated clock difference for time claims, in seconds.
    """

    provider: Provider
    configuration: ProviderConfiguration
    runtime: Runtime
    leeway: float

    @classmethod
    def create(
        cls, provider: Provider, configuration: ProviderConfiguration, runtime: Runtime, *, clock_skew_seconds: float
    ) -> Self:
        """Create a context; the configuration's own clock skew takes precedence."""
        own = configuration.clock_skew_seconds
        leeway = clock_skew_seconds if own is None else own
        return cls(provider=provider, configuration=configuration, runtime=runtime, leeway=leeway)
