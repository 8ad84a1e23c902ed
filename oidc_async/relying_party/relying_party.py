"""What a client does at its provider: log users in, ask who they are, log them out (OIDC Core 3)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Self

from oidc_async.configuration.provider import (
    DEFAULT_CLOCK_SKEW,
    ProviderConfiguration,
    require_seconds,
)
from oidc_async.configuration.token_request_parameters import token_request_parameters
from oidc_async.errors import (
    AuthorizationResponseInvalid,
    ConfigurationError,
    LoginExpired,
    StateMismatch,
)
from oidc_async.protocol.authorization import (
    AuthorizationResponse,
    parse_authorization_response,
    read_authorization_response,
)
from oidc_async.protocol.end_session import EndSessionRequest, end_session_request
from oidc_async.protocol.logout_token import LogoutToken
from oidc_async.protocol.metadata import ClientMetadata, ProviderMetadata
from oidc_async.protocol.parameters import Parameters
from oidc_async.protocol.presented_token import PresentedToken
from oidc_async.protocol.revocation import read_revocation, revocation_request
from oidc_async.protocol.token import (
    TokenResponse,
    authorization_code_request,
    client_credentials_request,
    read_token_response,
    refresh_request,
)
from oidc_async.protocol.uri import uri_problem
from oidc_async.provider.backchannel import at_backchannel
from oidc_async.provider.client_authentication import RegisteredClient
from oidc_async.provider.client_registration import ClientRegistration, new_client_registration
from oidc_async.provider.default_runtime import asyncio_runtime, threads_runtime
from oidc_async.provider.endpoint_breakers import CircuitBreakers
from oidc_async.provider.provider import Provider
from oidc_async.runtime.port import Runtime
from oidc_async.runtime.sync_facade import Blocking, blocking
from oidc_async.runtime.telemetry import exchange
from oidc_async.sealing import Sealer
from oidc_async.stores import Store

from .authentication_requests import AuthenticationRequests
from .claim_sources import ClaimSources
from .client_credentials import ServiceTokens, kind_of
from .id_tokens import IDTokens
from .login import AuthorizationRequest, Login, PendingLogin
from .logout_tokens import LogoutTokens
from .refresh_failures import spent_by_a_broken_answer
from .refresh_responses import ANSWER_SECONDS, RefreshAnswer, read_refresh_answer
from .request_objects import RequestObjects
from .token_refresh import Refresh, Refreshes, RefreshSteps
from .userinfo import UserInfo

DEFAULT_LOGIN_LIFETIME = 600.0
SERVICE_TOKEN = "the parameters of a service token"


class AsyncRelyingParty:
    """A client of one provider, for asyncio.

    Parameters:
        configuration: the provider and the client.
        redirect_uri: where the provider sends the browser back to; registered with the provider.
        clock_skew_seconds: leeway for time claims, unless the configuration has its own.
        login_lifetime_seconds: how long a login may take.
        runtime: how to reach the network; one of its own by default.
        store: by which processes agree on who refreshes a token; without one, each goes by itself.
        sealer: seals what the store keeps of a client that registered itself; without one, nothing is kept of it.
        request_uri: below which URL the application serves the request objects of `request_object="reference"`.
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
        own_skew = configuration.clock_skew_seconds
        self.configuration = configuration
        self.redirect_uri = redirect_uri
        self._clock_skew = clock_skew_seconds if own_skew is None else own_skew
        self._login_lifetime = login_lifetime_seconds
        network = runtime or asyncio_runtime(configuration)
        inside = at_backchannel(network, configuration)
        self._registration = new_client_registration(configuration, inside, redirect_uri, store, sealer, request_uri)
        self.provider = Provider(configuration, inside, self._registration)
        # what is fetched for all, above, has one request under way at a time anyway
        self._runtime = CircuitBreakers(inside, configuration.http_settings)
        objects = RequestObjects(self.provider, configuration, self._runtime, request_uri, login_lifetime_seconds)
        self._registered = RegisteredClient(self.provider, configuration, self._runtime)
        self._requests = AuthenticationRequests(
            self.provider, configuration, self._runtime, redirect_uri, objects, self._registered
        )
        self._id_tokens = IDTokens(self.provider, configuration, self._runtime, self._clock_skew)
        self.logout_tokens = LogoutTokens(self.provider, self._id_tokens, self._runtime, self._clock_skew)
        self._userinfo = UserInfo(self.provider, configuration, self._runtime, self._clock_skew)
        # claims lead to other issuers: nothing of theirs is asked inside of the private network
        self._claim_sources = ClaimSources(self.provider, configuration, network, self._clock_skew)
        self._service_tokens = ServiceTokens(self._runtime)
        self._refreshes = Refreshes(self._runtime, store, configuration.client_name)

    async def provider_metadata(self) -> ProviderMetadata:
        """The provider's metadata (OIDC Discovery 3): given, or discovered at first need and kept while fresh.

        With both, the given ones replace the discovered ones of the same name. Raises ProviderError.
        """
        return await self.provider.metadata()

    async def begin_login(self, /, **parameters: Any) -> AuthorizationRequest:
        """A new authentication request (OIDC Core 3.1.2.1) with state, nonce and, when it asks for a code, PKCE.

        `parameters` are laid over `auth_request_params` and may be what those may be, for instance `login_hint`,
        `prompt`, `max_age` or `claims`. Raises ConfigurationError, and ProviderError when the provider's metadata
        can't be had.
        """
        return await self._requests.new(parameters)

    async def complete_login(
        self,
        pending: PendingLogin,
        response: str,
        *,
        response_mode: str = "query",
        on_request: Callable[[], object] | None = None,
    ) -> Login:
        """The verified login for the encoded `response` that the browser brought back (OIDC Core 3.1.2.5 to 3.1.3.7).

        Parameters:
            pending: what `begin_login` gave for this browser. Use it once.
            response: the query string, the fragment, or the body of a form_post, as it came.
            response_mode: by which way it came: "query", "fragment" or "form_post".
            on_request: called when the code is sent to the provider. After a ProviderError before that, the same
                response can be completed later.

        Raises LoginError, TokenError or ProviderError.
        """
        self._require_in_time(pending)
        if response_mode != pending.response_mode:
            raise AuthorizationResponseInvalid(
                f"The response must come by response_mode={pending.response_mode}, not {response_mode}: set "
                "response_mode in auth_request_params to what the provider sends."
            )
        provider = await self.provider.metadata()
        await self.provider.client()
        # a configuration may have changed under its name since then: the code belongs to nobody else
        if provider["issuer"] != pending.issuer:
            raise StateMismatch("The login was begun at another issuer than the one of this provider.")
        parameters = parse_authorization_response(response)
        received = read_authorization_response(parameters, provider, pending.state, pending.response_type)
        received = replace(received, tokens=self._id_tokens.decrypted(received.tokens))
        tokens, id_token = await self._verified_tokens(provider, pending, received, on_request)
        access_token, userinfo = tokens.get("access_token"), None
        if access_token is not None:
            userinfo = await self.userinfo(access_token, sub=id_token["sub"])
        # last: nobody else is asked about a login that fails
        told = await self._claim_sources.resolved(id_token)
        return Login(tokens=tokens, id_token=told, userinfo=userinfo, session_state=received.session_state)

    async def _verified_tokens(
        self,
        provider: ProviderMetadata,
        pending: PendingLogin,
        received: AuthorizationResponse,
        on_request: Callable[[], object] | None,
    ) -> tuple[TokenResponse, dict[str, Any]]:
        """The tokens that count, and the claims of their ID token.

        With a code those of the token endpoint: they did not come by the browser, a refresh token belongs to them,
        and the ID token there says more (OIDC Core 3.3.3.6, 3.3.3.8).
        """
        if received.code is None:
            return received.tokens, await self._id_tokens.of_response(pending, received)
        # before the code goes anywhere: it may have been put in place of the right one
        former = await self._id_tokens.of_response(pending, received) if received.tokens.id_token else None
        tokens = await self._exchange_code(provider, pending, received.code, on_request)
        return tokens, await self._id_tokens.for_code(pending, tokens, received.code, former=former)

    async def userinfo(self, access_token: str, *, sub: str) -> dict[str, Any] | None:
        """Claims of the user `sub` (OIDC Core 5.3); None when the provider has no endpoint or none is to be asked.

        Raises ProviderError; UserInfoInvalid for a response that is not signed or encrypted as the client registered.
        """
        claims = await self._userinfo.ask(access_token, sub)
        return None if claims is None else await self._claim_sources.resolved(claims)

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
            access_token: the access token to replace. If refresh tokens are not rotated, a caller who has the token
                of the last refresh gets a new one; without it, the last result is replayed for 2 seconds.
            on_request: called if it is this call that asks the provider, or verifies its answer; other callers share
                the result.

        Raises OAuthError when the provider rejects the refresh token, other ProviderErrors, TokenError for an invalid
        ID token, RefreshTokenSpent, and StoreUnavailable. `ends_refresh_token` tells whether to drop the refresh
        token.
        """
        steps = RefreshSteps(
            ask=partial(self._ask_for_refresh, refresh_token), verify=self._verify_refresh, on_lead=on_request
        )
        refresh = await self._refreshes.once(refresh_token, steps, replaces=access_token)
        refresh.require_same_login(id_token)
        return refresh

    async def _ask_for_refresh(self, refresh_token: str) -> RefreshAnswer:
        provider = await self.provider.metadata()
        client, at = await self._registered.authentication(provider), self._runtime.now()
        request = refresh_request(provider, client, refresh_token, self.configuration.token_parameters())
        request = replace(request, min_seconds=ANSWER_SECONDS)
        # sent once: a provider that rotates refresh tokens takes a second use for theft
        with spent_by_a_broken_answer():
            response = await exchange(self._runtime, request, "token")
        return read_refresh_answer(response, refresh_token, at=at, now=self._runtime.now())

    async def _verify_refresh(self, answer: RefreshAnswer) -> Refresh:
        provider = await self.provider.metadata()
        await self.provider.client()
        tokens = self._id_tokens.decrypted(answer.tokens)
        id_token = await self._id_tokens.of_refresh(provider["issuer"], tokens)
        claims = None if id_token is None else await self._claim_sources.resolved(id_token)
        return Refresh(tokens=tokens, id_token=claims, at=answer.at, is_rotated=answer.is_rotated)

    async def forget(self, refresh_token: str) -> None:
        """Forget what this refresh token was exchanged for a moment ago, here and in the store: after a logout.

        A store that is down is only logged: nobody reads there without the old refresh token, and it ends soon.
        """
        await self._refreshes.forget(refresh_token)

    async def revoke(self, token: str, *, token_type_hint: str = "refresh_token") -> bool:
        """Let the provider forget `token` (RFC 7009); False when it has no place to ask for that.

        Raises ProviderError when it refuses or can't be reached.
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
        """A token of the client's own (RFC 6749 4.4): each call asks the provider.

        `extra` are further parameters of the request, such as `resource` or `audience`; of a list, each value is
        sent, and objects are sent as JSON. Raises ProviderError, and ConfigurationError for a parameter that the
        client sets itself.
        """
        return await self._client_credentials(self._service_parameters(scope, extra))

    def _service_parameters(self, scope: str | Sequence[str] | None, extra: Mapping[str, Any]) -> Parameters:
        return token_request_parameters(SERVICE_TOKEN, {**extra, "scope": scope or None})

    async def _client_credentials(self, parameters: Parameters) -> TokenResponse:
        provider = await self.provider.metadata()
        client = await self._registered.authentication(provider)
        request = client_credentials_request(provider, client, parameters)
        return read_token_response(await exchange(self._runtime, request, "token"))

    async def service_token(self, /, scope: str | Sequence[str] | None = None, **extra: Any) -> TokenResponse:
        """As `client_credentials_grant`, but the same token until shortly before it expires.

        One request serves any number of callers. A token without `expires_in` isn't kept.
        """
        parameters = self._service_parameters(scope, extra)
        return await self._service_tokens.get(kind_of(parameters), lambda: self._client_credentials(parameters))

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
        """What logs the browser out at the provider too, by GET or POST; None when the provider has no such place.

        `parameters` are laid over `end_session_params`, for instance `ui_locales` (OIDC RP-Initiated Logout 2).
        Raises ProviderError when the provider's metadata can't be had, ConfigurationError for what is ours.
        """
        wanted = self.configuration.end_session_parameters(parameters)
        client = await self.provider.client()
        who = {"id_token_hint": id_token_hint, "logout_hint": logout_hint, "client_id": client["client_id"]}
        back = {"post_logout_redirect_uri": post_logout_redirect_uri, "state": state}
        return end_session_request(await self.provider.metadata(), {**wanted, **who, **back})

    async def end_session_url(self, /, **parameters: str | None) -> str | None:
        """As `end_session_request`: the URL to send the browser to."""
        request = await self.end_session_request(**parameters)
        return None if request is None else request.url

    def is_meant_for_us(self, logout_token: str) -> bool:
        """Whether a logout token claims to be from this provider and for this client; nothing is verified."""
        return self.logout_tokens.addressed(PresentedToken(logout_token)) is not None

    async def read_logout_token(self, token: str) -> LogoutToken:
        """What a verified logout token says (OIDC Back-Channel Logout 1.0, 2.6).

        Whether its `jti` was seen before is for the caller to know. Raises TokenError, or ProviderError when the
        provider's keys can't be had.
        """
        return await self.logout_tokens.read_as_sent(token)

    async def read_registration(self) -> ClientMetadata:
        """The client that was registered dynamically, as the provider knows it now (RFC 7592 2.1).

        Raises ProviderError, also where nobody may manage it, and ConfigurationError for a client of client_metadata.
        """
        return await self._own_registration().read(self.provider.metadata)

    async def update_registration(self, /, **changes: Any) -> ClientMetadata:
        """The same with these changes (RFC 7592 2.2), of which None removes one. Raises as that does.

        They last until the configuration asks for something else.
        """
        return await self._own_registration().update(self.provider.metadata, changes)

    async def delete_registration(self) -> None:
        """End the registration (RFC 7592 2.3); what comes next registers another client. Raises the same."""
        await self._own_registration().delete()

    def _own_registration(self) -> ClientRegistration:
        if self._registration is None:
            raise ConfigurationError("A client of client_metadata was registered by hand, and is managed by hand.")
        return self._registration

    def _require_in_time(self, pending: PendingLogin) -> None:
        seconds = self._runtime.now() - pending.begun_at
        if not -self._clock_skew <= seconds <= self._login_lifetime:
            raise LoginExpired(
                f"The login took {seconds:.0f} s; OIDC_LOGIN_SECONDS = {self._login_lifetime:g} s. Begin it again."
            )

    async def _exchange_code(
        self,
        provider: ProviderMetadata,
        pending: PendingLogin,
        code: str,
        on_request: Callable[[], object] | None,
    ) -> TokenResponse:
        # a code is not spent on a login that could not go on after it
        if userinfo_endpoint := self._userinfo.endpoint(provider):
            self._runtime.require_closed(userinfo_endpoint)
        request = authorization_code_request(
            provider,
            await self._registered.authentication(provider),
            code=code,
            redirect_uri=pending.redirect_uri,
            code_verifier=pending.code_verifier,
            more=self.configuration.token_parameters(),
        )
        # sent once, whatever happens: a code is good for one use, and a second one may revoke everything
        response = await exchange(self._runtime.telling(on_request), request, "token")
        return self._id_tokens.decrypted(read_token_response(response))


class RelyingParty(Blocking[AsyncRelyingParty]):
    """A client of one provider, for code without an event loop. Everything is as in AsyncRelyingParty."""

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
        """The blocking face of a relying party that works over a BlockingRuntime."""
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
