"""What comes of every fault of introspection and of JWT access tokens. threat model 123 to 135, 144 to 151."""

import logging

import pytest

from oidc_async.errors import (
    AlgorithmNotAllowed,
    ClaimInvalid,
    IntrospectionInvalid,
    KeyNotFound,
    OAuthError,
    OIDCError,
    ProviderError,
    ProviderTimeout,
    ProviderUnreachable,
    ResponseTooLarge,
    SignatureInvalid,
    TokenError,
    TokenExpired,
    TokenInactive,
    TokenMalformed,
)
from oidc_async.testing import API_FAULTS, Fault, Misbehaviour
from tests.core.api import API, api_for
from tests.core.worlds import World

Table = dict[tuple[type[OIDCError], str], str]
"""The error and the claim that it names; the faults that lead to it."""

ERRORS_OF_INTROSPECTION: Table = {
    (
        TokenInactive,
        "",
    ): "ACTIVE_MISSING ACTIVE_NULL ACTIVE_STRING ACTIVE_NUMBER ACTIVE_DIGIT ACTIVE_LIST INACTIVE_IN_FULL UNSUPPORTED",
    (TokenExpired, ""): "EXP_PAST",
    (ClaimInvalid, "exp"): "EXP_STRING EXP_TRUE EXP_LIST EXP_NEGATIVE",
    (IntrospectionInvalid, ""): """
        EXP_NAN EXP_OVERFLOW EXP_ENDLESS_INTEGER UNASKED_JWT UNSIGNED_JWT HTML ARRAY NULL TRUE EMPTY
        DUPLICATE_MEMBERS BYTE_ORDER_MARK DEEP TRUNCATED 201 204 REDIRECT 307 JWT_PLAIN JWT_SAID_TO_BE_JSON
        JWT_SAID_TO_BE_ANY JWT_TRUNCATED JWT_TYP_JWT JWT_TYP_ACCESS_TOKEN JWT_TYP_MISSING JWT_TYP_NUMBER
        JWT_KID_UNKNOWN JWT_CRIT_UNKNOWN JWT_ALG_NONE JWT_ALG_NONE_MIXED JWT_HS256_PUBLIC_PEM
        JWT_OTHER_ALGORITHM JWT_SIGNATURE_BROKEN JWT_SIGNATURE_EMPTY JWT_SIGNATURE_FOREIGN JWT_JWK_INJECTED
        JWT_ISS_OTHER JWT_ISS_MISSING JWT_AUD_OTHER JWT_AUD_MISSING JWT_IAT_MISSING JWT_IAT_STRING
        JWT_IAT_OLD JWT_IAT_FUTURE JWT_ANSWER_MISSING JWT_ANSWER_LIFTED JWT_ANSWER_LIST JWT_ANSWER_STRING
        JWT_ANSWER_NULL JWT_PAYLOAD_ARRAY JWT_PAYLOAD_DUPLICATE_MEMBERS
    """,
    (ClaimInvalid, "typ"): "TYP_REFRESH",
    (ClaimInvalid, "token_use"): "TOKEN_USE_ID",
    (ClaimInvalid, "token_type"): "TOKEN_TYPE_REFRESH",
    (ClaimInvalid, "nbf"): "NBF_FUTURE NBF_STRING",
    (ClaimInvalid, "iat"): "IAT_FUTURE IAT_STRING",
    (ClaimInvalid, "iss"): "ISS_OTHER ISS_LIST",
    (ClaimInvalid, "aud"): """
        AUD_OTHER AUD_LONGER AUD_SHORTER AUD_MISSING AUD_NULL AUD_EMPTY_LIST AUD_OBJECT AUD_NUMBER
        AUD_WITH_NUMBER
    """,
    (ClaimInvalid, "scope"): "SCOPE_NUMBER SCOPE_TRUE SCOPE_OBJECT SCOPE_WITH_NUMBER",
    (ClaimInvalid, "sub"): "SUB_NUMBER SUB_LIST SUB_OBJECT",
    (ClaimInvalid, "cnf"): "CNF_JKT CNF_X5T CNF_STRING",
    (OAuthError, ""): "ERROR_HTML 400 401 403 404 429",
    (ResponseTooLarge, ""): "HUGE GZIP_BOMB ENDLESS",
    (ProviderUnreachable, ""): "500 502 503 ERROR_ACTIVE RESET CUT_OFF",
    (ProviderTimeout, ""): "SLOW DRIP",
}
ERRORS_OF_JWTS: Table = {
    (
        ClaimInvalid,
        "typ",
    ): """
        TYP_JWT TYP_MISSING TYP_NUMBER TYP_LOGOUT_TOKEN TYP_DPOP TYP_INTROSPECTION ID_TOKEN LOGOUT_TOKEN
        PAYLOAD_TYP_ID PAYLOAD_TYP_OFFLINE
    """,
    (ClaimInvalid, "token_use"): "USE_ID",
    (AlgorithmNotAllowed, ""): """
        ALG_NONE ALG_NONE_TITLE ALG_NONE_MIXED ALG_NONE_UPPER ALG_NONE_SIGNED ALG_EMPTY ALG_NULL ALG_LIST
        ALG_MISSING ALG_LOWER_CASE HS256_PUBLIC_PEM HS256_PUBLIC_DER HS256_PUBLIC_JWK HS256_PUBLISHED_KEY
        OTHER_ALGORITHM OTHER_PADDING
    """,
    (SignatureInvalid, ""): "SIGNATURE_BROKEN SIGNATURE_EMPTY SIGNATURE_SHORTER SIGNATURE_FOREIGN",
    (KeyNotFound, ""): "JWK_INJECTED JKU_INJECTED X5U_INJECTED X5C_INJECTED KID_UNKNOWN KID_PATH",
    (TokenMalformed, ""): """
        KID_NUMBER KID_LONG CRIT_UNKNOWN CRIT_EMPTY B64_FALSE B64_FALSE_UNNAMED HEADER_ARRAY HEADER_NOT_JSON
        HEADER_DUPLICATE_MEMBERS HEADER_DEEP EXP_NAN EXP_INFINITY EXP_OVERFLOW EXP_HUGE_INTEGER
        EXP_ENDLESS_INTEGER PAYLOAD_ARRAY PAYLOAD_STRING PAYLOAD_NULL PAYLOAD_EMPTY PAYLOAD_TRAILING
        PAYLOAD_DUPLICATE_MEMBERS PAYLOAD_UTF16 PAYLOAD_BROKEN_UTF8 PAYLOAD_BYTE_ORDER_MARK PAYLOAD_DEEP
        JSON_SERIALIZATION PADDED ONE_SEGMENT TWO_SEGMENTS FOUR_SEGMENTS FIVE_SEGMENTS SIX_SEGMENTS
        100000_SEGMENTS HUGE
    """,
    (ClaimInvalid, "iss"): "ISS_OTHER ISS_MISSING ISS_LIST ISS_SUFFIX ISS_TRAILING_SLASH",
    (
        ClaimInvalid,
        "aud",
    ): "AUD_OTHER AUD_MISSING AUD_LONGER AUD_SHORTER AUD_EMPTY_LIST AUD_OBJECT AUD_NULL AUD_WITH_NUMBER",
    (ClaimInvalid, "exp"): "EXP_MISSING EXP_TRUE EXP_STRING EXP_NULL EXP_NEGATIVE",
    (TokenExpired, ""): "EXP_PAST",
    (ClaimInvalid, "iat"): "IAT_FUTURE IAT_STRING",
    (ClaimInvalid, "nbf"): "NBF_FUTURE NBF_STRING",
    (ClaimInvalid, "cnf"): "CNF_JKT CNF_X5T",
    (ClaimInvalid, "sub"): "SUB_NUMBER",
    (ClaimInvalid, "scope"): "SCOPE_NUMBER SCOPE_OBJECT",
}
INTROSPECTED_IN_AUTO = """
    TYP_JWT TYP_MISSING TYP_NUMBER TYP_LOGOUT_TOKEN TYP_DPOP TYP_INTROSPECTION ID_TOKEN LOGOUT_TOKEN
    ALG_EMPTY ALG_NULL ALG_LIST ALG_MISSING KID_NUMBER KID_LONG CRIT_UNKNOWN CRIT_EMPTY B64_FALSE
    B64_FALSE_UNNAMED HEADER_ARRAY HEADER_NOT_JSON HEADER_DUPLICATE_MEMBERS HEADER_DEEP ISS_OTHER
    ISS_MISSING ISS_LIST ISS_SUFFIX ISS_TRAILING_SLASH EXP_NAN EXP_INFINITY EXP_OVERFLOW
    EXP_HUGE_INTEGER EXP_ENDLESS_INTEGER PAYLOAD_ARRAY PAYLOAD_STRING PAYLOAD_NULL PAYLOAD_EMPTY
    PAYLOAD_TRAILING PAYLOAD_DUPLICATE_MEMBERS PAYLOAD_UTF16 PAYLOAD_BROKEN_UTF8 PAYLOAD_BYTE_ORDER_MARK
    PAYLOAD_DEEP JSON_SERIALIZATION PADDED ONE_SEGMENT TWO_SEGMENTS FOUR_SEGMENTS FIVE_SEGMENTS
    SIX_SEGMENTS 100000_SEGMENTS HUGE
"""


def by_fault(table: Table, prefix: str) -> dict[str, tuple[type[OIDCError], str]]:
    return {prefix + name: error for error, names in table.items() for name in names.split()}


ERRORS = by_fault(ERRORS_OF_INTROSPECTION, "INTROSPECTION_") | by_fault(ERRORS_OF_JWTS, "ACCESS_TOKEN_")
OF_INTROSPECTION = [fault for fault in API_FAULTS if fault.exchange != "access_token"]
OF_JWTS = [fault for fault in API_FAULTS if fault.exchange == "access_token"]


def outcome(api: API, token: str) -> tuple[type[OIDCError] | None, str]:
    """The error and the claim that it names; None when the token is taken."""
    try:
        api.verify(token)
    except OIDCError as error:
        return type(error), getattr(error, "claim", "")
    return None, ""


def test_the_tables_have_each_fault_that_must_be_rejected() -> None:
    assert set(ERRORS) == {fault.name for fault in API_FAULTS if fault.rejected}
    assert len(OF_INTROSPECTION) > 100
    assert len(OF_JWTS) > 90


@pytest.mark.parametrize("fault", [fault for fault in OF_INTROSPECTION if fault.rejected], ids=str)
def test_a_fault_of_introspection_raises_its_error(either_world: World, fault: Misbehaviour) -> None:
    """threat model 123 to 127, 134, 135: it says something of the token, or something of the provider."""
    api = api_for(either_world, fault, "introspection")
    with api.provider.misbehaving(fault):
        token = api.issue()
        assert outcome(api, token) == ERRORS[fault.name]
    assert api.statistics.entries == 0
    assert api.statistics.failures == issubclass(ERRORS[fault.name][0], ProviderError)


@pytest.mark.parametrize("fault", [fault for fault in OF_INTROSPECTION if not fault.rejected], ids=str)
def test_an_oddity_of_introspection_disturbs_nobody(either_world: World, fault: Misbehaviour) -> None:
    """threat model 128, 130, 133."""
    api = api_for(either_world, fault, "introspection")
    with api.provider.misbehaving(fault):
        access = api.verify(api.issue())
        assert access.subject == "alice"
        assert access.scopes == (set() if fault is Fault.INTROSPECTION_SCOPE_MISSING else {"read"})


@pytest.mark.parametrize("fault", [fault for fault in OF_INTROSPECTION if fault.rejected], ids=str)
def test_once_it_is_over_the_token_is_taken(either_world: World, fault: Misbehaviour) -> None:
    """threat model 125, 131, 234: no failure is cached for long."""
    api = api_for(either_world, fault, "introspection")
    token = api.issue()
    with api.provider.misbehaving(fault):
        api.rejection(token)
    api.pass_time(5)
    assert api.verify(token).subject == "alice"


@pytest.mark.parametrize("verification", ["jwt", "auto"])
@pytest.mark.parametrize("fault", [fault for fault in OF_JWTS if fault.rejected], ids=str)
def test_a_fault_of_a_jwt_raises_its_error(either_world: World, fault: Misbehaviour, verification: str) -> None:
    """threat model 144, 145, 148 to 151: in "auto", other tokens are introspected, and inactive."""
    api = api_for(either_world, fault, verification)
    is_introspected = (
        verification == "auto" and fault.name.removeprefix("ACCESS_TOKEN_") in INTROSPECTED_IN_AUTO.split()
    )
    with api.provider.misbehaving(fault):
        token = api.issue(jwt=True)
        assert outcome(api, token) == ((TokenInactive, "") if is_introspected else ERRORS[fault.name])
    assert api.asked() == is_introspected
    assert api.statistics.entries == 0


@pytest.mark.parametrize("verification", ["jwt", "auto"])
@pytest.mark.parametrize("fault", [fault for fault in OF_JWTS if fault.harmless], ids=str)
def test_an_oddity_of_a_jwt_disturbs_nobody(either_world: World, fault: Misbehaviour, verification: str) -> None:
    api = api_for(either_world, fault, verification)
    with api.provider.misbehaving(fault):
        access = api.verify(api.issue(jwt=True))
    assert access.subject == "alice"
    assert access.scopes == (set() if fault is Fault.ACCESS_TOKEN_SCOPE_MISSING else {"read"})
    assert api.asked() == 0


@pytest.mark.parametrize("verification", ["jwt", "auto"])
@pytest.mark.parametrize("fault", [fault for fault in OF_JWTS if fault.outcome == "either"], ids=str)
def test_nothing_but_our_own_errors_comes_out(either_world: World, fault: Misbehaviour, verification: str) -> None:
    api = api_for(either_world, fault, verification)
    with api.provider.misbehaving(fault):
        assert outcome(api, api.issue(jwt=True))[0] in (None, ClaimInvalid)


@pytest.mark.parametrize("fault", [fault for fault in OF_INTROSPECTION if fault.rejected], ids=str)
def test_the_operator_hears_of_the_provider_and_not_of_tokens(
    either_world: World, fault: Misbehaviour, caplog: pytest.LogCaptureFixture
) -> None:
    """threat model 125, 126: failures are errors in the log; an invalid token is not."""
    api = api_for(either_world, fault, "introspection")
    with api.provider.misbehaving(fault):
        api.rejection(api.issue())
    records = [record for record in caplog.records if record.levelno > logging.INFO]
    if issubclass(ERRORS[fault.name][0], TokenError):
        assert records == []
    else:
        assert [record.levelno for record in records] == [logging.ERROR]
        assert ERRORS[fault.name][0].code in records[0].getMessage()


@pytest.mark.parametrize("fault", [fault for fault in OF_INTROSPECTION if fault.rejected], ids=str)
def test_an_invalid_signed_response_says_nothing_about_the_token(either_world: World, fault: Misbehaviour) -> None:
    """threat model 125, 134: whatever is wrong with the envelope, the token is as unknown as before."""
    api = api_for(either_world, fault, "introspection")
    with api.provider.misbehaving(fault):
        error = api.rejection(api.issue())
    if fault.exchange == "signed_introspection":
        assert isinstance(error, IntrospectionInvalid)
        assert not isinstance(error, TokenError)
    assert isinstance(error, TokenError) != isinstance(error, ProviderError)
