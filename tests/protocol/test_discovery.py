"""What a discovery document must be like to be believed: threat model A."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oidc_async.errors import IssuerMismatch, MetadataInvalid
from oidc_async.protocol.discovery import (
    BOOLEANS,
    LISTS,
    OPTIONAL_ENDPOINTS,
    REQUIRED_ENDPOINTS,
    discovery_request,
    read_discovery,
    well_known_uri,
    with_mtls_endpoints,
)
from oidc_async.protocol.freshness import freshness_lifetime
from oidc_async.protocol.http_message import HttpResponse
from oidc_async.protocol.metadata import ProviderMetadata
from oidc_async.protocol.response_type import RESPONSE_TYPES

ISSUER = "https://op.example/tenant"
MINIMAL: dict[str, Any] = {
    "issuer": ISSUER,
    "authorization_endpoint": "https://op.example/authorize",
    "token_endpoint": "https://op.example/token",
    "jwks_uri": "https://keys.example/jwks",
}
LOCAL: dict[str, Any] = {
    name: url.replace("https://op.example", "http://localhost:8000") for name, url in MINIMAL.items()
}


def answered(body: bytes | dict[str, Any], status: int = 200) -> HttpResponse:
    return HttpResponse(status=status, body=body if isinstance(body, bytes) else json.dumps(body).encode())


def read(document: bytes | dict[str, Any], issuer: str = ISSUER) -> ProviderMetadata:
    return read_discovery(answered(document), issuer)


def test_a_minimal_document_is_enough() -> None:
    """threat model 11: everything optional may be absent."""
    assert read(MINIMAL).to_dict() == MINIMAL


def test_members_that_nobody_knows_are_kept() -> None:
    more = {"tenant": {"region": ["EU", None]}, "self": 1, "issuer ": "other", "": 2}
    assert read({**MINIMAL, **more}).to_dict() == {**MINIMAL, **more}


@pytest.mark.parametrize(
    ("issuer", "uri"),
    [
        ("https://op.example", "https://op.example/.well-known/openid-configuration"),
        ("https://op.example/", "https://op.example/.well-known/openid-configuration"),
        ("https://op.example/a/b", "https://op.example/a/b/.well-known/openid-configuration"),
        ("https://op.example/a/", "https://op.example/a/.well-known/openid-configuration"),
    ],
)
def test_the_document_is_below_the_issuer(issuer: str, uri: str) -> None:
    """threat model 3: one slash at the end is left out there, and only there."""
    assert well_known_uri(issuer) == uri
    assert discovery_request(uri).url == uri
    assert read({**MINIMAL, "issuer": issuer}, issuer)["issuer"] == issuer


@pytest.mark.parametrize(
    "published",
    [
        pytest.param("https://other.example", id="1-another"),
        pytest.param("https://op.example", id="1-without-the-path"),
        pytest.param("https://op.example/tenant/", id="2-a-slash-more"),
        pytest.param("https://OP.example/tenant", id="2-capitals-in-the-host"),
        pytest.param("https://op.example/Tenant", id="2-capitals-in-the-path"),
        pytest.param("https://op.example:443/tenant", id="2-default-port"),
        pytest.param("https://op.example/%74enant", id="2-percent-encoded"),
        pytest.param("https://op.example/./tenant", id="2-dot-segment"),
        pytest.param("https://op.example/tenant ", id="2-a-space-more"),
        pytest.param("https://op.example/tenan\u0074\u200b", id="2-invisible"),
        pytest.param("https://\uff4fp.example/tenant", id="2-unicode-form"),
        pytest.param("http://op.example/tenant", id="2-http"),
        pytest.param("https://op.example/{tenantid}", id="16-template"),
        pytest.param([ISSUER], id="9-list"),
        pytest.param({"issuer": ISSUER}, id="9-object"),
        pytest.param(5, id="9-number"),
        pytest.param(True, id="9-true"),
        pytest.param(None, id="9-null"),
    ],
)
def test_a_document_that_speaks_for_another_issuer_is_rejected(published: Any) -> None:
    """threat model 1, 2, 16: every code point counts."""
    with pytest.raises(IssuerMismatch, match="issuer") as caught:
        read({**MINIMAL, "issuer": published})
    assert str(caught.value).isprintable()
    assert caught.value.evidence == {"expected": ISSUER}


def test_a_document_without_an_issuer_is_rejected() -> None:
    """threat model 1."""
    with pytest.raises(IssuerMismatch):
        read({name: MINIMAL[name] for name in MINIMAL if name != "issuer"})


def test_the_issuer_of_a_hostile_document_is_shown_short_and_printable() -> None:
    """threat model 256."""
    with pytest.raises(IssuerMismatch) as caught:
        read({**MINIMAL, "issuer": "x\r\n\x1b[31m\u202e" + "x" * 100_000})
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="7-empty"),
        pytest.param(b"<!doctype html>", id="7-html"),
        pytest.param(b"[]", id="8-array"),
        pytest.param(b'"issuer"', id="8-string"),
        pytest.param(b"null", id="8-null"),
        pytest.param(b"5", id="8-number"),
        pytest.param(json.dumps([MINIMAL]).encode(), id="8-array-of-one"),
        pytest.param(b'{"issuer":"a","issuer":"https://op.example/tenant"}', id="1-issuer-twice"),
        pytest.param(b"\xef\xbb\xbf" + json.dumps(MINIMAL).encode(), id="7-byte-order-mark"),
        pytest.param(json.dumps(MINIMAL).encode("utf-16"), id="7-utf-16"),
        pytest.param(json.dumps(MINIMAL).encode()[:-1], id="7-truncated"),
        pytest.param(json.dumps(MINIMAL).encode() + b"{}", id="7-two-documents"),
        pytest.param(b"[" * 100_000, id="227-deep"),
    ],
)
def test_anything_but_a_json_object_is_rejected(body: bytes) -> None:
    """threat model 7, 8, 227."""
    with pytest.raises(MetadataInvalid, match=r"must be one JSON object"):
        read(body)


@pytest.mark.parametrize("status", [100, 201, 204, 301, 302, 307, 400, 401, 404, 429, 500, 503])
def test_only_200_answers_discovery(status: int) -> None:
    """threat model 7, 12: redirects are not followed."""
    with pytest.raises(MetadataInvalid, match=str(status)):
        read_discovery(answered(MINIMAL, status), ISSUER)


@pytest.mark.parametrize("name", [*REQUIRED_ENDPOINTS, "token_endpoint"])
def test_a_required_endpoint_must_be_there(name: str) -> None:
    """threat model 9."""
    for document in ({**MINIMAL, name: None}, {key: MINIMAL[key] for key in MINIMAL if key != name}):
        with pytest.raises(MetadataInvalid, match=name) as caught:
            read(document)
        assert caught.value.evidence == {"field": name}


@pytest.mark.parametrize("response_type", RESPONSE_TYPES)
def test_who_asks_for_no_code_needs_no_token_endpoint(response_type: str) -> None:
    """OIDC Discovery 3"""
    response = answered({name: MINIMAL[name] for name in MINIMAL if name != "token_endpoint"})
    if "code" not in response_type.split():
        assert "token_endpoint" not in read_discovery(response, ISSUER, response_type)
        return
    with pytest.raises(MetadataInvalid, match=f"must have token_endpoint: response_type={response_type} "):
        read_discovery(response, ISSUER, response_type)


@pytest.mark.parametrize("name", OPTIONAL_ENDPOINTS)
def test_an_optional_endpoint_may_be_null(name: str) -> None:
    """threat model 11."""
    assert name not in read({**MINIMAL, name: None})


@pytest.mark.parametrize("name", [*REQUIRED_ENDPOINTS, "token_endpoint", *OPTIONAL_ENDPOINTS])
@pytest.mark.parametrize(
    "value",
    [
        pytest.param("", id="9-empty"),
        pytest.param(5, id="9-number"),
        pytest.param(["https://op.example/"], id="9-list"),
        pytest.param({"url": "https://op.example/"}, id="9-object"),
        pytest.param(False, id="9-false"),
        pytest.param("/token", id="9-relative"),
        pytest.param("//op.example/token", id="9-without-scheme"),
        pytest.param("javascript:alert(1)", id="9-javascript"),
        pytest.param("data:,x", id="9-data"),
        pytest.param("http://op.example/token", id="4-http"),
        pytest.param("http://localhost:8000/token", id="216-this-machine"),
        pytest.param("http://127.0.0.1/token", id="216-this-machine-by-address"),
        pytest.param("http://169.254.169.254/", id="216-link-local"),
        pytest.param("http://localhost:80@evil.example/", id="5-host-behind-credentials"),
        pytest.param("https://op.example@evil.example/", id="5-credentials"),
        pytest.param("https://op.example/#", id="9-fragment"),
        pytest.param("https://op.example/\r\nX: 1", id="208-header"),
    ],
)
def test_an_endpoint_that_no_token_may_go_to_is_rejected(name: str, value: Any) -> None:
    """threat model 4, 5, 9, 216."""
    with pytest.raises(MetadataInvalid, match=f"^{name} ") as caught:
        read({**MINIMAL, name: value})
    assert str(caught.value).isprintable()


def test_a_local_issuer_may_have_local_endpoints() -> None:
    """threat model 4: the exemption for development."""
    assert read(LOCAL, LOCAL["issuer"]).to_dict() == LOCAL


@pytest.mark.parametrize("name", BOOLEANS)
@pytest.mark.parametrize("value", ["true", "false", 1, 0, [], {}], ids=ascii)
def test_a_boolean_must_be_one(name: str, value: Any) -> None:
    """threat model 9, 45: what is promised must not get lost."""
    with pytest.raises(MetadataInvalid, match=f"^{name} "):
        read({**MINIMAL, name: value})


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("value", ["client_secret_basic", 5, {}, [5], [["a"]], [None], True], ids=ascii)
def test_a_list_must_be_one_of_strings(name: str, value: Any) -> None:
    """threat model 9."""
    with pytest.raises(MetadataInvalid, match=f"^{name} "):
        read({**MINIMAL, name: value})


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("value", [None, [], ["a", "b"]], ids=ascii)
def test_a_list_may_be_absent_or_empty(name: str, value: Any) -> None:
    """threat model 11."""
    assert read({**MINIMAL, name: value}).get(name) == value


ALIASES = "mtls_endpoint_aliases"


@pytest.mark.parametrize(
    ("aliases", "field"),
    [
        pytest.param([], ALIASES, id="a-list"),
        pytest.param("https://mtls.op.example/token", ALIASES, id="a-string"),
        pytest.param(5, ALIASES, id="a-number"),
        pytest.param({"token_endpoint": None}, f"{ALIASES}.token_endpoint", id="null"),
        pytest.param({"token_endpoint": ""}, f"{ALIASES}.token_endpoint", id="empty"),
        pytest.param({"token_endpoint": "/token"}, f"{ALIASES}.token_endpoint", id="relative"),
        pytest.param({"token_endpoint": "http://op.example/token"}, f"{ALIASES}.token_endpoint", id="http"),
        pytest.param({"userinfo_endpoint": ["https://op.example/u"]}, f"{ALIASES}.userinfo_endpoint", id="in-a-list"),
        pytest.param({"introspection_endpoint": {}}, f"{ALIASES}.introspection_endpoint", id="an-object"),
        pytest.param({"revocation_endpoint": "https://a@b/c"}, f"{ALIASES}.revocation_endpoint", id="a-user"),
    ],
)
def test_an_alias_that_is_not_an_endpoint_is_rejected(aliases: Any, field: str) -> None:
    """threat model 15; RFC 8705 5: nothing falls back to the endpoint that asks for no certificate."""
    with pytest.raises(MetadataInvalid) as caught:
        read({**MINIMAL, ALIASES: aliases})
    assert caught.value.evidence == {"field": field}


@pytest.mark.parametrize("aliases", [None, {}, {"authorization_endpoint": 5, "other": None}], ids=str)
def test_without_aliases_the_endpoints_are_those_for_all(aliases: Any) -> None:
    """RFC 8705 5; browsers are sent to none."""
    assert with_mtls_endpoints(read({**MINIMAL, ALIASES: aliases})).copy(mtls_endpoint_aliases=None) == read(MINIMAL)


def test_a_client_with_a_certificate_goes_to_the_alias() -> None:
    """RFC 8705 5"""
    alias = "https://mtls.op.example/token"
    metadata = with_mtls_endpoints(read({**MINIMAL, ALIASES: {"token_endpoint": alias}}))
    assert metadata["token_endpoint"] == alias
    assert metadata["authorization_endpoint"] == MINIMAL["authorization_endpoint"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None)
@given(
    status=st.sampled_from((200, 302, 500)),
    members=st.dictionaries(st.sampled_from((*MINIMAL, *OPTIONAL_ENDPOINTS, *LISTS, "self")), JSON, max_size=3),
)
def test_no_document_makes_anything_fail_but_with_our_errors(status: int, members: dict[str, Any]) -> None:
    try:
        outcome = read_discovery(answered({**MINIMAL, **members}, status), ISSUER)["issuer"]
    except MetadataInvalid as error:
        outcome = str(error)
    assert outcome.isprintable()


@pytest.mark.parametrize(
    ("cache_control", "seconds"),
    [
        pytest.param("", 3600, id="absent"),
        pytest.param("no-store", 3600, id="no-store"),
        pytest.param("max-age=600", 600, id="within"),
        pytest.param('public, MAX-AGE="600", immutable', 600, id="quoted"),
        pytest.param("max-age=0", 60, id="233-never"),
        pytest.param("max-age=315360000", 86400, id="233-ten-years"),
        pytest.param("max-age=" + "9" * 5000, 86400, id="233-endless"),
        pytest.param("max-age=-1", 3600, id="233-negative"),
        pytest.param("max-age=soon", 3600, id="233-no-number"),
        pytest.param("s-maxage=600", 3600, id="for-shared-caches"),
        pytest.param("x-max-age=600", 3600, id="another-name"),
        pytest.param("max-age=600, max-age=0", 600, id="twice"),
    ],
)
def test_a_provider_cannot_ask_to_be_asked_always_or_never(cache_control: str, seconds: float) -> None:
    """threat model 233."""
    response = HttpResponse(status=200, headers={"cache-control": cache_control})
    assert freshness_lifetime(response, default=3600, minimum=60, maximum=86400) == seconds
