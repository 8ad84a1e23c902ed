"""A realm whose client registered for signed or encrypted responses."""

from functools import cache
from typing import Any

from oidc_async import ClientKeys, ClientMetadata
from oidc_async.testing import Clock, SimulatedProvider
from tests.core.realm import REDIRECT_URI, Realm, new_realm
from tests.core.worlds import World
from tests.protocol.encrypting import encryption_jwk, native_ec_key
from tests.protocol.signing import b64, private_rsa_jwk, rsa_key

SECRET = "a client secret of the tests, as long as HS512 wants it: 64 bytes"
OAEP: dict[str, Any] = {
    "id_token_encrypted_response_alg": "RSA-OAEP",
    "id_token_encrypted_response_enc": "A256CBC-HS512",
}
USERINFO_OAEP: dict[str, Any] = {
    "userinfo_encrypted_response_alg": "RSA-OAEP",
    "userinfo_signed_response_alg": "RS256",
}


@cache
def client_keys(number: int = 1) -> ClientKeys:
    """A key of RSA and one on P-256, both to decrypt."""
    ec = native_ec_key("P-256", number)
    d = ec.private_numbers().private_value.to_bytes(32)
    private_ec = {**encryption_jwk(ec, kid=f"ec-{number}"), "d": b64(d)}
    private_rsa = private_rsa_jwk(rsa_key(number), use="enc", kid=f"rsa-{number}")
    return ClientKeys.from_jwk({"keys": [private_rsa, private_ec]})


def new_provider(jwks: Any = None, **registered: Any) -> SimulatedProvider:
    """A provider whose clock does not move, and whose client is registered like this."""
    provider = SimulatedProvider(clock=Clock(1_700_000_000.0))
    jwks = client_keys().jwks() if jwks is None else jwks
    provider.register("client1", SECRET, redirect_uris=[REDIRECT_URI], jwks=jwks, **registered)
    provider.add_user("alice", claims={"email": "alice@example.com"})
    return provider


def protected_realm(
    world: World,
    provider: SimulatedProvider | None = None,
    keys: ClientKeys | None = None,
    configuration: dict[str, Any] | None = None,
    **registered: Any,
) -> Realm:
    """`registered` is what the client registered; without a provider, with one that knows the same.

    `configuration` are further settings of ProviderConfiguration.
    """
    provider = provider or new_provider(**registered)
    client = ClientMetadata("client1", SECRET, **registered)
    return new_realm(
        world, provider, client_metadata=client, client_keys=keys or client_keys(), **(configuration or {})
    )
