"""What clients and browsers learn of sessions from the provider (OIDC Session Management 1.0)."""

import json
from hashlib import sha256
from urllib.parse import urlencode, urlsplit

import httpx
import pytest

from oidc_async.protocol.http_message import HttpRequest
from oidc_async.testing import SimulatedProvider
from oidc_async.testing.session_management import COOKIE

from .mini_relying_party import REDIRECT_URI, MiniRelyingParty


@pytest.fixture
def managing(provider: SimulatedProvider) -> SimulatedProvider:
    provider.manage_sessions()
    return provider


def metadata(provider: SimulatedProvider) -> dict[str, str]:
    url = f"{provider.issuer}/.well-known/openid-configuration"
    found: dict[str, str] = json.loads(provider.handle(HttpRequest(method="GET", url=url)).body)
    return found


def test_it_says_nothing_of_sessions_until_it_shall(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    assert "check_session_iframe" not in metadata(provider)
    assert rp.log_in(provider).callback.get("session_state") is None
    assert provider.browser_state("alice") is None


def test_a_login_tells_the_state_of_the_session_to_this_client_alone(
    managing: SimulatedProvider, rp: MiniRelyingParty
) -> None:
    """OIDC Session Management 3.2"""
    digest, _, salt = (rp.log_in(managing).callback.get("session_state") or "").partition(".")
    parts = urlsplit(REDIRECT_URI)
    text = f"client1 {parts.scheme}://{parts.netloc} {managing.browser_state('alice')} {salt}"
    assert digest == sha256(text.encode()).hexdigest()
    assert len(salt) == 16


def test_another_session_has_another_state(managing: SimulatedProvider, rp: MiniRelyingParty) -> None:
    rp.log_in(managing)
    before = managing.browser_state("alice")
    managing.sign_in("alice")
    assert managing.browser_state("alice") not in (None, before)


def test_there_is_a_frame(managing: SimulatedProvider) -> None:
    frame = managing.handle(HttpRequest(method="GET", url=metadata(managing)["check_session_iframe"]))
    assert frame.status == 200
    assert COOKIE in frame.body.decode()


def test_a_browser_keeps_the_state_until_it_logs_out(managing: SimulatedProvider, rp: MiniRelyingParty) -> None:
    with managing.serve() as issuer, httpx.Client(trust_env=False) as browser:
        form = {"username": "alice", "password": "password", "answer": "allow", "request": urlencode({})}
        browser.post(f"{issuer}/login", data=form)
        assert browser.cookies[COOKIE] == managing.browser_state("alice")
        assert len(browser.cookies) == 2
        browser.get(f"{issuer}/end_session")
        assert COOKIE not in browser.cookies
