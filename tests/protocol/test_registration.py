"""Registering a client and managing it (OIDC Registration 3, 4; RFC 7591, RFC 7592): threat model 216, 217, 250."""

import base64
import json
import traceback
from typing import Any
from urllib.parse import unquote_plus

import pytest

from oidc_async.errors import OAuthError, OIDCError, ProviderUnreachable, RegistrationInvalid
from oidc_async.protocol.client_authentication import ClientAuthentication, authenticated_request
from oidc_async.protocol.http_message import HttpResponse
from oidc_async.protocol.metadata import ClientMetadata, ProviderMetadata
from oidc_async.protocol.registration import (
    client_delete_request,
    client_read_request,
    client_update_request,
    has_expired_secret,
    is_manageable,
    read_deletion,
    read_registration,
    registration_request,
)

ENDPOINT = "https://op.example/register"
PROVIDER = ProviderMetadata(issuer="https://op.example", registration_endpoint=ENDPOINT)
REDIRECT_URI = "https://rp.example/redirect_uri"
REQUESTED: dict[str, Any] = {
    "redirect_uris": [REDIRECT_URI],
    "response_types": ["code"],
    "token_endpoint_auth_method": "client_secret_basic",
    "id_token_signed_response_alg": "RS256",
}
MANAGED = {"registration_client_uri": f"{ENDPOINT}?client_id=c1", "registration_access_token": "canary-access-token"}
ANSWER: dict[str, Any] = {
    **REQUESTED,
    **MANAGED,
    "client_id": "c1",
    "client_secret": "canary-secret",
    "client_secret_expires_at": 0,
}
CLIENT = ClientMetadata(**ANSWER)
NOW = 1_700_000_000.0


def answer(status: int = 201, **changes: Any) -> HttpResponse:
    """A valid response except for these members; ... omits one."""
    document = {name: value for name, value in {**ANSWER, **changes}.items() if value is not ...}
    return HttpResponse(status=status, body=json.dumps(document).encode())


def read(response: HttpResponse, requested: dict[str, Any] = REQUESTED, **options: Any) -> ClientMetadata:
    return read_registration(response, requested, **{"endpoint": ENDPOINT, "now": NOW, **options})


def rejection(response: HttpResponse, **options: Any) -> RegistrationInvalid:
    with pytest.raises(RegistrationInvalid) as caught:
        read(response, **options)
    return caught.value


# Requests


@pytest.mark.parametrize(
    ("token", "authorization"), [(None, None), ("a.b~c+d/e==", "Bearer a.b~c+d/e==")], ids=["open", "with a token"]
)
def test_a_registration_posts_the_metadata(token: str | None, authorization: str | None) -> None:
    """OIDC Registration 3.1, RFC 7591 3: an initial access token goes as it is"""
    request = registration_request(PROVIDER, REQUESTED, token)
    assert (request.method, request.url, request.repeatable) == ("POST", ENDPOINT, False)
    assert request.headers["content-type"] == "application/json"
    assert request.headers.get("authorization") == authorization
    assert json.loads(request.body) == REQUESTED


def test_a_client_asks_about_itself_with_its_registration_access_token() -> None:
    """RFC 7592 2.1, 2.3"""
    asked, ended = client_read_request(CLIENT), client_delete_request(CLIENT)
    assert [asked.method, ended.method] == ["GET", "DELETE"]
    assert {asked.url, ended.url} == {MANAGED["registration_client_uri"]}
    assert asked.headers["authorization"] == ended.headers["authorization"] == "Bearer canary-access-token"
    assert (asked.body, ended.body, asked.repeatable, ended.repeatable) == (b"", b"", True, False)


def test_an_update_says_who_it_is_and_not_what_is_for_the_provider_to_say() -> None:
    """RFC 7592 2.2"""
    request = client_update_request(
        CLIENT, {**CLIENT, "client_id_issued_at": 1, "client_name": "N", "logo_uri": None}
    )
    assert (request.method, request.url, request.repeatable) == ("PUT", MANAGED["registration_client_uri"], False)
    assert request.headers["authorization"] == "Bearer canary-access-token"
    assert json.loads(request.body) == {
        **REQUESTED,
        "client_id": "c1",
        "client_secret": "canary-secret",
        "client_name": "N",
    }


# What came of it


@pytest.mark.parametrize("status", [200, 201])
def test_the_client_is_as_the_provider_says(status: int) -> None:
    """OIDC Registration 3.2; some providers answer 200"""
    client = read(answer(status, client_name="An application"))
    assert client.to_dict() == {**ANSWER, "client_name": "An application"}
    assert is_manageable(client)


@pytest.mark.parametrize("absent", [..., None], ids=["absent", "null"])
@pytest.mark.parametrize("name", sorted(REQUESTED))
def test_what_the_response_does_not_mention_is_as_it_was_asked_for(name: str, absent: Any) -> None:
    assert read(answer(**{name: absent}))[name] == REQUESTED[name]


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uris": [REDIRECT_URI, "https://rp.example/other"]},
        {"response_types": ["code", "id_token"]},
        {"token_endpoint_auth_method": "client_secret_post"},
        {"id_token_signed_response_alg": "ES256"},
        {"client_secret_expires_at": ...},
        {"client_secret_expires_at": NOW + 1},
        {"client_secret": ..., "client_secret_expires_at": 1},
        {"registration_client_uri": ...},
        {"registration_access_token": ...},
        {"registration_client_uri": "https://elsewhere.example/clients/c1"},
        {"self": "x", "color": {"of": ["the", "bikeshed"]}},
        {"request_object_signing_alg": "none"},
        {"client_id": "c" * 8192},
    ],
    ids=str,
)
def test_these_are_borne(changes: dict[str, Any]) -> None:
    client = read(answer(**changes))
    assert {name: client.get(name, ...) for name in changes} == changes


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("client_id", [..., None, "", 7, "a\nb", "a\x00", "\x7f", "c" * 8193, ["c1"]]),
        ("client_secret", ["", 7, "a\r\nb", "s" * 8193]),
        ("client_secret_expires_at", ["0", -1, True, 1, NOW, [0]]),
        ("redirect_uris", [[], ["https://rp.example/other"], [f"{REDIRECT_URI}/"], REDIRECT_URI, [7], {}]),
        ("response_types", [[], ["id_token"], "code", [["code"]]]),
        ("grant_types", ["authorization_code", [None]]),
        ("post_logout_redirect_uris", ["https://rp.example/"]),
        ("token_endpoint_auth_method", ["none", 7, ["client_secret_basic"], "x" * 101]),
        ("id_token_signed_response_alg", [["RS256"], ["none"], {}]),
        ("id_token_encrypted_response_enc", [128]),
        ("registration_access_token", ["", "a b", "a\r\nb", "é", 7]),
        (
            "registration_client_uri",
            [
                "",
                7,
                "/register",
                "http://op.example/r",
                "http://127.0.0.1/r",
                "file:///etc/passwd",
                "ftp://op.example",
                "https://user:password@op.example/",
                "https://op.example/#r",
                "https://op.example/ r",
            ],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_client_that_is_not_the_one_asked_for_is_rejected_by_name(name: str, values: list[Any]) -> None:
    """OIDC Registration 3.2; threat model 10, 216: no weaker algorithm, and no token to wherever"""
    assert [value for value in values if rejection(answer(**{name: value})).evidence["field"] != name] == []


def test_response_types_are_sets_of_words() -> None:
    """OAuth 2.0 Multiple Response Types 1"""
    requested = {**REQUESTED, "response_types": ["code id_token"]}
    assert read(answer(response_types=["id_token code"]), requested)["response_types"] == ["id_token code"]
    assert rejection(answer(response_types=["code"]), requested=requested).evidence["field"] == "response_types"


def test_none_is_taken_where_it_was_asked_for() -> None:
    requested = {**REQUESTED, "token_endpoint_auth_method": "none"}
    public = answer(token_endpoint_auth_method="none", client_secret=..., client_secret_expires_at=...)
    assert "client_secret" not in read(public, requested)


@pytest.mark.parametrize(
    "name", ["id_token_signed_response_alg", "userinfo_signed_response_alg", "introspection_signed_response_alg"]
)
@pytest.mark.parametrize("asked", ["ES256", None])
def test_a_requested_signature_does_not_become_none(name: str, asked: str | None) -> None:
    """OIDC Registration 3.2, threat model 400: the requested value is kept, also when the client is read later."""
    requested = {key: value for key, value in {**REQUESTED, name: asked}.items() if value is not None}
    unsigned: dict[str, Any] = {name: "none"}
    client = read(answer(**unsigned), requested)
    assert client.get(name) == asked
    assert read(answer(200, **unsigned), {}, former=client).get(name) == asked


@pytest.mark.parametrize("name", ["request_object_signing_alg", "token_endpoint_auth_signing_alg"])
def test_what_this_client_signs_must_not_become_unsigned(name: str) -> None:
    unsigned: dict[str, Any] = {name: "none"}
    requested = {**REQUESTED, name: "RS256"}
    assert rejection(answer(**unsigned), requested=requested).evidence["field"] == name


def test_over_plain_http_on_this_machine_it_is_managed_there_too() -> None:
    local = "http://127.0.0.1:8080/register"
    client = read(answer(registration_client_uri=f"{local}/c1"), endpoint=local)
    assert client["registration_client_uri"] == f"{local}/c1"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"{", b'{"client_id":"a","client_id":"b"}', b"\xff", b"<html>"]
)
def test_a_malformed_body_registers_nobody(body: bytes) -> None:
    assert "JSON" in str(rejection(HttpResponse(status=201, body=body)))


@pytest.mark.parametrize("status", [202, 204, 302, 307])
def test_another_status_registers_nobody(status: int) -> None:
    """threat model 217"""
    headers = {"location": "https://evil.example"}
    response = HttpResponse(status=status, headers=headers, body=json.dumps(ANSWER).encode())
    assert rejection(response).evidence["status"] == status


@pytest.mark.parametrize(
    ("status", "document", "error", "description"),
    [
        (400, {"error": "invalid_redirect_uri", "error_description": "No."}, "invalid_redirect_uri", "No."),
        (400, {"error": "invalid_client_metadata"}, "invalid_client_metadata", None),
        (401, {"error": "invalid_token"}, "invalid_token", None),
        (403, [], "http_403", None),
        (405, {"error": 5}, "http_405", None),
    ],
    ids=str,
)  # fmt: skip
def test_an_error_response_raises_our_error(
    status: int, document: object, error: str, description: str | None
) -> None:
    """RFC 7591 3.2.2"""
    for reader in (read, read_deletion):
        with pytest.raises(OAuthError) as caught:
            reader(HttpResponse(status=status, body=json.dumps(document).encode()))
        assert (caught.value.error, caught.value.error_description) == (error, description)


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_provider_that_is_down_is_unreachable(status: int) -> None:
    for reader in (read, read_deletion):
        with pytest.raises(ProviderUnreachable):
            reader(HttpResponse(status=status))


# Reading and updating


def test_what_a_read_does_not_mention_is_as_it_was() -> None:
    """RFC 7592 3"""
    short = HttpResponse(status=200, body=b'{"client_id":"c1","client_name":"N","registration_access_token":"t2"}')
    client = read(short, {}, former=CLIENT)
    assert client.to_dict() == {**ANSWER, "client_name": "N", "registration_access_token": "t2"}


def test_a_public_client_may_read_that_it_is_one() -> None:
    public = CLIENT.copy(token_endpoint_auth_method="none", client_secret=None, client_secret_expires_at=None)
    document = json.dumps(public.to_dict()).encode()
    assert read(HttpResponse(status=200, body=document), {}, former=public) == public


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("token_endpoint_auth_method", "none"),
        ("redirect_uris", ["https://evil.example/"]),
        ("response_types", ["token"]),
    ],
)
def test_a_registration_is_not_weakened_behind_our_back(name: str, value: Any) -> None:
    assert rejection(answer(200, **{name: value}), requested={}, former=CLIENT).evidence["field"] == name


def test_an_update_replaces_all_but_the_client_itself() -> None:
    """RFC 7592 2.2"""
    short = HttpResponse(status=200, body=b'{"client_id":"c1"}')
    client = read(short, {"redirect_uris": ["https://rp.example/new"]}, former=CLIENT)
    credentials = {name: ANSWER[name] for name in ("client_id", "client_secret", "client_secret_expires_at")}
    assert client.to_dict() == {**credentials, **MANAGED, "redirect_uris": ["https://rp.example/new"]}


def test_a_new_secret_does_not_take_over_when_the_former_one_expired() -> None:
    former = CLIENT.copy(client_secret_expires_at=1)
    renewed = read(answer(200, client_secret="s2", client_secret_expires_at=...), {}, former=former)
    assert (renewed["client_secret"], has_expired_secret(renewed, NOW)) == ("s2", False)
    same = HttpResponse(status=200, body=b'{"client_id":"c1"}')
    assert rejection(same, requested={}, former=former).evidence["field"] == "client_secret_expires_at"


def test_nobody_becomes_another_client() -> None:
    assert rejection(answer(200, client_id="c2"), requested={}, former=CLIENT).evidence["field"] == "client_id"


@pytest.mark.parametrize(
    ("changes", "expired"),
    [
        ({"client_secret_expires_at": 0}, False),
        ({"client_secret_expires_at": NOW}, True),
        ({"client_secret_expires_at": NOW - 0.5}, True),
        ({"client_secret_expires_at": NOW + 0.5}, False),
        ({"client_secret_expires_at": None}, False),
        ({"client_secret_expires_at": 1, "client_secret": None}, False),
    ],
    ids=str,
)
def test_a_secret_expires_when_the_provider_said(changes: dict[str, Any], expired: bool) -> None:
    """RFC 7591 3.2.1: 0 is never"""
    assert has_expired_secret(CLIENT.copy(**changes), NOW) is expired


@pytest.mark.parametrize("status", [200, 204])
def test_an_ended_registration_says_nothing(status: int) -> None:
    read_deletion(HttpResponse(status=status))


@pytest.mark.parametrize("status", [202, 302])
def test_another_status_ended_nothing(status: int) -> None:
    with pytest.raises(RegistrationInvalid):
        read_deletion(HttpResponse(status=status, headers={"location": "https://evil.example"}))


# Secrets


def test_neither_secret_nor_access_token_shows() -> None:
    """threat model 250, 251"""
    shown = [
        repr(CLIENT),
        str(CLIENT),
        repr(client_read_request(CLIENT)),
        repr(client_update_request(CLIENT, CLIENT)),
    ]
    faults: list[dict[str, Any]] = [{"client_id": ...}, {"redirect_uris": []}, {"client_secret": "canary\n"}]
    shown += ["".join(traceback.format_exception(rejection(answer(**changes)))) for changes in faults]
    with pytest.raises(OIDCError) as caught:
        read(HttpResponse(status=201, body=json.dumps(ANSWER).encode()[:-1]))
    shown.append("".join(traceback.format_exception(caught.value)))
    assert [text for text in shown if "canary" in text] == []


@pytest.mark.parametrize("value", ["a:b", "100%", "a+b", "a b", "é ü 漢", "%3A", "a&b=c", "~"], ids=ascii)
def test_credentials_of_any_characters_survive_basic(value: str) -> None:
    """RFC 6749 2.3.1"""
    client = read(answer(client_id=value, client_secret=f"{value}!"))
    authentication = ClientAuthentication(
        method="client_secret_basic", client_id=client["client_id"], client_secret=client["client_secret"]
    )
    header = authenticated_request(ENDPOINT, {}, authentication).headers["authorization"]
    sent = base64.b64decode(header.removeprefix("Basic ")).decode("ascii").split(":")
    assert [unquote_plus(part) for part in sent] == [value, f"{value}!"]
