"""Members of metadata and parameters of requests that a developer wrote wrong. threat model 388."""

from collections.abc import Collection
from typing import Any

import pytest

from oidc_async import (
    ClientMetadata,
    ClientRegistrationInfo,
    ConfigurationError,
    ProviderConfiguration,
    ProviderMetadata,
)
from oidc_async.protocol.metadata_members import CLIENT_NAMES, PROVIDER_NAMES, REQUEST_NAMES, find_misspelling

ISSUER = "https://op.example"


def configured(**options: Any) -> ProviderConfiguration:
    return ProviderConfiguration(**{"issuer": ISSUER, "client_metadata": ClientMetadata("c", "s"), **options})


def with_client(**members: Any) -> ProviderConfiguration:
    return configured(client_metadata=ClientMetadata(**{"client_id": "c", "client_secret": "s", **members}))


def with_registration(**members: Any) -> ProviderConfiguration:
    return configured(client_metadata=None, client_registration_info=ClientRegistrationInfo(**members))


def with_provider(**members: Any) -> ProviderConfiguration:
    return configured(provider_metadata=ProviderMetadata(**members))


def with_request(**parameters: Any) -> ProviderConfiguration:
    return configured(auth_request_params=parameters)


@pytest.mark.parametrize(
    ("make", "where", "name", "meant"),
    [
        (with_client, "ClientMetadata", "token_endpoint_auth_methd", "token_endpoint_auth_method"),
        (with_client, "ClientMetadata", "client_scret", "client_secret"),
        (with_client, "ClientMetadata", "post_logout_redirect_uri", "post_logout_redirect_uris"),
        (with_client, "ClientMetadata", "id_token_signed_response_algo", "id_token_signed_response_alg"),
        (with_registration, "ClientRegistrationInfo", "client_nam", "client_name"),
        (with_registration, "ClientRegistrationInfo", "redirect_uri", "redirect_uris"),
        (with_provider, "ProviderMetadata", "end_sesion_endpoint", "end_session_endpoint"),
        (with_provider, "ProviderMetadata", "user_info_endpoint", "userinfo_endpoint"),
        (with_request, "auth_request_params", "scopes", "scope"),
        (with_request, "auth_request_params", "ui_locale", "ui_locales"),
    ],
)
def test_a_misspelt_name_is_an_error(make: Any, where: str, name: str, meant: str) -> None:
    """threat model 388: it would have no effect"""
    with pytest.raises(ConfigurationError) as caught:
        make(**{name: "value"})
    assert caught.value.message == f"{name} in {where} is unknown. Did you mean {meant}?"


@pytest.mark.parametrize(
    ("make", "name"),
    [
        *[(with_provider, name) for name in ("tenant_region_scope", "kerberos_endpoint", "cloud_instance_name")],
        *[(with_client, name) for name in ("tenant", "client_name", "my_own", "issuer", "client_class")],
        *[
            (with_request, name)
            for name in ("hd", "kc_idp_hint", "access_type", "domain_hint", "connection", "tenant")
        ],
    ],
)
def test_a_name_of_its_own_that_a_provider_has_is_none(make: Any, name: str) -> None:
    make(**{name: "value"})


@pytest.mark.parametrize("names", [CLIENT_NAMES, PROVIDER_NAMES, REQUEST_NAMES])
def test_no_registered_name_is_taken_for_another_one(names: Collection[str]) -> None:
    assert find_misspelling(names, names) is None


@pytest.mark.parametrize("make", [with_client, with_registration])
@pytest.mark.parametrize("name", ["redirect_uris", "contacts", "response_types", "grant_types", "request_uris"])
@pytest.mark.parametrize("value", ["https://rp.example/cb", [1], {"a": "b"}, 5], ids=str)
def test_a_list_is_a_list_of_strings(make: Any, name: str, value: object) -> None:
    """threat model 388"""
    with pytest.raises(ConfigurationError, match=f"^{name} in Client[a-zA-Z]* must be a list of strings"):
        make(**{name: value})


@pytest.mark.parametrize("name", ["client_id", "client_secret"])
@pytest.mark.parametrize("value", ["value\n", "va\tlue", "\x7f"])
def test_a_line_break_at_the_end_of_a_secret_is_found_and_the_secret_not_shown(name: str, value: str) -> None:
    """threat model 388: as it is in a file"""
    with pytest.raises(ConfigurationError, match=f"^{name} in ClientMetadata contains a line break") as caught:
        with_client(**{name: value})
    assert "va" not in caught.value.message.replace(name, "")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"issuer": f"{ISSUER}//"}, "issuer must not end in two slashes"),
        ({"issuer": f"{ISSUER}/.well-known"}, r"issuer must end before /\.well-known/"),
        ({"discovery_url": ""}, "discovery_url is empty"),
        ({"logout_hint_claim": ""}, "logout_hint_claim is empty"),
        ({"registration_file": ""}, "registration_file must be the path of a file"),
        ({"trusted_audiences": None}, "trusted_audiences must be a set of strings"),
        ({"trusted_audiences": 5}, "trusted_audiences must be a set of strings"),
        ({"access_token_algorithms": None}, "access_token_algorithms must be a tuple"),
        ({"access_token_algorithms": ""}, "access_token_algorithms must be a tuple"),
        ({"audience": ""}, "audience must be a string, or a set of strings, and not empty"),
        ({"enforce_audience": "false"}, "enforce_audience must be True or False"),
        ({"clock_skew_seconds": "30"}, "clock_skew_seconds must be a number of seconds"),
        ({"auth_request_params": {"scope": []}}, "scope must contain openid"),
        ({"auth_request_params": {"scope": "openid,profile"}}, "scope must contain openid"),
    ],
    ids=str,
)
def test_what_is_empty_or_of_another_type_is_an_error_that_names_it(options: dict[str, Any], message: str) -> None:
    """threat model 388"""
    with pytest.raises(ConfigurationError, match=f"^{message}"):
        configured(**options)
