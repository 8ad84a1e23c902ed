"""The cost of an access token that is a JWT by RS256, uncached and cached.

    python -m benchmarks.in_process.jwt ROUNDS

Beside it: what one would write by hand on `cryptography`, and joserfc by itself.
"""

import json
import sys
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jwk, jwt

from benchmarks import provider_answers as answers
from benchmarks.credentials import CLIENT_ID
from benchmarks.in_process.simulated import API, ISSUER, configuration
from oidc_async import ResourceServer

TOKENS = 300


def new_tokens(turn: int) -> list[str]:
    now = int(time.time())
    return [
        answers.signed(
            {
                "iss": ISSUER,
                "sub": f"subject-{turn}-{number}",
                "aud": API,
                "client_id": CLIENT_ID,
                "scope": "openid read write",
                "exp": now + 3600,
                "iat": now,
                "jti": f"id-{turn}-{number}",
            },
            "at+jwt",
        )
        for number in range(TOKENS)
    ]


def by_hand() -> Callable[[str], object]:
    """The least that RFC 9068 asks for, and nothing for tokens that are made to confuse."""
    key, padding, digest = answers.signing_key().public_key(), PKCS1v15(), SHA256()

    def decoded(part: str) -> bytes:
        return urlsafe_b64decode(part + "=" * (-len(part) % 4))

    def verify(token: str) -> object:
        signed, _, signature = token.rpartition(".")
        header, _, payload = signed.partition(".")
        told = json.loads(decoded(header))
        assert told["alg"] == "RS256"
        assert told["typ"] == "at+jwt"
        key.verify(decoded(signature), signed.encode(), padding, digest)
        claims: dict[str, Any] = json.loads(decoded(payload))
        assert (claims["iss"], claims["aud"]) == (ISSUER, API)
        assert claims["exp"] > time.time()
        return claims

    return verify


def by_joserfc() -> Callable[[str], object]:
    key = jwk.import_key(json.loads(answers.jwks())["keys"][0])
    rules = jwt.JWTClaimsRegistry(iss={"value": ISSUER}, aud={"value": API}, exp={"essential": True})

    def verify(token: str) -> object:
        decoded = jwt.decode(token, key, algorithms=["RS256"])
        rules.validate(decoded.claims)
        return decoded.claims

    return verify


def microseconds(verify: Callable[[str], object], tokens: Sequence[str]) -> float:
    """CPU of one call."""
    begun = time.thread_time()
    for token in tokens:
        verify(token)
    return (time.thread_time() - begun) / len(tokens) * 1e6


if __name__ == "__main__":
    server, opaque = ResourceServer(configuration("jwt")), ResourceServer(configuration("introspection"))
    ways: dict[str, Callable[[str], object]] = {
        "hand-written on cryptography": by_hand(),
        "joserfc": by_joserfc(),
        "ours, uncached": server.verify,
        "ours, cached": server.verify,
        "ours, cached, not a JWT": opaque.verify,
    }
    others = [f"opaque-{number:037d}" for number in range(TOKENS)]
    for way in ways.values():
        microseconds(way, others if way == opaque.verify else new_tokens(-1))
    values: dict[str, dict[str, list[float]]] = {name: {"us": []} for name in ways}
    for turn in range(int(sys.argv[1])):
        tokens = new_tokens(turn)
        for name, way in ways.items():
            values[name]["us"].append(microseconds(way, others if way == opaque.verify else tokens))
    print(json.dumps(values))
