"""The keys of all clients of an application, in one set."""

import pytest

from oidc_async import ClientKeys, ClientMetadata, ConfigurationError, ProviderConfiguration
from oidc_async.web.routes.client_jwks import published_keys
from tests.protocol.signing import private_ec_jwk, private_rsa_jwk, rsa_key

ONE, TWO = (
    ClientKeys.from_jwk(private_ec_jwk(kid="1")),
    ClientKeys.from_jwk({**private_rsa_jwk(rsa_key()), "kid": "2"}),
)
OTHER = ClientKeys.from_jwk(private_ec_jwk("P-384", kid="1"))


def with_keys(*keys: ClientKeys | None) -> list[ProviderConfiguration]:
    client = ClientMetadata("c1", "s1")
    return [ProviderConfiguration("https://op.example", client_metadata=client, client_keys=each) for each in keys]


def test_each_key_is_there_once() -> None:
    published = published_keys(with_keys(TWO, None, ONE + TWO))
    assert [key["kid"] for key in published] == ["2", "1"]


def test_two_keys_of_one_name_are_rejected() -> None:
    with pytest.raises(ConfigurationError, match="Two keys in client_keys have kid '1'"):
        published_keys(with_keys(ONE, OTHER))


def test_no_key_at_all_is_rejected() -> None:
    with pytest.raises(ConfigurationError, match="OIDC_JWKS_URI needs client_keys"):
        published_keys(with_keys(None))
