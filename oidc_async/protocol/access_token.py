"""Access tokens as a resource server takes them: what they must say, and those that are JWTs (RFC 9068)."""

from dataclasses import dataclass
from typing import Any

from ..errors import ClaimInvalid, ConfigurationError, OIDCError, TokenMalformed
from .access import read_scopes
from .claims import (
    Claims,
    read_audience,
    read_claims,
    require_begun,
    require_issuer,
    require_not_expired,
    require_past_time,
    require_string,
    require_time,
    shown,
)
from .jose import (
    ALGORITHMS,
    CompactJWS,
    VerificationKey,
    parse_compact,
    require_algorithm,
    verify_compact,
)

TYPES = ("at+jwt", "application/at+jwt")
UNTYPED = (*TYPES, "jwt", "application/jwt")
OF_ID_TOKENS = ("nonce", "at_hash", "c_hash", "s_hash", "events")
"""Claims that only other kinds of tokens have."""

ALLOWED_ALGORITHMS = tuple(name for name, algorithm in ALGORITHMS.items() if algorithm.kty != "oct")
"""A secret that is shared with every client could sign for each of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessExpectations:
    """What every access token must say.

    Parameters:
        issuer: the provider's Issuer Identifier.
        audience: values of which `aud` must name one; None when it isn't checked.
        leeway_seconds: by how much the provider's clock may differ from ours.
    """

    issuer: str
    audience: frozenset[str] | None
    leeway_seconds: float

    def __post_init__(self) -> None:
        if self.audience is not None and not self.audience:
            raise ConfigurationError("audience must name whom tokens must be meant for.")


def require_access_claims(claims: Claims, expectations: AccessExpectations, *, now: float) -> None:
    """Require of claims that the provider vouches for that the token is good now, and meant for us (RFC 7662 4).

    What is absent isn't checked, but for `aud`. Raises TokenExpired or ClaimInvalid.
    """
    if "iss" in claims:
        require_issuer(claims, expectations.issuer)
    _require_audience(claims, expectations.audience)
    _require_times(claims, expectations.leeway_seconds, now)
    for name in ("sub", "client_id"):
        if claims.get(name) is not None:
            require_string(claims, name)
    read_scopes(claims)
    # who stole such a token must not get in by leaving the proof out (RFC 7800 3.1, RFC 9449 7.2)
    if "cnf" in claims:
        message = "cnf binds the token to a key, of which a bearer gives no proof: such tokens aren't supported."
        raise ClaimInvalid(message, claim="cnf")


def _require_audience(claims: Claims, audience: frozenset[str] | None) -> None:
    if audience is None:
        return
    if "aud" not in claims:
        raise ClaimInvalid(
            "aud is missing, so nothing says for whom the token is. Let the provider send it, or set "
            "enforce_audience=False in ProviderConfiguration to take tokens that are meant for others.",
            claim="aud",
        )
    if read_audience(claims).isdisjoint(audience):
        names, seen = ", ".join(sorted(audience)), shown(claims["aud"])
        message = (
            f"aud must contain {names}, not only {seen}. Let the provider add it, or set audience in "
            "ProviderConfiguration to what this provider calls this API; under introspection, enforce_audience=False "
            "accepts tokens that are meant for others."
        )
        raise ClaimInvalid(message, claim="aud", expected=audience, seen=seen)


def _require_times(claims: Claims, leeway: float, now: float) -> None:
    if "exp" in claims:
        require_not_expired(claims, now=now, leeway=leeway)
    require_begun(claims, now=now, leeway=leeway)
    if "iat" in claims:
        require_past_time(claims, "iat", now=now, leeway=leeway)


def parse_access_token(token: str, algorithms: tuple[str, ...], *, untyped: bool) -> CompactJWS:
    """The token taken apart, after all checks that need no key (RFC 9068 4). The signature is **not** verified yet.

    `untyped` takes tokens that don't say in `typ` what they are. Raises TokenMalformed, AlgorithmNotAllowed or
    ClaimInvalid.
    """
    if not algorithms or not set(algorithms) <= set(ALLOWED_ALGORITHMS):
        raise ConfigurationError(f"access_token_algorithms must be some of {', '.join(ALLOWED_ALGORITHMS)}.")
    if "." not in token:
        raise TokenMalformed(
            "The token is opaque, not a JWT. Only its provider knows what it grants: set "
            'access_token_verification="introspection" or "auto" in ProviderConfiguration.'
        )
    jws = parse_compact(token)
    if not is_access_token_type(jws, untyped=untyped):
        raise ClaimInvalid(
            "typ must be at+jwt. If this provider's access tokens don't say what they are, set "
            "accept_untyped_access_tokens=True in ProviderConfiguration.",
            claim="typ",
        )
    require_algorithm(jws, algorithms, setting="access_token_algorithms in ProviderConfiguration")
    return jws


def is_access_token_type(jws: CompactJWS, *, untyped: bool) -> bool:
    typ = jws.header.get("typ", "JWT")
    return isinstance(typ, str) and typ.lower() in (UNTYPED if untyped else TYPES)


def read_access_token(
    jws: CompactJWS, key: VerificationKey, expectations: AccessExpectations, *, client_id: str | None, now: float
) -> dict[str, Any]:
    """The claims of an access token whose signature and every expected claim are right (RFC 9068 4).

    `client_id` is our own, to tell ID tokens apart; None when we have none. Raises TokenError, and ConfigurationError
    for expectations without an audience.
    """
    if expectations.audience is None:
        raise ConfigurationError("audience must be set: nothing else tells whom an access token is meant for.")
    verify_compact(jws, key)
    claims = read_claims(jws.payload)
    require_string(claims, "iss")
    require_time(claims, "exp")
    require_access_claims(claims, expectations, now=now)
    if jws.header.get("typ", "JWT").lower() not in TYPES:
        _require_no_id_token(claims, client_id)
    return claims


def _require_no_id_token(claims: Claims, client_id: str | None) -> None:
    for name in OF_ID_TOKENS:
        if name in claims:
            raise ClaimInvalid(f"{name} must be absent: this is not an access token.", claim=name)
    # of a token without a type, nothing else would tell the two apart
    if client_id is not None and claims["aud"] in (client_id, [client_id]):
        raise ClaimInvalid("aud must not be the client alone: this may be an ID token.", claim="aud")


def is_issued_by(token: str, issuer: str, *, untyped: bool) -> bool:
    """Whether a token looks like an access token of `issuer`. Nothing of it is verified."""
    jws = _parsed(token)
    return jws is not None and is_access_token_type(jws, untyped=untyped) and _claimed_issuer(jws) == issuer


def claimed_issuer(token: str) -> str | None:
    """The `iss` that a token claims to have, **not** verified; None for what is no JWT."""
    jws = _parsed(token)
    return None if jws is None else _claimed_issuer(jws)


def _parsed(token: str) -> CompactJWS | None:
    try:
        return parse_compact(token)
    except OIDCError:
        return None


def _claimed_issuer(jws: CompactJWS) -> str | None:
    try:
        issuer = read_claims(jws.payload).get("iss")
    except OIDCError:
        return None
    return issuer if isinstance(issuer, str) else None
