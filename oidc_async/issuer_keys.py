"""The public keys of one issuer: fetched at first need, kept fresh, and fetched again when they were rotated."""

from collections.abc import Callable
from typing import TypeVar

from .errors import KeyNotFound, SignatureInvalid
from .protocol.freshness import freshness
from .protocol.jose import CompactJWS, VerificationKey
from .protocol.jwks import JWKS, jwks_request, read_jwks, select_key
from .remembered import Allowance, Fetched, Remembered
from .retrying import send_repeatable
from .runtime import Runtime

T = TypeVar("T")

HOUR, DAY = 3600.0, 86400.0
RENEWALS_AT_ONCE = 3
SECONDS_PER_RENEWAL = 60.0


class IssuerKeys(Remembered[JWKS]):
    """The key set at one `jwks_uri`."""

    def __init__(self, runtime: Runtime, jwks_uri: str) -> None:
        allowance = Allowance(RENEWALS_AT_ONCE, SECONDS_PER_RENEWAL)
        super().__init__(runtime, self._fetch_keys, keep_stale=DAY, renewals=allowance)
        self._jwks_uri = jwks_uri

    async def verify(self, jws: CompactJWS, read: Callable[[VerificationKey], T]) -> T:
        """What `read` makes of a token with the key that signed it.

        Keys are fetched again, within limits, when none fits or the one of that name doesn't verify: an issuer may
        have rotated its keys a moment ago (OIDC Core 10.1.1), or have restarted with others under old names.
        """
        jwks = self.fresh() or await self.get()
        try:
            return read(select_key(jws, jwks.keys))
        except (KeyNotFound, SignatureInvalid):
            renewed = await self.renew(jwks)
            if renewed is jwks:
                raise
            return read(select_key(jws, renewed.keys))

    async def _fetch_keys(self) -> Fetched[JWKS]:
        response = await send_repeatable(self._runtime, jwks_request(self._jwks_uri), "jwks")
        max_age = freshness(response, default=HOUR, least=60.0, most=DAY)
        return Fetched(value=read_jwks(response), max_age=max_age)
