"""Every request to the provider that a client has to authenticate, by each method, in both worlds."""

import json
import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

import pytest

from oidc_async import ClientKeys, ClientMetadata, ConfigurationError, OAuthError
from oidc_async.protocol.client_assertion import ASSERTION_SECONDS
from oidc_async.relying_party.login import Login
from oidc_async.testing import Fault, Misbehaviour, SimulatedProvider
from oidc_async.testing.faults.documents import put
from oidc_async.testing.stages import DISCOVERY, harmless
from tests.core.api import API, START, Service, new_api
from tests.core.api import new_provider as new_provider_of_tokens
from tests.core.realm import REDIRECT_URI, Realm, new_provider, new_realm
from tests.core.test_secrets import shown, texts_of
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

KEYS = {
    "RSA": ClientKeys.from_jwk({**private_rsa_jwk(rsa_key()), "kid": "rsa"}),
    "EC": ClientKeys.from_jwk(private_ec_jwk()),
    "Ed25519": ClientKeys.from_jwk(private_okp_jwk(ed25519_key(), "Ed25519")),
    "PS256": ClientKeys.from_jwk({**private_rsa_jwk(rsa_key()), "alg": "PS256"}),
}
EVERY_KEY = KEYS["RSA"] + KEYS["EC"] + KEYS["Ed25519"]
for _crv in ("P-384", "P-521"):
    EVERY_KEY += ClientKeys.from_jwk(private_ec_jwk(_crv))

Method = tuple[str, dict[str, Any], str]
"""A method, what the client says of itself beside it, and the algorithm that it signs by."""
JWT_METHODS: dict[str, Method] = {
    "secret": ("client_secret_jwt", {}, "HS256"),
    "secret, HS512": ("client_secret_jwt", {"token_endpoint_auth_signing_alg": "HS512"}, "HS512"),
    "key, RSA": ("private_key_jwt", {"client_keys": KEYS["RSA"]}, "RS256"),
    "key, EC": ("private_key_jwt", {"client_keys": KEYS["EC"]}, "ES256"),
    "key, Ed25519": ("private_key_jwt", {"client_keys": KEYS["Ed25519"]}, "EdDSA"),
    "key for PS256 alone": ("private_key_jwt", {"client_keys": KEYS["PS256"]}, "PS256"),
    **{
        f"one of many keys, {alg}": (
            "private_key_jwt",
            {"client_keys": EVERY_KEY, "token_endpoint_auth_signing_alg": alg},
            alg,
        )
        for alg in ("RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
    },
}
each_method = pytest.mark.parametrize("method", JWT_METHODS.values(), ids=JWT_METHODS)
both_methods = pytest.mark.parametrize(
    "method", [JWT_METHODS["secret"], JWT_METHODS["key, EC"]], ids=["client_secret_jwt", "private_key_jwt"]
)


def registered(provider: SimulatedProvider, client_id: str, method: Method, **more: Any) -> dict[str, Any]:
    """Registers the client; the settings of a ProviderConfiguration for it."""
    name, options, _ = method
    keys: ClientKeys | None = options.get("client_keys")
    metadata = {key: value for key, value in options.items() if key != "client_keys"}
    metadata["token_endpoint_auth_method"] = name
    secret = SECRET if keys is None else None
    jwks = None if keys is None else json.loads(json.dumps(keys.jwks()))
    provider.register(client_id, secret, redirect_uris=[REDIRECT_URI], jwks=jwks, **metadata, **more)
    return {"client_metadata": ClientMetadata(client_id, secret, **metadata), "client_keys": keys}


def new_party(world: World, method: Method, **more: Any) -> Realm:
    provider = new_provider()
    return new_realm(world, provider, **registered(provider, "client1", method), **more)


def new_introspector(world: World, method: Method) -> API:
    provider = new_provider_of_tokens()
    return new_api(world, provider, **registered(provider, "api", method))


def forms(provider: SimulatedProvider, *endpoints: str) -> list[dict[str, str]]:
    """What was sent to these endpoints."""
    requests = [recorded.request for recorded in provider.requests if recorded.endpoint in endpoints]
    assert all("authorization" not in request.headers for request in requests)
    return [{name: value for name, (value,) in parse_qs(request.body.decode()).items()} for request in requests]


def segments(form: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of the assertion."""
    header, claims, _ = form["client_assertion"].split(".")
    return json.loads(unb64(header)), json.loads(unb64(claims))


@each_method
def test_a_login_and_all_that_follows_it_work(either_world: World, method: Method) -> None:
    realm = new_party(either_world, method)
    login = realm.log_in(scope="openid offline_access")
    service = Service(either_world, realm.provider, realm.party)
    assert service.grant().token_type == "Bearer"
    refresh_and_revoke(realm, login)
    assert [recorded.status for recorded in realm.provider.requests if recorded.client_id] == [200] * 5
    sent = forms(realm.provider, "token", "revocation")
    assert [form.get("grant_type") for form in sent] == [
        "authorization_code",
        "client_credentials",
        "refresh_token",
        None,
    ]
    assert all("client_secret" not in form and form["client_id"] == "client1" for form in sent)


def refresh_and_revoke(realm: Realm, login: Login) -> None:
    party = realm.party

    async def both() -> None:
        # the blocking face answers at once
        for call in (party.refresh, party.revoke):
            result: Any = call(login.tokens.refresh_token or "")
            if hasattr(result, "__await__"):
                await result

    realm.world.run(both())


def taking(*algorithms: str, endpoint: str = "token") -> Misbehaviour:
    name = f"{endpoint}_endpoint_auth_signing_alg_values_supported"
    return harmless(f"{endpoint} takes {', '.join(algorithms)}", DISCOVERY(put(**{name: list(algorithms)})))


@pytest.mark.parametrize(
    ("keys", "taken", "alg"),
    [
        (KEYS["RSA"], ["RS256", "PS256"], "RS256"),
        (KEYS["RSA"], ["PS256", "ES256"], "PS256"),
        (KEYS["RSA"], ["none", "HS256", "RS512"], "RS512"),
        (KEYS["Ed25519"], ["Ed25519"], "Ed25519"),
        (KEYS["RSA"] + KEYS["EC"], ["ES256"], "ES256"),
        (KEYS["PS256"] + KEYS["EC"], ["RS256", "ES256"], "ES256"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_without_a_registered_algorithm_it_signs_by_one_that_the_provider_takes(
    either_world: World, keys: ClientKeys, taken: list[str], alg: str
) -> None:
    realm = new_party(either_world, ("private_key_jwt", {"client_keys": keys}, alg))
    with realm.provider.misbehaving(taking(*taken)):
        assert realm.log_in().id_token["sub"] == "alice"
    (header, _), *_ = [segments(form) for form in forms(realm.provider, "token")]
    assert header["alg"] == alg


@pytest.mark.parametrize("taken", [[], ["ES256"], ["none", "HS256"], ["RS256\r\nforged"]], ids=str)
def test_where_no_key_signs_as_the_provider_wants_it_that_is_said(either_world: World, taken: list[str]) -> None:
    realm = new_party(either_world, JWT_METHODS["key for PS256 alone"])
    with (
        realm.provider.misbehaving(taking(*taken)),
        pytest.raises(ConfigurationError, match=r"client_keys.*token_endpoint_auth_signing_alg") as caught,
    ):
        realm.log_in()
    assert str(caught.value).isprintable()
    assert realm.provider.count("token") == 0


def test_a_registered_algorithm_is_what_was_agreed_on(either_world: World) -> None:
    realm = new_party(either_world, JWT_METHODS["one of many keys, PS384"])
    with realm.provider.misbehaving(taking("ES256")):
        assert realm.log_in().id_token["sub"] == "alice"


@each_method
def test_an_assertion_is_for_this_provider_this_minute_and_this_request(either_world: World, method: Method) -> None:
    """threat model 78, 263; OIDC Core 9, RFC 7523 3: and aud is the issuer, so that no other provider can use it."""
    realm = new_party(either_world, method)
    realm.provider.clock.jump(0.75)
    login = realm.log_in(scope="openid offline_access")
    refresh_and_revoke(realm, login)
    sent = [segments(form) for form in forms(realm.provider, "token", "revocation")]
    assert len(sent) == 3
    now = realm.provider.clock()
    for header, claims in sent:
        assert set(claims) == {"iss", "sub", "aud", "jti", "iat", "exp"}
        assert (claims["iss"], claims["sub"], claims["aud"]) == ("client1", "client1", "https://op.example")
        assert type(claims["iat"]) is int
        assert now - 30 < claims["iat"] <= now
        assert claims["exp"] - claims["iat"] == ASSERTION_SECONDS == 60
        assert (header["alg"], header["typ"]) == (method[2], "JWT")
        assert ("kid" in header) is (method[0] == "private_key_jwt")
    jtis = {claims["jti"] for _, claims in sent}
    assert len(jtis) == 3
    assert all(len(jti) > 40 for jti in jtis)


@both_methods
def test_an_older_provider_may_want_another_audience(either_world: World, method: Method) -> None:
    provider = new_provider()
    settings = registered(provider, "client1", method, assertion_audience="token_endpoint")
    rejected = new_realm(either_world, provider, **settings)
    with pytest.raises(OAuthError) as caught:
        rejected.log_in()
    assert caught.value.error == "invalid_client"
    realm = new_realm(either_world, provider, client_assertion_audience="token_endpoint", **settings)
    assert realm.log_in().id_token["sub"] == "alice"
    assert segments(forms(provider, "token")[-1])[1]["aud"] == "https://op.example/token"


@each_method
def test_a_token_is_introspected(either_world: World, method: Method) -> None:
    api = new_introspector(either_world, method)
    assert api.verify(api.issue()).subject == "alice"
    header, claims = segments(forms(api.provider, "introspection")[0])
    assert (header["alg"], claims["aud"], claims["iat"]) == (method[2], api.provider.issuer, int(START))


@both_methods
def test_each_retry_has_an_assertion_of_its_own(either_world: World, method: Method) -> None:
    """threat model 75, 263: the provider may have seen the first one before it stumbled."""
    api = new_introspector(either_world, method)
    with api.provider.misbehaving(Fault.INTROSPECTION_BUSY_ONCE):
        access = api.verify(api.issue())
    assert access.subject == "alice"
    first, second = (segments(form)[1] for form in forms(api.provider, "introspection"))
    assert first["jti"] != second["jti"]
    assert second["iat"] >= first["iat"]


@both_methods
def test_introspection_may_have_a_method_and_an_algorithm_of_its_own(either_world: World, method: Method) -> None:
    provider = new_provider_of_tokens()
    provider.register(
        "api",
        SECRET,
        jwks=EVERY_KEY.jwks(),
        token_endpoint_auth_method="client_secret_post",
        introspection_endpoint_auth_method=method[0],
    )
    alg = "HS384" if method[0] == "client_secret_jwt" else "ES384"
    client = ClientMetadata(
        "api",
        SECRET,
        token_endpoint_auth_method="client_secret_post",
        introspection_endpoint_auth_method=method[0],
        introspection_endpoint_auth_signing_alg=alg,
    )
    api = new_api(either_world, provider, client_metadata=client, client_keys=EVERY_KEY)
    assert api.verify(api.issue()).subject == "alice"
    assert segments(forms(provider, "introspection")[0])[0]["alg"] == alg


def test_keys_are_rotated_without_a_failure(either_world: World) -> None:
    """Old alone; both, while the provider learns of the new one; new alone."""
    old, new = KEYS["EC"], ClientKeys.from_jwk(private_okp_jwk(ed25519_key(), "Ed25519"))
    provider = new_provider()
    settings = registered(provider, "client1", ("private_key_jwt", {"client_keys": old + new}, ""))
    for keys, alg in [(old, "ES256"), (old + new, "ES256"), (new + old, "EdDSA"), (new, "EdDSA")]:
        realm = new_realm(either_world, provider, **settings | {"client_keys": keys})
        assert realm.log_in().id_token["sub"] == "alice"
        assert segments(forms(provider, "token")[-1])[0]["alg"] == alg


@both_methods
def test_no_assertion_and_no_key_shows(either_world: World, method: Method, caplog: pytest.LogCaptureFixture) -> None:
    """threat model 250 to 252"""
    caplog.set_level(logging.DEBUG)
    realm = new_party(either_world, method)
    texts: list[str] = [repr(realm.party.configuration), repr(realm.party), repr(vars(realm.party))]
    for fault in (Fault.TOKEN_INVALID_CLIENT, Fault.TOKEN_RESET, Fault.TOKEN_500, Fault.TOKEN_HTML):
        with realm.provider.misbehaving(fault), pytest.raises(Exception) as caught:  # noqa: PT011
            realm.log_in()
        texts += texts_of(caught.value)
    texts += [record.getMessage() for record in caplog.records]
    texts += [repr(recorded) for recorded in realm.provider.requests]
    assertions = [form["client_assertion"] for form in forms(realm.provider, "token")]
    assert len(assertions) == 4
    secrets = {segment for assertion in assertions for segment in assertion.split(".")[1:]}
    secrets |= {str(private_ec_jwk()["d"]), SECRET}
    assert shown(secrets, *texts) == []
