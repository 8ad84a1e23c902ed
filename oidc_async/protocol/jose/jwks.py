"""JSON Web Key Sets of providers (RFC 7517 5), and the selection of the key for a token (OIDC Core 10.1)."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

from oidc_async.errors import JWKSInvalid, KeyAmbiguous, KeyNotFound, KeyUnusable
from oidc_async.protocol.http_message import HttpRequest, HttpResponse
from oidc_async.protocol.strict_json import read_object

from .encryption_keys import RecipientKey, import_recipient_jwk
from .jws import CompactJWS, VerificationKey, import_jwk

MAX_KEYS = 100
PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})

logger = logging.getLogger("oidc_async.provider")


@dataclass(frozen=True, slots=True, kw_only=True)
class JWKS:
    """A provider's public keys: at least one that verifies signatures, and those that encrypt."""

    keys: tuple[VerificationKey, ...]
    recipients: tuple[RecipientKey, ...] = ()


def jwks_request(jwks_uri: str) -> HttpRequest:
    """Return the request for the key set at `jwks_uri`."""
    headers = {"accept": "application/json, application/jwk-set+json"}
    return HttpRequest(method="GET", url=jwks_uri, headers=headers, repeatable=True)


def read_jwks(response: HttpResponse) -> JWKS:
    """Read the usable keys of a key set (RFC 7517 5).

    A key that is unknown, weak or not for signatures is logged and skipped. Private members are never read.

    Raises:
        JWKSInvalid: the status is not 200, the body is not a JSON object with an array `keys`, or there are more than
            100 keys or no usable one.
    """
    keys: list[VerificationKey] = []
    problems: list[str] = []
    entries = _read_entries(response)
    for index, entry in enumerate(entries):
        # A provider may publish keys for other purposes, and new types of keys. One unusable key must not make all
        # others useless.
        try:
            keys.append(_read_key(index, entry))
        except KeyUnusable as error:
            logger.info("keys[%d] of the key set is skipped: %s", index, error)
            problems.append(error.message)
    if not keys:
        raise JWKSInvalid("The key set must have a usable signature key.", problems=tuple(problems))
    return JWKS(keys=tuple(keys), recipients=tuple(_recipients(entries)))


def select_key(jws: CompactJWS, keys: Iterable[VerificationKey]) -> VerificationKey:
    """Select the one key that fits the token's `alg` and, if present, its `kid` (OIDC Core 10.1).

    The header is not verified yet, so the selection must not trust it:

    - The type, the curve and the `alg` of the key must fit. Otherwise a token with `alg: HS256` could be verified
      with a published RSA key as the secret.
    - Several keys that fit are an error. If all of them were tried, each forged token would cost as many
      verifications.

    A client secret has no `kid`, and fits every `kid`.

    Raises:
        KeyNotFound: no key fits.
        KeyAmbiguous: several keys fit.
    """
    fitting = [key for key in keys if _has_kid(jws.kid, key) and key.is_for(jws.alg)]
    if not fitting:
        raise KeyNotFound("The provider publishes no key that fits alg and kid of the token.")
    if len(fitting) > 1:
        raise KeyAmbiguous("Several keys fit the token: its kid must name one of them.", fitting=len(fitting))
    return fitting[0]


def _has_kid(kid: str | None, key: VerificationKey) -> bool:
    return kid is None or key.kid == kid or key.kty == "oct"


def _read_entries(response: HttpResponse) -> list[object]:
    if response.status != 200:
        message = f"The response for the key set must have status 200, not {response.status}. Check jwks_uri."
        raise JWKSInvalid(message, status=response.status)
    try:
        entries = read_object(response.body).get("keys")
    except ValueError as error:
        raise JWKSInvalid(f"The key set must be one JSON object: {error}.") from None
    if not isinstance(entries, list):
        raise JWKSInvalid("keys of the key set must be a list.")
    entries = cast(list[object], entries)
    if len(entries) > MAX_KEYS:
        raise JWKSInvalid(f"The key set must have at most {MAX_KEYS} keys, not {len(entries)}.")
    return entries


def _recipients(entries: Iterable[object]) -> Iterator[RecipientKey]:
    for entry in entries:
        # A key without `use` may be for both signatures and encryption. Unusable keys have been logged by read_jwks.
        with suppress(KeyUnusable):
            if isinstance(entry, dict):
                yield import_recipient_jwk(cast(Mapping[str, Any], entry))


def _read_key(index: int, entry: object) -> VerificationKey:
    if not isinstance(entry, dict):
        raise KeyUnusable("A key must be a JSON object.")
    jwk = cast(Mapping[str, Any], entry)
    if not PRIVATE_MEMBERS.isdisjoint(jwk):
        logger.warning("keys[%d] of the key set has private members; they are ignored", index)
    return import_jwk(jwk)
