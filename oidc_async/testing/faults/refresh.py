"""Faults of the response to a refresh (RFC 6749 6, OIDC Core 12.2)."""

from base64 import urlsafe_b64decode

from oidc_async.testing.keys import base64url
from oidc_async.testing.stages import REFRESH, REFRESH_CLAIMS, harmless, rejected

from .documents import changed, put, without

HOUR = 3600
MORE = b',"admin":true}'
NO_ALGORITHM = base64url(b'{"alg":"none"}')


def _unsigned(token: str) -> str:
    return f"{NO_ALGORITHM}.{token.split('.')[1]}."


def _tampered(token: str) -> str:
    """Add claims to this token and keep its signature."""
    header, payload, signature = token.split(".")
    claims = urlsafe_b64decode(payload + "==")
    return ".".join((header, base64url(claims[:-1] + MORE), signature))


class RefreshFaults:
    # The ID token
    REFRESH_ISS_OTHER = rejected("of another provider", REFRESH_CLAIMS(put(iss="https://other.example")))
    REFRESH_SUB_OTHER = rejected("of another user", REFRESH_CLAIMS(put(sub="somebody else")))
    REFRESH_SUB_MISSING = rejected("of nobody", REFRESH_CLAIMS(without("sub")))
    REFRESH_AUD_OTHER = rejected("for another client", REFRESH_CLAIMS(put(aud="another client")))
    REFRESH_AUD_EXTRA = rejected("for another client too", REFRESH_CLAIMS(changed("aud", lambda aud: [aud, "other"])))
    REFRESH_NONCE_OTHER = rejected("another nonce than at login", REFRESH_CLAIMS(put(nonce="another nonce")))
    REFRESH_NONCE_NULL = rejected("nonce is null", REFRESH_CLAIMS(put(nonce=None)))
    REFRESH_AUTH_TIME_OTHER = rejected(
        "of another login of the user", REFRESH_CLAIMS(changed("auth_time", lambda time: time - HOUR))
    )
    REFRESH_ID_TOKEN_UNSIGNED = rejected("alg is none", REFRESH(changed("id_token", _unsigned)))
    REFRESH_ID_TOKEN_TAMPERED = rejected("claims changed", REFRESH(changed("id_token", _tampered)))
    REFRESH_NONCE_SAME = harmless(
        "the nonce of the login", REFRESH_CLAIMS(lambda claims, scene: {**claims, "nonce": scene.nonce})
    )
    REFRESH_AUTH_TIME_MISSING = harmless("no auth_time", REFRESH_CLAIMS(without("auth_time")))

    # The members
    REFRESH_ID_TOKEN_MISSING = harmless("no ID token", REFRESH(without("id_token")))
    REFRESH_EXPIRES_IN_MISSING = harmless("no expires_in", REFRESH(without("expires_in")))
    REFRESH_SCOPE_NARROWER = harmless("less than before", REFRESH(put(scope="openid")))
