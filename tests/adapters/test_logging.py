"""What the log of an application holds, and what it never holds. threat model 252, 253, 256."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, urlencode, urlsplit

import httpx
import pytest

from oidc_async import BlockingRuntime, ClientMetadata
from oidc_async.protocol.response_type import RESPONSE_TYPES
from oidc_async.testing import Callback, Fault, Misbehaviour, SimulatedProvider
from oidc_async.testing.faults.responses import error
from oidc_async.testing.stages import TOKEN_REPLY, harmless

from .cookie_jar import jar_of
from .refresh_site import token_of, token_site
from .site import ORIGIN, REDIRECT_URI, SECRET_KEY, Browser, Framework, Site, new_provider

MakeSite = Callable[..., Site]
MakeRecorder = Callable[..., "Recorder"]
SECRET = "canary+secret/of=the client & more"
FORGED = "no\r\n2026-11-27 INFO forged\u2028\x1b[31m\x00"
WAYS = ("simulated", "over HTTP", "by a client of the caller's", "in the browser")
IN_THE_BROWSER = {
    "response_type": "code id_token token",
    "response_mode": "form_post",
    "scope": "openid profile offline_access",
}


class Recorder:
    """Logs in, refreshes, fails and logs out, and knows every secret of it."""

    def __init__(self, site: Site) -> None:
        self.site, self.browser = site, site.browser()
        self.known = {SECRET, quote(SECRET), quote_plus(SECRET), SECRET_KEY}

    def begin(self, browser: Browser, **authorize: Any) -> Callback:
        page = browser.get("/private")
        self.known |= {value for _, value in parse_qsl(urlsplit(page.headers["location"]).query) if len(value) == 43}
        self.known |= set(jar_of(browser).values())
        return self.site.provider.authorize(page.headers["location"], **authorize)

    def run(self) -> None:
        browser, provider = self.browser, self.site.provider
        for fault in (Fault.ID_TOKEN_SIGNATURE_BROKEN, Fault.TOKEN_INVALID_CLIENT, Fault.USERINFO_500):
            with provider.misbehaving(fault):
                assert browser.come_back(self.begin(browser)).status_code == 502
        assert browser.come_back(self.begin(browser, consent=False)).status_code == 403
        assert browser.come_back(self.begin(browser)).status_code in (302, 303)
        self.known |= set(jar_of(browser).values())
        assert token_of(browser, "/token/new") is not None
        with provider.misbehaving(Fault.TOKEN_INVALID_CLIENT):
            assert token_of(browser, "/token/new") is None
        self.known |= set(jar_of(browser).values())
        to_provider = browser.get("/logout").headers["location"]
        returned = provider.end_session(to_provider)
        self.known.add(dict(parse_qsl(urlsplit(to_provider).query))["state"])
        assert browser.come_back(returned).text == "logged out"

    @property
    def secrets(self) -> set[str]:
        registry = self.site.provider._registry
        issued = {*registry.access_tokens, *registry.refresh_tokens, *registry.id_tokens, *registry.codes}
        sent = {value for seen in self.site.provider.requests for value in self._form(seen.request.body)}
        segments = {part for token in registry.id_tokens for part in token.split(".")[1:3]}
        known = {*self.known, *issued, *segments, *registry.spent_codes, *sent} - {REDIRECT_URI, "authorization_code"}
        return {secret for secret in known if len(secret) > 15}

    @staticmethod
    def _form(body: bytes) -> list[str]:
        return [value for _, value in parse_qsl(body.decode())]


@contextmanager
def reached(framework: Framework, provider: SimulatedProvider, way: str) -> Iterator[dict[str, Any]]:
    """How the site reaches the provider: arguments of its ProviderConfiguration."""
    if way in ("simulated", "in the browser"):
        yield {} if way == "simulated" else {"auth_request_params": IN_THE_BROWSER}
        return
    with provider.serve(login_page=False):
        # nothing stays open that only its event loop could close
        limits = httpx.Limits(max_keepalive_connections=0)
        client = httpx.Client(limits=limits) if framework.name == "flask" else httpx.AsyncClient(limits=limits)
        yield {"runtime": None, "http_client": client if way == WAYS[2] else None}
        if isinstance(client, httpx.Client):
            client.close()


def lines_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Every line as a handler would write it, with tracebacks; except those of the browser of this test."""
    formatter = logging.Formatter("%(name)s %(message)s")
    lines = [formatter.format(record) for record in caplog.records]
    return [line for line in lines if f"HTTP Request: GET {ORIGIN}" not in line]


@pytest.mark.parametrize("way", WAYS)
def test_no_secret_is_in_any_line_of_any_logger(
    make_site: MakeSite, framework: Framework, caplog: pytest.LogCaptureFixture, way: str
) -> None:
    """threat model 252, 253"""
    caplog.set_level(logging.DEBUG)
    provider = new_provider()
    provider.register(
        "client1",
        SECRET,
        redirect_uris=[REDIRECT_URI],
        post_logout_redirect_uris=[f"{ORIGIN}/logout"],
        response_types=RESPONSE_TYPES,
    )
    with reached(framework, provider, way) as configuration:
        site = token_site(
            make_site,
            framework,
            providers={"default": provider},
            client_metadata=ClientMetadata("client1", SECRET),
            **configuration,
        )
        visit = Recorder(site)
        visit.run()
        lines, secrets = lines_of(caplog), visit.secrets
        for runtime in site.web.runtimes:
            # those for asyncio end with their event loop
            if isinstance(runtime, BlockingRuntime):
                runtime.close()
    assert len(secrets) > 40
    assert [secret for secret in secrets if any(secret in line for line in lines)] == []
    # of httpx2, where that is installed
    loggers = {line.partition(".")[0].partition(" ")[0].rstrip("2") for line in lines}
    assert {WAYS[1]: {"httpcore"}, WAYS[2]: {"httpx", "httpcore"}}.get(way, set()) <= loggers
    told = [line.rpartition(" (")[2] for line in lines if line.startswith("oidc_async") and line.endswith(")")]
    assert told == [
        *["signature_invalid)", "oauth_error)", "provider_unreachable)", "authorization_refused)"],
        "oauth_error)",
    ]


def test_successes_are_logged_at_the_level_debug(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "oidc_async")
    browser = site.browser()
    browser.log_in()
    browser.get("/logout")
    assert [(record.levelno, record.getMessage()) for record in caplog.records if "oidc" in record.name] == [
        (logging.DEBUG, "starting a login: provider 'default'"),
        (logging.DEBUG, "logged-in: provider 'default'"),
        (logging.DEBUG, "logged-out: provider 'default'"),
    ]


# Lines that nobody can forge


def answer_with(browser: Browser, **forged: str) -> None:
    parameters = dict(parse_qsl(urlsplit(browser.begin_login(consent=False).url).query))
    browser.come_back(Callback(url=f"{REDIRECT_URI}?{urlencode({**parameters, **forged})}"))


def rejected_with(name: str, description: str) -> Misbehaviour:
    return harmless("an error in its own words", TOKEN_REPLY(error(name, description=description)))


def login_rejected_with(browser: Browser, name: str, description: str) -> None:
    with browser.site.provider.misbehaving(rejected_with(name, description)):
        browser.come_back(browser.begin_login())


FORGERIES: dict[str, Callable[[Browser], object]] = {
    "error_description": lambda browser: answer_with(browser, error_description=FORGED),
    "error": lambda browser: answer_with(browser, error=FORGED),
    "error_uri": lambda browser: answer_with(browser, error_uri=FORGED),
    "iss": lambda browser: answer_with(browser, iss=FORGED),
    "state": lambda browser: answer_with(browser, state=FORGED),
    "name of a parameter": lambda browser: browser.get("/redirect_uri?" + urlencode([(FORGED, "1"), (FORGED, "2")])),
    "error of the token endpoint": lambda browser: login_rejected_with(browser, FORGED, "no"),
    "description of the token endpoint": lambda browser: login_rejected_with(browser, "invalid_request", FORGED),
    "host": lambda browser: browser.get("/private", headers={"Host": "evil.example\x1b\x7fforged"}),
    "state of a logout": lambda browser: browser.get("/logout?" + urlencode({"state": FORGED})),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_what_comes_from_outside_forges_no_line(site: Site, caplog: pytest.LogCaptureFixture, name: str) -> None:
    """threat model 256"""
    caplog.set_level(logging.DEBUG)
    FORGERIES[name](site.browser())
    messages = [record.getMessage() for record in caplog.records if record.name.startswith("oidc_async")]
    assert len([message for message in messages if not message.startswith("starting a login: ")]) >= 1
    assert [message for message in messages if not message.isprintable()] == []
