"""Logins whose requests are objects, by value or fetched from the application. threat model 264, 265."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from oidc_async import ClientKeys, ClientMetadata, ClientRegistrationInfo, ConfigurationError
from oidc_async.protocol.http_message import HttpResponse
from oidc_async.protocol.response_type import RESPONSE_TYPES
from oidc_async.stores import MemoryStore
from oidc_async.testing import SimulatedProvider
from tests.protocol.signing import private_rsa_jwk, public_jwk, rsa_key

from .site import ORIGIN, REDIRECT_URI, Browser, Framework, Page, Site
from .test_mounts import BELOW, FRONTS, Front, browser_before

OBJECTS = f"{ORIGIN}/request"
KEYS = ClientKeys.from_jwk(private_rsa_jwk(rsa_key(), kid="mine"))
BY_REFERENCE: dict[str, Any] = {"client_keys": KEYS, "request_object": "reference"}
MakeSite = Callable[..., Site]


def new_provider() -> SimulatedProvider:
    provider = SimulatedProvider()
    jwks = {"keys": [public_jwk(rsa_key(), kid="mine", use="sig")]}
    provider.register(
        "client1", "secret1", redirect_uris=[REDIRECT_URI, BELOW], response_types=RESPONSE_TYPES, jwks=jwks
    )
    provider.add_user("alice")
    return provider


def fetching(browser: Browser) -> Callable[[str], HttpResponse]:
    """What a provider does that asks the application, as nobody's browser."""

    def fetch(url: str) -> HttpResponse:
        page = browser.get(url)
        return HttpResponse(status=page.status_code, headers=dict(page.headers), body=page.content)

    return fetch


@pytest.fixture
def provider() -> SimulatedProvider:
    return new_provider()


@pytest.fixture
def by_reference(make_site: MakeSite, provider: SimulatedProvider) -> MakeSite:
    """A site whose requests are fetched, by the provider that a login of it meets."""

    def make(config: dict[str, Any] | None = None, **options: Any) -> Site:
        settings = {"OIDC_REQUEST_URI": OBJECTS, "OIDC_STORE": MemoryStore(), **(config or {})}
        site = make_site(settings, providers={"default": provider}, **{**BY_REFERENCE, **options})
        provider.fetch = fetching(site.browser())
        return site

    return make


def request_uri_of(page: Page) -> str:
    (uri,) = parse_qs(urlsplit(page.headers["location"]).query)["request_uri"]
    return uri


def test_a_login_by_value(make_site: MakeSite, provider: SimulatedProvider) -> None:
    site = make_site(providers={"default": provider}, client_keys=KEYS, request_object="value")
    browser = site.browser()
    assert "request=" in browser.get("/private").headers["location"]
    assert browser.log_in().text == "private"


def test_a_login_by_reference(by_reference: MakeSite) -> None:
    site = by_reference()
    browser = site.browser()
    assert browser.log_in().text == "private"
    assert browser.who()["current_provider"] == "default"


def test_what_is_fetched_says_what_it_is_and_is_kept_by_nobody(by_reference: MakeSite) -> None:
    site = by_reference()
    uri = request_uri_of(site.browser().get("/private"))
    page = site.browser().get(uri)
    assert (page.status_code, page.headers["content-type"]) == (200, "application/oauth-authz-req+jwt")
    assert page.headers["cache-control"] == "no-store"
    assert page.text.count(".") == 2
    assert "set-cookie" not in page.headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_it_is_only_read(by_reference: MakeSite, method: str) -> None:
    site = by_reference()
    uri = request_uri_of(site.browser().get("/private"))
    assert site.browser().request(method, uri).status_code == 405
    assert site.browser().get(uri).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        lambda uri: uri.replace(uri[-10], "A" if uri[-10] != "A" else "B"),
        lambda uri: uri.removesuffix(".jwt"),
        lambda uri: f"{uri}/",
        lambda uri: f"{OBJECTS}/{43 * 'a'}.jwt",
        lambda uri: f"{OBJECTS}/..%2f{uri.rpartition('/')[2]}",
        lambda uri: f"{OBJECTS}/{5000 * 'a'}.jwt",
        lambda uri: f"{OBJECTS}/%00.jwt",
        lambda uri: f"{OBJECTS}/",
        lambda uri: OBJECTS,
    ],
    ids=[
        "another character",
        "no extension",
        "a slash behind",
        "an unknown name",
        "a parent directory",
        "a long name",
        "a NUL",
        "no name",
        "the directory",
    ],
)
def test_there_is_nothing_else(by_reference: MakeSite, change: Callable[[str], str]) -> None:
    site = by_reference()
    uri = request_uri_of(site.browser().get("/private"))
    assert site.browser().get(change(uri)).status_code == 404


@pytest.mark.parametrize("name", ["a.jwt", f"{44 * 'a'}.jwt", f"{43 * 'a'}.txt", f"{42 * 'a'}!.jwt"])
def test_the_store_is_asked_for_nothing_else(
    by_reference: MakeSite, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    site = by_reference()

    async def fail(*_: object) -> None:
        raise AssertionError("the store was asked")

    monkeypatch.setattr(MemoryStore, "get_many", fail)
    assert site.browser().get(f"{OBJECTS}/{name}").status_code == 404


def test_logins_that_anybody_begins_push_no_session_out(by_reference: MakeSite) -> None:
    site = by_reference({"OIDC_STORE": MemoryStore(entries=8)})
    browser = site.browser()
    browser.log_in()
    objects = [request_uri_of(site.browser().get("/private")) for _ in range(20)]
    assert browser.get("/private").text == "private"
    assert site.browser().get(objects[-1]).status_code == 200


def test_applications_of_one_process_find_each_other_s_objects_in_memory(by_reference: MakeSite) -> None:
    config = {"OIDC_STORE": MemoryStore()}
    one, other = by_reference(config), by_reference(config)
    assert other.browser().get(request_uri_of(one.browser().get("/private"))).status_code == 200


def test_an_object_ends_with_the_time_that_its_login_may_take(
    by_reference: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[float] = []
    site = by_reference({"OIDC_LOGIN_SECONDS": 300})
    put = MemoryStore.put

    async def seen(store: MemoryStore, key: str, value: bytes, seconds: float) -> None:
        kept.append(seconds)
        await put(store, key, value, seconds)

    monkeypatch.setattr(MemoryStore, "put", seen)
    site.browser().get("/private")
    assert kept == [300]


@pytest.mark.parametrize("in_cookies", [False, True])
def test_another_worker_has_it_too(
    make_site: MakeSite, provider: SimulatedProvider, tmp_path: Path, in_cookies: bool
) -> None:
    config = {
        "OIDC_REQUEST_URI": OBJECTS,
        "OIDC_STORE": f"sqlite://{tmp_path}/store.db",
        "OIDC_SESSION_IN_COOKIES": in_cookies,
    }
    one, other = (make_site(config, providers={"default": provider}, **BY_REFERENCE) for _ in range(2))
    provider.fetch = fetching(other.browser())
    assert one.browser().log_in().text == "private"


def test_who_reads_the_store_reads_no_request(by_reference: MakeSite, tmp_path: Path) -> None:
    site = by_reference({"OIDC_STORE": f"sqlite://{tmp_path}/store.db"})
    uri = request_uri_of(site.browser().get("/private"))
    token = site.browser().get(uri).text
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert token.split(".")[1].encode() not in kept
    assert uri.rpartition("/")[2].removesuffix(".jwt").encode() not in kept


def test_applications_with_one_store_have_their_own(by_reference: MakeSite) -> None:
    store = MemoryStore()
    one, other = (
        by_reference({"OIDC_REQUEST_URI": uri, "OIDC_STORE": store}) for uri in (OBJECTS, f"{ORIGIN}/other")
    )
    uri = request_uri_of(one.browser().get("/private"))
    assert other.browser().get(uri.replace("/request/", "/other/")).status_code == 404


@pytest.mark.parametrize(("framework", "front"), FRONTS)
def test_it_is_found_below_a_path(by_reference: MakeSite, front: Front) -> None:
    site = by_reference({"OIDC_REDIRECT_URI": BELOW, "OIDC_REQUEST_URI": f"{ORIGIN}/app/my%20request"})
    browser = browser_before(site, front)
    uri = request_uri_of(browser.get("/app/private"))
    assert uri.startswith(f"{ORIGIN}/app/my%20request/")
    assert browser.get(uri).text.count(".") == 2
    assert browser.get(f"{ORIGIN}/app/my%20request").status_code == 404
    assert browser.get(f"{ORIGIN}/app/my%20request/a/{uri.rpartition('/')[2]}").status_code == 404


@pytest.mark.parametrize("mode", ["query", "fragment", "form_post"])
@pytest.mark.parametrize("response_type", ["code", "code id_token"])
def test_responses_come_by_every_way(by_reference: MakeSite, response_type: str, mode: str) -> None:
    if (response_type, mode) == ("code id_token", "query"):
        mode = "form_post"
    site = by_reference(auth_request_params={"response_type": response_type, "response_mode": mode})
    assert site.browser().log_in().text == "private"


def test_a_session_is_renewed_unseen(by_reference: MakeSite, provider: SimulatedProvider) -> None:
    browser = by_reference(session_refresh_interval_seconds=60).browser()
    browser.log_in()
    provider.clock.advance(61)
    assert browser.log_in().text == "private"
    provider.sign_out("alice")
    provider.clock.advance(61)
    callback = browser.begin_login()
    assert callback.get("error") == "login_required"


def test_a_third_party_initiated_login(by_reference: MakeSite, provider: SimulatedProvider) -> None:
    browser = by_reference({"OIDC_INITIATE_LOGIN_URI": f"{ORIGIN}/initiate"}).browser()
    callback = browser.begin_login(
        f"/initiate?iss={provider.issuer}&login_hint=alice&target_link_uri={ORIGIN}/private"
    )
    assert urlsplit(browser.come_back(callback).headers["location"]).path == "/private"


def test_a_store_that_is_down_lets_no_login_begin(by_reference: MakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    from oidc_async.errors import StoreUnavailable

    site = by_reference()

    async def fail(*_: object) -> None:
        raise StoreUnavailable("the store is down")

    monkeypatch.setattr(MemoryStore, "put", fail)
    page = site.browser().get("/private")
    assert page.status_code == 503
    assert "location" not in page.headers


def test_a_client_registers_where_its_objects_are(
    by_reference: MakeSite, make_site: MakeSite, provider: SimulatedProvider
) -> None:
    provider.open_registration()
    options = {"client_metadata": None, "client_registration_info": ClientRegistrationInfo()}
    assert by_reference(**options).browser().log_in().text == "private"
    (client,) = provider.registered_clients
    assert client.request_uris == (OBJECTS,)


REJECTED: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({}, BY_REFERENCE, "OIDC_REQUEST_URI"),
    ({"OIDC_REQUEST_URI": OBJECTS}, BY_REFERENCE, "OIDC_STORE"),
    ({"OIDC_REQUEST_URI": OBJECTS, "OIDC_STORE": "memory:"}, {}, 'request_object="reference"'),
    (
        {"OIDC_REQUEST_URI": f"{OBJECTS}/", "OIDC_STORE": "memory:"},
        BY_REFERENCE,
        "OIDC_REQUEST_URI must not end with a slash",
    ),
    ({"OIDC_REQUEST_URI": f"{OBJECTS}?a", "OIDC_STORE": "memory:"}, BY_REFERENCE, "query"),
    ({"OIDC_REQUEST_URI": "http://rp.example/r", "OIDC_STORE": "memory:"}, BY_REFERENCE, "https"),
    ({"OIDC_REQUEST_URI": REDIRECT_URI, "OIDC_STORE": "memory:"}, BY_REFERENCE, "path of its own"),
    (
        {"OIDC_REQUEST_URI": "http://127.0.0.1/r", "OIDC_STORE": "memory:"},
        {"request_object": "reference", "unsigned_request_objects": True},
        "must use https",
    ),
]


@pytest.mark.parametrize(("config", "options", "words"), REJECTED)
def test_what_can_not_be_stops_the_application(
    make_site: MakeSite, config: dict[str, Any], options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        make_site(config, **options)


def test_the_setting_is_named_when_a_provider_takes_none(
    make_site: MakeSite, provider: SimulatedProvider, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_site(
        {"OIDC_REQUEST_URI": OBJECTS, "OIDC_STORE": MemoryStore()}, providers={"default": provider}, **BY_REFERENCE
    )
    with caplog.at_level(logging.INFO):
        assert site.browser().get("/private").status_code == 500
    assert "request_uri_parameter_supported" in caplog.text


def test_with_memory_alone_it_is_said_that_one_process_will_do(
    by_reference: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        by_reference()
    assert len([line for line in caplog.messages if "OIDC_REQUEST_URI with a memory store" in line]) == 1


def test_an_unsigned_one_is_fetched_from_the_app_that_asked_for_it(
    make_site: MakeSite, framework: Framework, provider: SimulatedProvider
) -> None:
    provider.register("client1", "secret1", redirect_uris=[REDIRECT_URI], request_object_signing_alg="none")
    site = make_site(
        {"OIDC_REQUEST_URI": OBJECTS, "OIDC_STORE": MemoryStore()},
        providers={"default": provider},
        client_metadata=ClientMetadata("client1", "secret1", request_object_signing_alg="none"),
        request_object="reference",
        unsigned_request_objects=True,
    )
    provider.fetch = fetching(site.browser())
    assert site.browser().log_in().text == "private"
