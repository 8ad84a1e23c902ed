"""Response types and response modes (OAuth 2.0 Multiple Response Types, Form Post)."""

from typing import Literal, get_args

ResponseMode = Literal["query", "fragment", "form_post"]
"""How an authorization response is sent to the redirect URI."""
RESPONSE_MODES: tuple[ResponseMode, ...] = get_args(ResponseMode)
RESPONSE_TYPES = ("code", "id_token", "id_token token", "code id_token", "code token", "code id_token token")
"""The response types of OpenID Connect, as they are registered."""


def registered_response_type(response_type: str) -> str:
    """Return the registered form of a response type, whose values have no order (RFC 6749 3.1.1).

    Raises:
        ValueError: OpenID Connect doesn't define this response type.
    """
    values = sorted(response_type.split())
    for registered in RESPONSE_TYPES:
        if sorted(registered.split()) == values:
            return registered
    raise ValueError(f"not a response type of OpenID Connect: {ascii(response_type)[:100]}")


def default_response_mode(response_type: str) -> ResponseMode:
    """Return the default response mode of a response type (Multiple Response Types 2.1, 5)."""
    return "query" if response_type == "code" else "fragment"


def allows_query_mode(response_type: str) -> bool:
    """Return whether the response may be a query: tokens must not be in logs, histories and Referer (3.1, 5)."""
    return response_type == "code"
