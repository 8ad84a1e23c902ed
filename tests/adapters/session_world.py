"""One browser, two workers with clocks of their own, and a provider: what may happen to a session, step by step."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from oidc_async.protocol.http_message import HttpRequest, HttpResponse
from oidc_async.runtime.port import Runtime
from oidc_async.testing import SimulatedProvider
from tests.adapters.site import ORIGIN, SECRET_KEY, Framework, Page, Site, cookies_of, new_provider, new_site
from tests.adapters.toolbox import toolbox

SCRIPT = {"x-requested-with": "XMLHttpRequest"}
PAGE = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "accept": "text/html"}
LATER = 10**12


class WorkerRuntime:
    """A worker's way to the provider: with a clock that is off, and with notes of what refreshes it sent.

    With `refresh_tokens` "repeated" the provider answers a refresh with the refresh token that it was sent.
    """

    def __init__(self, origin: Runtime, refresh_tokens: str) -> None:
        self._origin = origin
        self._repeats, self._keeps = refresh_tokens == "repeated", refresh_tokens != "rotated"
        self.offset = 0.0
        self.meanwhile: Callable[[], None] | None = None
        self.spent: set[str] = set()
        """Refresh tokens that were answered with another one, or with what could not be read."""
        self.sent_again: list[str] = []
        self.expiries: dict[str, float] = {}
        """When each access token expires that was seen, by the provider's clock."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._origin, name)

    def now(self) -> float:
        return self._origin.now() + self.offset

    async def send(self, request: HttpRequest) -> HttpResponse:
        form = dict(parse_qsl(request.body.decode("latin-1")))
        if form.get("grant_type") != "refresh_token":
            return self._noted(await self._origin.send(request))
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        token = form["refresh_token"]
        if token in self.spent:
            self.sent_again.append(token)
        return self._seen(token, self._noted(await self._origin.send(request)))

    def _noted(self, response: HttpResponse) -> HttpResponse:
        document = _read(response)
        if "access_token" in document:
            self.expiries[document["access_token"]] = self._origin.now() + document["expires_in"]
        return response

    def _seen(self, token: str, response: HttpResponse) -> HttpResponse:
        if response.status != 200:
            return response
        document = _read(response)
        if not document:
            if not self._keeps:
                self.spent.add(token)
            return response
        if self._repeats:
            document.setdefault("refresh_token", token)
            return HttpResponse(status=200, headers=response.headers, body=json.dumps(document).encode())
        if document.get("refresh_token", token) != token:
            self.spent.add(token)
        return response


@dataclass
class Jar:
    """The cookies of the browser, which drops them in time by its own clock: that of the provider."""

    now: Callable[[], float]
    cookies: dict[str, tuple[str, float]] = field(default_factory=dict[str, tuple[str, float]])

    def present(self) -> dict[str, str]:
        return {name: value for name, (value, end) in self.cookies.items() if end > self.now()}

    def receive(self, page: Page) -> None:
        for cookie in cookies_of(page).values():
            age = float(cookie.attributes.get("max-age", LATER))
            if age <= 0:
                self.cookies.pop(cookie.name, None)
            else:
                self.cookies[cookie.name] = (cookie.value, self.now() + age)


@dataclass
class Worker:
    site: Site
    runtime: WorkerRuntime
    client: Any

    def ask(self, path: str, cookies: dict[str, str], headers: dict[str, str]) -> Page:
        self.client.cookies.clear()
        for name, value in cookies.items():
            self.client.cookies.set(name, value, domain="rp.example", path="/")
        page: Page = self.client.request("GET", ORIGIN + path if path.startswith("/") else path, headers=headers)
        return page


class World:
    """`refresh_tokens` is what the provider does with them: "rotated", "repeated" or "omitted" from its answers."""

    def __init__(
        self, framework: Framework, config: dict[str, Any], refresh_tokens: str, interval: int | None
    ) -> None:
        self.provider: SimulatedProvider = new_provider()
        if refresh_tokens != "rotated":
            self.provider.register(
                "client1",
                "secret1",
                redirect_uris=[f"{ORIGIN}/redirect_uri"],
                post_logout_redirect_uris=[f"{ORIGIN}/logout"],
                rotates_refresh_tokens=False,
            )
        self.jar = Jar(self.provider.clock)
        self.workers = [self._worker(framework, config, interval, refresh_tokens) for _ in range(2)]
        first, second = self.workers
        # both see what either has sent
        second.runtime.spent, second.runtime.sent_again = first.runtime.spent, first.runtime.sent_again
        second.runtime.expiries = first.runtime.expiries

    def _worker(
        self, framework: Framework, config: dict[str, Any], interval: int | None, refresh_tokens: str
    ) -> Worker:
        runtime = WorkerRuntime(framework.runtime(self.provider), refresh_tokens)
        site = new_site(
            framework,
            providers={"default": self.provider},
            views=_views(framework),
            config={"SECRET_KEY": SECRET_KEY, **config},
            runtime=runtime,
            auth_request_params={"scope": "openid offline_access"},
            session_refresh_interval_seconds=interval,
        )
        return Worker(site, runtime, framework.client(site.app, ""))

    def close(self) -> None:
        for worker in self.workers:
            worker.client.close()
            worker.site.close()

    def callback(self, page: Page, user: str | None) -> str:
        """Where the provider sends the browser that `page` sent to it."""
        return str(self.provider.authorize(page.headers["location"], user=user).url)


def _read(response: HttpResponse) -> dict[str, Any]:
    """What the provider answered; nothing where that is not a JSON object."""
    try:
        document = json.loads(response.body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def is_at_provider(page: Page) -> bool:
    return page.status_code in (302, 303) and page.headers["location"].startswith("https://op.example/authorize")


def is_renewal(page: Page) -> bool:
    return is_at_provider(page) and "prompt=none" in urlsplit(page.headers["location"]).query


def store_in(directory: Path) -> dict[str, Any]:
    return {"OIDC_STORE": f"sqlite://{directory}/sessions.db"}


def _views(framework: Framework) -> Callable[[Any, Any], None]:
    tools = toolbox(framework)

    def add(app: Any, auth: Any) -> None:
        def present() -> Any:
            return tools.user_session(tools.session, "default").access_token

        def who() -> Any:
            return tools.jsonify(tools.user_session(tools.session).id_token["sub"])

        def token() -> Any:
            before = present()
            return tools.jsonify({"before": before, "token": auth.valid_access_token()})

        def new_token() -> Any:
            before = present()
            return tools.jsonify({"before": before, "token": auth.valid_access_token(force_refresh=True)})

        async def awaited_token() -> Any:
            before = present()
            return tools.jsonify({"before": before, "token": await auth.valid_access_token()})

        async def awaited_new_token() -> Any:
            before = present()
            return tools.jsonify({"before": before, "token": await auth.valid_access_token(force_refresh=True)})

        def login() -> Any:
            return auth.login("default", return_to="/who", prompt="login")

        async def awaited_login() -> Any:
            return await auth.login("default", return_to="/who", prompt="login")

        def logout() -> str:
            return "logged out"

        is_flask = framework.name == "flask"
        decorator = auth.oidc_auth("default")
        app.add_url_rule("/who", "who", decorator(who))
        app.add_url_rule("/token", "token", decorator(token if is_flask else awaited_token))
        app.add_url_rule("/token/new", "new token", decorator(new_token if is_flask else awaited_new_token))
        app.add_url_rule("/login", "login", login if is_flask else awaited_login)
        app.add_url_rule("/logout", "logout", auth.oidc_logout(logout))

    return add
