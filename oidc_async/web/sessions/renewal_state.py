"""What a browser remembers of the renewals of its session: when the next one may be tried, and that one was refused.

In a cookie beside the session, which then needs no writing: a page that takes long must not write back the session
of before a change. A refusal must not depend on a cookie that the browser may delete: with a store it stands in the
session record, where changes of overlapping requests are merged.
"""

import json
from dataclasses import asdict, dataclass, replace
from typing import Final

from oidc_async.protocol.strict_json import read_object
from oidc_async.web.http.messages import Cookie
from oidc_async.web.request_context import RequestContext
from oidc_async.web.sessions.session_record import SessionRecord

RENEWAL_KIND: Final = "renewal"
STARTED_KIND: Final = "renewing"
REFUSED_AFTER = "refused_after"
"""In a session record: the `last_renewal` after which a renewal was refused."""
LEAST_SECONDS = 5.0
MOST_SECONDS = 60.0
"""Between two tries, whatever becomes of them: no redirect can lead to the next one at once, and an outage costs
one request in a minute its time."""

UNANSWERED_SECONDS = 600
"""For how long no other renewal is begun, unless the browser comes back from this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalMark:
    """`refused_after` is the time of the renewal after which one was refused: a later one makes up for it.

    `changed_after` is that of the one after which the provider's session has changed: it has to be renewed.
    """

    not_before: float = 0.0
    refused_after: float | None = None
    changed_after: float | None = None

    def is_pause(self, now: float) -> bool:
        # a clock that was put back must not make the pause longer
        return 0 < self.not_before - now <= MOST_SECONDS

    def pause_left(self, now: float) -> float:
        """Seconds."""
        return self.not_before - now if self.is_pause(now) else 0.0

    def is_change(self, session: SessionRecord) -> bool:
        return self.changed_after is not None and self.changed_after == _last_renewal(session)

    def is_refusal(self, session: SessionRecord) -> bool:
        return self.refused_after is not None and self.refused_after == _last_renewal(session)


def is_refused(context: RequestContext) -> bool:
    """Whether the provider refused to renew the present session, and nothing has made up for it since."""
    session = context.session
    return session.get(REFUSED_AFTER) == _last_renewal(session) or read_mark(context).is_refusal(session)


def read_mark(context: RequestContext) -> RenewalMark:
    """The mark of the present session."""
    application = context.application
    sealed = context.present_cookies().get(application.cookies.name(RENEWAL_KIND))
    if not sealed:
        return RenewalMark()
    data = application.sealer.open(RENEWAL_KIND, context.session.session_id, sealed)
    return _decode(data) if data else RenewalMark()


def mark_try(context: RequestContext, interval: float) -> None:
    """Let some time pass until the next renewal; at most `interval` seconds, unless that is hardly any."""
    pause = min(max(interval, LEAST_SECONDS), MOST_SECONDS)
    _set(context, RenewalMark(not_before=context.application.now() + pause), int(MOST_SECONDS))


def mark_refusal(context: RequestContext) -> None:
    """Let the session be in force no more, until it is renewed or another one begins."""
    session = context.session
    if context.application.sessions.keeps_in_store:
        session[REFUSED_AFTER] = _last_renewal(session)
    else:
        _set(context, RenewalMark(refused_after=_last_renewal(session)), _for_the_session(context))


def mark_change(context: RequestContext) -> None:
    """Let the session be renewed at the next page, however young it is; not sooner after a try than otherwise."""
    mark = replace(read_mark(context), changed_after=_last_renewal(context.session))
    _set(context, mark, _for_the_session(context))


def forget_mark(context: RequestContext) -> list[Cookie]:
    """What deletes the mark, if there is one."""
    cookies = context.application.cookies
    return [cookies.delete(name) for name in [cookies.name(RENEWAL_KIND)] if name in context.present_cookies()]


def is_unanswered(context: RequestContext) -> bool:
    """Whether a renewal of this session was begun a while ago, and nothing was heard of it."""
    application = context.application
    sealed = context.present_cookies().get(application.cookies.name(STARTED_KIND))
    if not sealed:
        return False
    data = application.sealer.open(STARTED_KIND, repr(context.session.begun_at), sealed)
    begun_at = float(data) if data else 0.0
    # a clock that was put back must not make it longer
    return 0 <= application.now() - begun_at < UNANSWERED_SECONDS


def note_begun(context: RequestContext) -> None:
    application = context.application
    sealed = application.sealer.seal(STARTED_KIND, repr(context.session.begun_at), repr(application.now()).encode())
    context.set_cookies(application.cookies.set(application.cookies.name(STARTED_KIND), sealed, UNANSWERED_SECONDS))


def note_answered(context: RequestContext) -> None:
    name = context.application.cookies.name(STARTED_KIND)
    deleted: list[Cookie] = [context.application.cookies.delete(name)] if name in context.present_cookies() else []
    context.set_cookies(*deleted)


def _set(context: RequestContext, mark: RenewalMark, max_age: int | None) -> None:
    application = context.application
    document = json.dumps(asdict(mark)).encode()
    sealed = application.sealer.seal(RENEWAL_KIND, context.session.session_id, document)
    context.set_cookies(application.cookies.set(application.cookies.name(RENEWAL_KIND), sealed, max_age))


def _for_the_session(context: RequestContext) -> int | None:
    settings = context.application.settings
    return int(settings.session_seconds) if settings.session_permanent else None


def _decode(data: bytes) -> RenewalMark:
    # one that another version of us set may say something else
    try:
        return RenewalMark(**read_object(data))
    except (TypeError, ValueError):
        return RenewalMark()


def _last_renewal(session: SessionRecord) -> float:
    last: float = session.get("last_renewal", 0.0)
    return last
