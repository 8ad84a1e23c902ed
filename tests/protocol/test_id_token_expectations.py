"""The expectations of an ID token, which are checked themselves, and the messages for tokens that don't meet them."""

import math
import traceback
from dataclasses import replace
from typing import Any

import pytest

from oidc_async.errors import (
    ClaimInvalid,
    ConfigurationError,
    TokenError,
)
from oidc_async.protocol.claims import format_claim
from tests.protocol.id_tokens import CLAIMS, EXPECTATIONS, read


@pytest.mark.parametrize(
    "algorithms",
    [
        pytest.param((), id="threat model 110: empty"),
        pytest.param([], id="threat model 110: an empty list"),
        pytest.param(None, id="threat model 110: None"),
        pytest.param("RS256", id="threat model 110: a string"),
        pytest.param("", id="threat model 110: an empty string"),
        pytest.param(["RS256"], id="threat model 110: a list"),
        pytest.param({"RS256"}, id="threat model 110: a set"),
        pytest.param(("RS256", "none"), id="threat model 80, 110: none"),
        pytest.param(("None",), id="threat model 80, 110: None in capitals"),
        pytest.param(("RS256", "XX256"), id="threat model 110: unknown"),
        pytest.param(("RS256", None), id="threat model 110: a None inside"),
        pytest.param((["RS256"],), id="threat model 110: a list inside"),
        pytest.param(("",), id="threat model 110: an empty name"),
    ],
)
def test_algorithms_are_a_tuple_of_known_names(algorithms: Any) -> None:
    with pytest.raises(ConfigurationError, match="algorithms"):
        replace(EXPECTATIONS, algorithms=algorithms)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("issuer", ""),
        ("issuer", None),
        ("client_id", ""),
        ("client_id", None),
        ("nonce", ""),
        ("nonce", 7),
        ("subjects", "alice"),
        ("subjects", ("",)),
        ("acr_values", "gold"),
        ("acr_values", ["gold"]),
        ("acr_values", ("",)),
        ("trusted_audiences", "trusted"),
        ("trusted_audiences", None),
        ("leeway_seconds", None),
        ("leeway_seconds", -1),
        ("leeway_seconds", math.nan),
        ("leeway_seconds", math.inf),
        ("leeway_seconds", "30"),
        ("issued_within_seconds", None),
        ("issued_within_seconds", -1),
        ("issued_within_seconds", math.nan),
        ("issued_within_seconds", math.inf),
        ("max_age_seconds", -1),
        ("max_age_seconds", math.nan),
        ("max_age_seconds", math.inf),
    ],
)
def test_expectations_that_would_check_nothing_are_rejected(setting: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=setting):
        replace(EXPECTATIONS, **{setting: value})


def test_a_hash_can_only_be_a_must_with_its_value() -> None:
    with pytest.raises(ConfigurationError, match="access_token"):
        replace(EXPECTATIONS, access_token=None, require_at_hash=True)
    with pytest.raises(ConfigurationError, match="code"):
        replace(EXPECTATIONS, code=None, require_c_hash=True)


def test_expectations_show_no_secret() -> None:
    """threat model 251"""
    told = repr(EXPECTATIONS)
    assert "the nonce" not in told
    assert "the access token" not in told
    assert "the code" not in told


def test_messages_show_iss_and_aud_of_a_verified_token_only_printable_and_cut() -> None:
    """threat model 256"""
    for claim in ("iss", "aud"):
        with pytest.raises(ClaimInvalid) as caught:
            read({**CLAIMS, claim: "https://evil.example\r\n\x1b[31m\u202e" + "x" * 5000})
        assert "https://evil.example" in caught.value.message
        assert caught.value.message.isprintable()
        assert caught.value.message.isascii()
        assert len(caught.value.message) < 400
        assert len(str(caught.value.evidence)) < 600


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": "canary"},
        {"sub": "canary" * 50},
        {"at_hash": "canary"},
        {"c_hash": "canary"},
        {"exp": "canary"},
        {"events": "canary"},
        {"email": "canary", "iat": 0},
    ],
    ids=["nonce", "sub", "at_hash", "c_hash", "exp", "events", "another claim"],
)
def test_messages_and_evidence_hold_no_secret(changes: dict[str, Any]) -> None:
    """threat model 250"""
    expectations = replace(EXPECTATIONS, nonce="canary-1", access_token="canary-2", code="canary-3")
    payload = {**CLAIMS, "nonce": "canary-1", **changes}
    with pytest.raises(TokenError) as caught:
        read(payload, expectations)
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value.evidence)
    assert "canary" not in told


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "'plain'"),
        ("line\nbreak", "'line\\nbreak'"),
        (["a", "ü"], "['a', '\\xfc']"),
        ("x" * 500, "'" + "x" * 199),
        (7, "int"),
        (None, "NoneType"),
        ({"a": 1}, "dict"),
    ],
)
def test_a_shown_value_is_printable_and_short(value: object, text: str) -> None:
    assert format_claim(value) == text
