"""JSON Web Signatures and the keys that verify them (RFC 7515, 7517, 7518, 8037, 9864).

With jwe, encryption_keys and private_keys, the only modules that import joserfc. Input that joserfc accepts and this
library doesn't is rejected before joserfc sees it, and no exception of joserfc leaves these modules.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from oidc_async.errors import AlgorithmNotAllowed, KeyUnusable, SignatureInvalid, TokenMalformed
from oidc_async.protocol.claims import read_claims
from oidc_async.protocol.strict_json import read_object

from .jwk_members import MAX_KID_LENGTH, decode_base64url, is_kid, read_kid, read_optional_text, read_public_members

# joserfc is imported when it is first needed: with cryptography, its import takes longer than the whole package.
if TYPE_CHECKING:
    from joserfc.jwa import JWSAlgModel
    from joserfc.jwk import Key, OctKey

# The limits keep the work for an unverified token small. Real tokens are a few kilobytes, and servers limit headers
# to less.
MAX_TOKEN_LENGTH = 128 * 1024
MAX_HEADER_LENGTH = 8 * 1024
"""The limits of a token and of its encoded header, in characters."""

CACHED_HEADERS = 64
CACHED_HEADER_LENGTH = 1024
"""The size of the cache of parsed headers, and the longest header in it: all tokens of a key have the same header."""

MANY_VALUES = 1000
"""A payload with more values, counted by commas and brackets, takes longer to parse than a signature to verify."""


@dataclass(frozen=True, slots=True)
class SignatureAlgorithm:
    """The key type and curve of an algorithm, and the name of its hash in hashlib."""

    kty: str
    crv: str | None
    hash_name: str


# The key type and curve of each algorithm are fixed here, and never taken from a token. So a token can't make an RSA
# key the secret of an HMAC (algorithm confusion).
ALGORITHMS: Mapping[str, SignatureAlgorithm] = MappingProxyType(
    {
        "RS256": SignatureAlgorithm("RSA", None, "sha256"),
        "RS384": SignatureAlgorithm("RSA", None, "sha384"),
        "RS512": SignatureAlgorithm("RSA", None, "sha512"),
        "PS256": SignatureAlgorithm("RSA", None, "sha256"),
        "PS384": SignatureAlgorithm("RSA", None, "sha384"),
        "PS512": SignatureAlgorithm("RSA", None, "sha512"),
        "ES256": SignatureAlgorithm("EC", "P-256", "sha256"),
        "ES384": SignatureAlgorithm("EC", "P-384", "sha384"),
        "ES512": SignatureAlgorithm("EC", "P-521", "sha512"),
        "EdDSA": SignatureAlgorithm("OKP", "Ed25519", "sha512"),
        "Ed25519": SignatureAlgorithm("OKP", "Ed25519", "sha512"),
        "HS256": SignatureAlgorithm("oct", None, "sha256"),
        "HS384": SignatureAlgorithm("oct", None, "sha384"),
        "HS512": SignatureAlgorithm("oct", None, "sha512"),
    }
)

SUPPORTED_ALGORITHMS: tuple[str, ...] = tuple(ALGORITHMS)
"""Every supported `alg`. `none` is deliberately not among them."""


@cache
def signature_models() -> "Mapping[str, JWSAlgModel]":
    """Return the implementations of the algorithms, by `alg`."""
    # Not by joserfc's registry, which lets the token choose among all algorithms and warns about EdDSA.
    from joserfc.jwa import JWS_ALGORITHMS

    return {model.name: model for model in JWS_ALGORITHMS if model.name in ALGORITHMS}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VerificationKey:
    """A key that verifies signatures: a provider's public key or a client secret.

    `kid` and `alg` are None if the JWK doesn't have them; `crv` is None for RSA and `oct` keys.
    """

    kid: str | None
    kty: str
    crv: str | None
    alg: str | None
    material: "Key" = field(repr=False)

    def is_for(self, algorithm: str) -> bool:
        """Return whether `algorithm` uses this type and curve, and the key is not restricted to another algorithm."""
        uses = ALGORITHMS.get(algorithm)
        if uses is None or self.alg not in (None, algorithm):
            return False
        return (uses.kty, uses.crv) == (self.kty, self.crv)


@dataclass(frozen=True, kw_only=True)
class CompactJWS:
    """A parsed JWS, **not verified**: anyone may have written its header and payload."""

    # No slots: cached_property stores its value in __dict__.
    header: Mapping[str, Any]
    payload: bytes = field(repr=False)
    signing_input: bytes = field(repr=False)
    signature: bytes = field(repr=False)

    @property
    def alg(self) -> str:
        alg: str = self.header["alg"]
        return alg

    @property
    def kid(self) -> str | None:
        return self.header.get("kid")

    @property
    def has_many_values(self) -> bool:
        """Whether parsing the claims takes longer than verifying the signature."""
        return sum(map(self.payload.count, (b",", b"[", b"{"))) > MANY_VALUES

    @cached_property
    def claims(self) -> dict[str, Any]:
        """The claims, **not verified**; parsed on first access. Raises TokenMalformed."""
        return read_claims(self.payload)


def parse_compact(token: str) -> CompactJWS:
    """Parse a JWS in compact form (RFC 7515 7.1), without verifying anything.

    This is cheap for every input. Header parameters that change the meaning of a JWS (`crit`, `b64`) are rejected.
    Those that contain or point to keys (`jwk`, `jku`, `x5c`, `x5u`) are ignored: a token must not choose its own key.

    Raises:
        TokenMalformed: the token is not a JWS in compact form.
        AlgorithmNotAllowed: `alg` is missing or not a string.
    """
    # The signing input is the received text, not a new encoding of the parsed header: two encodings of the same JSON
    # have different signatures.
    header, payload, signature = _split(token)
    return CompactJWS(
        header=_read_header(header),
        payload=decode_segment(payload, "payload"),
        signing_input=f"{header}.{payload}".encode("ascii"),
        signature=decode_segment(signature, "signature"),
    )


def are_supported_algorithms(algorithms: object) -> bool:
    """Return whether `algorithms` is a non-empty tuple of supported algorithms."""
    # An empty tuple could be read as "any algorithm", and a string as a collection of substrings.
    members = cast("tuple[object, ...]", algorithms) if isinstance(algorithms, tuple) else ()
    return bool(members) and all(member in SUPPORTED_ALGORITHMS for member in members)


def require_algorithm(jws: CompactJWS, algorithms: tuple[str, ...], *, setting: str) -> None:
    """Require that `alg` of the token is one of `algorithms`. Raises AlgorithmNotAllowed.

    `setting` is the setting behind `algorithms`, for the message.
    """
    if jws.alg not in algorithms:
        # An unverified header: the message quotes it only if it is a known name.
        seen = jws.alg if jws.alg in (*SUPPORTED_ALGORITHMS, "none") else "another"
        message = f"alg must be {', '.join(algorithms)}, as {setting} says, not {seen}."
        raise AlgorithmNotAllowed(message, expected=algorithms, seen=seen)


def verify_compact(jws: CompactJWS, key: VerificationKey) -> None:
    """Verify the signature with `key` and the algorithm of the header (RFC 7515 5.2).

    The caller must check first that this algorithm is allowed: see `require_algorithm`.

    Raises:
        AlgorithmNotAllowed: the algorithm is not supported.
        KeyUnusable: the key is for another algorithm, or a secret shorter than the hash (RFC 7518 3.2).
        SignatureInvalid: the signature does not verify.
    """
    alg = jws.alg
    if alg not in ALGORITHMS:
        raise AlgorithmNotAllowed(f"alg must be one of {', '.join(SUPPORTED_ALGORITHMS)}.")
    if not key.is_for(alg):
        raise KeyUnusable(f"The key can't be used with {alg}.")
    if key.kty == "oct":
        require_long_secret(key, alg)
    if not _is_signed(jws, key):
        raise SignatureInvalid(f"The {alg} signature of the token does not verify.")


def import_jwk(jwk: Mapping[str, Any]) -> VerificationKey:
    """Read a public signature key from a JWK (RFC 7517 4).

    RSA keys have 2048 to 8192 bits; EC keys are on P-256, P-384 or P-521, OKP keys on Ed25519. Only the public
    members are read.

    Raises:
        KeyUnusable: the message names the member and its expected value.
    """
    public = read_public_members(jwk)
    if public.get("crv") == "X25519":
        raise KeyUnusable("crv must be Ed25519 for signatures.")
    _require_for_verifying(jwk)
    key = VerificationKey(
        kid=read_kid(jwk),
        kty=jwk["kty"],
        crv=public.get("crv"),
        alg=read_optional_text(jwk, "alg"),
        material=_import({"kty": jwk["kty"], **public}),
    )
    if key.alg is not None and not key.is_for(key.alg):
        raise KeyUnusable("alg must be a signature algorithm for this type of key.")
    return key


def client_secret_key(secret: str) -> VerificationKey:
    """Return the key for HS256, HS384 and HS512: the UTF-8 octets of client_secret (OIDC Core 10.1).

    `verify_compact` checks the length, which depends on the algorithm.

    Raises:
        KeyUnusable: the secret contains lone surrogates.
    """
    try:
        octets = secret.encode("utf-8")
    except UnicodeEncodeError:
        raise KeyUnusable("client_secret must be valid Unicode text.") from None
    from joserfc.jwk import OctKey

    # Not by import_key, which first tries to parse the secret as PEM and DER, and warns about short secrets.
    return VerificationKey(kid=None, kty="oct", crv=None, alg=None, material=OctKey(octets, octets))


def _split(token: str) -> tuple[str, str, str]:
    if not is_short_ascii(token):
        raise TokenMalformed(f"The token must be at most {MAX_TOKEN_LENGTH} ASCII characters.")
    segments = token.split(".", 5)
    if len(segments) == 5:
        raise TokenMalformed(
            "The token is encrypted (5 segments), but ClientMetadata has no encryption algorithm for it, such as "
            "id_token_encrypted_response_alg. Encrypted access tokens are not supported."
        )
    if len(segments) != 3:
        raise TokenMalformed("The token must have the 3 segments of a JWS in compact form.")
    header, payload, signature = segments
    if len(header) > MAX_HEADER_LENGTH:
        raise TokenMalformed(f"The token's header must be at most {MAX_HEADER_LENGTH} characters.")
    return header, payload, signature


def is_short_ascii(token: object) -> bool:
    """Return whether `token` is a string of ASCII characters within the length limit."""
    return isinstance(token, str) and len(token) <= MAX_TOKEN_LENGTH and token.isascii()


def decode_segment(segment: str, name: str) -> bytes:
    """Decode a segment of a compact form (RFC 7515 2), called `name` in messages. Raises TokenMalformed."""
    data = decode_base64url(segment)
    if data is None:
        raise TokenMalformed(f"The token's {name} must be base64url without padding.")
    return data


def _read_header(segment: str) -> Mapping[str, Any]:
    # All tokens of a key have the same header, so parsed headers are cached. Long headers are not cached, so that an
    # attacker can't fill the memory.
    cached = _read_cached_header(segment) if len(segment) <= CACHED_HEADER_LENGTH else None
    return decode_header(segment) if cached is None else cached


@lru_cache(maxsize=CACHED_HEADERS)
def _read_cached_header(segment: str) -> Mapping[str, Any] | None:
    """Parse a header; None if it can't be shared, because a list or an object in it is mutable."""
    header = decode_header(segment)
    return None if any(isinstance(value, list | dict) for value in header.values()) else header


def decode_header(segment: str) -> Mapping[str, Any]:
    """Parse the header of a JWS or JWE. Raises TokenMalformed, or AlgorithmNotAllowed if `alg` is missing."""
    data = decode_segment(segment, "header")
    try:
        header = read_object(data)
    except ValueError as error:
        raise TokenMalformed(f"The token's header must be one JSON object: {error}.") from None
    # RFC 7515 4.1.11: a recipient that doesn't understand a critical extension must reject the token. This one
    # understands none.
    for name in ("crit", "b64"):
        if name in header:
            raise TokenMalformed(f"The token's header must not have {name}: extensions are not supported.")
    alg = header.get("alg")
    if not isinstance(alg, str) or not alg:
        raise AlgorithmNotAllowed("alg in the token's header must name an algorithm.")
    if not is_kid(header.get("kid", "")):
        raise TokenMalformed(f"kid in the token's header must be a string of at most {MAX_KID_LENGTH} characters.")
    return MappingProxyType(header)


def _is_signed(jws: CompactJWS, key: VerificationKey) -> bool:
    try:
        return signature_models()[jws.alg].verify(jws.signing_input, jws.signature, key.material)
    except Exception:
        # Whichever exception a hostile signature causes in the libraries: the signature is not valid.
        return False


def require_long_secret(key: VerificationKey, algorithm: str) -> None:
    """Raise KeyUnusable if a client secret is shorter than the hash of `algorithm` (RFC 7518 3.2)."""
    size = hashlib.new(ALGORITHMS[algorithm].hash_name).digest_size
    if len(cast("OctKey", key.material).raw_value) < size:
        raise KeyUnusable(f"client_secret must be at least {size} bytes long for {algorithm}.")


def _require_for_verifying(jwk: Mapping[str, Any]) -> None:
    if jwk.get("use", "sig") != "sig":
        raise KeyUnusable("use must be sig.")
    operations = jwk.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        raise KeyUnusable("key_ops must be a list with verify.")


def _import(public: dict[str, Any]) -> "Key":
    from joserfc.jwk import import_key

    try:
        return import_key(public)
    except Exception:
        # For instance a point that is not on the curve, a wrong length, or a curve that this OpenSSL doesn't have.
        raise KeyUnusable(f"The {public['kty']} key is invalid.") from None
