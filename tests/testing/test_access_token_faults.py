"""Forged JWTs, access tokens and signed introspection answers, would really deceive who trusts the wrong thing."""

import hashlib
import hmac
import json
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc.errors import BadSignatureError

from oidc_async.protocol.http_message import HttpRequest
from oidc_async.testing import Fault, Misbehaviour, SimulatedProvider

from .mini_relying_party import MiniRelyingParty, decoded, read, segment, unpadded, verify
from .mini_resource_server import JWT_MEDIA_TYPE, MiniResourceServer
from .public_keys import certified, public_bytes


def forged(fault: Misbehaviour, provider: SimulatedProvider) -> str:
    """The access token, or the signed answer, that comes out of this fault."""
    provider.register("client1", "secret1")
    provider.register("api", "secret of the api", introspection_signed_response_alg="RS256")
    api = MiniResourceServer(provider.handle, provider.issuer, accept=JWT_MEDIA_TYPE)
    with provider.misbehaving(fault):
        is_access_token = fault.exchange == "access_token"
        token = provider.issue_access_token("client1", username="alice", audience="api", jwt=is_access_token)
        return token if is_access_token else api.ask(token).body.decode()


@pytest.mark.parametrize(
    ("fault", "alg"),
    [
        (Fault.ACCESS_TOKEN_ALG_NONE, "none"),
        (Fault.ACCESS_TOKEN_ALG_NONE_TITLE, "None"),
        (Fault.ACCESS_TOKEN_ALG_NONE_MIXED, "NoNe"),
        (Fault.ACCESS_TOKEN_ALG_NONE_UPPER, "NONE"),
        (Fault.ACCESS_TOKEN_ALG_EMPTY, ""),
        (Fault.ACCESS_TOKEN_ALG_NULL, None),
        (Fault.ACCESS_TOKEN_ALG_MISSING, "-"),
        (Fault.INTROSPECTION_JWT_ALG_NONE, "none"),
        (Fault.INTROSPECTION_JWT_ALG_NONE_MIXED, "NoNe"),
    ],
    ids=str,
)
def test_an_unsigned_token_says_so(fault: Misbehaviour, alg: object, provider: SimulatedProvider) -> None:
    """threat model 150"""
    token = forged(fault, provider)
    assert segment(token, 0).get("alg", "-") == alg
    assert token.endswith(".")
    assert segment(token, 1)["iss"] == provider.issuer


@pytest.mark.parametrize(
    ("fault", "secret"),
    [
        (Fault.ACCESS_TOKEN_HS256_PUBLIC_PEM, lambda rp: public_bytes(rp, Encoding.PEM)),
        (Fault.ACCESS_TOKEN_HS256_PUBLIC_DER, lambda rp: public_bytes(rp, Encoding.DER)),
        (
            Fault.ACCESS_TOKEN_HS256_PUBLIC_JWK,
            lambda rp: json.dumps(rp.published("RS256"), separators=(",", ":")).encode(),
        ),
        (Fault.INTROSPECTION_JWT_HS256_PUBLIC_PEM, lambda rp: public_bytes(rp, Encoding.PEM)),
    ],
    ids=lambda value: str(value) if isinstance(value, Misbehaviour) else "",
)
def test_hmac_verifies_with_the_public_key(
    fault: Misbehaviour,
    secret: Callable[[MiniRelyingParty], bytes],
    provider: SimulatedProvider,
    rp: MiniRelyingParty,
) -> None:
    """threat model 150"""
    token = forged(fault, provider)
    signing_input, _, signature = token.rpartition(".")
    assert segment(token, 0)["alg"] == "HS256"
    assert signature == unpadded(hmac.digest(secret(rp), signing_input.encode(), hashlib.sha256))


def test_the_published_secret_verifies(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    token = forged(Fault.ACCESS_TOKEN_HS256_PUBLISHED_KEY, provider)
    with provider.misbehaving(Fault.ACCESS_TOKEN_HS256_PUBLISHED_KEY):
        verify(token, rp.published("HS256"))
    assert segment(token, 0)["kid"] == "oct-1"


@pytest.mark.parametrize(
    ("fault", "alg", "key_alg"),
    [
        (Fault.ACCESS_TOKEN_OTHER_ALGORITHM, "ES256", "ES256"),
        (Fault.ACCESS_TOKEN_OTHER_PADDING, "PS256", "RS256"),
        (Fault.INTROSPECTION_JWT_OTHER_ALGORITHM, "ES256", "ES256"),
    ],
    ids=str,
)
def test_another_algorithm_verifies_with_a_published_key(
    fault: Misbehaviour, alg: str, key_alg: str, provider: SimulatedProvider, rp: MiniRelyingParty
) -> None:
    token = forged(fault, provider)
    key = rp.published(key_alg)
    verify(token, key)
    assert (segment(token, 0)["alg"], segment(token, 0)["kid"]) == (alg, key["kid"])


def test_injected_keys_verify_for_clients_that_trust_the_header(provider: SimulatedProvider) -> None:
    """threat model 150"""
    for fault in (Fault.ACCESS_TOKEN_JWK_INJECTED, Fault.INTROSPECTION_JWT_JWK_INJECTED):
        token = forged(fault, provider)
        verify(token, segment(token, 0)["jwk"])
    token = forged(Fault.ACCESS_TOKEN_X5C_INJECTED, provider)
    verify(token, certified(segment(token, 0)))
    for fault, name in ((Fault.ACCESS_TOKEN_JKU_INJECTED, "jku"), (Fault.ACCESS_TOKEN_X5U_INJECTED, "x5u")):
        token = forged(fault, provider)
        fetched = provider.handle(HttpRequest(method="GET", url=segment(token, 0)[name]))
        verify(token, read(fetched)["keys"][0])
    assert provider.count("elsewhere", status=200) == 2


@pytest.mark.parametrize(
    "fault",
    [
        Fault.ACCESS_TOKEN_SIGNATURE_BROKEN,
        Fault.ACCESS_TOKEN_SIGNATURE_EMPTY,
        Fault.ACCESS_TOKEN_SIGNATURE_SHORTER,
        Fault.ACCESS_TOKEN_SIGNATURE_FOREIGN,
        Fault.INTROSPECTION_JWT_SIGNATURE_BROKEN,
        Fault.INTROSPECTION_JWT_SIGNATURE_EMPTY,
        Fault.INTROSPECTION_JWT_SIGNATURE_FOREIGN,
    ],
    ids=str,
)
def test_a_spoilt_signature_does_not_verify(
    fault: Misbehaviour, provider: SimulatedProvider, rp: MiniRelyingParty
) -> None:
    """threat model 145"""
    token = forged(fault, provider)
    assert segment(token, 0)["kid"] == rp.published("RS256")["kid"]
    with pytest.raises(BadSignatureError):
        verify(token, rp.published("RS256"))


# Tokens of another kind


def test_an_id_token_is_one_for_its_own_client(
    provider: SimulatedProvider, rp: MiniRelyingParty, api: MiniResourceServer
) -> None:
    """threat model 148"""
    genuine = rp.log_in(provider).tokens["id_token"]
    token = forged(Fault.ACCESS_TOKEN_ID_TOKEN, provider)
    claims = api.verified(token)
    assert segment(token, 0) == segment(genuine, 0)
    assert set(claims) == set(segment(genuine, 1)) - {"tenant"}
    assert (claims["sub"], claims["aud"], claims["nonce"]) == ("alice", "client1", "nonce1")


def test_a_logout_token_is_signed_too(provider: SimulatedProvider, api: MiniResourceServer) -> None:
    token = forged(Fault.ACCESS_TOKEN_LOGOUT_TOKEN, provider)
    assert segment(token, 0)["typ"] == "logout+jwt"
    assert list(api.verified(token)["events"]) == ["http://schemas.openid.net/event/backchannel-logout"]


# Form


@pytest.mark.parametrize(
    ("fault", "count"),
    [
        (Fault.ACCESS_TOKEN_ONE_SEGMENT, 1),
        (Fault.ACCESS_TOKEN_TWO_SEGMENTS, 2),
        (Fault.ACCESS_TOKEN_FOUR_SEGMENTS, 4),
        (Fault.ACCESS_TOKEN_FIVE_SEGMENTS, 5),
        (Fault.ACCESS_TOKEN_SIX_SEGMENTS, 6),
        (Fault.ACCESS_TOKEN_100000_SEGMENTS, 100_003),
    ],
    ids=str,
)
def test_segments_are_as_many_as_named(fault: Misbehaviour, count: int, provider: SimulatedProvider) -> None:
    """threat model 144"""
    assert len(forged(fault, provider).split(".")) == count


def test_other_forms_hold_the_same_token(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    flattened = json.loads(forged(Fault.ACCESS_TOKEN_JSON_SERIALIZATION, provider))
    verify(".".join(flattened[name] for name in ("protected", "payload", "signature")), rp.published("RS256"))
    padded = forged(Fault.ACCESS_TOKEN_PADDED, provider)
    assert padded.count("=") >= 3
    verify(padded.replace("=", ""), rp.published("RS256"))


def test_huge_is_a_megabyte(provider: SimulatedProvider) -> None:
    """threat model 144"""
    assert len(forged(Fault.ACCESS_TOKEN_HUGE, provider)) > 1024 * 1024


@pytest.mark.parametrize(
    ("fault", "starts"),
    [
        (Fault.ACCESS_TOKEN_PAYLOAD_ARRAY, b"[{"),
        (Fault.ACCESS_TOKEN_PAYLOAD_STRING, b'"claims"'),
        (Fault.ACCESS_TOKEN_PAYLOAD_NULL, b"null"),
        (Fault.ACCESS_TOKEN_PAYLOAD_UTF16, b"\xff\xfe{\0"),
        (Fault.ACCESS_TOKEN_PAYLOAD_BROKEN_UTF8, b'{"name":"\xff\xfe",'),
        (Fault.ACCESS_TOKEN_PAYLOAD_BYTE_ORDER_MARK, b"\xef\xbb\xbf{"),
        (Fault.ACCESS_TOKEN_PAYLOAD_DUPLICATE_MEMBERS, b'{"aud":"other",'),
        (Fault.ACCESS_TOKEN_PAYLOAD_DEEP, b'{"deep":[[['),
        (Fault.INTROSPECTION_JWT_PAYLOAD_ARRAY, b"[{"),
        (Fault.INTROSPECTION_JWT_PAYLOAD_DUPLICATE_MEMBERS, b'{"iss":"other",'),
    ],
    ids=lambda value: str(value) if isinstance(value, Misbehaviour) else "",
)
def test_the_payload_is_spoilt_under_a_valid_signature(
    fault: Misbehaviour, starts: bytes, provider: SimulatedProvider, rp: MiniRelyingParty
) -> None:
    token = forged(fault, provider)
    verify(token, rp.published("RS256"))
    assert decoded(token.split(".")[1]).startswith(starts)


def test_the_payload_ends_otherwise(provider: SimulatedProvider) -> None:
    assert decoded(forged(Fault.ACCESS_TOKEN_PAYLOAD_TRAILING, provider).split(".")[1]).endswith(b"}{}")
    assert forged(Fault.ACCESS_TOKEN_PAYLOAD_EMPTY, provider).split(".")[1] == ""


@pytest.mark.parametrize(
    ("fault", "header"),
    [
        (Fault.ACCESS_TOKEN_HEADER_ARRAY, b"[]"),
        (Fault.ACCESS_TOKEN_HEADER_NOT_JSON, b"{alg}"),
        (Fault.ACCESS_TOKEN_HEADER_DUPLICATE_MEMBERS, b'{"alg":"other",'),
        (Fault.ACCESS_TOKEN_HEADER_DEEP, b'{"deep":[[['),
    ],
    ids=lambda value: str(value) if isinstance(value, Misbehaviour) else "",
)
def test_the_header_is_spoilt(fault: Misbehaviour, header: bytes, provider: SimulatedProvider) -> None:
    assert decoded(forged(fault, provider).split(".")[0]).startswith(header)
