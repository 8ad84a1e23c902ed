"""The UserInfo endpoint of one provider (OIDC Core 5.3)."""

from typing import Any

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
from oidc_async.provider.client_context import ClientContext
from oidc_async.runtime.retry import send_repeatable

from .claim_sources import ClaimSources


class UserInfo:
    """Requests UserInfo claims, plain, signed or encrypted as the client registered."""

    def __init__(self, context: ClientContext, claim_sources: ClaimSources) -> None:
        self._context = context
        self._claim_sources = claim_sources
        self._provider = context.provider
        self._method = context.configuration.userinfo_http_method
        self._token_in_body = context.configuration.userinfo_token_in_body

    def endpoint(self, metadata: ProviderMetadata) -> str | None:
        """Return the URL of the endpoint; None if there is none, or if it is not to be used."""
        return None if self._method is None else metadata.get("userinfo_endpoint")

    async def fetch(self, access_token: str, sub: str) -> dict[str, Any] | None:
        """Return the claims of the user `sub`, with those of other claims providers; None without an endpoint.

        Raises:
            ProviderError: the claims can't be fetched, or the response is invalid.
        """
        claims = await self._request(access_token, sub)
        return None if claims is None else await self._claim_sources.resolve(claims)

    async def _request(self, access_token: str, sub: str) -> dict[str, Any] | None:
        metadata = await self._provider.metadata()
        endpoint = self.endpoint(metadata)
        if self._method is None or endpoint is None:
            return None
        client = await self._provider.client()
        algorithms = response_algorithms(client, "userinfo")
        as_jwt = not algorithms.is_plain
        in_body = self._token_in_body
        request = userinfo_request(endpoint, access_token, self._method, as_jwt=as_jwt, in_body=in_body)
        response = await send_repeatable(self._context.runtime, request, "userinfo")
        if algorithms.is_plain:
            return read_userinfo(response, sub)
        try:
            return await self._read_token(response, client, metadata["issuer"], sub)
        except TokenError as error:
            # UserInfoInvalid is a ProviderError: the response is invalid, not the access token.
            raise UserInfoInvalid(f"The UserInfo response is invalid: {error}", reason=error.code) from None

    async def _read_token(
        self, response: HttpResponse, client: ClientMetadata, issuer: str, sub: str
    ) -> dict[str, Any]:
        token = read_userinfo_token(response)
        provider = self._provider
        algorithms = response_algorithms(client, "userinfo")
        if not algorithms.signatures and algorithms.encryption is not None:
            return read_userinfo_claims(provider.decrypt(parse_jwe(token, algorithms.encryption)), sub)
        jws = parse_signed_userinfo(provider.signed_token(token, algorithms.encryption), algorithms.signatures)
        client_id = client["client_id"]
        leeway = self._context.leeway
        now = self._context.runtime.now()
        return await provider.verify(
            jws,
            lambda key: read_signed_userinfo(
                jws, key, issuer=issuer, client_id=client_id, sub=sub, leeway=leeway, now=now
            ),
        )
