"""Logout tokens, with which a provider ends sessions server to server (OIDC Back-Channel Logout 1.0, 2.4, 2.6)."""

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
    """A verified logout token.

    Args:
        iss: the provider's Issuer Identifier.
        sub: the user. Without `sid`, all sessions of the user end. None if there is only a `sid`.
        sid: the session at the provider that ended; None if all sessions of the user ended.
        iat: the time of issue, in seconds since 1970.
        exp: the expiry, in seconds since 1970; None if there is none.
        jti: the identifier of the token: a second token with the same one is a replay.
        valid_until: the time after which the token is rejected, in seconds since 1970.
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
    """The expected claims of a logout token.

    Args:
        issuer: the provider's Issuer Identifier.
        client_id: the client.
        algorithms: the registered `alg` values of ID tokens; never `none`.
        leeway_seconds: the tolerated clock difference.
        issued_within_seconds: the maximum age of `iat`.
        untyped: whether tokens without `typ: logout+jwt` are accepted.
        without_exp: whether tokens without `exp` are accepted, as in the first drafts of the specification.

    Raises:
        ConfigurationError: `algorithms` is not a tuple of supported algorithms.
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
    """Return whether a token claims to be from `issuer` for `client_id`. Nothing of it is verified."""
    try:
        claims = jws.claims
        return claims.get("iss") == issuer and client_id in read_audience(claims)
    except OIDCError:
        return False


def parse_logout_token(token: str, expectations: LogoutTokenExpectations) -> CompactJWS:
    """Parse a logout token and check its header. The signature is **not** verified yet.

    Raises TokenMalformed, AlgorithmNotAllowed or ClaimInvalid.
    """
    jws = parse_compact(token)
    require_logout_token_header(jws, expectations)
    return jws


def read_logout_token(
    jws: CompactJWS, key: VerificationKey, expectations: LogoutTokenExpectations, *, now: float
) -> LogoutToken:
    """Verify the signature and the claims of a logout token (OIDC Back-Channel Logout 2.6).

    Args:
        jws: from `parse_logout_token`.
        key: the provider's key, or the client secret for HS256, HS384 and HS512.
        expectations: the expected claims.
        now: seconds since 1970.

    Raises:
        TokenError: AlgorithmNotAllowed, KeyUnusable, SignatureInvalid, TokenMalformed, TokenExpired or ClaimInvalid.
    """
    require_logout_token_header(jws, expectations)
    verify_compact(jws, key)
    return read_logout_token_claims(jws, expectations, now=now)


def read_logout_token_claims(jws: CompactJWS, expectations: LogoutTokenExpectations, *, now: float) -> LogoutToken:
    """Validate the claims of a logout token. The signature is **not** verified: see `read_logout_token`.

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
    """Require the type of a logout token and a registered algorithm. Raises AlgorithmNotAllowed or ClaimInvalid."""
    # RFC 8725 3.11: the type tells logout tokens from other tokens that the provider signs with the same key.
    typ = jws.header.get("typ", "JWT")
    types = UNTYPED if expectations.untyped else TYPES
    if not isinstance(typ, str) or typ.lower() not in types:
        hint = "" if expectations.untyped else " accept_untyped_logout_tokens=False rejects untyped ones."
        raise ClaimInvalid(f"typ must be logout+jwt: this is another kind of token.{hint}", claim="typ")
    require_algorithm(jws, expectations.algorithms, setting="id_token_signed_response_alg in ClientMetadata")


def _require_times(claims: Claims, expectations: LogoutTokenExpectations, now: float) -> None:
    leeway = expectations.leeway_seconds
    # exp and iat limit how long the jti of a used token must be kept to detect a replay.
    if "exp" not in claims and not expectations.without_exp:
        message = "exp is missing. Some older providers omit it: accept_logout_tokens_without_exp=True accepts that."
        raise ClaimInvalid(message, claim="exp")
    if "exp" in claims:
        require_not_expired(claims, now=now, leeway=leeway)
    require_not_before(claims, now=now, leeway=leeway)
    require_issued_recently(claims, now=now, leeway=leeway, within=expectations.issued_within_seconds)


def _require_event(claims: Claims) -> None:
    """Require the event of a logout token, and reject a nonce, which only ID tokens have (2.4)."""
    events = claims.get("events")
    members = cast("dict[str, Any]", events) if isinstance(events, dict) else {}
    if not isinstance(members.get(EVENT), dict):
        raise ClaimInvalid(f"events must be an object with the member {EVENT}, an object.", claim="events")
    # OIDC Back-Channel Logout 2.4 forbids a nonce, so that a logout token can never be used as an ID token.
    if "nonce" in claims:
        raise ClaimInvalid("nonce must be absent in a logout token.", claim="nonce")


def _read_subject(claims: Claims) -> str | None:
    if "sub" not in claims:
        return None
    require_subject(claims)
    return str(claims["sub"])


def _read_session(claims: Claims) -> str | None:
    if "sid" in claims:
        return require_string(claims, "sid")
    if "sub" not in claims:
        raise ClaimInvalid("sub or sid is required: it identifies the sessions that end.", claim="sid")
    return None
