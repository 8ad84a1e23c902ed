"""The logout token, by which a provider ends sessions without a browser (OIDC Back-Channel Logout 1.0, 2.4, 2.6)."""

import math
from dataclasses import dataclass, field
from typing import Any, cast

from oidc_async.errors import ClaimInvalid, ConfigurationError, OIDCError

from .claims import (
    Claims,
    read_audience,
    require_audience,
    require_issued_recently,
    require_issuer,
    require_not_before,
    require_not_expired,
    require_string,
    require_subject,
)
from .jose.jws import (
    CompactJWS,
    VerificationKey,
    are_supported_algorithms,
    parse_compact,
    require_algorithm,
    verify_compact,
)

TYPES = ("logout+jwt", "application/logout+jwt")
UNTYPED = (*TYPES, "jwt", "application/jwt")
EVENT = "http://schemas.openid.net/event/backchannel-logout"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutToken:
    """Whose sessions a provider ended, verified.

    Parameters:
        iss: the provider's Issuer Identifier.
        sub: the user, all of whose sessions end when there is no `sid`; None when only `sid` is told.
        sid: the one session at the provider that ended; None when all of the user's did.
        iat: when the provider issued it, in seconds since 1970.
        exp: when it expires; None for a provider that does not say so.
        jti: the name of this token: a second one by this name is a replay.
        valid_until: when it would be refused as too old, in seconds since 1970.
    """

    iss: str
    sub: str | None = field(repr=False)
    sid: str | None = field(repr=False)
    iat: float
    exp: float | None
    jti: str
    valid_until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutTokenExpectations:
    """What one logout token must say.

    Parameters:
        issuer: the provider's Issuer Identifier.
        client_id: our own.
        algorithms: the `alg` values that the client registered for ID tokens; `none` never is one.
        leeway_seconds: by how much the provider's clock may differ from ours.
        issued_within_seconds: how old `iat` may be.
        untyped: takes tokens that don't say in `typ` what they are.
        without_exp: takes tokens that don't expire, as the first versions of the specification had them.

    Raises ConfigurationError for algorithms that would let tokens through unchecked.
    """

    issuer: str
    client_id: str
    algorithms: tuple[str, ...]
    leeway_seconds: float
    issued_within_seconds: float
    untyped: bool
    without_exp: bool

    def __post_init__(self) -> None:
        if not are_supported_algorithms(self.algorithms):
            raise ConfigurationError("algorithms must be a tuple of names of signature algorithms.")


def is_meant_for(jws: CompactJWS, issuer: str, client_id: str) -> bool:
    """Whether a token claims to be from `issuer` and for `client_id`. Nothing of it is verified."""
    try:
        claims = jws.claims
        return claims.get("iss") == issuer and client_id in read_audience(claims)
    except OIDCError:
        return False


def parse_logout_token(token: str, expectations: LogoutTokenExpectations) -> CompactJWS:
    """The token taken apart, after all checks that need no key: its form, `typ` and `alg`.

    The signature is **not** verified yet; see read_logout_token.
    Raises TokenMalformed, AlgorithmNotAllowed or ClaimInvalid.
    """
    jws = parse_compact(token)
    require_logout_token_header(jws, expectations)
    return jws


def read_logout_token(
    jws: CompactJWS, key: VerificationKey, expectations: LogoutTokenExpectations, *, now: float
) -> LogoutToken:
    """What a logout token says whose signature and every claim are right (OIDC Back-Channel Logout 2.6).

    Parameters:
        jws: from parse_logout_token.
        key: the provider's key, or the client's secret for HS256 and its kin.
        expectations: what the token must say.
        now: seconds since 1970.

    Raises AlgorithmNotAllowed, KeyUnusable, SignatureInvalid, TokenMalformed, TokenExpired or ClaimInvalid.
    """
    require_logout_token_header(jws, expectations)
    verify_compact(jws, key)
    return read_logout_token_claims(jws, expectations, now=now)


def read_logout_token_claims(jws: CompactJWS, expectations: LogoutTokenExpectations, *, now: float) -> LogoutToken:
    """What it says, if every claim is right. The signature is **not** looked at: see read_logout_token.

    Raises TokenMalformed, TokenExpired or ClaimInvalid.
    """
    claims = jws.claims
    require_issuer(claims, expectations.issuer)
    require_audience(claims, frozenset({expectations.client_id}))
    _require_times(claims, expectations, now)
    _require_event(claims)
    return LogoutToken(
        iss=expectations.issuer,
        sub=_read_subject(claims),
        sid=_read_session(claims),
        iat=claims["iat"],
        exp=claims.get("exp"),
        jti=require_string(claims, "jti"),
        valid_until=min(claims.get("exp", math.inf), claims["iat"] + expectations.issued_within_seconds)
        + expectations.leeway_seconds,
    )


def require_logout_token_header(jws: CompactJWS, expectations: LogoutTokenExpectations) -> None:
    """Require the type of a logout token and the registered algorithm. Raises AlgorithmNotAllowed or ClaimInvalid."""
    typ = jws.header.get("typ", "JWT")
    types = UNTYPED if expectations.untyped else TYPES
    if not isinstance(typ, str) or typ.lower() not in types:
        hint = "" if expectations.untyped else " Untyped ones are rejected by accept_untyped_logout_tokens=False."
        raise ClaimInvalid(f"typ must be logout+jwt: this is another kind of token.{hint}", claim="typ")
    require_algorithm(jws, expectations.algorithms, setting="id_token_signed_response_alg in ClientMetadata")


def _require_times(claims: Claims, expectations: LogoutTokenExpectations, now: float) -> None:
    leeway = expectations.leeway_seconds
    if "exp" not in claims and not expectations.without_exp:
        message = "exp is missing. Older providers leave it out: accept_logout_tokens_without_exp=True accepts that."
        raise ClaimInvalid(message, claim="exp")
    if "exp" in claims:
        require_not_expired(claims, now=now, leeway=leeway)
    require_not_before(claims, now=now, leeway=leeway)
    require_issued_recently(claims, now=now, leeway=leeway, within=expectations.issued_within_seconds)


def _require_event(claims: Claims) -> None:
    """Require what only a logout token has, and that it lacks what makes an ID token (2.4)."""
    events = claims.get("events")
    members = cast("dict[str, Any]", events) if isinstance(events, dict) else {}
    if not isinstance(members.get(EVENT), dict):
        raise ClaimInvalid(f"events must be an object with the member {EVENT}, an object.", claim="events")
    if "nonce" in claims:
        raise ClaimInvalid("nonce must be absent: no logout token has one.", claim="nonce")


def _read_subject(claims: Claims) -> str | None:
    if "sub" not in claims:
        return None
    require_subject(claims)
    return str(claims["sub"])


def _read_session(claims: Claims) -> str | None:
    if "sid" in claims:
        return require_string(claims, "sid")
    if "sub" not in claims:
        raise ClaimInvalid("sub or sid must say whose sessions end.", claim="sid")
    return None
