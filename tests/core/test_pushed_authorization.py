"""Logins whose requests are pushed to the provider beforehand, in both worlds (RFC 9126). threat model 266."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from oidc_async import ClientMetadata, ConfigurationError, ProviderConfiguration
from oidc_async.errors import MetadataInvalid, OAuthError, ProviderError, ProviderUnreachable
from oidc_async.protocol.http_message import HttpRequest, HttpResponse
from oidc_async.relying_party.login import AuthorizationRequest
from oidc_async.testing import SimulatedProvider
from oidc_async.testing.faults.documents import put, without
from oidc_async.testing.faults.responses import status
from oidc_async.testing.stages import ANY_REPLY, DISCOVERY, harmless
from tests.core.realm import REDIRECT_URI, SECRET, Realm, new_provider, new_realm
from tests.core.worlds import World
from tests.protocol.signing import SECRET as LONG_SECRET

REQUIRED = harmless("it wants requests to be pushed", DISCOVERY(put(require_pushed_authorization_requests=True)))
NOWHERE = harmless("nowhere to push", DISCOVERY(without("pushed_authorization_request_endpoint")))
ENDPOINT = "/par"
SAYS = {
    "true": harmless("request is supported", DISCOVERY(put(request_parameter_supported=True))),
    "false": harmless("request is not supported", DISCOVERY(put(request_parameter_supported=False))),
    "nothing": harmless("it says nothing about request", DISCOVERY(without("request_parameter_supported"))),
}
PARAMETERS: Mapping[str, Any] = {
    "resource": ["https://a.example", "https://b.example"],
    "authorization_details": [{"type": "payment"}],
}


def pushing(world: World, provider: SimulatedProvider | None = None, **options: Any) -> Realm:
    return new_realm(world, provider, **{"pushed_authorization_requests": True, **options})


def query(begun: AuthorizationRequest) -> dict[str, list[str]]:
    return parse_qs(urlsplit(begun.url).query, strict_parsing=True)


def pauses_end_at_once(realm: Realm, monkeypatch: pytest.MonkeyPatch) -> None:
    async def sleep(_seconds: float) -> None: ...

    monkeypatch.setattr(vars(getattr(realm.party, "_origin", realm.party))["_runtime"], "sleep", sleep)


def pushed(realm: Realm) -> list[dict[str, str]]:
    """What was pushed, request by request."""
    bodies = [seen.request.body for seen in realm.provider.requests if seen.request.url.endswith(ENDPOINT)]
    return [{name: value for name, (value,) in parse_qs(body.decode()).items()} for body in bodies]


def test_the_browser_carries_no_more_than_a_name(either_world: World) -> None:
    realm = pushing(either_world)
    begun = realm.begin(login_hint="alice@example.com", max_age=60)
    assert query(begun).keys() == {"client_id", "request_uri"}
    (sent,) = pushed(realm)
    assert sent.items() >= {"login_hint": "alice@example.com", "max_age": "60", "redirect_uri": REDIRECT_URI}.items()
    assert {"state", "nonce", "code_challenge", "scope", "response_type"} <= sent.keys()
    login = realm.complete(begun.pending, realm.provider.authorize(begun.url))
    assert login.id_token["sub"] == "alice"


def test_each_login_is_pushed_once(either_world: World) -> None:
    realm = pushing(either_world)
    urls = {realm.begin().url for _ in range(3)}
    assert (len(urls), len(pushed(realm))) == (3, 3)


def test_nothing_is_pushed_by_default(either_world: World) -> None:
    realm = new_realm(either_world)
    assert "state" in query(realm.begin())
    assert pushed(realm) == []


def test_it_is_done_where_the_provider_requires_it(either_world: World) -> None:
    """RFC 9126 5"""
    realm = new_realm(either_world)
    with realm.provider.misbehaving(REQUIRED):
        assert realm.log_in().id_token["sub"] == "alice"
    assert len(pushed(realm)) == 1


def test_it_is_done_where_the_client_is_registered_for_it(either_world: World) -> None:
    """RFC 9126 6"""
    client = ClientMetadata("client1", SECRET, require_pushed_authorization_requests=True)
    realm = new_realm(either_world, client_metadata=client)
    assert realm.log_in().id_token["sub"] == "alice"
    assert len(pushed(realm)) == 1


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "client_secret_jwt", "none"])
def test_the_client_authenticates_as_for_tokens(either_world: World, method: str) -> None:
    """RFC 9126 2"""
    provider = new_provider()
    secret = None if method == "none" else LONG_SECRET
    registered: dict[str, Any] = {"token_endpoint_auth_method": method}
    provider.register("client1", secret, redirect_uris=[REDIRECT_URI], **registered)
    realm = pushing(either_world, provider, client_metadata=ClientMetadata("client1", secret, **registered))
    assert realm.log_in().id_token["sub"] == "alice"


def test_a_push_that_is_tried_again_brings_a_new_assertion(
    either_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """threat model 75, 263: the provider may have seen the first one before it stumbled"""
    provider = new_provider()
    registered: dict[str, Any] = {"token_endpoint_auth_method": "client_secret_jwt"}
    provider.register("client1", LONG_SECRET, redirect_uris=[REDIRECT_URI], **registered)
    realm = pushing(either_world, provider, client_metadata=ClientMetadata("client1", LONG_SECRET, **registered))
    realm.begin()
    pauses_end_at_once(realm, monkeypatch)
    with provider.misbehaving(harmless("it stumbles", ANY_REPLY(status(503))), times=1):
        realm.begin()
    assertions = [sent["client_assertion"] for sent in pushed(realm)]
    assert (len(assertions), len(set(assertions))) == (3, 3)


@pytest.mark.parametrize(
    ("method", "beside"),
    [
        ("client_secret_basic", set[str]()),
        ("client_secret_post", {"client_id", "client_secret"}),
        ("client_secret_jwt", {"client_id", "client_assertion", "client_assertion_type"}),
    ],
)
@pytest.mark.parametrize("says", ["true", "false", "nothing"])
def test_a_signed_object_is_pushed_with_nothing_but_client_authentication(
    either_world: World, method: str, beside: set[str], says: str
) -> None:
    """RFC 9126 3; `request_parameter_supported` is about the authorization endpoint. threat model 397."""
    provider = new_provider()
    registered: dict[str, Any] = {"request_object_signing_alg": "HS256", "token_endpoint_auth_method": method}
    provider.register("client1", LONG_SECRET, redirect_uris=[REDIRECT_URI], **registered)
    client = ClientMetadata("client1", LONG_SECRET, **registered)
    realm = pushing(either_world, provider, client_metadata=client, request_object="value")
    with provider.misbehaving(SAYS[says]):
        assert realm.log_in().id_token["sub"] == "alice"
    (sent,) = pushed(realm)
    assert sent.keys() == {"request", *beside}


def test_values_that_are_repeated_or_json_arrive_by_a_push(either_world: World) -> None:
    """RFC 8707 2, RFC 9396 2."""
    realm = pushing(either_world)
    assert realm.log_in(**PARAMETERS).id_token["sub"] == "alice"
    body = next(seen.request.body for seen in realm.provider.requests if seen.request.url.endswith(ENDPOINT))
    sent = parse_qs(body.decode())
    assert sent["resource"] == ["https://a.example", "https://b.example"]
    assert json.loads(sent["authorization_details"][0]) == [{"type": "payment"}]


def test_an_object_that_is_fetched_cannot_be_pushed(either_world: World) -> None:
    """RFC 9126 2.1"""
    with pytest.raises(ConfigurationError, match="reference"):
        ProviderConfiguration(
            "https://op.example",
            client_metadata=ClientMetadata("client1", LONG_SECRET, request_object_signing_alg="HS256"),
            request_object="reference",
            pushed_authorization_requests=True,
        )
    provider = new_provider()
    provider.fetch = lambda _: HttpResponse(status=500)
    client = ClientMetadata("client1", LONG_SECRET, request_object_signing_alg="HS256")
    party = {"request_uri": "https://rp.example/request"}
    realm = new_realm(either_world, provider, client_metadata=client, request_object="reference", party=party)
    with realm.provider.misbehaving(REQUIRED), pytest.raises(ConfigurationError, match="reference"):
        realm.begin()
    assert pushed(realm) == []


def test_a_provider_without_a_place_for_it_is_rejected_by_name(either_world: World) -> None:
    realm = pushing(either_world)
    with realm.provider.misbehaving(NOWHERE), pytest.raises(MetadataInvalid, match="pushed_authorization_request"):
        realm.begin()


def test_a_rejection_of_the_provider_ends_the_login(either_world: World) -> None:
    provider = new_provider()
    client = ClientMetadata("client1", "another secret than the registered one")
    realm = pushing(either_world, provider, client_metadata=client)
    with pytest.raises(OAuthError) as rejected:
        realm.begin()
    assert rejected.value.error == "invalid_client"


def reply(status: int = 201, body: bytes = b'{"request_uri":"urn:a","expires_in":60}') -> HttpResponse:
    return HttpResponse(status=status, headers={"content-type": "application/json"}, body=body)


BAD: Mapping[str, tuple[HttpResponse, type[ProviderError]]] = {
    "a redirect": (reply(302), ProviderError),
    "no content": (reply(204, b""), ProviderError),
    "an outage": (reply(503), ProviderUnreachable),
    "no JSON": (reply(body=b"<html>"), ProviderError),
    "a list": (reply(body=b"[]"), ProviderError),
    "no name": (reply(body=b'{"expires_in":60}'), ProviderError),
    "an empty name": (reply(body=b'{"request_uri":""}'), ProviderError),
    "a name that is not a string": (reply(body=b'{"request_uri":["urn:a"]}'), ProviderError),
    "a name with a line end": (reply(body=b'{"request_uri":"urn:a\\r\\nb"}'), ProviderError),
    "a name with a blank": (reply(body=b'{"request_uri":"urn:a b"}'), ProviderError),
    "a long name": (reply(body=b'{"request_uri":"urn:%s"}' % (b"a" * 4096)), ProviderError),
    "the same member twice": (reply(body=b'{"request_uri":"urn:a","request_uri":"urn:b"}'), ProviderError),
}


@pytest.mark.parametrize(("answer", "kind"), BAD.values(), ids=BAD)
def test_an_answer_that_is_none_ends_the_login(
    either_world: World, monkeypatch: pytest.MonkeyPatch, answer: HttpResponse, kind: type[ProviderError]
) -> None:
    realm = pushing(either_world)
    realm.begin()
    runtime: Any = vars(getattr(realm.party, "_origin", realm.party))["_runtime"]
    send = runtime.send

    async def send_to_somebody(request: HttpRequest) -> HttpResponse:
        return answer if request.url.endswith(ENDPOINT) else await send(request)

    monkeypatch.setattr(runtime, "send", send_to_somebody)
    pauses_end_at_once(realm, monkeypatch)
    with pytest.raises(ProviderError) as failed:
        realm.begin()
    assert isinstance(failed.value, kind)
