"""Tokens of the client's own: a grant is a request, a service token is kept.

threat model 229, 235, 240, 241, 249, 358.
"""

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import pytest

from oidc_async.errors import ConfigurationError, OAuthError, ProviderError, ProviderUnreachable, TokenResponseInvalid
from oidc_async.protocol.token import TokenResponse
from oidc_async.relying_party.client_credentials import MAX_KEPT
from oidc_async.testing import Fault
from oidc_async.testing.faults.documents import put, without
from oidc_async.testing.stages import TOKEN, TOKEN_REPLY, harmless
from tests.core.api import Service, new_service, twice_in_a_row
from tests.core.worlds import World

WITHOUT_EXPIRY = harmless("nobody knows how long it lasts", TOKEN(without("expires_in")))


def lasting(seconds: float) -> Any:
    return harmless(f"it lasts {seconds} seconds", TOKEN(put(expires_in=seconds)))


@pytest.fixture
def service(either_world: World) -> Service:
    return new_service(either_world)


def sent(service: Service) -> list[tuple[str, str]]:
    """The form of the last request."""
    return parse_qsl(service.provider.requests[-1].request.body.decode(), keep_blank_values=True)


# A grant


def test_each_grant_is_a_request(service: Service) -> None:
    """contract.md 1."""
    tokens = [service.grant("read") for _ in range(3)]
    assert len({token.access_token for token in tokens}) == 3
    assert service.asked() == 3
    assert (tokens[0].token_type, tokens[0].expires_in, tokens[0]["scope"]) == ("Bearer", 600, "read")


def test_a_grant_is_usable_at_the_provider(service: Service) -> None:
    token = service.grant("read", resource="https://api.example").access_token
    issued = service.provider._registry.access_tokens[token]
    assert (issued.grant.client_id, issued.grant.scope, issued.audience) == ("api", ("read",), "https://api.example")


@pytest.mark.parametrize(
    ("scope", "extra", "form"),
    [
        pytest.param((), {}, {}, id="nothing"),
        pytest.param((None,), {}, {}, id="None"),
        pytest.param(("",), {}, {}, id="an empty scope"),
        pytest.param(([],), {}, {}, id="no scope"),
        pytest.param(("read write",), {}, {"scope": "read write"}, id="a string"),
        pytest.param((["read", "write"],), {}, {"scope": "read write"}, id="a list"),
        pytest.param(("read",), {"audience": "x"}, {"audience": "x", "scope": "read"}, id="more"),
        pytest.param((), {"audience": "a&b=c d"}, {"audience": "a&b=c d"}, id="characters that need encoding"),
    ],
)
def test_the_parameters_are_sent(
    service: Service, scope: tuple[Any, ...], extra: dict[str, str], form: dict[str, str]
) -> None:
    """RFC 6749 4.4.2."""
    service.grant(*scope, **extra)
    assert dict(sent(service)) == {"grant_type": "client_credentials", **form}
    assert service.provider.requests[-1].client_id == "api"


def test_of_a_list_each_value_is_a_parameter(service: Service) -> None:
    """RFC 8707 2."""
    service.grant(resource=["https://a.example", "https://b.example"])
    assert [value for name, value in sent(service) if name == "resource"] == [
        "https://a.example",
        "https://b.example",
    ]


@pytest.mark.parametrize(
    "name", ["client_id", "client_secret", "client_assertion", "client_assertion_type", "grant_type", "refresh_token"]
)
@pytest.mark.parametrize("how", ["grant", "token"])
def test_what_is_ours_cannot_be_set(service: Service, name: str, how: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        getattr(service, how)(**{name: "x"})
    assert service.asked() == 0


def test_an_error_has_the_description_of_the_provider(service: Service) -> None:
    """contract.md 1: an error is raised, with its name and description."""
    with pytest.raises(OAuthError) as caught:
        service.grant(resource="no-uri")
    assert (caught.value.error, caught.value.status) == ("invalid_target", 400)
    assert "absolute URI" in (caught.value.error_description or "")


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.TOKEN_RESET, ProviderUnreachable),
        (Fault.TOKEN_500, ProviderUnreachable),
        (Fault.TOKEN_HTML, TokenResponseInvalid),
    ],
)
def test_a_grant_that_fails_is_tried_once(service: Service, fault: Any, error: type[ProviderError]) -> None:
    with service.provider.misbehaving(fault), pytest.raises(error):
        service.grant("read")
    assert service.provider.count("token") == 1


# A service token


def test_a_service_token_is_kept(service: Service) -> None:
    tokens = {service.token("read").access_token for _ in range(5)}
    assert len(tokens) == 1
    assert service.asked() == 1
    assert dict(sent(service)) == {"grant_type": "client_credentials", "scope": "read"}


@pytest.mark.parametrize(
    ("lifetime", "usable"),
    [(600, 570), (300, 270), (100, 90), (10, 9), (86_400, 86_370)],
    ids=lambda seconds: f"{seconds}-s",
)
def test_a_new_one_is_fetched_shortly_before_the_end(service: Service, lifetime: float, usable: float) -> None:
    """A tenth of its life, and at most 30 seconds, are left for the request that it is for."""
    with service.provider.misbehaving(lasting(lifetime)):
        first = service.token("read")
        service.provider.clock.advance(usable - 0.5)
        assert service.token("read") is first
        service.provider.clock.advance(0.5)
        assert service.token("read").access_token != first.access_token
    assert service.asked() == 2


@pytest.mark.parametrize("fault", [WITHOUT_EXPIRY, lasting(0)], ids=lambda fault: fault.does)
def test_one_of_which_nobody_knows_the_end_is_not_kept(service: Service, fault: Any) -> None:
    with service.provider.misbehaving(fault):
        tokens = {service.token("read").access_token for _ in range(3)}
    assert len(tokens) == service.asked() == 3


@pytest.mark.parametrize("jump", [86_400, -86_400], ids=str)
def test_a_clock_that_is_set_changes_nothing(service: Service, jump: float) -> None:
    """threat model 236."""
    first = service.token()
    service.provider.clock.jump(jump)
    assert service.token() is first
    service.provider.clock.advance(570)
    assert service.token().access_token != first.access_token


def test_one_request_serves_a_crowd(either_world: World) -> None:
    """threat model 241."""
    service = new_service(either_world, latency=0.1)
    outcomes = either_world.run_together([lambda: service.getting("read")] * 50)
    assert len({token.access_token for token in outcomes if isinstance(token, TokenResponse)}) == 1
    assert len(outcomes) == 50
    assert service.asked() == 1
    service.provider.clock.advance(570)
    renewed = either_world.run_together([lambda: service.getting("read")] * 50)
    assert len({token.access_token for token in renewed if isinstance(token, TokenResponse)}) == 1
    assert service.asked() == 2


def test_a_caller_whose_flight_starts_late_finds_the_work_done(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """threat model 241: as for two callers of whom the second starts after the first one's call is complete."""
    twice_in_a_row(monkeypatch, service.party)
    service.token("read")
    assert service.asked() == 1


KINDS: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((), {}),
    (("read",), {}),
    (("write",), {}),
    (("read write",), {}),
    (("read",), {"audience": "a"}),
    (("read",), {"audience": "b"}),
    (("read",), {"resource": "https://a.example"}),
    ((), {"audience": "read"}),
    ((), {"resource": ["https://a.example"], "audience": "a"}),
]


def test_different_kinds_are_kept_apart(service: Service) -> None:
    """threat model 235."""
    tokens = [service.token(*scope, **extra).access_token for scope, extra in KINDS]
    assert len(set(tokens)) == len(KINDS)
    assert [service.token(*scope, **extra).access_token for scope, extra in KINDS] == tokens
    assert service.asked() == len(KINDS)


def test_the_order_of_parameters_makes_no_difference(service: Service) -> None:
    one = service.token("read", audience="a", resource="https://a.example")
    assert service.token("read", resource="https://a.example", audience="a") is one


def test_different_kinds_are_fetched_at_the_same_time(either_world: World) -> None:
    """threat model 235, 249."""
    service = new_service(either_world, latency=0.05)
    calls = [lambda scope=scope: service.getting(scope) for scope in ("a", "b", "c")] * 5
    outcomes = either_world.run_together(calls)
    assert [token["scope"] for token in outcomes if isinstance(token, TokenResponse)] == ["a", "b", "c"] * 5
    assert service.asked() == 3


def test_each_client_keeps_its_own(either_world: World) -> None:
    """threat model 240."""
    one, other = new_service(either_world), new_service(either_world)
    assert one.token().access_token != other.token().access_token
    assert (one.asked(), other.asked()) == (1, 1)


def test_the_number_of_kinds_is_bounded(service: Service) -> None:
    """threat model 230: the one that was fetched first goes first."""
    for number in range(MAX_KEPT + 1):
        service.token(f"scope{number}")
    assert service.asked() == MAX_KEPT + 1
    service.token(f"scope{MAX_KEPT}")
    service.token("scope1")
    assert service.asked() == MAX_KEPT + 1
    service.token("scope0")
    assert service.asked() == MAX_KEPT + 2


def test_a_failure_is_not_kept(service: Service) -> None:
    """threat model 229, 234: but it is not requested again at once."""
    with service.provider.misbehaving(Fault.TOKEN_500):
        for _ in range(5):
            with pytest.raises(ProviderUnreachable):
                service.token("read")
    assert service.provider.count("token") == 1
    service.provider.clock.advance(1)
    assert service.token("read").access_token


def test_a_failure_to_renew_does_not_bring_back_an_old_one(service: Service) -> None:
    """threat model 239."""
    service.token("read")
    service.provider.clock.advance(570)
    with service.provider.misbehaving(Fault.TOKEN_500), pytest.raises(ProviderUnreachable):
        service.token("read")


def test_a_failure_is_shared_by_those_who_wait(either_world: World) -> None:
    """threat model 241."""
    service = new_service(either_world, latency=0.1)
    with service.provider.misbehaving(Fault.TOKEN_500):
        outcomes = either_world.run_together([lambda: service.getting("read")] * 20)
    assert {type(outcome) for outcome in outcomes} == {ProviderUnreachable}
    assert service.provider.count("token") == 1


def test_no_token_shows(service: Service) -> None:
    """threat model 250."""
    token = service.token("read")
    party: Any = getattr(service.party, "_origin", service.party)
    texts = [repr(token), str(token), repr(vars(party)), repr(vars(party._service_tokens))]
    assert [text for text in texts if token.access_token in text] == []


def test_the_time_that_the_provider_took_counts(service: Service) -> None:
    """threat model 358: `expires_in` counts from when the token was issued, and that may be before it arrives"""
    slow = harmless("4 seconds", TOKEN_REPLY(lambda reply, scene: replace(reply, delay=4.0)))
    with service.provider.misbehaving(lasting(10), slow):
        first = service.token()
        service.provider.clock.advance(4.9)
        assert service.token() == first
        service.provider.clock.advance(0.2)
        assert service.token() != first
