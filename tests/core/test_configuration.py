"""What ProviderConfiguration rejects, and that each message names the setting and the fix."""

import ssl
from typing import Any

import pytest

from oidc_async import (
    AsyncRelyingParty,
    ClientKeys,
    ClientMetadata,
    ClientRegistrationInfo,
    ConfigurationError,
    HttpSettings,
    ProviderMetadata,
    RelyingParty,
)
from oidc_async.protocol.jose.jws import SUPPORTED_ALGORITHMS
from tests.core.configured import CLIENT, ISSUER, METADATA, configured
from tests.protocol.signing import private_ec_jwk, private_rsa_jwk, rsa_key

KEY_CLIENT = ClientMetadata("c1", token_endpoint_auth_method="private_key_jwt")
TLS_CLIENT = ClientMetadata("c1", token_endpoint_auth_method="tls_client_auth")
KEYS, ENCRYPTION_KEYS = (ClientKeys.from_jwk(private_ec_jwk(use=use)) for use in ("sig", "enc"))


TO_DECRYPT = ClientKeys.from_jwk(private_rsa_jwk(rsa_key(), use="enc"))
TO_SIGN = ClientKeys.from_jwk(private_rsa_jwk(rsa_key()))


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({}, id="issuer"),
        pytest.param({"issuer": None, "provider_metadata": METADATA}, id="metadata"),
        pytest.param({"provider_metadata": METADATA}, id="both"),
        pytest.param(
            {
                "issuer": None,
                "provider_metadata": METADATA.copy(token_endpoint=None),
                "auth_request_params": {"response_type": "id_token"},
            },
            id="metadata-of-the-implicit-flow",
        ),
        pytest.param({"provider_metadata": ProviderMetadata(end_session_endpoint=f"{ISSUER}/out")}, id="a-part"),
        pytest.param({"issuer": "http://localhost:8000"}, id="4-loopback"),
        pytest.param({"client_metadata": None, "client_registration_info": ClientRegistrationInfo()}, id="dynamic"),
        pytest.param({"client_metadata": KEY_CLIENT, "client_keys": KEYS}, id="private-key-jwt"),
        pytest.param(
            {"client_metadata": KEY_CLIENT.copy(token_endpoint_auth_signing_alg="ES256"), "client_keys": KEYS},
            id="private-key-jwt-by-alg",
        ),
        pytest.param(
            {"client_metadata": TLS_CLIENT, "http_settings": HttpSettings(client_certificate="c.pem")}, id="tls"
        ),
        pytest.param(
            {"client_metadata": TLS_CLIENT, "http_settings": HttpSettings(ca_bundle=ssl.create_default_context())},
            id="tls-by-context",
        ),
        pytest.param({"client_metadata": TLS_CLIENT, "http_client": object()}, id="tls-by-client"),
        pytest.param({"userinfo_http_method": None}, id="no-userinfo"),
        pytest.param({"request_object": "value", "client_keys": KEYS}, id="264-signed"),
        pytest.param(
            {"request_object": "reference", "client_metadata": CLIENT.copy(request_object_signing_alg="HS512")},
            id="264-signed-by-secret",
        ),
        pytest.param({"request_object": "value", "unsigned_request_objects": True}, id="264-unsigned"),
        pytest.param({"userinfo_http_method": "POST", "userinfo_token_in_body": True}, id="userinfo-by-form"),
        pytest.param({"discovery_url": "https://elsewhere.example/metadata?tenant=a"}, id="discovery-url"),
        pytest.param({"trusted_audiences": ["api"]}, id="audiences-as-a-list"),
        pytest.param({"clock_skew_seconds": 0, "id_token_issued_within_seconds": 0.5}, id="durations"),
        pytest.param({"auth_request_params": {"response_mode": "form_post", "max_age": 0}}, id="261-max-age-0"),
        pytest.param({"auth_request_params": {"response_type": ["code", "id_token"]}}, id="hybrid"),
        pytest.param({"auth_request_params": {"response_mode": "fragment"}}, id="code-by-fragment"),
    ],
)
def test_a_usable_configuration_is_accepted(settings: dict[str, Any]) -> None:
    assert configured(**settings).id_token_algorithms == ("RS256",)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        pytest.param({"issuer": None}, ["issuer", "provider_metadata"], id="no-provider"),
        pytest.param({"request_object": "by value"}, ["request_object", "reference"], id="request-object-unknown"),
        pytest.param({"request_object": "value"}, ["client_keys", "request_object_signing_alg"], id="264-no-keys"),
        pytest.param(
            {"request_object": "value", "client_keys": TO_DECRYPT},
            ["client_keys", "signs"],
            id="264-keys-that-decrypt",
        ),
        pytest.param(
            {
                "request_object": "value",
                "client_keys": KEYS,
                "client_metadata": CLIENT.copy(request_object_signing_alg="RS256"),
            },
            ["client_keys", "RS256"],
            id="264-keys-of-another-type",
        ),
        pytest.param(
            {"request_object": "value", "client_metadata": CLIENT.copy(request_object_signing_alg="none")},
            ["request_object_signing_alg", "unsigned_request_objects"],
            id="264-none",
        ),
        pytest.param({"unsigned_request_objects": True}, ["request_object"], id="264-unsigned-alone"),
        pytest.param(
            {"unsigned_request_objects": "yes"}, ["unsigned_request_objects", "True"], id="264-unsigned-odd"
        ),
        pytest.param({"issuer": ""}, ["issuer", "provider_metadata"], id="issuer-empty"),
        pytest.param({"issuer": 5}, ["issuer", "URL"], id="issuer-a-number"),
        pytest.param({"issuer": "op.example"}, ["issuer", "absolute https URL"], id="issuer-without-scheme"),
        pytest.param({"issuer": "http://op.example"}, ["issuer", "must use https"], id="4-issuer-http"),
        pytest.param({"issuer": "http://localhost:80@evil"}, ["issuer", "credentials"], id="5-issuer-credentials"),
        pytest.param({"issuer": f"{ISSUER}?a=b"}, ["issuer", "query"], id="6-issuer-with-query"),
        pytest.param({"issuer": f"{ISSUER}#a"}, ["issuer", "fragment"], id="6-issuer-with-fragment"),
        pytest.param(
            {"issuer": f"{ISSUER}/.well-known/openid-configuration"},
            ["issuer", "discovery_url"],
            id="issuer-document",
        ),
        pytest.param({"issuer": f"{ISSUER}/{{tenantid}}"}, ["issuer", "braces"], id="16-issuer-template"),
        pytest.param({"discovery_url": "http://op.example/"}, ["discovery_url", "https"], id="4-discovery-url-http"),
        pytest.param({"discovery_url": "/metadata"}, ["discovery_url", "absolute"], id="discovery-url-relative"),
        pytest.param(
            {"issuer": None, "provider_metadata": METADATA, "discovery_url": f"{ISSUER}/metadata"},
            ["discovery_url", "issuer"],
            id="discovery-url-without-issuer",
        ),
        pytest.param({"provider_metadata": METADATA.to_dict()}, ["ProviderMetadata"], id="metadata-a-dict"),
        pytest.param(
            {"provider_metadata": METADATA.copy(issuer="https://other.example")},
            ["issuer", "provider_metadata", "equal"],
            id="1-two-issuers",
        ),
        pytest.param(
            {"issuer": None, "provider_metadata": METADATA.copy(issuer=None)},
            ["issuer"],
            id="issuer-nowhere",
        ),
        pytest.param(
            {"issuer": None, "provider_metadata": METADATA.copy(token_endpoint=None)},
            ["provider_metadata", "token_endpoint", "issuer"],
            id="metadata-without-token-endpoint",
        ),
        pytest.param(
            {"provider_metadata": METADATA.copy(token_endpoint="http://op.example/token")},
            ["provider_metadata", "token_endpoint", "https"],
            id="4-metadata-with-http",
        ),
        pytest.param(
            {"provider_metadata": METADATA.copy(userinfo_endpoint="http://localhost/userinfo")},
            ["provider_metadata", "userinfo_endpoint", "https"],
            id="216-metadata-leading-to-this-machine",
        ),
        pytest.param(
            {"provider_metadata": ProviderMetadata(token_endpoint_auth_methods_supported="none")},
            ["provider_metadata", "token_endpoint_auth_methods_supported", "list"],
            id="9-metadata-with-a-string-for-a-list",
        ),
        pytest.param({"client_metadata": None}, ["client_metadata", "client_registration_info"], id="no-client"),
        pytest.param({"client_metadata": CLIENT.to_dict()}, ["ClientMetadata"], id="client-a-dict"),
        pytest.param({"client_registration_info": {}}, ["ClientRegistrationInfo"], id="registration-a-dict"),
        pytest.param({"client_metadata": ClientMetadata()}, ["ClientMetadata", "client_id"], id="client-nameless"),
        pytest.param({"client_metadata": ClientMetadata("c", "")}, ["client_secret"], id="secret-empty"),
        pytest.param(
            {"client_metadata": ClientMetadata("c", token_endpoint_auth_method="certificate")},
            ["token_endpoint_auth_method", "client_secret_basic"],
            id="client-method-unknown",
        ),
        pytest.param(
            {"client_metadata": ClientMetadata("c", token_endpoint_auth_method="private_key_jwt")},
            ["private_key_jwt", "client_keys", "ClientKeys.from_pem"],
            id="private-key-jwt-without-keys",
        ),
        pytest.param(
            {"client_metadata": ClientMetadata("c", introspection_endpoint_auth_method="private_key_jwt")},
            ["private_key_jwt", "client_keys"],
            id="private-key-jwt-for-introspection-without-keys",
        ),
        pytest.param(
            {"client_metadata": KEY_CLIENT.copy(token_endpoint_auth_signing_alg="ES384"), "client_keys": KEYS},
            ["client_keys", "signs with ES384"],
            id="private-key-jwt-by-another-alg",
        ),
        pytest.param(
            {"client_metadata": KEY_CLIENT, "client_keys": ENCRYPTION_KEYS},
            ["client_keys", "use=enc"],
            id="private-key-jwt-with-encryption-keys",
        ),
        pytest.param({"client_keys": {"keys": []}}, ["client_keys", "ClientKeys"], id="keys-a-dict"),
        pytest.param(
            {"client_assertion_audience": "https://op.example/token"},
            ["client_assertion_audience", "issuer", "token_endpoint"],
            id="audience-a-url",
        ),
        pytest.param(
            {"client_metadata": ClientMetadata("c", token_endpoint_auth_method="tls_client_auth")},
            ["client_certificate"],
            id="tls-without-certificate",
        ),
        pytest.param(
            {
                "client_metadata": CLIENT.copy(token_endpoint_auth_method="client_secret_post"),
                "provider_metadata": ProviderMetadata(token_endpoint_auth_methods_supported=["client_secret_jwt"]),
            },
            ["token_endpoint_auth_method", "client_secret_post", "provider_metadata"],
            id="method-that-the-given-metadata-lack",
        ),
        pytest.param(
            {"provider_metadata": ProviderMetadata(mtls_endpoint_aliases={"token_endpoint": "http://op.example/t"})},
            ["mtls_endpoint_aliases.token_endpoint", "https"],
            id="15-alias-with-http",
        ),
        pytest.param(
            {"client_metadata": CLIENT.copy(id_token_signed_response_alg="none")},
            ["id_token_signed_response_alg", "RS256"],
            id="10-alg-none",
        ),
        pytest.param(
            {"client_metadata": CLIENT.copy(id_token_signed_response_alg=["RS256"])},
            ["id_token_signed_response_alg", "RS256"],
            id="110-alg-a-list",
        ),
        pytest.param(
            {"client_metadata": ClientMetadata("c", "too-short", id_token_signed_response_alg="HS256")},
            ["id_token_signed_response_alg HS256", "client_secret", "32"],
            id="hs256-short-secret",
        ),
        pytest.param(
            {"client_metadata": ClientMetadata("c", id_token_signed_response_alg="HS512")},
            ["id_token_signed_response_alg HS512", "client_secret", "64"],
            id="hs512-no-secret",
        ),
        pytest.param(
            {"client_metadata": CLIENT.copy(userinfo_signed_response_alg="none")},
            ["userinfo_signed_response_alg", "RS256"],
            id="114-userinfo-alg-none",
        ),
        pytest.param(
            {"client_metadata": ClientMetadata("c", "too-short", userinfo_signed_response_alg="HS256")},
            ["userinfo_signed_response_alg HS256", "client_secret", "32"],
            id="114-userinfo-short-secret",
        ),
        pytest.param(
            {"client_metadata": CLIENT.copy(id_token_encrypted_response_alg="RSA-OAEP")},
            ["RSA-OAEP", "client_keys", "use=enc"],
            id="105-encryption-without-keys",
        ),
        pytest.param(
            {
                "client_metadata": CLIENT.copy(userinfo_encrypted_response_alg="ECDH-ES"),
                "client_keys": TO_DECRYPT,
            },
            ["ECDH-ES", "client_keys", "use=enc"],
            id="105-encryption-without-a-key-that-fits",
        ),
        pytest.param(
            {"client_metadata": CLIENT.copy(id_token_encrypted_response_alg="RSA-OAEP"), "client_keys": TO_SIGN},
            ["RSA-OAEP", "client_keys", "use=enc"],
            id="105-encryption-with-a-key-that-signs",
        ),
        *(
            pytest.param(
                {"client_metadata": CLIENT.copy(**{f"{kind}_encrypted_response_alg": alg})},
                [f"{kind}_encrypted_response_alg", "RSA-OAEP"],
                id=f"106-{kind}-{alg}",
            )
            for kind in ("id_token", "userinfo")
            for alg in ("RSA1_5", "PBES2-HS256+A128KW", "A128GCMKW", "none", 5)
        ),
        pytest.param(
            {
                "client_metadata": CLIENT.copy(
                    id_token_encrypted_response_alg="dir", id_token_encrypted_response_enc="A512GCM"
                )
            },
            ["id_token_encrypted_response_enc", "A128CBC-HS256"],
            id="106-enc-unknown",
        ),
        pytest.param(
            {"client_metadata": CLIENT.copy(userinfo_encrypted_response_enc="A128GCM")},
            ["userinfo_encrypted_response_enc", "userinfo_encrypted_response_alg"],
            id="106-enc-without-alg",
        ),
        pytest.param(
            {"client_metadata": ClientMetadata("c", "too-short", id_token_encrypted_response_alg="A128KW")},
            ["id_token_encrypted_response_alg", "client_secret", "16"],
            id="106-short-secret",
        ),
        pytest.param(
            {"client_metadata": ClientMetadata("c", userinfo_encrypted_response_alg="dir")},
            ["userinfo_encrypted_response_alg", "client_secret", "32"],
            id="106-no-secret",
        ),
        pytest.param(
            {"client_metadata": CLIENT.copy(introspection_encrypted_response_alg="RSA-OAEP")},
            ["introspection_encrypted_response_alg", "not supported"],
            id="134-encrypted-introspection",
        ),
        pytest.param({"revoke_at_logout": "always"}, ["revoke_at_logout", "auto", "True", "False"], id="revoke"),
        pytest.param({"userinfo_http_method": "PUT"}, ["userinfo_http_method", "GET", "POST", "None"], id="method"),
        pytest.param(
            {"userinfo_http_method": "get"}, ["userinfo_http_method", "GET", "POST", "None"], id="method-case"
        ),
        pytest.param({"userinfo_token_in_body": True}, ["userinfo_token_in_body", "POST"], id="token-in-body-by-get"),
        pytest.param(
            {"userinfo_token_in_body": True, "userinfo_http_method": None},
            ["userinfo_token_in_body", "POST"],
            id="token-in-body-of-nothing",
        ),
        pytest.param(
            {"userinfo_token_in_body": "yes", "userinfo_http_method": "POST"},
            ["userinfo_token_in_body", "True or False"],
            id="token-in-body-text",
        ),
        pytest.param({"requests_session": object()}, ["requests_session", "http_client"], id="requests-session"),
        pytest.param({"trusted_audiences": "api"}, ["trusted_audiences", "set"], id="88-audiences-a-string"),
        pytest.param({"trusted_audiences": [5]}, ["trusted_audiences", "strings"], id="88-audiences-numbers"),
        pytest.param({"clock_skew_seconds": -1}, ["clock_skew_seconds", "negative"], id="skew-negative"),
        pytest.param({"clock_skew_seconds": float("nan")}, ["clock_skew_seconds", "number"], id="skew-nan"),
        pytest.param({"clock_skew_seconds": float("inf")}, ["clock_skew_seconds", "number"], id="skew-infinite"),
        pytest.param({"clock_skew_seconds": "30"}, ["clock_skew_seconds", "number"], id="skew-a-string"),
        pytest.param({"clock_skew_seconds": True}, ["clock_skew_seconds", "number"], id="skew-true"),
        pytest.param(
            {"id_token_issued_within_seconds": float("nan")},
            ["id_token_issued_within_seconds", "number"],
            id="iat-nan",
        ),
        pytest.param(
            {"session_refresh_interval_seconds": -5}, ["session_refresh_interval_seconds", "negative"], id="refresh"
        ),
        pytest.param({"renew_with_refresh_token": True}, ["session_refresh_interval_seconds"], id="renewal-never"),
        pytest.param(
            {"renew_with_refresh_token": "yes", "session_refresh_interval_seconds": 5},
            ["renew_with_refresh_token", "True or False"],
            id="renewal-text",
        ),
        pytest.param({"http_settings": {"deadline": 5}}, ["http_settings", "HttpSettings"], id="settings-a-dict"),
        pytest.param({"auth_request_params": [("a", "b")]}, ["auth_request_params", "Mapping"], id="params-a-list"),
        pytest.param({"end_session_params": [("a", "b")]}, ["end_session_params", "Mapping"], id="logout-a-list"),
        pytest.param({"end_session_http_method": "PUT"}, ["end_session_http_method", "POST"], id="logout-by-put"),
        pytest.param({"end_session_http_method": None}, ["end_session_http_method", "GET"], id="logout-by-nothing"),
        pytest.param({"send_id_token_hint": "no"}, ["send_id_token_hint", "True or False"], id="hint-a-string"),
        pytest.param({"logout_hint_claim": ["email"]}, ["logout_hint_claim", "str"], id="logout-hint-a-list"),
    ],
)
def test_an_unusable_configuration_is_rejected(settings: dict[str, Any], words: list[str]) -> None:
    """threat model 1, 4, 5, 6, 9, 10, 16, 88, 105, 110, 116, 216."""
    with pytest.raises(ConfigurationError) as caught:
        configured(**settings)
    assert [word for word in words if word not in str(caught.value)] == []
    assert isinstance(caught.value, ValueError)
    assert "a client secret" not in str(caught.value)


@pytest.mark.parametrize("party", [AsyncRelyingParty, RelyingParty])
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        pytest.param({"redirect_uri": "http://rp.example/cb"}, ["redirect_uri", "https"], id="redirect-uri-http"),
        pytest.param({"redirect_uri": "/cb"}, ["redirect_uri", "absolute"], id="redirect-uri-relative"),
        pytest.param({"clock_skew_seconds": -1.0}, ["clock_skew_seconds"], id="skew-negative"),
        pytest.param({"clock_skew_seconds": float("nan")}, ["clock_skew_seconds"], id="skew-nan"),
        pytest.param({"login_lifetime_seconds": float("inf")}, ["login_lifetime_seconds"], id="lifetime-endless"),
    ],
)
def test_a_relying_party_rejects_what_would_not_work(
    party: type[AsyncRelyingParty], settings: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        party(configured(), **{"redirect_uri": "https://rp.example/cb", **settings})
    assert [word for word in words if word not in str(caught.value)] == []


@pytest.mark.parametrize("algorithm", SUPPORTED_ALGORITHMS)
def test_each_algorithm_can_be_registered_and_is_then_the_only_one(algorithm: str) -> None:
    """threat model 10, 83: the allow-list comes from the client, never from the provider's metadata."""
    client = CLIENT.copy(id_token_signed_response_alg=algorithm)
    metadata = METADATA.copy(id_token_signing_alg_values_supported=["none", "HS256"])
    assert configured(client_metadata=client, provider_metadata=metadata).id_token_algorithms == (algorithm,)


def test_no_secret_shows_in_the_text_of_a_configuration() -> None:
    """threat model 251."""
    configuration = configured(
        client_registration_info=ClientRegistrationInfo(registration_token="canary", initial_access_token="canary"),
        client_metadata=ClientMetadata("c1", "canary", registration_access_token="canary"),
    )
    assert "canary" not in repr(configuration)
    assert "canary" not in str(configuration)
    assert "c1" in repr(configuration)


def test_a_configuration_cannot_be_changed_afterwards() -> None:
    configuration, name = configured(), "issuer"
    with pytest.raises(AttributeError):
        setattr(configuration, name, "https://other.example")
