"""The authorization request and its response, without a provider: threat model C."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oidc_async.errors import (
    AuthorizationRefused,
    AuthorizationResponseInvalid,
    DuplicateParameter,
    LoginError,
    StateMismatch,
    StateMissing,
)
from oidc_async.protocol.authorization import (
    MAX_PARAMETER_LENGTH,
    MAX_PARAMETERS,
    MAX_RESPONSE_LENGTH,
    authorization_request,
    code_challenge,
    parse_authorization_response,
    read_authorization_response,
    require_state,
)
from oidc_async.protocol.metadata import ProviderMetadata

ISSUER = "https://op.example"
PROVIDER = ProviderMetadata(ISSUER, f"{ISSUER}/authorize", f"{ISSUER}/jwks", f"{ISSUER}/token")
SENDS_ISS = PROVIDER.copy(authorization_response_iss_parameter_supported=True)
GOOD = {"code": "c1", "state": "s1", "iss": ISSUER}
TOKEN = "eyJhbGciOiJub25lIn0.e30."


def read(parameters: dict[str, str], provider: ProviderMetadata = SENDS_ISS) -> str:
    return str(read_authorization_response(parameters, provider, "s1", "code").code)


def outcome(read_it: Callable[[], str]) -> str:
    """The code, or what the login is rejected with."""
    try:
        return read_it()
    except LoginError as error:
        return str(error)


def without(name: str) -> dict[str, str]:
    return {key: value for key, value in GOOD.items() if key != name}


def test_the_code_of_a_valid_response_is_read() -> None:
    assert read(parse_authorization_response(urlencode(GOOD))) == "c1"


def test_iss_may_be_missing_when_the_provider_does_not_promise_it() -> None:
    assert read(without("iss"), PROVIDER) == "c1"


def test_parameters_that_nobody_knows_do_no_harm() -> None:
    assert read({**GOOD, "session_state": "a.b", "expires_in": "", "Code": "other"}) == "c1"


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        pytest.param(without("state"), StateMissing, id="38-state-missing"),
        pytest.param({**GOOD, "state": ""}, StateMissing, id="38-state-empty"),
        pytest.param({**GOOD, "state": "s2"}, StateMismatch, id="39-state-other"),
        pytest.param({**GOOD, "state": "S1"}, StateMismatch, id="39-state-in-other-case"),
        pytest.param({**GOOD, "state": "s1 "}, StateMismatch, id="39-state-and-a-space"),
        pytest.param({**GOOD, "state": "s\ud800"}, StateMismatch, id="39-state-that-is-no-text"),
        pytest.param({**GOOD, "iss": "https://other.example"}, AuthorizationResponseInvalid, id="44-iss-other"),
        pytest.param({**GOOD, "iss": ISSUER + "/"}, AuthorizationResponseInvalid, id="44-iss-with-a-slash-more"),
        pytest.param({**GOOD, "iss": ""}, AuthorizationResponseInvalid, id="44-iss-empty"),
        pytest.param(without("iss"), AuthorizationResponseInvalid, id="45-iss-missing-though-promised"),
        pytest.param({"error": "e", "state": "s1"}, AuthorizationResponseInvalid, id="45-error-without-iss"),
        pytest.param({**GOOD, "error": "e"}, AuthorizationRefused, id="48-code-and-error"),
        pytest.param({**GOOD, "error": ""}, AuthorizationRefused, id="48-code-and-an-empty-error"),
        pytest.param({**GOOD, "id_token": TOKEN}, AuthorizationResponseInvalid, id="51-id_token-added"),
        pytest.param({**GOOD, "access_token": "t"}, AuthorizationResponseInvalid, id="51-access_token-added"),
        pytest.param({**GOOD, "access_token": ""}, AuthorizationResponseInvalid, id="51-empty-access_token-added"),
        pytest.param({**GOOD, "token_type": "Bearer"}, AuthorizationResponseInvalid, id="51-token_type-added"),
        pytest.param({**GOOD, "response": TOKEN}, AuthorizationResponseInvalid, id="51-a-response-as-jwt"),
        pytest.param({**GOOD, "refresh_token": "t"}, AuthorizationResponseInvalid, id="51-refresh_token-added"),
        pytest.param(without("code"), AuthorizationResponseInvalid, id="60-code-missing"),
        pytest.param({**GOOD, "code": ""}, AuthorizationResponseInvalid, id="60-code-empty"),
        pytest.param({**GOOD, "code": "c\r\nX: 1"}, AuthorizationResponseInvalid, id="60-code-with-line-breaks"),
        pytest.param({**GOOD, "code": "c1\n"}, AuthorizationResponseInvalid, id="60-code-and-a-line-break"),
        pytest.param({**GOOD, "code": "c\0"}, AuthorizationResponseInvalid, id="60-code-with-a-null"),
        pytest.param({**GOOD, "code": "cé"}, AuthorizationResponseInvalid, id="60-code-outside-ascii"),
        pytest.param(
            {**GOOD, "code": "c" * (MAX_PARAMETER_LENGTH + 1)}, AuthorizationResponseInvalid, id="60-code-too-long"
        ),
    ],
)
def test_an_invalid_response_is_rejected(parameters: dict[str, str], error: type[LoginError]) -> None:
    """threat model 38, 39, 44, 45, 48, 51, 60."""
    with pytest.raises(error) as caught:
        read(parameters)
    assert "c1" not in str(caught.value)
    assert "s1" not in str(caught.value)


def test_a_code_may_be_as_long_as_allowed() -> None:
    assert read({**GOOD, "code": "c" * MAX_PARAMETER_LENGTH})


def test_iss_is_checked_before_an_error_is_believed() -> None:
    """threat model 46: a mixed-up provider may send an error as well."""
    with pytest.raises(AuthorizationResponseInvalid, match="another provider"):
        read({"error": "access_denied", "state": "s1", "iss": "https://other.example"})


def test_state_is_checked_before_anything_else() -> None:
    """threat model 50."""
    with pytest.raises(StateMismatch):
        read({"error": "access_denied", "state": "s2", "iss": "https://other.example"})


@pytest.mark.parametrize(
    ("sent", "description", "error"),
    [
        pytest.param("<b>no</b>", "<b>no</b>", "?b?no?/b?", id="49-markup-is-text"),
        pytest.param('say "no"\\', "say ?no??", "say ?no??", id="256-quotes"),
        pytest.param("no\r\nadmin logged in", "no??admin logged in", "no??admin logged in", id="256-line-breaks"),
        pytest.param("no\x1b[31m\x7f", "no?[31m?", "no??31m?", id="256-terminal-codes"),
        pytest.param("n\u00f6\u2028", "n??", "n??", id="256-outside-ascii"),
        pytest.param("x" * 5000, "x" * 500, "x" * 100, id="68-long"),
    ],
)
def test_what_a_provider_says_is_kept_printable_and_short(sent: str, description: str, error: str) -> None:
    """threat model 49, 68, 256."""
    with pytest.raises(AuthorizationRefused) as caught:
        read({"error": sent, "error_description": sent, "state": "s1", "iss": ISSUER})
    assert (caught.value.error_description, caught.value.error) == (description, error)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", ["code", "state", "iss", "error", "foo"])
def test_a_parameter_must_not_occur_twice(name: str) -> None:
    """threat model 47."""
    with pytest.raises(DuplicateParameter, match=f"^{name} occurs twice"):
        parse_authorization_response(f"{name}=a&code=b&state=c&iss=d&error=e&foo=f&{name}=a")


@pytest.mark.parametrize(
    "encoded", ["code=a&%63ode=b", "code=a&code", "code&code", "code=a&c%6Fde=a"], ids=lambda text: str(text)
)
def test_a_parameter_must_not_occur_twice_in_disguise(encoded: str) -> None:
    """threat model 47."""
    with pytest.raises(DuplicateParameter):
        parse_authorization_response(encoded)


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "a b", "a\r\nb", "x" * 51, "\u00e9"])
def test_the_name_of_a_repeated_parameter_is_shown_only_if_it_is_plain(name: str) -> None:
    """threat model 49, 256: anybody can make a link with such names."""
    with pytest.raises(DuplicateParameter, match=r"^A parameter occurs twice in the authorization response\.$"):
        parse_authorization_response(urlencode([(name, "1"), (name, "2")]))


@pytest.mark.parametrize(
    "encoded",
    [
        pytest.param("state=%ff", id="no-utf-8"),
        pytest.param("state=%ed%a0%80", id="half-a-surrogate-pair-encoded"),
        pytest.param("state=%c0%af", id="overlong-utf-8"),
        pytest.param("state=\ud800", id="half-a-surrogate-pair"),
        pytest.param("state=é", id="characters-that-should-be-encoded"),
        pytest.param("code=" + "x" * MAX_RESPONSE_LENGTH, id="60-too-long"),
        pytest.param("&".join(f"p{number}=" for number in range(MAX_PARAMETERS + 1)), id="231-too-many"),
        pytest.param("&" * (MAX_PARAMETERS + 1), id="231-too-many-empty-ones"),
    ],
)
def test_anything_but_an_encoded_response_is_rejected(encoded: str) -> None:
    """threat model 60, 231."""
    with pytest.raises(AuthorizationResponseInvalid) as caught:
        parse_authorization_response(encoded)
    # Python's own error would hold the whole response, with its code
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("encoded", "parameters"),
    [
        pytest.param("", {}, id="nothing"),
        pytest.param("code=a+b%2Bc&state=", {"code": "a b+c", "state": ""}, id="plus-and-percent"),
        pytest.param("code=a;state=b", {"code": "a;state=b"}, id="a-semicolon-separates-nothing"),
        pytest.param("code=a=b", {"code": "a=b"}, id="an-equals-sign-in-a-value"),
        pytest.param("code=%252B", {"code": "%2B"}, id="decoded-once"),
    ],
)
def test_parameters_are_read_as_forms_are(encoded: str, parameters: dict[str, str]) -> None:
    assert parse_authorization_response(encoded) == parameters


ENCODED = st.one_of(
    st.text(),
    st.text(alphabet="codestaiger=&%+;0123456789abcdefABCDEF\0é\ud800", max_size=200),
    st.lists(st.tuples(st.sampled_from(("code", "state", "iss", "error", "id_token")), st.text())).map(
        lambda pairs: urlencode(pairs, errors="surrogatepass")
    ),
)


@settings(deadline=None)
@given(encoded=ENCODED)
def test_no_response_makes_anything_fail_but_the_login(encoded: str) -> None:
    assert outcome(lambda: read(parse_authorization_response(encoded))).isprintable()


@settings(deadline=None)
@given(
    parameters=st.dictionaries(
        st.sampled_from(("code", "state", "iss", "error", "error_description", "response")), st.text()
    ),
    own=st.booleans(),
)
def test_no_parameters_make_anything_fail_but_the_login(parameters: dict[str, str], own: bool) -> None:
    if own:
        parameters |= {"state": "s1", "iss": ISSUER}
    assert outcome(lambda: read(parameters)).isprintable()


@pytest.mark.parametrize(
    "encoded",
    [
        "&" * MAX_RESPONSE_LENGTH,
        "%" * MAX_RESPONSE_LENGTH,
        "a" * 10_000_000,
        "=" * MAX_RESPONSE_LENGTH,
        "%c3" * 10_000,
    ],
    ids=["ampersands", "percent-signs", "ten-million-letters", "equals-signs", "half-characters"],
)
def test_a_hostile_response_costs_little(encoded: str) -> None:
    with pytest.raises(LoginError):
        require_state(parse_authorization_response(encoded))


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("https://op.example/authorize", "https://op.example/authorize?"),
        ("https://op.example/authorize?tenant=a%20b", "https://op.example/authorize?tenant=a%20b&"),
    ],
    ids=["plain", "with-a-query-of-its-own"],
)
def test_the_request_keeps_the_query_of_the_endpoint(endpoint: str, expected: str) -> None:
    url = authorization_request(PROVIDER.copy(authorization_endpoint=endpoint), {"state": "a b&c=d+#é"})
    assert url == f"{expected}state=a%20b%26c%3Dd%2B%23%C3%A9"
    assert parse_qs(urlsplit(url).query)["state"] == ["a b&c=d+#é"]


def test_the_code_challenge_is_that_of_the_example() -> None:
    """RFC 7636 appendix B."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert code_challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_metadata_given_by_a_provider_may_have_any_member_names() -> None:
    members: dict[str, Any] = {"self": 1, "cls": 2, "values": 3, "more": 4, "name": 5, "": 6}
    metadata = PROVIDER.copy(**members)
    assert {name: metadata[name] for name in members} == members


@pytest.mark.parametrize(
    ("session_state", "read"),
    [
        ("hash.salt", "hash.salt"),
        ("'\"<&", "'\"<&"),
        ("a" * 1024, "a" * 1024),
        ("a" * 1025, None),
        ("two words", None),
        ("line\nbreak", None),
        ("hash.salt\n", None),
        ("\u00e4", None),
        ("", None),
    ],
)
def test_a_session_state_is_taken_as_it_is_or_not_at_all(session_state: str, read: str | None) -> None:
    """OIDC Session Management 2: it has no space; nothing but a frame depends on it."""
    parameters = {"state": "s1", "code": "c1", "session_state": session_state}
    assert read_authorization_response(parameters, PROVIDER, "s1", "code").session_state == read
    without = read_authorization_response({"state": "s1", "code": "c1"}, PROVIDER, "s1", "code")
    assert without.session_state is None
