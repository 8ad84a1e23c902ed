"""The public keys of one issuer: fetched at first need, kept fresh, and fetched again when they were rotated."""

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
    """By which way a token came here.

    A token that no key fits has the keys fetched again. Each way has an allowance of such fetches of its own, so that
    forged tokens on one of them don't hide a key rotation from the others. Strangers can't send anything by
    PROVIDER.
    """

    PROVIDER = "a response of the token or userinfo endpoint, or of an issuer of claims"
    INTROSPECTION = "a signed introspection response, one for each token of a stranger"
    BROWSER = "an authorization response"
    BEARER = "an access token in a request to an API"
    LOGOUT = "a logout token that is posted to us"
    ENCRYPTION = "no token: a key to encrypt to is needed, also for logins that anybody starts"


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
        """What `read` makes of a token with the key that signed it.

        Keys are fetched again, within limits, when none fits or the one of that name doesn't verify: an issuer may
        have rotated its keys a moment ago (OIDC Core 10.1.1), or have restarted with others under old names.
        `require_claims` is called before such a fetch, and raises when the token would be rejected whatever its key
        is: then the fetch is saved for a token that needs it. No keys are fetched for a token whose claims take long
        to read: it waits until another token, or the age of the keys, has them fetched.
        """
        jwks = self.fresh() or await self.get()
        try:
            return read(select_key(jws, jwks.keys))
        except (KeyNotFound, SignatureInvalid):
            if require_claims is not None:
                if jws.has_many_values:
                    raise
                require_claims()
            renewed = await self.renew_for(source, jwks)
            if renewed is jwks:
                raise
            return read(select_key(jws, renewed.keys))

    async def renew_for(self, source: TokenSource, seen: JWKS) -> JWKS:
        """The keys fetched again, unless `seen` has been replaced or the allowance of `source` is spent."""
        return await self.renew(seen, self._allowances[source])

    async def _fetch_keys(self) -> Fetched[JWKS]:
        response = await send_repeatable(self._runtime, jwks_request(self._jwks_uri), "jwks")
        max_age = freshness_lifetime(response, default=HOUR, minimum=60.0, maximum=DAY)
        return Fetched(value=read_jwks(response), max_age=max_age)
