"""A browser whose responses arrive in any order, and whose cookies live by the clock of the simulated provider."""

from typing import Any

from .site import ORIGIN, Page, Site, cookies_of

NEVER = float("inf")


class SlowBrowser:
    """Sends requests and receives their responses apart from each other, as several tabs do.

    Cookies end when their Max-Age is over by the simulated clock; those without one stay, as while a browser is open.
    """

    def __init__(self, site: Site) -> None:
        self.site = site
        self.jar: dict[str, tuple[str, float]] = {}
        self._client = site.browser()

    def send(self, path: str, ahead: float = 0.0) -> Page:
        """The response to a request with the present cookies, at a worker whose clock is `ahead` (seconds)."""
        clock = self.site.provider.clock
        cookies = "; ".join(f"{name}={value}" for name, (value, end) in self.jar.items() if end > clock())
        self.site.web.now = lambda: clock() + ahead
        self._client.cookies.clear()
        return self._client.get(path, {"cookie": cookies} if cookies else {})

    def receive(self, page: Page) -> Page:
        now = self.site.provider.clock()
        for name, cookie in cookies_of(page).items():
            seconds = float(cookie.attributes.get("max-age", NEVER))
            self.jar.pop(name, None)
            if seconds > 0:
                self.jar[name] = cookie.value, now + seconds
        return page

    def get(self, path: str, ahead: float = 0.0) -> Page:
        return self.receive(self.send(path, ahead))

    def log_in(self, user: str, path: str = "/private", ahead: float = 0.0) -> None:
        """A whole login, although somebody may be logged in."""
        kept = dict(self.jar)
        self.jar.clear()
        location = self.get(path, ahead).headers["location"]
        self.jar |= kept
        self.answer(location, user, ahead)

    def answer(self, location: str, user: str, ahead: float = 0.0) -> None:
        callback = self.site.provider_of(location).authorize(location, user=user)
        assert self.get(callback.url.removeprefix(ORIGIN), ahead).status_code == 302

    def who(self) -> str | None:
        """Whom the application sees, and protected pages let in."""
        shown: dict[str, Any] = self.get("/who").json()
        return shown["id_token"]["sub"] if shown else None
