"""What a `claims` parameter requires of the ID token (OIDC Core 5.5)."""

from typing import Any

import pytest

from oidc_async.protocol.claims_parameter import RequiredClaims, read_required_claims


@pytest.mark.parametrize(
    ("claims", "required"),
    [
        ("{}", {}),
        ('{"id_token":null}', {}),
        ('{"userinfo":null,"other":5}', {}),
        ('{"id_token":{"acr":null,"sub":null,"auth_time":null}}', {}),
        # acr (5.5.1.1)
        ('{"userinfo":{"acr":{"essential":true,"values":["a"]}}}', {}),
        ('{"id_token":{"acr":{"values":["a"]}}}', {}),
        ('{"id_token":{"acr":{"essential":false,"values":["a"]}}}', {}),
        ('{"id_token":{"acr":{"essential":true}}}', {}),
        ('{"id_token":{"acr":{"essential":true,"values":["a","b"]}}}', {"acr_values": ("a", "b")}),
        ('{"id_token":{"acr":{"essential":true,"value":"a"}}}', {"acr_values": ("a",)}),
        # sub (5.5.1)
        ('{"id_token":{"sub":{"value":"alice"}}}', {"subjects": ("alice",)}),
        ('{"id_token":{"sub":{"values":["alice","bob"]}}}', {"subjects": ("alice", "bob")}),
        ('{"id_token":{"sub":{"essential":true,"value":"alice"}}}', {"subjects": ("alice",)}),
        ('{"id_token":{"sub":{"essential":true}}}', {}),
        ('{"userinfo":{"sub":{"value":"alice"}}}', {}),
        # auth_time (2)
        ('{"id_token":{"auth_time":{"essential":true}}}', {"auth_time": True}),
        ('{"id_token":{"auth_time":{"essential":false}}}', {}),
        ('{"userinfo":{"auth_time":{"essential":true}}}', {}),
        # all others may be missing (5.5.1)
        ('{"id_token":{"email":{"essential":true,"value":"a@example.com"},"amr":{"essential":true}}}', {}),
        ('{"userinfo":{"email":{"essential":true}}}', {}),
    ],
)
def test_what_is_required(claims: str, required: dict[str, Any]) -> None:
    """threat model 102."""
    assert read_required_claims(claims) == RequiredClaims(**required)


@pytest.mark.parametrize(
    "claims",
    [
        "",
        "[]",
        '{"id_token":[]}',
        '{"userinfo":[]}',
        '{"id_token":{"acr":"a"}}',
        '{"id_token":{"sub":"alice"}}',
        '{"id_token":{"auth_time":true}}',
        '{"id_token":{"acr":{"essential":true,"values":"a"}}}',
        '{"id_token":{"acr":{"essential":true,"values":[5]}}}',
        '{"id_token":{"acr":{"essential":true,"values":[""]}}}',
        '{"id_token":{"acr":{"essential":true,"values":[]}}}',
        '{"id_token":{"acr":{"essential":true,"value":null}}}',
        '{"id_token":{"acr":{"essential":"true","value":"a"}}}',
        '{"id_token":{"auth_time":{"essential":1}}}',
        '{"id_token":{"sub":{"value":5}}}',
        '{"id_token":{"sub":{"value":""}}}',
        '{"id_token":{"sub":{"values":[]}}}',
        '{"id_token":{"sub":{"values":null}}}',
        '{"id_token":{},"id_token":{}}',
    ],
)
def test_claims_that_cannot_be_understood_are_rejected(claims: str) -> None:
    """threat model 102: what is required must not get lost."""
    with pytest.raises(ValueError, match=r"\w"):
        read_required_claims(claims)
