"""A client of one provider: logs users in and out, and refreshes their tokens (OpenID Connect Core)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

from oidc_async.configuration.provider import DEFAULT_CLOCK_SKEW, ProviderConfiguration
from oidc_async.configuration.provider_checks import require_seconds
from oidc_async.errors import ConfigurationError
from oidc_async.protocol.end_session import EndSessionRequest, end_session_request
from oidc_async.protocol.logout_token import LogoutToken
from oidc_async.protocol.metadata import ClientMetadata, ProviderMetadata
from oidc_async.protocol.presented_token import PresentedToken
from oidc_async.protocol.response_type import ResponseMode
from oidc_async.protocol.revocation import read_revocation, revocation_request
from oidc_async.protocol.token import TokenResponse
from oidc_async.protocol.uri import uri_problem
from oidc_async.provider.backchannel import at_backchannel
from oidc_async.provider.client_authentication import RegisteredClient
from oidc_async.provider.client_context import ClientContext
from oidc_async.provider.client_registration import ClientRegistration, new_client_registration
from oidc_async.provider.default_runtime import asyncio_runtime, threads_runtime
from oidc_async.provider.endpoint_breakers import EndpointBreakers
from oidc_async.provider.provider import Provider
from oidc_async.runtime.port import Runtime
from oidc_async.runtime.sync_facade import Blocking, blocking
from oidc_async.runtime.telemetry import exchange
from oidc_async.sealing import Sealer
from oidc_async.stores import Store

from .authentication_requests import AuthenticationRequests
from .authentication_responses import AuthenticationResponses
from .claim_sources import ClaimSources
from .client_credentials import ServiceTokens
from .id_tokens import IDTokens
from .login import AuthorizationRequest, Login, PendingLogin
from .logout_tokens import LogoutTokens
from .refresh_requests import RefreshRequests
from .refresh_responses import Refresh
from .request_objects import RequestObjects
from .token_refresh import Refreshes
from .userinfo import UserInfo

DEFAULT_LOGIN_LIFETIME = 600.0


class AsyncRelyingParty:
    """A client of one provider, for asyncio.

    Args:
        configuration: the provider and the client.
        redirect_uri: the redirect URI, as it is registered with the provider.
        clock_skew_seconds: the tolerated clock difference, unless the configuration has its own.
        login_lifetime_seconds: how long a login may take.
        runtime: the network and the clock; by default, a new one for this relying party.
        store: by which processes agree on which of them refreshes a token; without one, each process refreshes by
            itself.
        sealer: encrypts what the store keeps of a client that registered itself; without one, nothing is kept of it.
        request_uri: the URL below which the application serves the request objects of `request_object="reference"`.

    Raises:
        ConfigurationError: the redirect URI, a number of seconds or the configuration can't be used.
    """

    def __init__(
        self,
        configuration: ProviderConfiguration,
        *,
        redirect_uri: str,
        clock_skew_seconds: float = DEFAULT_CLOCK_SKEW,
        login_lifetime_seconds: float = DEFAULT_LOGIN_LIFETIME,
        runtime: Runtime | None = None,
        store: Store | None = None,
        sealer: Sealer | None = None,
        request_uri: str | None = None,
    ) -> None:
        if problem := uri_problem(redirect_uri):
            raise ConfigurationError(f"redirect_uri {problem}.")
        require_seconds("clock_skew_seconds", clock_skew_seconds)
        require_seconds("login_lifetime_seconds", login_lifetime_seconds)
        self.configuration = configuration
        self.redirect_uri = redirect_uri
        network = runtime or asyncio_runtime(configuration)
        inside = at_backchannel(network, configuration)
        self._registration = new_client_registration(configuration, inside, redirect_uri, store, sealer, request_uri)
        self.provider = Provider(configuration, inside, self._registration)
        # Metadata and keys are fetched outside of the circuit breakers: single flights limit those requests.
        self._runtime = EndpointBreakers(inside, configuration.http_settings)
        context = ClientContext.create(
            self.provider, configuration, self._runtime, clock_skew_seconds=clock_skew_seconds
        )
        self._registered = RegisteredClient(context)
        self._requests = AuthenticationRequests(
            context, redirect_uri, RequestObjects(context, request_uri, login_lifetime_seconds), self._registered
        )
        id_tokens = IDTokens(context)
        self.logout_tokens = LogoutTokens(context, id_tokens)
        # Claims lead to other issuers, which must not be reached by way of the private network.
        claim_sources = ClaimSources(replace(context, runtime=network))
        self._userinfo = UserInfo(context, claim_sources)
        self._responses = AuthenticationResponses(
            context,
            self._runtime,
            self._registered,
            id_tokens,
            self._userinfo,
            claim_sources,
            login_lifetime_seconds,
        )
        self._service_tokens = ServiceTokens(context, self._registered)
        refresh_requests = RefreshRequests(context, self._registered, id_tokens, claim_sources)
        self._refreshes = Refreshes(self._runtime, store, configuration.client_name, refresh_requests)

    async def provider_metadata(self) -> ProviderMetadata:
        """Return the provider's metadata (OIDC Discovery 3): given, or discovered at first need and kept while fresh.

        If there are both, the given ones replace the discovered ones of the same name.

        Raises:
            ProviderError: the metadata can't be fetched, or are invalid.
        """
        return await self.provider.metadata()

    async def begin_login(self, /, **parameters: Any) -> AuthorizationRequest:
        """Create an authentication request (OIDC Core 3.1.2.1) with state, nonce and, for a code, PKCE.

        Args:
            **parameters: added to `auth_request_params`, which they replace where both have a name; for instance
                `login_hint`, `prompt`, `max_age` or `claims`.

        Raises:
            ConfigurationError: a parameter can't be used.
            ProviderError: the provider's metadata can't be fetched.
        """
        return await self._requests.new(parameters)

    async def complete_login(
        self,
        pending: PendingLogin,
        response: str | Mapping[str, str],
        *,
        response_mode: ResponseMode = "query",
        on_request: Callable[[], object] | None = None,
    ) -> Login:
        """Verify an authorization response and return the login (OIDC Core 3.1.2.5 to 3.1.3.7).

        Args:
            pending: what `begin_login` returned for this browser. Use it once.
            response: the query string, the fragment, or the body of a form_post, as received; or its parameters,
                decoded, if it was parsed before.
            response_mode: how it was sent.
            on_request: called when the code is sent to the provider. After a ProviderError before that, the same
                response can be completed later.

        Raises:
            LoginError: the response does not belong to this login, or is an error response.
            TokenError: the ID token is invalid.
            ProviderError: the provider can't be reached, or its response is invalid.
        """
        return await self._responses.complete(pending, response, response_mode=response_mode, on_request=on_request)

    async def userinfo(self, access_token: str, *, sub: str) -> dict[str, Any] | None:
        """Return the UserInfo claims of the user `sub` (OIDC Core 5.3).

        Returns:
            None if the provider has no UserInfo endpoint, or `userinfo_http_method` is None.

        Raises:
            ProviderError: the claims can't be fetched. It is UserInfoInvalid for a response that is not signed or
                encrypted as the client registered.
        """
        return await self._userinfo.fetch(access_token, sub)

    async def refresh(
        self,
        refresh_token: str,
        *,
        id_token: Mapping[str, Any] | None = None,
        access_token: str | None = None,
        on_request: Callable[[], object] | None = None,
    ) -> Refresh:
        """Exchange a refresh token for new tokens (OIDC Core 12): one request, however many callers share it.

        A refresh token that the provider has exchanged for another one is not sent again, whatever fails afterwards.

        Args:
            refresh_token: the refresh token.
            id_token: the claims of the login's ID token. A new ID token must be of the same user and login.
            access_token: the access token to replace. If refresh tokens are not rotated, a caller that has the token
                of the last refresh gets a new one; without it, the last result is replayed for 2 seconds.
            on_request: called if this call sends the request or verifies its response; other callers share the
                result.

        Raises:
            OAuthError: the provider rejects the refresh token.
            ProviderError: the provider can't be reached, or its response is invalid.
            TokenError: the ID token is invalid.
            RefreshTokenSpent: the refresh token was exchanged before.
            StoreUnavailable: the store can't be reached.

            `ends_refresh_token` tells whether to drop the refresh token.
        """
        refresh = await self._refreshes.refresh(refresh_token, replaces=access_token, on_request=on_request)
        refresh.require_same_login(id_token)
        return refresh

    async def forget(self, refresh_token: str) -> None:
        """Invalidate the result of the last refresh with this refresh token, here and in the store: after a logout.

        A store that is down is only logged: the result can be read with the old refresh token only, and ends soon.
        """
        await self._refreshes.invalidate(refresh_token)

    async def revoke(self, token: str, *, token_type_hint: str = "refresh_token") -> bool:
        """Revoke a token at the provider (RFC 7009).

        Returns:
            False if the provider has no revocation endpoint.

        Raises:
            ProviderError: the provider rejects the request, or can't be reached.
        """
        provider = await self.provider.metadata()
        if "revocation_endpoint" not in provider:
            return False
        client = await self._registered.authentication(provider, "revocation")
        request = revocation_request(provider, client, token, token_type_hint)
        read_revocation(await exchange(self._runtime, request, "revocation"))
        return True

    async def client_credentials_grant(
        self, /, scope: str | Sequence[str] | None = None, **extra: Any
    ) -> TokenResponse:
        """Request an access token for the client itself (RFC 6749 4.4). Each call sends a request.

        Args:
            scope: the scope to request, as a string or a list.
            **extra: further parameters of the request, such as `resource` or `audience`. Of a list, each value is
                sent; objects are sent as JSON.

        Raises:
            ProviderError: the provider rejects the request, or can't be reached.
            ConfigurationError: a parameter is one that the client sets itself.
        """
        return await self._service_tokens.request(scope, extra)

    async def service_token(self, /, scope: str | Sequence[str] | None = None, **extra: Any) -> TokenResponse:
        """Return an access token for the client itself: the same one until shortly before it expires.

        One request serves any number of callers. A token without `expires_in` is not cached. The arguments and
        errors are those of `client_credentials_grant`.
        """
        return await self._service_tokens.get(scope, extra)

    async def end_session_request(
        self,
        /,
        *,
        id_token_hint: str | None = None,
        logout_hint: str | None = None,
        post_logout_redirect_uri: str | None = None,
        state: str | None = None,
        **parameters: str | None,
    ) -> EndSessionRequest | None:
        """Create the request that ends the browser's session at the provider, by GET or POST.

        Args:
            id_token_hint: the ID token of the login.
            logout_hint: names the user, if there is no ID token.
            post_logout_redirect_uri: where the provider sends the browser afterwards; registered with the provider.
            state: comes back with the browser.
            **parameters: added to `end_session_params`, for instance `ui_locales` (OIDC RP-Initiated Logout 2).

        Returns:
            None if the provider has no end_session_endpoint.

        Raises:
            ProviderError: the provider's metadata can't be fetched.
            ConfigurationError: a parameter is one that the client sets itself.
        """
        wanted = self.configuration.end_session_parameters(parameters)
        client = await self.provider.client()
        hints = {"id_token_hint": id_token_hint, "logout_hint": logout_hint, "client_id": client["client_id"]}
        return_to = {"post_logout_redirect_uri": post_logout_redirect_uri, "state": state}
        return end_session_request(await self.provider.metadata(), {**wanted, **hints, **return_to})

    async def end_session_url(self, /, **parameters: str | None) -> str | None:
        """Return the URL of `end_session_request`, which takes the same arguments; None without an endpoint."""
        request = await self.end_session_request(**parameters)
        return None if request is None else request.url

    def is_meant_for_us(self, logout_token: str) -> bool:
        """Whether a logout token claims to be from this provider and for this client. Nothing is verified."""
        return self.logout_tokens.addressed(PresentedToken(logout_token)) is not None

    async def read_logout_token(self, token: str) -> LogoutToken:
        """Verify a logout token and return its claims (OIDC Back-Channel Logout 1.0, 2.6).

        The caller must reject a `jti` that it has seen before.

        Raises:
            TokenError: the logout token is invalid.
            ProviderError: the provider's keys can't be fetched.
        """
        return await self.logout_tokens.read_as_sent(token)

    async def read_registration(self) -> ClientMetadata:
        """Read the dynamically registered client from the provider (RFC 7592 2.1).

        Raises:
            ProviderError: the provider can't be reached, or does not let clients manage their registration.
            ConfigurationError: the client is one of `client_metadata`.
        """
        return await self._own_registration().read(self.provider.metadata)

    async def update_registration(self, /, **changes: Any) -> ClientMetadata:
        """Change the dynamically registered client (RFC 7592 2.2). The errors are those of `read_registration`.

        Args:
            **changes: client metadata; None removes one. They last until the configuration requests others.
        """
        return await self._own_registration().update(self.provider.metadata, changes)

    async def delete_registration(self) -> None:
        """Delete the registration (RFC 7592 2.3). The next request registers another client.

        The errors are those of `read_registration`.
        """
        await self._own_registration().delete()

    def _own_registration(self) -> ClientRegistration:
        if self._registration is None:
            raise ConfigurationError(
                "The client of client_metadata was registered by hand: change it in the provider's administration."
            )
        return self._registration


class RelyingParty(Blocking[AsyncRelyingParty]):
    """A client of one provider, for threads. Arguments, results and errors are those of AsyncRelyingParty."""

    def __init__(
        self,
        configuration: ProviderConfiguration,
        *,
        redirect_uri: str,
        clock_skew_seconds: float = DEFAULT_CLOCK_SKEW,
        login_lifetime_seconds: float = DEFAULT_LOGIN_LIFETIME,
        runtime: Runtime | None = None,
        store: Store | None = None,
        sealer: Sealer | None = None,
        request_uri: str | None = None,
    ) -> None:
        super().__init__(
            AsyncRelyingParty(
                configuration,
                redirect_uri=redirect_uri,
                clock_skew_seconds=clock_skew_seconds,
                login_lifetime_seconds=login_lifetime_seconds,
                store=store,
                sealer=sealer,
                request_uri=request_uri,
                runtime=runtime or threads_runtime(configuration),
            )
        )

    @classmethod
    def over(cls, origin: AsyncRelyingParty) -> Self:
        """Return the blocking interface of a relying party whose runtime is a BlockingRuntime."""
        party = cls.__new__(cls)
        party._origin = origin
        return party

    @property
    def configuration(self) -> ProviderConfiguration:
        return self._origin.configuration

    @property
    def redirect_uri(self) -> str:
        return self._origin.redirect_uri

    provider_metadata = blocking(AsyncRelyingParty.provider_metadata)
    begin_login = blocking(AsyncRelyingParty.begin_login)
    complete_login = blocking(AsyncRelyingParty.complete_login)
    userinfo = blocking(AsyncRelyingParty.userinfo)
    refresh = blocking(AsyncRelyingParty.refresh)
    forget = blocking(AsyncRelyingParty.forget)
    revoke = blocking(AsyncRelyingParty.revoke)
    client_credentials_grant = blocking(AsyncRelyingParty.client_credentials_grant)
    service_token = blocking(AsyncRelyingParty.service_token)
    end_session_request = blocking(AsyncRelyingParty.end_session_request)
    end_session_url = blocking(AsyncRelyingParty.end_session_url)
    read_logout_token = blocking(AsyncRelyingParty.read_logout_token)
    read_registration = blocking(AsyncRelyingParty.read_registration)
    update_registration = blocking(AsyncRelyingParty.update_registration)
    delete_registration = blocking(AsyncRelyingParty.delete_registration)
