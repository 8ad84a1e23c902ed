"""Logs the limits of the chosen session storage once, when the application starts."""

import logging

from .settings import Settings

logger = logging.getLogger("oidc_async.settings")


def log_store_limits(settings: Settings) -> None:
    """Log the limits: as information, or as a warning if a setting cannot work fully with this storage."""
    if settings.store is None:
        _log_no_store(settings)
    elif _is_of_one_process(settings):
        _log_one_process(settings)


def _log_no_store(settings: Settings) -> None:
    logger.info(
        "OIDC_STORE is not set: sessions are kept in cookies only, so that copied cookies remain valid after a "
        "logout, each process refreshes tokens by itself, and providers cannot end sessions by back-channel logout"
    )
    if settings.frontchannel_logout_uri is not None:
        logger.warning(
            "OIDC_FRONTCHANNEL_LOGOUT_URI without OIDC_STORE ends a session only if the browser sends its cookies "
            "from a frame in a page of the provider; most browsers do not if the sites differ"
        )


def _log_one_process(settings: Settings) -> None:
    if settings.backchannel_logout_uri is not None:
        logger.warning(
            "OIDC_BACKCHANNEL_LOGOUT_URI with a memory store ends sessions only in the process that receives the "
            "logout request: with several processes, use SQLite or Redis"
        )
    if settings.request_uri is not None:
        logger.warning(
            "OIDC_REQUEST_URI with a memory store serves only the request objects of the process that receives the "
            "request: with several processes, use SQLite or Redis"
        )


def _is_of_one_process(settings: Settings) -> bool:
    from oidc_async.stores import MemoryStore

    return isinstance(settings.store, MemoryStore)
