"""Signed JWTs (RFC 7515, RFC 7519) whose parts faults can change one by one."""

from collections.abc import Sequence
from dataclasses import dataclass

from .keys import SecretKey, SigningKey, base64url
from .reply import JSONObject, json_bytes
from .stages import Draft, Scene, Spell, Stage, strike


@dataclass(frozen=True, slots=True, kw_only=True)
class JWTStages:
    """The stages of one kind of JWT."""

    header: Stage[JSONObject]
    claims: Stage[JSONObject]
    draft: Stage[Draft]
    token: Stage[str]


def sign_jwt(
    header: JSONObject,
    claims: JSONObject,
    key: SigningKey | SecretKey,
    stages: JWTStages,
    spells: Sequence[Spell],
    scene: Scene,
) -> str:
    """Sign the claims, with the faults in force; `alg` and `kid` join the header."""
    named: JSONObject = {"alg": key.alg, **({"kid": key.kid} if key.kid else {}), **header}
    draft = Draft(
        header=strike(spells, stages.header, named, scene),
        claims=strike(spells, stages.claims, claims, scene),
        write_header=json_bytes,
        write_payload=json_bytes,
        sign=key.sign,
        key=key,
    )
    token = compact(strike(spells, stages.draft, draft, scene))
    return strike(spells, stages.token, token, scene)


def compact(draft: Draft) -> str:
    """Return the JWS compact serialization (RFC 7515 7.1)."""
    head = base64url(draft.write_header(draft.header))
    body = base64url(draft.write_payload(draft.claims))
    signature = draft.sign(f"{head}.{body}".encode("ascii"))
    return f"{head}.{body}.{base64url(signature)}"
