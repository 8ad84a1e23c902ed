"""What an API does with the access tokens that it is shown: find out whether they are good, and what they grant."""

import logging
from dataclasses import dataclass
from hashlib import sha256

from oidc_async.configuration.provider import DEFAULT_CLOCK_SKEW, ProviderConfiguration, require_seconds
from oidc_async.errors import (
    ConfigurationError,
    KeyNotFound,
    ProviderError,
    ProviderOverloaded,
    ProviderPaused,
    TokenError,
    TokenMalformed,
)
from oidc_async.protocol.access_grant import NO_REQUIREMENTS, Access, Requirements, grants_scope, require_granted
from oidc_async.protocol.access_token import (
    AccessExpectations,
    is_issued_by,
    parse_access_token,
    read_access_token,
    require_access_token_claims,
)
from oidc_async.protocol.claims import Claims
from oidc_async.protocol.introspection import read_introspected_token
from oidc_async.protocol.metadata import ClientMetadata, ProviderMetadata
from oidc_async.protocol.presented_token import PresentedToken
from oidc_async.protocol.uri import is_encodable
from oidc_async.provider.backchannel import at_backchannel
from oidc_async.provider.client_authentication import RegisteredClient
from oidc_async.provider.default_runtime import asyncio_runtime, threads_runtime
from oidc_async.provider.provider import Provider
from oidc_async.provider.provider_keys import TokenSource
from oidc_async.runtime.port import Runtime
from oidc_async.runtime.single_flight import copy_error
from oidc_async.runtime.statistics import Counters, Statistics
from oidc_async.runtime.sync_facade import Blocking, blocking
from oidc_async.runtime.telemetry import watch
from oidc_async.sealing import Sealer
from oidc_async.stores import Store

from .introspection import Introspection
from .shared_token_cache import SharedAccesses
from .token_cache import AccessCache

logger = logging.getLogger("oidc_async.tokens")

MAY_TAKE_ID_TOKENS = (
    "accept_untyped_access_tokens is set for %s without client_metadata, access_token_marks, access_token_clients or "
    "access_token_subjects: an ID token of this provider without nonce and at_hash then passes as an access token. "
    "Set access_token_marks to a claim that its access tokens have and its ID tokens lack."
)

SECONDS_WITHOUT_EXPIRY = 10.0
"""How long a token is trusted of which the provider doesn't say when it ends."""


class AsyncResourceServer:
    """Verifies the access tokens of one provider, for asyncio.

    Parameters:
        configuration: the provider, how its tokens are verified, and whom they must be meant for.
        clock_skew_seconds: leeway for time claims, unless the configuration has its own.
        cache: what is remembered of tokens, and for how long; one of its own by default.
        runtime: how to reach the network; one of its own by default.
        provider: the provider over the same runtime, to share its metadata and keys with a relying party.
        store: by which processes tell each other what introspection said; without one, each asks for itself.
        sealer: seals what the store keeps; without one, nothing is kept there.

    Raises ConfigurationError when tokens are to be introspected and there is no client to do that as.
    """

    def __init__(
        self,
        configuration: ProviderConfiguration,
        *,
        clock_skew_seconds: float = DEFAULT_CLOCK_SKEW,
        cache: AccessCache | None = None,
        runtime: Runtime | None = None,
        provider: Provider | None = None,
        store: Store | None = None,
        sealer: Sealer | None = None,
    ) -> None:
        require_seconds("clock_skew_seconds", clock_skew_seconds)
        verification = configuration.access_token_verification
        self._registration = None if provider is None else provider.registration
        if configuration.client_metadata is None and self._registration is None and verification != "jwt":
            raise ConfigurationError(
                "Introspection needs client_metadata, a client that the provider lets ask about tokens, or the "
                "provider of a relying party that registers one."
            )
        own_skew = configuration.clock_skew_seconds
        self.configuration = configuration
        self._leeway = clock_skew_seconds if own_skew is None else own_skew
        self._cache = AccessCache() if cache is None else cache
        self._runtime = at_backchannel(runtime or asyncio_runtime(configuration), configuration)
        self.provider = provider or Provider(configuration, self._runtime)
        self._shared = None
        if store is not None and sealer is not None and self._cache.seconds > 0:
            self._shared = SharedAccesses(store, sealer, self._runtime, self._cache.seconds)
        self._counters = Counters()
        self._introspection = Introspection(
            self.provider,
            RegisteredClient(self.provider, configuration, self._runtime),
            self._runtime,
            self._counters,
            leeway=self._leeway,
            pause=configuration.http_settings.failure_pause,
        )
        self._role = self._new_role(self.provider.known_client)
        if self._registration is None and configuration.may_take_id_tokens:
            logger.warning(MAY_TAKE_ID_TOKENS, configuration.issuer_identifier)
        watch(self, self._counters, self._cache)

    @property
    def issuer(self) -> str:
        """The Issuer Identifier of the provider."""
        return self.configuration.issuer_identifier

    def known(self, token: str, requirements: Requirements = NO_REQUIREMENTS) -> Access | None:
        """The access of a token that was verified a moment ago, without any waiting, if it grants what is asked for.

        None when `verify` has to tell.
        """
        if requirements.requires_authentication:
            return None
        access = self._cache.find(self._key(token), self._runtime.monotonic())
        if access is None or not grants_scope(access, requirements):
            return None
        self._counters.hits += 1
        return access

    async def verify(self, token: str | PresentedToken, requirements: Requirements = NO_REQUIREMENTS) -> Access:
        """What the token grants, once it is verified (RFC 7662, RFC 9068 4) and grants what is asked for.

        Any number of callers with the same token cause one request. A token that was taken apart already is taken as
        a PresentedToken.

        Raises TokenError for a token that is not good, InsufficientScope or InsufficientUserAuthentication for one
        that doesn't suffice, ProviderError when it can't be found out, and ConfigurationError when it never can.
        """
        presented = PresentedToken(token) if isinstance(token, str) else token
        access = self._cache.find(self._key(presented.text), self._runtime.monotonic())
        if access is None:
            access = await self._find_out(presented)
        else:
            self._counters.hits += 1
        require_granted(access, requirements, now=self._runtime.now(), leeway=self._leeway)
        return access

    async def forget(self, token: str) -> None:
        """Ask about this token again when it comes the next time, for instance after a logout.

        An answer that is under way now is not kept, and nobody who comes from now on is given it. Other processes
        that have asked already go on with what they know. A store that is down is logged.
        """
        key = self._key(token)
        self._cache.forget(key, self._runtime.monotonic())
        if self._shared is not None and not self._is_verified_here(PresentedToken(token)):
            await self._shared.forget(key)

    def statistics(self) -> Statistics:
        """What has happened so far, in this process."""
        return self._counters.snapshot(entries=len(self._cache), queue_length=self._introspection.queue_length())

    def _key(self, token: str) -> bytes:
        if self._registration is not None and self._registration.known is not self._role.client:
            self._role = self._new_role(self._registration.known)
        return sha256(self._role.identity + token.encode("utf-8", "surrogatepass")).digest()

    def _new_role(self, client: ClientMetadata) -> "_Role":
        expectations = self.configuration.access_expectations(client, leeway_seconds=self._leeway)
        identity = _identity(self.configuration, client, expectations)
        return _Role(client=client, expectations=expectations, identity=identity)

    async def _find_out(self, token: PresentedToken) -> Access:
        # asked first: to take a large token apart costs more than all the rest of a refusal
        self._require_not_refused(self._key(token.text))
        is_here = self._is_verified_here(token)
        key = await self._settled_key(token, is_here=is_here)
        self._counters.misses += 1
        if is_here and self.provider.fresh_keys() is not None:
            # nobody has to be asked, so there is nothing to share
            outcome = await self._asked(key, token, is_here=True)
        else:
            outcome = await self._joined(key, token, is_here=is_here)
        if isinstance(outcome, TokenError):
            raise copy_error(outcome)
        return outcome.copy()

    async def _settled_key(self, token: PresentedToken, *, is_here: bool) -> bytes:
        """What is found out about the token is kept by this key: whom it must be meant for is told by who we are."""
        if self._registration is not None and not is_here:
            role = self._role
            await self.provider.client()
            key = self._key(token.text)
            if self._role is not role:
                self._require_not_refused(key)
            return key
        return self._key(token.text)

    def _require_not_refused(self, key: bytes) -> None:
        refusal = self._cache.find_refusal(key, self._runtime.monotonic())
        if refusal is not None:
            self._counters.refused_hits += 1
            raise copy_error(refusal)

    async def _joined(self, key: bytes, token: PresentedToken, *, is_here: bool) -> Access | TokenError:
        """As `_asked`, once however many ask about the same token."""
        is_mine = False

        async def work() -> Access | TokenError:
            nonlocal is_mine
            is_mine = True
            # Another caller completed the work between the first lookup and this call.
            known = self._cache.find(key, self._runtime.monotonic())
            return known or await self._asked(key, token, is_here=is_here)

        try:
            # who comes after a `forget` doesn't wait for an answer of before
            return await self._runtime.share((key, self._cache.invalidations.latest(key)), work)
        finally:
            self._counters.joined += not is_mine

    async def _asked(self, key: bytes, token: PresentedToken, *, is_here: bool) -> Access | TokenError:
        """What comes of a token that nobody knows yet, kept unless it is forgotten meanwhile."""
        forgotten = self._cache.invalidations.latest(key)
        outcome = await self._kept(key, token, is_here=is_here)
        if self._cache.invalidations.latest(key) is not forgotten:
            self._cache.drop(key)
        return outcome

    async def _kept(self, key: bytes, token: PresentedToken, *, is_here: bool) -> Access | TokenError:
        """The same, kept; a refusal is a result as well."""
        try:
            access, seconds = await (self._verified(token) if is_here else self._asked_by_any(key, token.text))
        except TokenError as error:
            # a key that is missing now may be published in a moment
            if not isinstance(error, KeyNotFound):
                self._cache.keep_refusal(key, copy_error(error), self._runtime.monotonic())
            return error
        except ProviderError as error:
            # here, and not by each of those who wait
            is_usual = isinstance(error, ProviderPaused | ProviderOverloaded)
            level = logging.INFO if is_usual else logging.ERROR
            logger.log(level, "nothing could be found out about a token: %s (%s)", error, error.code)
            raise
        self._cache.keep(key, access, seconds, self._runtime.monotonic())
        return access

    async def _asked_by_any(self, key: bytes, token: str) -> tuple[Access, float]:
        """What the provider says of the token, or has said to another process a moment ago."""
        if self._shared is None:
            return await self._introspected(token)
        known = await self._shared.find(key)
        if known is not None:
            self._counters.store_hits += 1
            return known
        access, seconds = await self._introspected(token)
        await self._shared.keep(key, access, seconds)
        return access, seconds

    async def _introspected(self, token: str) -> tuple[Access, float]:
        if not is_encodable(token):
            raise TokenMalformed("The token must be Unicode text.")
        document = await self._introspection.ask(await self.provider.metadata(), token)
        claims = read_introspected_token(document, self._role.expectations, now=self._runtime.now())
        return Access.of(claims), self._seconds_left(claims)

    def _seconds_left(self, claims: Claims) -> float:
        expiry = claims.get("exp")
        return SECONDS_WITHOUT_EXPIRY if expiry is None else expiry - self._runtime.now()

    def _is_verified_here(self, token: PresentedToken) -> bool:
        configuration = self.configuration
        if configuration.access_token_verification != "auto":
            return configuration.access_token_verification == "jwt"
        untyped = configuration.accept_untyped_access_tokens
        return configuration.audience is not None and is_issued_by(token, self.issuer, untyped=untyped)

    async def _verified(self, token: PresentedToken) -> tuple[Access, float]:
        configuration, role = self.configuration, self._role
        expectations, client_id = role.expectations, role.client.get("client_id")
        self._counters.verified_here += 1
        now = self._runtime.now()
        jws = parse_access_token(
            token, configuration.access_token_algorithms, untyped=configuration.accept_untyped_access_tokens
        )
        claims = await self.provider.verify(
            jws,
            lambda key: read_access_token(jws, key, expectations, client_id=client_id, now=now),
            TokenSource.BEARER,
            lambda: require_access_token_claims(jws, expectations, client_id=client_id, now=now),
        )
        return Access.of(claims, jws.payload), self._seconds_left(claims)


class ResourceServer(Blocking[AsyncResourceServer]):
    """Verifies the access tokens of one provider, for threads. Everything is as in AsyncResourceServer."""

    def __init__(
        self,
        configuration: ProviderConfiguration,
        *,
        clock_skew_seconds: float = DEFAULT_CLOCK_SKEW,
        cache: AccessCache | None = None,
        runtime: Runtime | None = None,
        store: Store | None = None,
        sealer: Sealer | None = None,
    ) -> None:
        super().__init__(
            AsyncResourceServer(
                configuration,
                clock_skew_seconds=clock_skew_seconds,
                cache=cache,
                runtime=runtime or threads_runtime(configuration),
                store=store,
                sealer=sealer,
            )
        )

    @property
    def configuration(self) -> ProviderConfiguration:
        return self._origin.configuration

    def known(self, token: str, requirements: Requirements = NO_REQUIREMENTS) -> Access | None:
        """The access of a token that was verified a moment ago, without any waiting, if it grants what is asked for.

        None when `verify` has to tell.
        """
        return self._origin.known(token, requirements)

    def statistics(self) -> Statistics:
        """What has happened so far, in this process."""
        return self._origin.statistics()

    verify = blocking(AsyncResourceServer.verify)
    forget = blocking(AsyncResourceServer.forget)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Role:
    """Who tokens are verified as; `identity` keeps what is found out apart from that of others."""

    client: ClientMetadata
    expectations: AccessExpectations
    identity: bytes


def _identity(
    configuration: ProviderConfiguration, client: ClientMetadata, expectations: AccessExpectations
) -> bytes:
    """What a token was found good for: nobody else may take our word for it."""
    metadata = configuration.provider_metadata or ProviderMetadata()
    identity = (
        configuration.issuer,
        sorted(metadata.items(), key=str),
        client.get("client_id"),
        client.get("introspection_signed_response_alg"),
        *(_in_order(names) for names in (expectations.audience, expectations.clients, expectations.subjects)),
        expectations.audience_claim,
        sorted(map(str, expectations.marks)),
        configuration.access_token_verification,
        configuration.access_token_algorithms,
        configuration.accept_untyped_access_tokens,
        expectations.leeway_seconds,
    )
    return sha256(repr(identity).encode("utf-8", "backslashreplace")).digest()


def _in_order(names: frozenset[str] | None) -> list[str] | None:
    return None if names is None else sorted(names)
