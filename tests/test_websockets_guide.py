"""The code of the guide to WebSockets is run as it is."""

from typing import Any

import pytest

from oidc_async.testing import SimulatedProvider

from .adapters.site import AsgiClient
from .adapters.sockets import converse
from .test_readme import ORIGIN, block_with, blocks_of, log_in, provider, run, secret_key

__all__ = ["provider", "secret_key"]


@pytest.fixture
def app(provider: SimulatedProvider) -> Any:
    (views,) = blocks_of("docs/guides/websockets.md")
    code = block_with("from quart_oidc_async import") + "\n" + views
    return run(code, __name__="app", runtime=provider.async_runtime())["app"]


def test_a_user_chats_until_the_session_is_over(provider: SimulatedProvider, app: Any) -> None:
    browser = AsgiClient(app, "")
    log_in(browser, provider, f"{ORIGIN}/")
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies.jar)
    headers = {"cookie": cookies, "origin": ORIGIN}

    def wait() -> None:
        provider.clock.advance(32 * 86_400)

    chat = converse(app, "/chat", "hello", wait, "still there?", headers=headers)
    assert (chat.status, chat.answers, chat.closed) == (101, ["Alice: hello"], 1008)
    browser.close()


def test_who_is_not_logged_in_does_not(app: Any) -> None:
    assert converse(app, "/chat", headers={"origin": ORIGIN}).status == 401


def test_a_token_brings_prices_until_it_expires(provider: SimulatedProvider, app: Any) -> None:
    token = provider.issue_access_token("client1", scope="prices:read", username="alice")

    def wait() -> None:
        provider.clock.advance(3600)

    prices = converse(app, "/prices", "", wait, "", subprotocols=["bearer", token])
    assert (prices.subprotocol, prices.answers, prices.closed) == ("bearer", ["a price for alice"], 1008)
