"""What a provider says makes us ask nobody but its own endpoints, and each of them for this user alone."""

import pytest

from oidc_async.errors import OIDCError
from oidc_async.testing import Misbehaviour, SimulatedProvider
from oidc_async.testing.faults.documents import put
from oidc_async.testing.faults.responses import answered
from oidc_async.testing.stages import (
    CLAIMS,
    DISCOVERY,
    HEADER,
    TOKEN_REPLY,
    USERINFO,
    USERINFO_REPLY,
    harmless,
    rejected,
)
from tests.core.realm import Realm, new_provider, new_realm, simulated
from tests.core.worlds import World

INSIDE = "https://inside.example"
DISTRIBUTED = {"_claim_names": {"age": "src"}, "_claim_sources": {"src": {"endpoint": f"{INSIDE}/claims"}}}
PICTURES = {"picture": f"{INSIDE}/picture", "profile": f"{INSIDE}/profile", "website": INSIDE}
PAGES = {name: f"{INSIDE}/{name}" for name in ("op_policy_uri", "op_tos_uri", "service_documentation", "logo_uri")}
MENTIONS = [
    harmless("keys elsewhere", HEADER(put(jku=f"{INSIDE}/keys", x5u=f"{INSIDE}/certificate"))),
    harmless("claims and pictures elsewhere", CLAIMS(put(**DISTRIBUTED, **PICTURES))),
    harmless("the same of userinfo", USERINFO(put(**DISTRIBUTED, **PICTURES))),
    harmless("pages about itself", DISCOVERY(put(**PAGES))),
]
CHALLENGE = {"www-authenticate": f'Bearer error="invalid_token", resource_metadata="{INSIDE}/metadata"'}
CHALLENGED = answered({"error": "invalid_token"}, status=401, headers=CHALLENGE)


@pytest.fixture
def inside() -> SimulatedProvider:
    """A host that the application reaches, and nobody else."""
    return new_provider(INSIDE)


@pytest.fixture
def realm(either_world: World, inside: SimulatedProvider) -> Realm:
    provider = new_provider()
    return new_realm(either_world, provider, runtime=simulated(either_world, provider, inside))


def test_an_address_that_is_mentioned_is_not_asked(realm: Realm, inside: SimulatedProvider) -> None:
    """threat model 34, 121, 219"""
    with realm.provider.misbehaving(*MENTIONS):
        login = realm.log_in()
    assert login.id_token["_claim_sources"] == DISTRIBUTED["_claim_sources"]
    assert (login.userinfo or {})["picture"] == PICTURES["picture"]
    assert inside.requests == ()
    asked = [recorded.endpoint for recorded in realm.provider.requests]
    assert asked == ["discovery", "authorization", "token", "jwks", "userinfo"]


@pytest.mark.parametrize(
    "fault",
    [rejected("at the token endpoint", TOKEN_REPLY(CHALLENGED)), rejected("at userinfo", USERINFO_REPLY(CHALLENGED))],
    ids=["token", "userinfo"],
)
def test_a_challenge_names_no_place_that_we_go_to(
    realm: Realm, inside: SimulatedProvider, fault: Misbehaviour
) -> None:
    """threat model 220; RFC 9728 5.1"""
    with realm.provider.misbehaving(fault), pytest.raises(OIDCError):
        realm.log_in()
    assert inside.requests == ()


def test_each_login_asks_who_it_is_and_learns_nothing_of_another(realm: Realm) -> None:
    """threat model 238: nothing is kept, neither of another user nor of this one before"""
    for user, email in (("alice", "one"), ("bob", "two"), ("alice", "three")):
        realm.provider.add_user(user, claims={"email": email})
        begun = realm.begin(scope="openid email")
        login = realm.complete(begun.pending, realm.provider.authorize(begun.url, user=user))
        assert login.userinfo == {"sub": user, "email": email}
    assert realm.provider.count("userinfo") == 3
