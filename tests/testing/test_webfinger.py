"""What the provider says of users at its host."""

import json

import pytest

from oidc_async.protocol.http_message import HttpRequest
from oidc_async.testing import WEBFINGER_FAULTS, Misbehaviour, SimulatedProvider
from oidc_async.testing.reply import Reply
from oidc_async.testing.webfinger import ISSUER_REL


def asked(query: str = "resource=acct%3Ajoe%40op.example", issuer: str = "https://op.example") -> Reply:
    request = HttpRequest(method="GET", url=f"https://op.example/.well-known/webfinger?{query}")
    return SimulatedProvider(issuer).handle(request)


@pytest.mark.parametrize("issuer", ["https://op.example", "https://op.example/", "https://op.example/tenant/"])
def test_it_is_in_charge_of_everybody_at_its_host(issuer: str) -> None:
    answer = asked(issuer=issuer)
    assert answer.status == 200
    assert json.loads(answer.body) == {
        "subject": "acct:joe@op.example",
        "links": [{"rel": "http://openid.net/specs/connect/1.0/issuer", "href": issuer}],
    }


def test_links_of_other_kinds_it_has_none() -> None:
    assert json.loads(asked("resource=a&rel=self").body)["links"] == []
    assert json.loads(asked(f"resource=a&rel={ISSUER_REL}").body)["links"] != []


def test_without_a_resource_nothing_is_said() -> None:
    assert asked("rel=self").status == 400


def test_it_is_not_below_the_issuer() -> None:
    provider = SimulatedProvider("https://op.example/tenant")
    below = HttpRequest(method="GET", url="https://op.example/tenant/.well-known/webfinger?resource=a")
    assert provider.handle(below).status == 404


@pytest.mark.parametrize("fault", WEBFINGER_FAULTS, ids=str)
def test_every_fault_makes_a_difference(fault: Misbehaviour) -> None:
    provider = SimulatedProvider("https://op.example")
    request = HttpRequest(method="GET", url="https://op.example/.well-known/webfinger?resource=a")
    with provider.misbehaving(fault):
        struck = provider.handle(request)
    assert struck != provider.handle(request)


def test_all_of_them_concern_the_search_alone() -> None:
    assert {fault.exchange for fault in WEBFINGER_FAULTS} == {"webfinger"}
    assert len(WEBFINGER_FAULTS) == 39
