"""Returning a valid access token of the logged-in user, refreshed if necessary (OIDC Core 12)."""

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

MAX_ROUNDS = 3
"""Refreshes of one call: more than one if a replayed result has expired and its refresh token is used next."""


async def valid_access_token(context: RequestContext, *, force_refresh: bool) -> str | None:
    """Return an access token of this session, refreshed if it is about to expire; None if there is none.

    The session keeps the result of a refresh. A refresh that fails does not change the session, except that a refresh
    token that has become useless is dropped; `context.refresh_failure` has the error. If no response follows that
    could set cookies (in a WebSocket, a stream or a background task), the session is read again, and refreshed only
    if a store keeps it.

    Args:
        context: the request.
        force_refresh: never return the access token that the session has now.

    Raises:
        StoreError: the session can't be read or kept.
    """
    context.refresh_failure = None
    if not context.sets_cookies:
        # A WebSocket stays open for long: another request may have refreshed or ended the session meanwhile.
        await context.reopen_session()
    record = await context.require_session()
    client = context.application.clients.get(record.get("current_provider", ""))
    if client is None:
        return None
    user = UserSession(record)
    now = context.application.now
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
    """The error for a refresh that succeeded, but whose access token can't be used."""
    what = "the access token that was to be replaced" if is_same else "an access token that has expired"
    return TokenResponseInvalid(f"The response to the refresh has {what}.")


async def _refresh(
    context: RequestContext, client: AsyncRelyingParty, user: UserSession, record: SessionRecord
) -> None:
    """Refresh the tokens of the session, if the result can be kept. Errors are logged, except StoreError."""
    if user.refresh_token is None:
        return
    try:
        _require_writable(context)
        await _refresh_until_it_lasts(context, client, user, record)
    except SessionNotWritable as error:
        logger.info("an access token was not refreshed: %s (%s)", error, error.code)
        context.refresh_failure = error
    except StoreError:
        # The state of the session itself is unknown now.
        raise
    except OIDCError as error:
        logger.warning("an access token could not be refreshed: %s (%s)", error, error.code)
        context.refresh_failure = error
    finally:
        # This record, not the present one of the request, which another task of the same WebSocket may have
        # replaced: the refresh token is spent, and its successor must not be lost.
        if not context.sets_cookies and record.modified:
            await SessionLifecycle(context).keep_late(record)


async def _refresh_until_it_lasts(
    context: RequestContext, client: AsyncRelyingParty, user: UserSession, record: SessionRecord
) -> None:
    """Refresh, and do it again with the next refresh token if the result was a replay that has expired since."""
    for _ in range(MAX_ROUNDS):
        refresh_token = user.refresh_token
        if refresh_token is None:
            return
        refresh = await refresh_tokens(context, client, record, refresh_token)
        # Another refresh would not help if tokens are issued with a lifetime of 0.
        if refresh.tokens.expires_in == 0 or _lasts_until(user, context.application.now()):
            return


def _require_writable(context: RequestContext) -> None:
    """Raise SessionNotWritable if the result of a refresh could not be kept: the refresh token would be spent."""
    if not context.sets_cookies and not context.application.sessions.keeps_in_store:
        raise SessionNotWritable(
            "The session is kept in cookies, which a WebSocket or a response that has been sent can't set. The "
            "refresh token was not used, as its successor would be lost. Refresh in a request, or set OIDC_STORE."
        )


async def refresh_tokens(
    context: RequestContext, client: AsyncRelyingParty, record: SessionRecord, refresh_token: str
) -> Refresh:
    """Exchange the refresh token of the session in `record`, which keeps the result.

    An error does not change the session, except that a refresh token that has become useless is dropped.

    Raises:
        OAuthError: the provider rejects the refresh token.
        ProviderError: the provider can't be reached, or its response is invalid.
        TokenError: the ID token is invalid.
        SessionTooLarge: the session with the new tokens can't be kept.
        StoreError: the store can't be reached.
    """
    user = UserSession(record)
    # Of all requests that share one refresh, only the one that sent the refresh token announces the outcome.
    claims = user.claims_of_login
    requests = list[str]()
    try:
        refresh = await client.refresh(
            refresh_token,
            id_token=claims,
            access_token=user.access_token,
            on_request=lambda: requests.append("token"),
        )
        _keep(context, record, refresh)
    except StoreError:
        raise
    except OIDCError as error:
        if ends_refresh_token(error):
            SessionLifecycle(context).drop_refresh_token(refresh_token)
        if requests:
            context.announce_failure(refresh_failed, user.current_provider, error, claims=dict(claims or {}))
        raise
    if requests:
        context.announce(token_refreshed, user.current_provider, claims=user.id_token or {})
    return refresh


def _keep(context: RequestContext, record: SessionRecord, refresh: Refresh) -> None:
    """Keep the result of a refresh in the session. Raises SessionTooLarge, which leaves the session unchanged."""
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
    """Do the same as `UserSession.update`. Raises SessionTooLarge, which leaves the session unchanged."""
    # Checked now: otherwise the response would fail later, and the page with it.
    with record.undone_by_errors():
        UserSession(record).update(**news)
        context.application.sessions.require_room(record)


def _lifetime(record: Mapping[str, Any]) -> float:
    """Seconds for which the access token was issued. A short-lived one must not be refreshed all the time."""
    expires_at = record.get("access_token_expires_at")
    issued_at = record.get("last_session_refresh")
    return math.inf if expires_at is None or issued_at is None else float(expires_at - issued_at)


def _lasts_until(user: UserSession, time: float) -> bool:
    if user.access_token is None:
        return False
    return user.access_token_expires_at is None or time < user.access_token_expires_at
