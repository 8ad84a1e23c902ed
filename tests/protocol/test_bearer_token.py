"""Bearer tokens in requests, and challenges: threat model 138 to 144, 147."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from oidc_async.errors import BearerRequestInvalid
from oidc_async.protocol.bearer_token import MAX_TOKEN_LENGTH, challenge, read_bearer_token, read_subprotocols
from tests.hypothesis_profiles import examples

TOKEN = "mF_9.B5f-4.1JqM"
EVERY_CHARACTER = "AZaz09-._~+/=="
CANARY = "canary-token-3141592653"


@pytest.mark.parametrize(
    ("header", "token"),
    [
        pytest.param(f"Bearer {TOKEN}", TOKEN, id="as in RFC 6750"),
        pytest.param(f"bearer {TOKEN}", TOKEN, id="142: lower case"),
        pytest.param(f"BEARER {TOKEN}", TOKEN, id="142: upper case"),
        pytest.param(f"bEaReR {TOKEN}", TOKEN, id="142: mixed case"),
        pytest.param(f"Bearer   {TOKEN}", TOKEN, id="several spaces, RFC 9110 11.4"),
        pytest.param(f"Bearer {EVERY_CHARACTER}", EVERY_CHARACTER, id="143: all that is allowed"),
        pytest.param(f"Bearer {'x' * MAX_TOKEN_LENGTH}", "x" * MAX_TOKEN_LENGTH, id="144: the longest"),
    ],
)
def test_the_token_follows_bearer(header: str, token: str) -> None:
    assert read_bearer_token([header]) == token


@pytest.mark.parametrize(
    "authorizations",
    [
        pytest.param([], id="138: no header"),
        pytest.param([""], id="138: an empty one"),
        pytest.param(["Basic YWxpY2U6cGFzc3dvcmQ="], id="138: Basic"),
        pytest.param([f"DPoP {TOKEN}"], id="151: DPoP"),
        pytest.param([f"Bearers {TOKEN}"], id="a longer scheme"),
        pytest.param([f"Beare {TOKEN}"], id="a shorter scheme"),
        pytest.param([f"Basic Bearer {TOKEN}"], id="Bearer in another place"),
    ],
)
def test_a_request_without_a_bearer_token_has_none(authorizations: list[str]) -> None:
    assert read_bearer_token(authorizations) is None


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("Bearer", id="139: the scheme alone"),
        pytest.param("Bearer ", id="139: a space behind it"),
        pytest.param("bearer    ", id="139: spaces behind it"),
        pytest.param(f"Bearer  {CANARY} y", id="139: two words"),
        pytest.param(f"Bearer {CANARY},{CANARY}", id="139: a list"),
        pytest.param(f"Bearer {CANARY}, Bearer {CANARY}", id="139: two credentials in one header"),
        pytest.param(f"Bearer\t{CANARY}", id="139: a tab"),
        pytest.param(f"bEARER\t{CANARY}", id="139: a tab, in another case"),
        pytest.param(f"Bearer \t{CANARY}", id="139: a space and a tab"),
        pytest.param(f"Bearer {CANARY} ", id="139: a space at the end"),
        pytest.param(f'Bearer token="{CANARY}"', id="143: quotes"),
        pytest.param(f"Bearer {CANARY}\x00", id="143: NUL"),
        pytest.param(f"Bearer {CANARY}\r\nX: y", id="143: CR LF"),
        pytest.param(f"Bearer {CANARY}\n", id="143: a line end at the end"),
        pytest.param(f"Bearer {CANARY}é", id="143: a letter beyond ASCII"),
        pytest.param(f"Bearer {CANARY}٣", id="143: a digit beyond ASCII"),
        pytest.param(f"Bearer {CANARY}\ud800", id="143: half a character"),
        pytest.param(f"Bearer {CANARY}=x", id="143: = in the middle"),
        pytest.param("Bearer ===", id="143: = alone"),
        pytest.param(f"Bearer {CANARY}&token_type_hint=x", id="136: parameters behind it"),
        pytest.param("Bearer " + "x" * (MAX_TOKEN_LENGTH + 1), id="144: one character too many"),
        pytest.param("Bearer " + "." * 1024 * 1024, id="144: a million dots"),
    ],
)
def test_anything_but_a_token_is_rejected_without_being_repeated(header: str) -> None:
    """threat model 139, 143, 144."""
    with pytest.raises(BearerRequestInvalid) as caught:
        read_bearer_token([header])
    assert caught.value.code == "invalid_request"
    assert "canary" not in f"{caught.value!r} {caught.value} {caught.value.evidence}"
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("authorizations", "form_tokens"),
    [
        pytest.param([f"Bearer {TOKEN}", "Bearer other"], [], id="two headers"),
        pytest.param([f"Bearer {TOKEN}"] * 2, [], id="the same header twice"),
        pytest.param([f"Bearer {TOKEN}", "Basic YTpi"], [], id="two headers of two schemes"),
        pytest.param(["Basic YTpi", "Basic YTpi"], [], id="two headers, none of them ours"),
        pytest.param([f"Bearer {TOKEN}"], [TOKEN], id="header and form, the same token"),
        pytest.param([f"Bearer {TOKEN}"], ["other"], id="header and form"),
        pytest.param(["Bearer"], ["other"], id="an empty header and form"),
        pytest.param([f"Bearer {TOKEN}"], [""], id="header and an empty form field"),
        pytest.param([], [TOKEN, TOKEN], id="twice in the form"),
    ],
)
def test_one_token_is_enough(authorizations: list[str], form_tokens: list[str]) -> None:
    """threat model 140."""
    with pytest.raises(BearerRequestInvalid, match="one"):
        read_bearer_token(authorizations, form_tokens)


def test_a_token_may_be_in_the_form() -> None:
    """RFC 6750 2.2."""
    assert read_bearer_token([], [TOKEN]) == TOKEN
    assert read_bearer_token(["Basic YTpi"], [TOKEN]) == TOKEN


@pytest.mark.parametrize("value", ["", "a b", "a\r\nb", "x" * (MAX_TOKEN_LENGTH + 1)], ids=ascii)
def test_a_token_in_the_form_is_held_to_the_same(value: str) -> None:
    """threat model 143, 144."""
    with pytest.raises(BearerRequestInvalid):
        read_bearer_token([], [value])


headers = st.one_of(
    st.text(max_size=30),
    st.builds(
        "{}{}{}".format,
        st.sampled_from(["Bearer", "bearer", "BEARER", "Basic"]),
        st.sampled_from([" ", "  ", "\t", "", " \t"]),
        st.text(max_size=20) | st.text("aA0-._~+/=,", max_size=20),
    ),
)


@settings(max_examples=examples(300), deadline=None)
@given(st.lists(headers, max_size=3), st.lists(st.text(max_size=10) | st.text("aA0-._~+/=", max_size=10), max_size=2))
@example([f"Bearer {TOKEN}"], [])
def test_the_result_is_a_token_nothing_or_a_rejection(authorizations: list[str], form_tokens: list[str]) -> None:
    """threat model 139 to 143: a token is of the characters of RFC 6750 2.1, and stood there, alone."""
    try:
        token = read_bearer_token(authorizations, form_tokens)
    except BearerRequestInvalid:
        return
    assert len(authorizations) <= 1
    if token is None:
        assert form_tokens == []
        return
    assert re.fullmatch("[A-Za-z0-9._~+/-]+=*", token)
    in_header = [header for header in authorizations if re.fullmatch(f"bearer +{re.escape(token)}", header, re.I)]
    assert len(in_header) + len(form_tokens) == 1
    assert in_header or form_tokens == [token]


# Challenges


@pytest.mark.parametrize(
    ("parameters", "header"),
    [
        pytest.param({}, "Bearer", id="138: without an error"),
        pytest.param({"error": None, "scope": None}, "Bearer", id="nothing to say"),
        pytest.param({"error": "invalid_token"}, 'Bearer error="invalid_token"', id="145"),
        pytest.param(
            {"error": "insufficient_scope", "error_description": None, "scope": "read write"},
            'Bearer error="insufficient_scope", scope="read write"',
            id="146: the scope that is needed",
        ),
        pytest.param({"error_description": 'a"b\\c\r\nd\x00é'}, 'Bearer error_description="a?b?c??d??"', id="147"),
    ],
)
def test_a_challenge_says_what_there_is_to_say(parameters: dict[str, str | None], header: str) -> None:
    assert challenge(parameters) == header


@settings(max_examples=examples(100), deadline=None)
@given(st.dictionaries(st.sampled_from(["error", "error_description", "scope", "acr_values"]), st.none() | st.text()))
def test_nothing_breaks_out_of_a_challenge(parameters: dict[str, str | None]) -> None:
    """threat model 147, 154: whatever the values, the header is ASCII in one line, and can be parsed."""
    header = challenge(parameters)
    one = r'[a-z_]+="[ !#-\[\]-~]*"'
    assert re.fullmatch(rf"Bearer( {one}(, {one})*)?", header)
    told = {name: value for name, value in parameters.items() if value is not None}
    assert re.findall(r'([a-z_]+)="', header) == list(told)
    assert [len(text) for text in re.findall(r'="([^"]*)"', header)] == [len(value) for value in told.values()]


@pytest.mark.parametrize(
    ("offered", "tokens", "names"),
    [
        ([], [], []),
        (["chat"], [], ["chat"]),
        (["bearer", TOKEN], [TOKEN], ["bearer"]),
        (["chat", "bearer", TOKEN, "chat.v2"], [TOKEN], ["chat", "bearer", "chat.v2"]),
        (["bearer", "bearer"], ["bearer"], ["bearer"]),
        (["bearer"], [""], ["bearer"]),
        (["bearer", TOKEN, "bearer", TOKEN], [TOKEN, TOKEN], ["bearer", "bearer"]),
        (["Bearer", TOKEN], [], ["Bearer", TOKEN]),
        (["bearer", "a%2Fb+c~%3D%3D"], ["a/b+c~=="], ["bearer"]),
    ],
)
def test_a_token_follows_its_name_among_the_subprotocols(
    offered: list[str], tokens: list[str], names: list[str]
) -> None:
    """threat model 379, 380"""
    assert read_subprotocols(offered) == (tokens, names)
