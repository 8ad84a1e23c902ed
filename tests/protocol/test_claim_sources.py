"""Aggregated and distributed claims: claims of each source, malformed ones (OIDC Core 5.6.2). threat model 121."""

from typing import Any

import pytest

from oidc_async.errors import AlgorithmNotAllowed, ClaimInvalid, SignatureInvalid, TokenError
from oidc_async.protocol.claim_sources import (
    MAX_SOURCES,
    PROVIDER_ONLY_CLAIMS,
    claimed_issuer,
    distributed_claims_request,
    has_claim_sources,
    parse_source_token,
    read_claim_names,
    read_claim_source,
    read_distributed_claims,
    read_source_token,
    without_claim_sources,
)
from oidc_async.protocol.http_message import HttpResponse
from oidc_async.protocol.jose.jws import import_jwk
from tests.protocol.signing import compact, public_jwk, rsa_key

OWN = {"sub": "alice", "name": "Alice"}
ISSUER, NOW = "https://claims.example", 1_700_000_000
ENDPOINT = "https://claims.example/age"


def claims(names: object, sources: object = None) -> dict[str, Any]:
    return {**OWN, "_claim_names": names, "_claim_sources": {"a": {"JWT": "x"}} if sources is None else sources}


@pytest.mark.parametrize(
    ("names", "asked"),
    [
        ({}, {}),
        ({"age": "a"}, {"a": ["age"]}),
        ({"age": "a", "size": "a", "score": "b"}, {"a": ["age", "size"], "b": ["score"]}),
        # what the provider says itself is asked of nobody
        ({"name": "a", "age": "a"}, {"a": ["age"]}),
        ({"name": "a"}, {}),
        *(({name: "a"}, {}) for name in sorted(PROVIDER_ONLY_CLAIMS)),
    ],
    ids=str,
)
def test_which_claims_are_asked_of_whom(names: dict[str, str], asked: dict[str, list[str]]) -> None:
    found = read_claim_names(claims(names))
    assert {source: sorted(claims) for source, claims in found.items()} == asked


OF_THE_PROVIDER = "iss sub aud exp iat nbf nonce auth_time acr amr azp sid at_hash c_hash events _claim_names"


@pytest.mark.parametrize("name", OF_THE_PROVIDER.split())
def test_what_only_the_provider_says(name: str) -> None:
    """threat model 119."""
    assert name in PROVIDER_ONLY_CLAIMS


@pytest.mark.parametrize("names", [None, [], "a", {"age": 5}, {"age": None}, {"age": ["a"]}], ids=str)
def test_names_that_are_none(names: object) -> None:
    with pytest.raises(ClaimInvalid, match="_claim_names"):
        read_claim_names(claims(names))


def test_there_are_not_too_many_sources() -> None:
    names = {f"claim{number}": f"source{number}" for number in range(MAX_SOURCES)}
    assert len(read_claim_names(claims(names))) == MAX_SOURCES
    with pytest.raises(ClaimInvalid, match="at most"):
        read_claim_names(claims({**names, "one": "more"}))


@pytest.mark.parametrize(
    ("source", "token", "endpoint", "access_token"),
    [
        ({"JWT": "a.b.c"}, "a.b.c", None, None),
        ({"endpoint": ENDPOINT}, None, ENDPOINT, None),
        ({"endpoint": ENDPOINT, "access_token": "t0k-en"}, None, ENDPOINT, "t0k-en"),
        ({"endpoint": "http://127.0.0.1:5/age", "other": 5}, None, "http://127.0.0.1:5/age", None),
    ],
)
def test_a_source(source: dict[str, Any], token: str | None, endpoint: str | None, access_token: str | None) -> None:
    found = read_claim_source(claims({"age": "a"}, {"a": source}), "a", frozenset({"age"}))
    assert (found.jwt, found.endpoint, found.access_token) == (token, endpoint, access_token)
    assert found.names == {"age"}
    assert "t0k-en" not in repr(found)


@pytest.mark.parametrize(
    "sources",
    [
        [],
        "a",
        {},
        {"b": {"JWT": "x"}},
        {"a": None},
        {"a": "x"},
        {"a": {}},
        {"a": {"JWT": 5}},
        {"a": {"JWT": ""}},
        {"a": {"JWT": "x", "endpoint": ENDPOINT}},
        {"a": {"endpoint": 5}},
        {"a": {"endpoint": "http://claims.example/age"}},
        {"a": {"endpoint": "file:///etc/passwd"}},
        {"a": {"endpoint": "https://user@claims.example/age"}},
        {"a": {"endpoint": "//claims.example/age"}},
        {"a": {"endpoint": ENDPOINT, "access_token": "two words"}},
        {"a": {"endpoint": ENDPOINT, "access_token": "a\r\nHost: b"}},
        {"a": {"endpoint": ENDPOINT, "access_token": 5}},
    ],
    ids=str,
)
def test_a_malformed_source(sources: object) -> None:
    with pytest.raises(ClaimInvalid) as caught:
        read_claim_source(claims({"age": "a"}, sources), "a", frozenset({"age"}))
    assert "two words" not in str(caught.value)


def test_distributed_claims_are_asked_for_with_the_token_in_the_header_once() -> None:
    """threat model 120."""
    request = distributed_claims_request(ENDPOINT, "secret", 9.5)
    assert (request.method, request.url, request.repeatable, request.body) == ("GET", ENDPOINT, False, b"")
    assert request.headers == {"accept": "application/jwt", "authorization": "Bearer secret"}
    assert (request.max_body, request.seconds) == (64 * 1024, 9.5)
    assert "authorization" not in distributed_claims_request(ENDPOINT, None, 9.5).headers


@pytest.mark.parametrize("status", [201, 204, 302, 401, 500])
def test_only_200_brings_claims(status: int) -> None:
    assert read_distributed_claims(HttpResponse(status=200, body=b"a.b.c\n")) == "a.b.c"
    with pytest.raises(ClaimInvalid, match=str(status)):
        read_distributed_claims(HttpResponse(status=status, body=b"a.b.c"))


def test_only_the_claims_of_the_provider_are_kept() -> None:
    assert without_claim_sources(claims({"age": "a"})) == OWN
    assert (has_claim_sources(claims({})), has_claim_sources({"_claim_sources": {}}), has_claim_sources(OWN)) == (
        True,
        True,
        False,
    )


SIGNED = {"iss": ISSUER, "age": 30}
HOUR = 3600


def read(token: str, alg: str = "RS256") -> dict[str, Any]:
    key = import_jwk(public_jwk(rsa_key()))
    expected: dict[str, Any] = {"issuer": ISSUER, "algorithms": (alg,), "client_id": "c1", "leeway": 30, "now": NOW}
    return read_source_token(parse_source_token(token), key, **expected)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"sub": "4711"},
        {"aud": "c1"},
        {"aud": ["other", "c1"]},
        {"exp": NOW + 1},
        {"exp": NOW - 29},
        {"nbf": NOW + 30},
        {"iat": NOW - 10 * HOUR},
    ],
    ids=str,
)
def test_a_token_is_believed(more: dict[str, Any]) -> None:
    claims = {**SIGNED, **more}
    assert read(compact({"alg": "RS256"}, claims)) == claims
    assert claimed_issuer(parse_source_token(compact({"alg": "RS256"}, claims))) == ISSUER


@pytest.mark.parametrize(
    ("header", "more", "code"),
    [
        pytest.param({"typ": "at+jwt"}, {}, "claim_invalid", id="104-another-kind"),
        pytest.param({}, {"iss": "https://other.example"}, "claim_invalid", id="86-iss"),
        pytest.param({}, {"iss": f"{ISSUER}/"}, "claim_invalid", id="86-iss-with-a-slash"),
        pytest.param({}, {"aud": "c2"}, "claim_invalid", id="87-aud"),
        pytest.param({}, {"exp": NOW - 31}, "token_expired", id="91-exp"),
        pytest.param({}, {"nbf": NOW + 31}, "claim_invalid", id="94-nbf"),
        pytest.param({}, {"events": {}}, "claim_invalid", id="104-events"),
    ],
)
def test_a_token_is_not_believed(header: dict[str, Any], more: dict[str, Any], code: str) -> None:
    with pytest.raises(TokenError) as caught:
        read(compact({"alg": "RS256", **header}, {**SIGNED, **more}))
    assert caught.value.code == code


def test_a_token_is_signed_by_the_key_and_by_the_algorithm_that_is_expected() -> None:
    """threat model 80, 83, 84."""
    with pytest.raises(SignatureInvalid):
        read(compact({"alg": "RS256"}, SIGNED, key=rsa_key(2)))
    with pytest.raises(AlgorithmNotAllowed):
        read(compact({"alg": "PS256"}, SIGNED, alg="PS256"))
    with pytest.raises(AlgorithmNotAllowed):
        read(compact({"alg": "none"}, SIGNED))
