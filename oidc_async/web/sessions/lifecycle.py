"""Starts, renews, ends and saves the session of a request."""

from hashlib import sha256
from typing import TYPE_CHECKING

from oidc_async.errors import OIDCError
from oidc_async.protocol.metadata import ProviderMetadata
from oidc_async.relying_party.login import Login
from oidc_async.web.http.messages import Cookie
from oidc_async.web.signals import LogoutReason, logged_in, logged_out, token_refreshed

from .session_record import LoginBegun, SessionRecord
from .user_session import UserSession

if TYPE_CHECKING:
    from oidc_async.web.request_context import RequestContext

LOGIN_STATE = "login_state"
"""The member of a session that holds a digest of the `state` of its login, to recognise a repeated callback."""


class SessionLifecycle:
    """The life of the session of one request. All methods that save raise StoreError."""

    def __init__(self, context: "RequestContext") -> None:
        self._context = context
        self._application = context.application

    async def log_in(self, provider_name: str, login: Login, *, begun_at: float, state: str) -> None:
        """Start a new session that holds nothing but `login`.

        Args:
            provider_name: The provider of the login.
            login: The verified login.
            begun_at: When the login was started, in seconds since 1970.
            state: The `state` of its authorization request.

        Raises:
            SessionTooLarge: The session does not fit. The present session is kept.
            LoginExpired: The provider has already ended the login. The present session is kept.
            StoreError: The session could not be saved. The present session is kept.
        """
        now = self._application.now()
        sessions = self._application.sessions
        context = self._context
        # A new record, not the present one: values and the id of another login must not survive (session fixation).
        record = sessions.new(context.request.cookies, now)
        # Revocations compare times of one clock. `iat` is when the provider issued the ID token, which is now by our
        # clock; the login was started as long before by its clock as by ours.
        record.login_begun = LoginBegun(here=begun_at, at_provider=login.id_token["iat"] - (now - begun_at))
        _update(UserSession(record, provider_name), login, now)
        self._update_session_state(record, login)
        record[LOGIN_STATE] = _state_digest(state)
        # Saving comes before replacing: if it fails, the request continues with the present session.
        context.set_cookies(*await sessions.begin(record, context.present_cookies(), now))
        record.settle()
        context.replace_session(record)
        context.announce(logged_in, provider_name, claims=dict(login.id_token))

    def was_started_by(self, state: str) -> bool:
        """Whether the session was started by the login with this `state`."""
        return self._context.session.get(LOGIN_STATE) == _state_digest(state)

    async def renew(self, login: Login) -> None:
        """Update the present session with a renewed login.

        Raises:
            SessionTooLarge: The session does not fit. It is kept as it was.
            StoreError: The session could not be saved. It is kept as it was.
        """
        record = self._context.session
        former = dict(self._context.session)
        user = UserSession(record)
        _update(user, login, self._application.now())
        self._update_session_state(record, login)
        # The session is saved now rather than with the response, so that a renewal that does not fit fails here. The
        # record is then restored and marked as unchanged.
        try:
            await self.keep()
        except OIDCError:
            record.data = former
            record.settle()
            raise
        self._context.announce(token_refreshed, user.current_provider, claims=dict(login.id_token))

    async def log_out(self, reason: LogoutReason) -> None:
        """End the session if there is one. Raises StoreError if it could not be ended."""
        session = self._context.session
        provider_name = session.get("current_provider")
        claims = UserSession(session).id_token if provider_name and logged_out.receivers else None
        # Also if nobody is logged in: another response may have replaced the session of this browser meanwhile.
        session.end()
        await self.keep()
        if provider_name:
            self._context.announce(logged_out, provider_name, reason=reason, claims=claims or {})

    def drop_refresh_token(self, refresh_token: str) -> None:
        """Remove a refresh token that the provider rejects, unless the session has a newer one."""
        session = self._context.session
        if session.get("refresh_token") == refresh_token:
            cookies = self._application.sessions.drop_refresh_token(session, self._application.now())
            self._context.set_cookies(*cookies)

    async def keep(self) -> None:
        """Save the session if it was used and changed. Raises SessionTooLarge, StoreError."""
        context = self._context
        # A session that nothing used was not seen by its user, so it is not extended either.
        if (session := context.used_session) is not None:
            application = self._application
            cookies = await application.sessions.keep(session, context.present_cookies(), application.now())
            context.set_cookies(*cookies)
            session.settle()

    async def keep_late(self, record: SessionRecord) -> None:
        """Save the changes of a record in the store, as no response follows. Raises StoreError."""
        application = self._application
        await application.sessions.keep(record, self._context.present_cookies(), application.now())
        record.settle()

    async def response_cookies(self) -> list[Cookie]:
        """Save the session and return all cookies that the response sets. Raises StoreError."""
        await self.keep()
        # From here on, a stream or a background task can save the session only in a store.
        self._context.sets_cookies = False
        return self._context.cookies_to_set()

    def _update_session_state(self, record: SessionRecord, login: Login) -> None:
        """Keep the `session_state` of a login if a page will ask the provider's frame about it."""
        client = self._application.clients[record["current_provider"]]
        metadata = client.provider.known_metadata() or ProviderMetadata()
        is_watched = self._application.settings.session_iframe_uri and "check_session_iframe" in metadata
        if is_watched and login.session_state:
            record["session_state"] = login.session_state
        elif "session_state" in record:
            del record["session_state"]


def _state_digest(state: str) -> str:
    return sha256(state.encode(errors="replace")).hexdigest()[:16]


def _update(user: UserSession, login: Login, now: float) -> None:
    user.update(
        access_token=login.access_token,
        expires_in=login.tokens.expires_in,
        id_token=login.id_token,
        id_token_jwt=login.id_token_jwt,
        userinfo=login.userinfo,
        refresh_token=login.tokens.refresh_token,
        now=now,
    )
