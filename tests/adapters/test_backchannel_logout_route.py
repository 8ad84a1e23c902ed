"""The route by which a provider ends sessions, in applications with stores and hooks. threat model 187, 191."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from oidc_async.errors import StoreUnavailable
from oidc_async.stores import MemoryStore
from oidc_async.web.signals import logged_out
from tests.web.watched_store import WatchedStore

from .cookie_jar import is_anonymous, logged_in
from .provider_logout import BACK, KEPT_IN, MakeSite, back_site, end, require_rejected, tell
from .site import ORIGIN, Framework, Site, new_provider
from .toolbox import toolbox

SESSIONS_IN = KEPT_IN
in_memory = pytest.mark.parametrize("sessions_in", ["memory"], indirect=True)


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return back_site(make_site)


# The store


class ForgetfulStore(WatchedStore):
    """A store that fails at the last step: when the use of a token is to be noted."""

    async def put_if_absent(self, key: str, value: bytes, seconds: float) -> bool:
        if self.calls.count("put_if_absent") >= 2:
            raise StoreUnavailable("The store is down.")
        return await super().put_if_absent(key, value, seconds)


@in_memory
@pytest.mark.parametrize("broken", ["get_many", "put_if_absent"])
def test_a_logout_that_did_not_happen_is_not_said_to_have_happened(make_site: MakeSite, broken: str) -> None:
    """threat model 187: and the same token does when the store is back"""
    store = WatchedStore()
    site = back_site(make_site, {"OIDC_STORE": store, "TESTING": False})
    browser = logged_in(site)
    token = site.provider.logout_token("client1", "alice")
    store.break_down(broken)
    page = tell(site, token)
    require_rejected(page, 503)
    assert page.headers["retry-after"] == "5"
    store.come_back()
    assert browser.get("/private").text == "private"
    assert tell(site, token).status_code == 200
    assert is_anonymous(browser)


@in_memory
def test_a_logout_that_happened_is_said_to_have_happened(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    """threat model 187: though the use of its token could not be noted"""
    site = back_site(make_site, {"OIDC_STORE": ForgetfulStore()})
    browser = logged_in(site)
    with caplog.at_level(logging.WARNING):
        assert end(site).status_code == 200
    assert is_anonymous(browser)
    assert "may be used again" in caplog.text


@in_memory
@pytest.mark.parametrize("in_cookies", [True, False])
def test_while_it_can_not_be_known_who_was_logged_out_nobody_is_let_in(make_site: MakeSite, in_cookies: bool) -> None:
    """contract.md 4"""
    store = WatchedStore()
    site = back_site(make_site, {"OIDC_STORE": store, "OIDC_SESSION_IN_COOKIES": in_cookies, "TESTING": False})
    browser = logged_in(site)
    store.break_down()
    assert browser.get("/private").status_code == 503
    assert browser.get("/who").status_code == 503
    assert browser.get("/").text == "public"
    store.come_back()
    assert browser.get("/private").text == "private"


# The application around it


@in_memory
def test_a_hook_that_asks_for_a_csrf_token_does_not_stand_in_the_way_of_this_route_alone(
    make_site: MakeSite, framework: Framework
) -> None:
    """threat model 191"""
    tools = toolbox(framework)

    def views(app: Any, auth: Any) -> None:
        framework.add_standard_views(app, auth)

        def require_csrf_token() -> Any:
            return ("a CSRF token is missing", 400) if tools.request.method == "POST" else None

        app.before_request(require_csrf_token)

    site = back_site(make_site, views=views)
    browser = logged_in(site)
    assert browser.post("/form").text == "a CSRF token is missing"
    assert end(site).status_code == 200
    assert is_anonymous(browser)


@in_memory
def test_below_a_path_it_is_where_the_setting_says(make_site: MakeSite) -> None:
    redirect_uri = f"{ORIGIN}/app/redirect_uri"
    config = {"OIDC_BACKCHANNEL_LOGOUT_URI": f"{ORIGIN}/app/backchannel_logout", "OIDC_REDIRECT_URI": redirect_uri}
    site = make_site(config=config, providers={"default": new_provider(redirect_uri=redirect_uri)}, root_path="/app")
    browser = site.browser()
    assert browser.log_in("/app/private").text == "private"
    form = {"logout_token": site.provider.logout_token("client1", "alice")}
    assert site.browser().get("/app/backchannel_logout").status_code == 405
    assert site.browser().post("/app/backchannel_logout", form).status_code == 200
    assert browser.get("/app/private").status_code == 302


@in_memory
def test_without_the_setting_there_is_no_such_route(make_site: MakeSite) -> None:
    site = make_site()
    browser = logged_in(site)
    assert end(site).status_code == 404
    assert browser.get("/private").text == "private"


@pytest.fixture
def heard(site: Site) -> Iterator[list[dict[str, Any]]]:
    told: list[dict[str, Any]] = []

    def receive(sender: Any, **fields: Any) -> None:
        told.append(fields)

    with logged_out.connected_to(receive, sender=site.app):
        yield told


@in_memory
def test_the_application_hears_of_it(site: Site, heard: list[dict[str, Any]]) -> None:
    browser = logged_in(site)
    sid = browser.who()["id_token"]["sid"]
    require_rejected(tell(site, "no.token"))
    assert heard == []
    assert end(site).status_code == 200
    claims = {"iss": site.provider.issuer, "sub": "alice", "sid": sid}
    assert heard == [{"provider": "default", "reason": "backchannel", "claims": claims}]


@in_memory
def test_no_log_tells_who_it_was(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """threat model 250, 252"""
    with caplog.at_level(logging.DEBUG):
        sid = logged_in(site).who()["id_token"]["sid"]
        token = site.provider.logout_token("client1", "alice")
        tell(site, token)
        tell(site, token)
    logged = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("oidc_async"))
    assert "jti" in logged
    assert not any(secret in logged for secret in (sid, token, "alice"))


# When the application starts


@pytest.mark.parametrize("sessions_in", ["cookies"], indirect=True)
def test_without_a_store_it_can_not_be(make_site: MakeSite) -> None:
    with pytest.raises(ValueError, match="OIDC_BACKCHANNEL_LOGOUT_URI needs OIDC_STORE"):
        back_site(make_site)


@pytest.mark.parametrize(
    ("config", "level", "said"),
    [
        ({}, logging.INFO, "OIDC_STORE is not set"),
        ({"OIDC_STORE": MemoryStore(), "OIDC_BACKCHANNEL_LOGOUT_URI": BACK}, logging.WARNING, "with a memory store"),
        (
            {"OIDC_FRONTCHANNEL_LOGOUT_URI": f"{ORIGIN}/front"},
            logging.WARNING,
            "from a frame in a page of the provider",
        ),
    ],
    ids=["no store", "memory", "frames"],
)
@pytest.mark.parametrize("sessions_in", ["cookies"], indirect=True)
def test_what_a_store_would_be_needed_for_is_said_once(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture, config: dict[str, Any], level: int, said: str
) -> None:
    with caplog.at_level(logging.INFO):
        site = make_site(config=config)
        logged_in(site)
    found = [record for record in caplog.records if said in record.getMessage()]
    assert [record.levelno for record in found] == [level]


@pytest.mark.parametrize("sessions_in", ["sqlite"], indirect=True)
def test_with_a_store_for_all_there_is_nothing_to_say(make_site: MakeSite, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        back_site(make_site)
    assert not [record for record in caplog.records if record.name == "oidc_async.settings"]
