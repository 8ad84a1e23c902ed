"""Response types and modes by their registered names."""

import pytest

from oidc_async.protocol.response_type import RESPONSE_TYPES, default_response_mode, registered_response_type


@pytest.mark.parametrize(
    ("given", "registered"),
    [
        ("code", "code"),
        ("id_token", "id_token"),
        ("token id_token", "id_token token"),
        ("id_token token", "id_token token"),
        ("id_token code", "code id_token"),
        ("token code", "code token"),
        ("token id_token code", "code id_token token"),
        (" code  token ", "code token"),
    ],
)
def test_the_values_of_a_response_type_have_no_order(given: str, registered: str) -> None:
    """threat model 262"""
    assert registered_response_type(given) == registered


@pytest.mark.parametrize(
    "given", ["", " ", "token", "none", "code code", "Code", "code,token", "code none", "id_tokens"]
)
def test_another_response_type_is_none(given: str) -> None:
    with pytest.raises(ValueError, match="not a response type of OpenID Connect"):
        registered_response_type(given)


def test_tokens_come_by_the_fragment_unless_another_way_is_asked_for() -> None:
    """OAuth 2.0 Multiple Response Types 2.1 and 5."""
    modes = {response_type: default_response_mode(response_type) for response_type in RESPONSE_TYPES}
    assert modes == {**dict.fromkeys(RESPONSE_TYPES, "fragment"), "code": "query"}
