"""The situations that the suite brings a relying party into, as faults of our simulated provider."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from oidc_async.testing import Fault, Misbehaviour
from oidc_async.testing.faults.documents import put, without
from oidc_async.testing.faults.forgeries import flipped, foreign_signature, signature
from oidc_async.testing.faults.jwks import also, attacker, every_key_without
from oidc_async.testing.keys import base64url
from oidc_async.testing.reply import JSONObject
from oidc_async.testing.stages import CLAIMS, DRAFT, HEADER, JWKS, Scene, harmless, rejected

NOT_ASKED: Mapping[str, tuple[str, ...]] = {
    "webfinger": ("openid-configuration", "jwks", "token", "userinfo"),
    "discovery": ("jwks", "token", "userinfo"),
    "authorization": ("token", "userinfo"),
    "token": ("userinfo",),
    "userinfo": (),
}
"""What must not be asked any more when something of this is rejected."""


@dataclass(frozen=True, kw_only=True)
class Situation:
    """A login that meets `faults`. `code` is of the error that must end it, None if it must succeed.

    `rejected` names the rejected thing, `registered` what the client registered for, `order` what else is configured.
    """

    name: str
    faults: tuple[Misbehaviour, ...] = ()
    code: str | None = None
    rejected: str = "token"
    registered: Mapping[str, Any] = field(default_factory=dict[str, Any])
    order: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def __str__(self) -> str:
        return self.name


def bad(name: str, code: str, *faults: Misbehaviour, at: str = "token", **options: Any) -> Situation:
    return Situation(name=name, code=code, faults=faults, rejected=at, **options)


def good(name: str, *faults: Misbehaviour, **options: Any) -> Situation:
    return Situation(name=name, faults=faults, **options)


def signed_by(alg: str) -> dict[str, str]:
    return {"id_token_signed_response_alg": alg}


def by(response_type: str, mode: str | None = None) -> dict[str, Any]:
    return {"response_type": response_type, "response_mode": mode}


def requested(request_type: str, sig: str = "RS256", **order: Any) -> dict[str, Any]:
    return {"request_type": request_type, "keys": {"sig": sig}, **order}


def request_signed_by(alg: str) -> dict[str, str]:
    return {"request_object_signing_alg": alg}


ENCRYPTED = {"id_token_encrypted_response_alg": "RSA-OAEP", "id_token_encrypted_response_enc": "A128CBC-HS256"}
SIGNED_USERINFO = {"userinfo_signed_response_alg": "RS256"}
ENCRYPTED_USERINFO = {
    "userinfo_encrypted_response_alg": "RSA-OAEP",
    "userinfo_encrypted_response_enc": "A128CBC-HS256",
}
REQUEST_ENCRYPTED = {"request_object_encryption_alg": "RSA-OAEP"}
OWN_KEYS = {"keys": {"sig": "RS256", "enc": "RSA-OAEP"}}


def _secp256k1() -> JSONObject:
    point = ec.generate_private_key(ec.SECP256K1()).public_key().public_numbers()
    return {
        "kty": "EC",
        "crv": "secp256k1",
        "x": base64url(point.x.to_bytes(32)),
        "y": base64url(point.y.to_bytes(32)),
    }


def _keys_of_the_suite(document: JSONObject, scene: Scene) -> JSONObject:
    """RSA, P-256, secp256k1 and OKP, some to encrypt, none with `alg`, others under the kid of the good one."""
    kid = scene.ring.key("RS256").kid
    others = [
        {**_secp256k1(), "kid": kid, "use": "sig"},
        {**attacker("EdDSA", kid).public_jwk(), "use": "sig"},
        {**attacker("ES256", kid).public_jwk(), "use": "enc"},
        {**attacker("RS256", "for encryption").public_jwk(), "use": "enc"},
    ]
    return every_key_without("alg")(also(*others)(document, scene), scene)


KEYS_OF_THE_SUITE = harmless("a key set as the suite has", JWKS(_keys_of_the_suite))
SIGNATURE = rejected("an invalid signature", DRAFT(signature(flipped)))
FOREIGN = rejected("somebody else's signature", DRAFT(foreign_signature))
KID_MISSING = rejected("no kid", HEADER(without("kid")))
C_HASH = Fault.ID_TOKEN_C_HASH_WRONG
SUB_MISSING = rejected("no sub", CLAIMS(without("sub")))
AUD_OF_OTHERS = rejected("aud of others alone", CLAIMS(put(aud=["other-1", "other-2"])))

LOGINS: tuple[Situation, ...] = (
    # The ID token of the code flow
    good("nothing is wrong"),
    bad("iss wrong", "claim_invalid", Fault.ID_TOKEN_ISS_OTHER),
    bad("iss missing", "claim_invalid", Fault.ID_TOKEN_ISS_MISSING),
    bad("iss without its slash", "claim_invalid", Fault.ID_TOKEN_ISS_TRAILING_SLASH),
    bad("sub missing", "claim_invalid", SUB_MISSING),
    bad("aud wrong", "claim_invalid", Fault.ID_TOKEN_AUD_OTHER),
    bad("aud missing", "claim_invalid", Fault.ID_TOKEN_AUD_MISSING),
    bad("aud of others", "claim_invalid", AUD_OF_OTHERS),
    bad("azp wrong", "claim_invalid", Fault.ID_TOKEN_AZP_OTHER),
    bad("iat missing", "claim_invalid", Fault.ID_TOKEN_IAT_MISSING),
    bad("iat in the future", "claim_invalid", Fault.ID_TOKEN_IAT_FUTURE),
    bad("exp missing", "claim_invalid", Fault.ID_TOKEN_EXP_MISSING),
    bad("exp past", "token_expired", Fault.ID_TOKEN_EXP_PAST),
    bad("nonce wrong", "claim_invalid", Fault.ID_TOKEN_NONCE_WRONG),
    bad("nonce missing", "claim_invalid", Fault.ID_TOKEN_NONCE_MISSING),
    bad("at_hash wrong", "claim_invalid", Fault.ID_TOKEN_AT_HASH_WRONG),
    good("at_hash missing", Fault.ID_TOKEN_AT_HASH_MISSING),
    bad("c_hash wrong", "claim_invalid", C_HASH),
    # Keys and signatures
    good("the keys of the suite", KEYS_OF_THE_SUITE),
    good("kid missing, one key", Fault.JWKS_NO_KID_ONE_KEY),
    good("kid missing, one key fits", Fault.JWKS_NO_KID_ONE_FITS),
    bad("kid missing, several keys", "key_ambiguous", Fault.JWKS_NO_KID_SEVERAL_FIT),
    good("kid missing in the token alone", harmless("no kid", HEADER(without("kid")))),
    bad("kid unknown", "key_not_found", Fault.ID_TOKEN_KID_UNKNOWN),
    good("decoys share the kid", Fault.JWKS_DECOYS),
    good("broken keys beside", Fault.JWKS_ODD_KEYS),
    good("the keys are rotated", Fault.JWKS_OUTDATED_ONCE),
    bad("alg none", "algorithm_not_allowed", Fault.ID_TOKEN_ALG_NONE),
    bad("alg HS256, unregistered", "algorithm_not_allowed", Fault.ID_TOKEN_HS256_CLIENT_SECRET),
    bad("alg HS256 by the public key", "algorithm_not_allowed", Fault.ID_TOKEN_HS256_PUBLIC_PEM),
    good("alg RS256", registered=signed_by("RS256")),
    good("alg HS256", registered=signed_by("HS256")),
    good("alg ES256", registered=signed_by("ES256")),
    good("alg PS256", registered=signed_by("PS256")),
    good("alg EdDSA", registered=signed_by("EdDSA")),
    bad("signature of RS256 wrong", "signature_invalid", SIGNATURE),
    bad("signature of HS256 wrong", "signature_invalid", SIGNATURE, registered=signed_by("HS256")),
    bad("signature of ES256 wrong", "signature_invalid", SIGNATURE, registered=signed_by("ES256")),
    bad("signature of PS256 wrong", "signature_invalid", SIGNATURE, registered=signed_by("PS256")),
    bad("signature of EdDSA wrong", "signature_invalid", SIGNATURE, registered=signed_by("EdDSA")),
    bad("signature by another key", "signature_invalid", FOREIGN),
    good("encrypted", registered=ENCRYPTED, order=OWN_KEYS),
    bad(
        "encrypted, tag wrong",
        "decryption_failed",
        Fault.ENCRYPTION_TAG_CHANGED,
        registered=ENCRYPTED,
        order=OWN_KEYS,
    ),
    bad("not encrypted", "token_malformed", Fault.ENCRYPTION_MISSING, registered=ENCRYPTED, order=OWN_KEYS),
    # UserInfo
    good("userinfo by POST", order={"userinfo": "POST"}),
    good("userinfo by POST, the token in its body", order={"userinfo": "body"}),
    good("userinfo signed", registered=SIGNED_USERINFO),
    good("userinfo encrypted", registered=ENCRYPTED_USERINFO, order=OWN_KEYS),
    good("userinfo signed and encrypted", registered={**SIGNED_USERINFO, **ENCRYPTED_USERINFO}, order=OWN_KEYS),
    bad("userinfo of another sub", "userinfo_invalid", Fault.USERINFO_SUB_OTHER, at="userinfo"),
    bad("userinfo without sub", "userinfo_invalid", Fault.USERINFO_SUB_MISSING, at="userinfo"),
    bad("userinfo unsigned", "userinfo_invalid", Fault.USERINFO_UNSIGNED_JWT, at="userinfo"),
    # Discovery
    bad("discovery with another issuer", "issuer_mismatch", Fault.DISCOVERY_ISSUER_OTHER, at="discovery"),
    bad("discovery without the slash", "issuer_mismatch", Fault.DISCOVERY_ISSUER_TRAILING_SLASH, at="discovery"),
    bad("discovery without issuer", "issuer_mismatch", Fault.DISCOVERY_ISSUER_MISSING, at="discovery"),
    good("discovery lists none", Fault.DISCOVERY_NONE_ADVERTISED),
    good("discovery without what is optional", Fault.DISCOVERY_OPTIONAL_MISSING),
    # The response
    bad("state wrong", "state_mismatch", Fault.AUTHORIZATION_STATE_WRONG, at="authorization"),
    bad("state missing", "state_missing", Fault.AUTHORIZATION_STATE_MISSING, at="authorization"),
    bad(
        "iss of the response wrong",
        "authorization_response_invalid",
        Fault.AUTHORIZATION_ISS_WRONG,
        at="authorization",
    ),
    bad("the user said no", "authorization_refused", Fault.AUTHORIZATION_ACCESS_DENIED, at="authorization"),
    good("parameters that nobody knows", Fault.AUTHORIZATION_EXTRA_PARAMETER),
    bad("the code is rejected", "oauth_error", Fault.TOKEN_INVALID_GRANT),
    # Response types and modes
    good("code by form", order=by("code", "form_post")),
    good("id_token", order=by("id_token")),
    good("id_token token", order=by("id_token token")),
    good("code id_token", order=by("code id_token")),
    good("code token", order=by("code token")),
    good("code id_token token", order=by("code id_token token")),
    good("id_token by form", order=by("id_token", "form_post")),
    good("code id_token by form", order=by("code id_token", "form_post")),
    good("s_hash right", Fault.FRONT_CHANNEL_S_HASH, order=by("code id_token")),
    *(
        bad(name, "claim_invalid", fault, at="authorization", order=by(response_type))
        for name, fault, response_type in (
            ("s_hash wrong", Fault.FRONT_CHANNEL_S_HASH_WRONG, "id_token"),
            ("c_hash wrong beside a code", Fault.FRONT_CHANNEL_C_HASH_WRONG, "code id_token"),
            ("c_hash missing beside a code", Fault.FRONT_CHANNEL_C_HASH_MISSING, "code id_token"),
            ("at_hash wrong beside a token", Fault.FRONT_CHANNEL_AT_HASH_WRONG, "id_token token"),
            ("at_hash missing beside a token", Fault.FRONT_CHANNEL_AT_HASH_MISSING, "id_token token"),
            ("nonce wrong by the browser", Fault.FRONT_CHANNEL_NONCE_WRONG, "id_token"),
            ("nonce missing by the browser", Fault.FRONT_CHANNEL_NONCE_MISSING, "id_token"),
        )
    ),
)

REQUESTS: tuple[Situation, ...] = tuple(
    situation
    for way in ("request", "request_uri")
    for situation in (
        good(f"{way}, any signature", order=requested(way)),
        *(
            good(f"{way}, signed by {alg}", registered=request_signed_by(alg), order=requested(way, alg))
            for alg in ("RS256", "ES256", "PS256", "EdDSA")
        ),
        good(f"{way}, signed by HS256", registered=request_signed_by("HS256"), order={"request_type": way}),
        good(f"{way}, encrypted", registered=REQUEST_ENCRYPTED, order=requested(way)),
        good(f"{way}, hybrid flow", order=requested(way, **by("code id_token"))),
        good(f"{way}, by form", order=requested(way, **by("code", "form_post"))),
    )
)

REFRESHES: tuple[Situation, ...] = (
    good("nothing is wrong"),
    bad("iss wrong", "claim_invalid", Fault.REFRESH_ISS_OTHER),
    bad("sub wrong", "claim_invalid", Fault.REFRESH_SUB_OTHER),
    bad("aud wrong", "claim_invalid", Fault.REFRESH_AUD_OTHER),
    bad("nonce wrong", "claim_invalid", Fault.REFRESH_NONCE_OTHER),
    bad("auth_time wrong", "claim_invalid", Fault.REFRESH_AUTH_TIME_OTHER),
    bad("unsigned", "algorithm_not_allowed", Fault.REFRESH_ID_TOKEN_UNSIGNED),
    good("no ID token", Fault.REFRESH_ID_TOKEN_MISSING),
)

SEARCHES: tuple[Situation, ...] = (
    good("a JRD", Fault.WEBFINGER_JRD),
    good("other links beside", Fault.WEBFINGER_OTHER_LINKS),
    bad("another issuer", "issuer_not_allowed", Fault.WEBFINGER_ISSUER_OTHER, at="webfinger"),
    bad("an issuer of http", "webfinger_invalid", Fault.WEBFINGER_ISSUER_HTTP, at="webfinger"),
    bad("the issuer without its slash", "issuer_not_allowed", Fault.WEBFINGER_ISSUER_SLASH, at="webfinger"),
    bad("two issuers", "webfinger_invalid", Fault.WEBFINGER_SEVERAL, at="webfinger"),
    bad("no issuer", "webfinger_invalid", Fault.WEBFINGER_NONE, at="webfinger"),
    bad("nothing there", "webfinger_invalid", Fault.WEBFINGER_404, at="webfinger"),
    bad("metadata of another issuer", "issuer_mismatch", Fault.DISCOVERY_ISSUER_OTHER, at="discovery"),
)
"""How the provider of a user is found before the login."""
