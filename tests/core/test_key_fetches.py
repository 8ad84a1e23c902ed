"""Forged tokens and the fetches of keys that they may cause: threat model 18, 19, 360, 361."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest

from oidc_async import AsyncRelyingParty, ClientMetadata, RelyingParty
from oidc_async.errors import KeyNotFound, OIDCError, TokenError
from oidc_async.protocol.jose.jwe import Encryption
from oidc_async.protocol.jose.jws import MANY_VALUES
from oidc_async.protocol.logout_token import EVENT
from oidc_async.protocol.token_kind import KIND_CLAIMS
from oidc_async.provider.provider_keys import RENEWALS_AT_ONCE, SECONDS_PER_RENEWAL
from oidc_async.resource_server.resource_server import AsyncResourceServer
from oidc_async.testing import Callback, Clock
from oidc_async.testing.stages import SIGNED_CLAIMS, SIGNED_HEADER, rejected
from tests.core.realm import SECRET, Realm, new_provider, new_realm
from tests.core.worlds import World
from tests.protocol.absent import ABSENT
from tests.protocol.signing import compact, rsa_key

FLOOD = 20


@dataclass
class Site:
    """A relying party and an API with one provider, whose keys both have fetched."""

    realm: Realm

    def __post_init__(self) -> None:
        self.realm.log_in()
        self.server = AsyncResourceServer(
            self.realm.party.configuration, runtime=self.party.provider._runtime, provider=self.party.provider
        )

    @property
    def party(self) -> AsyncRelyingParty:
        return self.realm.party._origin if isinstance(self.realm.party, RelyingParty) else self.realm.party

    def fetches(self) -> int:
        return self.realm.provider.count("jwks") - 1

    def forged(self, typ: str | None, claims: dict[str, Any]) -> str:
        now = self.realm.provider.clock()
        every = {
            "iss": self.realm.provider.issuer,
            "sub": "mallory",
            "exp": now + 300,
            "iat": now,
            "jti": "1",
            **claims,
        }
        header = {"alg": "RS256", "kid": secrets.token_hex(), **({"typ": typ} if typ else {})}
        said = {name: value for name, value in every.items() if value is not ABSENT}
        return compact(header, said, key=rsa_key(2))

    def bring_bearer(self, **claims: Any) -> None:
        self.realm.world.run(self.server.verify(self.forged("at+jwt", {"aud": "api", **claims})))

    def post_logout(self, **claims: Any) -> None:
        token = self.forged("logout+jwt", {"aud": "client1", "events": {EVENT: {}}, **claims})
        self.realm.world.run(self.party.read_logout_token(token))

    def come_back(self, **claims: Any) -> None:
        begun = self.realm.begin(response_type="id_token")
        said = {"aud": "client1", "nonce": begun.pending.nonce, **claims}
        response = {"id_token": self.forged(None, said), "state": begun.pending.state}
        callback = Callback(url=f"https://rp.example/redirect_uri#{urlencode(response)}")
        self.realm.complete(begun.pending, callback)

    def need_key_to_encrypt(self) -> None:
        self.realm.world.run(self.party.provider.recipient(Encryption(alg="ECDH-ES", enc="A128GCM")))

    def introspect(self, **claims: Any) -> None:
        """A token that nobody knows is introspected; the response is signed with a key that nobody knows."""
        spell = rejected(
            "forged", SIGNED_HEADER(lambda it, _: {**it, "kid": "x"}), SIGNED_CLAIMS(lambda it, _: {**it, **claims})
        )
        configuration = self.realm.party.configuration
        asking = AsyncResourceServer(
            type(configuration)(
                issuer=configuration.issuer,
                client_metadata=configuration.client_metadata,
                runtime=configuration.runtime,
            ),
            runtime=configuration.runtime,
            provider=self.party.provider,
        )
        with self.realm.provider.misbehaving(spell):
            self.realm.world.run(asking.verify(secrets.token_hex()))


Way = Callable[..., None]
WAYS = (Site.bring_bearer, Site.post_logout, Site.come_back, Site.introspect, Site.need_key_to_encrypt)


@pytest.fixture
def site(either_world: World) -> Site:
    provider = new_provider(clock=Clock(1_800_000_000.0))
    registered = {"introspection_signed_response_alg": "RS256"}
    provider.register(
        "client1",
        SECRET,
        redirect_uris=["https://rp.example/redirect_uri"],
        response_types=["code", "id_token"],
        introspection_signed_response_alg="RS256",
    )
    client = ClientMetadata("client1", SECRET, **registered)
    settings: dict[str, Any] = {"audience": "api", "access_token_verification": "jwt"}
    return Site(new_realm(either_world, provider, client_metadata=client, **settings))


def flood(site: Site, way: Way, **claims: Any) -> None:
    for _ in range(FLOOD):
        with pytest.raises(OIDCError):
            way(site, **claims)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_what_strangers_send_hides_no_key_rotation_from_a_login(site: Site, way: Way) -> None:
    """threat model 361: each way has an allowance of its own."""
    flood(site, way)
    assert site.fetches() == RENEWALS_AT_ONCE
    site.realm.provider.rotate_keys()
    assert site.realm.log_in().id_token["sub"] == "alice"
    assert site.fetches() == RENEWALS_AT_ONCE + 1


@pytest.mark.parametrize("way", WAYS[1:], ids=lambda way: way.__name__)
def test_nor_from_the_tokens_that_an_api_is_shown(site: Site, way: Way) -> None:
    """threat model 361."""
    flood(site, way)
    provider = site.realm.provider
    provider.rotate_keys()
    token = provider.issue_access_token("client1", username="alice", audience="api", jwt=True)
    assert site.realm.world.run(site.server.verify(token)).subject == "alice"


def test_from_its_own_way_it_is_hidden_for_a_minute_at_most(site: Site) -> None:
    """threat model 18, 361: a forged token that is valid except its key can't be distinguished from a rotation."""
    flood(site, Site.bring_bearer)
    provider = site.realm.provider
    provider.rotate_keys()
    token = provider.issue_access_token("client1", username="alice", audience="api", jwt=True)
    with pytest.raises(KeyNotFound):
        site.realm.world.run(site.server.verify(token))
    provider.clock.advance(SECONDS_PER_RENEWAL)
    assert site.realm.world.run(site.server.verify(token)).subject == "alice"


MANY = {"x": ["a"] * (MANY_VALUES + 1)}


@pytest.mark.parametrize(
    ("way", "claims"),
    [
        pytest.param(Site.bring_bearer, {"iss": "https://other.example"}, id="360 a bearer token of another issuer"),
        pytest.param(Site.bring_bearer, {"iss": ABSENT}, id="360 of none"),
        pytest.param(Site.bring_bearer, {"aud": "other"}, id="360 for another API"),
        pytest.param(Site.bring_bearer, {"aud": ABSENT}, id="360 for nobody"),
        pytest.param(Site.bring_bearer, {"exp": 1}, id="360 expired"),
        pytest.param(Site.bring_bearer, {"nbf": 2e9}, id="360 not yet"),
        *(pytest.param(Site.bring_bearer, {name: "ID"}, id=f"360 an ID token by {name}") for name in KIND_CLAIMS),
        pytest.param(Site.bring_bearer, MANY, id="360 with very many values"),
        pytest.param(Site.post_logout, {"iss": "https://other.example"}, id="360 a logout token of another issuer"),
        pytest.param(Site.post_logout, {"aud": "other"}, id="360 for another client"),
        pytest.param(Site.post_logout, {"exp": 1}, id="360 an expired logout token"),
        pytest.param(Site.post_logout, {"iat": 1}, id="360 an old one"),
        pytest.param(Site.post_logout, {"events": {}}, id="360 without its event"),
        pytest.param(Site.post_logout, MANY, id="360 a logout token with very many values"),
        pytest.param(Site.come_back, {"nonce": "guessed"}, id="360 an ID token of another login"),
        pytest.param(Site.come_back, {"exp": 1}, id="360 an expired ID token"),
        pytest.param(Site.come_back, {"aud": "other"}, id="360 an ID token for another client"),
        pytest.param(Site.come_back, MANY, id="360 an ID token with very many values"),
        pytest.param(Site.introspect, {"iat": 1}, id="360 an old introspection response"),
        pytest.param(Site.introspect, {"aud": "other"}, id="360 one for another client"),
    ],
)
def test_no_keys_are_fetched_for_what_would_be_rejected_with_any(
    site: Site, way: Way, claims: dict[str, Any]
) -> None:
    """threat model 360."""
    flood(site, way, **claims)
    assert site.fetches() == 0


def test_a_token_with_very_many_values_is_verified_with_keys_that_are_known(site: Site) -> None:
    token = site.realm.provider.issue_access_token("client1", audience="api", jwt=True, claims=MANY)
    assert site.realm.world.run(site.server.verify(token)).audience == {"api"}
    site.realm.provider.rotate_keys()
    other = site.realm.provider.issue_access_token("client1", audience="api", jwt=True, claims=MANY)
    with pytest.raises(TokenError):
        site.realm.world.run(site.server.verify(other))
    site.realm.log_in()
    assert site.realm.world.run(site.server.verify(other)).audience == {"api"}
