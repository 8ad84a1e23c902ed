"""What the choice of a store, or of none, makes impossible or weaker: said once, when the application starts."""

import logging

from .settings import Settings

logger = logging.getLogger("oidc_async.settings")


def log_store_limits(settings: Settings) -> None:
    """Say it: as information where it is the way of things, as a warning where a setting promises more."""
    if settings.store is None:
        _log_no_store(settings)
    elif _is_of_one_process(settings):
        _log_one_process(settings)


def _log_no_store(settings: Settings) -> None:
    logger.info(
        "OIDC_STORE is not set: sessions are in cookies alone, so that a copy of them outlives a logout, each "
        "process refreshes tokens by itself, and no provider can end sessions in the background"
    )
    if settings.frontchannel_logout_uri is not None:
        logger.warning(
            "OIDC_FRONTCHANNEL_LOGOUT_URI without OIDC_STORE ends a session only where the browser sends its "
            "cookies from within a frame of the provider's; most don't when the sites differ"
        )


def _log_one_process(settings: Settings) -> None:
    if settings.backchannel_logout_uri is not None:
        logger.warning(
            "OIDC_BACKCHANNEL_LOGOUT_URI with a store in memory ends sessions in the process that the provider "
            "happens to reach, and in no other: with several processes, use SQLite or Redis"
        )
    if settings.request_uri is not None:
        logger.warning(
            "OIDC_REQUEST_URI with a store in memory gives out what the process has made that the provider happens "
            "to reach, and nothing else: with several processes, use SQLite or Redis"
        )


def _is_of_one_process(settings: Settings) -> bool:
    from oidc_async.stores import MemoryStore

    return isinstance(settings.store, MemoryStore)
