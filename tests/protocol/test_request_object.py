"""An authentication request as one object (OIDC Core 6, RFC 9101 4): its contents, and the parameters beside it."""

import json
from typing import Any

import pytest

from oidc_async.errors import AlgorithmNotAllowed, KeyUnusable
from oidc_async.protocol.jose.jws import client_secret_key, import_jwk, parse_compact, verify_compact
from oidc_async.protocol.jose.private_keys import import_private_jwk
from oidc_async.protocol.parameters import JSONText, Parameter
from oidc_async.protocol.request_object import (
    parameters_by_reference,
    parameters_by_value,
    pushed_object_parameters,
    request_object_claims,
    signed_request_object,
    unsigned_request_object,
)
from tests.protocol.signing import SECRET, private_ec_jwk, private_rsa_jwk, public_jwk, rsa_key, unb64

NOW = 1_700_000_000.75
REQUEST = {
    "response_type": "code id_token",
    "scope": "openid email",
    "client_id": "c1",
    "redirect_uri": "https://rp.example/callback",
    "state": "state1",
    "nonce": "nonce1",
}
OUTSIDE = {name: REQUEST[name] for name in ("client_id", "response_type", "scope")}


def claims_of(**parameters: Any) -> dict[str, Any]:
    return request_object_claims(
        {**REQUEST, **parameters}, audience="https://op.example/", jti="j", now=NOW, seconds=600.5
    )


def test_it_is_of_the_client_for_one_provider_and_expires() -> None:
    """threat model 264."""
    of_the_jwt = {"iss": "c1", "aud": "https://op.example/", "jti": "j", "iat": 1_700_000_000, "exp": 1_700_000_600}
    of_the_jwt["nbf"] = 1_700_000_000  # FAPI 2.0 Message Signing 5.3.1
    assert claims_of() == {**REQUEST, **of_the_jwt}


@pytest.mark.parametrize(
    ("parameter", "value", "claim"),
    [
        ("max_age", "0", 0),
        ("max_age", "3600", 3600),
        ("claims", '{"id_token":{"acr":null}}', {"id_token": {"acr": None}}),
        ("acr_values", "1 2", "1 2"),
        ("prompt", "login", "login"),
        ("login_hint", "42", "42"),
        ("ui_locales", "de en", "de en"),
        ("id_token_hint", "a.b.c", "a.b.c"),
        ("authorization_details", '[{"type": "payment"}]', [{"type": "payment"}]),
        ("resource", "https://a.example", "https://a.example"),
        ("resource", ("https://a.example",), "https://a.example"),
        ("resource", ("https://a.example", "https://b.example"), ["https://a.example", "https://b.example"]),
        ("x", JSONText('{"a": true}'), {"a": True}),
        ("x", '{"a": true}', '{"a": true}'),
        ("x", JSONText("true"), True),
        ("x", JSONText("2.5"), 2.5),
    ],
)
def test_a_parameter_is_of_its_type_in_json(parameter: str, value: Parameter, claim: Any) -> None:
    """RFC 9101 4, RFC 9396 2, RFC 8707 2."""
    found = claims_of(**{parameter: value})[parameter]
    assert (found, type(found)) == (claim, type(claim))


@pytest.mark.parametrize("name", ["iss", "aud", "exp", "iat", "nbf", "jti"])
def test_no_parameter_takes_the_place_of_what_protects_it(name: str) -> None:
    assert claims_of(**{name: "other"}) == claims_of()


def test_only_the_parameters_that_oauth_requires_are_beside_it() -> None:
    assert parameters_by_value(REQUEST, "a.b.c") == {**OUTSIDE, "request": "a.b.c"}
    assert pushed_object_parameters("a.b.c") == {"request": "a.b.c"}
    assert parameters_by_reference(REQUEST, "https://rp/r") == {**OUTSIDE, "request_uri": "https://rp/r"}


def test_it_is_signed_by_the_key_that_it_names_and_says_what_it_is() -> None:
    jwk = private_ec_jwk(kid="mine")
    jws = parse_compact(signed_request_object(claims_of(), import_private_jwk(jwk), "ES256"))
    verify_compact(jws, import_jwk({name: jwk[name] for name in ("kty", "crv", "x", "y")}))
    assert jws.header == {"alg": "ES256", "typ": "oauth-authz-req+jwt", "kid": "mine"}
    assert json.loads(jws.payload) == claims_of()


def test_a_secret_signs_too_and_has_no_name() -> None:
    jws = parse_compact(signed_request_object(claims_of(), client_secret_key(SECRET), "HS512"))
    verify_compact(jws, client_secret_key(SECRET))
    assert jws.header == {"alg": "HS512", "typ": "oauth-authz-req+jwt"}


@pytest.mark.parametrize("algorithm", ["ES256", "HS256", "none", "PS1"])
def test_a_key_signs_by_no_other_algorithm(algorithm: str) -> None:
    with pytest.raises(KeyUnusable):
        signed_request_object(claims_of(), import_private_jwk(private_rsa_jwk(rsa_key())), algorithm)


def test_an_unsigned_one_has_an_empty_signature_and_is_nothing_that_verifies() -> None:
    token = unsigned_request_object(claims_of())
    header, payload, signature = token.split(".")
    assert json.loads(unb64(header)) == {"alg": "none", "typ": "oauth-authz-req+jwt"}
    assert (json.loads(unb64(payload)), signature) == (claims_of(), "")
    with pytest.raises(AlgorithmNotAllowed):
        verify_compact(parse_compact(token), import_jwk(public_jwk(rsa_key())))
