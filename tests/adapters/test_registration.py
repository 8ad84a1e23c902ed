"""Clients that register themselves at the first login, in both frameworks. contract.md 1; threat model 243, 244."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oidc_async import ClientKeys, ClientRegistrationInfo
from oidc_async.testing import Fault, SimulatedProvider
from tests.protocol.signing import private_rsa_jwk, rsa_key

from .at_once import Fetch, at_once
from .cookie_jar import jar_of, put
from .site import ORIGIN, REDIRECT_URI, Browser, Framework, Page, Site

MakeSite = Callable[..., Site]
CROWD = {"flask": 20, "quart": 50}
"""Threads in front of Flask, tasks in front of Quart."""
INFO = ClientRegistrationInfo(client_name="An application", contacts=["dev@rp.example"])


@pytest.fixture
def provider() -> SimulatedProvider:
    provider = SimulatedProvider()
    provider.open_registration()
    provider.add_user("alice", claims={"name": "Alice"})
    return provider


@pytest.fixture
def new_site(make_site: MakeSite, provider: SimulatedProvider) -> MakeSite:
    """Sites as worker processes have them, each with memory of its own."""

    def new(config: dict[str, Any] | None = None, **options: Any) -> Site:
        settings = {"client_metadata": None, "client_registration_info": INFO, **options}
        return make_site(config=config, providers={"default": provider}, **settings)

    return new


@pytest.fixture(params=["sqlite", "sqlite and cookies", "file"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """What workers need to have one registration."""
    if request.param == "file":
        return {"registration_file": tmp_path / "client.db"}
    in_cookies = request.param == "sqlite and cookies"
    return {"config": {"OIDC_STORE": f"sqlite://{tmp_path}/sessions.db", "OIDC_SESSION_IN_COOKIES": in_cookies}}


def registrations(provider: SimulatedProvider) -> int:
    return provider.count("registration", method="POST")


def move(browser: Browser, site: Site) -> Browser:
    """The same browser, whose next request another worker gets."""
    other = site.browser()
    put(other, jar_of(browser))
    return other


def test_the_first_login_registers(new_site: MakeSite, provider: SimulatedProvider) -> None:
    site = new_site()
    assert site.browser().get("/").text == "public"
    assert (provider.count("discovery"), registrations(provider)) == (0, 0)
    for _ in range(2):
        assert site.browser().log_in().text == "private"
    assert registrations(provider) == 1
    (sent,) = [seen.request for seen in provider.requests if seen.endpoint == "registration"]
    document = json.loads(sent.body)
    assert (document["redirect_uris"], document["client_name"]) == ([REDIRECT_URI], "An application")
    assert document["contacts"] == ["dev@rp.example"]


def test_the_keys_are_registered_where_they_are_published(new_site: MakeSite, provider: SimulatedProvider) -> None:
    """OIDC Registration 2: one or the other"""
    keys = ClientKeys.from_jwk(private_rsa_jwk(rsa_key()))
    by_value = new_site(client_keys=keys).browser()
    by_reference = new_site(client_keys=keys, config={"OIDC_JWKS_URI": f"{ORIGIN}/jwks"}).browser()
    for browser in (by_value, by_reference):
        browser.begin_login()
    bodies = [json.loads(seen.request.body) for seen in provider.requests if seen.endpoint == "registration"]
    assert [(body.get("jwks"), body.get("jwks_uri")) for body in bodies] == [
        (keys.jwks(), None),
        (None, f"{ORIGIN}/jwks"),
    ]


def test_the_logouts_that_the_application_takes_are_registered(
    new_site: MakeSite, provider: SimulatedProvider, tmp_path: Path
) -> None:
    """OIDC Back-Channel Logout 2.2, Front-Channel Logout 2"""
    config = {
        "OIDC_STORE": f"sqlite://{tmp_path}/sessions.db",
        "OIDC_BACKCHANNEL_LOGOUT_URI": f"{ORIGIN}/backchannel",
        "OIDC_FRONTCHANNEL_LOGOUT_URI": f"{ORIGIN}/frontchannel",
    }
    one, other = new_site(config), new_site(config)
    browser = one.browser()
    browser.log_in()
    # a worker that has never met the client ends its session
    answers = provider.log_out("alice", lambda uri, form: other.browser().post(uri, data=form))
    assert [answer.status_code for answer in answers] == [200]
    assert browser.get("/private").status_code == 302
    (client,) = provider.registered_clients
    assert client.frontchannel_logout_uri == f"{ORIGIN}/frontchannel"


def test_where_others_may_begin_a_login_is_registered(new_site: MakeSite, provider: SimulatedProvider) -> None:
    """OIDC Core 4"""
    new_site({"OIDC_INITIATE_LOGIN_URI": f"{ORIGIN}/initiate"}).browser().begin_login()
    (sent,) = [seen.request for seen in provider.requests if seen.endpoint == "registration"]
    assert json.loads(sent.body)["initiate_login_uri"] == f"{ORIGIN}/initiate"


def test_many_first_logins_register_one_client(
    new_site: MakeSite, framework: Framework, provider: SimulatedProvider
) -> None:
    site = new_site()
    crowd = [site.browser() for _ in range(CROWD[framework.name])]
    pages = at_once(site, [visit] * len(crowd), crowd, threads=len(crowd))
    assert {page.status_code for page in pages} == {302}
    assert registrations(provider) == 1


async def visit(fetch: Fetch) -> Page:
    return await fetch(f"{ORIGIN}/private")


def test_a_provider_that_fails_is_reported_and_tried_again(new_site: MakeSite, provider: SimulatedProvider) -> None:
    browser = new_site().browser()
    with provider.misbehaving(Fault.REGISTRATION_500):
        for _ in range(3):
            page = browser.get("/private")
            assert (page.status_code, page.headers["cache-control"]) == (502, "no-store")
        assert registrations(provider) == 1
    provider.clock.advance(2)
    assert browser.log_in().text == "private"


@pytest.mark.parametrize("fault", [Fault.REGISTRATION_REDIRECT_URI_DROPPED, Fault.REGISTRATION_ALG_UNKNOWN], ids=str)
def test_an_invalid_registration_lets_nobody_in(new_site: MakeSite, provider: SimulatedProvider, fault: Any) -> None:
    browser = new_site().browser()
    with provider.misbehaving(fault):
        assert browser.get("/private").status_code == 502
    assert browser.who() == {}


def test_workers_share_client_and_sessions(
    new_site: MakeSite, provider: SimulatedProvider, shared: dict[str, Any]
) -> None:
    one, other, late, last = (new_site(**shared) for _ in range(4))
    begun = one.browser()
    callback = begun.begin_login()
    # the login is finished by a worker that has never met the client
    finished = move(begun, other)
    assert finished.come_back(callback).status_code in (302, 303)
    assert finished.get("/private").text == "private"
    # and seen by one that has not either
    assert move(finished, late).get("/private").text == "private"
    # also where a page is for everybody, and only looks at the session
    assert move(finished, last).who()["userinfo"]["sub"] == "alice"
    assert registrations(provider) == 1


def test_a_session_ends_with_its_client(
    new_site: MakeSite, provider: SimulatedProvider, shared: dict[str, Any]
) -> None:
    """The tokens in it are nothing to the next one."""
    provider.open_registration(secret_seconds=3600)
    site = new_site(**shared)
    browser = site.browser()
    assert browser.log_in().text == "private"
    provider.clock.advance(3600)
    assert site.browser().log_in().text == "private"
    assert browser.get("/private").status_code == 302
    assert registrations(provider) == 2


def test_a_session_outlives_a_renewed_secret(
    new_site: MakeSite, provider: SimulatedProvider, shared: dict[str, Any]
) -> None:
    provider.open_registration(secret_seconds=3600, renews_secrets=True)
    site = new_site(**shared)
    browser = site.browser()
    assert browser.log_in().text == "private"
    provider.clock.advance(3600)
    assert site.browser().log_in().text == "private"
    assert browser.get("/private").text == "private"
    assert registrations(provider) == 1


def test_without_a_place_a_restart_registers_again_and_says_so(
    new_site: MakeSite, provider: SimulatedProvider, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        one = new_site().browser()
    assert "registration_file" in caplog.text
    assert one.log_in().text == "private"
    assert move(one, new_site()).get("/private").status_code == 302


def test_a_logout_returns_only_to_what_was_registered(new_site: MakeSite, provider: SimulatedProvider) -> None:
    """OIDC RP-Initiated Logout 2: the provider rejects all else"""
    browser = new_site().browser()
    browser.log_in()
    url = browser.get("/logout").headers["location"]
    assert "client_id=registered" in url
    assert "post_logout_redirect_uri" not in url
    info = INFO.copy(post_logout_redirect_uris=[f"{ORIGIN}/logout"])
    browser = new_site(client_registration_info=info).browser()
    browser.log_in()
    back = provider.end_session(browser.get("/logout").headers["location"])
    assert back.url.startswith(f"{ORIGIN}/logout?state=")
    assert browser.get(back.url).status_code == 200


def test_tokens_are_introspected_as_the_registered_client(
    new_site: MakeSite, framework: Framework, provider: SimulatedProvider
) -> None:
    from .api import api_views

    site = new_site(views=api_views(framework, "sync"))
    provider.register("another", redirect_uris=[REDIRECT_URI])
    token = provider.issue_access_token("another", username="alice", scope="read")
    headers = {"Authorization": f"Bearer {token}"}
    assert site.browser().get("/api", headers=headers).status_code == 403
    assert registrations(provider) == 1
    (client,) = provider.registered_clients
    own = provider.issue_access_token(client.client_id, username="alice", scope="read")
    headers = {"Authorization": f"Bearer {own}"}
    assert [site.browser().get("/api", headers=headers).status_code for _ in range(2)] == [200, 200]
    assert provider.count("introspection") == 2


def test_a_clients_registration_is_managed_by_its_party(
    new_site: MakeSite, framework: Framework, provider: SimulatedProvider
) -> None:
    site = new_site()
    site.browser().log_in()
    party = site.web.clients["default"]
    assert framework.run(party.update_registration(client_name="Another"))["client_name"] == "Another"
    framework.run(party.delete_registration())
    assert provider.registered_clients == ()
