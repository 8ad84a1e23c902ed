"""What is kept of one request until its response is sent."""

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from oidc_async.protocol.access_grant import Access

from .application import Exchange, WebApplication

# it uses this
if TYPE_CHECKING:
    from .views.token_required import TokenGuard

NAME = "oidc_async.visits"


@dataclass(slots=True, kw_only=True)
class Visit:
    """One request in one app.

    Parameters:
        exchange: its session and cookies, once somebody asked for them.
        access: what its bearer token grants.
        guards: what the decorators and hooks asked of that token, each of which admitted it.
        refusal: headers of a refusal, which the response keeps whatever an error handler makes of it.
        own_response: the last response that we made, and its headers.
    """

    exchange: Exchange | None = None
    access: Access | None = None
    guards: "tuple[TokenGuard, ...]" = ()
    refusal: Mapping[str, str] | None = None
    own_response: tuple[object, Mapping[str, str]] | None = None

    @property
    def needs_session(self) -> bool:
        """Whether a decorator required a login, or none required a token."""
        return not self.guards or (self.exchange is not None and self.exchange.requires_login)

    def admit(self, access: Access, guard: "TokenGuard") -> None:
        self.access = access
        if guard not in self.guards:
            self.guards = (*self.guards, guard)


def visit_of(carrier: MutableMapping[str, Any], application: WebApplication) -> Visit:
    """The visit that `carrier`, the request as the server gave it, is to `application`.

    Not on `g`, which a request made within another one shares with it; and one for each app, as an app may hand its
    request on to another.
    """
    visits: dict[WebApplication, Visit] = carrier.setdefault(NAME, {})
    visit = visits.get(application)
    if visit is None:
        visit = visits[application] = Visit()
    return visit


def leaves_traces(carrier: Mapping[str, Any]) -> bool:
    """Whether anything is to be done to the response: a good token leaves nothing on it."""
    visits: dict[WebApplication, Visit] | None = carrier.get(NAME)
    # asked for every response, most of which have none
    if visits is None:
        return False
    return any(visit.exchange is not None or visit.refusal is not None for visit in visits.values())
