"""Faults of responses and keys are what their names say."""

import json
import re
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from oidc_async.protocol.http_message import MAX_RESPONSE_BODY, HttpRequest, HttpResponse
from oidc_async.testing import ALL_FAULTS, API_FAULTS, Callback, Fault, Misbehaviour, SimulatedProvider
from oidc_async.testing.reply import Reply

from .mini_relying_party import REDIRECT_URI, MiniRelyingParty, decoded, read, segment
from .mini_resource_server import MiniResourceServer

Keys = list[dict[str, Any]]
PATHS = {
    "DISCOVERY": "/.well-known/openid-configuration",
    "JWKS": "/jwks",
    "TOKEN": "/token",
    "USERINFO": "/userinfo",
    "INTROSPECTION": "/introspect",
}


def faults(pattern: str) -> pytest.MarkDecorator:
    """The faults of the direct responses with such a name."""
    names = re.compile(f"({'|'.join(PATHS)})_({pattern})")
    found = [fault for fault in (*ALL_FAULTS, *API_FAULTS) if names.fullmatch(fault.name)]
    assert len(found) > 2
    return pytest.mark.parametrize("fault", found, ids=str)


def response_to(provider: SimulatedProvider, rp: MiniRelyingParty, place: str) -> HttpResponse:
    """What a request there brings after all before it went well."""
    if place in ("DISCOVERY", "JWKS"):
        return rp.get(PATHS[place])
    if place == "INTROSPECTION":
        provider.register("api", "secret of the api")
        token = provider.issue_access_token("client1", claims={"jti": "always the same"})
        return MiniResourceServer(provider.handle, provider.issuer).ask(token)
    response = rp.tokens(provider)
    return response if place == "TOKEN" else rp.ask_who(read(response)["access_token"])


def good_and_bad(
    fault: Misbehaviour, provider: SimulatedProvider, rp: MiniRelyingParty
) -> tuple[HttpResponse, HttpResponse]:
    place = fault.name.partition("_")[0]
    with provider.misbehaving(fault):
        bad = response_to(provider, rp, place)
    return response_to(provider, rp, place), bad


# Responses


@faults("HTML|ERROR_HTML")
def test_html_is_a_page(fault: Misbehaviour, provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    _, bad = good_and_bad(fault, provider, rp)
    assert bad.media_type == "text/html"
    assert bad.body.startswith(b"<!doctype html>")


@faults(r"\d{3}")
def test_a_number_is_the_status(fault: Misbehaviour, provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    _, bad = good_and_bad(fault, provider, rp)
    assert str(bad.status) == fault.name[-3:]


@faults("ARRAY|NULL|STRING|EMPTY")
def test_another_value_takes_the_place(
    fault: Misbehaviour, provider: SimulatedProvider, rp: MiniRelyingParty
) -> None:
    good, bad = good_and_bad(fault, provider, rp)
    expected = {"ARRAY": b"[]", "NULL": b"null", "STRING": b'"issuer"', "EMPTY": b""}
    assert bad.body == expected[fault.name.rpartition("_")[2]]
    assert (bad.status, bad.media_type) == (good.status, good.media_type)


@faults("REDIRECT")
def test_a_redirect_leads_to_the_right_endpoint_elsewhere(
    fault: Misbehaviour, provider: SimulatedProvider, rp: MiniRelyingParty
) -> None:
    _, bad = good_and_bad(fault, provider, rp)
    assert bad.status == (307 if fault is Fault.TOKEN_REDIRECT else 302)
    assert bad.headers["location"] == f"{provider.issuer}/elsewhere{PATHS[fault.name.partition('_')[0]]}"


@pytest.mark.parametrize("fault", [Fault.DISCOVERY_REDIRECT, Fault.JWKS_REDIRECT], ids=str)
def test_a_client_that_follows_a_redirect_finds_the_document(
    fault: Misbehaviour, provider: SimulatedProvider, rp: MiniRelyingParty
) -> None:
    good, bad = good_and_bad(fault, provider, rp)
    with provider.misbehaving(fault):
        followed = provider.handle(HttpRequest(method="GET", url=bad.headers["location"]))
    assert followed.body == good.body
    assert provider.count("elsewhere", status=200) == 1


@faults("DUPLICATE_MEMBERS")
def test_duplicate_members_fool_who_keeps_the_last(
    fault: Misbehaviour, provider: SimulatedProvider, rp: MiniRelyingParty
) -> None:
    good, bad = good_and_bad(fault, provider, rp)
    names = [name for name, _ in json.loads(bad.body, object_pairs_hook=list)]
    assert len(names) == len(set(names)) + 1
    assert set(read(bad)) == set(read(good))


@faults("HUGE")
def test_huge_is_more_than_anybody_reads_and_still_json(
    fault: Misbehaviour, provider: SimulatedProvider, rp: MiniRelyingParty
) -> None:
    good, bad = good_and_bad(fault, provider, rp)
    assert len(bad.body) > 3 * MAX_RESPONSE_BODY
    assert set(read(bad)) == {*read(good), "padding"}


@faults("DEEP")
def test_deep_is_too_deep(fault: Misbehaviour, provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    _, bad = good_and_bad(fault, provider, rp)
    assert len(bad.body) < MAX_RESPONSE_BODY
    with pytest.raises(RecursionError):
        json.loads(bad.body)


@faults("TRUNCATED")
def test_truncated_is_the_first_half(fault: Misbehaviour, provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    _, bad = good_and_bad(fault, provider, rp)
    assert bad.body[:1] == b"{"
    with pytest.raises(json.JSONDecodeError):
        json.loads(bad.body)


@faults("SLOW|DRIP|RESET|CUT_OFF|ENDLESS")
def test_an_accident_happens_on_the_way(
    fault: Misbehaviour, provider: SimulatedProvider, rp: MiniRelyingParty
) -> None:
    good, bad = good_and_bad(fault, provider, rp)
    assert isinstance(good, Reply)
    assert isinstance(bad, Reply)
    happens = {
        "SLOW": bad.delay > 600,
        "DRIP": bad.drips,
        "RESET": bad.breaks_after == 0,
        "OFF": bad.breaks_after in range(1, len(bad.body)),
        "ENDLESS": bad.never_ends,
    }
    assert [name for name, it_does in happens.items() if it_does] == [fault.name.rpartition("_")[2]]
    assert (good.delay, good.drips, good.breaks_after, good.never_ends) == (0, False, None, False)


@pytest.mark.parametrize("fault", [Fault.DISCOVERY_GZIP_BOMB, Fault.INTROSPECTION_GZIP_BOMB], ids=str)
def test_the_gzip_bomb_is_small_and_grows(
    fault: Misbehaviour, provider: SimulatedProvider, rp: MiniRelyingParty
) -> None:
    good, bad = good_and_bad(fault, provider, rp)
    assert bad.headers["content-encoding"] == "gzip"
    assert len(bad.body) < 100_000
    unpacked = zlib.decompress(bad.body, wbits=31)
    assert len(unpacked) > 32_000_000
    assert unpacked.rstrip() == good.body


@pytest.mark.parametrize(
    ("fault", "status"),
    [(Fault.TOKEN_BUSY, 503), (Fault.INTROSPECTION_503, 503), (Fault.INTROSPECTION_429, 429)],
    ids=str,
)
def test_a_busy_provider_says_when_to_come_back(
    fault: Misbehaviour, status: int, provider: SimulatedProvider, rp: MiniRelyingParty
) -> None:
    _, bad = good_and_bad(fault, provider, rp)
    assert (bad.status, bad.headers["retry-after"]) == (status, "1")


def test_every_response_may_set_a_cookie(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    with provider.misbehaving(Fault.ANY_COOKIE):
        cookies = [response_to(provider, rp, place).headers.get("set-cookie") for place in PATHS]
    assert cookies == ["op=1; Path=/"] * len(PATHS)


# The authorization response


@pytest.mark.parametrize(
    ("fault", "shows"),
    [
        (Fault.AUTHORIZATION_STATE_MISSING, lambda answer: "state" not in dict(answer.parameters)),
        (Fault.AUTHORIZATION_STATE_WRONG, lambda answer: answer.get("state") == "xstate1"),
        (Fault.AUTHORIZATION_ISS_MISSING, lambda answer: "iss" not in dict(answer.parameters)),
        (Fault.AUTHORIZATION_ISS_WRONG, lambda answer: answer.get("iss") == "https://other.example"),
        (Fault.AUTHORIZATION_CODE_TWICE, lambda answer: names(answer).count("code") == 2),
        (Fault.AUTHORIZATION_STATE_TWICE, lambda answer: answer.url.count("state=state1") == 2),
        (Fault.AUTHORIZATION_CODE_AND_ERROR, lambda answer: {"code", "error"} <= set(names(answer))),
        (Fault.AUTHORIZATION_CODE_HUGE, lambda answer: len(answer.get("code") or "") == 102_400),
        (Fault.AUTHORIZATION_ACCESS_DENIED, lambda answer: names(answer)[0] == "error"),
        (Fault.AUTHORIZATION_ERROR_LINE_BREAKS, lambda answer: "%0D%0A" in answer.url),
        (Fault.AUTHORIZATION_ERROR_MARKUP, lambda answer: "%3Cscript%3E" in answer.url),
        (Fault.AUTHORIZATION_EMPTY, lambda answer: answer.url == REDIRECT_URI),
        (Fault.AUTHORIZATION_OTHER_CHANNEL, lambda answer: answer.method == "POST" and "code" in answer.form),
    ],
    ids=lambda value: str(value) if isinstance(value, Misbehaviour) else "",
)
def test_the_authorization_response_is_spoilt(
    fault: Misbehaviour, shows: Callable[[Callback], bool], provider: SimulatedProvider, rp: MiniRelyingParty
) -> None:
    assert not shows(provider.authorize(rp.authorization_url()))
    with provider.misbehaving(fault):
        assert shows(provider.authorize(rp.authorization_url()))


def names(callback: Callback) -> list[str]:
    return [name for name, _ in callback.parameters]


def test_other_channel_turns_a_form_into_a_query(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    with provider.misbehaving(Fault.AUTHORIZATION_OTHER_CHANNEL):
        callback = provider.authorize(rp.authorization_url(response_mode="form_post"))
    assert (callback.method, callback.form) == ("GET", {})
    assert "code=" in callback.url


def test_a_parameter_that_occurs_twice_is_a_list_in_the_form(
    provider: SimulatedProvider, rp: MiniRelyingParty
) -> None:
    with provider.misbehaving(Fault.AUTHORIZATION_STATE_TWICE):
        callback = provider.authorize(rp.authorization_url(response_mode="form_post"))
    assert callback.form["state"] == ["state1", "state1"]
    assert callback.body.count(b"state=state1") == 2


# Keys


@pytest.mark.parametrize(
    ("fault", "shows"),
    [
        (Fault.JWKS_ENCRYPTION_ONLY, lambda keys: {key["use"] for key in keys} == {"enc"}),
        (Fault.JWKS_OCT_KEY, lambda keys: "oct" in {key["kty"] for key in keys}),
        (Fault.JWKS_PRIVATE_MEMBERS, lambda keys: all("d" in key for key in keys)),
        (Fault.JWKS_10000_KEYS, lambda keys: len(keys) > 10_000 and keys[-1]["kty"] == "EC"),
        (Fault.JWKS_RSA_1024, lambda keys: bits(keys[0], "n") == 1024),
        (Fault.JWKS_RSA_16384, lambda keys: bits(keys[0], "n") == 16_384),
        (Fault.JWKS_RSA_HUGE_EXPONENT, lambda keys: bits(keys[0], "e") == 2040),
        (Fault.JWKS_NO_KID_ONE_KEY, lambda keys: len(keys) == 1 and "kid" not in keys[0]),
        (Fault.JWKS_NO_KID_SEVERAL_FIT, lambda keys: [key["alg"] for key in keys].count("RS256") == 2),
        (Fault.JWKS_OUTDATED, lambda keys: [key["kid"] for key in keys] == ["rs256-0"]),
        (Fault.JWKS_DECOYS, lambda keys: [key["kid"] for key in keys].count("rs256-1") == 5),
    ],
    ids=lambda value: str(value) if isinstance(value, Misbehaviour) else "",
)
def test_the_keys_are_spoilt(
    fault: Misbehaviour, shows: Callable[[Keys], bool], provider: SimulatedProvider, rp: MiniRelyingParty
) -> None:
    assert not shows(read(rp.get("/jwks"))["keys"])
    with provider.misbehaving(fault):
        response = rp.get("/jwks")
    assert shows(read(response)["keys"])
    assert len(response.body) < MAX_RESPONSE_BODY


def bits(key: Mapping[str, Any], member: str) -> int:
    return int.from_bytes(decoded(key[member]), "big").bit_length() if member in key else 0


def test_the_weak_key_signs(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    """threat model 31"""
    with provider.misbehaving(Fault.JWKS_RSA_1024):
        token, key = read(rp.tokens(provider))["id_token"], rp.published("RS256")
    numbers = rsa.RSAPublicNumbers(*(int.from_bytes(decoded(key[name]), "big") for name in "en"))
    signing_input, _, signature = token.rpartition(".")
    numbers.public_key().verify(decoded(signature), signing_input.encode(), PKCS1v15(), SHA256())
    assert segment(token, 0)["kid"] == key["kid"]
