"""What an authorization response brings, and by which way (OAuth 2.0 Multiple Response Types, Form Post)."""

from typing import Literal, get_args

ResponseMode = Literal["query", "fragment", "form_post"]
"""How an authorization response is sent to the redirect URI."""
RESPONSE_MODES: tuple[ResponseMode, ...] = get_args(ResponseMode)
RESPONSE_TYPES = ("code", "id_token", "id_token token", "code id_token", "code token", "code id_token token")
"""Those of OpenID Connect, in the spelling that is registered."""


def registered_response_type(response_type: str) -> str:
    """The registered spelling: the values of a response type have no order (RFC 6749 3.1.1).

    Raises ValueError for one that OpenID Connect doesn't know.
    """
    values = sorted(response_type.split())
    for registered in RESPONSE_TYPES:
        if sorted(registered.split()) == values:
            return registered
    raise ValueError(f"no response type of OpenID Connect: {ascii(response_type)[:100]}")


def default_response_mode(response_type: str) -> ResponseMode:
    """By which way the response comes unless another one is asked for (Multiple Response Types 2.1, 5)."""
    return "query" if response_type == "code" else "fragment"


def allows_query_mode(response_type: str) -> bool:
    """Whether nothing in it harms where queries end up: in logs, in histories and in Referer (3.1, 5 there)."""
    return response_type == "code"
