"""Logout begun at the relying party (OIDC RP-Initiated Logout 2)."""

from .metadata import ProviderMetadata
from .uri import with_query


def end_session_request(
    provider: ProviderMetadata,
    *,
    client_id: str,
    id_token_hint: str | None,
    post_logout_redirect_uri: str | None,
    state: str | None,
) -> str | None:
    """The URL that logs the browser out at the provider; None when the provider offers none."""
    endpoint = provider.get("end_session_endpoint")
    if endpoint is None:
        return None
    parameters = {
        "id_token_hint": id_token_hint,
        "client_id": client_id,
        "post_logout_redirect_uri": post_logout_redirect_uri,
        "state": state,
    }
    return with_query(endpoint, {name: value for name, value in parameters.items() if value})
