"""A usable access token of the user who is logged in (OIDC Core 12)."""

import logging
import math
from collections.abc import Mapping
from typing import Any

from ..errors import OIDCError, StoreError
from ..relying_party import AsyncRelyingParty
from ..user_session import UserSession
from .application import Exchange
from .signals import refresh_failed, token_refreshed

logger = logging.getLogger(__name__)


async def valid_access_token(exchange: Exchange, *, force_refresh: bool) -> str | None:
    """The access token of this session, refreshed when it is about to expire; None when there is no usable one.

    The session keeps what a refresh brings. A refresh that fails changes nothing of it. Raises StoreError.
    """
    record = await exchange.require_session()
    client = exchange.application.clients.get(record.get("current_provider", ""))
    if client is None:
        return None
    user, now = UserSession(record), exchange.application.now()
    margin = min(exchange.application.settings.refresh_before_seconds, _lifetime(record) / 2)
    if not force_refresh and _lasts_until(user, now + margin):
        return user.access_token
    if await _refresh(client, user, exchange):
        return user.access_token
    return user.access_token if not force_refresh and _lasts_until(user, now) else None


async def _refresh(client: AsyncRelyingParty, user: UserSession, exchange: Exchange) -> bool:
    refresh_token, claims = user.refresh_token, user.claims_of_login
    if refresh_token is None:
        return False
    asked: list[bool] = []
    try:
        refresh = await client.refresh(refresh_token, id_token=claims, on_request=lambda: asked.append(True))
    except StoreError:
        # not even the session is known for certain now
        raise
    except OIDCError as error:
        logger.warning("an access token could not be refreshed: %s (%s)", error, error.code)
        if asked:
            exchange.announce_failure(refresh_failed, user.current_provider, error, claims=dict(claims or {}))
        return False
    tokens = refresh.tokens
    user.update(
        access_token=tokens.access_token,
        expires_in=tokens.expires_in,
        id_token=refresh.id_token,
        id_token_jwt=tokens.id_token,
        refresh_token=tokens.refresh_token,
        now=refresh.at,
    )
    # of those who come with one refresh token, the one for whom the provider was asked
    if asked:
        exchange.announce(token_refreshed, user.current_provider, claims=user.id_token or {})
    return True


def _lifetime(record: Mapping[str, Any]) -> float:
    """Seconds for which the access token was issued: one that lives shortly is not refreshed all the time."""
    expires_at, issued_at = record.get("access_token_expires_at"), record.get("last_session_refresh")
    return math.inf if expires_at is None or issued_at is None else float(expires_at - issued_at)


def _lasts_until(user: UserSession, time: float) -> bool:
    if user.access_token is None:
        return False
    return user.access_token_expires_at is None or time < user.access_token_expires_at
