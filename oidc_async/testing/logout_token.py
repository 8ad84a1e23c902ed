"""Logout tokens and front-channel logout URLs."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from .encryption import encrypt_for
from .jwt import JWTStages, sign_jwt
from .registry import Client, ProviderSession, Registry, User, known, token
from .reply import JSONObject
from .stages import LOGOUT_CLAIMS, LOGOUT_DRAFT, LOGOUT_HEADER, LOGOUT_TOKEN, Scene, Spell

STAGES = JWTStages(header=LOGOUT_HEADER, claims=LOGOUT_CLAIMS, draft=LOGOUT_DRAFT, token=LOGOUT_TOKEN)
LOGOUT_TOKEN_LIFETIME = 120
EVENT = "http://schemas.openid.net/event/backchannel-logout"


def issue_logout_token(
    registry: Registry,
    spells: Sequence[Spell],
    client: Client,
    *,
    user: User | None,
    session: ProviderSession | None,
    claims: Mapping[str, Any] | None = None,
    header: Mapping[str, Any] | None = None,
) -> str:
    """Create a logout token for a user, a session or both (Back-Channel Logout 2.4).

    It is signed and encrypted like the client's ID tokens. `claims` and `header` are merged into its own.
    """
    now = int(registry.now())
    about = {"sub": user and user.sub, "sid": session and session.sid}
    told: JSONObject = {
        "iss": registry.issuer,
        "aud": client.client_id,
        "iat": now,
        "exp": now + LOGOUT_TOKEN_LIFETIME,
        "jti": token(),
        "events": {EVENT: {}},
        **{name: value for name, value in about.items() if value is not None},
        **(claims or {}),
    }
    key = client.key_for(client.id_token_signed_response_alg, registry.ring)
    scene = Scene(issuer=registry.issuer, now=registry.now(), ring=registry.ring, client=client)
    signed = sign_jwt({"typ": "logout+jwt", **(header or {})}, told, key, STAGES, spells, scene)
    return encrypt_for(registry, client, "id_token", signed.encode(), spells, scene) or signed


def frontchannel_logout_urls(registry: Registry, username: str) -> list[str]:
    """Return the URLs to load in frames (Front-Channel Logout 3). Raises KeyError."""
    session = known(registry.sessions, username, "sign_in")
    query = urlencode({"iss": registry.issuer, "sid": session.sid})
    uris = [client.frontchannel_logout_uri for client in registry.logged_in_clients(session)]
    return [f"{uri}?{query}" for uri in uris if uri is not None]
