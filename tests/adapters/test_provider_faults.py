"""Every way in which a provider can misbehave, met by a login: the rows of the threat model that `Fault` names.

A rejected one ends the login with the right status and code, leaves any session as it was, costs at most one token
request, and shows nothing of the inside. A harmless one disturbs nothing.
"""

import logging
import re
from collections.abc import Callable
from dataclasses import replace
from html import escape
from urllib.parse import parse_qsl, quote, quote_plus, urlsplit

import pytest

from oidc_async import ClientMetadata
from oidc_async.errors import OIDCError
from oidc_async.testing import ALL_FAULTS, Callback, Misbehaviour, SimulatedProvider
from oidc_async.web.http.login_errors import EXPLANATIONS, PAGE

from .site import REDIRECT_URI, Browser, Page, Site, new_provider

SECRET = "a client secret of the tests, 32+"
LONGEST_URL = 60_000
"""Characters; httpx sends no URL that is much longer."""

REJECTED = [fault for fault in ALL_FAULTS if fault.rejected]
HARMLESS = [fault for fault in ALL_FAULTS if fault.harmless]
EITHER = [fault for fault in ALL_FAULTS if not fault.rejected and not fault.harmless]
AFTER_DISCOVERY = [fault for fault in REJECTED if not fault.name.startswith(("DISCOVERY_", "JWKS_"))]

OUTCOMES: list[tuple[str, int, str]] = [
    (r"\w+_(SLOW|DRIP)", 504, "provider_timeout"),
    (r"\w+_(RESET|CUT_OFF)|TOKEN_(500|BUSY)|USERINFO_500", 502, "provider_unreachable"),
    (r"(DISCOVERY|JWKS|TOKEN|USERINFO)_(HUGE|ENDLESS|GZIP_BOMB)", 502, "response_too_large"),
    (r"DISCOVERY_ISSUER_\w+", 502, "issuer_mismatch"),
    (r"DISCOVERY_\w+", 502, "metadata_invalid"),
    (r"JWKS_(OTHER_ALG|RSA_\w+|OUTDATED)", 502, "key_not_found"),
    (r"JWKS_NO_KID_SEVERAL_FIT", 502, "key_ambiguous"),
    (r"JWKS_SAME_KID_OTHER_KEY", 502, "signature_invalid"),
    (r"JWKS_\w+", 502, "jwks_invalid"),
    (r"AUTHORIZATION_(STATE_MISSING|EMPTY)", 400, "state_missing"),
    (r"AUTHORIZATION_(STATE_WRONG|OTHER_CHANNEL)", 400, "state_mismatch"),
    (r"AUTHORIZATION_\w+_TWICE", 400, "duplicate_parameter"),
    (r"AUTHORIZATION_ACCESS_DENIED", 403, "authorization_refused"),
    (
        r"AUTHORIZATION_(\w+_REQUIRED|TEMPORARILY_UNAVAILABLE|SERVER_ERROR|ERROR_\w+|CODE_AND_ERROR)",
        400,
        "authorization_refused",
    ),
    (r"AUTHORIZATION_CODE_WRONG", 400, "oauth_error"),
    (r"AUTHORIZATION_\w+", 400, "authorization_response_invalid"),
    (r"TOKEN_(INVALID_GRANT|ERROR_MARKUP|ERROR_LONG)", 400, "oauth_error"),
    (r"TOKEN_(INVALID_CLIENT|ERROR_NOT_TEXT|ERROR_HTML|USE_DPOP_NONCE)", 502, "oauth_error"),
    (r"TOKEN_ID_TOKEN_EMPTY", 502, "token_malformed"),
    # an error is one, whatever its status: here invalid_grant
    (r"TOKEN_ERROR_WITH_200", 400, "oauth_error"),
    (r"TOKEN_\w+", 502, "token_response_invalid"),
    (r"ID_TOKEN_(ALG|HS256|OTHER)_\w+|ID_TOKEN_HEADER_EMPTY", 502, "algorithm_not_allowed"),
    (r"ID_TOKEN_(SIGNATURE|ECDSA)_\w+", 502, "signature_invalid"),
    (r"ID_TOKEN_(KID_UNKNOWN|KID_PATH|\w+_INJECTED)", 502, "key_not_found"),
    (r"ID_TOKEN_EXP_PAST", 502, "token_expired"),
    (r"ID_TOKEN_\w+_(NAN|INFINITY|OVERFLOW|HUGE_INTEGER|ENDLESS_INTEGER|SURROGATE)", 502, "token_malformed"),
    (r"ID_TOKEN_(KID|CRIT|B64|HEADER|PAYLOAD)_\w+", 502, "token_malformed"),
    (r"ID_TOKEN_(JSON_\w+|LEADING_\w+|TRAILING_\w+|PADDED|STANDARD_\w+|\w+_SEGMENTS?)", 502, "token_malformed"),
    (r"ID_TOKEN_\w+", 502, "claim_invalid"),
    (r"USERINFO_\w+", 502, "userinfo_invalid"),
]
"""Status and code by the name of the fault: the first that fits counts."""

NewSite = Callable[..., Site]


def outcome_of(fault: Misbehaviour) -> tuple[int, str]:
    return next((status, code) for names, status, code in OUTCOMES if re.fullmatch(names, fault.name))


def provider_for(fault: Misbehaviour, issuer: str = "https://op.example") -> SimulatedProvider:
    provider = new_provider(issuer)
    alg = fault.needs_alg
    provider.register("client1", SECRET, redirect_uris=[REDIRECT_URI], id_token_signed_response_alg=alg)
    return provider


def site_for(make_site: NewSite, fault: Misbehaviour) -> Site:
    """A site with the provider that will misbehave, and another one."""
    providers = {"default": provider_for(fault), "other": provider_for(fault, "https://other.example")}
    client = ClientMetadata("client1", SECRET, id_token_signed_response_alg=fault.needs_alg)
    return make_site(providers=providers, client_metadata=client, auth_request_params=dict(fault.needs))


def come_back(browser: Browser, callback: Callback) -> Page:
    return browser.come_back(replace(callback, url=callback.url[:LONGEST_URL]))


def log_in(browser: Browser) -> Page:
    """The last page of a login, or the first one that is not a redirect to the provider."""
    page = browser.get("/private")
    if page.status_code != 302:
        return page
    return come_back(browser, browser.site.provider.authorize(page.headers["location"]))


def error_of(caplog: pytest.LogCaptureFixture) -> OIDCError:
    """The one error that was answered with a page."""
    (record,) = [record for record in caplog.records if record.name == "oidc_async.login"]
    assert isinstance(record.args, tuple)
    error = record.args[0]
    assert isinstance(error, OIDCError)
    return error


def require_plain_page(page: Page, status: int) -> None:
    """The page of this status, without one word of what happened."""
    explanation = EXPLANATIONS.get(status, "The login could not be completed.")
    assert page.status_code == status
    assert page.text == PAGE.format(explanation=explanation, reason="", home=escape("/"))
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "no-store" in page.headers["cache-control"]
    assert page.headers["referrer-policy"] == "no-referrer"


def secrets_of(provider: SimulatedProvider, requested: str) -> set[str]:
    """What this provider and this login know and nobody else must; `requested` is the authentication request."""
    registry = provider._registry
    handed_out = {*registry.codes, *registry.spent_codes, *registry.access_tokens, *registry.id_tokens}
    form = [value for seen in provider.requests for name, value in parse_qsl(seen.request.body.decode())]
    query = dict(parse_qsl(urlsplit(requested).query))
    known = {SECRET, quote(SECRET), quote_plus(SECRET), query["nonce"], *handed_out, *form}
    return {secret for secret in known if len(secret) > 15 and secret not in ("authorization_code", REDIRECT_URI)}


@pytest.mark.parametrize("fault", REJECTED, ids=str)
def test_a_rejected_fault_ends_the_login_and_nothing_else(
    make_site: NewSite, fault: Misbehaviour, caplog: pytest.LogCaptureFixture
) -> None:
    """The session at another provider stays."""
    site = site_for(make_site, fault)
    browser = site.browser()
    browser.log_in("/private-other")
    before = browser.who()
    assert before["current_provider"] == "other"
    status, code = outcome_of(fault)
    with site.provider.misbehaving(fault):
        page = log_in(browser)
    require_plain_page(page, status)
    assert error_of(caplog).code == code
    assert browser.who() == before
    assert site.provider.count("token") <= 1
    assert site.provider.count("elsewhere") == 0
    assert site.providers[1].count("token") == 1


@pytest.mark.parametrize("fault", AFTER_DISCOVERY, ids=str)
def test_a_rejected_fault_leaves_the_session_at_the_same_provider(
    make_site: NewSite, fault: Misbehaviour, caplog: pytest.LogCaptureFixture
) -> None:
    """A login in a second tab, by another user, fails: the first user stays, and nothing secret shows anywhere.

    threat model 256: nor is a line of the log forged.
    """
    caplog.set_level(logging.DEBUG)
    site = site_for(make_site, fault)
    browser = site.browser()
    second = browser.get("/private").headers["location"]
    browser.log_in()
    before = browser.who()
    assert before["id_token"]["sub"] == "alice"
    with site.provider.misbehaving(fault):
        page = come_back(browser, site.provider.authorize(second, user="bob"))
    require_plain_page(page, outcome_of(fault)[0])
    assert browser.who() == before
    assert site.provider.count("token") <= 2
    # the browser of this test logs as well
    records = [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    texts = [page.text, str(page.headers), *(record.getMessage() for record in records)]
    assert [secret for secret in secrets_of(site.provider, second) if any(secret in text for text in texts)] == []
    ours = [record.getMessage() for record in records if record.name.startswith("oidc_async")]
    assert [line for line in ours if not line.isprintable()] == []


@pytest.mark.parametrize("fault", HARMLESS, ids=str)
def test_a_harmless_fault_disturbs_nothing(make_site: NewSite, fault: Misbehaviour) -> None:
    site = site_for(make_site, fault)
    browser = site.browser()
    with site.provider.misbehaving(fault):
        assert browser.log_in().text == "private"
    assert browser.who()["id_token"]["iss"] == site.provider.issuer
    assert browser.who()["id_token"]["sub"] == "alice"
    assert site.provider.count("token") == 1
    assert site.provider.count("elsewhere") == 0


@pytest.mark.parametrize("fault", EITHER, ids=str)
def test_another_fault_brings_a_login_or_a_plain_page(
    make_site: NewSite, fault: Misbehaviour, caplog: pytest.LogCaptureFixture
) -> None:
    site = site_for(make_site, fault)
    browser = site.browser()
    with site.provider.misbehaving(fault):
        page = log_in(browser)
    if page.status_code == 302:
        assert browser.who()["id_token"]["sub"] == "alice"
    else:
        require_plain_page(page, 502)
        assert error_of(caplog).code in (
            "claim_invalid",
            "token_response_invalid",
            "jwks_invalid",
            "userinfo_invalid",
        )
        assert browser.who() == {}
    assert site.provider.count("token") == 1


def test_every_fault_has_an_outcome() -> None:
    known = [names for names, *_ in OUTCOMES]
    assert [fault.name for fault in REJECTED if not any(re.fullmatch(names, fault.name) for names in known)] == []
    assert len(REJECTED) > 200
    assert len(HARMLESS) > 20
