"""The runtime of who brings none."""

from oidc_async.configuration.provider import ProviderConfiguration
from oidc_async.runtime.port import Runtime


def asyncio_runtime(configuration: ProviderConfiguration | None = None) -> Runtime:
    """The one of the configuration, else one of its own on asyncio."""
    if configuration is not None and configuration.runtime is not None:
        return configuration.runtime
    # not with the module: who works in threads needs no event loop, and asyncio takes a while to load
    from oidc_async.runtime.async_runtime import AsyncRuntime

    if configuration is None:
        return AsyncRuntime()
    return AsyncRuntime(configuration.http_settings, http_client=configuration.http_client)


def threads_runtime(configuration: ProviderConfiguration | None = None) -> Runtime:
    """The one of the configuration, else one of its own for threads."""
    if configuration is not None and configuration.runtime is not None:
        return configuration.runtime
    from oidc_async.runtime.blocking_runtime import BlockingRuntime

    if configuration is None:
        return BlockingRuntime()
    return BlockingRuntime(configuration.http_settings, http_client=configuration.http_client)
