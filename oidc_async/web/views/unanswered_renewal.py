"""A silent renewal from which the browser did not come back: it is not sent into the same hole again soon.

A provider may answer prompt=none with an error page of its own. Who then returns to the app by hand goes on with the
session that there is.
"""

from oidc_async.web.http.messages import Cookie
from oidc_async.web.request_context import RequestContext

KIND = "renewing"
UNANSWERED_SECONDS = 600
"""For how long no other renewal is begun, unless the browser comes back from this one."""


def is_unanswered(context: RequestContext) -> bool:
    """Whether a renewal of this session was begun a while ago, and nothing was heard of it."""
    application = context.application
    sealed = context.present_cookies().get(application.cookies.name(KIND))
    if not sealed:
        return False
    data = application.sealer.open(KIND, repr(context.session.begun_at), sealed)
    begun_at = float(data) if data else 0.0
    # a clock that was put back must not make it longer
    return 0 <= application.now() - begun_at < UNANSWERED_SECONDS


def note_begun(context: RequestContext) -> None:
    application = context.application
    sealed = application.sealer.seal(KIND, repr(context.session.begun_at), repr(application.now()).encode())
    context.set_cookies(application.cookies.set(application.cookies.name(KIND), sealed, UNANSWERED_SECONDS))


def note_answered(context: RequestContext) -> None:
    name = context.application.cookies.name(KIND)
    deleted: list[Cookie] = [context.application.cookies.delete(name)] if name in context.present_cookies() else []
    context.set_cookies(*deleted)
