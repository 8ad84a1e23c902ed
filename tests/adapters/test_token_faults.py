"""Every misbehaviour of a provider, met by a call to an API: the rows of the threat model that `Fault` names.

A rejected one ends in a status of contract.md 4 and never in the view; a harmless one disturbs nothing. Whatever goes
wrong, no token and no secret shows in a response or in a log.
"""

import logging
import re

import pytest

from oidc_async import ClientMetadata
from oidc_async.testing import API_FAULTS, Misbehaviour

from .api import Api, MakeApi, challenge_of
from .site import Page, new_provider

SECRET = "canary-4711-of-the-client"

REJECTED = [fault for fault in API_FAULTS if fault.rejected]
HARMLESS = [fault for fault in API_FAULTS if fault.harmless]
EITHER = [fault for fault in API_FAULTS if not fault.rejected and not fault.harmless]

OUTCOMES: list[tuple[str, int]] = [
    # the introspection response can't be read, or not be trusted: nothing is known of the token
    (r"INTROSPECTION_JWT_\w+", 503),
    (r"INTROSPECTION_EXP_(NAN|OVERFLOW|ENDLESS_INTEGER)", 503),
    # the introspection response can be read, and is not valid
    (r"INTROSPECTION_UNSUPPORTED", 403),
    (r"INTROSPECTION_(ACTIVE|INACTIVE|EXP|NBF|IAT|ISS|AUD|SCOPE|SUB|CNF|TYP|TOKEN)_\w+", 403),
    (r"INTROSPECTION_\w+", 503),
    # no bearer token at all, or too long for one
    (r"ACCESS_TOKEN_(JSON_SERIALIZATION|PADDED|100000_SEGMENTS|HUGE|KID_LONG|(HEADER|PAYLOAD)_DEEP)", 400),
    (r"ACCESS_TOKEN_\w+", 403),
]
"""Status by the name of the fault: the first that fits counts."""


def status_of(fault: Misbehaviour) -> int:
    return next(status for names, status in OUTCOMES if re.fullmatch(names, fault.name))


def api_for(make_api: MakeApi, fault: Misbehaviour) -> Api:
    """An API that meets this fault: it asks, asks for signed answers, or verifies JWTs itself."""
    alg = "RS256" if fault.exchange == "signed_introspection" else None
    provider = new_provider()
    provider.register("api", SECRET, introspection_signed_response_alg=alg)
    provider.register("client1", "secret1")
    here = {"access_token_verification": "jwt", "audience": "api"} if fault.exchange == "access_token" else {}
    client = ClientMetadata("api", SECRET, **({"introspection_signed_response_alg": alg} if alg else {}))
    return make_api(providers={"default": provider}, client_metadata=client, **here)


def call(api: Api, fault: Misbehaviour) -> tuple[str, Page]:
    """A token, and what becomes of a call with it, while the provider misbehaves."""
    with api.provider.misbehaving(fault):
        token = api.token(audience="api", jwt=fault.exchange == "access_token")
        return token, api.call(token=token)


def require_rejected(page: Page, status: int) -> None:
    assert page.status_code == status
    if status == 503:
        assert "www-authenticate" not in page.headers
        assert int(page.headers["retry-after"]) >= 1
        assert page.json()["error"] == "temporarily_unavailable"
    else:
        error = {400: "invalid_request", 403: "invalid_token"}[status]
        assert page.json()["error"] == challenge_of(page)["error"] == error
    assert page.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("fault", REJECTED, ids=str)
def test_a_rejected_fault_never_reaches_the_view(
    make_api: MakeApi, fault: Misbehaviour, caplog: pytest.LogCaptureFixture
) -> None:
    """threat model 123 to 127, 134, 135, 144, 145, 148 to 151, 250, 252"""
    caplog.set_level(logging.DEBUG)
    api = api_for(make_api, fault)
    token, page = call(api, fault)
    require_rejected(page, status_of(fault))
    assert api.provider.count("elsewhere") == 0
    assert api.provider.count("introspection") <= 3
    # the client of this test logs as well
    ours = [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    texts = [page.text, str(page.headers), *(f"{record.getMessage()} {record.exc_info}" for record in ours)]
    seen = [text for text in texts if SECRET in text or token[-60:] in text or token[:60] in text]
    assert seen == []


@pytest.mark.parametrize("fault", HARMLESS, ids=str)
def test_a_harmless_fault_disturbs_nothing(make_api: MakeApi, fault: Misbehaviour) -> None:
    _, page = call(api_for(make_api, fault), fault)
    assert (page.status_code, page.json()["sub"]) == (200, "alice")


@pytest.mark.parametrize("fault", EITHER, ids=str)
def test_another_fault_may_go_both_ways(make_api: MakeApi, fault: Misbehaviour) -> None:
    _, page = call(api_for(make_api, fault), fault)
    if page.status_code != 200:
        require_rejected(page, status_of(fault))


@pytest.mark.parametrize(
    "fault", [fault for fault in REJECTED if fault.exchange != "access_token" and status_of(fault) == 503], ids=str
)
def test_a_failure_is_over_when_the_provider_behaves_again(make_api: MakeApi, fault: Misbehaviour) -> None:
    """threat model 125: it was not cached as the token's fault."""
    api = api_for(make_api, fault)
    token, _ = call(api, fault)
    api.provider.clock.advance(1.5)
    assert api.call(token=token).status_code == 200


def test_every_fault_has_an_outcome() -> None:
    assert [
        fault.name for fault in REJECTED if not any(re.fullmatch(names, fault.name) for names, _ in OUTCOMES)
    ] == []
    assert len(REJECTED) > 150
    assert len(HARMLESS) > 20
