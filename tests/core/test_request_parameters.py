"""What an application may add to requests that browsers carry, and which of it is rejected."""

from collections.abc import Mapping
from typing import Any

import pytest

from oidc_async import ConfigurationError
from oidc_async.configuration.token_request_parameters import OURS_AT_TOKENS
from tests.core.configured import configured, requested


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        pytest.param({"client_id": "c2"}, ["client_id", "ClientMetadata"], id="214-client_id"),
        pytest.param({"client_secret": "s"}, ["client_secret", "ClientMetadata"], id="214-client_secret"),
        pytest.param({"client_assertion": "s"}, ["client_assertion", "browser"], id="214-client_assertion"),
        pytest.param({"redirect_uri": "https://evil"}, ["redirect_uri", "OIDC_REDIRECT_URI"], id="214-redirect_uri"),
        pytest.param({"state": "s"}, ["state", "every login"], id="41-state"),
        pytest.param({"nonce": "n"}, ["nonce", "every login"], id="95-nonce"),
        pytest.param({"code_challenge": "c"}, ["code_challenge", "PKCE"], id="56-code_challenge"),
        pytest.param({"code_challenge_method": "plain"}, ["code_challenge_method", "S256"], id="56-plain"),
        pytest.param({"code_challenge_method": "S256"}, ["code_challenge_method", "S256"], id="56-s256"),
        pytest.param({"code_verifier": "v"}, ["code_verifier", "browser"], id="56-code_verifier"),
        pytest.param({"request": "e30"}, ["request", "request_object"], id="264-request"),
        pytest.param({"request_uri": "https://rp"}, ["request_uri", "request_object"], id="265-request_uri"),
        pytest.param({"sub": "client1"}, ["sub", "client assertion"], id="264-sub"),
        pytest.param({"response_type": "token"}, ["response_type", "code"], id="no-id-token"),
        pytest.param({"response_type": "none"}, ["response_type", "code"], id="nothing"),
        pytest.param({"response_type": "code code"}, ["response_type", "code"], id="code-twice"),
        pytest.param({"response_type": ""}, ["response_type", "code"], id="no-response-type"),
        pytest.param(
            {"response_type": "code id_token", "response_mode": "query"},
            ["response_mode", "fragment", "form_post"],
            id="tokens-in-the-query",
        ),
        pytest.param({"response_mode": "query.jwt"}, ["response_mode", "query", "form_post"], id="57-jarm"),
        pytest.param({"scope": "email"}, ["scope", "openid"], id="scope-without-openid"),
        pytest.param({"scope": "openid2 myopenid"}, ["scope", "openid"], id="scope-with-similar-names"),
        pytest.param({"scope": []}, ["scope", "openid"], id="scope-empty"),
        pytest.param({"max_age": -1}, ["max_age", "whole number"], id="101-max-age-negative"),
        pytest.param({"max_age": 1.5}, ["max_age", "whole number"], id="101-max-age-fraction"),
        pytest.param({"max_age": "\u00b2"}, ["max_age", "whole number"], id="101-max-age-no-digit"),
        pytest.param({"max_age": "9" * 400}, ["max_age", "whole number"], id="101-max-age-endless"),
        pytest.param({"max_age": True}, ["max_age", "whole number"], id="101-max-age-true"),
        pytest.param({"claims": "x"}, ["claims", "JSON"], id="102-claims-no-json"),
        pytest.param({"claims": {"id_token": []}}, ["claims", "id_token"], id="102-claims-no-object"),
        pytest.param({"scope": {"openid": True}}, ["scope", "list of strings"], id="396 scope-object"),
        pytest.param({"ui_locales": ["de", 1]}, ["ui_locales", "list of strings"], id="396 words-numbers"),
        pytest.param({"claims": ["email"]}, ["claims", "JSON object"], id="396 claims-list"),
        pytest.param({"authorization_details": "x"}, ["authorization_details", "JSON array"], id="396 details-text"),
        pytest.param({"authorization_details": []}, ["authorization_details", "at least one"], id="396 details-none"),
        pytest.param(
            {"authorization_details": {"type": "a"}}, ["authorization_details", "array"], id="396 details-one"
        ),
        pytest.param(
            {"authorization_details": ["a"]}, ["authorization_details", "objects"], id="396 details-strings"
        ),
        pytest.param(
            {"authorization_details": [{"a": 1}]}, ["authorization_details", "type"], id="396 details-untyped"
        ),
        pytest.param(
            {"authorization_details": [{"type": 1}]}, ["authorization_details", "type"], id="396 details-type"
        ),
        pytest.param(
            {"authorization_details": '[{"type":"a","type":"b"}]'},
            ["authorization_details", "duplicate"],
            id="396 twice",
        ),
        pytest.param({"resource": "https://a https://b"}, ["resource", "list"], id="396 resource-blank"),
        pytest.param(
            {"resource": ["https://a", "https://b#c"]}, ["resource", "fragment"], id="396 resource-fragment"
        ),
        pytest.param({"resource": [1]}, ["resource", "list of strings"], id="396 resource-number"),
        pytest.param({"resource": {"a": "b"}}, ["resource", "list of strings"], id="396 resource-object"),
        pytest.param({"resource": ["\ud800"]}, ["resource", "Unicode"], id="396 resource-no-text"),
        pytest.param({"x": float("nan")}, ["x", "JSON"], id="396 not-a-number"),
        pytest.param({"x": object()}, ["x", "auth_request_params"], id="a-value-that-json-cannot-say"),
        pytest.param({"x": "\ud800"}, ["x", "auth_request_params"], id="a-value-that-is-no-text"),
        pytest.param({"\ud800": "x"}, ["auth_request_params"], id="a-name-that-is-no-text"),
    ],
)
def test_parameters_of_the_request_that_are_ours_are_rejected(parameters: dict[str, Any], words: list[str]) -> None:
    """threat model 41, 52, 56, 57, 95, 101, 102, 214, 264, 265, 396."""
    with pytest.raises(ConfigurationError) as caught:
        configured(auth_request_params=parameters)
    assert [word for word in words if word not in str(caught.value)] == []


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        pytest.param({"client_id": "c2"}, ["client_id", "ClientMetadata"], id="client_id"),
        pytest.param({"client_secret": "s"}, ["client_secret", "browser"], id="client_secret"),
        pytest.param({"client_assertion": "s"}, ["client_assertion", "browser"], id="client_assertion"),
        pytest.param({"id_token_hint": "e30"}, ["id_token_hint", "of the login"], id="id_token_hint"),
        pytest.param({"logout_hint": "alice"}, ["logout_hint", "logout_hint_claim"], id="logout_hint"),
        pytest.param({"state": "s"}, ["state", "every logout"], id="198-state"),
        pytest.param(
            {"post_logout_redirect_uri": "https://evil"},
            ["post_logout_redirect_uri", "post_logout_redirect_uris", "ClientMetadata"],
            id="199-post_logout_redirect_uri",
        ),
        pytest.param({"x": object()}, ["x", "end_session_params"], id="a-value-that-json-cannot-say"),
        pytest.param({"x": "\ud800"}, ["x", "end_session_params"], id="a-value-that-is-no-text"),
        pytest.param({"\ud800": "x"}, ["end_session_params"], id="a-name-that-is-no-text"),
    ],
)
def test_parameters_of_a_logout_that_are_ours_are_rejected(parameters: dict[str, Any], words: list[str]) -> None:
    """threat model 198, 199."""
    with pytest.raises(ConfigurationError) as caught:
        configured(end_session_params=parameters)
    assert [word for word in ["end_session_params", *words] if word not in str(caught.value)] == []


@pytest.mark.parametrize(
    ("parameters", "sent"),
    [
        ({}, {}),
        ({"scope": ["openid", "email"]}, {"scope": "openid email"}),
        ({"ui_locales": ("de", "en")}, {"ui_locales": "de en"}),
        ({"claims": {"userinfo": {"email": None}}}, {"claims": '{"userinfo": {"email": null}}'}),
        ({"max_age": 600, "x": True}, {"max_age": "600", "x": "true"}),
        ({"prompt": None}, {}),
        pytest.param({"prompt": frozenset({"login", "consent"})}, {"prompt": "consent login"}, id="a sorted set"),
        ({"authorization_details": [{"type": "a"}]}, {"authorization_details": '[{"type": "a"}]'}),
        ({"authorization_details": '[{"type":"a"}]'}, {"authorization_details": '[{"type":"a"}]'}),
        ({"resource": "https://a"}, {"resource": "https://a"}),
        ({"resource": ["https://a", "urn:b"]}, {"resource": ("https://a", "urn:b")}),
        ({"resource": []}, {}),
        ({"x": ["a", "b"]}, {"x": "a b"}),
        ({"x": {"a": [1]}, "y": [{"b": 2}], "z": [1, 2]}, {"x": '{"a": [1]}', "y": '[{"b": 2}]', "z": "[1, 2]"}),
    ],
    ids=str,
)
def test_parameters_of_the_request_are_written_as_text(parameters: Mapping[str, Any], sent: dict[str, Any]) -> None:
    assert requested(**parameters) == {"response_type": "code", "scope": "openid", **sent}


@pytest.mark.parametrize(
    ("parameters", "sent"),
    [
        ({}, {}),
        ({"resource": "https://a"}, {"resource": "https://a"}),
        ({"resource": ["https://a", "https://b"]}, {"resource": ("https://a", "https://b")}),
        ({"audience": ["a", "b"], "scope": ["a", "b"]}, {"audience": ("a", "b"), "scope": "a b"}),
        ({"authorization_details": [{"type": "a"}]}, {"authorization_details": '[{"type": "a"}]'}),
        ({"x": {"a": 1}, "y": True, "z": None, "resource": []}, {"x": '{"a": 1}', "y": "true"}),
    ],
    ids=str,
)
def test_parameters_of_token_requests_are_repeated_for_each_value(
    parameters: dict[str, Any], sent: dict[str, Any]
) -> None:
    """RFC 8707 2.2, RFC 9396 6.1."""
    assert configured(token_request_params=parameters).token_parameters() == sent


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        *(({name: "x"}, [name]) for name in sorted(OURS_AT_TOKENS)),
        ({"resource": "https://a https://b"}, ["resource", "list"]),
        ({"resource": [1]}, ["resource", "list of strings"]),
        ({"authorization_details": "[]"}, ["authorization_details", "at least one"]),
        ({"x": "\ud800"}, ["x", "Unicode"]),
        ({"x": 1j}, ["x", "JSON"]),
    ],
    ids=str,
)
def test_parameters_of_token_requests_that_the_client_sets_itself_are_rejected(
    parameters: dict[str, Any], words: list[str]
) -> None:
    """threat model 396: nothing of the grant and nothing of the client's authentication can be replaced."""
    with pytest.raises(ConfigurationError) as caught:
        configured(token_request_params=parameters)
    assert [word for word in ["token_request_params", *words] if word not in str(caught.value)] == []


def test_nine_parameters_of_token_requests_are_reserved() -> None:
    assert {
        "client_assertion",
        "client_assertion_type",
        "client_id",
        "client_secret",
        "code",
        "code_verifier",
        "grant_type",
        "redirect_uri",
        "refresh_token",
    } <= OURS_AT_TOKENS.keys()
