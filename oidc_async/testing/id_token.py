"""ID tokens (OIDC Core 2) whose parts faults can change one by one."""

from collections.abc import Sequence

from .encryption import encrypt_for
from .jwt import JWTStages, sign_jwt
from .keys import half_hash
from .registry import ID_TOKEN_LIFETIME, Client, Grant, Registry
from .reply import JSONObject
from .stages import CLAIMS, DRAFT, HEADER, ID_TOKEN, REFRESH_CLAIMS, Scene, Spell, Stage, strike

STAGES = JWTStages(header=HEADER, claims=CLAIMS, draft=DRAFT, token=ID_TOKEN)


def issue_id_token(
    registry: Registry,
    spells: Sequence[Spell],
    grant: Grant,
    client: Client,
    *,
    stage: Stage[JSONObject],
    access_token: str | None = None,
    code: str | None = None,
    state: str | None = None,
) -> str:
    """Issue an ID token, encrypted if the client registered for it.

    It has `at_hash` and `c_hash` if `access_token` and `code` are given. `stage` is that of its response: after a
    refresh there is no nonce (OIDC Core 12.2).
    """
    key = client.key_for(client.id_token_signed_response_alg, registry.ring)
    claims = _claims(registry, grant)
    if grant.nonce is not None and stage is not REFRESH_CLAIMS:
        claims["nonce"] = grant.nonce
    for name, value in (("at_hash", access_token), ("c_hash", code)):
        if value is not None:
            claims[name] = half_hash(value, key.alg)
    scene = Scene(
        issuer=registry.issuer,
        now=registry.now(),
        ring=registry.ring,
        client=client,
        nonce=grant.nonce,
        state=state,
    )
    claims = strike(spells, stage, claims, scene)
    token = sign_jwt({"typ": "JWT"}, claims, key, STAGES, spells, scene)
    registry.id_tokens[token] = grant
    return encrypt_for(registry, client, "id_token", token.encode(), spells, scene) or token


def _claims(registry: Registry, grant: Grant) -> JSONObject:
    if grant.user is None or grant.session is None:
        raise ValueError("an ID token needs a user")
    now = int(registry.now())
    acr = {} if grant.acr is None else {"acr": grant.acr}
    asked = grant.claims.get("id_token", {})
    return {
        **{name: grant.user.claims[name] for name in asked if name in grant.user.claims},
        **acr,
        **grant.user.id_token_claims,
        "iss": registry.issuer,
        "sub": grant.user.sub,
        "aud": grant.client_id,
        "iat": now,
        "exp": now + ID_TOKEN_LIFETIME,
        "auth_time": grant.session.auth_time,
        "sid": grant.session.sid,
    }
