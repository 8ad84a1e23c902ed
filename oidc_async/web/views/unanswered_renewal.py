"""A silent renewal from which the browser did not come back: it is not sent into the same hole again soon.

A provider may answer prompt=none with an error page of its own. Who then returns to the app by hand goes on with the
session that there is.
"""

from oidc_async.web.application import Exchange
from oidc_async.web.http.messages import Cookie

KIND = "renewing"
UNANSWERED_SECONDS = 600
"""For how long no other renewal is begun, unless the browser comes back from this one."""


def is_unanswered(exchange: Exchange) -> bool:
    """Whether a renewal of this session was begun a while ago, and nothing was heard of it."""
    application = exchange.application
    sealed = exchange.present_cookies().get(application.cookies.name(KIND))
    if not sealed:
        return False
    data = application.sealer.open(KIND, repr(exchange.session.begun_at), sealed)
    begun_at = float(data) if data else 0.0
    # a clock that was put back must not make it longer
    return 0 <= application.now() - begun_at < UNANSWERED_SECONDS


def note_begun(exchange: Exchange) -> None:
    application = exchange.application
    sealed = application.sealer.seal(KIND, repr(exchange.session.begun_at), repr(application.now()).encode())
    exchange.set_cookies(application.cookies.set(application.cookies.name(KIND), sealed, UNANSWERED_SECONDS))


def note_answered(exchange: Exchange) -> None:
    name = exchange.application.cookies.name(KIND)
    deleted: list[Cookie] = [exchange.application.cookies.delete(name)] if name in exchange.present_cookies() else []
    exchange.set_cookies(*deleted)
