"""Logins of clients that registered for signatures and encryption: threat model 80 to 83, 105 to 107, 112 to 116."""

import logging
import traceback
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from oidc_async import ClientKeys, ProviderError, RelyingParty, TokenError
from oidc_async.errors import (
    AlgorithmNotAllowed,
    ClaimInvalid,
    DecryptionFailed,
    KeyNotFound,
    OIDCError,
    TokenMalformed,
    UserInfoInvalid,
)
from oidc_async.protocol.jose.jwe import CONTENT_ENCRYPTIONS, KEY_ALGORITHMS
from oidc_async.protocol.jose.jws import SUPPORTED_ALGORITHMS, parse_compact
from oidc_async.protocol.response_type import RESPONSE_TYPES
from oidc_async.testing import ALL_FAULTS, ENCRYPTION_FAULTS, SIGNED_USERINFO_FAULTS, Fault, Misbehaviour
from oidc_async.testing.faults.claims import ClaimFaults
from oidc_async.testing.faults.id_token import IDTokenFaults
from tests.core.protected import OAEP, USERINFO_OAEP, client_keys, new_provider, protected_realm
from tests.core.realm import Realm
from tests.core.refreshing import logged_in
from tests.core.worlds import World
from tests.protocol.signing import private_rsa_jwk, rsa_key

WRAPPINGS = [("RSA-OAEP", enc) for enc in CONTENT_ENCRYPTIONS] + [(alg, "A128CBC-HS256") for alg in KEY_ALGORITHMS]
FORMS: dict[str, dict[str, Any]] = {
    "signed": {"userinfo_signed_response_alg": "ES256"},
    "encrypted": {"userinfo_encrypted_response_alg": "ECDH-ES"},
    "signed, then encrypted": {
        "userinfo_signed_response_alg": "PS256",
        "userinfo_encrypted_response_alg": "RSA-OAEP-256",
        "userinfo_encrypted_response_enc": "A128GCM",
    },
    "with the secret": {"userinfo_signed_response_alg": "HS384", "userinfo_encrypted_response_alg": "dir"},
}
INSIDE = [fault for table in (IDTokenFaults, ClaimFaults) for fault in vars(table).values()]
REJECTED_INSIDE = [fault for fault in INSIDE if isinstance(fault, Misbehaviour) and fault.rejected]
OF_ITS_FORM = (Fault.SIGNED_USERINFO_AS_JSON, Fault.SIGNED_USERINFO_ENCRYPTED)
"""What is encrypted has no such form: see the test of all forms."""


def endpoints(realm: Realm) -> list[str]:
    return [recorded.endpoint for recorded in realm.provider.requests]


def rejection(realm: Realm, *faults: Misbehaviour, **parameters: str) -> OIDCError:
    """Why a login that meets these faults ends."""
    with realm.provider.misbehaving(*faults), pytest.raises(OIDCError) as caught:
        realm.log_in(**parameters)
    return caught.value


# Signed ID tokens


@pytest.mark.parametrize("alg", SUPPORTED_ALGORITHMS)
def test_an_id_token_may_be_signed_by_every_algorithm(either_world: World, alg: str) -> None:
    realm = protected_realm(either_world, id_token_signed_response_alg=alg)
    login = realm.log_in()
    assert login.id_token["sub"] == "alice"
    assert parse_compact(login.id_token_jwt).alg == alg
    assert "at_hash" in login.id_token


@pytest.mark.parametrize(
    ("registered", "sent"),
    [
        ("RS256", "RS512"),
        ("RS256", "PS256"),
        ("PS256", "RS256"),
        ("ES256", "ES384"),
        ("ES512", "ES256"),
        ("EdDSA", "Ed25519"),
        ("Ed25519", "EdDSA"),
        ("HS256", "HS512"),
        ("RS256", "HS256"),
        ("HS256", "RS256"),
    ],
)
def test_an_id_token_may_be_signed_by_no_other_than_was_registered(
    either_world: World, registered: str, sent: str
) -> None:
    """threat model 82, 83: though the provider signs well, and publishes the key."""
    provider = new_provider(id_token_signed_response_alg=sent)
    realm = protected_realm(either_world, provider, id_token_signed_response_alg=registered)
    error = rejection(realm)
    assert isinstance(error, AlgorithmNotAllowed)
    assert error.evidence == {"expected": (registered,), "seen": sent}


# Encrypted ID tokens


@pytest.mark.parametrize(("alg", "enc"), WRAPPINGS)
def test_an_id_token_may_be_encrypted_by_every_algorithm(either_world: World, alg: str, enc: str) -> None:
    registered: dict[str, Any] = {"id_token_encrypted_response_alg": alg, "id_token_encrypted_response_enc": enc}
    login = protected_realm(either_world, **registered).log_in()
    assert login.id_token["sub"] == "alice"
    assert login.userinfo == {"sub": "alice"}


def test_without_an_enc_it_is_that_of_the_specification(either_world: World) -> None:
    """OIDC Registration 2: A128CBC-HS256."""
    realm = protected_realm(either_world, id_token_encrypted_response_alg="RSA-OAEP")
    assert realm.log_in().id_token["sub"] == "alice"


def test_the_signed_token_in_the_encrypted_one_is_kept(either_world: World) -> None:
    """OIDC Core 3.1.2.1: the hint at a logout must be one that the provider can read."""
    realm = protected_realm(either_world, **OAEP)
    login = realm.log_in()
    assert login.id_token_jwt == login.tokens.id_token
    assert login.id_token_jwt in realm.provider._registry.id_tokens

    async def url() -> str | None:
        party = realm.party
        if isinstance(party, RelyingParty):
            return party.end_session_url(id_token_hint=login.id_token_jwt)
        return await party.end_session_url(id_token_hint=login.id_token_jwt)

    hint = parse_qs(urlsplit(realm.world.run(url()) or "").query)["id_token_hint"]
    assert hint == [login.id_token_jwt]


def test_a_refresh_brings_an_encrypted_id_token_too(either_world: World) -> None:
    realm = protected_realm(either_world, **OAEP)
    refreshing = logged_in(
        either_world,
        realm.provider,
        client_metadata=realm.party.configuration.client_metadata,
        client_keys=client_keys(),
    )
    refresh = refreshing.refresh()
    assert refresh.tokens.id_token in realm.provider._registry.id_tokens
    assert (refresh.id_token or {})["sub"] == "alice"


def test_a_refresh_without_its_encryption_is_rejected(either_world: World) -> None:
    realm = protected_realm(either_world, **OAEP)
    refreshing = logged_in(
        either_world,
        realm.provider,
        client_metadata=realm.party.configuration.client_metadata,
        client_keys=client_keys(),
    )
    with realm.provider.misbehaving(Fault.ENCRYPTION_MISSING):
        assert isinstance(refreshing.rejection(), TokenMalformed)


@pytest.mark.parametrize("fault", ENCRYPTION_FAULTS, ids=str)
def test_each_fault_of_an_encrypted_id_token_is_met(either_world: World, fault: Misbehaviour) -> None:
    realm = protected_realm(either_world, id_token_encrypted_response_alg=fault.needs_encryption)
    if fault.harmless:
        with realm.provider.misbehaving(fault):
            assert realm.log_in().id_token["sub"] == "alice"
        return
    assert isinstance(rejection(realm, fault), TokenError)
    assert "userinfo" not in endpoints(realm)
    assert endpoints(realm).count("token") == 1


@pytest.mark.parametrize("fault", REJECTED_INSIDE, ids=str)
def test_encryption_makes_no_invalid_token_valid(either_world: World, fault: Misbehaviour) -> None:
    """threat model 107: at_hash, nonce, signature and all the rest are checked as ever."""
    realm = protected_realm(either_world, **OAEP, id_token_signed_response_alg=fault.needs_alg)
    assert isinstance(rejection(realm, fault, **fault.needs), TokenError)
    assert "userinfo" not in endpoints(realm)


def test_what_nobody_signed_is_rejected_though_it_is_encrypted(either_world: World) -> None:
    """threat model 80, 107: anybody can encrypt to a public key."""
    error = rejection(protected_realm(either_world, **OAEP), Fault.ID_TOKEN_ALG_NONE)
    assert isinstance(error, AlgorithmNotAllowed)
    assert error.evidence["seen"] == "none"


def test_who_did_not_register_for_encryption_gets_none(either_world: World) -> None:
    """threat model 105, the other way round."""
    realm = protected_realm(either_world, new_provider(**OAEP))
    error = rejection(realm)
    assert isinstance(error, TokenMalformed)
    assert "encrypted" in error.message


@pytest.mark.parametrize(
    "fault", [Fault.ENCRYPTION_OTHER_KEY, Fault.ENCRYPTION_TAG_CHANGED, Fault.ENCRYPTION_KEY_RANDOM], ids=str
)
def test_why_it_cannot_be_decrypted_is_not_told(either_world: World, fault: Misbehaviour) -> None:
    """threat model 106."""
    error = rejection(protected_realm(either_world, **OAEP), fault)
    assert isinstance(error, DecryptionFailed)
    assert (error.message, error.evidence) == ("The token can't be decrypted with a key of the client.", {})


@pytest.mark.parametrize("response_type", RESPONSE_TYPES)
def test_an_encrypted_id_token_may_come_by_every_way(either_world: World, response_type: str) -> None:
    """With a response too, where only its hashes tell what it was issued with."""
    provider = new_provider(**OAEP, response_types=RESPONSE_TYPES)
    realm = protected_realm(either_world, provider, **OAEP)
    login = realm.log_in(response_type=response_type)
    assert login.id_token["sub"] == "alice"
    assert login.id_token_jwt in provider._registry.id_tokens


@pytest.mark.parametrize("response_type", [name for name in RESPONSE_TYPES if "id_token" in name])
def test_a_response_without_its_encryption_is_rejected(either_world: World, response_type: str) -> None:
    """threat model 105: before the code goes anywhere."""
    provider = new_provider(**OAEP, response_types=RESPONSE_TYPES)
    error = rejection(
        protected_realm(either_world, provider, **OAEP), Fault.ENCRYPTION_MISSING, response_type=response_type
    )
    assert isinstance(error, TokenMalformed)
    assert provider.count("token") == 0


# Keys of the client


def test_a_provider_that_has_not_seen_the_new_keys_yet_encrypts_to_the_old_ones(either_world: World) -> None:
    old, new = client_keys(1), client_keys(2)
    for keys in (old, new):
        provider = new_provider(jwks=keys.jwks(), **OAEP)
        realm = protected_realm(either_world, provider, new + old, **OAEP)
        assert realm.log_in().id_token["sub"] == "alice"


def test_a_key_that_was_thrown_away_is_named_as_the_reason(either_world: World) -> None:
    realm = protected_realm(either_world, new_provider(jwks=client_keys(1).jwks(), **OAEP), client_keys(2), **OAEP)
    error = rejection(realm)
    assert isinstance(error, KeyNotFound)
    assert "client" in error.message


def test_each_key_is_tried_for_a_token_without_a_name(either_world: World) -> None:
    provider = new_provider(jwks=client_keys(1).jwks(), **OAEP)
    realm = protected_realm(either_world, provider, client_keys(3) + client_keys(2) + client_keys(1), **OAEP)
    with provider.misbehaving(Fault.ENCRYPTION_KID_MISSING):
        assert realm.log_in().id_token["sub"] == "alice"


def test_a_key_for_signatures_does_not_decrypt(either_world: World) -> None:
    """threat model 27: though it is the one that was encrypted to."""
    own = ClientKeys.from_jwk(private_rsa_jwk(rsa_key(1), use="sig", kid="rsa-1"))
    realm = protected_realm(either_world, new_provider(**OAEP), own + client_keys(2), **OAEP)
    assert isinstance(rejection(realm), KeyNotFound)


# Userinfo


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("scope", ["openid", "openid email"])
def test_userinfo_comes_as_it_was_registered(either_world: World, form: str, scope: str) -> None:
    realm = protected_realm(either_world, **FORMS[form])
    userinfo = realm.log_in(scope=scope).userinfo or {}
    assert (userinfo["sub"], "email" in userinfo) == ("alice", "email" in scope)
    assert realm.provider.requests[-1].request.headers["accept"] == "application/jwt"


@pytest.mark.parametrize("alg", SUPPORTED_ALGORITHMS)
def test_userinfo_may_be_signed_by_every_algorithm(either_world: World, alg: str) -> None:
    realm = protected_realm(either_world, userinfo_signed_response_alg=alg)
    assert (realm.log_in().userinfo or {})["aud"] == "client1"


@pytest.mark.parametrize("registered", [{}, *FORMS.values()], ids=["plain", *FORMS])
@pytest.mark.parametrize("sent", [{}, *FORMS.values()], ids=["plain", *FORMS])
def test_userinfo_in_any_other_form_is_rejected(
    either_world: World, registered: dict[str, Any], sent: dict[str, Any]
) -> None:
    """threat model 114, 116."""
    if registered == sent:
        assert protected_realm(either_world, new_provider(**sent), **registered).log_in().userinfo is not None
    else:
        assert isinstance(
            rejection(protected_realm(either_world, new_provider(**sent), **registered)), UserInfoInvalid
        )


@pytest.mark.parametrize("fault", SIGNED_USERINFO_FAULTS, ids=str)
def test_each_fault_of_signed_userinfo_is_met(either_world: World, fault: Misbehaviour) -> None:
    """threat model 112, 114, 115."""
    realm = protected_realm(either_world, userinfo_signed_response_alg="RS256")
    if fault.harmless:
        with realm.provider.misbehaving(fault):
            assert (realm.log_in().userinfo or {})["sub"] == "alice"
    else:
        assert isinstance(rejection(realm, fault), ProviderError)


@pytest.mark.parametrize("fault", [fault for fault in SIGNED_USERINFO_FAULTS if fault not in OF_ITS_FORM], ids=str)
def test_each_fault_of_signed_userinfo_is_met_inside_of_encryption(either_world: World, fault: Misbehaviour) -> None:
    """threat model 107, 112, 114, 115."""
    realm = protected_realm(either_world, **USERINFO_OAEP)
    if fault.harmless:
        with realm.provider.misbehaving(fault):
            assert (realm.log_in().userinfo or {})["sub"] == "alice"
    else:
        assert isinstance(rejection(realm, fault), ProviderError)


@pytest.mark.parametrize("signed", [True, False], ids=["signed", "unsigned"])
@pytest.mark.parametrize("fault", ENCRYPTION_FAULTS, ids=str)
def test_each_fault_of_encrypted_userinfo_is_met(either_world: World, fault: Misbehaviour, signed: bool) -> None:
    registered: dict[str, Any] = {"userinfo_encrypted_response_alg": fault.needs_encryption}
    registered |= {"userinfo_signed_response_alg": "RS256"} if signed else {}
    realm = protected_realm(either_world, **registered)
    if fault.harmless:
        with realm.provider.misbehaving(fault):
            assert (realm.log_in().userinfo or {})["sub"] == "alice"
    else:
        assert isinstance(rejection(realm, fault), UserInfoInvalid)


def test_unsigned_userinfo_of_somebody_else_is_rejected_though_it_is_encrypted(either_world: World) -> None:
    """threat model 112."""
    realm = protected_realm(either_world, userinfo_encrypted_response_alg="RSA-OAEP")
    error = rejection(realm, Fault.USERINFO_SUB_OTHER)
    assert isinstance(error, UserInfoInvalid)
    assert error.evidence == {"claim": "sub"}


def test_an_error_of_signed_userinfo_says_what_is_wrong(either_world: World) -> None:
    realm = protected_realm(either_world, userinfo_signed_response_alg="RS256")
    error = rejection(realm, Fault.SIGNED_USERINFO_ISS_OTHER)
    assert isinstance(error, UserInfoInvalid)
    assert "iss must be 'https://op.example'" in error.message
    assert error.evidence == {"reason": ClaimInvalid.code}


def test_signed_userinfo_survives_a_rotation_of_keys(either_world: World) -> None:
    realm = protected_realm(either_world, userinfo_signed_response_alg="RS256")
    realm.log_in()
    realm.provider.rotate_keys()
    assert (realm.log_in().userinfo or {})["sub"] == "alice"


# Secrets


def test_nothing_that_was_decrypted_shows(either_world: World, caplog: pytest.LogCaptureFixture) -> None:
    """threat model 250, 252."""
    caplog.set_level(logging.DEBUG)
    realm = protected_realm(either_world, **OAEP, **USERINFO_OAEP)
    texts: list[str] = []
    for fault in (*ENCRYPTION_FAULTS, *SIGNED_USERINFO_FAULTS, *(fault for fault in ALL_FAULTS if fault in INSIDE)):
        with realm.provider.misbehaving(fault):
            try:
                texts.append(repr(realm.log_in()))
            except OIDCError as error:
                texts += ["".join(traceback.format_exception(error)), repr(error.evidence)]
    text = "\n".join([*texts, *(record.getMessage() for record in caplog.records)])
    told: Any = [
        part for token in realm.provider._registry.id_tokens for part in token.split(".")[1:] if len(part) > 15
    ]
    assert len(told) > 100
    assert [part for part in told if part in text] == []
    assert "alice@example.com" not in text
