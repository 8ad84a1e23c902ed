"""The public keys of one issuer, with key rotation (OIDC Core 10.1.1).

A token that no cached key can verify may be forged, or may show that the issuer has rotated its keys. Only a fetch
can tell, and anybody can send forged tokens. So each source of tokens has a token bucket of fetches, and a token
whose claims are invalid anyway causes no fetch.
"""

from collections.abc import Callable
from enum import Enum
from typing import TypeVar

from oidc_async.errors import KeyNotFound, SignatureInvalid
from oidc_async.protocol.freshness import freshness_lifetime
from oidc_async.protocol.jose.jwks import JWKS, jwks_request, read_jwks, select_key
from oidc_async.protocol.jose.jws import CompactJWS, VerificationKey
from oidc_async.runtime.port import Runtime
from oidc_async.runtime.retry import send_repeatable

from .cached_fetch import Allowance, CachedFetch, Fetched

T = TypeVar("T")

HOUR, DAY = 3600.0, 86400.0
RENEWALS_AT_ONCE = 3
SECONDS_PER_RENEWAL = 60.0


class TokenSource(Enum):
    """The way on which a token was received.

    A token that no key can verify causes the keys to be fetched again. Each source has its own allowance of such
    fetches, so that forged tokens of one source do not hide a key rotation from the others. Only the provider can
    send tokens by PROVIDER.
    """

    PROVIDER = "a response of the token or userinfo endpoint, or of an issuer of claims"
    INTROSPECTION = "a signed introspection response, one for each bearer token that anybody sends"
    BROWSER = "an authorization response"
    BEARER = "an access token in a request to an API"
    LOGOUT = "a logout token in a request of the provider, or of anybody else"
    ENCRYPTION = "no token: a key of the provider to encrypt to, also for logins that anybody starts"


class ProviderKeys(CachedFetch[JWKS]):
    """The key set at one `jwks_uri`."""

    def __init__(self, runtime: Runtime, jwks_uri: str) -> None:
        super().__init__(runtime, self._fetch_keys, keep_stale=DAY)
        self._jwks_uri = jwks_uri
        self._allowances = {source: Allowance(RENEWALS_AT_ONCE, SECONDS_PER_RENEWAL) for source in TokenSource}

    async def verify(
        self,
        jws: CompactJWS,
        read: Callable[[VerificationKey], T],
        source: TokenSource = TokenSource.PROVIDER,
        require_claims: Callable[[], object] | None = None,
    ) -> T:
        """Return `read(key)` with the key that signed a token.

        The keys are fetched again, within limits, if none is suitable, or if the one with the `kid` of the token does
        not verify it: the issuer may have rotated its keys (OIDC Core 10.1.1), or restarted with other keys under the
        same names. No keys are fetched for a token whose claims take long to read. It is rejected until another
        token, or the age of the keys, has caused a fetch.

        Args:
            jws: the token.
            read: verifies the signature, and reads the token.
            source: whose allowance a fetch is counted against.
            require_claims: called before such a fetch. It raises if the token would be rejected with any key, so that
                the fetch is left to a token that needs it.

        Raises:
            KeyNotFound: no key is suitable.
            SignatureInvalid: the key does not verify the token.
            ProviderError: the keys could not be fetched.
        """
        # fresh() is not a coroutine: a token with a cached key is verified without a turn of the event loop.
        jwks = self.fresh() or await self.get()
        try:
            return read(select_key(jws, jwks.keys))
        except (KeyNotFound, SignatureInvalid):
            # The order matters: first what is free of charge for us, then the allowance, then the request. A forged
            # token can only spend the allowance if all its claims are valid.
            if require_claims is not None:
                if jws.has_many_values:
                    raise
                require_claims()
            renewed = await self.renew_for(source, jwks)
            # The allowance is spent: the first error stands for the key set that is known.
            if renewed is jwks:
                raise
            return read(select_key(jws, renewed.keys))

    async def renew_for(self, source: TokenSource, seen: JWKS) -> JWKS:
        """Return the keys, fetched again if `source` has an allowance left.

        They are not fetched if `seen` has been replaced already.
        """
        return await self.renew(seen, self._allowances[source])

    async def _fetch_keys(self) -> Fetched[JWKS]:
        response = await send_repeatable(self._runtime, jwks_request(self._jwks_uri), "jwks")
        max_age = freshness_lifetime(response, default=HOUR, minimum=60.0, maximum=DAY)
        return Fetched(value=read_jwks(response), max_age=max_age)
