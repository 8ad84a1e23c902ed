"""Signals to an application about logins, refreshes and logouts. threat model 250, 256."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import ANY
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from blinker import Signal

from oidc_async.testing import Callback, Fault, Misbehaviour
from oidc_async.testing.faults.responses import reset
from oidc_async.testing.stages import JWKS_REPLY, harmless
from oidc_async.web import signals
from tests.web.watched_store import WatchedStore

from .api import Kind
from .at_once import at_once
from .cookie_jar import in_cookies, is_anonymous, logged_in
from .provider_logout import back_site, tell
from .refresh_site import LIFETIME, asked, token_of, token_site, user_of
from .site import REDIRECT_URI, Framework, Site, new_provider
from .test_overlapping_refreshes import copy_of, visit_token
from .test_session import MANY_GROUPS
from .toolbox import toolbox

MakeSite = Callable[..., Site]
SESSIONS_IN = ("cookies", "sqlite")
SIGNALS: dict[str, Signal] = {name: getattr(signals, name) for name in signals.__all__}


@dataclass
class Ear:
    """Hears every signal of one app."""

    heard: list[tuple[str, dict[str, Any]]] = field(default_factory=list[tuple[str, dict[str, Any]]])

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.heard]

    def last(self) -> dict[str, Any]:
        return self.heard[-1][1]


Listen = Callable[..., Ear]


@pytest.fixture
def receive() -> Iterator[Callable[[Site, str, Callable[..., Any]], None]]:
    """Connects a receiver to a signal of a site's app, until the test ends."""
    with ExitStack() as connections:

        def connect(site: Site, name: str, receiver: Callable[..., Any]) -> None:
            connections.enter_context(SIGNALS[name].connected_to(receiver, sender=site.app))

        yield connect


@pytest.fixture
def listen(receive: Callable[..., None]) -> Listen:
    """Listens to a site, with receivers of one kind."""

    def to(site: Site, kind: Kind = "sync") -> Ear:
        ear = Ear()
        for name in SIGNALS:
            receive(site, name, _receiver(ear, name, kind))
        return ear

    return to


def _receiver(ear: Ear, name: str, kind: Kind) -> Callable[..., Any]:
    def hear(app: Any, **fields: Any) -> None:
        ear.heard.append((name, fields))

    async def hear_async(app: Any, **fields: Any) -> None:
        hear(app, **fields)

    return hear if kind == "sync" else hear_async


def failed_login(code: str, error: str | None = None, provider: str | None = "default") -> tuple[str, dict[str, Any]]:
    return "login_failed", {"provider": provider, "code": code, "error": error, "message": ANY}


# Signals


def test_a_login_and_a_logout_are_signalled(site: Site, listen: Listen, kind: Kind) -> None:
    ear = listen(site, kind)
    browser = logged_in(site)
    claims = browser.who()["id_token"]
    assert (claims["iss"], claims["sub"]) == (site.provider.issuer, "alice")
    assert ear.heard == [("logged_in", {"provider": "default", "claims": claims})]
    to_provider = browser.get("/logout").headers["location"]
    assert browser.come_back(site.provider.end_session(to_provider)).text == "logged out"
    assert ear.heard[1:] == [("logged_out", {"provider": "default", "reason": "user", "claims": claims})]


def test_a_page_that_is_only_visited_tells_nothing(site: Site, listen: Listen) -> None:
    browser = logged_in(site)
    ear = listen(site)
    assert [browser.get(path).status_code for path in ("/", "/private", "/who")] == [200, 200, 200]
    assert site.browser().get("/private").status_code == 302
    assert ear.heard == []


def test_without_a_receiver_nothing_is_sent(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def send(*_: Any, **__: Any) -> None:
        raise AssertionError("nobody listens")

    for signal in SIGNALS.values():
        monkeypatch.setattr(signal, "send", send)
        monkeypatch.setattr(signal, "send_async", send)
    browser = logged_in(site)
    assert browser.get("/logout").status_code == 303
    assert browser.get("/redirect_uri").status_code == 400


def test_a_logout_of_nobody_tells_nothing(site: Site, listen: Listen) -> None:
    ear = listen(site)
    assert site.browser().get("/logout").text == "logged out"
    assert ear.heard == []


def test_a_login_that_was_made_during_the_logout_ends_with_it(site: Site, listen: Listen) -> None:
    browser = logged_in(site)
    back = site.provider.end_session(browser.get("/logout").headers["location"])
    browser.log_in(user="bob")
    ear = listen(site)
    assert browser.come_back(back).text == "logged out"
    assert [(name, fields["claims"]["sub"]) for name, fields in ear.heard] == [("logged_out", "bob")]


def test_no_secret_is_in_a_signal(make_site: MakeSite, framework: Framework, listen: Listen) -> None:
    """threat model 250"""
    site = token_site(make_site, framework)
    ear = listen(site)
    browser = user_of(site)
    token_of(browser, "/token/new")
    browser.get("/logout")
    browser.come_back(browser.begin_login(consent=False))
    assert ear.names == ["logged_in", "token_refreshed", "logged_out", "login_failed"]
    registry = site.provider._registry
    secrets = {
        *registry.access_tokens,
        *registry.refresh_tokens,
        *registry.id_tokens,
        *registry.spent_codes,
        "secret1",
    }
    assert len(secrets) >= 7
    assert [secret for secret in secrets if secret in repr(ear.heard)] == []


def test_each_app_has_its_own(make_site: MakeSite, listen: Listen) -> None:
    here, elsewhere = make_site(), make_site()
    ear, other = listen(here), listen(elsewhere)
    logged_in(here)
    assert (ear.names, other.names) == (["logged_in"], [])


# Logins that fail


def test_the_signal_names_who_rejected_a_login(site: Site, listen: Listen, kind: Kind) -> None:
    ear = listen(site, kind)
    browser = site.browser()
    assert browser.come_back(browser.begin_login(consent=False)).status_code == 403
    assert ear.heard == [failed_login("authorization_refused", "access_denied")]
    assert ear.last()["message"] == (
        "The provider answered the login with the error 'access_denied'. The provider says: \"The user said no.\""
    )


@pytest.mark.parametrize(
    ("fault", "code", "error"),
    [
        (Fault.TOKEN_500, "provider_unreachable", None),
        (Fault.TOKEN_INVALID_CLIENT, "oauth_error", "invalid_client"),
        (Fault.ID_TOKEN_NONCE_WRONG, "claim_invalid", None),
        (Fault.ID_TOKEN_SIGNATURE_BROKEN, "signature_invalid", None),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_the_signal_says_why_a_login_failed(
    site: Site, listen: Listen, fault: Misbehaviour, code: str, error: str | None
) -> None:
    ear = listen(site)
    browser = site.browser()
    with site.provider.misbehaving(fault):
        browser.come_back(browser.begin_login())
    assert ear.heard == [failed_login(code, error)]


def test_a_login_that_can_not_be_begun_is_reported(site: Site, listen: Listen) -> None:
    ear = listen(site)
    with site.provider.misbehaving(Fault.DISCOVERY_RESET):
        assert site.browser().get("/private").status_code == 502
    assert ear.heard == [failed_login("provider_unreachable")]


def test_of_a_login_that_nobody_began_no_provider_is_known(site: Site, listen: Listen) -> None:
    ear = listen(site)
    assert site.browser().get("/redirect_uri?state=unknown&code=code").status_code == 400
    assert ear.heard == [failed_login("state_mismatch", provider=None)]


@in_cookies
def test_a_login_without_room_for_its_session_is_signalled(make_site: MakeSite, listen: Listen) -> None:
    provider = new_provider()
    provider.add_user("carol", claims={"groups": MANY_GROUPS})
    site = make_site(providers={"default": provider}, auth_request_params={"scope": "openid groups"})
    ear = listen(site)
    browser = site.browser()
    assert browser.come_back(browser.begin_login(user="carol")).status_code == 500
    assert [(name, fields["code"]) for name, fields in ear.heard] == [("login_failed", "session_too_large")]


@in_cookies  # with a store of its own
def test_an_outage_is_signalled_for_the_login_that_meets_it_and_no_logout_that_was_none(
    make_site: MakeSite, listen: Listen
) -> None:
    store = WatchedStore()
    site = make_site(config={"OIDC_STORE": store, "TESTING": False})
    browser, other = logged_in(site), site.browser()
    callback = other.begin_login()
    ear = listen(site)
    store.break_down("delete")
    assert browser.get("/logout").status_code == 503
    store.break_down()
    assert [browser.get(path).status_code for path in ("/private", "/logout")] == [503, 503]
    assert ear.heard == []
    assert other.come_back(callback).status_code == 503
    assert ear.heard == [failed_login("store_unavailable")]


def test_text_of_outsiders_is_signalled_without_line_ends(site: Site, listen: Listen) -> None:
    """threat model 256"""
    ear = listen(site)
    browser = site.browser()
    asked_with = dict(parse_qsl(urlsplit(browser.begin_login(consent=False).url).query))
    forged = urlencode({**asked_with, "error": "access_denied\r\n2026 INFO forged"})
    assert browser.come_back(Callback(url=f"{REDIRECT_URI}?{forged}")).status_code == 400
    assert ear.last()["error"].isprintable()
    assert ear.last()["message"].isprintable()
    assert "forged" in ear.last()["error"]


# Refreshes


def test_a_refresh_is_signalled(make_site: MakeSite, framework: Framework, listen: Listen, kind: Kind) -> None:
    site = token_site(make_site, framework)
    browser = user_of(site)
    ear = listen(site, kind)
    assert token_of(browser) is not None
    assert ear.heard == []
    site.provider.clock.advance(LIFETIME)
    assert token_of(browser) is not None
    assert ear.heard == [("token_refreshed", {"provider": "default", "claims": browser.who()["id_token"]})]


def test_one_refresh_for_many_requests_is_signalled_once(
    make_site: MakeSite, framework: Framework, listen: Listen
) -> None:
    site = token_site(make_site, framework)
    browser = user_of(site)
    ear = listen(site)
    site.provider.clock.advance(LIFETIME)
    crowd = [copy_of(browser) for _ in range(8)]
    late = copy_of(browser)
    pages = at_once(site, [visit_token] * len(crowd), crowd, threads=len(crowd))
    assert {page.status_code for page in pages} == {200}
    assert token_of(late) == pages[0].json()["token"]
    assert (asked(site.provider), ear.names) == (1, ["token_refreshed"])


def test_a_refresh_that_fails_is_signalled_once(make_site: MakeSite, framework: Framework, listen: Listen) -> None:
    site = token_site(make_site, framework)
    browser = user_of(site)
    claims = browser.who()["id_token"]
    ear = listen(site)
    site.provider.clock.advance(LIFETIME)
    with site.provider.misbehaving(Fault.TOKEN_INVALID_CLIENT):
        assert [token_of(browser) for _ in range(3)] == [None] * 3
    assert asked(site.provider) == 1
    failure = {"provider": "default", "code": "oauth_error", "error": "invalid_client", "message": ANY}
    assert [(name, {**fields, "claims": None}) for name, fields in ear.heard] == [
        ("refresh_failed", {**failure, "claims": None})
    ]
    assert ear.last()["claims"]["sub"] == claims["sub"] == "alice"


# Logouts that a provider asks for without success


@pytest.mark.sessions_in("memory")
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault.LOGOUT_TOKEN_ALG_NONE, "algorithm_not_allowed"),
        (harmless("its keys are out of reach", JWKS_REPLY(reset)), "provider_unreachable"),
    ],
    ids=str,
)
def test_a_rejected_logout_is_signalled(
    make_site: MakeSite, listen: Listen, kind: Kind, fault: Misbehaviour, code: str
) -> None:
    site = back_site(make_site)
    ear = listen(site, kind)
    with site.provider.misbehaving(fault):
        page = tell(site, site.provider.logout_token("client1", "alice", sid=False))
    assert page.status_code in (400, 503)
    failure = {"provider": "default", "code": code, "error": None, "message": ANY}
    assert ear.heard == [("logout_failed", failure)]


@pytest.mark.sessions_in("memory")
def test_a_token_that_is_used_twice_is_signalled(make_site: MakeSite, listen: Listen) -> None:
    site = back_site(make_site)
    token = site.provider.logout_token("client1", "alice", sid=False)
    assert tell(site, token).status_code == 200
    ear = listen(site)
    assert tell(site, token).status_code == 400
    assert (ear.names, ear.last()["code"]) == (["logout_failed"], "claim_invalid")
    assert token not in repr(ear.heard)


@pytest.mark.sessions_in("memory")
@pytest.mark.parametrize("token", ["no token", ""])
def test_no_provider_is_known_of_a_logout_that_none_of_our_providers_asks_for(
    make_site: MakeSite, listen: Listen, token: str
) -> None:
    site = back_site(make_site)
    ear = listen(site)
    assert tell(site, token).status_code == 400
    failure = {"provider": None, "code": "token_malformed", "error": None, "message": ANY}
    assert ear.heard == [("logout_failed", failure)]


# When


def test_a_receiver_finds_the_new_session_and_may_change_the_frameworks(
    site: Site, framework: Framework, receive: Callable[..., None], kind: Kind
) -> None:
    tools = toolbox(framework)

    def greet(app: Any, **_: Any) -> None:
        tools.session["greeting"] = tools.user_session(tools.session).id_token["sub"]

    async def greet_async(app: Any, **fields: Any) -> None:
        greet(app, **fields)

    site.app.add_url_rule("/greeting", "greeting", lambda: dict(tools.session))
    receive(site, "logged_in", greet if kind == "sync" else greet_async)
    assert logged_in(site).get("/greeting").json() == {"greeting": "alice"}


def test_a_receiver_that_raises_undoes_nothing(site: Site, receive: Callable[..., None], kind: Kind) -> None:
    calls: list[str] = []

    def fail(app: Any, **fields: Any) -> None:
        calls.append(fields["provider"])
        raise RuntimeError("the audit log is full")

    async def fail_async(app: Any, **fields: Any) -> None:
        fail(app, **fields)

    site.app.config.update(TESTING=False, PROPAGATE_EXCEPTIONS=False)
    for name in ("logged_in", "logged_out"):
        receive(site, name, fail if kind == "sync" else fail_async)
    browser = site.browser()
    assert browser.come_back(browser.begin_login()).status_code == 500
    assert browser.get("/private").text == "private"
    assert browser.get("/logout").status_code == 500
    assert is_anonymous(browser)
    assert calls == ["default", "default"]
