"""A resource server: verifies the access tokens of requests to an API (RFC 6750, RFC 7662, RFC 9068)."""

import logging
from dataclasses import dataclass
from hashlib import sha256

from oidc_async.configuration.provider import DEFAULT_CLOCK_SKEW, ProviderConfiguration
from oidc_async.configuration.provider_checks import require_seconds
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
from oidc_async.protocol.presented_token import PresentedToken, token_digest
from oidc_async.protocol.uri import is_encodable
from oidc_async.provider.backchannel import at_backchannel
from oidc_async.provider.client_authentication import RegisteredClient
from oidc_async.provider.client_context import ClientContext
from oidc_async.provider.default_runtime import asyncio_runtime, threads_runtime
from oidc_async.provider.provider import Provider
from oidc_async.provider.provider_keys import TokenSource
from oidc_async.resource_server.metrics import watch
from oidc_async.resource_server.statistics import Counters, Statistics
from oidc_async.runtime.port import Runtime
from oidc_async.runtime.single_flight import copy_error
from oidc_async.runtime.sync_facade import Blocking, blocking
from oidc_async.sealing import Sealer
from oidc_async.stores import Store

from .introspection import Introspection
from .shared_token_cache import SharedAccesses
from .token_cache import AccessCache

logger = logging.getLogger("oidc_async.tokens")

MAY_TAKE_ID_TOKENS = (
    "accept_untyped_access_tokens is set for %s without client_metadata, access_token_marks, access_token_clients or "
    "access_token_subjects: an ID token of this provider without nonce and at_hash would be accepted as an access "
    "token. Set access_token_marks to a claim that its access tokens have and its ID tokens lack."
)

SECONDS_WITHOUT_EXPIRY = 10.0
"""How long a token is cached whose introspection response has no `exp`."""
IDENTITY_BYTES = 16
"""Bytes of each cache key that identify the configuration: enough to be unique, and short for many tokens."""


class AsyncResourceServer:
    """Verifies the access tokens of one provider, for asyncio.

    Args:
        configuration: the provider, how its access tokens are verified, and the audience that they must have.
        clock_skew_seconds: the tolerated clock difference, unless the configuration has its own.
        cache: keeps results; by default, a new one for this resource server.
        runtime: the network and the clock; by default, a new one for this resource server.
        provider: the provider over the same runtime, to share its metadata and keys with a relying party.
        store: by which processes share introspection responses; without one, each process introspects by itself.
        sealer: encrypts what the store keeps; without one, nothing is kept there.

    Raises:
        ConfigurationError: tokens are to be introspected, but there is no client to authenticate as.
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
        self._registration = None if provider is None else provider.registration
        has_client = configuration.client_metadata is not None or self._registration is not None
        if not has_client and configuration.access_token_verification != "jwt":
            raise ConfigurationError(
                "Introspection needs a client: set client_metadata to one that may introspect tokens, or pass the "
                "provider of a relying party that registers one."
            )
        self.configuration = configuration
        self.issuer: str = configuration.issuer_identifier
        """The Issuer Identifier of the provider."""
        self._cache = AccessCache() if cache is None else cache
        self._runtime = at_backchannel(runtime or asyncio_runtime(configuration), configuration)
        self.provider = provider or Provider(configuration, self._runtime)
        context = ClientContext.create(
            self.provider, configuration, self._runtime, clock_skew_seconds=clock_skew_seconds
        )
        self._leeway = context.leeway
        self._shared = None
        if store is not None and sealer is not None and self._cache.seconds > 0:
            self._shared = SharedAccesses(store, sealer, self._runtime, self._cache.seconds)
        self._counters = Counters()
        self._introspection = Introspection(context, RegisteredClient(context), self._counters)
        self._role = self._new_role(self.provider.known_client)
        if self._registration is None and configuration.may_take_id_tokens:
            logger.warning(MAY_TAKE_ID_TOKENS, configuration.issuer_identifier)
        watch(self, self._counters, self._cache)

    def known(self, token: str, requirements: Requirements = NO_REQUIREMENTS) -> Access | None:
        """Return the access of a cached token, without waiting; None if `verify` has to decide.

        Args:
            token: the access token.
            requirements: what the token must grant. None is returned if it does not, or if they include how or when
                the user authenticated.
        """
        return self.try_cached(token_digest(token), requirements)

    def try_cached(self, digest: bytes, requirements: Requirements) -> Access | None:
        """Do what `known` does, for the `token_digest` of a token: several look-ups of a request share one hash."""
        if requirements.requires_authentication:
            return None
        access = self._cache.find(self._key(digest), self._runtime.monotonic())
        if access is None or not grants_scope(access, requirements):
            return None
        self._counters.hits += 1
        return access

    async def verify(self, token: str | PresentedToken, requirements: Requirements = NO_REQUIREMENTS) -> Access:
        """Verify an access token (RFC 7662, RFC 9068 4), and require that it grants enough.

        Any number of callers with the same token share one request to the provider.

        Args:
            token: the access token; a PresentedToken is not decoded again.
            requirements: what the token must grant.

        Returns:
            The verified claims, and what they grant.

        Raises:
            TokenError: the token is invalid.
            InsufficientScope: the token lacks a scope.
            InsufficientUserAuthentication: the user must authenticate again, or in another way.
            ProviderError: the provider can't be reached, or its response is invalid.
            ConfigurationError: tokens of this kind can't be verified with this configuration.
        """
        presented = PresentedToken(token) if isinstance(token, str) else token
        access = self._find_cached(presented) or await self._authenticate(presented)
        require_granted(access, requirements, now=self._runtime.now(), leeway=self._leeway)
        return access

    async def forget(self, token: str) -> None:
        """Invalidate what is cached about a token, for instance after a logout: it is verified again next time.

        The result of a verification that is under way is not cached, and later callers do not get it. Other
        processes keep what they have cached in memory. A store that is down is logged.
        """
        presented = PresentedToken(token)
        key = self._key(presented.digest)
        self._cache.invalidate(key, self._runtime.monotonic())
        if self._shared is not None and not self._is_verified_here(presented):
            await self._shared.invalidate(key)

    def statistics(self) -> Statistics:
        """Return what this process has counted so far."""
        return self._counters.snapshot(entries=len(self._cache), queue_length=self._introspection.queue_length())

    def _key(self, digest: bytes) -> bytes:
        """Return the cache key of a token; it names the client as well, as resource servers may share the cache."""
        if self._registration is not None and self._registration.known is not self._role.client:
            self._role = self._new_role(self._registration.known)
        return self._role.identity + digest

    def _new_role(self, client: ClientMetadata) -> "_Role":
        expectations = self.configuration.access_expectations(client, leeway_seconds=self._leeway)
        identity = _identity(self.configuration, client, expectations)
        return _Role(client=client, expectations=expectations, identity=identity)

    # An uncached token takes three steps: _find_cached looks for it in the cache, where rejections are kept as well;
    # _authenticate joins the single flight for the token; and _verify_and_cache does the work, once for all callers.

    def _find_cached(self, token: PresentedToken) -> Access | None:
        """Step 1: return the cached access, or raise the cached rejection; None for an uncached token."""
        access = self._cache.find(self._key(token.digest), self._runtime.monotonic())
        if access is not None:
            self._counters.hits += 1
            return access
        # Before the token is decoded, as decoding a large one costs more than all the rest of a rejection.
        self._require_not_rejected(self._key(token.digest))
        return None

    def _require_not_rejected(self, key: bytes) -> None:
        rejection = self._cache.find_rejection(key, self._runtime.monotonic())
        if rejection is not None:
            self._counters.refused_hits += 1
            raise copy_error(rejection)

    async def _authenticate(self, token: PresentedToken) -> Access:
        """Step 2: verify an uncached token, in the single flight of all callers with the same token."""
        is_here = self._is_verified_here(token)
        key = await self._registered_key(token, is_here=is_here)
        self._counters.misses += 1
        if is_here and self.provider.fresh_keys() is not None:
            # Nothing is awaited to verify this JWT, so there is nothing to share.
            outcome = await self._verify_and_cache(key, token, is_here=True)
        else:
            outcome = await self._join(key, token, is_here=is_here)
        if isinstance(outcome, TokenError):
            raise copy_error(outcome)
        return outcome.copy()

    async def _registered_key(self, token: PresentedToken, *, is_here: bool) -> bytes:
        """Return the cache key, after the client is registered: the audience of its tokens depends on its id."""
        if self._registration is None or is_here:
            return self._key(token.digest)
        role = self._role
        await self.provider.client()
        key = self._key(token.digest)
        if self._role is not role:
            self._require_not_rejected(key)
        return key

    async def _join(self, key: bytes, token: PresentedToken, *, is_here: bool) -> Access | TokenError:
        leads = False

        async def lead() -> Access | TokenError:
            nonlocal leads
            leads = True
            # A flight that completed between the look at the cache and the start of this one has done the work.
            cached = self._cache.find(key, self._runtime.monotonic())
            return cached or await self._verify_and_cache(key, token, is_here=is_here)

        try:
            # The invalidation is part of the key: callers that come after one don't get a result from before it.
            return await self._runtime.share((key, self._cache.invalidations.latest(key)), lead)
        finally:
            self._counters.joined += not leads

    async def _verify_and_cache(self, key: bytes, token: PresentedToken, *, is_here: bool) -> Access | TokenError:
        """Step 3: verify or introspect the token, and cache the result. A rejection is a result as well.

        An invalidation that comes meanwhile applies to the result: it is returned, but does not stay in the cache.
        """
        invalidation = self._cache.invalidations.latest(key)
        try:
            access, seconds = await (self._verify_here(token) if is_here else self._introspect(key, token.text))
        except TokenError as error:
            # A missing key is not cached: the provider may publish it at any time.
            if not isinstance(error, KeyNotFound):
                self._cache.keep_rejection(key, copy_error(error), self._runtime.monotonic())
            self._drop_invalidated(key, invalidation)
            return error
        except ProviderError as error:
            # Logged here, once for all callers.
            is_usual = isinstance(error, ProviderPaused | ProviderOverloaded)
            level = logging.INFO if is_usual else logging.ERROR
            logger.log(level, "an access token could not be verified: %s (%s)", error, error.code)
            raise
        self._cache.keep(key, access, seconds, self._runtime.monotonic())
        self._drop_invalidated(key, invalidation)
        return access

    def _drop_invalidated(self, key: bytes, seen: object | None) -> None:
        if self._cache.invalidations.latest(key) is not seen:
            self._cache.drop(key)

    async def _introspect(self, key: bytes, token: str) -> tuple[Access, float]:
        """Return the access that another process has shared, or else that of an introspection response.

        With it come the seconds for which the token is valid.
        """
        shared = None if self._shared is None else await self._shared.find(key)
        if shared is not None:
            self._counters.store_hits += 1
            return shared
        if not is_encodable(token):
            raise TokenMalformed("The token must be Unicode text.")
        document = await self._introspection.request(await self.provider.metadata(), token)
        claims = read_introspected_token(document, self._role.expectations, now=self._runtime.now())
        access = Access.of(claims)
        seconds = self._seconds_left(claims)
        if self._shared is not None:
            await self._shared.keep(key, access, seconds)
        return access, seconds

    def _seconds_left(self, claims: Claims) -> float:
        expiry = claims.get("exp")
        return SECONDS_WITHOUT_EXPIRY if expiry is None else expiry - self._runtime.now()

    def _is_verified_here(self, token: PresentedToken) -> bool:
        """Whether the token is verified by its signature, and not introspected."""
        configuration = self.configuration
        if configuration.access_token_verification != "auto":
            return configuration.access_token_verification == "jwt"
        untyped = configuration.accept_untyped_access_tokens
        return configuration.audience is not None and is_issued_by(token, self.issuer, untyped=untyped)

    async def _verify_here(self, token: PresentedToken) -> tuple[Access, float]:
        """Return the access that a JWT grants, and the seconds for which it is valid."""
        configuration = self.configuration
        role = self._role
        expectations = role.expectations
        client_id = role.client.get("client_id")
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
    """Verifies the access tokens of one provider, for threads; otherwise as AsyncResourceServer."""

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
        """Return the access of a cached token, without waiting; None if `verify` has to decide."""
        return self._origin.known(token, requirements)

    def statistics(self) -> Statistics:
        """Return what this process has counted so far."""
        return self._origin.statistics()

    verify = blocking(AsyncResourceServer.verify)
    forget = blocking(AsyncResourceServer.forget)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Role:
    """The client that tokens are verified for; `identity` separates its cache entries from those of other clients."""

    client: ClientMetadata
    expectations: AccessExpectations
    identity: bytes


def _identity(
    configuration: ProviderConfiguration, client: ClientMetadata, expectations: AccessExpectations
) -> bytes:
    """A short hash of all that decides about the result for a token: only an equal role may use a cached result."""
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
    return sha256(repr(identity).encode("utf-8", "backslashreplace")).digest()[:IDENTITY_BYTES]


def _in_order(names: frozenset[str] | None) -> list[str] | None:
    return None if names is None else sorted(names)
