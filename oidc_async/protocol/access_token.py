"""Access tokens as a resource server takes them: what they must say, and those that are JWTs (RFC 9068)."""

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
"""A secret that is shared with every client could sign for each of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessExpectations:
    """What every access token must say.

    Parameters:
        issuer: the provider's Issuer Identifier.
        audience: values of which `audience_claim` must name one; None when it isn't checked.
        leeway_seconds: by how much the provider's clock may differ from ours.
        audience_claim: the claim that says whom the token is meant for. If it is not `aud`, an `aud` that is there
            must name one of `audience` as well.
        clients: those of which one must have got the token; None when any client will do.
        subjects: those of which `sub` must be one; None when anybody will do.
        marks: what tells an access token without a `typ` from an ID token, in place of its audience.
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
    """Require of claims that the provider vouches for that the token is good now, and meant for us (RFC 7662 4).

    A claim that is absent isn't checked, except `aud` and what `clients` and `subjects` require.
    Raises TokenExpired or ClaimInvalid.
    """
    if "iss" in claims:
        require_issuer(claims, expectations.issuer)
    require_no_other_kind(claims)
    _require_audience(claims, expectations)
    _require_times(claims, expectations.leeway_seconds, now)
    for name in ("sub", "client_id"):
        if claims.get(name) is not None:
            require_string(claims, name)
    _require_client(claims, expectations.clients)
    _require_subject(claims, expectations.subjects)
    read_scopes(claims)
    # who stole such a token must not get in by leaving the proof out (RFC 7800 3.1, RFC 9449 7.2)
    if "cnf" in claims:
        message = "cnf binds the token to a key, of which a bearer gives no proof: such tokens aren't supported."
        raise ClaimInvalid(message, claim="cnf")


def _require_audience(claims: Claims, expectations: AccessExpectations) -> None:
    audience, name = expectations.audience, expectations.audience_claim
    if audience is None:
        return
    if name != "aud":
        _require_one_of(claims, name, audience, "audience")
        if "aud" not in claims:
            return
    if "aud" not in claims:
        raise ClaimInvalid(
            "aud is missing, so nothing says for whom the token is. Let the provider send it, or set "
            "enforce_audience=False, without audience, in ProviderConfiguration to take tokens that are meant for "
            "others.",
            claim="aud",
        )
    if read_audience(claims).isdisjoint(audience):
        names, seen = ", ".join(sorted(audience)), format_claim(claims["aud"])
        raise ClaimInvalid(
            f"aud must contain {names}, not only {seen}. Let the provider add it, or set audience in "
            "ProviderConfiguration to what this provider calls this API; under introspection, "
            "enforce_audience=False, without audience, accepts tokens that are meant for others.",
            claim="aud",
            expected=audience,
            seen=seen,
        )


def _require_client(claims: Claims, clients: frozenset[str] | None) -> None:
    """Require that each claim that names a client names one of these, and that there is one."""
    if clients is None:
        return
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
            f"{name} must be one that {setting} in ProviderConfiguration names, not {seen}.",
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
    """The token taken apart, after all checks that need no key (RFC 9068 4). The signature is **not** verified yet.

    `untyped` takes tokens that don't say in `typ` what they are. Raises TokenMalformed, AlgorithmNotAllowed or
    ClaimInvalid, and ConfigurationError for algorithms that must not be allowed.
    """
    if not algorithms or not set(algorithms) <= set(ALLOWED_ALGORITHMS):
        raise ConfigurationError(f"access_token_algorithms must be some of {', '.join(ALLOWED_ALGORITHMS)}.")
    if "." not in token.text:
        raise TokenMalformed(
            "The token is opaque, not a JWT. Only its provider knows what it grants: set "
            'access_token_verification="introspection" or "auto" in ProviderConfiguration.'
        )
    jws = token.jws
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
    verify_compact(jws, key)
    require_access_token_claims(jws, expectations, client_id=client_id, now=now)
    return jws.claims


def require_access_token_claims(
    jws: CompactJWS, expectations: AccessExpectations, *, client_id: str | None, now: float
) -> None:
    """Require every claim of an access token to be right. The signature is **not** looked at: see read_access_token.

    Raises TokenError, and ConfigurationError for expectations without an audience.
    """
    if expectations.audience is None:
        raise ConfigurationError("audience must be set: nothing else tells whom an access token is meant for.")
    claims = jws.claims
    require_string(claims, "iss")
    require_time(claims, "exp")
    if expectations.audience_claim == "aud" and "aud" not in claims:
        raise _without_audience(claims)
    require_access_claims(claims, expectations, now=now)
    if jws.header.get("typ", "JWT").lower() not in TYPES:
        _require_no_id_token(claims, expectations, client_id)


def _without_audience(claims: Claims) -> ClaimInvalid:
    named = [name for name in CLIENT_CLAIMS if name in claims]
    other = f" or, as {' and '.join(named)} names the client that got it, set audience_claim" if named else ""
    return ClaimInvalid(
        f"aud is missing, so nothing says for whom the token is. Let the provider send it{other}. "
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
    # of a token without a type, nothing else would tell the two apart
    if "aud" in claims and read_audience(claims) <= clients:
        raise ClaimInvalid(
            "aud must not be the client alone: this may be an ID token. If a claim tells the access tokens of this "
            "provider from its ID tokens, name it in access_token_marks.",
            claim="aud",
        )


def is_issued_by(token: PresentedToken, issuer: str, *, untyped: bool) -> bool:
    """Whether a token looks like an access token of `issuer`. Nothing of it is verified."""
    jws = token.jws_or_none
    return jws is not None and is_access_token_type(jws, untyped=untyped) and token.claimed_issuer == issuer
