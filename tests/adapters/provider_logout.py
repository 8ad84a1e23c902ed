"""Sites whose sessions a provider may end, and the provider that does."""

from collections.abc import Callable
from typing import Any

from oidc_async.testing import SimulatedProvider

from .site import ORIGIN, Page, Site

MakeSite = Callable[..., Site]
BACK, FRONT = f"{ORIGIN}/backchannel_logout", f"{ORIGIN}/frontchannel_logout"
KEPT_IN = ("memory", "sqlite", "cookies beside sqlite")
"""Where sessions may be that a provider can end from outside of the browser."""


def back_site(make_site: MakeSite, config: dict[str, Any] | None = None, **options: Any) -> Site:
    return make_site(config={"OIDC_BACKCHANNEL_LOGOUT_URI": BACK, **(config or {})}, **options)


def tell(site: Site, token: str) -> Page:
    """What the provider is answered to this logout token; it has no cookies."""
    return site.browser().post("/backchannel_logout", {"logout_token": token})


def end(site: Site, username: str = "alice", provider: SimulatedProvider | None = None, **about: Any) -> Page:
    """The response to a valid one; `sub` and `sid` say which of them it names."""
    return tell(site, (provider or site.provider).logout_token("client1", username, **about))


def require_rejected(page: Page, status: int = 400) -> str:
    """The text of the response to a rejected provider."""
    assert page.status_code == status, page.text
    assert page.headers["content-type"] == "application/json"
    assert page.headers["cache-control"] == "no-store"
    said = page.json()
    assert set(said) == {"error", "error_description"}
    assert said["error"] == ("invalid_request" if status == 400 else "temporarily_unavailable")
    return str(said["error_description"])
