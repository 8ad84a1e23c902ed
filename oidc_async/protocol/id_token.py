"""The validation of ID tokens (OIDC Core 2, 3.1.3.7, 3.1.3.8, 3.2.2.11, 3.3.2.12)."""

import base64
import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeGuard, cast

from oidc_async.errors import ClaimInvalid, ConfigurationError

from .claims import (
    Claims,
    format_claim,
    is_same_secret,
    read_audience,
    require_issued_recently,
    require_issuer,
    require_not_before,
    require_not_expired,
    require_past_time,
    require_string,
    require_subject,
    require_time,
)
from .jose.jws import (
    ALGORITHMS,
    SUPPORTED_ALGORITHMS,
    CompactJWS,
    VerificationKey,
    are_supported_algorithms,
    parse_compact,
    require_algorithm,
    verify_compact,
)

TYPES = ("jwt", "application/jwt")
USER_IDENTITY = ("iss", "sub")

_SUPPORTED = ", ".join(SUPPORTED_ALGORITHMS)


@dataclass(frozen=True, slots=True, kw_only=True)
class IDTokenExpectations:
    """The expected claims of one ID token.

    Expectations have no defaults, so that no check is disabled by accident: that needs an explicit None.

    Args:
        issuer: the provider's Issuer Identifier.
        client_id: the client.
        algorithms: the registered `alg` values; never `none`.
        nonce: the `nonce` of the authentication request; None if it had none.
        leeway_seconds: the tolerated clock difference.
        max_age_seconds: the requested `max_age`; None if none was requested.
        acr_values: the accepted values of `acr`; empty accepts every value.
        subjects: the accepted values of `sub`; empty accepts everyone.
        trusted_audiences: values that `aud` may contain besides `client_id`.
        issued_within_seconds: the maximum age of `iat`.
        access_token: the access token that was issued with the ID token, for `at_hash`; None if there is none.
        code: the code that was issued with the ID token, for `c_hash`; None if there is none.
        state: the `state` of the authentication request, for `s_hash`; None if it had none.
        require_at_hash: whether `at_hash` is required.
        require_c_hash: whether `c_hash` is required.
        require_auth_time: whether `auth_time` is required even without `max_age_seconds`.

    Raises:
        ConfigurationError: an expectation would accept tokens without a check.
    """

    issuer: str
    client_id: str
    algorithms: tuple[str, ...]
    nonce: str | None = field(repr=False)
    leeway_seconds: float
    max_age_seconds: float | None
    acr_values: tuple[str, ...]
    subjects: tuple[str, ...]
    trusted_audiences: frozenset[str]
    issued_within_seconds: float
    access_token: str | None = field(repr=False)
    code: str | None = field(repr=False)
    state: str | None = field(repr=False)
    require_at_hash: bool = False
    require_c_hash: bool = False
    require_auth_time: bool = False

    def __post_init__(self) -> None:
        for is_met, rule in self._rules():
            if not is_met:
                raise ConfigurationError(rule)

    def _rules(self) -> Iterator[tuple[bool, str]]:
        yield are_supported_algorithms(self.algorithms), f"algorithms must be a non-empty tuple of {_SUPPORTED}."
        yield _is_text(self.issuer), "issuer must be a non-empty string."
        yield _is_text(self.client_id), "client_id must be a non-empty string."
        yield self.nonce is None or _is_text(self.nonce), "nonce must be None or a non-empty string."
        yield _is_tuple_of_text(self.acr_values), "acr_values must be a tuple of strings."
        yield _is_tuple_of_text(self.subjects), "subjects must be a tuple of strings."
        yield _is_frozenset(self.trusted_audiences), "trusted_audiences must be a frozenset."
        yield _is_duration(self.leeway_seconds), "leeway_seconds must be a finite number, not negative."
        yield _is_duration(self.issued_within_seconds), "issued_within_seconds must be a finite number."
        yield self.max_age_seconds is None or _is_duration(self.max_age_seconds), "max_age_seconds must be finite."
        yield self.access_token is not None or not self.require_at_hash, "require_at_hash needs access_token."
        yield self.code is not None or not self.require_c_hash, "require_c_hash needs code."


def parse_id_token(token: str, expectations: IDTokenExpectations) -> CompactJWS:
    """Parse an ID token and check its header. The signature is **not** verified yet.

    Raises TokenMalformed, AlgorithmNotAllowed or ClaimInvalid.
    """
    jws = parse_compact(token)
    _require_header(jws, expectations)
    return jws


def read_id_token(
    jws: CompactJWS, key: VerificationKey, expectations: IDTokenExpectations, *, now: float
) -> dict[str, Any]:
    """Verify the signature and the claims of an ID token, and return the claims (OIDC Core 3.1.3.7).

    Args:
        jws: from `parse_id_token`.
        key: the provider's key, or the client secret for HS256, HS384 and HS512.
        expectations: the expected claims.
        now: seconds since 1970.

    Raises:
        TokenError: AlgorithmNotAllowed, KeyUnusable, SignatureInvalid, TokenMalformed, TokenExpired or ClaimInvalid.
    """
    # The header is checked again, because nothing else proves that this JWS is from parse_id_token.
    _require_header(jws, expectations)
    verify_compact(jws, key)
    require_id_token_claims(jws, expectations, now=now)
    return jws.claims


def require_id_token_claims(jws: CompactJWS, expectations: IDTokenExpectations, *, now: float) -> None:
    """Validate the claims of an ID token. The signature is **not** verified: see `read_id_token`.

    Raises TokenMalformed, TokenExpired or ClaimInvalid.
    """
    claims = _read_claims(jws)
    require_issuer(claims, expectations.issuer)
    _require_audience(claims, expectations)
    _require_authorized_party(claims, expectations)
    _require_times(claims, expectations, now)
    _require_nonce(claims, expectations)
    _require_user(claims, expectations)
    _require_authentication_context(claims, expectations)
    _require_hashes(claims, expectations, jws.alg)


def require_same_login(claims: Claims, former: Claims) -> None:
    """Require that the ID token of a refresh belongs to the same login as the first one (OIDC Core 12.2).

    `auth_time` may be later than before: the user may have authenticated again, in another application or for a
    step-up.

    Args:
        claims: the claims of the new ID token.
        former: the claims of the first ID token of the login.

    Raises:
        ClaimInvalid: a claim differs.
    """
    for name in USER_IDENTITY:
        if claims.get(name) != former.get(name):
            raise ClaimInvalid(f"{name} must be that of the first ID token of the login.", claim=name)
    # Both are optional in the ID token of a refresh.
    if "nonce" in claims and "nonce" in former and claims["nonce"] != former["nonce"]:
        raise ClaimInvalid("nonce must be that of the first ID token of the login.", claim="nonce")
    if "auth_time" in claims and "auth_time" in former:
        _require_not_earlier(claims, former, "auth_time")


def _require_not_earlier(claims: Claims, former: Claims, name: str) -> None:
    time, former_time = require_time(claims, name), require_time(former, name)
    # An earlier time means that the token belongs to an older login of the same user.
    if time < former_time:
        raise ClaimInvalid(
            f"{name} must not be {former_time - time:g} s before that of the first ID token of the login.",
            claim=name,
            seen=time,
            expected=former_time,
        )


def is_same_user(claims: Claims, former: Claims) -> bool:
    """Return whether two verified ID tokens have the same user: `sub` is unique only with `iss` (OIDC Core 5.7)."""
    return all(name in claims and claims[name] == former.get(name) for name in USER_IDENTITY)


def require_same_authentication(claims: Claims, former: Claims) -> None:
    """Require that two ID tokens of a hybrid flow belong to the same login (OIDC Core 3.3.3.6).

    Optional claims are compared if both tokens have them.

    Args:
        claims: the verified claims of the ID token from the token endpoint.
        former: the verified claims of the ID token that came with the code.

    Raises:
        ClaimInvalid: a claim differs.
    """
    for name in USER_IDENTITY:
        if claims.get(name) != former.get(name):
            raise _other_login(name)
    for name in ("auth_time", "acr"):
        if name in claims and name in former and claims[name] != former[name]:
            raise _other_login(name)
    if read_audience(claims) != read_audience(former):
        raise _other_login("aud")


def _other_login(name: str) -> ClaimInvalid:
    return ClaimInvalid(f"{name} must be the same in both ID tokens of a login.", claim=name)


def require_token_hash(claims: Claims, name: str, value: str, algorithm: str) -> None:
    """Require that a claim is the hash of a token, a code or a state (OIDC Core 3.1.3.6, 3.3.2.11).

    Args:
        claims: the claims of the ID token.
        name: the claim, such as `at_hash`.
        value: the token, code or state.
        algorithm: the `alg` of the ID token, which determines the hash; SHA-512 for Ed25519.

    Raises:
        ClaimInvalid: the claim is missing or different.
    """
    if algorithm not in ALGORITHMS:
        raise ClaimInvalid(f"{name} can't be checked: the hash function of alg is unknown.", claim=name)
    if not is_same_secret(require_string(claims, name), _half_hash(value, ALGORITHMS[algorithm].hash_name)):
        raise ClaimInvalid(f"{name} must be the hash of the value that was issued with the ID token.", claim=name)


def _half_hash(value: str, hash_name: str) -> str:
    # OIDC Core 3.1.3.6: the left half of the hash, base64url-encoded.
    digest = hashlib.new(hash_name, value.encode("utf-8", "surrogatepass")).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode("ascii")


def _require_header(jws: CompactJWS, expectations: IDTokenExpectations) -> None:
    # Providers sign several kinds of tokens with the same keys. Without this check, a logout token or an access token
    # could be used as an ID token (RFC 8725 3.11).
    typ = jws.header.get("typ", "JWT")
    if not isinstance(typ, str) or typ.lower() not in TYPES:
        raise ClaimInvalid("typ must be JWT or absent: this is another kind of token.", claim="typ")
    require_algorithm(jws, expectations.algorithms, setting="id_token_signed_response_alg in ClientMetadata")


def _read_claims(jws: CompactJWS) -> dict[str, Any]:
    claims = jws.claims
    if "events" in claims:
        raise ClaimInvalid("events must be absent: this is a logout or event token.", claim="events")
    return claims


def _require_audience(claims: Claims, expectations: IDTokenExpectations) -> None:
    audience = read_audience(claims)
    if expectations.client_id not in audience:
        message = f"aud must contain {expectations.client_id!r}, not only {format_claim(claims['aud'])}."
        raise ClaimInvalid(message, claim="aud", expected=expectations.client_id, seen=format_claim(claims["aud"]))
    if others := audience - {expectations.client_id} - expectations.trusted_audiences:
        seen = format_claim(sorted(others))
        message = f"aud must not contain {seen}: they are not in trusted_audiences in ProviderConfiguration."
        raise ClaimInvalid(message, claim="aud", expected=expectations.client_id, seen=seen)


def _require_authorized_party(claims: Claims, expectations: IDTokenExpectations) -> None:
    # OIDC Core 3.1.3.7, steps 4 and 5: with several audiences, azp names the one that the token was issued to.
    if "azp" not in claims and len(read_audience(claims)) == 1:
        return
    if claims.get("azp") != expectations.client_id:
        raise ClaimInvalid(
            f"azp must be {expectations.client_id!r} if it is present, or if there are several audiences.",
            claim="azp",
            expected=expectations.client_id,
            seen=format_claim(claims.get("azp")),
        )


def _require_times(claims: Claims, expectations: IDTokenExpectations, now: float) -> None:
    leeway = expectations.leeway_seconds
    require_not_expired(claims, now=now, leeway=leeway)
    require_not_before(claims, now=now, leeway=leeway)
    within, setting = expectations.issued_within_seconds, "id_token_issued_within_seconds"
    require_issued_recently(claims, now=now, leeway=leeway, within=within, setting=setting)
    max_age = expectations.max_age_seconds
    if max_age is None and not expectations.require_auth_time and "auth_time" not in claims:
        return
    authenticated = require_past_time(claims, "auth_time", now=now, leeway=leeway)
    if max_age is not None and not now - authenticated <= max_age + leeway:
        message = (
            f"auth_time is {now - authenticated:.0f} s in the past, and max_age={max_age:g} was requested; the "
            f"clocks may differ by OIDC_CLOCK_SKEW = {leeway:g} s."
        )
        raise ClaimInvalid(message, claim="auth_time", seen=authenticated, now=now)


def _require_nonce(claims: Claims, expectations: IDTokenExpectations) -> None:
    if expectations.nonce is None:
        return
    if not is_same_secret(require_string(claims, "nonce"), expectations.nonce):
        raise ClaimInvalid("nonce must be that of the authentication request.", claim="nonce")


def _require_user(claims: Claims, expectations: IDTokenExpectations) -> None:
    require_subject(claims)
    if expectations.subjects and claims["sub"] not in expectations.subjects:
        raise ClaimInvalid("sub must be that of the requested user.", claim="sub")


def _require_authentication_context(claims: Claims, expectations: IDTokenExpectations) -> None:
    # A requested acr is not a guarantee: the provider may authenticate the user in another way, and say so.
    if expectations.acr_values and claims.get("acr") not in expectations.acr_values:
        expected = ", ".join(expectations.acr_values)
        message = f"acr must be one of {expected}, not {format_claim(claims.get('acr'))}."
        raise ClaimInvalid(message, claim="acr", expected=expectations.acr_values)


def _require_hashes(claims: Claims, expectations: IDTokenExpectations, algorithm: str) -> None:
    for name, value, required in (
        ("at_hash", expectations.access_token, expectations.require_at_hash),
        ("c_hash", expectations.code, expectations.require_c_hash),
        ("s_hash", expectations.state, False),
    ):
        # A hash that is present is always checked, even where the flow does not require it: it binds the code or
        # token to this ID token.
        if value is not None and (required or name in claims):
            require_token_hash(claims, name, value, algorithm)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_tuple_of_text(value: object) -> TypeGuard[tuple[str, ...]]:
    return isinstance(value, tuple) and all(_is_text(member) for member in cast(tuple[object, ...], value))


def _is_frozenset(value: object) -> bool:
    return isinstance(value, frozenset)


def _is_duration(value: object) -> bool:
    return isinstance(value, int | float) and 0 <= value < math.inf
