"""The provider of a user who names only themselves: threat model 14, 215 to 217."""

from collections.abc import Sequence
from typing import Any

import pytest

from oidc_async import AsyncWebFinger, WebFinger
from oidc_async.errors import (
    ConfigurationError,
    HostNotAllowed,
    IdentifierInvalid,
    IssuerNotAllowed,
    OIDCError,
    ProviderError,
    ProviderUnreachable,
)
from oidc_async.http.settings import HttpSettings
from oidc_async.protocol.http_message import HttpRequest, HttpResponse
from oidc_async.runtime.port import Runtime
from oidc_async.testing import WEBFINGER_FAULTS, Fault, Misbehaviour, SimulatedProvider
from tests.core.api import simulated
from tests.core.worlds import AsyncWorld, World

ISSUER = "https://op.example"
BY_NAME: dict[str, Any] = {"allowed_hosts": ["op.example"], "allowed_issuers": [ISSUER]}
BY_DOMAIN: dict[str, Any] = {"allowed_hosts": [".example"], "allowed_issuers": [ISSUER]}


def discover(world: World, runtime: Runtime, identifier: str, **allowed: Any) -> str:
    async def discovering() -> str:
        if isinstance(world, AsyncWorld):
            return await AsyncWebFinger(runtime=runtime, **allowed).discover_issuer(identifier)
        return WebFinger(runtime=runtime, **allowed).discover_issuer(identifier)

    return world.run(discovering())


@pytest.fixture
def provider() -> SimulatedProvider:
    return SimulatedProvider(ISSUER)


@pytest.mark.parametrize(
    "identifier", ["joe@op.example", "acct:joe@op.example", "op.example/joe", "https://op.example"]
)
@pytest.mark.parametrize("allowed", [BY_NAME, BY_DOMAIN], ids=["by name", "by domain"])
def test_the_host_of_the_user_names_the_issuer(
    either_world: World, provider: SimulatedProvider, identifier: str, allowed: dict[str, Any]
) -> None:
    assert discover(either_world, simulated(either_world, provider), identifier, **allowed) == ISSUER
    assert [asked.endpoint for asked in provider.requests] == ["webfinger"]


@pytest.mark.parametrize("issuer", [f"{ISSUER}/", f"{ISSUER}/tenant", f"{ISSUER}/tenant/"])
def test_an_issuer_is_known_with_its_slash_and_its_path(either_world: World, issuer: str) -> None:
    runtime = simulated(either_world, SimulatedProvider(issuer))
    allowed = {"allowed_hosts": ["op.example"], "allowed_issuers": [issuer]}
    assert discover(either_world, runtime, "joe@op.example", **allowed) == issuer
    others = {"allowed_hosts": ["op.example"], "allowed_issuers": [issuer + "/", issuer[:-1]]}
    with pytest.raises(IssuerNotAllowed):
        discover(either_world, runtime, "joe@op.example", **others)


@pytest.mark.parametrize("fault", [fault for fault in WEBFINGER_FAULTS if fault.rejected], ids=str)
def test_an_invalid_response_is_rejected_and_no_other_host_is_asked(
    either_world: World, provider: SimulatedProvider, fault: Misbehaviour
) -> None:
    with provider.misbehaving(fault), pytest.raises(OIDCError) as rejection:
        discover(either_world, simulated(either_world, provider), "joe@op.example", **BY_NAME)
    assert isinstance(rejection.value, ProviderError | IssuerNotAllowed)
    assert {asked.endpoint for asked in provider.requests} == {"webfinger"}


@pytest.mark.parametrize("fault", [fault for fault in WEBFINGER_FAULTS if fault.harmless], ids=str)
def test_an_odd_answer_does_not_disturb(
    either_world: World, provider: SimulatedProvider, fault: Misbehaviour
) -> None:
    with provider.misbehaving(fault):
        assert discover(either_world, simulated(either_world, provider), "joe@op.example", **BY_NAME) == ISSUER


def test_an_issuer_that_is_not_allowed_is_rejected(either_world: World, provider: SimulatedProvider) -> None:
    with provider.misbehaving(Fault.WEBFINGER_ISSUER_OTHER), pytest.raises(IssuerNotAllowed, match="allowed_issuers"):
        discover(either_world, simulated(either_world, provider), "joe@op.example", **BY_NAME)


@pytest.mark.parametrize(
    ("identifier", "allowed_hosts"),
    [
        ("joe@other.example", ["op.example"]),
        ("joe@op.example.evil.test", ["op.example"]),
        ("joe@evil-op.example", ["op.example"]),
        ("joe@sub.op.example", ["op.example"]),
        ("joe@op.example", [".op.example"]),
        ("joe@.op.example", [".op.example"]),
        ("joe@evilop.example", [".op.example"]),
        ("op.example:22", ["op.example", ".example"]),
        ("acct:joe@op.example:22", ["op.example", ".example"]),
        ("op.example.", ["op.example", ".example"]),
        ("https://127.0.0.1", [".example"]),
        ("http://127.0.0.1:6379", ["127.0.0.1"]),
        ("http://localhost", [".example"]),
        ("https://169.254.169.254", [".example"]),
        ("https://[::1]", [".example"]),
    ],
)
def test_a_host_that_is_not_allowed_is_never_asked(
    either_world: World, provider: SimulatedProvider, identifier: str, allowed_hosts: list[str]
) -> None:
    """threat model 215"""
    with pytest.raises(HostNotAllowed, match="allowed_hosts"):
        discover(
            either_world,
            simulated(either_world, provider),
            identifier,
            allowed_hosts=allowed_hosts,
            allowed_issuers=[ISSUER],
        )
    assert provider.requests == ()


def test_an_invalid_identifier_causes_no_request(either_world: World, provider: SimulatedProvider) -> None:
    with pytest.raises(IdentifierInvalid):
        discover(either_world, simulated(either_world, provider), "http://op.example/joe", **BY_NAME)
    assert provider.requests == ()


# Addresses

PRIVATE = [
    ["127.0.0.1"],
    ["10.0.0.1"],
    ["169.254.169.254"],
    ["fe80::1%eth0"],
    ["::1"],
    ["8.8.8.8", "192.168.0.1"],
    [],
]


def resolving(monkeypatch: pytest.MonkeyPatch, runtime: Runtime, *answers: Sequence[str]) -> list[HttpRequest]:
    """Names stand for these addresses, one list after the other; the requests that were sent, in time."""
    told, sent, send = iter(answers), list[HttpRequest](), runtime.send

    async def addresses(request: HttpRequest) -> Sequence[str]:
        return next(told)

    async def sending(request: HttpRequest) -> HttpResponse:
        sent.append(request)
        return await send(request)

    monkeypatch.setattr(runtime, "addresses", addresses)
    monkeypatch.setattr(runtime, "send", sending)
    return sent


@pytest.mark.parametrize("addresses", PRIVATE, ids=str)
def test_a_host_of_a_domain_with_a_private_address_is_never_asked(
    either_world: World, provider: SimulatedProvider, monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    """threat model 216: one private address among public ones is enough."""
    runtime = simulated(either_world, provider)
    sent = resolving(monkeypatch, runtime, addresses)
    with pytest.raises(HostNotAllowed, match="public addresses"):
        discover(either_world, runtime, "joe@op.example", **BY_DOMAIN)
    assert sent == []


def test_a_host_of_a_domain_is_asked_at_the_address_that_was_looked_at(
    either_world: World, provider: SimulatedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """threat model 216: a second look-up, which could tell another address, never happens."""
    runtime = simulated(either_world, provider)
    sent = resolving(monkeypatch, runtime, ["1.1.1.1"], ["127.0.0.1"])
    assert discover(either_world, runtime, "joe@op.example", **BY_DOMAIN) == ISSUER
    assert [request.address for request in sent] == ["1.1.1.1"]


def test_each_address_has_its_turn(
    either_world: World, provider: SimulatedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = simulated(either_world, provider)
    sent = resolving(monkeypatch, runtime, ["2606:4700::1", "1.1.1.1"])
    with provider.misbehaving(Fault.WEBFINGER_RESET, times=2):
        assert discover(either_world, runtime, "joe@op.example", **BY_DOMAIN) == ISSUER
    assert [request.address for request in sent] == ["2606:4700::1", "1.1.1.1", "2606:4700::1"]


def test_a_host_that_is_named_may_have_any_address(
    either_world: World, provider: SimulatedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = simulated(either_world, provider)
    sent = resolving(monkeypatch, runtime)
    allowed = {**BY_DOMAIN, "allowed_hosts": [".example", "op.example"]}
    assert discover(either_world, runtime, "joe@op.example", **allowed) == ISSUER
    assert [request.address for request in sent] == [""]


def test_behind_a_proxy_hosts_must_be_named(own_world: World) -> None:
    runtime = own_world.runtime(HttpSettings(proxy="http://127.0.0.1:1"))
    with pytest.raises(ConfigurationError, match="name each host in allowed_hosts"):
        discover(own_world, runtime, "joe@op.example", **BY_DOMAIN)


def test_loopback_behind_a_public_name_is_found_out(world: World) -> None:
    """By the resolver of this machine, and with real sockets."""
    with pytest.raises(HostNotAllowed, match="public addresses"):
        discover(world, world.runtime(), "joe@127.0.0.1", allowed_hosts=[".0.0.1"], allowed_issuers=[ISSUER])


def test_a_served_provider_is_found(world: World, provider: SimulatedProvider) -> None:
    with provider.serve() as issuer:
        host = issuer.removeprefix("http://")
        allowed = {"allowed_hosts": [host], "allowed_issuers": [issuer]}
        assert discover(world, world.runtime(), f"{issuer}/joe", **allowed) == issuer
        with pytest.raises(ProviderUnreachable):  # requests for accounts use https only
            discover(world, world.runtime(), f"acct:joe@{host}", **allowed)


def test_without_a_runtime_it_has_one_of_its_own(provider: SimulatedProvider) -> None:
    with provider.serve() as issuer:
        finger = WebFinger(allowed_hosts=[issuer.removeprefix("http://")], allowed_issuers=[issuer])
        assert finger.discover_issuer(issuer) == issuer


# Settings


@pytest.mark.parametrize(
    ("allowed", "words"),
    [
        ({"allowed_hosts": []}, "allowed_hosts must be a non-empty list"),
        ({"allowed_hosts": "op.example"}, "allowed_hosts must be a non-empty list"),
        ({"allowed_hosts": ["*"]}, "allowed_hosts must contain hosts"),
        ({"allowed_hosts": ["*.example"]}, "allowed_hosts must contain hosts"),
        ({"allowed_hosts": ["."]}, "allowed_hosts must contain hosts"),
        ({"allowed_hosts": [""]}, "allowed_hosts must contain hosts"),
        ({"allowed_hosts": [None]}, "allowed_hosts must contain hosts"),
        ({"allowed_hosts": ["https://op.example"]}, "allowed_hosts must contain hosts"),
        ({"allowed_hosts": ["op.example/"]}, "allowed_hosts must contain hosts"),
        ({"allowed_hosts": ["joe@op.example"]}, "allowed_hosts must contain hosts"),
        ({"allowed_issuers": []}, "allowed_issuers must be a list"),
        ({"allowed_issuers": ISSUER}, "allowed_issuers must be a list"),
        ({"allowed_issuers": ["op.example"]}, "allowed_issuers: 'op.example' must be an absolute https URL"),
        ({"allowed_issuers": ["http://op.example"]}, "allowed_issuers: .* must use https"),
    ],
)
def test_settings_that_allow_nothing_or_too_much_are_rejected(allowed: dict[str, Any], words: str) -> None:
    for kind in (AsyncWebFinger, WebFinger):
        with pytest.raises(ConfigurationError, match=words):
            kind(**{**BY_NAME, **allowed})


def test_hosts_are_compared_in_lower_case(either_world: World, provider: SimulatedProvider) -> None:
    allowed = {"allowed_hosts": ["OP.Example:443"], "allowed_issuers": [ISSUER]}
    assert discover(either_world, simulated(either_world, provider), "Joe@Op.EXAMPLE", **allowed) == ISSUER
