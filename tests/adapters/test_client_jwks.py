"""Where providers fetch the public keys of the application."""

from collections.abc import Callable
from typing import Any

import pytest

from oidc_async import ClientKeys, ClientMetadata, ConfigurationError, RedirectUriConfig
from oidc_async.testing import SimulatedProvider
from tests.protocol.signing import private_ec_jwk, private_rsa_jwk, rsa_key

from .site import ORIGIN, REDIRECT_URI, SECRET_KEY, Framework, Site, new_site
from .test_mounts import BELOW, FRONTS, Front, browser_before

JWKS_URI = f"{ORIGIN}/jwks.json"
OLD, NEW = (
    ClientKeys.from_jwk({**private_rsa_jwk(rsa_key()), "kid": "old"}),
    ClientKeys.from_jwk({**private_ec_jwk(), "kid": "new"}),
)
MakeSite = Callable[..., Site]


def test_is_off_by_default(make_site: MakeSite) -> None:
    assert make_site(client_keys=NEW).browser().get("/jwks.json").status_code == 404


def test_the_public_keys_are_there_and_nothing_of_the_private_ones(make_site: MakeSite) -> None:
    site = make_site({"OIDC_JWKS_URI": JWKS_URI}, client_keys=NEW + OLD)
    page = site.browser().get("/jwks.json")
    assert (page.status_code, page.headers["content-type"]) == (200, "application/jwk-set+json")
    assert page.headers["cache-control"] == "public, max-age=300"
    assert "set-cookie" not in page.headers
    assert "vary" not in page.headers
    keys = page.json()["keys"]
    assert [(key["kid"], key["use"]) for key in keys] == [("new", "sig"), ("old", "sig")]
    assert {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}.isdisjoint({name for key in keys for name in key})


def test_a_provider_can_verify_by_what_it_fetched_there(make_site: MakeSite) -> None:
    """The whole way: the route, the provider, an assertion, a login."""
    keys = make_site({"OIDC_JWKS_URI": JWKS_URI}, client_keys=NEW + OLD).browser().get("/jwks.json").json()
    provider = SimulatedProvider()
    method = "private_key_jwt"
    provider.register("client1", redirect_uris=[REDIRECT_URI], token_endpoint_auth_method=method, jwks=keys)
    provider.add_user("alice")
    client = ClientMetadata("client1", token_endpoint_auth_method=method)
    site = make_site(providers={"default": provider}, client_metadata=client, client_keys=NEW + OLD)
    assert site.browser().log_in().status_code == 200
    assert provider.count("token", client_id="client1", status=200) == 1


def test_several_providers_are_shown_one_set(make_site: MakeSite) -> None:
    providers = {"one": SimulatedProvider(), "two": SimulatedProvider("https://two.example")}
    site = make_site({"OIDC_JWKS_URI": JWKS_URI}, providers=providers, client_keys=NEW, views=lambda *_: None)
    assert [key["kid"] for key in site.browser().get("/jwks.json").json()["keys"]] == ["new"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_is_only_read(make_site: MakeSite, method: str) -> None:
    site = make_site({"OIDC_JWKS_URI": JWKS_URI}, client_keys=NEW)
    assert site.browser().request(method, "/jwks.json").status_code == 405


@pytest.mark.parametrize(("framework", "front"), FRONTS)
def test_is_found_below_a_path(make_site: MakeSite, front: Front) -> None:
    config = {"OIDC_REDIRECT_URI": BELOW, "OIDC_JWKS_URI": f"{ORIGIN}/app/keys/jwks%20set"}
    browser = browser_before(make_site(config, client_keys=NEW), front)
    assert browser.get("/app/keys/jwks%20set").json()["keys"][0]["kid"] == "new"
    assert browser.get("/app/keys").status_code == 404


def test_is_found_behind_a_proxy_that_takes_a_prefix_away(framework: Framework) -> None:
    app = framework.new_app()
    app.config.update(SECRET_KEY=SECRET_KEY, OIDC_JWKS_URI=f"{ORIGIN}/shop/jwks.json")
    site = new_site(framework, client_keys=NEW)
    where = RedirectUriConfig(f"{ORIGIN}/shop/redirect_uri", "redirect_uri")
    framework.new_authentication(site.web.configurations, app, where)
    behind = Site(framework, app, site.auth, site.providers).browser()
    assert behind.get("/jwks.json").status_code == 200
    behind.client.close()
    site.close()


@pytest.mark.parametrize(
    "uri",
    [
        "http://rp.example/jwks",
        f"{ORIGIN}/jwks?a",
        f"{ORIGIN}/jwks#a",
        "/jwks",
        "",
        5,
        ORIGIN,
        f"{ORIGIN}/",
        REDIRECT_URI,
    ],
    ids=repr,
)
def test_it_is_an_https_url_with_a_path_of_its_own(make_site: MakeSite, uri: Any) -> None:
    with pytest.raises(ConfigurationError, match="OIDC_JWKS_URI"):
        make_site({"OIDC_JWKS_URI": uri}, client_keys=NEW)


def test_there_must_be_keys_to_publish(make_site: MakeSite) -> None:
    with pytest.raises(ConfigurationError, match="OIDC_JWKS_URI needs client_keys"):
        make_site({"OIDC_JWKS_URI": JWKS_URI})
