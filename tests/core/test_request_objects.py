"""Logins whose requests are objects, in both worlds (OIDC Core 6, RFC 9101). threat model 264, 265."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from oidc_async import ClientKeys, ClientMetadata, ClientRegistrationInfo, ConfigurationError, ProviderMetadata
from oidc_async.errors import KeyNotFound, OIDCError
from oidc_async.protocol.http_message import HttpResponse
from oidc_async.protocol.jose.jwe import KEY_ALGORITHMS
from oidc_async.protocol.jose.jws import SUPPORTED_ALGORITHMS
from oidc_async.protocol.request_object import MEDIA_TYPE
from oidc_async.protocol.response_type import RESPONSE_TYPES
from oidc_async.relying_party.login import AuthorizationRequest
from oidc_async.testing import NotRedirected, SimulatedProvider
from oidc_async.testing.faults.documents import put, without
from oidc_async.testing.stages import DISCOVERY, JWKS, rejected
from tests.core.realm import REDIRECT_URI, Realm, new_realm
from tests.core.worlds import World
from tests.protocol.signing import (
    SECRET,
    ed25519_key,
    private_ec_jwk,
    private_okp_jwk,
    private_rsa_jwk,
    rsa_key,
    unb64,
)

OBJECTS = "https://rp.example/request"
KEYS = ClientKeys.from_jwk(
    {
        "keys": [
            private_rsa_jwk(rsa_key(), kid="rsa"),
            *(private_ec_jwk(crv, kid=crv) for crv in ("P-256", "P-384", "P-521")),
            private_okp_jwk(ed25519_key(), "Ed25519", kid="ed"),
        ]
    }
)
MUST_BE_SIGNED = rejected("it wants objects", DISCOVERY(put(require_signed_request_object=True)))


class Registered(Realm):
    """With what the relying party has to serve, and with the way by which the provider fetches it."""

    def serve(self, begun: AuthorizationRequest) -> AuthorizationRequest:
        def fetch(url: str) -> HttpResponse:
            assert url == begun.request_uri
            body = (begun.request_object or "").encode()
            return HttpResponse(status=200, headers={"content-type": MEDIA_TYPE}, body=body)

        self.provider.fetch = fetch
        return begun

    def log_in_by_object(self, **parameters: str) -> dict[str, Any]:
        begun = self.serve(self.begin(**parameters))
        return dict(self.complete(begun.pending, self.provider.authorize(begun.url)).id_token)


def registered(
    world: World,
    way: str = "value",
    *,
    unsigned: bool = False,
    keys: ClientKeys | None = KEYS,
    party: dict[str, Any] | None = None,
    **metadata: Any,
) -> Registered:
    provider = SimulatedProvider()
    provider.fetch = lambda _: HttpResponse(status=500)
    provider.register(
        "client1",
        SECRET,
        redirect_uris=[REDIRECT_URI],
        response_types=RESPONSE_TYPES,
        jwks=KEYS.jwks(),
        **metadata,
    )
    provider.add_user("alice")
    realm = new_realm(
        world,
        provider,
        client_metadata=ClientMetadata("client1", SECRET, **metadata),
        client_keys=keys,
        request_object=way,
        unsigned_request_objects=unsigned,
        party={"request_uri": OBJECTS, **(party or {})},
    )
    return Registered(realm.world, realm.provider, realm.party)


def query(begun: AuthorizationRequest) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(urlsplit(begun.url).query, strict_parsing=True).items()}


def inside(begun: AuthorizationRequest) -> dict[str, Any]:
    token = begun.request_object or query(begun)["request"]
    claims: dict[str, Any] = json.loads(unb64(token.split(".")[1]))
    return claims


both_ways = pytest.mark.parametrize("way", ["value", "reference"])


@both_ways
@pytest.mark.parametrize("alg", [None, *SUPPORTED_ALGORITHMS])
def test_a_login_by_a_signed_object(either_world: World, way: str, alg: str | None) -> None:
    metadata: dict[str, Any] = {} if alg is None else {"request_object_signing_alg": alg}
    assert registered(either_world, way, **metadata).log_in_by_object()["sub"] == "alice"


@pytest.mark.parametrize("enc", ["A128CBC-HS256", "A256GCM"])
@pytest.mark.parametrize("alg", KEY_ALGORITHMS)
def test_a_login_by_an_encrypted_object(either_world: World, alg: str, enc: str) -> None:
    realm = registered(
        either_world, "reference", request_object_encryption_alg=alg, request_object_encryption_enc=enc
    )
    begun = realm.serve(realm.begin())
    assert (begun.request_object or "").count(".") == 4
    assert realm.complete(begun.pending, realm.provider.authorize(begun.url)).id_token["sub"] == "alice"


@both_ways
def test_an_unsigned_object_needs_its_setting(either_world: World, way: str) -> None:
    realm = registered(either_world, way, unsigned=True, keys=None, request_object_signing_alg="none")
    assert realm.log_in_by_object()["sub"] == "alice"


def test_all_that_is_asked_is_in_the_object_and_hardly_anything_beside_it(either_world: World) -> None:
    realm = registered(either_world)
    begun = realm.begin(
        max_age="60", claims='{"userinfo":{"email":null}}', login_hint="al", response_mode="form_post"
    )
    assert set(query(begun)) == {"client_id", "response_type", "scope", "request"}
    claims = inside(begun)
    assert {name: claims[name] for name in ("client_id", "response_type", "scope")} == {
        name: query(begun)[name] for name in ("client_id", "response_type", "scope")
    }
    assert (claims["max_age"], claims["claims"]) == (60, {"userinfo": {"email": None}})
    assert (claims["state"], claims["nonce"]) == (begun.pending.state, begun.pending.nonce)
    assert (claims["login_hint"], claims["response_mode"]) == ("al", "form_post")
    assert {"code_challenge", "code_challenge_method", "redirect_uri"} < set(claims)
    assert (begun.request_object, begun.request_uri) == (None, None)


def test_lists_and_objects_are_json_in_the_object(either_world: World) -> None:
    """RFC 9101 4, RFC 8707 2, RFC 9396 2: whether the application gave values or text."""
    realm = registered(either_world)
    details = [{"type": "payment", "amount": 1.5}]
    wanted: dict[str, Any] = {"resource": ["https://a", "https://b"], "authorization_details": details}
    assert wanted.items() <= inside(realm.begin(**wanted, x={"a": True}, y=True)).items()
    assert inside(realm.begin(x={"a": True}, y=True)).items() >= {"x": {"a": True}, "y": True}.items()
    assert inside(realm.begin(authorization_details=json.dumps(details)))["authorization_details"] == details
    assert realm.log_in(**wanted).id_token["sub"] == "alice"


@pytest.mark.parametrize(("login_seconds", "object_seconds"), [(600, 600), (7200, 3600)])
def test_it_is_valid_from_now_on_for_an_hour_at_most(
    either_world: World, login_seconds: int, object_seconds: int
) -> None:
    """FAPI 2.0 Message Signing 5.3.1; threat model 398."""
    realm = registered(either_world, party={"login_lifetime_seconds": login_seconds})
    claims = inside(realm.begin())
    assert claims["nbf"] == claims["iat"] == pytest.approx(realm.provider.clock(), abs=5)
    assert claims["exp"] == claims["nbf"] + object_seconds


def test_it_lives_as_long_as_its_login(either_world: World) -> None:
    realm = registered(either_world)
    claims = inside(realm.begin())
    assert (claims["iss"], claims["aud"]) == ("client1", realm.provider.issuer)
    assert claims["exp"] - claims["iat"] == 600
    assert claims["jti"] != inside(realm.begin())["jti"]


@both_ways
def test_one_that_has_expired_begins_nothing(either_world: World, way: str) -> None:
    realm = registered(either_world, way)
    begun = realm.serve(realm.begin())
    realm.provider.clock.advance(601)
    with pytest.raises(NotRedirected, match="exp must be in the future"):
        realm.provider.authorize(begun.url)


def test_one_that_was_changed_on_the_way_begins_nothing(either_world: World) -> None:
    realm = registered(either_world)
    begun, other = realm.begin(), realm.begin(prompt="none")
    header, _, signature = query(begun)["request"].split(".")
    forged = ".".join((header, query(other)["request"].split(".")[1], signature))
    with pytest.raises(NotRedirected, match="signature"):
        realm.provider.authorize(begun.url.replace(query(begun)["request"], forged))


def test_by_reference_the_url_is_short_and_nobody_can_guess_it(either_world: World) -> None:
    realm = registered(either_world, "reference")
    begun, other = realm.begin(login_hint=2000 * "a"), realm.begin()
    assert set(query(begun)) == {"client_id", "response_type", "scope", "request_uri"}
    assert query(begun)["request_uri"] == begun.request_uri
    assert (begun.request_uri or "").startswith(f"{OBJECTS}/")
    assert len(begun.request_uri or "") <= 512
    assert len((begun.request_uri or "").removeprefix(OBJECTS)) == len("/.jwt") + 43
    assert begun.request_uri != other.request_uri
    assert len(begun.url) < 500


@both_ways
@pytest.mark.parametrize("response_type", RESPONSE_TYPES)
def test_every_response_type(either_world: World, way: str, response_type: str) -> None:
    assert registered(either_world, way).log_in_by_object(response_type=response_type)["sub"] == "alice"


@both_ways
def test_what_the_request_asks_for_is_required_of_the_response(either_world: World, way: str) -> None:
    realm = registered(either_world, way)
    claims = '{"id_token":{"acr":{"essential":true,"value":"gold"}}}'
    assert realm.log_in_by_object(claims=claims, max_age="60", acr_values="silver")["acr"] == "gold"


def test_the_parameters_are_plain_by_default(either_world: World) -> None:
    begun = new_realm(either_world).begin()
    assert {"state", "nonce", "redirect_uri"} < set(query(begun))
    assert not {"request", "request_uri"} & set(query(begun))


@pytest.mark.parametrize(
    ("way", "change", "word"),
    [
        ("value", put(request_parameter_supported=False), "request_parameter_supported"),
        ("value", without("request_parameter_supported"), "request_parameter_supported"),
        ("reference", put(request_uri_parameter_supported=False), "request_uri_parameter_supported"),
        ("value", put(request_object_signing_alg_values_supported=["ES512"]), "request_object_signing_alg RS256"),
    ],
    ids=["value, false", "value, not stated", "reference, false", "another alg"],
)
def test_what_the_provider_does_not_take_is_not_sent(either_world: World, way: str, change: Any, word: str) -> None:
    realm = registered(either_world, way)
    with (
        realm.provider.misbehaving(rejected("its metadata say so", DISCOVERY(change))),
        pytest.raises(ConfigurationError, match=word),
    ):
        realm.begin()


@pytest.mark.parametrize(
    "change",
    [
        put(request_parameter_supported="yes"),
        put(request_uri_parameter_supported=1),
        put(require_signed_request_object=[]),
        put(request_object_signing_alg_values_supported="RS256"),
        put(request_object_encryption_alg_values_supported={"RSA-OAEP": 1}),
        put(request_object_encryption_enc_values_supported=[1]),
    ],
    ids=[
        "request_parameter_supported",
        "request_uri_parameter_supported",
        "require_signed_request_object",
        "request_object_signing_alg_values_supported",
        "request_object_encryption_alg_values_supported",
        "request_object_encryption_enc_values_supported",
    ],
)
def test_metadata_of_another_type_are_rejected(either_world: World, change: Any) -> None:
    """threat model 9."""
    realm = registered(either_world)
    with (
        realm.provider.misbehaving(rejected("of another type", DISCOVERY(change))),
        pytest.raises(OIDCError) as caught,
    ):
        realm.begin()
    assert caught.value.code == "metadata_invalid"


def test_metadata_that_do_not_say_it_may_be_overruled(either_world: World) -> None:
    realm = registered(either_world)
    own = ProviderMetadata(request_parameter_supported=True)
    settings: dict[str, Any] = {
        "client_metadata": ClientMetadata("client1", SECRET),
        "client_keys": KEYS,
        "provider_metadata": own,
        "request_object": "value",
    }
    with realm.provider.misbehaving(rejected("not said", DISCOVERY(without("request_parameter_supported")))):
        assert new_realm(either_world, realm.provider, **settings).log_in().id_token["sub"] == "alice"


def test_a_provider_that_wants_objects_is_not_asked_without(either_world: World) -> None:
    realm = new_realm(either_world)
    with realm.provider.misbehaving(MUST_BE_SIGNED), pytest.raises(ConfigurationError, match="set request_object"):
        realm.begin()


def test_a_provider_without_a_key_to_encrypt_to(either_world: World) -> None:
    realm = registered(either_world, request_object_encryption_alg="RSA-OAEP")
    signs = rejected(
        "no encryption key",
        JWKS(lambda document, _: {"keys": [jwk for jwk in document["keys"] if jwk["use"] == "sig"]}),
    )
    with realm.provider.misbehaving(signs), pytest.raises(KeyNotFound, match="RSA-OAEP"):
        realm.begin()
    # one that it publishes later is found at the next login
    assert realm.log_in_by_object()["sub"] == "alice"


def test_keys_to_encrypt_to_are_fetched_once(either_world: World) -> None:
    realm = registered(either_world, request_object_encryption_alg="ECDH-ES")
    for _ in range(3):
        realm.log_in_by_object()
    assert realm.provider.count("jwks") == 1


@pytest.mark.parametrize(
    ("way", "request_uri", "unsigned", "word"),
    [
        ("reference", None, False, "OIDC_REQUEST_URI"),
        ("reference", "http://rp.example/r", False, "request_uri"),
        ("reference", "https://rp.example/r?a", False, "query"),
        ("reference", "https://rp.example/r/", False, "slash"),
        ("reference", "http://127.0.0.1/r", True, "must use https"),
    ],
)
def test_a_place_for_objects_that_can_not_be(
    either_world: World, way: str, request_uri: str | None, unsigned: bool, word: str
) -> None:
    """threat model 265."""
    with pytest.raises(ConfigurationError, match=word):
        new_realm(
            either_world,
            client_keys=KEYS,
            request_object=way,
            unsigned_request_objects=unsigned,
            party={"request_uri": request_uri},
        )


def test_signed_ones_may_be_fetched_from_this_machine_by_http(either_world: World) -> None:
    realm = new_realm(
        either_world, client_keys=KEYS, request_object="reference", party={"request_uri": "http://127.0.0.1/r"}
    )
    assert realm.party.configuration.request_object == "reference"


def test_a_client_registers_where_its_objects_are(either_world: World) -> None:
    provider = SimulatedProvider()
    provider.open_registration()
    provider.add_user("alice")
    info = ClientRegistrationInfo(request_object_signing_alg="RS256")
    realm = new_realm(
        either_world,
        provider,
        client_metadata=None,
        client_registration_info=info,
        client_keys=KEYS,
        request_object="reference",
        party={"request_uri": OBJECTS},
    )
    provider.fetch = lambda _: HttpResponse(status=500)
    assert Registered(realm.world, provider, realm.party).log_in_by_object()["sub"] == "alice"
    (client,) = provider.registered_clients
    assert (client.request_uris, client.request_object_signing_alg) == ((OBJECTS,), "RS256")


def test_nothing_of_it_is_shown(either_world: World) -> None:
    realm = registered(either_world, "reference")
    begun = realm.begin()
    assert begun.request_object is not None
    assert begun.request_object not in repr(begun)
    assert begun.pending.state not in repr(begun)
