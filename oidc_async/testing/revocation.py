"""The revocation endpoint (RFC 7009)."""

from collections.abc import Mapping

from .registry import Client, Grant, Registry
from .reply import Rejection


def revoke(registry: Registry, client: Client, form: Mapping[str, str]) -> None:
    """Revoke the token; a refresh token with all tokens of its login.

    Raises:
        Rejection: `token` is missing, or was issued to another client.
    """
    if "token" not in form:
        raise Rejection("invalid_request", "token is missing.")
    value = form["token"]
    grant = _grant_of(registry, value)
    if grant is None:
        return  # a token that does not exist counts as revoked (RFC 7009 2.2)
    if grant.client_id != client.client_id:
        raise Rejection("invalid_grant", "The token was issued to another client.")
    if value in registry.refresh_tokens:
        registry.revoke(grant.family)
    registry.access_tokens.pop(value, None)


def _grant_of(registry: Registry, value: str) -> Grant | None:
    issued = registry.access_tokens.get(value)
    return issued.grant if issued else registry.refresh_tokens.get(value)
