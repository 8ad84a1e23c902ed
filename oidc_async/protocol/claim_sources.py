"""Aggregated claims, which come as a JWT, and distributed claims, which are fetched (OIDC Core 5.6.2)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from oidc_async.errors import ClaimInvalid

from .claims import (
    Claims,
    require_audience,
    require_issuer,
    require_not_before,
    require_not_expired,
    require_string,
)
from .http_message import HttpRequest, HttpResponse
from .jose.jws import CompactJWS, VerificationKey, parse_compact, require_algorithm, verify_compact
from .registration import is_bearer_token
from .uri import uri_problem

CLAIM_NAMES, CLAIM_SOURCES = "_claim_names", "_claim_sources"
MAX_SOURCES = 5
MAX_BODY = 64 * 1024
"""The limit of a response with distributed claims, in bytes."""
TOKEN_CLAIMS = frozenset({"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "events", "cnf"})
LOGIN_CLAIMS = frozenset({"nonce", "auth_time", "acr", "amr", "azp", "sid", "at_hash", "c_hash", "s_hash"})
PROVIDER_ONLY_CLAIMS = TOKEN_CLAIMS | LOGIN_CLAIMS | {CLAIM_NAMES, CLAIM_SOURCES}
"""Claims that only the provider may assert, and no other source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimSource:
    """The source of the claims `names`: a `jwt` (aggregated) or an `endpoint` (distributed)."""

    names: frozenset[str]
    jwt: str | None = field(default=None, repr=False)
    endpoint: str | None = field(default=None, repr=False)
    access_token: str | None = field(default=None, repr=False)


def has_claim_sources(claims: Claims) -> bool:
    """Return whether there are aggregated or distributed claims."""
    return CLAIM_NAMES in claims or CLAIM_SOURCES in claims


def without_claim_sources(claims: Claims) -> dict[str, Any]:
    """Return the provider's own claims, without the sources and their access tokens."""
    return {name: value for name, value in claims.items() if name not in (CLAIM_NAMES, CLAIM_SOURCES)}


def read_claim_names(claims: Claims) -> dict[str, frozenset[str]]:
    """Return the claims of each source, by the name of the source. The provider's own claims take precedence.

    Raises ClaimInvalid.
    """
    names: dict[str, set[str]] = {}
    for name, source in _object(claims, CLAIM_NAMES).items():
        if not isinstance(source, str):
            raise ClaimInvalid(f"The values in {CLAIM_NAMES} must be strings.", claim=CLAIM_NAMES)
        # A source must never replace a claim of the provider, above all not sub or a claim about the login.
        if name not in PROVIDER_ONLY_CLAIMS and name not in claims:
            names.setdefault(source, set()).add(name)
    if len(names) > MAX_SOURCES:
        raise ClaimInvalid(f"{CLAIM_NAMES} must name at most {MAX_SOURCES} sources.", claim=CLAIM_NAMES)
    return {source: frozenset(found) for source, found in names.items()}


def read_claim_source(claims: Claims, source: str, names: frozenset[str]) -> ClaimSource:
    """Read the source of this name. Raises ClaimInvalid if it is missing or malformed."""
    members = _object(_object(claims, CLAIM_SOURCES), source)
    if ("JWT" in members) == ("endpoint" in members):
        raise ClaimInvalid(f"A source in {CLAIM_SOURCES} must have either JWT or endpoint.", claim=CLAIM_SOURCES)
    # Aggregated claims come with the response, so they need no request.
    if "JWT" in members:
        return ClaimSource(names=names, jwt=require_string(members, "JWT"))
    endpoint, token = members["endpoint"], members.get("access_token")
    if problem := uri_problem(endpoint):
        raise ClaimInvalid(f"endpoint in {CLAIM_SOURCES} {problem}.", claim=CLAIM_SOURCES)
    if token is not None and not is_bearer_token(token):
        raise ClaimInvalid(f"access_token in {CLAIM_SOURCES} must be a bearer token.", claim=CLAIM_SOURCES)
    return ClaimSource(names=names, endpoint=endpoint, access_token=token)


def distributed_claims_request(endpoint: str, access_token: str | None, seconds: float) -> HttpRequest:
    """Return the GET request, with the access token of the source (OIDC Core 5.6.2).

    It is not retried and limited to `seconds`, because a login waits for it.
    """
    authorization = {} if access_token is None else {"authorization": f"Bearer {access_token}"}
    return HttpRequest(
        method="GET",
        url=endpoint,
        headers={"accept": "application/jwt", **authorization},
        max_body=MAX_BODY,
        seconds=seconds,
    )


def read_distributed_claims(response: HttpResponse) -> str:
    """Return the JWT in the response, **not verified**. Raises ClaimInvalid."""
    if response.status != 200:
        raise ClaimInvalid(
            f"The response of a claims endpoint must have status 200, not {response.status}.", claim=CLAIM_SOURCES
        )
    # The media type is not checked: only the signature counts.
    return response.body.decode("ascii", "replace").strip()


def parse_source_token(token: str) -> CompactJWS:
    """Parse the JWT of a source, **not verified**. Raises TokenError."""
    jws = parse_compact(token)
    typ = jws.header.get("typ", "JWT")
    if not isinstance(typ, str) or typ.lower().removeprefix("application/") != "jwt":
        raise ClaimInvalid("typ must be JWT or absent: this is another kind of token.", claim="typ")
    return jws


def claimed_issuer(jws: CompactJWS) -> str:
    """Return `iss`, **not verified**: it only selects the keys for the verification. Raises ClaimInvalid."""
    return require_string(jws.claims, "iss")


def read_source_token(
    jws: CompactJWS,
    key: VerificationKey,
    *,
    issuer: str,
    algorithms: tuple[str, ...],
    client_id: str,
    leeway: float,
    now: float,
) -> dict[str, Any]:
    """Verify the JWT of a source and return its claims (OIDC Core 5.6.2).

    `aud`, `exp` and `nbf` are optional, but must be valid if present. `sub` is not checked: it is the identifier of
    the user at this issuer, which the provider does not know.

    Args:
        jws: from `parse_source_token`.
        key: the key of `issuer`.
        issuer: the expected `iss`.
        algorithms: the allowed `alg` values.
        client_id: the expected `aud`.
        leeway: the tolerated clock difference, in seconds.
        now: seconds since 1970.

    Raises:
        TokenError: the signature or a claim is invalid.
    """
    require_algorithm(jws, algorithms, setting="algorithms of the ClaimsProvider")
    verify_compact(jws, key)
    claims = jws.claims
    require_issuer(claims, issuer)
    if "aud" in claims:
        require_audience(claims, frozenset({client_id}))
    if "exp" in claims:
        require_not_expired(claims, now=now, leeway=leeway)
    require_not_before(claims, now=now, leeway=leeway)
    if "events" in claims:
        raise ClaimInvalid("events must be absent: this is a logout or event token.", claim="events")
    return claims


def _object(claims: Claims, name: str) -> Mapping[str, Any]:
    value: object = claims.get(name)
    if not isinstance(value, dict):
        raise ClaimInvalid("_claim_names, _claim_sources and each source must be objects.", claim=CLAIM_SOURCES)
    return cast("Mapping[str, Any]", value)
