"""ID tokens and userinfo, signed and encrypted by a certified provider, with nothing but the core, in both worlds."""

import asyncio
import contextlib
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from oidc_async import AsyncRelyingParty, AsyncRuntime, BlockingRuntime, Login, ProviderConfiguration, RelyingParty
from oidc_async.errors import AlgorithmNotAllowed, DecryptionFailed, KeyNotFound, TokenMalformed, UserInfoInvalid

from .client_keys import CLIENT_KEYS, own_key
from .configurations import configuration_of
from .node_provider import PROTECTED_CLIENTS, NodeProvider
from .visitor import Visitor


@pytest.fixture(params=PROTECTED_CLIENTS)
def client(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


def configured(provider: NodeProvider, client: str, **metadata: str) -> ProviderConfiguration:
    return configuration_of(provider, provider.clients[client], client_keys=CLIENT_KEYS, metadata=metadata)


def log_in(configuration: ProviderConfiguration, provider: NodeProvider, visitor: Visitor, app: str) -> Login:
    with contextlib.closing(BlockingRuntime()) as runtime:
        rp = RelyingParty(configuration, redirect_uri=f"{app}/callback", runtime=runtime)
        request = rp.begin_login()
        callback = provider.login(visitor, request.url, provider.alice)
        return rp.complete_login(request.pending, urlsplit(callback).query)


def require_alice(login: Login, provider: NodeProvider) -> None:
    assert (login.id_token["iss"], login.id_token["sub"]) == (provider.issuer, "alice")
    assert (login.userinfo or {})["name"] == "Alice Liddell"
    assert login.id_token_jwt.count(".") == 2


def test_without_an_event_loop(node_provider: NodeProvider, client: str, visitor: Visitor, apps: list[str]) -> None:
    require_alice(log_in(configured(node_provider, client), node_provider, visitor, apps[2]), node_provider)


def test_in_asyncio(node_provider: NodeProvider, client: str, visitor: Visitor, apps: list[str]) -> None:
    configuration = configured(node_provider, client)

    async def log_in_and_refresh() -> None:
        async with contextlib.aclosing(AsyncRuntime()) as runtime:
            rp = AsyncRelyingParty(configuration, redirect_uri=f"{apps[3]}/callback", runtime=runtime)
            request = await rp.begin_login()
            callback = await asyncio.to_thread(node_provider.login, visitor, request.url, node_provider.alice)
            login = await rp.complete_login(request.pending, urlsplit(callback).query)
            require_alice(login, node_provider)
            refresh = await rp.refresh(login.tokens.refresh_token or "", id_token=login.id_token)
            assert (refresh.id_token or {})["sub"] == "alice"

    asyncio.run(log_in_and_refresh())


@pytest.mark.parametrize(
    ("client", "believed", "error"),
    [
        ("id-token-ES256", {"id_token_signed_response_alg": "RS256"}, AlgorithmNotAllowed),
        ("basic", {"id_token_encrypted_response_alg": "RSA-OAEP"}, TokenMalformed),
        ("encrypted-rsa", {"id_token_encrypted_response_alg": "RSA-OAEP-256"}, AlgorithmNotAllowed),
        ("encrypted-rsa", {"id_token_encrypted_response_enc": "A128GCM"}, AlgorithmNotAllowed),
        ("basic", {"userinfo_signed_response_alg": "RS256"}, UserInfoInvalid),
        ("userinfo-signed", {"userinfo_signed_response_alg": "RS256"}, UserInfoInvalid),
        ("userinfo-signed", {"userinfo_encrypted_response_alg": "RSA-OAEP-256"}, UserInfoInvalid),
        ("userinfo-encrypted", {"userinfo_signed_response_alg": "ES256"}, UserInfoInvalid),
    ],
)
def test_what_was_not_registered_is_rejected(
    node_provider: NodeProvider,
    visitor: Visitor,
    apps: list[str],
    client: str,
    believed: dict[str, str],
    error: type[Exception],
) -> None:
    """threat model 83, 105, 106, 114, 116: when application and provider do not agree on the registration."""
    with pytest.raises(error):
        log_in(configured(node_provider, client, **believed), node_provider, visitor, apps[2])


@pytest.mark.parametrize("kid", ["new", "rsa"])
def test_what_is_encrypted_to_another_key_is_rejected(
    node_provider: NodeProvider, visitor: Visitor, apps: list[str], kid: str
) -> None:
    """threat model 106: the key has been replaced, and the provider doesn't know it yet."""
    others = own_key(rsa.generate_private_key(public_exponent=65537, key_size=2048), kid)
    configuration = configuration_of(node_provider, node_provider.clients["encrypted-rsa"], client_keys=others)
    with pytest.raises(DecryptionFailed if kid == "rsa" else KeyNotFound):
        log_in(configuration, node_provider, visitor, apps[2])
