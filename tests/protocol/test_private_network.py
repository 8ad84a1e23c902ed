"""Which addresses are accepted in a private network because somebody named them. threat model 399, 402."""

from typing import Any

import pytest

from oidc_async.errors import ConfigurationError, IssuerMismatch, MetadataInvalid
from oidc_async.protocol.discovery import BROWSER_ENDPOINTS, OPTIONAL_ENDPOINTS, REQUIRED_ENDPOINTS, require_issuer
from oidc_async.protocol.discovery import require_endpoints as require
from oidc_async.protocol.metadata import ProviderMetadata
from oidc_async.protocol.private_network import PUBLIC, PrivateNetwork, private_network

ISSUER = "https://id.example/realms/dev"
INSIDE = "http://keycloak:8080"
BACKCHANNEL = private_network(INSIDE, ())
NAMED = private_network(None, {"keycloak"})
OURS = sorted({*REQUIRED_ENDPOINTS, "token_endpoint", *OPTIONAL_ENDPOINTS} - set(BROWSER_ENDPOINTS))


def problem_of(name: str, endpoint: str, network: PrivateNetwork) -> str:
    try:
        require(ProviderMetadata(**{name: endpoint}), ISSUER, network)
    except MetadataInvalid as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("network", [BACKCHANNEL, NAMED], ids=["backchannel", "insecure host"])
def test_what_we_ask_may_be_inside_where_that_is_named(name: str, network: PrivateNetwork) -> None:
    assert problem_of(name, f"{INSIDE}/x", network) == ""
    assert "https" in problem_of(name, f"{INSIDE}/x", PUBLIC)


@pytest.mark.parametrize("name", BROWSER_ENDPOINTS)
def test_browsers_are_not_sent_inside(name: str) -> None:
    assert "which browsers can't reach" in problem_of(name, f"{INSIDE}/x", BACKCHANNEL)
    assert problem_of(name, "https://id.example/x", BACKCHANNEL) == ""


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://keycloak/x",
        "http://keycloak:8081/x",
        "http://keycloak.evil.example:8080/x",
        "http://keycloak:8080@evil.example/x",
        "http://user@keycloak:8080/x",
        "http://id.example/x",
        "http://127.0.0.1:8080/x",
        "http://169.254.169.254/x",
        "ftp://keycloak:8080/x",
    ],
)
def test_nothing_else_becomes_acceptable_by_a_backchannel(endpoint: str) -> None:
    """threat model 399: neither another port, nor this machine."""
    assert problem_of("token_endpoint", endpoint, BACKCHANNEL)


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://keycloak.evil.example/x",
        "http://evilkeycloak/x",
        "http://keycloak@evil.example/x",
        "http://id.example/x",
        "http://127.0.0.1:8080/x",
    ],
)
def test_nothing_else_becomes_acceptable_by_a_named_host(endpoint: str) -> None:
    """threat model 402."""
    assert problem_of("token_endpoint", endpoint, NAMED)


@pytest.mark.parametrize("network", [BACKCHANNEL, NAMED], ids=["backchannel", "insecure host"])
def test_aliases_for_certificates_use_https(network: PrivateNetwork) -> None:
    """A certificate is shown to nobody over http."""
    metadata = ProviderMetadata(mtls_endpoint_aliases={"token_endpoint": f"{INSIDE}/x"})
    with pytest.raises(MetadataInvalid):
        require(metadata, ISSUER, network)


@pytest.mark.parametrize(
    ("backchannel", "public", "internal"),
    [
        (INSIDE, f"{ISSUER}/token", f"{INSIDE}/realms/dev/token"),
        (f"{INSIDE}/", f"{ISSUER}/token?a=b", f"{INSIDE}/realms/dev/token?a=b"),
        (f"{INSIDE}/auth", f"{ISSUER}/token", f"{INSIDE}/auth/realms/dev/token"),
        ("https://[fd00::1]:8443", f"{ISSUER}/token", "https://[fd00::1]:8443/realms/dev/token"),
        (INSIDE, "https://id.example", INSIDE),
    ],
)
def test_a_path_stays_behind_that_of_the_backchannel(backchannel: str, public: str, internal: str) -> None:
    assert private_network(backchannel, ()).to_backchannel(public) == internal


@pytest.mark.parametrize(
    ("backchannel", "hosts", "risks"),
    [
        (INSIDE, (), [INSIDE]),
        ("http://127.0.0.1:8080", (), []),
        ("https://keycloak", (), []),
        (None, {"b", "a"}, ["http://a", "http://b"]),
        (None, (), []),
    ],
)
def test_addresses_without_encryption_are_known(backchannel: str | None, hosts: Any, risks: list[str]) -> None:
    assert private_network(backchannel, hosts).plaintext_addresses() == risks


@pytest.mark.parametrize(
    "url",
    [
        "",
        7,
        "keycloak:8080",
        "//keycloak",
        "ftp://keycloak",
        "http://",
        "http://a b",
        "http://a@keycloak",
        "http://keycloak?a=b",
        "http://keycloak#a",
        "http://keycloak:0",
    ],
)
def test_a_malformed_address_is_not_a_backchannel(url: Any) -> None:
    with pytest.raises(ConfigurationError, match="backchannel_url"):
        private_network(url, ())


@pytest.mark.parametrize(
    "hosts",
    ["keycloak", ["http://keycloak"], ["keycloak:8080"], [".example"], ["*"], [""], ["Keycloak"], [7], 7, None],
)
def test_a_malformed_name_is_not_a_host(hosts: Any) -> None:
    """threat model 402: exact names, neither patterns nor domains."""
    with pytest.raises(ConfigurationError, match="insecure_hosts"):
        private_network(None, hosts)


def test_a_provider_with_the_issuer_of_the_request_gets_its_own_hint() -> None:
    """threat model 399: the issuer stays the public one, and the message tells what to configure."""
    for issuer, is_ours in ((f"{INSIDE}/realms/dev", True), ("https://evil.example", False)):
        with pytest.raises(IssuerMismatch) as caught:
            require_issuer({"issuer": issuer}, ISSUER, BACKCHANNEL)
        assert ("KC_HOSTNAME" in str(caught.value)) == is_ours
