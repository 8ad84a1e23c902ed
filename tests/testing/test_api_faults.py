"""Faults of introspection and of JWT access tokens show where they should, and change what their names say."""

import json
import secrets
from dataclasses import asdict
from typing import Any

import pytest

from oidc_async.protocol.http_message import HttpRequest, HttpResponse
from oidc_async.testing import API_FAULTS, Clock, Fault, Misbehaviour, SimulatedProvider
from oidc_async.testing.stages import (
    ACCESS_TOKEN_CLAIMS,
    ACCESS_TOKEN_HEADER,
    INTROSPECTION,
    SIGNED_CLAIMS,
    SIGNED_HEADER,
    Stage,
)

from .mini_relying_party import decoded, read, segment, verify
from .mini_resource_server import JWT_MEDIA_TYPE, MiniResourceServer

PREFIXES = ("INTROSPECTION_JWT_", "INTROSPECTION_", "ACCESS_TOKEN_")
MEMBERS = [
    "active",
    "exp",
    "nbf",
    "iat",
    "iss",
    "aud",
    "scope",
    "sub",
    "cnf",
    "client_id",
    "jti",
    "typ",
    "token_use",
    "token_type",
]
PARAMETERS = ["typ", "alg", "kid", "crit", "b64", "x5c"]
OTHERWISE_NAMED = {
    "INTROSPECTION_INACTIVE_IN_FULL": {"active"},
    "INTROSPECTION_TIMES_MISSING": {"exp", "nbf", "iat"},
    "INTROSPECTION_MEMBER_EXTRA": {"foo"},
    "ACCESS_TOKEN_PAYLOAD_TYP_ID": {"typ"},
    "ACCESS_TOKEN_PAYLOAD_TYP_OFFLINE": {"typ"},
    "ACCESS_TOKEN_PAYLOAD_TYP_BEARER": {"typ"},
    "ACCESS_TOKEN_USE_ID": {"token_use"},
    "ACCESS_TOKEN_USE_ACCESS": {"token_use"},
    "ACCESS_TOKEN_CLAIM_EXTRA": {"foo"},
    "ACCESS_TOKEN_HUGE": {"foo"},
    "ACCESS_TOKEN_HEADER_EXTRA": {"foo"},
    "ACCESS_TOKEN_CRIT_UNKNOWN": {"crit", "foo"},
    "ACCESS_TOKEN_B64_FALSE": {"crit", "b64"},
    "INTROSPECTION_JWT_CRIT_UNKNOWN": {"crit", "foo"},
}
ANSWERS = {"ANSWER_MISSING", "ANSWER_LIST", "ANSWER_STRING", "ANSWER_NULL"}


def concerning(*exchanges: str) -> list[Misbehaviour]:
    return [fault for fault in API_FAULTS if fault.exchange in exchanges]


def only_at(*stages: Stage[Any]) -> pytest.MarkDecorator:
    """The faults that strike at one of these stages and nowhere else."""
    found = [fault for fault in API_FAULTS if len(fault.edits) == 1 and fault.edits[0].stage in stages]
    assert len(found) > 4
    return pytest.mark.parametrize("fault", found, ids=str)


@pytest.fixture
def signed_api(provider: SimulatedProvider) -> MiniResourceServer:
    provider.register("api", "secret of the api", introspection_signed_response_alg="RS256")
    return MiniResourceServer(provider.handle, provider.issuer, accept=JWT_MEDIA_TYPE)


def token_of(provider: SimulatedProvider, *, jwt: bool = False) -> str:
    claims = {"jti": "always the same"}
    return provider.issue_access_token(
        "client1", scope="read write", username="alice", audience="api", jwt=jwt, claims=claims
    )


# Where they show


def transcript(*faults: Misbehaviour) -> dict[str, Any]:
    """What a resource server sees, by the exchange."""
    provider = SimulatedProvider(clock=Clock(start=1_700_000_000.5))
    provider.register("client1", "secret1")
    provider.register("api", "secret of the api", introspection_signed_response_alg="RS256")
    provider.add_user("alice")
    plain = MiniResourceServer(provider.handle, provider.issuer)
    signed = MiniResourceServer(provider.handle, provider.issuer, accept=JWT_MEDIA_TYPE)
    with provider.misbehaving(*faults):
        introspected = asdict(plain.ask(token_of(provider)))
    with provider.misbehaving(*faults):
        introspected_jwt = asdict(signed.ask(token_of(provider)))
        jwt = token_of(provider, jwt=True)
    return {"introspection": introspected, "signed_introspection": introspected_jwt, "access_token": jwt}


@pytest.fixture
def no_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is random is always the same."""
    monkeypatch.setattr(secrets, "token_urlsafe", lambda size: f"random-{size}-of-the-tests")


@pytest.mark.usefixtures("no_chance")
@pytest.mark.parametrize("fault", API_FAULTS, ids=str)
def test_a_fault_shows_in_its_exchange_only(fault: Misbehaviour) -> None:
    """That of the plain response may show in the signed one too, which holds the same members."""
    good, bad = transcript(), transcript(fault)
    different = {exchange for exchange in good if good[exchange] != bad[exchange]}
    may_show = {"introspection", "signed_introspection"} if fault.exchange == "introspection" else {fault.exchange}
    assert {fault.exchange} <= different <= may_show


def test_what_is_inactive_stays_so(provider: SimulatedProvider, api: MiniResourceServer) -> None:
    """Faults of the members need members."""
    faults = [fault for fault in API_FAULTS if fault.edits[0].stage is INTROSPECTION]
    with provider.misbehaving(*faults):
        assert api.introspect("guessed") == {"active": False}


# What they change


def lenient(document: bytes | str) -> dict[str, Any]:
    members: dict[str, Any] = json.loads(document, parse_int=lambda digits: int(digits[:4000]))
    return members


def named_by(fault: Misbehaviour, names: list[str]) -> set[str]:
    prefix = next(prefix for prefix in PREFIXES if fault.name.startswith(prefix))
    rest = fault.name.removeprefix(prefix)
    if rest in ANSWERS:
        return {"token_introspection"}
    return OTHERWISE_NAMED.get(fault.name) or {next(name for name in names if rest.startswith(name.upper()))}


def differing(good: dict[str, Any], bad: dict[str, Any]) -> set[str]:
    return {name for name in {*good, *bad} if repr(good.get(name)) != repr(bad.get(name))}


@only_at(INTROSPECTION)
def test_only_the_named_member_is_wrong(
    fault: Misbehaviour, provider: SimulatedProvider, api: MiniResourceServer
) -> None:
    """threat model 123, 127, 128, 133, 135"""
    token = token_of(provider)
    with provider.misbehaving(fault):
        response = api.ask(token)
    assert (response.status, response.media_type) == (200, "application/json")
    assert differing(api.introspect(token), lenient(response.body)) == named_by(fault, MEMBERS)


@only_at(ACCESS_TOKEN_CLAIMS)
def test_only_the_named_claim_is_wrong_and_the_signature_is_right(
    fault: Misbehaviour, provider: SimulatedProvider, api: MiniResourceServer
) -> None:
    """threat model 149, 151"""
    with provider.misbehaving(fault):
        token = token_of(provider, jwt=True)
    verify(token, api.published())
    good = segment(token_of(provider, jwt=True), 1)
    assert differing(good, lenient(decoded(token.split(".")[1]))) == named_by(fault, MEMBERS)


@only_at(ACCESS_TOKEN_HEADER)
def test_only_the_named_parameter_of_a_token_is_wrong(fault: Misbehaviour, provider: SimulatedProvider) -> None:
    """threat model 148, 150"""
    with provider.misbehaving(fault):
        token = token_of(provider, jwt=True)
    good = token_of(provider, jwt=True)
    assert differing(segment(good, 0), segment(token, 0)) == named_by(fault, PARAMETERS)
    assert segment(token, 1) == segment(good, 1)


def signed_answer(fault: Misbehaviour, provider: SimulatedProvider, api: MiniResourceServer) -> HttpResponse:
    with provider.misbehaving(fault):
        return api.ask(token_of(provider))


@only_at(SIGNED_CLAIMS, SIGNED_HEADER)
def test_only_the_named_part_of_a_signed_answer_is_wrong(
    fault: Misbehaviour, provider: SimulatedProvider, signed_api: MiniResourceServer
) -> None:
    response = signed_answer(fault, provider, signed_api)
    good, bad = signed_api.ask(token_of(provider)).body.decode(), response.body.decode()
    assert (response.status, response.media_type) == (200, JWT_MEDIA_TYPE)
    if fault is Fault.INTROSPECTION_JWT_ANSWER_LIFTED:
        told = segment(good, 1).pop("token_introspection")
        assert segment(bad, 1) == {**told, "iss": provider.issuer, "aud": "api", "iat": 1_700_000_000}
        return
    number = 0 if fault.edits[0].stage is SIGNED_HEADER else 1
    assert differing(segment(good, number), segment(bad, number)) == named_by(fault, [*MEMBERS, *PARAMETERS])
    assert segment(good, 1 - number) == segment(bad, 1 - number)
    if number == 1:
        verify(bad, signed_api.published())


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (Fault.INTROSPECTION_ACTIVE_STRING, b'"active":"true",'),
        (Fault.INTROSPECTION_ACTIVE_NUMBER, b'"active":1,'),
        (Fault.INTROSPECTION_ACTIVE_DIGIT, b'"active":"1",'),
        (Fault.INTROSPECTION_ACTIVE_NULL, b'"active":null,'),
        (Fault.INTROSPECTION_INACTIVE_IN_FULL, b'"active":false,"sub":"alice",'),
        (Fault.INTROSPECTION_EXP_FAR, b'"exp":1000000000000000.0,'),
        (Fault.INTROSPECTION_EXP_FRACTION, b'"exp":1700000600.5,'),
        (Fault.INTROSPECTION_EXP_OVERFLOW, b'"exp":1e400,'),
        (Fault.INTROSPECTION_SCOPE_LIST, b'"scope":["read","write"],'),
        (Fault.INTROSPECTION_AUD_LIST, b'"aud":["api"],'),
        (Fault.INTROSPECTION_AUD_EXTRA, b'"aud":["x","api"],'),
        (Fault.INTROSPECTION_AUD_SHORTER, b'"aud":"ap",'),
        (Fault.INTROSPECTION_CNF_JKT, b'"cnf":{"jkt":"000'),
    ],
    ids=lambda value: str(value) if isinstance(value, Misbehaviour) else "",
)
def test_odd_members_are_written_as_they_are_called(
    fault: Misbehaviour, text: bytes, provider: SimulatedProvider, api: MiniResourceServer
) -> None:
    token = token_of(provider)
    with provider.misbehaving(fault):
        assert text in api.ask(token).body.replace(b"}", b",}")
    assert text not in api.ask(token).body


@pytest.mark.parametrize("audience", ["api", ["api"], ["api", "another"]])
def test_harmless_audiences_hold_all_of_it(
    provider: SimulatedProvider, api: MiniResourceServer, audience: str | list[str]
) -> None:
    names = {audience} if isinstance(audience, str) else set(audience)
    token = provider.issue_access_token("client1", audience=audience)
    for fault in (Fault.INTROSPECTION_AUD_LIST, Fault.INTROSPECTION_AUD_EXTRA):
        with provider.misbehaving(fault):
            assert names <= set(api.introspect(token)["aud"])
    with provider.misbehaving(Fault.INTROSPECTION_AUD_SHORTER):
        assert names.isdisjoint(api.introspect(token)["aud"])


# Responses


def test_who_follows_a_redirect_gives_the_token_away(provider: SimulatedProvider, api: MiniResourceServer) -> None:
    token = token_of(provider)
    with provider.misbehaving(Fault.INTROSPECTION_307):
        moved = api.ask(token)
        sent = provider.requests[-1].request
        url = moved.headers["location"]
        followed = provider.handle(HttpRequest(method="POST", url=url, headers=sent.headers, body=sent.body))
    assert (moved.status, url) == (307, f"{provider.issuer}/elsewhere/introspect")
    assert read(followed)["active"] is True
    assert provider.count("elsewhere", client_id="api") == 1


def test_a_stranger_may_answer_active(provider: SimulatedProvider, api: MiniResourceServer) -> None:
    """Statuses that are not a success, with a body that is."""
    for fault, status in ((Fault.INTROSPECTION_201, 201), (Fault.INTROSPECTION_ERROR_ACTIVE, 500)):
        with provider.misbehaving(fault):
            response = api.ask("guessed")
        assert (response.status, read(response)) == (status, {"active": True})


def test_no_content_is_none(provider: SimulatedProvider, api: MiniResourceServer) -> None:
    with provider.misbehaving(Fault.INTROSPECTION_204):
        assert (api.ask("guessed").status, api.ask("guessed").body) == (204, b"")


def test_a_jwt_comes_unasked(provider: SimulatedProvider, api: MiniResourceServer) -> None:
    token = token_of(provider)
    with provider.misbehaving(Fault.INTROSPECTION_UNASKED_JWT):
        assert api.ask(token).media_type == JWT_MEDIA_TYPE
    with provider.misbehaving(Fault.INTROSPECTION_UNSIGNED_JWT):
        answer = api.ask(token).body.decode()
    assert (segment(answer, 0), answer[-1]) == ({"alg": "none"}, ".")
    assert segment(answer, 1)["active"] is True


def test_json_comes_where_a_jwt_was_asked_for(provider: SimulatedProvider, signed_api: MiniResourceServer) -> None:
    """threat model 134"""
    response = signed_answer(Fault.INTROSPECTION_JWT_PLAIN, provider, signed_api)
    signed_api.accept = "application/json"
    assert response.media_type == "application/json"
    assert read(response) == signed_api.introspect(token_of(provider))


@pytest.mark.parametrize(
    ("fault", "media_type"),
    [
        (Fault.INTROSPECTION_JWT_SAID_TO_BE_JSON, "application/json"),
        (Fault.INTROSPECTION_JWT_SAID_TO_BE_ANY, "application/jwt"),
    ],
    ids=str,
)
def test_a_signed_answer_comes_under_another_name(
    fault: Misbehaviour, media_type: str, provider: SimulatedProvider, signed_api: MiniResourceServer
) -> None:
    response = signed_answer(fault, provider, signed_api)
    assert response.media_type == media_type
    assert signed_api.verified(response.body.decode())["token_introspection"]["active"] is True


# Naive resource servers


@pytest.mark.parametrize(
    "fault", [fault for fault in concerning("introspection") if fault.harmless and not fault.only_once], ids=str
)
def test_a_harmless_answer_is_good_for_the_naive(
    fault: Misbehaviour, provider: SimulatedProvider, api: MiniResourceServer
) -> None:
    with provider.misbehaving(fault):
        answer = api.introspect(token_of(provider))
    assert (answer["active"], answer["sub"]) == (True, "alice")


def test_one_busy_moment_passes(provider: SimulatedProvider, api: MiniResourceServer) -> None:
    with provider.misbehaving(Fault.INTROSPECTION_BUSY_ONCE):
        assert [api.ask("guessed").status for _ in range(3)] == [503, 200, 200]


@pytest.mark.parametrize(
    "fault", [fault for fault in concerning("access_token", "signed_introspection") if fault.harmless], ids=str
)
def test_a_harmless_jwt_is_signed_by_the_provider(
    fault: Misbehaviour, provider: SimulatedProvider, signed_api: MiniResourceServer
) -> None:
    with provider.misbehaving(fault):
        token = token_of(provider, jwt=True)
        answer = signed_api.ask(token_of(provider)).body.decode()
    verify(token, signed_api.published())
    verify(answer, signed_api.published())
    assert segment(token, 1)["sub"] == segment(answer, 1)["token_introspection"]["sub"] == "alice"


@pytest.mark.parametrize("fault", concerning("access_token"), ids=str)
def test_the_provider_does_not_know_what_a_fault_makes_of_a_token(
    fault: Misbehaviour, provider: SimulatedProvider, api: MiniResourceServer
) -> None:
    with provider.misbehaving(fault):
        token = token_of(provider, jwt=True)
        assert api.introspect(token) == {"active": False}
    assert api.introspect(token_of(provider, jwt=True))["active"] is True
