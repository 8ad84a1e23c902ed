"""Claims that others vouch for: aggregated ones come in a JWT, distributed ones are fetched (OIDC Core 5.6.2)."""

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
"""Bytes of the answer with distributed claims."""
TOKEN_CLAIMS = frozenset({"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "events", "cnf"})
LOGIN_CLAIMS = frozenset({"nonce", "auth_time", "acr", "amr", "azp", "sid", "at_hash", "c_hash", "s_hash"})
PROVIDER_ONLY_CLAIMS = TOKEN_CLAIMS | LOGIN_CLAIMS | {CLAIM_NAMES, CLAIM_SOURCES}
"""What nobody but the provider says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimSource:
    """Where the claims of these `names` come from: a `jwt` that came along, or an `endpoint`."""

    names: frozenset[str]
    jwt: str | None = field(default=None, repr=False)
    endpoint: str | None = field(default=None, repr=False)
    access_token: str | None = field(default=None, repr=False)


def has_claim_sources(claims: Claims) -> bool:
    """Whether others vouch for some of the claims."""
    return CLAIM_NAMES in claims or CLAIM_SOURCES in claims


def without_claim_sources(claims: Claims) -> dict[str, Any]:
    """What the provider itself says, and no access token for anybody."""
    return {name: value for name, value in claims.items() if name not in (CLAIM_NAMES, CLAIM_SOURCES)}


def read_claim_names(claims: Claims) -> dict[str, frozenset[str]]:
    """The names of claims that each source is asked for: what the provider says itself is asked of nobody.

    Raises ClaimInvalid.
    """
    names: dict[str, set[str]] = {}
    for name, source in _object(claims, CLAIM_NAMES).items():
        if not isinstance(source, str):
            raise ClaimInvalid(f"{CLAIM_NAMES} must name sources by strings.", claim=CLAIM_NAMES)
        if name not in PROVIDER_ONLY_CLAIMS and name not in claims:
            names.setdefault(source, set()).add(name)
    if len(names) > MAX_SOURCES:
        raise ClaimInvalid(f"{CLAIM_NAMES} must name at most {MAX_SOURCES} sources.", claim=CLAIM_NAMES)
    return {source: frozenset(found) for source, found in names.items()}


def read_claim_source(claims: Claims, source: str, names: frozenset[str]) -> ClaimSource:
    """The source of this name. Raises ClaimInvalid for one that is missing, or neither of the two kinds."""
    members = _object(_object(claims, CLAIM_SOURCES), source)
    if ("JWT" in members) == ("endpoint" in members):
        raise ClaimInvalid(f"A source in {CLAIM_SOURCES} must have either JWT or endpoint.", claim=CLAIM_SOURCES)
    if "JWT" in members:
        return ClaimSource(names=names, jwt=require_string(members, "JWT"))
    endpoint, token = members["endpoint"], members.get("access_token")
    if problem := uri_problem(endpoint):
        raise ClaimInvalid(f"endpoint in {CLAIM_SOURCES} {problem}.", claim=CLAIM_SOURCES)
    if token is not None and not is_bearer_token(token):
        raise ClaimInvalid(f"access_token in {CLAIM_SOURCES} must be a bearer token.", claim=CLAIM_SOURCES)
    return ClaimSource(names=names, endpoint=endpoint, access_token=token)


def distributed_claims_request(endpoint: str, access_token: str | None, seconds: float) -> HttpRequest:
    """Ask by GET, with the token of this source in the header (OIDC Core 5.6.2).

    Sent once, and waited for no longer than `seconds`: so long a login waits, too.
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
    """The JWT in the answer, of which nothing is verified yet. Raises ClaimInvalid."""
    if response.status != 200:
        raise ClaimInvalid(f"A source of claims must answer with 200, not {response.status}.", claim=CLAIM_SOURCES)
    # of whatever type it says it is: nothing is believed but a signature
    return response.body.decode("ascii", "replace").strip()


def parse_source_token(token: str) -> CompactJWS:
    """The JWT of a source taken apart, **not verified**. Raises TokenError."""
    jws = parse_compact(token)
    typ = jws.header.get("typ", "JWT")
    if not isinstance(typ, str) or typ.lower().removeprefix("application/") != "jwt":
        raise ClaimInvalid("typ must be JWT or absent: this is another kind of token.", claim="typ")
    return jws


def claimed_issuer(jws: CompactJWS) -> str:
    """Who the token says it is from: it tells which keys to verify it by, no more. Raises ClaimInvalid."""
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
    """The claims, if `key` of `issuer` signed them by one of `algorithms`, for us or for nobody in particular.

    What is there of `aud`, `exp` and `nbf` must be right; `sub`, if there is one, is a name of the user at this
    issuer and can be compared with nothing (OIDC Core 5.6.2). `leeway` and `now` are in seconds.
    Raises TokenError.
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
