"""The application of the conformance tests on Quart."""

from typing import Any

import httpx
from quart import Quart, request, session
from quart_oidc_async import OIDCAuthentication, UserSession

from oidc_async import AsyncRuntime, AsyncWebFinger, OIDCError

from .control import NOT_LOGGED_IN, Control, is_controlled
from .trial import PROVIDER, Trial
from .views import add_views


class QuartApplication:
    """An ASGI application: the control routes, and before each client of them an application of its own."""

    def __init__(self, base_url: str) -> None:
        self.control = Control(base_url)
        self._outer = Quart("conformance")
        self._inner: Quart | None = None
        self._http: httpx.AsyncClient | None = None
        self._outer.add_url_rule("/ct/configure", "configure", self._configure, methods=["POST"])
        self._outer.add_url_rule("/ct/result", "result", self.control.result)
        self._outer.add_url_rule("/ct/log", "log", self.control.lines)
        self._outer.after_serving(self._end)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self._inner is None or scope["type"] != "http" or is_controlled(scope["path"]):
            return await self._outer(scope, receive, send)
        self.control.note(scope["method"], scope["path"])
        return await self._inner(scope, receive, send)

    def close(self) -> None:
        self.control.log.close()

    async def _configure(self) -> Any:
        former, http = self._inner, self._http
        answer = self.control.prepare(await request.get_data(), self._start)
        if self._inner is not former:
            await _end(former, http)
            await self._running().startup()
        return answer

    def _start(self, trial: Trial) -> None:
        async def ask(request: httpx.Request) -> None:
            trial.record.ask(request)

        async def answer(response: httpx.Response) -> None:
            trial.record.answer(response)

        hooks: dict[str, list[Any]] = {"request": [ask], "response": [answer]}
        http = httpx.AsyncClient(verify=trial.tls(), trust_env=False, event_hooks=hooks)
        # one that never asked anything holds nothing that had to be closed
        self._inner, self._http = new_app(trial, http), http

    def _running(self) -> Quart:
        if self._inner is None:
            raise RuntimeError("no client is configured")
        return self._inner

    async def _end(self) -> None:
        await _end(self._inner, self._http)


async def _end(app: Quart | None, http: httpx.AsyncClient | None) -> None:
    if app is not None and http is not None:
        await app.shutdown()
        await http.aclose()


def new_app(trial: Trial, http_client: httpx.AsyncClient) -> Quart:
    app = Quart("client")
    app.config.update(trial.settings())
    auth = OIDCAuthentication({PROVIDER: trial.provider_configuration(http_client)}, app)
    add_views(app, auth, trial, lambda: UserSession(session, PROVIDER))

    web_finger = trial.web_finger(AsyncWebFinger, AsyncRuntime(http_client=http_client))

    @app.get("/ct/login")
    async def login() -> Any:
        try:
            if web_finger is not None:
                await web_finger.discover_issuer(trial.order.webfinger or "")
        except OIDCError as error:
            return trial.record.reject(error), 400
        return await auth.login(PROVIDER, return_to="/ct/session")

    @app.post("/ct/refresh")
    async def refresh() -> dict[str, Any]:
        return {"refreshed": await auth.valid_access_token(force_refresh=True) is not None}

    _add_steps(app, auth, trial, http_client)
    return app


def _add_steps(app: Quart, auth: OIDCAuthentication, trial: Trial, http_client: httpx.AsyncClient) -> None:
    """Steps apart from logins, and what a login is good for."""
    record = trial.record

    @app.errorhandler(OIDCError)
    async def reject(error: OIDCError) -> Any:
        return record.reject(error), 400

    @app.get("/ct/discover")
    async def discover() -> dict[str, Any]:
        metadata = await auth.clients[PROVIDER].provider_metadata()
        record.succeed()
        return metadata.to_dict()

    @app.get("/ct/userinfo")
    async def userinfo() -> Any:
        token, claims = await auth.valid_access_token(), UserSession(session, PROVIDER).id_token
        if token is None or claims is None:
            return NOT_LOGGED_IN
        record.userinfo = await auth.clients[PROVIDER].userinfo(token, sub=claims["sub"])
        record.succeed()
        return {"userinfo": record.userinfo}

    @app.get("/ct/resource")
    async def resource() -> Any:
        token = await auth.valid_access_token()
        if token is None:
            return NOT_LOGGED_IN
        answer = await http_client.get(request.args["url"], headers={"authorization": f"Bearer {token}"})
        return record.resource(answer.status_code, answer.text)
