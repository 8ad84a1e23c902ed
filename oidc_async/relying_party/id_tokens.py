"""ID tokens from authorization responses, token responses and refreshes (OIDC Core 2)."""

from typing import Any

from oidc_async.errors import TokenResponseInvalid
from oidc_async.protocol.authorization import AuthorizationResponse
from oidc_async.protocol.id_token import (
    IDTokenExpectations,
    parse_id_token,
    read_id_token,
    require_id_token_claims,
    require_same_authentication,
)
from oidc_async.protocol.jose.jwe import Encryption
from oidc_async.protocol.response_algorithms import response_algorithms
from oidc_async.protocol.token import TokenResponse
from oidc_async.provider.client_context import ClientContext
from oidc_async.provider.provider_keys import TokenSource

from .login import PendingLogin


class IDTokens:
    """Verifies ID tokens for the client as it is registered now.

    All methods raise TokenError for an invalid ID token, ProviderError if the keys can't be fetched, and
    TokenResponseInvalid if there is no ID token.
    """

    def __init__(self, context: ClientContext) -> None:
        self._context = context

    def decrypted(self, tokens: TokenResponse) -> TokenResponse:
        """Replace an encrypted ID token by the signed one that it contains, if the client registered for encryption.

        The signed one is verified as usual, and is the `id_token_hint` of a logout (OIDC Core 3.1.2.1).
        """
        if tokens.id_token is None or self._encryption is None:
            return tokens
        return tokens.copy(id_token=self.signed(tokens.id_token))

    def signed(self, token: str) -> str:
        """Return the signed token in an encrypted ID token or logout token. Raises TokenError."""
        return self._context.provider.signed_token(token, self._encryption)

    @property
    def are_encrypted(self) -> bool:
        """Whether the client registered for encrypted ID tokens."""
        return self._encryption is not None

    @property
    def _encryption(self) -> Encryption | None:
        return response_algorithms(self._context.provider.known_client, "id_token").encryption

    async def of_response(self, pending: PendingLogin, received: AuthorizationResponse) -> dict[str, Any]:
        """Verify the ID token of an authorization response; at_hash and c_hash bind it to the rest of the response.

        See OIDC Core 3.2.2.11 and 3.3.2.12.
        """
        access_token = received.tokens.get("access_token")
        expected = self._expectations(
            pending.issuer,
            pending,
            access_token=access_token,
            code=received.code,
            # Only the hashes prove that these were issued together: anyone may put tokens into a browser's request.
            require_at_hash=access_token is not None,
            require_c_hash=received.code is not None,
        )
        return await self._verify(received.tokens.id_token, expected, TokenSource.BROWSER)

    async def for_code(
        self, pending: PendingLogin, tokens: TokenResponse, code: str, *, former: dict[str, Any] | None
    ) -> dict[str, Any]:
        """Verify the ID token of a token response; it must be of the same login as `former`.

        See OIDC Core 3.1.3.7 and 3.3.3.6.
        """
        expected = self._expectations(pending.issuer, pending, access_token=tokens.access_token, code=code)
        claims = await self._verify(tokens.id_token, expected)
        if former is not None:
            require_same_authentication(claims, former)
        return claims

    async def of_refresh(self, issuer: str, tokens: TokenResponse) -> dict[str, Any] | None:
        """Verify the ID token of a refresh; None if the response has none (OIDC Core 12.2)."""
        if tokens.id_token is None:
            return None
        return await self._verify(tokens.id_token, self._expectations(issuer, access_token=tokens.access_token))

    def _expectations(
        self,
        issuer: str,
        pending: PendingLogin | None = None,
        *,
        access_token: str | None,
        code: str | None = None,
        require_at_hash: bool = False,
        require_c_hash: bool = False,
    ) -> IDTokenExpectations:
        client = self._context.provider.known_client
        return IDTokenExpectations(
            issuer=issuer,
            client_id=client["client_id"],
            algorithms=response_algorithms(client, "id_token").signatures,
            nonce=pending.nonce if pending else None,
            leeway_seconds=self._context.leeway,
            max_age_seconds=pending.max_age if pending else None,
            acr_values=pending.acr_values if pending else (),
            subjects=pending.subjects if pending else (),
            require_auth_time=pending is not None and pending.requires_auth_time,
            trusted_audiences=self._context.configuration.trusted_audiences,
            issued_within_seconds=self._context.configuration.id_token_issued_within_seconds,
            access_token=access_token,
            code=code,
            state=pending.state if pending else None,
            require_at_hash=require_at_hash,
            require_c_hash=require_c_hash,
        )

    async def _verify(
        self, token: str | None, expectations: IDTokenExpectations, source: TokenSource = TokenSource.PROVIDER
    ) -> dict[str, Any]:
        if token is None:
            raise TokenResponseInvalid(
                "The token response must have an id_token. May the client use the scope openid, and is this server "
                "an OpenID Provider, not a plain OAuth 2.0 server?",
                parameter="id_token",
            )
        jws = parse_id_token(token, expectations)
        now = self._context.runtime.now()
        return await self._context.provider.verify(
            jws,
            lambda key: read_id_token(jws, key, expectations, now=now),
            source,
            lambda: require_id_token_claims(jws, expectations, now=now),
        )
