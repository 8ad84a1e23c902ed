"""The userinfo endpoint of one provider, asked as one client (OIDC Core 5.3)."""

from typing import Any

from .errors import TokenError, UserInfoInvalid
from .protocol.http_message import HttpResponse
from .protocol.jwe import parse_jwe
from .protocol.metadata import ClientMetadata
from .protocol.response_algorithms import response_algorithms
from .protocol.userinfo import (
    parse_signed_userinfo,
    read_signed_userinfo,
    read_userinfo,
    read_userinfo_claims,
    read_userinfo_token,
    userinfo_request,
)
from .provider import Provider
from .retrying import send_repeatable
from .runtime import Runtime


class UserInfo:
    """What the provider says of users, in the form that the client registered for. `leeway` is in seconds."""

    def __init__(
        self, provider: Provider, client: ClientMetadata, runtime: Runtime, *, method: str | None, leeway: float
    ) -> None:
        self._provider, self._client, self._runtime = provider, client, runtime
        self._method, self._leeway = method, leeway
        self._algorithms = response_algorithms(client, "userinfo")

    async def ask(self, access_token: str, sub: str) -> dict[str, Any] | None:
        """Claims of the user `sub`; None when there is no endpoint, or none is to be asked. Raises ProviderError."""
        metadata = await self._provider.metadata()
        endpoint = metadata.get("userinfo_endpoint")
        if self._method is None or endpoint is None:
            return None
        request = userinfo_request(endpoint, access_token, self._method, as_jwt=not self._algorithms.is_plain)
        response = await send_repeatable(self._runtime, request, "userinfo")
        if self._algorithms.is_plain:
            return read_userinfo(response, sub)
        try:
            return await self._read_token(response, metadata["issuer"], sub)
        except TokenError as error:
            # of the access token nothing is known to be wrong
            raise UserInfoInvalid(f"The userinfo response can't be trusted: {error}", reason=error.code) from None

    async def _read_token(self, response: HttpResponse, issuer: str, sub: str) -> dict[str, Any]:
        token, algorithms, provider = read_userinfo_token(response), self._algorithms, self._provider
        if not algorithms.signatures and algorithms.encryption is not None:
            return read_userinfo_claims(provider.decrypt(parse_jwe(token, algorithms.encryption)), sub)
        jws = parse_signed_userinfo(provider.signed_token(token, algorithms.encryption), algorithms.signatures)
        client_id, leeway, now = self._client["client_id"], self._leeway, self._runtime.now()
        return await provider.verify(
            jws,
            lambda key: read_signed_userinfo(
                jws, key, issuer=issuer, client_id=client_id, sub=sub, leeway=leeway, now=now
            ),
        )
