"""The provider signs and encrypts as its clients register, and spoils it in the ways that its faults are called."""

import json
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from joserfc import jwe
from joserfc.jwk import ECKey, Key, OctKey, RSAKey

from oidc_async.protocol.http_message import HttpResponse
from oidc_async.testing import ENCRYPTION_FAULTS, SIGNED_USERINFO_FAULTS, Fault, Misbehaviour, SimulatedProvider
from oidc_async.testing.encryption import ENCRYPTION_ALGORITHMS, KEY_SIZES, derived_secret
from oidc_async.testing.keys import SIGNING_ALGORITHMS

from .mini_relying_party import REDIRECT_URI, MiniRelyingParty, decoded, read, segment, verify

SECRET = "a secret of the client, long enough for HMAC of 512 bits: 64 bytes"
RSA_OAEP: dict[str, Any] = {"id_token_encrypted_response_alg": "RSA-OAEP"}


@cache
def keys() -> dict[str, Key]:
    """The client's own."""
    return {
        "RSA": RSAKey.generate_key(2048, {"kid": "rsa", "use": "enc"}),
        "EC": ECKey.generate_key("P-256", {"kid": "ec", "use": "enc"}),
    }


def registered(provider: SimulatedProvider, **metadata: Any) -> None:
    jwks = {"keys": [key.as_dict(private=False) for key in keys().values()]}
    provider.register("client1", SECRET, redirect_uris=[REDIRECT_URI], jwks=jwks, **metadata)


def opened(token: str, alg: str, enc: str) -> bytes:
    """What joserfc finds inside."""
    kind = "RSA" if alg.startswith("RSA") else "EC"
    size = KEY_SIZES[enc] if alg == "dir" else {"A128KW": 16, "A192KW": 24, "A256KW": 32}.get(alg, 0)
    octets = derived_secret(SECRET.encode(), size)
    key = OctKey(octets, octets) if size else keys()[kind]
    registry = jwe.JWERegistry(algorithms=[alg, enc], strict_check_header=False)
    content = jwe.decrypt_compact(token, key, registry=registry).plaintext
    assert content is not None
    return content


def id_token(provider: SimulatedProvider, rp: MiniRelyingParty) -> str:
    token: str = read(rp.tokens(provider))["id_token"]
    return token


def userinfo(provider: SimulatedProvider, rp: MiniRelyingParty) -> tuple[str, str]:
    """The media type of the response, and its body."""
    response = rp.ask_who(read(rp.tokens(provider))["access_token"])
    return response.headers["content-type"], response.body.decode()


@pytest.mark.parametrize("alg", SIGNING_ALGORITHMS)
def test_an_id_token_is_signed_as_it_was_registered(
    provider: SimulatedProvider, rp: MiniRelyingParty, alg: str
) -> None:
    registered(provider, id_token_signed_response_alg=alg)
    rp = replace(rp, alg=alg, client_secret=SECRET)
    login = rp.log_in(provider)
    assert (segment(login.tokens["id_token"], 0)["alg"], login.claims["sub"]) == (alg, "alice")


@pytest.mark.parametrize("enc", KEY_SIZES)
@pytest.mark.parametrize("alg", ENCRYPTION_ALGORITHMS)
def test_an_id_token_is_encrypted_as_it_was_registered(
    provider: SimulatedProvider, rp: MiniRelyingParty, alg: str, enc: str
) -> None:
    registered(provider, id_token_encrypted_response_alg=alg, id_token_encrypted_response_enc=enc)
    rp = replace(rp, client_secret=SECRET)
    token = id_token(provider, rp)
    header = segment(token, 0)
    assert (header["alg"], header["enc"]) == (alg, enc)
    assert rp.verified(opened(token, alg, enc).decode())["sub"] == "alice"


def test_userinfo_is_signed_or_encrypted_as_it_was_registered(
    provider: SimulatedProvider, rp: MiniRelyingParty
) -> None:
    rp = replace(rp, client_secret=SECRET)
    registered(provider, userinfo_signed_response_alg="ES384")
    kind, body = userinfo(provider, rp)
    verify(body, rp.published("ES384"))
    claims = segment(body, 1)
    assert (kind, claims["sub"], claims["iss"], claims["aud"]) == (
        "application/jwt",
        "alice",
        "https://op.example",
        "client1",
    )
    registered(provider, userinfo_encrypted_response_alg="ECDH-ES")
    kind, body = userinfo(provider, rp)
    assert (kind, json.loads(opened(body, "ECDH-ES", "A128CBC-HS256"))["sub"]) == ("application/jwt", "alice")
    registered(provider, userinfo_signed_response_alg="RS256", userinfo_encrypted_response_alg="RSA-OAEP")
    kind, body = userinfo(provider, rp)
    nested = opened(body, "RSA-OAEP", "A128CBC-HS256").decode()
    verify(nested, rp.published("RS256"))
    assert (kind, segment(nested, 1)["sub"]) == ("application/jwt", "alice")


def test_a_client_without_a_key_that_fits_gets_an_error(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    provider.register("client1", SECRET, redirect_uris=[REDIRECT_URI], **RSA_OAEP)
    with pytest.raises(ValueError, match="no key for RSA-OAEP: pass jwks"):
        id_token(provider, replace(rp, client_secret=SECRET))


def readable(token: str, alg: str, rp: MiniRelyingParty) -> bool:
    """Whether there is a valid ID token inside, for a client that checks what it must."""
    try:
        header = segment(token, 0)
        assert (header["alg"], header["enc"]) == (alg, "A128CBC-HS256")
        assert not {"zip", "crit"} & header.keys()
        assert header.get("kid", "rsa") in ("rsa", "ec")
        return bool(rp.verified(opened(token, alg, "A128CBC-HS256").decode())["sub"] == "alice")
    except Exception:
        return False


@pytest.mark.parametrize("fault", ENCRYPTION_FAULTS, ids=str)
def test_a_fault_spoils_an_encrypted_token_or_does_not(
    provider: SimulatedProvider, rp: MiniRelyingParty, fault: Misbehaviour
) -> None:
    alg = fault.needs_encryption
    registered(provider, id_token_encrypted_response_alg=alg)
    rp = replace(rp, client_secret=SECRET)
    assert readable(id_token(provider, rp), alg, rp)
    with provider.misbehaving(fault):
        assert readable(id_token(provider, rp), alg, rp) == fault.harmless


@pytest.mark.parametrize("fault", ENCRYPTION_FAULTS + SIGNED_USERINFO_FAULTS, ids=str)
def test_who_registered_for_neither_does_not_meet_them(
    provider: SimulatedProvider, rp: MiniRelyingParty, fault: Misbehaviour
) -> None:
    with provider.misbehaving(fault):
        assert rp.log_in(provider).userinfo["sub"] == "alice"


@pytest.mark.parametrize("fault", SIGNED_USERINFO_FAULTS, ids=str)
def test_a_fault_of_signed_userinfo_shows(
    provider: SimulatedProvider, rp: MiniRelyingParty, fault: Misbehaviour
) -> None:
    registered(provider, userinfo_signed_response_alg="RS256")
    rp = replace(rp, client_secret=SECRET)
    good = userinfo(provider, rp)
    assert userinfo(provider, rp) == good
    with provider.misbehaving(fault):
        assert userinfo(provider, rp) != good


def test_forgeries_of_encryption_would_deceive_who_believes_them(
    provider: SimulatedProvider, rp: MiniRelyingParty
) -> None:
    registered(provider, **RSA_OAEP)
    rp = replace(rp, client_secret=SECRET)

    def met(fault: Misbehaviour) -> str:
        with provider.misbehaving(fault):
            return id_token(provider, rp)

    for fault, alg, enc in (
        (Fault.ENCRYPTION_OTHER_ALG, "RSA-OAEP-256", "A128CBC-HS256"),
        (Fault.ENCRYPTION_OTHER_ENC, "RSA-OAEP", "A256GCM"),
        (Fault.ENCRYPTION_WITH_SECRET, "dir", "A128CBC-HS256"),
        (Fault.ENCRYPTION_ZIP, "RSA-OAEP", "A128CBC-HS256"),
    ):
        assert rp.verified(opened_anyhow(met(fault), alg, enc).decode())["sub"] == "alice"
    with pytest.warns(match="RSA1_5"):
        assert opened(met(Fault.ENCRYPTION_RSA1_5), "RSA1_5", "A128CBC-HS256").count(b".") == 2
    inner = opened(met(Fault.ENCRYPTION_TWICE), "RSA-OAEP", "A128CBC-HS256").decode()
    assert rp.verified(opened(inner, "RSA-OAEP", "A128CBC-HS256").decode())["sub"] == "alice"
    assert rp.verified(met(Fault.ENCRYPTION_MISSING))["sub"] == "alice"
    assert decoded(met(Fault.ENCRYPTION_TAG_EMPTY).split(".")[4]) == b""


def opened_anyhow(token: str, alg: str, enc: str) -> bytes:
    """Compressed or not."""
    key: Key = keys()["RSA"]
    if alg == "dir":
        octets = derived_secret(SECRET.encode(), KEY_SIZES[enc])
        key = OctKey(octets, octets)
    registry = jwe.JWERegistry(algorithms=[alg, enc, "DEF"])
    content = jwe.decrypt_compact(token, key, registry=registry).plaintext
    assert content is not None
    return content


def test_the_keys_may_be_at_a_url(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    jwks = {"keys": [key.as_dict(private=False) for key in keys().values()]}
    asked = list[str]()

    def fetch(url: str) -> HttpResponse:
        asked.append(url)
        return HttpResponse(status=200, body=json.dumps(jwks).encode())

    provider.register("client1", SECRET, redirect_uris=[REDIRECT_URI], jwks_uri="https://rp.example/jwks", **RSA_OAEP)
    provider.fetch = fetch
    rp = replace(rp, client_secret=SECRET)
    inner = opened(id_token(provider, rp), "RSA-OAEP", "A128CBC-HS256").decode()
    assert rp.verified(inner)["sub"] == "alice"
    assert asked == ["https://rp.example/jwks"]
