"""Aggregated and distributed claims: verified, or left out (OIDC Core 5.6.2)."""

import logging
from collections.abc import Mapping
from typing import Any

from oidc_async.configuration.claims_provider import ClaimsProvider
from oidc_async.errors import ClaimInvalid, ProviderError, ProviderTimeout, TokenError
from oidc_async.protocol.claim_sources import (
    CLAIM_SOURCES,
    ClaimSource,
    claimed_issuer,
    distributed_claims_request,
    has_claim_sources,
    parse_source_token,
    read_claim_names,
    read_claim_source,
    read_distributed_claims,
    read_source_token,
    without_claim_sources,
)
from oidc_async.protocol.discovery import discovery_request, read_discovery, well_known_uri
from oidc_async.protocol.freshness import freshness_lifetime
from oidc_async.protocol.jose.jws import CompactJWS, require_algorithm
from oidc_async.provider.cached_fetch import CachedFetch, Fetched
from oidc_async.provider.client_context import ClientContext
from oidc_async.provider.provider_keys import DAY, HOUR, ProviderKeys
from oidc_async.runtime.port import Runtime
from oidc_async.runtime.retry import send_repeatable
from oidc_async.runtime.telemetry import exchange

logger = logging.getLogger("oidc_async.provider")

SECONDS = 10.0
"""For all sources together, as a user waits for the login."""


class ClaimSources:
    """The aggregated and distributed claims of one provider's users, from the issuers that the configuration names.

    Claims that can't be verified are left out and logged: the application gets the others.
    """

    def __init__(self, context: ClientContext) -> None:
        self._context = context
        self._runtime = context.runtime
        allowed = context.configuration.claims_providers
        self._issuers = None if allowed is None else _issuers(allowed, context.runtime)

    async def resolve(self, claims: dict[str, Any]) -> dict[str, Any]:
        """Return the claims with those of their sources; unchanged without a claims provider. Never raises."""
        if self._issuers is None or not has_claim_sources(claims):
            return claims
        try:
            names = read_claim_names(claims)
        except TokenError as error:
            _log(error)
            names = {}
        found = without_claim_sources(claims)
        end = self._runtime.monotonic() + SECONDS
        for source, wanted in names.items():
            found |= await self._claims_of(claims, source, wanted, end)
        return found

    async def _claims_of(
        self, claims: dict[str, Any], source: str, names: frozenset[str], end: float
    ) -> dict[str, Any]:
        """Return the claims of one source; none if it can't be verified or reached."""
        try:
            verified = await self._fetch(read_claim_source(claims, source, names), end)
        except (TokenError, ProviderError) as error:
            _log(error)
            return {}
        return {name: verified[name] for name in names if name in verified}

    async def _fetch(self, source: ClaimSource, end: float) -> Mapping[str, Any]:
        """Return the verified claims of a source: those in its JWT, or those at its endpoint until `end`."""
        seconds = end - self._runtime.monotonic()
        if seconds <= 0:
            raise ProviderTimeout(f"the claim sources before this one took more than {SECONDS:g} s")
        if source.jwt is not None:
            jws = parse_source_token(source.jwt)
            return await self._verify_token(jws, self._issuer(claimed_issuer(jws)))
        endpoint = source.endpoint or ""
        if not any(issuer.may_answer_at(endpoint) for issuer in self._known.values()):
            raise ClaimInvalid("endpoint must be at an origin of one of claims_providers.", claim=CLAIM_SOURCES)
        request = distributed_claims_request(endpoint, source.access_token, seconds)
        response = await exchange(self._runtime, request, "distributed_claims")
        jws = parse_source_token(read_distributed_claims(response))
        issuer = self._issuer(claimed_issuer(jws))
        if not issuer.may_answer_at(endpoint):
            raise ClaimInvalid("iss must be an issuer whose claims may come from this endpoint.", claim="iss")
        return await self._verify_token(jws, issuer)

    async def _verify_token(self, jws: CompactJWS, issuer: "_Issuer") -> Mapping[str, Any]:
        # Before the keys are fetched: a token by another algorithm causes no request.
        require_algorithm(jws, issuer.algorithms, setting="algorithms of the ClaimsProvider")
        client_id = self._context.provider.known_client["client_id"]
        leeway = self._context.leeway
        now = self._runtime.now()
        keys = await issuer.keys()
        name = issuer.name
        algorithms = issuer.algorithms
        return await keys.verify(
            jws,
            lambda key: read_source_token(
                jws, key, issuer=name, algorithms=algorithms, client_id=client_id, leeway=leeway, now=now
            ),
        )

    @property
    def _known(self) -> "dict[str, _Issuer]":
        return self._issuers or {}

    def _issuer(self, name: str) -> "_Issuer":
        if name not in self._known:
            raise ClaimInvalid("iss must be one of claims_providers.", claim="iss")
        return self._known[name]


class _Issuer:
    """One claims provider and its keys."""

    def __init__(self, name: str, trusted: ClaimsProvider, runtime: Runtime) -> None:
        self.name = name
        self.algorithms = trusted.algorithms
        self._trusted = trusted
        self._runtime = runtime
        self._jwks_uri = CachedFetch(runtime, self._discover, keep_stale=DAY)
        self._keys: dict[str, ProviderKeys] = {}

    def may_answer_at(self, endpoint: str) -> bool:
        """Whether distributed claims of this issuer may come from this endpoint."""
        return self._trusted.may_answer_at(endpoint, self.name)

    async def keys(self) -> ProviderKeys:
        """Return the keys. Raises ProviderError if their URL can't be discovered."""
        uri = self._trusted.jwks_uri or await self._jwks_uri.get()
        # setdefault is one atomic step: two threads that come here first must share one fetch.
        keys = self._keys.get(uri) or self._keys.setdefault(uri, ProviderKeys(self._runtime, uri))
        if len(self._keys) > 1:
            self._keys = {uri: keys}
        return keys

    async def _discover(self) -> Fetched[str]:
        request = discovery_request(well_known_uri(self.name))
        response = await send_repeatable(self._runtime, request, "discovery")
        max_age = freshness_lifetime(response, default=HOUR, minimum=60.0, maximum=DAY)
        return Fetched(value=read_discovery(response, self.name)["jwks_uri"], max_age=max_age)


def _issuers(allowed: Mapping[str, ClaimsProvider], runtime: Runtime) -> dict[str, _Issuer]:
    return {name: _Issuer(name, trusted, runtime) for name, trusted in allowed.items()}


def _log(error: TokenError | ProviderError) -> None:
    logger.warning("aggregated or distributed claims are left out: %s (%s)", error, error.code)
