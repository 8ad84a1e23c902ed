"""Mistakes of newcomers are reported at once, with the fix."""

from collections.abc import Callable
from typing import Any

import pytest

from oidc_async import ClientMetadata, ConfigurationError, ProviderConfiguration

from .site import REDIRECT_URI, SECRET_KEY, Framework, Site

PROVIDER = ProviderConfiguration(issuer="https://op.example", client_metadata=ClientMetadata("client1", "secret1"))


@pytest.mark.parametrize(
    "configurations",
    [
        pytest.param(PROVIDER, id="a provider without a name"),
        pytest.param({"default": {"issuer": "https://op.example"}}, id="a dict for a configuration"),
        pytest.param([PROVIDER], id="a list"),
    ],
)
def test_providers_are_given_by_name(framework: Framework, configurations: Any) -> None:
    app = framework.new_app()
    app.config.update(OIDC_REDIRECT_URI=REDIRECT_URI, SECRET_KEY=SECRET_KEY)
    with pytest.raises(ConfigurationError, match="needs a mapping of names to providers"):
        framework.new_authentication(configurations, app)


def test_the_decorator_without_the_name_of_a_provider(site: Site) -> None:
    with pytest.raises(ConfigurationError, match=r"@auth\.oidc_auth\('name'\)"):
        site.auth.oidc_auth(lambda: "private")


@pytest.mark.parametrize(
    "view",
    [lambda: "", lambda error: "", lambda error, *, description: ""],
    ids=["no parameter", "one parameter", "a parameter by name"],
)
def test_an_error_view_that_does_not_take_what_it_is_given(site: Site, view: Callable[..., str]) -> None:
    with pytest.raises(ConfigurationError, match="error_description=None"):
        site.auth.error_view(view)


@pytest.mark.parametrize("uris", ["https://rp.example/bye", ["/bye"], [1], "bye"])
def test_post_logout_redirect_uris_are_a_list_of_urls(uris: object) -> None:
    with pytest.raises(ConfigurationError, match="post_logout_redirect_uris in ClientMetadata must be a list"):
        ProviderConfiguration(
            issuer="https://op.example",
            client_metadata=ClientMetadata("client1", "secret1", post_logout_redirect_uris=uris),
        )


def test_a_wrong_client_secret_is_reported_in_the_log(
    make_site: Callable[..., Site], caplog: pytest.LogCaptureFixture
) -> None:
    browser = make_site(client_metadata=ClientMetadata("client1", "wrong")).browser()
    assert browser.come_back(browser.begin_login()).status_code == 502
    assert "Check client_id, client_secret and token_endpoint_auth_method in ClientMetadata." in caplog.text
