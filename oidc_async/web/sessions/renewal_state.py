"""The state of silent renewals: when the next one may start, and whether the provider rejected the last one.

It is kept in cookies beside the session, so that the session itself is not written. A slow response would write back
the session of before a change. Only a rejection must not depend on a cookie, which the browser may delete: if a store
keeps the sessions, the rejection is a member of the record, where changes of overlapping requests are merged.

A provider may respond to prompt=none with an error page of its own, from which the browser does not return. A user
who then goes back to the application continues with the present session, and is not redirected there again soon.
"""

import json
from dataclasses import asdict, dataclass, replace
from typing import Final

from oidc_async.protocol.strict_json import read_object
from oidc_async.web.http.messages import Cookie
from oidc_async.web.request_context import RequestContext
from oidc_async.web.sessions.session_record import SessionRecord

STATE_KIND: Final = "renewal"
STARTED_KIND: Final = "renewing"
REJECTED_AFTER = "rejected_after"
"""The member of a record with the `last_renewal` after which a renewal was rejected."""
LEAST_SECONDS = 5.0
MOST_SECONDS = 60.0
"""The limits of the pause between two attempts, whatever their results. It prevents redirect loops, and an outage of
the provider delays one request in a minute."""
UNANSWERED_SECONDS = 600
"""For how long no other renewal starts if the browser does not return from one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalState:
    """The state of the renewals of one session, in its cookie.

    A rejection or change refers to the time of the last renewal before it, so that a later renewal cancels it.

    Attributes:
        not_before: When the next attempt may start, in seconds since 1970.
        rejected_after: The last renewal before the provider rejected one.
        changed_after: The last renewal before the session at the provider changed, which requires a renewal.
    """

    not_before: float = 0.0
    rejected_after: float | None = None
    changed_after: float | None = None

    def is_paused(self, now: float) -> bool:
        """Whether the next attempt has to wait."""
        # A clock that was set back must not extend the pause.
        return 0 < self.not_before - now <= MOST_SECONDS

    def pause_left(self, now: float) -> float:
        """Return the rest of the pause, in seconds."""
        return self.not_before - now if self.is_paused(now) else 0.0

    def has_changed(self, session: SessionRecord) -> bool:
        """Whether the session at the provider has changed since the last renewal."""
        return self.changed_after is not None and self.changed_after == _last_renewal(session)

    def is_rejected(self, session: SessionRecord) -> bool:
        """Whether the provider has rejected a renewal since the last successful one."""
        return self.rejected_after is not None and self.rejected_after == _last_renewal(session)


def is_rejected(context: RequestContext) -> bool:
    """Whether the provider has rejected a renewal of the present session since the last successful one."""
    session = context.session
    return session.get(REJECTED_AFTER) == _last_renewal(session) or read_state(context).is_rejected(session)


def read_state(context: RequestContext) -> RenewalState:
    """Return the state of the present session."""
    application = context.application
    sealed = context.present_cookies().get(application.cookies.name(STATE_KIND))
    if not sealed:
        return RenewalState()
    data = application.sealer.open(STATE_KIND, context.session.session_id, sealed)
    return _decode(data) if data else RenewalState()


def note_attempt(context: RequestContext, interval: float) -> None:
    """Start the pause before the next attempt: `interval` seconds, but within the limits."""
    pause = min(max(interval, LEAST_SECONDS), MOST_SECONDS)
    _set(context, RenewalState(not_before=context.application.now() + pause), int(MOST_SECONDS))


def note_rejection(context: RequestContext) -> None:
    """Make the session invalid for protected views until it is renewed or replaced."""
    session = context.session
    if context.application.sessions.keeps_in_store:
        session[REJECTED_AFTER] = _last_renewal(session)
    else:
        _set(context, RenewalState(rejected_after=_last_renewal(session)), _session_max_age(context))


def note_change(context: RequestContext) -> None:
    """Require a renewal at the next page, however recent the last one is. It does not shorten the pause."""
    state = replace(read_state(context), changed_after=_last_renewal(context.session))
    _set(context, state, _session_max_age(context))


def delete_state(context: RequestContext) -> list[Cookie]:
    """Return the cookies that delete the state, if the browser has one."""
    return _deletion(context, context.application.cookies.name(STATE_KIND))


def is_unanswered(context: RequestContext) -> bool:
    """Whether the browser was redirected for a renewal of this session recently and has not returned."""
    application = context.application
    sealed = context.present_cookies().get(application.cookies.name(STARTED_KIND))
    if not sealed:
        return False
    data = application.sealer.open(STARTED_KIND, repr(context.session.begun_at), sealed)
    started_at = float(data) if data else 0.0
    # A clock that was set back must not extend the time.
    return 0 <= application.now() - started_at < UNANSWERED_SECONDS


def note_start(context: RequestContext) -> None:
    """Record that the browser is redirected for a renewal."""
    application = context.application
    sealed = application.sealer.seal(STARTED_KIND, repr(context.session.begun_at), repr(application.now()).encode())
    context.set_cookies(application.cookies.set(application.cookies.name(STARTED_KIND), sealed, UNANSWERED_SECONDS))


def note_return(context: RequestContext) -> None:
    """Record that the browser has returned from a renewal."""
    context.set_cookies(*_deletion(context, context.application.cookies.name(STARTED_KIND)))


def _deletion(context: RequestContext, name: str) -> list[Cookie]:
    return [context.application.cookies.delete(name)] if name in context.present_cookies() else []


def _set(context: RequestContext, state: RenewalState, max_age: int | None) -> None:
    application = context.application
    document = json.dumps(asdict(state)).encode()
    sealed = application.sealer.seal(STATE_KIND, context.session.session_id, document)
    context.set_cookies(application.cookies.set(application.cookies.name(STATE_KIND), sealed, max_age))


def _session_max_age(context: RequestContext) -> int | None:
    settings = context.application.settings
    return int(settings.session_seconds) if settings.session_permanent else None


def _decode(data: bytes) -> RenewalState:
    # Another version may have written other members.
    try:
        return RenewalState(**read_object(data))
    except (TypeError, ValueError):
        return RenewalState()


def _last_renewal(session: SessionRecord) -> float:
    last: float = session.get("last_renewal", 0.0)
    return last
