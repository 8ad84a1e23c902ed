"""A usable access token of the user who is logged in (OIDC Core 12)."""

import logging
import math
from collections.abc import Mapping
from typing import Any

from oidc_async.errors import OIDCError, SessionNotWritable, SessionTooLarge, StoreError, TokenResponseInvalid
from oidc_async.relying_party.refresh_failures import ends_refresh_token, mark_spent
from oidc_async.relying_party.refresh_responses import Refresh
from oidc_async.relying_party.relying_party import AsyncRelyingParty
from oidc_async.web.request_context import RequestContext
from oidc_async.web.sessions.lifecycle import SessionLifecycle
from oidc_async.web.sessions.session_record import SessionRecord
from oidc_async.web.sessions.user_session import UserSession
from oidc_async.web.signals import refresh_failed, token_refreshed

logger = logging.getLogger("oidc_async.tokens")

MOST_ROUNDS = 3
"""Refreshes of one call: more than one if a replayed result has expired and its refresh token is used in turn."""


async def valid_access_token(context: RequestContext, *, force_refresh: bool) -> str | None:
    """Return an access token of this session that lasts, refreshed when it is about to expire; None if there is none.

    With `force_refresh` it is never the one that the session has now. The session keeps what a refresh brings. A
    refresh that fails changes nothing of it, except that a refresh token of no further use is dropped, and
    `context.refresh_failure` tells why. Raises StoreError.
    Where no response follows that could set cookies (a WebSocket, a stream, a background task), the session is read
    once more, and refreshed only if a store keeps it.
    """
    context.refresh_failure = None
    if not context.sets_cookies:
        # a WebSocket lives long: others may have refreshed or ended the session meanwhile
        await context.reopen_session()
    record = await context.require_session()
    client = context.application.clients.get(record.get("current_provider", ""))
    if client is None:
        return None
    user, now = UserSession(record), context.application.now
    margin = min(context.application.settings.refresh_before_seconds, _lifetime(record) / 2)
    if not force_refresh and _lasts_until(user, now() + margin):
        return user.access_token
    rejected = user.access_token if force_refresh else None
    await _refresh(context, client, user, record)
    if user.access_token != rejected and _lasts_until(user, now()):
        return user.access_token
    if user.refresh_token is not None and context.refresh_failure is None:
        context.refresh_failure = _no_use(is_same=user.access_token == rejected)
    return None


def _no_use(*, is_same: bool) -> TokenResponseInvalid:
    """Why a refresh that succeeded brought nothing to use."""
    what = "the access token that it was to replace" if is_same else "an access token that has expired"
    return TokenResponseInvalid(f"The provider answered the refresh with {what}.")


async def _refresh(
    context: RequestContext, client: AsyncRelyingParty, user: UserSession, record: SessionRecord
) -> None:
    """Refresh the tokens of the session, as long as there is a place for what that brings."""
    if user.refresh_token is None:
        return
    try:
        _require_writable(context)
        await _refresh_until_it_lasts(context, client, user, record)
    except SessionNotWritable as error:
        logger.info("an access token was not refreshed: %s (%s)", error, error.code)
        context.refresh_failure = error
    except StoreError:
        # the session itself is uncertain now
        raise
    except OIDCError as error:
        logger.warning("an access token could not be refreshed: %s (%s)", error, error.code)
        context.refresh_failure = error
    finally:
        # The record, not the context's present one, which another task of the same WebSocket may have replaced: a
        # refresh token is used once, and what it brought must not be lost.
        if not context.sets_cookies and record.modified:
            await SessionLifecycle(context).keep_late(record)


async def _refresh_until_it_lasts(
    context: RequestContext, client: AsyncRelyingParty, user: UserSession, record: SessionRecord
) -> None:
    """Refresh once more if the refresh that is replayed to us has expired since."""
    for _ in range(MOST_ROUNDS):
        refresh_token = user.refresh_token
        if refresh_token is None:
            return
        refresh = await refresh_tokens(context, client, record, refresh_token)
        # one that is issued without any lifetime is never going to last
        if refresh.tokens.expires_in == 0 or _lasts_until(user, context.application.now()):
            return


def _require_writable(context: RequestContext) -> None:
    """Raise SessionNotWritable where the result of a refresh could not be kept: it would spend the refresh token."""
    if not context.sets_cookies and not context.application.sessions.keeps_in_store:
        raise SessionNotWritable(
            "The session is kept in cookies, and neither a WebSocket nor a response that was sent can set them: the "
            "refresh token was not used, as its successor would be lost. Refresh in a request, or set OIDC_STORE."
        )


async def refresh_tokens(
    context: RequestContext, client: AsyncRelyingParty, record: SessionRecord, refresh_token: str
) -> Refresh:
    """RequestContext the refresh token of the session in `record`, which keeps what that brings.

    Raises OAuthError, ProviderError, TokenError and SessionTooLarge, which change nothing, except that a refresh
    token of no further use is dropped; and StoreError.
    """
    user = UserSession(record)
    # of those who come with one refresh token, the one for whom the provider was asked tells what became of it
    asked, claims = list[bool](), user.claims_of_login
    try:
        refresh = await client.refresh(
            refresh_token,
            id_token=claims,
            access_token=user.access_token,
            on_request=lambda: asked.append(True),
        )
        _keep(context, record, refresh)
    except StoreError:
        raise
    except OIDCError as error:
        if ends_refresh_token(error):
            SessionLifecycle(context).drop_refresh_token(refresh_token)
        if asked:
            context.announce_failure(refresh_failed, user.current_provider, error, claims=dict(claims or {}))
        raise
    if asked:
        context.announce(token_refreshed, user.current_provider, claims=user.id_token or {})
    return refresh


def _keep(context: RequestContext, record: SessionRecord, refresh: Refresh) -> None:
    """Note in the session what a refresh brought. Raises SessionTooLarge, which leaves the session as it was."""
    tokens = refresh.tokens
    try:
        update_within_limits(
            context,
            record,
            access_token=tokens.access_token,
            expires_in=tokens.expires_in,
            id_token=refresh.id_token,
            id_token_jwt=tokens.id_token,
            refresh_token=tokens.refresh_token if refresh.is_rotated else None,
            now=refresh.at,
            is_renewal=False,
        )
    except SessionTooLarge as error:
        if refresh.is_rotated:
            mark_spent(error)
        raise


def update_within_limits(context: RequestContext, record: SessionRecord, **news: Any) -> None:
    """As `UserSession.update`. Raises SessionTooLarge for what can't be kept, and leaves the session as it was."""
    # now, as the response would fail otherwise, and with it the page
    with record.undone_by_errors():
        UserSession(record).update(**news)
        context.application.sessions.require_room(record)


def _lifetime(record: Mapping[str, Any]) -> float:
    """Seconds for which the access token was issued: one that lives shortly is not refreshed all the time."""
    expires_at, issued_at = record.get("access_token_expires_at"), record.get("last_session_refresh")
    return math.inf if expires_at is None or issued_at is None else float(expires_at - issued_at)


def _lasts_until(user: UserSession, time: float) -> bool:
    if user.access_token is None:
        return False
    return user.access_token_expires_at is None or time < user.access_token_expires_at
