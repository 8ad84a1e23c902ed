"""Faults of ID tokens are what their names say; forgeries would really deceive who trusts the wrong thing."""

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import cast

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc.errors import BadSignatureError
from joserfc.jwk import ECKey

from oidc_async.protocol.http_message import HttpRequest
from oidc_async.testing import ALL_FAULTS, Fault, Misbehaviour, SimulatedProvider
from oidc_async.testing.faults.claims import ClaimFaults

from .conftest import SECRET
from .mini_relying_party import REDIRECT_URI, MiniRelyingParty, decoded, read, segment, unpadded, verify
from .public_keys import certified, public_bytes

REGISTERED = (
    "iss",
    "aud",
    "azp",
    "exp",
    "iat",
    "nbf",
    "auth_time",
    "nonce",
    "sub",
    "at_hash",
    "c_hash",
    "acr",
    "events",
)
OTHERWISE_NAMED = {"ID_TOKEN_AUD_EXTRA_WITH_AZP": {"aud", "azp"}, "ID_TOKEN_CLAIM_EXTRA": {"foo"}}


def id_token(fault: Misbehaviour, provider: SimulatedProvider, rp: MiniRelyingParty) -> str:
    provider.register("client1", SECRET, redirect_uris=[REDIRECT_URI], id_token_signed_response_alg=fault.needs_alg)
    rp.parameters.update(fault.needs)
    with provider.misbehaving(fault):
        token = read(rp.tokens(provider))["id_token"]
    return cast(str, token)


# ID tokens: claims


@pytest.mark.parametrize("fault", [fault for fault in ALL_FAULTS if fault.name in vars(ClaimFaults)], ids=str)
def test_only_the_named_claim_is_wrong_and_the_signature_is_right(
    fault: Misbehaviour, provider: SimulatedProvider, rp: MiniRelyingParty
) -> None:
    token = id_token(fault, provider, rp)
    verify(token, rp.published("RS256"))
    good = segment(read(rp.tokens(provider))["id_token"], 1)
    bad = json.loads(decoded(token.split(".")[1]), parse_int=lambda digits: int(digits[:4000]))
    named = OTHERWISE_NAMED.get(fault.name) or {next(name for name in REGISTERED if f"_{name.upper()}" in fault.name)}
    different = {name for name in {*good, *bad} if repr(good.get(name)) != repr(bad.get(name))}
    assert different | {"at_hash"} == named | {"at_hash"}


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (Fault.ID_TOKEN_EXP_NAN, b'"exp":NaN,'),
        (Fault.ID_TOKEN_EXP_INFINITY, b'"exp":Infinity,'),
        (Fault.ID_TOKEN_EXP_OVERFLOW, b'"exp":1e400,'),
        (Fault.ID_TOKEN_EXP_HUGE_INTEGER, b'"exp":1' + b"0" * 400 + b","),
        (Fault.ID_TOKEN_EXP_ENDLESS_INTEGER, b'"exp":' + b"9" * 5000 + b","),
        (Fault.ID_TOKEN_EXP_STRING, b'"exp":"1700000600",'),
        (Fault.ID_TOKEN_EXP_TRUE, b'"exp":true,'),
        (Fault.ID_TOKEN_SUB_SURROGATE, b'"sub":"alice\\ud800",'),
        (Fault.ID_TOKEN_AUD_EMPTY_LIST, b'"aud":[],'),
    ],
    ids=lambda value: str(value) if isinstance(value, Misbehaviour) else "",
)
def test_odd_values_are_written_as_they_are_called(
    fault: Misbehaviour, text: bytes, provider: SimulatedProvider, rp: MiniRelyingParty
) -> None:
    assert text in decoded(id_token(fault, provider, rp).split(".")[1])


# ID tokens: forgeries


@pytest.mark.parametrize(
    ("fault", "alg"),
    [
        (Fault.ID_TOKEN_ALG_NONE, "none"),
        (Fault.ID_TOKEN_ALG_NONE_MIXED, "NoNe"),
        (Fault.ID_TOKEN_ALG_EMPTY, ""),
        (Fault.ID_TOKEN_ALG_NULL, None),
        (Fault.ID_TOKEN_ALG_NUMBER, 256),
        (Fault.ID_TOKEN_ALG_MISSING, "-"),
    ],
    ids=str,
)
def test_an_unsigned_token_says_so(
    fault: Misbehaviour, alg: object, provider: SimulatedProvider, rp: MiniRelyingParty
) -> None:
    """threat model 80"""
    token = id_token(fault, provider, rp)
    assert segment(token, 0).get("alg", "-") == alg
    assert token.endswith(".")
    assert segment(token, 1)["sub"] == "alice"


@pytest.mark.parametrize(
    ("fault", "secret"),
    [
        (Fault.ID_TOKEN_HS256_PUBLIC_PEM, lambda rp: public_bytes(rp, Encoding.PEM)),
        (Fault.ID_TOKEN_HS256_PUBLIC_DER, lambda rp: public_bytes(rp, Encoding.DER)),
        (
            Fault.ID_TOKEN_HS256_PUBLIC_JWK,
            lambda rp: json.dumps(rp.published("RS256"), separators=(",", ":")).encode(),
        ),
        (Fault.ID_TOKEN_HS256_CLIENT_SECRET, lambda rp: SECRET.encode()),
    ],
    ids=lambda value: str(value) if isinstance(value, Misbehaviour) else "",
)
def test_hmac_verifies_with_a_public_value(
    fault: Misbehaviour,
    secret: Callable[[MiniRelyingParty], bytes],
    provider: SimulatedProvider,
    rp: MiniRelyingParty,
) -> None:
    """threat model 81, 82"""
    token = id_token(fault, provider, rp)
    signing_input, _, signature = token.rpartition(".")
    assert segment(token, 0)["alg"] == "HS256"
    assert signature == unpadded(hmac.digest(secret(rp), signing_input.encode(), hashlib.sha256))


def test_the_published_secret_verifies(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    """threat model 29"""
    with provider.misbehaving(Fault.ID_TOKEN_HS256_PUBLISHED_KEY):
        token = read(rp.tokens(provider))["id_token"]
        verify(token, rp.published("HS256"))
    assert segment(token, 0)["kid"] == "oct-1"


@pytest.mark.parametrize(
    ("fault", "alg", "key_alg"),
    [
        (Fault.ID_TOKEN_OTHER_ALGORITHM, "ES256", "ES256"),
        (Fault.ID_TOKEN_OTHER_PADDING, "PS256", "RS256"),
    ],
    ids=str,
)
def test_another_algorithm_verifies_with_a_published_key(
    fault: Misbehaviour, alg: str, key_alg: str, provider: SimulatedProvider, rp: MiniRelyingParty
) -> None:
    """threat model 28, 83"""
    token = id_token(fault, provider, rp)
    key = rp.published(key_alg)
    verify(token, key)
    assert (segment(token, 0)["alg"], segment(token, 0)["kid"]) == (alg, key["kid"])


def test_injected_keys_verify_for_clients_that_trust_the_header(
    provider: SimulatedProvider, rp: MiniRelyingParty
) -> None:
    """threat model 34"""
    token = id_token(Fault.ID_TOKEN_JWK_INJECTED, provider, rp)
    verify(token, segment(token, 0)["jwk"])
    token = id_token(Fault.ID_TOKEN_X5C_INJECTED, provider, rp)
    verify(token, certified(segment(token, 0)))
    for fault, name in ((Fault.ID_TOKEN_JKU_INJECTED, "jku"), (Fault.ID_TOKEN_X5U_INJECTED, "x5u")):
        token = id_token(fault, provider, rp)
        fetched = provider.handle(HttpRequest(method="GET", url=segment(token, 0)[name]))
        verify(token, read(fetched)["keys"][0])
    assert provider.count("elsewhere", status=200) == 2


def test_the_providers_own_certificate_fits_its_key(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    token = id_token(Fault.ID_TOKEN_X5C, provider, rp)
    verify(token, certified(segment(token, 0)))
    verify(token, rp.published("RS256"))


@pytest.mark.parametrize(
    "fault",
    [
        Fault.ID_TOKEN_SIGNATURE_BROKEN,
        Fault.ID_TOKEN_SIGNATURE_EMPTY,
        Fault.ID_TOKEN_SIGNATURE_LONGER,
        Fault.ID_TOKEN_SIGNATURE_SHORTER,
        Fault.ID_TOKEN_SIGNATURE_FOREIGN,
    ],
    ids=str,
)
def test_a_spoilt_signature_does_not_verify(
    fault: Misbehaviour, provider: SimulatedProvider, rp: MiniRelyingParty
) -> None:
    token = id_token(fault, provider, rp)
    with pytest.raises(BadSignatureError):
        verify(token, rp.published("RS256"))


def test_ecdsa_signatures_are_spoilt_in_their_own_ways(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    """threat model 85"""
    zero = id_token(Fault.ID_TOKEN_ECDSA_ZERO, provider, rp)
    assert decoded(zero.rpartition(".")[2]) == bytes(64)
    signing_input, _, signature = id_token(Fault.ID_TOKEN_ECDSA_DER, provider, rp).rpartition(".")
    key = ECKey.import_key(rp.published("ES256")).public_key
    key.verify(decoded(signature), signing_input.encode(), ec.ECDSA(SHA256()))


# ID tokens: form


@pytest.mark.parametrize(
    ("fault", "count"),
    [
        (Fault.ID_TOKEN_ONE_SEGMENT, 1),
        (Fault.ID_TOKEN_TWO_SEGMENTS, 2),
        (Fault.ID_TOKEN_FOUR_SEGMENTS, 4),
        (Fault.ID_TOKEN_FIVE_SEGMENTS, 5),
        (Fault.ID_TOKEN_SIX_SEGMENTS, 6),
        (Fault.ID_TOKEN_100000_SEGMENTS, 100_003),
    ],
    ids=str,
)
def test_segments_are_as_many_as_named(
    fault: Misbehaviour, count: int, provider: SimulatedProvider, rp: MiniRelyingParty
) -> None:
    """threat model 109"""
    assert len(id_token(fault, provider, rp).split(".")) == count


def test_other_forms_hold_the_same_token(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    """threat model 109"""
    flattened = json.loads(id_token(Fault.ID_TOKEN_JSON_SERIALIZATION, provider, rp))
    verify(".".join(flattened[name] for name in ("protected", "payload", "signature")), rp.published("RS256"))
    padded = id_token(Fault.ID_TOKEN_PADDED, provider, rp)
    assert padded.count("=") >= 3
    verify(padded.replace("=", ""), rp.published("RS256"))
    standard = id_token(Fault.ID_TOKEN_STANDARD_BASE64, provider, rp)
    assert standard.endswith("==")
    verify(standard.replace("=", "").replace("+", "-").replace("/", "_"), rp.published("RS256"))
    verify(id_token(Fault.ID_TOKEN_TRAILING_NEWLINE, provider, rp).rstrip("\n"), rp.published("RS256"))
    verify(id_token(Fault.ID_TOKEN_LEADING_SPACE, provider, rp).lstrip(" "), rp.published("RS256"))


@pytest.mark.parametrize(
    ("fault", "starts"),
    [
        (Fault.ID_TOKEN_PAYLOAD_ARRAY, b"[{"),
        (Fault.ID_TOKEN_PAYLOAD_STRING, b'"claims"'),
        (Fault.ID_TOKEN_PAYLOAD_UTF16, b"\xff\xfe{\0"),
        (Fault.ID_TOKEN_PAYLOAD_BROKEN_UTF8, b'{"name":"\xff\xfe",'),
        (Fault.ID_TOKEN_PAYLOAD_BYTE_ORDER_MARK, b"\xef\xbb\xbf{"),
        (Fault.ID_TOKEN_PAYLOAD_DUPLICATE_MEMBERS, b'{"sub":"other",'),
        (Fault.ID_TOKEN_PAYLOAD_DEEP, b'{"deep":[[['),
    ],
    ids=lambda value: str(value) if isinstance(value, Misbehaviour) else "",
)
def test_the_payload_is_spoilt_under_a_valid_signature(
    fault: Misbehaviour, starts: bytes, provider: SimulatedProvider, rp: MiniRelyingParty
) -> None:
    """threat model 108"""
    token = id_token(fault, provider, rp)
    verify(token, rp.published("RS256"))
    assert decoded(token.split(".")[1]).startswith(starts)
