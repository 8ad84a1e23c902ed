"""Authorization responses, from the redirect URI to a verified login (OIDC Core 3.1.2.5 to 3.1.3.7)."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from oidc_async.errors import AuthorizationResponseInvalid, LoginExpired, StateMismatch
from oidc_async.protocol.authorization import (
    AuthorizationResponse,
    parse_authorization_response,
    read_authorization_response,
)
from oidc_async.protocol.metadata import ProviderMetadata
from oidc_async.protocol.response_type import ResponseMode
from oidc_async.protocol.token import TokenResponse, authorization_code_request, read_token_response
from oidc_async.provider.client_authentication import RegisteredClient
from oidc_async.provider.client_context import ClientContext
from oidc_async.provider.endpoint_breakers import EndpointBreakers
from oidc_async.runtime.telemetry import exchange

from .claim_sources import ClaimSources
from .id_tokens import IDTokens
from .login import Login, PendingLogin
from .userinfo import UserInfo


class AuthenticationResponses:
    """Completes the logins that `AuthenticationRequests` began, each at most `login_lifetime` seconds later."""

    def __init__(
        self,
        context: ClientContext,
        breakers: EndpointBreakers,
        registered: RegisteredClient,
        id_tokens: IDTokens,
        userinfo: UserInfo,
        claim_sources: ClaimSources,
        login_lifetime: float,
    ) -> None:
        self._context = context
        self._breakers = breakers
        self._registered = registered
        self._id_tokens = id_tokens
        self._userinfo = userinfo
        self._claim_sources = claim_sources
        self._login_lifetime = login_lifetime

    async def complete(
        self,
        pending: PendingLogin,
        response: str | Mapping[str, str],
        *,
        response_mode: ResponseMode,
        on_request: Callable[[], object] | None,
    ) -> Login:
        """Return the verified login, as `AsyncRelyingParty.complete_login` documents it."""
        self._require_in_time(pending)
        if response_mode != pending.response_mode:
            raise AuthorizationResponseInvalid(
                f"The response must come by response_mode={pending.response_mode}, not {response_mode}: set "
                "response_mode in auth_request_params to what the provider sends."
            )
        provider = await self._context.provider.metadata()
        await self._context.provider.client()
        # The configuration may have changed under its name since then, and the code is for the former issuer only.
        if provider["issuer"] != pending.issuer:
            raise StateMismatch("The login was begun at another issuer than the one of this provider.")
        parameters = parse_authorization_response(response) if isinstance(response, str) else dict(response)
        received = read_authorization_response(parameters, provider, pending.state, pending.response_type)
        received = replace(received, tokens=self._id_tokens.decrypted(received.tokens))
        tokens, id_token = await self._verified_tokens(provider, pending, received, on_request)
        access_token = tokens.get("access_token")
        userinfo = None
        if access_token is not None:
            userinfo = await self._userinfo.fetch(access_token, id_token["sub"])
        # Last, so that no claims provider receives a request because of a login that fails.
        claims = await self._claim_sources.resolve(id_token)
        return Login(tokens=tokens, id_token=claims, userinfo=userinfo, session_state=received.session_state)

    def _require_in_time(self, pending: PendingLogin) -> None:
        seconds = self._context.runtime.now() - pending.begun_at
        if not -self._context.leeway <= seconds <= self._login_lifetime:
            raise LoginExpired(
                f"The login took {seconds:.0f} s; OIDC_LOGIN_SECONDS = {self._login_lifetime:g} s. Begin it again."
            )

    async def _verified_tokens(
        self,
        provider: ProviderMetadata,
        pending: PendingLogin,
        received: AuthorizationResponse,
        on_request: Callable[[], object] | None,
    ) -> tuple[TokenResponse, dict[str, Any]]:
        """Return the tokens of the login, and the claims of their ID token.

        If there is a code, they are those of the token endpoint: these did not pass through the browser, have the
        refresh token, and their ID token has more claims (OIDC Core 3.3.3.6, 3.3.3.8).
        """
        if received.code is None:
            return received.tokens, await self._id_tokens.of_response(pending, received)
        # Verified before the code is sent: an attacker may have replaced the code, which c_hash shows.
        former = await self._id_tokens.of_response(pending, received) if received.tokens.id_token else None
        tokens = await self._exchange_code(provider, pending, received.code, on_request)
        return tokens, await self._id_tokens.for_code(pending, tokens, received.code, former=former)

    async def _exchange_code(
        self,
        provider: ProviderMetadata,
        pending: PendingLogin,
        code: str,
        on_request: Callable[[], object] | None,
    ) -> TokenResponse:
        # A code is not spent on a login whose next step is known to fail.
        if userinfo_endpoint := self._userinfo.endpoint(provider):
            self._breakers.require_closed(userinfo_endpoint)
        request = authorization_code_request(
            provider,
            await self._registered.authentication(provider),
            code=code,
            redirect_uri=pending.redirect_uri,
            code_verifier=pending.code_verifier,
            more=self._context.configuration.token_parameters(),
        )
        # Never retried: a code can be used once, and a provider may revoke all its tokens on a second use.
        response = await exchange(self._breakers.telling(on_request), request, "token")
        return self._id_tokens.decrypted(read_token_response(response))
