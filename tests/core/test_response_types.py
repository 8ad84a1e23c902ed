"""Logins by every response type and response mode, without a framework: OIDC Core 3.2 and 3.3."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from oidc_async.errors import (
    AuthorizationRefused,
    AuthorizationResponseInvalid,
    ClaimInvalid,
    ConfigurationError,
    MetadataInvalid,
    OIDCError,
)
from oidc_async.protocol.response_type import RESPONSE_MODES, RESPONSE_TYPES, ResponseMode, default_response_mode
from oidc_async.relying_party.login import AuthorizationRequest
from oidc_async.testing import FRONT_CHANNEL_FAULTS, Fault, Misbehaviour
from oidc_async.testing.faults.documents import without
from oidc_async.testing.stages import DISCOVERY, harmless
from tests.core.api import Service
from tests.core.realm import Realm, new_realm
from tests.core.worlds import World

WAYS = [
    (response_type, mode)
    for response_type in RESPONSE_TYPES
    for mode in RESPONSE_MODES
    if response_type == "code" or mode != "query"
]
every_way = pytest.mark.parametrize(("response_type", "mode"), WAYS, ids=[" by ".join(way) for way in WAYS])
every_type = pytest.mark.parametrize("response_type", RESPONSE_TYPES)


@pytest.fixture
def realm(either_world: World) -> Realm:
    return new_realm(either_world)


def asked(begun: AuthorizationRequest) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(urlsplit(begun.url).query, strict_parsing=True).items()}


def endpoints(realm: Realm) -> list[str]:
    return [recorded.endpoint for recorded in realm.provider.requests]


@every_way
def test_a_login_by_every_way(realm: Realm, response_type: str, mode: str) -> None:
    values = response_type.split()
    begun = realm.begin(response_type=response_type, response_mode=mode, scope="openid email offline_access")
    callback = realm.provider.authorize(begun.url)
    assert callback.response_mode == mode
    login = realm.complete(begun.pending, callback)
    assert login.id_token["sub"] == "alice"
    assert (login.access_token is None) == (response_type == "id_token")
    assert (login.userinfo is None) == (response_type == "id_token")
    assert (login.tokens.refresh_token is not None) == ("code" in values)
    assert login.id_token_jwt == login.tokens.id_token
    assert realm.provider.count("token") == ("code" in values)
    assert realm.provider.count("userinfo") == (response_type != "id_token")


NO_TOKENS = harmless("no token endpoint", DISCOVERY(without("token_endpoint")))


@pytest.mark.parametrize("response_type", ["id_token", "id_token token"])
def test_a_provider_of_the_implicit_flow_alone_needs_no_token_endpoint(
    either_world: World, response_type: str
) -> None:
    """OIDC Discovery 3"""
    realm = new_realm(either_world, auth_request_params={"response_type": response_type})
    with realm.provider.misbehaving(NO_TOKENS):
        assert realm.log_in().id_token["sub"] == "alice"
        with pytest.raises(MetadataInvalid, match="token_endpoint"):
            realm.begin(response_type="code")
        with pytest.raises(MetadataInvalid, match="token_endpoint"):
            Service(either_world, realm.provider, realm.party).grant()
    assert "token" not in endpoints(realm)


@every_type
def test_the_usual_way_need_not_be_named(realm: Realm, response_type: str) -> None:
    begun = realm.begin(response_type=response_type)
    assert begun.pending.response_mode == default_response_mode(response_type)
    assert "response_mode" not in asked(begun)
    assert realm.complete(begun.pending, realm.provider.authorize(begun.url)).id_token["sub"] == "alice"


@every_type
def test_a_code_is_always_asked_for_with_a_challenge_and_every_login_with_a_nonce(
    realm: Realm, response_type: str
) -> None:
    """threat model 56, 95."""
    begun = realm.begin(response_type=response_type)
    parameters = asked(begun)
    assert parameters["nonce"] == begun.pending.nonce
    assert parameters["state"] == begun.pending.state
    assert parameters.get("code_challenge_method") == ("S256" if "code" in response_type.split() else None)
    assert ("code_challenge" in parameters) == ("code" in response_type.split())
    assert begun.pending.code_verifier not in begun.url


def test_pkce_does_not_depend_on_what_the_provider_says_of_it(realm: Realm) -> None:
    """threat model 56."""
    with realm.provider.misbehaving(Fault.DISCOVERY_OPTIONAL_MISSING):
        assert asked(realm.begin(response_type="code id_token"))["code_challenge_method"] == "S256"


@pytest.mark.parametrize(
    ("given", "sent"), [("token id_token", "id_token token"), ("token id_token code", "code id_token token")]
)
def test_a_response_type_is_sent_as_it_is_registered(either_world: World, given: str, sent: str) -> None:
    """threat model 262"""
    realm = new_realm(either_world, auth_request_params={"response_type": given})
    begun = realm.begin()
    assert asked(begun)["response_type"] == begun.pending.response_type == sent
    assert realm.complete(begun.pending, realm.provider.authorize(begun.url)).id_token["sub"] == "alice"


@pytest.mark.parametrize("response_type", [kind for kind in RESPONSE_TYPES if kind != "code"])
def test_tokens_are_not_asked_for_in_a_query(realm: Realm, response_type: str) -> None:
    with pytest.raises(ConfigurationError, match="response_mode must be fragment or form_post"):
        realm.begin(response_type=response_type, response_mode="query")
    with pytest.raises(ConfigurationError, match="response_mode must be fragment or form_post"):
        new_realm(realm.world, auth_request_params={"response_type": response_type, "response_mode": "query"})


@pytest.mark.parametrize("response_type", ["code token", "code id_token token"])
def test_the_access_token_is_that_of_the_token_endpoint(realm: Realm, response_type: str) -> None:
    """OIDC Core 3.3.3.8: the other one was in the browser."""
    begun = realm.begin(response_type=response_type)
    callback = realm.provider.authorize(begun.url)
    login = realm.complete(begun.pending, callback)
    assert login.access_token not in (None, callback.get("access_token"))
    assert login.id_token_jwt != callback.get("id_token")


@every_way
def test_an_error_comes_by_the_way_that_was_asked_for(realm: Realm, response_type: str, mode: str) -> None:
    """threat model 49."""
    begun = realm.begin(response_type=response_type, response_mode=mode)
    callback = realm.provider.authorize(begun.url, consent=False)
    assert callback.response_mode == mode
    with pytest.raises(AuthorizationRefused) as caught:
        realm.complete(begun.pending, callback)
    assert caught.value.error == "access_denied"


@pytest.mark.parametrize("came_by", RESPONSE_MODES)
@pytest.mark.parametrize("asked_by", RESPONSE_MODES)
def test_a_response_by_another_way_is_rejected(realm: Realm, asked_by: ResponseMode, came_by: ResponseMode) -> None:
    """threat model 52."""
    begun = realm.begin(response_mode=asked_by)
    response = realm.provider.authorize(begun.url).response

    async def complete() -> Any:
        done = realm.party.complete_login(begun.pending, response, response_mode=came_by)
        return await done if hasattr(done, "__await__") else done

    if asked_by == came_by:
        assert realm.world.run(complete()).id_token["sub"] == "alice"
        return
    with pytest.raises(AuthorizationResponseInvalid, match=f"response_mode={asked_by}, not {came_by}"):
        realm.world.run(complete())
    assert "token" not in endpoints(realm)


@pytest.mark.parametrize("max_age", ["600"])
@pytest.mark.parametrize("response_type", ["id_token", "id_token token", "code id_token"])
def test_requirements_of_the_login_are_checked_in_the_browser_s_id_token_too(
    realm: Realm, response_type: str, max_age: str
) -> None:
    """threat model 101."""
    with realm.provider.misbehaving(Fault.ID_TOKEN_AUTH_TIME_OLD), pytest.raises(ClaimInvalid, match="auth_time"):
        realm.log_in(response_type=response_type, max_age=max_age)
    assert "token" not in endpoints(realm)


@pytest.mark.parametrize("fault", [fault for fault in FRONT_CHANNEL_FAULTS if fault.rejected], ids=str)
def test_a_fault_of_the_front_channel_ends_the_login(realm: Realm, fault: Misbehaviour) -> None:
    """threat model 51, 63, 66, 95, 97, 100: and nothing is asked of the provider any more, except for its keys."""
    begun = realm.begin(**fault.needs)
    with realm.provider.misbehaving(fault):
        callback = realm.provider.authorize(begun.url)
        with pytest.raises(OIDCError) as caught:
            realm.complete(begun.pending, callback)
    assert realm.provider.count("userinfo") == 0
    assert realm.provider.count("token") == (is_between_two_id_tokens(fault))
    secrets = [value for name, value in callback.parameters if name in ("code", "id_token", "access_token") and value]
    assert [secret for secret in secrets if len(secret) > 8 and secret in str(caught.value)] == []


def is_between_two_id_tokens(fault: Misbehaviour) -> bool:
    """Whether the fault can't show before the code was exchanged: each ID token is good by itself."""
    late = (Fault.FRONT_CHANNEL_SUB_OTHER, Fault.FRONT_CHANNEL_AUTH_TIME_OTHER, Fault.FRONT_CHANNEL_ACR_OTHER)
    return fault in late or fault.name.startswith("CODE_ID_TOKEN")


@pytest.mark.parametrize("fault", [fault for fault in FRONT_CHANNEL_FAULTS if fault.harmless], ids=str)
def test_an_oddity_of_the_front_channel_disturbs_nothing(realm: Realm, fault: Misbehaviour) -> None:
    with realm.provider.misbehaving(fault):
        assert realm.log_in(**fault.needs).id_token["sub"] == "alice"


def test_an_id_token_of_another_login_is_rejected(realm: Realm) -> None:
    """threat model 95: without a code nothing but the nonce binds the response to this browser."""
    ours, theirs = realm.begin(response_type="id_token"), realm.begin(response_type="id_token")
    stolen = str(realm.provider.authorize(theirs.url).get("id_token"))
    callback = realm.provider.authorize(ours.url)
    response = callback.response.replace(str(callback.get("id_token")), stolen)

    async def complete() -> Any:
        done = realm.party.complete_login(ours.pending, response, response_mode="fragment")
        return await done if hasattr(done, "__await__") else done

    with pytest.raises(ClaimInvalid, match="nonce"):
        realm.world.run(complete())
