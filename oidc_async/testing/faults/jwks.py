"""Faults of the key set, and the keys of an attacker."""

import datetime
from base64 import b64encode
from collections.abc import Callable
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from oidc_async.testing.keys import SigningKey, base64url, private_key
from oidc_async.testing.reply import JSONObject
from oidc_async.testing.stages import (
    DRAFT,
    HEADER,
    JWKS,
    JWKS_REPLY,
    Change,
    Draft,
    Endpoint,
    Scene,
    either,
    harmless,
    rejected,
)

from .documents import changed, put, without
from .responses import (
    BUSY,
    answered,
    body,
    deep,
    endless,
    error,
    html,
    padded,
    redirected,
    reset,
    rewritten,
    slow,
    truncated,
    twice,
)

Key = dict[str, Any]

PUBLISHED_SECRET = b"a secret that the whole world can read"


def attacker(alg: str = "RS256", kid: str = "attacker") -> SigningKey:
    """A valid key that is not the provider's."""
    return SigningKey(kid=kid, alg=alg, private=private_key("attacker", alg, 1))


def every_key(change: Callable[[Key], Key]) -> Change[JSONObject]:
    return lambda document, scene: {**document, "keys": [change(key) for key in document["keys"]]}


def every_key_with(**members: Any) -> Change[JSONObject]:
    return every_key(lambda key: {**key, **members})


def every_key_without(*names: str) -> Change[JSONObject]:
    return every_key(lambda key: {name: key[name] for name in key if name not in names})


def also(*keys: object) -> Change[JSONObject]:
    """These keys before the provider's own."""
    return lambda document, scene: {**document, "keys": [*keys, *document["keys"]]}


def only(alg: str) -> Change[JSONObject]:
    """Only the keys for this algorithm."""
    return lambda document, scene: {"keys": [key for key in document["keys"] if key.get("alg") == alg]}


def rsa_key_with(**members: Any) -> Change[JSONObject]:
    """The RS256 key with other members and the same `kid`."""
    return every_key(lambda key: {**key, **members} if key["alg"] == "RS256" else key)


def private_members(document: JSONObject, scene: Scene) -> JSONObject:
    return {**document, "keys": [key.private_jwk() for key in scene.ring.published()]}


def outdated(document: JSONObject, scene: Scene) -> JSONObject:
    """The key set as it was before a rotation."""
    return {**document, "keys": [attacker(kid="rs256-0").public_jwk()]}


def same_name_other_key(document: JSONObject, scene: Scene) -> JSONObject:
    """The key set of a provider that was restarted with a new key and the old `kid`."""
    return {**document, "keys": [attacker(kid=scene.ring.key("RS256").kid).public_jwk()]}


def nameless_double(document: JSONObject, scene: Scene) -> JSONObject:
    """Two keys that fit, both without `kid`."""
    return every_key_without("kid")({"keys": [*document["keys"], attacker().public_jwk()]}, scene)


def decoys(document: JSONObject, scene: Scene) -> JSONObject:
    """Keys of other types with the `kid` of the signing key, before and after it."""
    kid = scene.ring.key("RS256").kid
    before = [attacker("ES256", kid).public_jwk(), attacker("PS256", kid).public_jwk()]
    after = [attacker("EdDSA", kid).public_jwk(), {**attacker("RS256", kid).public_jwk(), "use": "enc"}]
    return {**document, "keys": [*before, *document["keys"], *after]}


def ten_thousand(document: JSONObject, scene: Scene) -> JSONObject:
    """10,000 small keys, then the provider's own."""
    return also(*({"kty": "oct", "kid": str(number)} for number in range(10_000)))(document, scene)


ODD_KEYS: tuple[Key, ...] = (
    {},
    {"kty": "XYZ", "kid": "odd-1"},
    {"kty": "RSA", "kid": "odd-2", "n": 5, "e": "AQAB"},
    {"kty": "EC", "kid": "odd-3", "crv": "P-999", "x": "AA", "y": "AA"},
    {"kty": "EC", "kid": "odd-4", "crv": "P-256", "x": base64url(bytes(32)), "y": base64url(bytes(32))},
    {"kty": ["RSA"], "kid": {"odd": 5}, "use": 7, "alg": None},
)

OCT_KEY: Key = {"kty": "oct", "kid": "oct-1", "alg": "HS256", "k": base64url(PUBLISHED_SECRET)}

MODULUS_16384 = base64url(b"\xc5" * 2048)
HUGE_EXPONENT = base64url(b"\xc5" * 255)


@cache
def weak_key() -> rsa.RSAPrivateKey:
    """An RSA key of 1024 bits, which is too short."""
    return rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - weak on purpose


def weak_members(document: JSONObject, scene: Scene) -> JSONObject:
    weak = SigningKey(kid="weak", alg="RS256", private=weak_key()).public_jwk()
    return rsa_key_with(n=weak["n"])(document, scene)


def weak_signature(draft: Draft, scene: Scene) -> Draft:
    draft.sign = SigningKey(kid="weak", alg="RS256", private=weak_key()).sign
    return draft


def certificate(key: SigningKey) -> str:
    """A self-signed certificate for this RSA key, as `x5c` holds it."""
    if not isinstance(key.private, rsa.RSAPrivateKey):
        raise TypeError("only for RSA keys")
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "op.example")])
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.private.public_key(), 1, start, start.replace(year=2099))
    return b64encode(builder.sign(key.private, hashes.SHA256()).public_bytes(Encoding.DER)).decode("ascii")


class JWKSFaults:
    JWKS_KEYS_NULL = rejected("keys is null", JWKS(put(keys=None)))
    JWKS_KEYS_MISSING = rejected("no keys member", JWKS(without("keys")))
    JWKS_KEYS_OBJECT = rejected("keys is an object", JWKS(changed("keys", lambda keys: {"0": keys[0]})))
    JWKS_KEYS_EMPTY = rejected("no keys in keys", JWKS(put(keys=[])))
    JWKS_ODD_KEYS = harmless("broken and unknown keys first", JWKS(also(*ODD_KEYS)))
    JWKS_KEY_NOT_AN_OBJECT = either("null and a string among the keys", JWKS(also(None, "key")))
    JWKS_DECOYS = harmless("keys of other kinds under the same kid", JWKS(decoys))
    JWKS_ENCRYPTION_ONLY = rejected("use is enc", JWKS(every_key_with(use="enc")))
    JWKS_KEY_OPS_ENCRYPT = rejected("key_ops is encrypt", JWKS(every_key_with(key_ops=["encrypt"])))
    JWKS_OTHER_ALG = rejected("the key is for RS512", JWKS(rsa_key_with(alg="RS512")))
    JWKS_OCT_KEY = harmless("a secret key is published too", JWKS(also(OCT_KEY)))
    JWKS_PRIVATE_MEMBERS = harmless("the private keys are published", JWKS(private_members))
    JWKS_RSA_1024 = rejected("an RSA key of 1024 bits", JWKS(weak_members), DRAFT(weak_signature))
    JWKS_RSA_16384 = rejected("an RSA key of 16,384 bits", JWKS(rsa_key_with(n=MODULUS_16384)))
    JWKS_RSA_HUGE_EXPONENT = rejected("an exponent of 2,040 bits", JWKS(rsa_key_with(e=HUGE_EXPONENT)))
    JWKS_10000_KEYS = rejected("10,000 keys, the good one last", JWKS(ten_thousand))
    JWKS_NO_KID_ONE_KEY = harmless(
        "one key, no kid anywhere", JWKS(only("RS256")), JWKS(every_key_without("kid")), HEADER(without("kid"))
    )
    JWKS_NO_KID_ONE_FITS = harmless(
        "several keys, no kid anywhere, one of the right type", JWKS(every_key_without("kid")), HEADER(without("kid"))
    )
    JWKS_NO_KID_SEVERAL_FIT = rejected("several would do", JWKS(nameless_double), HEADER(without("kid")))
    JWKS_OUTDATED = rejected("the keys of before a rotation", JWKS(outdated))
    JWKS_OUTDATED_ONCE = harmless("the old keys, then the new ones", JWKS(outdated), only_once=True)
    JWKS_SAME_KID_OTHER_KEY = rejected("another key under this kid", JWKS(same_name_other_key))
    JWKS_HTML = rejected("a page with status 200", JWKS_REPLY(html()))
    JWKS_500 = rejected("status 500", JWKS_REPLY(error("server_error", status=500)))
    JWKS_BUSY_ONCE = harmless("one 503 with Retry-After", JWKS_REPLY(BUSY), only_once=True)
    JWKS_ARRAY = rejected("the bare list of keys", JWKS_REPLY(answered([])))
    JWKS_EMPTY = rejected("an empty body", JWKS_REPLY(body(b"")))
    JWKS_REDIRECT = rejected("a redirect to the keys", JWKS_REPLY(redirected(Endpoint.JWKS)))
    JWKS_TRUNCATED = rejected("half the key set", JWKS_REPLY(rewritten(truncated)))
    JWKS_DUPLICATE_MEMBERS = rejected("keys twice", JWKS_REPLY(rewritten(twice("keys"))))
    JWKS_DEEP = rejected("40,000 nested arrays", JWKS_REPLY(rewritten(deep)))
    JWKS_HUGE = rejected("2 MB", JWKS_REPLY(rewritten(padded)))
    JWKS_ENDLESS = rejected("a body without end", JWKS_REPLY(endless))
    JWKS_SLOW = rejected("an hour of silence", JWKS_REPLY(slow))
    JWKS_RESET = rejected("the connection breaks at once", JWKS_REPLY(reset))
