"""WebSockets of a Quart app, spoken to as ASGI servers do: what is answered before the handshake, and after it."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import quart
from quart import Quart, websocket
from quart_oidc_async import OIDCAuthentication, UninitialisedSession, UserSession

from oidc_async import ConfigurationError

from .cookie_jar import jar_of
from .site import ORIGIN, Browser, Framework, QuartFramework, Site, Views

SECONDS = 10
QUART = QuartFramework()
Between = Callable[[], object]
"""What happens elsewhere between two messages."""


@dataclass
class Conversation:
    """The app's messages to a server about one WebSocket.

    Parameters:
        status: that of the rejection; 101 if the socket was accepted, 403 if it was closed before that, as servers
            without the extension for responses answer then.
        subprotocol: the selected one.
        answers: the messages of the app.
        closed: the code with which the app closed it.
        scope: what the server told the app, as the app left it.
    """

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""
    subprotocol: str | None = None
    answers: list[str] = field(default_factory=list[str])
    closed: int | None = None
    scope: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def error(self) -> str:
        error: str = json.loads(self.body)["error"]
        return error

    @property
    def description(self) -> str:
        description: str = json.loads(self.body)["error_description"]
        return description


def converse(
    app: Quart,
    path: str,
    *said: str | Between,
    headers: Mapping[str, str] | None = None,
    subprotocols: Sequence[str] = (),
    answers_rejections: bool = True,
    **scope: Any,
) -> Conversation:
    """Open a WebSocket and say these words, each of which is answered; functions among them are called meanwhile."""
    offered = {"sec-websocket-protocol": ", ".join(subprotocols)} if subprotocols else {}
    given = {"host": "rp.example", **(headers or {}), **offered}
    path, _, query = path.partition("?")
    conversation = Conversation()
    conversation.scope = {
        "type": "websocket",
        "asgi": {"spec_version": "2.4", "version": "3.0"},
        "http_version": "1.1",
        "scheme": "wss",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in given.items()],
        "subprotocols": list(subprotocols),
        "extensions": {"websocket.http.response": {}} if answers_rejections else {},
        **scope,
    }
    asyncio.run(_speak(app, conversation, said))
    return conversation


async def _speak(app: Any, conversation: Conversation, said: Sequence[str | Between]) -> None:
    to_app, from_app = asyncio.Queue[dict[str, Any]](), asyncio.Queue[dict[str, Any]]()
    await to_app.put({"type": "websocket.connect"})
    # the rest of what the test does is done by a client with a loop of its own
    task = asyncio.create_task(app(conversation.scope, to_app.get, from_app.put))
    try:
        for words in said or ("",):
            if callable(words):
                await asyncio.to_thread(words)
                continue
            await to_app.put({"type": "websocket.receive", "text": words, "bytes": None})
            if not await _answered(conversation, from_app, task):
                return
    finally:
        await to_app.put({"type": "websocket.disconnect", "code": 1000})
        await asyncio.wait_for(task, SECONDS)


async def _answered(conversation: Conversation, events: "asyncio.Queue[dict[str, Any]]", task: Any) -> bool:
    """Whether a message came; False when the socket was rejected or closed."""
    while True:
        event = await asyncio.wait_for(events.get(), SECONDS)
        match event["type"]:
            case "websocket.accept":
                conversation.status, conversation.subprotocol = 101, event["subprotocol"]
            case "websocket.send":
                conversation.answers.append(event["text"])
                return True
            case "websocket.http.response.start":
                conversation.status = event["status"]
                conversation.headers = {name.decode(): value.decode() for name, value in event["headers"]}
            case "websocket.http.response.body":
                conversation.body += event["body"]
                if not event["more_body"]:
                    return False
            case "websocket.close":
                conversation.status = conversation.status or 403
                conversation.closed = event["code"]
                return False
            case other:
                raise AssertionError(other)


def cookies(browser: Browser) -> dict[str, str]:
    """The header by which a browser brings its cookies."""
    return {"cookie": "; ".join(f"{name}={value}" for name, value in jar_of(browser).items())}


def of_page(browser: Browser, origin: str | None = ORIGIN) -> dict[str, str]:
    """What a browser sends when a page of `origin` opens a WebSocket."""
    return {**cookies(browser), **({} if origin is None else {"origin": origin})}


def socket_views(framework: Framework = QUART) -> Views:
    """The standard views, and WebSockets that say what they see, as they are asked."""

    def add_views(app: Quart, auth: OIDCAuthentication) -> None:
        framework.add_standard_views(app, auth)
        first, *others = app.extensions["oidc_async"].application.configurations

        async def talk() -> None:
            while True:
                await websocket.send(await answer_to(auth, str(await websocket.receive())))

        for path, decorator in {
            "/ws/open": lambda view: view,
            "/ws/private": auth.oidc_auth(first),
            "/ws/api": auth.token_auth(first),
            "/ws/read": auth.token_auth(first, "read"),
            "/ws/recent": auth.token_auth(first, max_age=60),
            "/ws/alice": auth.token_auth(first, requires=lambda access: access.subject == "alice"),
            "/ws/any": auth.token_auth([first, *others]),
            "/ws/both": auth.access_control(first),
            "/ws/logout": auth.oidc_logout,
        }.items():
            app.add_websocket(path, path, decorator(talk))

    return add_views


async def answer_to(auth: OIDCAuthentication, words: str) -> str:
    match words:
        case "who":
            try:
                return str((UserSession(quart.session).id_token or {}).get("sub"))
            except UninitialisedSession:
                return "nobody"
        case "token" | "new token":
            token = await auth.valid_access_token(force_refresh=words == "new token")
            failure = auth.refresh_failure
            return token or f"none: {'nobody' if failure is None else failure.code}"
        case "authorized":
            return "yes" if await auth.is_still_authorized() else "no"
        case "identity":
            return str((auth.current_token_identity or {}).get("sub"))
        case "protocols":
            header = websocket.headers.get("Sec-WebSocket-Protocol")
            return f"{websocket.requested_subprotocols} {header}"
        case "change":
            return _rejection_of(lambda: UserSession(quart.session).update(access_token="another"))
        case "clear":
            return _rejection_of(UserSession(quart.session).clear)
        case "login":
            try:
                await auth.login("default")
            except ConfigurationError as error:
                return error.message
            return "no error"
        case _:
            return words


def _rejection_of(change: Callable[[], None]) -> str:
    try:
        change()
    except ConfigurationError as error:
        return error.message
    return "no error"


def logged_in_site(make_site: Callable[..., Site], **options: Any) -> Site:
    return make_site(**{"views": socket_views(), **options})
