"""The userinfo endpoint of one provider, asked as one client (OIDC Core 5.3)."""

from typing import Any

from oidc_async.configuration.provider import ProviderConfiguration
from oidc_async.errors import TokenError, UserInfoInvalid
from oidc_async.protocol.http_message import HttpResponse
from oidc_async.protocol.jose.jwe import parse_jwe
from oidc_async.protocol.metadata import ClientMetadata, ProviderMetadata
from oidc_async.protocol.response_algorithms import response_algorithms
from oidc_async.protocol.userinfo import (
    parse_signed_userinfo,
    read_signed_userinfo,
    read_userinfo,
    read_userinfo_claims,
    read_userinfo_token,
    userinfo_request,
)
from oidc_async.provider.provider import Provider
from oidc_async.runtime.port import Runtime
from oidc_async.runtime.retry import send_repeatable


class UserInfo:
    """What the provider says of users, in the form that the client registered for. `leeway` is in seconds."""

    def __init__(
        self, provider: Provider, configuration: ProviderConfiguration, runtime: Runtime, leeway: float
    ) -> None:
        self._provider, self._runtime, self._leeway = provider, runtime, leeway
        self._method = configuration.userinfo_http_method
        self._token_in_body = configuration.userinfo_token_in_body

    def endpoint(self, metadata: ProviderMetadata) -> str | None:
        """Where claims are asked for; None when there is no endpoint, or none is to be asked."""
        return None if self._method is None else metadata.get("userinfo_endpoint")

    async def ask(self, access_token: str, sub: str) -> dict[str, Any] | None:
        """Claims of the user `sub`; None when there is no endpoint, or none is to be asked. Raises ProviderError."""
        metadata = await self._provider.metadata()
        endpoint = self.endpoint(metadata)
        if self._method is None or endpoint is None:
            return None
        client = await self._provider.client()
        algorithms = response_algorithms(client, "userinfo")
        as_jwt, in_body = not algorithms.is_plain, self._token_in_body
        request = userinfo_request(endpoint, access_token, self._method, as_jwt=as_jwt, in_body=in_body)
        response = await send_repeatable(self._runtime, request, "userinfo")
        if algorithms.is_plain:
            return read_userinfo(response, sub)
        try:
            return await self._read_token(response, client, metadata["issuer"], sub)
        except TokenError as error:
            # of the access token nothing is known to be wrong
            raise UserInfoInvalid(f"The userinfo response can't be trusted: {error}", reason=error.code) from None

    async def _read_token(
        self, response: HttpResponse, client: ClientMetadata, issuer: str, sub: str
    ) -> dict[str, Any]:
        token, provider = read_userinfo_token(response), self._provider
        algorithms = response_algorithms(client, "userinfo")
        if not algorithms.signatures and algorithms.encryption is not None:
            return read_userinfo_claims(provider.decrypt(parse_jwe(token, algorithms.encryption)), sub)
        jws = parse_signed_userinfo(provider.signed_token(token, algorithms.encryption), algorithms.signatures)
        client_id, leeway, now = client["client_id"], self._leeway, self._runtime.now()
        return await provider.verify(
            jws,
            lambda key: read_signed_userinfo(
                jws, key, issuer=issuer, client_id=client_id, sub=sub, leeway=leeway, now=now
            ),
        )
