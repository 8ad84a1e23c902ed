"""The validation of access tokens by a resource server, and of those that are JWTs (RFC 9068)."""

from dataclasses import dataclass
from typing import Any

from oidc_async.errors import ClaimInvalid, ConfigurationError, TokenMalformed

from .access_grant import CLIENT_CLAIMS, read_scopes
from .claims import (
    Claims,
    format_claim,
    read_audience,
    require_issuer,
    require_not_before,
    require_not_expired,
    require_past_time,
    require_string,
    require_time,
)
from .jose.jws import (
    ALGORITHMS,
    CompactJWS,
    VerificationKey,
    require_algorithm,
    verify_compact,
)
from .presented_token import PresentedToken
from .token_kind import ID_TOKEN_ONLY_CLAIMS, AccessTokenMark, require_marks, require_no_other_kind

TYPES = ("at+jwt", "application/at+jwt")
UNTYPED = (*TYPES, "jwt", "application/jwt")
ALLOWED_ALGORITHMS = tuple(name for name, algorithm in ALGORITHMS.items() if algorithm.kty != "oct")
"""Without the HMAC algorithms: anyone with the shared secret could sign tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessExpectations:
    """The expected claims of access tokens.

    Args:
        issuer: the provider's Issuer Identifier.
        audience: the accepted values of `audience_claim`; None disables the check.
        leeway_seconds: the tolerated clock difference.
        audience_claim: the claim with the audience. If it is not `aud`, an `aud` that is present is checked, too.
        clients: the accepted clients; None accepts every client.
        subjects: the accepted values of `sub`; None accepts everyone.
        marks: claims that tell an access token without a `typ` from an ID token, instead of its audience.
    """

    issuer: str
    audience: frozenset[str] | None
    leeway_seconds: float
    audience_claim: str = "aud"
    clients: frozenset[str] | None = None
    subjects: frozenset[str] | None = None
    marks: tuple[AccessTokenMark, ...] = ()

    def __post_init__(self) -> None:
        for name in ("audience", "clients", "subjects"):
            names = getattr(self, name)
            if names is not None and not names:
                raise ConfigurationError(f"{name} must not be empty: no token would be accepted.")


def require_access_claims(claims: Claims, expectations: AccessExpectations, *, now: float) -> None:
    """Validate authentic claims: the token is valid now and meant for this resource server (RFC 7662 4).

    Missing claims are accepted, except `aud` and those that `clients` and `subjects` require.

    Raises:
        TokenExpired: `exp` is in the past.
        ClaimInvalid: another claim is invalid.
    """
    if "iss" in claims:
        require_issuer(claims, expectations.issuer)
    # Before the audience: an ID token may well have the audience of an API that is also a client.
    require_no_other_kind(claims)
    _require_audience(claims, expectations)
    _require_times(claims, expectations.leeway_seconds, now)
    for name in ("sub", "client_id"):
        if claims.get(name) is not None:
            require_string(claims, name)
    _require_client(claims, expectations.clients)
    _require_subject(claims, expectations.subjects)
    read_scopes(claims)
    # Such a token is bound to a key (RFC 7800 3.1, RFC 9449 7.2). If it were accepted as a bearer token, a thief
    # could use it without the key.
    if "cnf" in claims:
        message = "cnf binds the token to a key, but a bearer token has no proof of possession: not supported."
        raise ClaimInvalid(message, claim="cnf")


def _require_audience(claims: Claims, expectations: AccessExpectations) -> None:
    audience, name = expectations.audience, expectations.audience_claim
    if audience is None:
        return
    # Some providers put the API into another claim, such as client_id or scope, and something else into aud.
    if name != "aud":
        _require_one_of(claims, name, audience, "audience")
        if "aud" not in claims:
            return
    if "aud" not in claims:
        raise ClaimInvalid(
            "aud is missing, so the recipient of the token is unknown. Configure the provider to send it, or set "
            "enforce_audience=False, without audience, in ProviderConfiguration to accept tokens for other "
            "recipients.",
            claim="aud",
        )
    if read_audience(claims).isdisjoint(audience):
        names, seen = ", ".join(sorted(audience)), format_claim(claims["aud"])
        raise ClaimInvalid(
            f"aud must contain {names}, not only {seen}. Configure the provider to add it, or set audience in "
            "ProviderConfiguration to the name of this API at the provider. With introspection, "
            "enforce_audience=False, without audience, accepts tokens for other recipients.",
            claim="aud",
            expected=audience,
            seen=seen,
        )


def _require_client(claims: Claims, clients: frozenset[str] | None) -> None:
    """Require that at least one claim names the client, and that all that do name one of `clients`."""
    if clients is None:
        return
    # All of the claims count: a token with a trusted client_id and another azp is ambiguous.
    names = [name for name in CLIENT_CLAIMS if claims.get(name) is not None] or CLIENT_CLAIMS[:1]
    for name in names:
        _require_one_of(claims, name, clients, "access_token_clients")


def _require_subject(claims: Claims, subjects: frozenset[str] | None) -> None:
    if subjects is not None:
        _require_one_of(claims, "sub", subjects, "access_token_subjects")


def _require_one_of(claims: Claims, name: str, expected: frozenset[str], setting: str) -> None:
    value = claims.get(name)
    if not isinstance(value, str) or value not in expected:
        seen = format_claim(value) if name in claims else "absent"
        raise ClaimInvalid(
            f"{name} must be one of {setting} in ProviderConfiguration, not {seen}.",
            claim=name,
            expected=expected,
            seen=seen,
        )


def _require_times(claims: Claims, leeway: float, now: float) -> None:
    if "exp" in claims:
        require_not_expired(claims, now=now, leeway=leeway)
    require_not_before(claims, now=now, leeway=leeway)
    if "iat" in claims:
        require_past_time(claims, "iat", now=now, leeway=leeway)


def parse_access_token(token: PresentedToken, algorithms: tuple[str, ...], *, untyped: bool) -> CompactJWS:
    """Parse a JWT access token and check its header (RFC 9068 4). The signature is **not** verified yet.

    Args:
        token: the token.
        algorithms: the allowed `alg` values.
        untyped: whether tokens without `typ: at+jwt` are accepted.

    Raises:
        TokenError: TokenMalformed, AlgorithmNotAllowed or ClaimInvalid.
        ConfigurationError: one of `algorithms` can't be allowed.
    """
    if not algorithms or not set(algorithms) <= set(ALLOWED_ALGORITHMS):
        raise ConfigurationError(f"access_token_algorithms must be one or more of {', '.join(ALLOWED_ALGORITHMS)}.")
    # Checked first, for a helpful message: opaque tokens are the most common mistake in a configuration.
    if "." not in token.text:
        raise TokenMalformed(
            "The token is opaque, not a JWT. It can only be verified by introspection: set "
            'access_token_verification="introspection" or "auto" in ProviderConfiguration.'
        )
    jws = token.jws
    if not is_access_token_type(jws, untyped=untyped):
        raise ClaimInvalid(
            "typ must be at+jwt. If the access tokens of this provider have no such typ, set "
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
    """Verify the signature and the claims of a JWT access token, and return the claims (RFC 9068 4).

    Args:
        jws: from `parse_access_token`.
        key: the provider's key.
        expectations: the expected claims.
        client_id: the own client, if any, to tell ID tokens from access tokens.
        now: seconds since 1970.

    Raises:
        TokenError: the signature or a claim is invalid.
        ConfigurationError: the expectations have no audience.
    """
    verify_compact(jws, key)
    require_access_token_claims(jws, expectations, client_id=client_id, now=now)
    return jws.claims


def require_access_token_claims(
    jws: CompactJWS, expectations: AccessExpectations, *, client_id: str | None, now: float
) -> None:
    """Validate the claims of a JWT access token. The signature is **not** verified: see `read_access_token`.

    Raises TokenError, or ConfigurationError if the expectations have no audience.
    """
    if expectations.audience is None:
        raise ConfigurationError("audience must be set: it identifies the recipient of an access token.")
    claims = jws.claims
    require_string(claims, "iss")
    require_time(claims, "exp")
    if expectations.audience_claim == "aud" and "aud" not in claims:
        raise _without_audience(claims)
    require_access_claims(claims, expectations, now=now)
    # With the type at+jwt, the header already excludes ID tokens.
    if jws.header.get("typ", "JWT").lower() not in TYPES:
        _require_no_id_token(claims, expectations, client_id)


def _without_audience(claims: Claims) -> ClaimInvalid:
    named = [name for name in CLIENT_CLAIMS if name in claims]
    other = f" or set audience_claim, because {' and '.join(named)} names the client of the token" if named else ""
    return ClaimInvalid(
        f"aud is missing, so the recipient of the token is unknown. Configure the provider to send it{other}. "
        "See docs/guides/protecting-apis.md.",
        claim="aud",
    )


def _require_no_id_token(claims: Claims, expectations: AccessExpectations, client_id: str | None) -> None:
    for name in ID_TOKEN_ONLY_CLAIMS:
        if name in claims:
            raise ClaimInvalid(f"{name} must be absent: this is not an access token.", claim=name)
    if expectations.marks:
        require_marks(claims, expectations.marks)
        return
    clients = {*(expectations.clients or ()), *(() if client_id is None else (client_id,))}
    # Without a type, only the audience tells the two apart: that of an ID token is the client.
    if "aud" in claims and read_audience(claims) <= clients:
        raise ClaimInvalid(
            "aud must not be the client alone: this may be an ID token. If only the access tokens of this provider "
            "have a certain claim, set it in access_token_marks.",
            claim="aud",
        )


def is_issued_by(token: PresentedToken, issuer: str, *, untyped: bool) -> bool:
    """Return whether a token looks like an access token of `issuer`. Nothing of it is verified."""
    jws = token.jws_or_none
    return jws is not None and is_access_token_type(jws, untyped=untyped) and token.claimed_issuer == issuer
