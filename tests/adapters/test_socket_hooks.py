"""Hooks of the extension and the WebSockets of a Quart app that have nothing to do with logins."""

import asyncio
from typing import Any

import pytest
from quart import Blueprint, Quart, websocket

from .site import QuartFramework, new_provider, new_site

BELOW = "https://rp.example/app/redirect_uri"


async def echo() -> None:
    await websocket.send(await websocket.receive())


def add_echoes(app: Quart, _auth: Any) -> None:
    blueprint = Blueprint("chat", __name__, url_prefix="/chat")
    blueprint.websocket("/echo")(echo)
    app.register_blueprint(blueprint)
    app.websocket("/echo")(echo)


async def first_answer(app: Quart, path: str, root_path: str) -> Any:
    async with app.test_client().websocket(path, root_path=root_path) as socket:
        await socket.send("hello")
        return await asyncio.wait_for(socket.receive(), 5)


@pytest.mark.parametrize("path", ["/echo", "/chat/echo"], ids=["of the app", "of a blueprint"])
@pytest.mark.parametrize(
    ("config", "root_path"),
    [
        pytest.param({}, "", id="default settings"),
        pytest.param({"OIDC_REDIRECT_URI": BELOW}, "/app", id="below a mount"),
        pytest.param({"OIDC_STORE": "memory:"}, "", id="with a store"),
        pytest.param(
            {"OIDC_STORE": "memory:", "OIDC_BACKCHANNEL_LOGOUT_URI": "https://rp.example/logout/back"},
            "",
            id="with a hook before all others",
        ),
    ],
)
def test_a_web_socket_that_nobody_protects_opens(config: dict[str, Any], root_path: str, path: str) -> None:
    redirect_uri = config.get("OIDC_REDIRECT_URI", "https://rp.example/redirect_uri")
    providers = {"default": new_provider(redirect_uri=redirect_uri)}
    site = new_site(QuartFramework(), providers=providers, views=add_echoes, config=config)
    assert asyncio.run(first_answer(site.app, root_path + path, root_path)) == "hello"
    site.close()
