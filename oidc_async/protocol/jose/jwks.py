"""The provider's published keys (RFC 7517 5) and the one among them that fits a token (OIDC Core 10.1)."""

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
    """A provider's public keys that are fit to verify signatures: at least one; and those one may encrypt to."""

    keys: tuple[VerificationKey, ...]
    recipients: tuple[RecipientKey, ...] = ()


def jwks_request(jwks_uri: str) -> HttpRequest:
    """The request for the key set at `jwks_uri`; sending it twice does no harm."""
    headers = {"accept": "application/json, application/jwk-set+json"}
    return HttpRequest(method="GET", url=jwks_uri, headers=headers, repeatable=True)


def read_jwks(response: HttpResponse) -> JWKS:
    """The usable keys of a key set (RFC 7517 5).

    A key that is unknown, weak or not for signatures is logged and left out; private members are never read.

    Raises JWKSInvalid: a status other than 200, no JSON object with a list `keys`, more than 100 keys, or no
    usable one.
    """
    keys: list[VerificationKey] = []
    problems: list[str] = []
    entries = _read_entries(response)
    for index, entry in enumerate(entries):
        try:
            keys.append(_read_key(index, entry))
        except KeyUnusable as error:
            logger.info("keys[%d] of the key set is left out: %s", index, error)
            problems.append(error.message)
    if not keys:
        raise JWKSInvalid("The key set must have a usable signature key.", problems=tuple(problems))
    return JWKS(keys=tuple(keys), recipients=tuple(_recipients(entries)))


def select_key(jws: CompactJWS, keys: Iterable[VerificationKey]) -> VerificationKey:
    """The one key that fits the token's `alg` and, when it names one, its `kid` (OIDC Core 10.1).

    Keys of other types, curves or algorithms never count, whatever their `kid`. A client's secret has none,
    and fits whatever the token names.

    Raises KeyNotFound, and KeyAmbiguous when several keys fit.
    """
    fitting = [key for key in keys if _is_named(jws.kid, key) and key.is_for(jws.alg)]
    if not fitting:
        raise KeyNotFound("The provider publishes no key that fits alg and kid of the token.")
    if len(fitting) > 1:
        raise KeyAmbiguous("kid of the token must tell one key from the others that fit.", fitting=len(fitting))
    return fitting[0]


def _is_named(kid: str | None, key: VerificationKey) -> bool:
    return kid is None or key.kid == kid or key.kty == "oct"


def _read_entries(response: HttpResponse) -> list[object]:
    if response.status != 200:
        message = f"The key set must be answered with 200, not {response.status}; jwks_uri of the metadata names it."
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
        # without `use` a key is for both; with `use` of signatures, or for none of ours, it has been told of
        with suppress(KeyUnusable):
            if isinstance(entry, dict):
                yield import_recipient_jwk(cast(Mapping[str, Any], entry))


def _read_key(index: int, entry: object) -> VerificationKey:
    if not isinstance(entry, dict):
        raise KeyUnusable("A key must be a JSON object.")
    jwk = cast(Mapping[str, Any], entry)
    if not PRIVATE_MEMBERS.isdisjoint(jwk):
        logger.warning("keys[%d] of the key set is published with private members; they are ignored", index)
    return import_jwk(jwk)
