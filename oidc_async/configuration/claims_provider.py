"""The issuers of aggregated and distributed claims (OIDC Core 5.6.2)."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import cast

from oidc_async.errors import ConfigurationError
from oidc_async.protocol.access_token import ALLOWED_ALGORITHMS
from oidc_async.protocol.uri import origin, uri_problem


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimsProvider:
    """How the claims of one issuer in `claims_providers` are verified.

    Args:
        algorithms: the `alg` values that its JWTs may have.
        jwks_uri: the URL of its keys; None discovers it (OIDC Discovery 4).
        origins: the origins from which its distributed claims may be fetched, such as "https://claims.example"; None
            for the origin of the issuer, an empty set for none.

    Raises:
        ConfigurationError: an invalid value.
    """

    algorithms: tuple[str, ...] = ("RS256",)
    jwks_uri: str | None = None
    origins: Collection[str] | None = None

    def __post_init__(self) -> None:
        if not self.algorithms or not set(self.algorithms) <= set(ALLOWED_ALGORITHMS):
            raise ConfigurationError(
                f"algorithms of ClaimsProvider must be a tuple of some of {', '.join(ALLOWED_ALGORITHMS)}."
            )
        if self.jwks_uri is not None and (problem := uri_problem(self.jwks_uri)):
            raise ConfigurationError(f"jwks_uri of ClaimsProvider {problem}.")
        for place in cast("Collection[object]", self.origins or ()):
            if problem := uri_problem(place) or ("must have no path" if origin(str(place)) != place else None):
                raise ConfigurationError(f"Each of origins of ClaimsProvider {problem}.")

    def may_answer_at(self, endpoint: str, issuer: str) -> bool:
        """Return whether claims of this `issuer` may be fetched from `endpoint`."""
        return origin(endpoint) in ({origin(issuer)} if self.origins is None else self.origins)
