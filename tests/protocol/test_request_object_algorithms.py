"""How request objects are signed and encrypted: what a client may register, and what a provider takes."""

from typing import Any

import pytest

from oidc_async import ClientMetadata, ConfigurationError, ProviderMetadata
from oidc_async.protocol.jose.jwe import CONTENT_ENCRYPTIONS, KEY_ALGORITHMS, Encryption
from oidc_async.protocol.jose.jws import SUPPORTED_ALGORITHMS
from oidc_async.protocol.request_object_algorithms import (
    request_object_algorithms,
    require_accepted,
    require_request_object_algorithms,
)
from tests.protocol.signing import SECRET

SIGNING, ALG, ENC = "request_object_signing_alg", "request_object_encryption_alg", "request_object_encryption_enc"
OAEP = Encryption(alg="RSA-OAEP", enc="A128CBC-HS256")


def registered(secret: str | None = SECRET, **metadata: str) -> ClientMetadata:
    return ClientMetadata("c1", secret, **metadata)


@pytest.mark.parametrize(
    ("metadata", "signature", "encryption"),
    [
        ({}, None, None),
        ({SIGNING: "ES256"}, "ES256", None),
        ({ALG: "RSA-OAEP"}, None, OAEP),
        ({ALG: "dir", ENC: "A256GCM"}, None, Encryption(alg="dir", enc="A256GCM")),
    ],
)
def test_what_a_client_registered(
    metadata: dict[str, str], signature: str | None, encryption: Encryption | None
) -> None:
    found = request_object_algorithms(registered(**metadata))
    assert (found.signature, found.encryption) == (signature, encryption)


@pytest.mark.parametrize("alg", SUPPORTED_ALGORITHMS)
def test_every_signature_is_accepted(alg: str) -> None:
    require_request_object_algorithms(registered(request_object_signing_alg=alg), unsigned=False)


@pytest.mark.parametrize("enc", CONTENT_ENCRYPTIONS)
@pytest.mark.parametrize("alg", KEY_ALGORITHMS)
def test_every_encryption_is_accepted(alg: str, enc: str) -> None:
    require_request_object_algorithms(registered(**{ALG: alg, ENC: enc}), unsigned=False)


@pytest.mark.parametrize("metadata", [{}, {SIGNING: "none"}], ids=str)
def test_none_is_accepted_if_requested(metadata: dict[str, str]) -> None:
    require_request_object_algorithms(registered(**metadata), unsigned=True)


@pytest.mark.parametrize(
    ("metadata", "unsigned", "words"),
    [
        pytest.param({SIGNING: "none"}, False, [SIGNING, "unsigned_request_objects=True"], id="264-none"),
        pytest.param({SIGNING: "NONE"}, False, [SIGNING, "RS256"], id="264-none-in-capitals"),
        pytest.param({SIGNING: "RS1"}, False, [SIGNING, "RS256"], id="unknown"),
        pytest.param({SIGNING: "RS256"}, True, [SIGNING, "unsigned_request_objects"], id="registered-but-unsigned"),
        pytest.param(
            {SIGNING: "HS512", "secret": 63 * "-"}, False, [SIGNING, "HS512", "64 bytes"], id="short-secret"
        ),
        pytest.param({SIGNING: "HS256", "secret": None}, False, [SIGNING, "client_secret"], id="no-secret"),
        pytest.param({ENC: "A128GCM"}, False, [ENC, ALG], id="enc-alone"),
        pytest.param({ALG: "RSA1_5"}, False, [ALG, "RSA-OAEP"], id="106-rsa1_5"),
        pytest.param({ALG: "RSA-OAEP", ENC: "A128CBC"}, False, [ENC, "A128CBC-HS256"], id="106-enc-unknown"),
        pytest.param({ALG: "dir", "secret": "short"}, False, [ALG, "client_secret"], id="short-secret-to-encrypt"),
        pytest.param({ALG: "RSA-OAEP"}, True, [ALG, "signed"], id="encrypted-but-unsigned"),
    ],
)
def test_what_can_not_be_is_rejected(metadata: dict[str, Any], unsigned: bool, words: list[str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        require_request_object_algorithms(registered(**metadata), unsigned=unsigned)
    assert [word for word in words if word not in caught.value.message] == []


def accepted(provider: dict[str, Any], **wanted: Any) -> None:
    asked = {"way": "value", "signature": "RS256", "encryption": None, **wanted}
    require_accepted(ProviderMetadata("https://op.example", **provider), **asked)


VALUE = {"request_parameter_supported": True}


@pytest.mark.parametrize(
    ("provider", "wanted"),
    [
        (VALUE, {}),
        ({}, {"way": "push"}),
        ({"request_parameter_supported": False}, {"way": "push"}),
        ({}, {"way": "reference"}),
        ({"request_uri_parameter_supported": True}, {"way": "reference"}),
        ({**VALUE, f"{SIGNING}_values_supported": ["none", "RS256"]}, {}),
        ({**VALUE, "require_signed_request_object": True}, {}),
        (VALUE, {"signature": "none"}),
        ({**VALUE, f"{ALG}_values_supported": ["RSA-OAEP"]}, {"encryption": OAEP}),
    ],
    ids=str,
)
def test_what_a_provider_takes(provider: dict[str, Any], wanted: dict[str, Any]) -> None:
    """OIDC Discovery 3: `request_uri` is taken unless it says no, `request` if it says yes, or in a push."""
    accepted(provider, **wanted)


@pytest.mark.parametrize(
    ("provider", "wanted", "words"),
    [
        ({}, {}, ['request_object="value"', "request_parameter_supported", "provider_metadata"]),
        ({"request_parameter_supported": False}, {}, ["request_parameter_supported"]),
        (
            {**VALUE, "request_uri_parameter_supported": False},
            {"way": "reference"},
            ['request_object="reference"', "request_uri_parameter_supported"],
        ),
        (
            {**VALUE, f"{SIGNING}_values_supported": ["ES256"]},
            {},
            [f"{SIGNING} RS256", f"{SIGNING}_values_supported"],
        ),
        ({f"{SIGNING}_values_supported": ["ES256"]}, {"way": "push"}, [f"{SIGNING} RS256"]),
        ({**VALUE, f"{SIGNING}_values_supported": []}, {}, [f"{SIGNING}_values_supported"]),
        ({**VALUE, "require_signed_request_object": True}, {"signature": "none"}, ["unsigned_request_objects"]),
        ({**VALUE, f"{ALG}_values_supported": ["ECDH-ES"]}, {"encryption": OAEP}, [f"{ALG} RSA-OAEP"]),
        ({**VALUE, f"{ENC}_values_supported": ["A256GCM"]}, {"encryption": OAEP}, [f"{ENC} A128CBC-HS256"]),
    ],
    ids=str,
)
def test_what_a_provider_does_not_take_is_said_by_name(
    provider: dict[str, Any], wanted: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        accepted(provider, **wanted)
    assert [word for word in words if word not in caught.value.message] == []
