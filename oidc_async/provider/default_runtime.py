"""The runtime of a configuration that names none."""

from oidc_async.configuration.provider import ProviderConfiguration
from oidc_async.runtime.port import Runtime


def asyncio_runtime(configuration: ProviderConfiguration | None = None) -> Runtime:
    """Return the runtime of the configuration, or a new one on asyncio."""
    if configuration is not None and configuration.runtime is not None:
        return configuration.runtime
    # Imported at first need: asyncio takes a while to import, and an application with threads does not need it.
    from oidc_async.runtime.async_runtime import AsyncRuntime

    if configuration is None:
        return AsyncRuntime()
    return AsyncRuntime(configuration.http_settings, http_client=configuration.http_client)


def threads_runtime(configuration: ProviderConfiguration | None = None) -> Runtime:
    """Return the runtime of the configuration, or a new one for threads."""
    if configuration is not None and configuration.runtime is not None:
        return configuration.runtime
    from oidc_async.runtime.blocking_runtime import BlockingRuntime

    if configuration is None:
        return BlockingRuntime()
    return BlockingRuntime(configuration.http_settings, http_client=configuration.http_client)
