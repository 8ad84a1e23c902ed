"""The provider over real sockets: pages for people, accidents for runtimes."""

import asyncio
import html
import re
import threading
import time
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from oidc_async import ClientMetadata, ProviderConfiguration, RelyingParty
from oidc_async.errors import OIDCError, ProviderTimeout, ProviderUnreachable, ResponseTooLarge
from oidc_async.http.settings import HttpSettings
from oidc_async.protocol.http_message import HttpRequest, HttpResponse
from oidc_async.runtime.async_runtime import AsyncRuntime
from oidc_async.runtime.blocking_runtime import BlockingRuntime
from oidc_async.runtime.sync_facade import run_without_loop
from oidc_async.testing import Callback, Fault, Misbehaviour, SimulatedProvider

from .conftest import SECRET
from .mini_relying_party import REDIRECT_URI, MiniRelyingParty, read

DEADLINE = 0.5
LONG_SECRET = "a client secret of the tests, as long as HS256 wants it"


class Person:
    """Somebody with a browser, who reads the page and fills in its form."""

    def __init__(self) -> None:
        self.browser = httpx.Client(trust_env=False)

    def open(self, url: str) -> httpx.Response:
        self.page = self.browser.get(url)
        return self.page

    def submit(self, answer: str = "allow", **fields: str) -> httpx.Response:
        """Send the form of the page that is open, by one of its buttons."""
        text = self.page.text
        (action,) = re.findall(r'<form method="post" action="([^"]*)"', text)
        names = re.findall(r'name="(\w+)"', text)
        assert set(fields) <= set(names)
        assert f'name="answer" value="{answer}"' in text
        hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', text)
        form = {name: html.unescape(value) for name, value in hidden}
        self.page = self.browser.post(html.unescape(action), data={**form, **fields, "answer": answer})
        return self.page


@pytest.fixture
def person() -> Iterator[Person]:
    person = Person()
    yield person
    person.browser.close()


@pytest.fixture
def served(provider: SimulatedProvider) -> Iterator[SimulatedProvider]:
    with provider.serve():
        yield provider


@pytest.fixture
def visitor(served: SimulatedProvider) -> MiniRelyingParty:
    return MiniRelyingParty(over_http, served.issuer, client_secret=SECRET)


def over_http(request: HttpRequest) -> HttpResponse:
    with httpx.Client(trust_env=False) as client:
        response = client.request(request.method, request.url, headers=dict(request.headers), content=request.body)
    headers = {name.lower(): value for name, value in response.headers.items()}
    return HttpResponse(status=response.status_code, headers=headers, body=response.content)


def answer_of(response: httpx.Response) -> dict[str, str]:
    assert response.status_code == 302, response.text
    return {name: values[0] for name, values in parse_qs(urlsplit(response.headers["location"]).query).items()}


# The address


def test_the_issuer_follows_and_comes_back(provider: SimulatedProvider) -> None:
    with provider.serve() as issuer:
        assert provider.issuer == issuer
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", issuer)
        assert 20_000 <= (urlsplit(issuer).port or 0) < 32_768
        assert MiniRelyingParty(over_http, issuer).discover()["issuer"] == issuer
    assert provider.issuer == "https://op.example"


def test_a_path_in_the_issuer_stays() -> None:
    with SimulatedProvider("https://op.example/tenant").serve() as issuer:
        assert issuer.endswith("/tenant")
        assert MiniRelyingParty(over_http, issuer).discover()["issuer"] == issuer


def test_a_port_can_be_chosen_and_taken_again(provider: SimulatedProvider) -> None:
    with provider.serve() as issuer:
        port = urlsplit(issuer).port or 0
        with pytest.raises(OSError, match="in use"), SimulatedProvider().serve(port):
            pass
    with provider.serve(port) as again:
        assert again == issuer


def test_nothing_is_left_behind(provider: SimulatedProvider) -> None:
    before = set(threading.enumerate())
    client = httpx.Client(trust_env=False)
    with provider.serve() as issuer:
        assert client.get(f"{issuer}/jwks").status_code == 200
        assert set(threading.enumerate()) > before
    assert set(threading.enumerate()) == before
    client.close()


# People


def test_a_person_logs_in(served: SimulatedProvider, visitor: MiniRelyingParty, person: Person) -> None:
    assert "Log in" in person.open(visitor.authorization_url()).text
    answer = answer_of(person.submit(username="alice", password="password"))
    tokens = read(visitor.ask_for_tokens({**visitor.code_form(Callback(url="")), "code": answer["code"]}))
    assert visitor.verified(tokens["id_token"])["sub"] == "alice"
    assert (answer["state"], answer["iss"]) == ("state1", served.issuer)


def test_a_wrong_password_is_reported_and_may_be_corrected(visitor: MiniRelyingParty, person: Person) -> None:
    person.open(visitor.authorization_url(state="a&b=\"'<c>", copy="1"))
    for username, password in (("alice", "wrong"), ("nobody", "password"), ("alice", "")):
        page = person.submit(username=username, password=password)
        assert (page.status_code, 'role="alert"' in page.text) == (400, True)
        assert "set-cookie" not in page.headers
    answer = answer_of(person.submit(username="alice", password="password"))
    assert ("code" in answer, answer["state"]) == (True, "a&b=\"'<c>")


def test_a_person_may_say_no(visitor: MiniRelyingParty, person: Person) -> None:
    person.open(visitor.authorization_url())
    answer = answer_of(person.submit("deny"))
    assert (answer["error"], "code" in answer) == ("access_denied", False)


def test_the_browser_stays_logged_in_until_logout(
    served: SimulatedProvider, visitor: MiniRelyingParty, person: Person
) -> None:
    person.open(visitor.authorization_url())
    assert "HttpOnly" in person.submit(username="alice", password="password").headers["set-cookie"]
    assert "code" in answer_of(person.open(visitor.authorization_url()))
    assert "code" in answer_of(person.open(visitor.authorization_url(prompt="none")))
    assert person.open(f"{served.issuer}/end_session").status_code == 200
    assert answer_of(person.open(visitor.authorization_url(prompt="none")))["error"] == "login_required"
    assert "Password" in person.open(visitor.authorization_url()).text
    other = Person()
    other.open(visitor.authorization_url())
    assert "code" in answer_of(other.submit(username="alice", password="password"))
    assert "Password" in person.open(visitor.authorization_url()).text
    other.browser.close()


def test_another_browser_is_a_stranger(visitor: MiniRelyingParty, person: Person) -> None:
    person.open(visitor.authorization_url())
    person.submit(username="alice", password="password")
    stranger = Person()
    assert "Password" in stranger.open(visitor.authorization_url()).text
    assert answer_of(stranger.open(visitor.authorization_url(prompt="none")))["error"] == "login_required"
    stranger.browser.close()


def test_a_login_is_asked_for_again(served: SimulatedProvider, visitor: MiniRelyingParty, person: Person) -> None:
    person.open(visitor.authorization_url())
    person.submit(username="alice", password="password")
    served.clock.advance(60)
    assert "Password" in person.open(visitor.authorization_url(prompt="login")).text
    assert "Password" in person.open(visitor.authorization_url(max_age="30")).text
    assert answer_of(person.open(visitor.authorization_url(max_age="30", prompt="none")))["error"] == "login_required"
    assert "code" in answer_of(person.open(visitor.authorization_url(max_age="90")))


def test_who_is_logged_in_may_choose_to_be_somebody_else(visitor: MiniRelyingParty, person: Person) -> None:
    person.open(visitor.authorization_url())
    person.submit(username="alice", password="password")
    assert "Password" in person.open(visitor.authorization_url(prompt="select_account")).text


@pytest.mark.parametrize(
    ("asked", "shown"), [({"prompt": "login"}, "Password"), ({"prompt": "consent"}, "Hello alice")]
)
def test_what_an_object_asks_for_is_asked_of_the_user(
    served: SimulatedProvider, person: Person, asked: dict[str, str], shown: str
) -> None:
    served.register("signing", LONG_SECRET, redirect_uris=[REDIRECT_URI], request_object_signing_alg="HS256")
    client = ClientMetadata("signing", LONG_SECRET, request_object_signing_alg="HS256")
    runtime = BlockingRuntime(clock=served.clock)
    configuration = ProviderConfiguration(
        served.issuer, client_metadata=client, request_object="value", runtime=runtime
    )
    party = RelyingParty(configuration, redirect_uri=REDIRECT_URI)
    person.open(party.begin_login().url)
    person.submit(username="alice", password="password")
    assert shown in person.open(party.begin_login(**asked).url).text
    assert "code" in answer_of(person.open(party.begin_login().url))


def test_consent_can_be_asked_for(visitor: MiniRelyingParty, person: Person) -> None:
    person.open(visitor.authorization_url())
    person.submit(username="alice", password="password")
    assert "Hello alice" in person.open(visitor.authorization_url(prompt="consent")).text
    assert "code" in answer_of(person.submit("allow"))
    person.open(visitor.authorization_url(prompt="consent"))
    assert answer_of(person.submit("deny"))["error"] == "access_denied"


def test_form_post_goes_through_a_page(visitor: MiniRelyingParty, person: Person) -> None:
    person.open(visitor.authorization_url(response_mode="form_post"))
    page = person.submit(username="alice", password="password")
    assert 'name="code"' in page.text
    assert "document.forms[0].submit()" in page.text


def test_a_strange_client_gets_no_login_page(visitor: MiniRelyingParty, person: Person) -> None:
    page = person.open(visitor.authorization_url(client_id="<script>"))
    assert (page.status_code, "<script>" in page.text) == (400, False)


@pytest.mark.parametrize("cookie", ["simulated_provider=guessed", "=;;\x7f", "simulated_provider"])
def test_a_guessed_cookie_is_nobody(visitor: MiniRelyingParty, person: Person, cookie: str) -> None:
    page = person.browser.get(visitor.authorization_url(), headers={"cookie": cookie})
    assert "Password" in page.text


def test_without_login_page_the_user_is_there_already(provider: SimulatedProvider, person: Person) -> None:
    with provider.serve(login_page=False) as issuer:
        visitor = MiniRelyingParty(over_http, issuer)
        assert "code" in answer_of(person.open(visitor.authorization_url()))


# Accidents, as the real runtimes meet them


ACCIDENTS = [
    (Fault.JWKS_SLOW, ProviderTimeout),
    (Fault.DISCOVERY_DRIP, ProviderTimeout),
    (Fault.JWKS_RESET, ProviderUnreachable),
    (Fault.DISCOVERY_CUT_OFF, ProviderUnreachable),
    (Fault.JWKS_ENDLESS, ResponseTooLarge),
    (Fault.JWKS_HUGE, ResponseTooLarge),
]


@pytest.mark.parametrize(
    ("fault", "error"),
    ACCIDENTS,
    ids=lambda value: str(value) if isinstance(value, Misbehaviour) else value.__name__,
)
@pytest.mark.parametrize("send", ["async", "blocking"])
def test_accidents_are_real(
    served: SimulatedProvider, fault: Misbehaviour, error: type[OIDCError], send: str
) -> None:
    path = "/jwks" if fault.name.startswith("JWKS") else "/.well-known/openid-configuration"
    request = HttpRequest(method="GET", url=served.issuer + path)
    began = time.monotonic()
    with served.misbehaving(fault), pytest.raises(error):
        (send_async if send == "async" else send_blocking)(request)
    assert time.monotonic() - began < 20 * DEADLINE


def send_async(request: HttpRequest) -> HttpResponse:
    async def send() -> HttpResponse:
        runtime = AsyncRuntime(HttpSettings(deadline=DEADLINE))
        try:
            return await runtime.send(request)
        finally:
            await runtime.aclose()

    return asyncio.run(send())


def send_blocking(request: HttpRequest) -> HttpResponse:
    runtime = BlockingRuntime(HttpSettings(deadline=DEADLINE))
    try:
        return run_without_loop(runtime.send(request))
    finally:
        runtime.close()


def test_the_gzip_bomb_travels_packed(served: SimulatedProvider) -> None:
    url = f"{served.issuer}/.well-known/openid-configuration"
    with served.misbehaving(Fault.DISCOVERY_GZIP_BOMB), httpx.stream("GET", url, trust_env=False) as response:
        assert response.headers["content-encoding"] == "gzip"
        assert int(response.headers["content-length"]) < 100_000


def test_a_slow_answer_ends_with_the_server(provider: SimulatedProvider) -> None:
    failures: list[BaseException] = []

    def ask(url: str) -> None:
        try:
            httpx.get(url, timeout=30, trust_env=False)
        except httpx.TransportError as error:
            failures.append(error)

    with provider.misbehaving(Fault.JWKS_SLOW), provider.serve() as issuer:
        thread = threading.Thread(target=ask, args=(f"{issuer}/jwks",))
        thread.start()
        while not provider.count("jwks"):
            time.sleep(0.01)
    thread.join(timeout=10)
    assert len(failures) == 1
