"""What the API publishes of itself, and where rejections point to it (RFC 9728)."""

from typing import Any

import pytest

from oidc_async import ConfigurationError
from oidc_async.testing import Fault

from .api import Api, MakeApi, api_views, challenge_of
from .site import ORIGIN, Framework, new_provider

WELL_KNOWN = "/.well-known/oauth-protected-resource"


def test_is_off_by_default(api: Api) -> None:
    assert api.call(WELL_KNOWN).status_code == 404
    assert challenge_of(api.call()) == {}


def test_tells_where_tokens_come_from(make_api: MakeApi, framework: Framework) -> None:
    """RFC 9728 2, 3.2"""

    def add_views(app: Any, auth: Any) -> None:
        app.add_url_rule("/all", "all", auth.token_auth("default", ["write", "read"])(lambda: "in"))
        app.add_url_rule("/any", "any", auth.access_control("other", scopes_any="read admin")(lambda: "in"))

    providers = {"default": new_provider(), "other": new_provider("https://other.example")}
    api = make_api(providers=providers, views=add_views, config={"OIDC_RESOURCE": f"{ORIGIN}/"})
    page = api.call(WELL_KNOWN)
    assert page.headers["content-type"] == "application/json"
    assert page.json() == {
        "resource": f"{ORIGIN}/",
        "authorization_servers": ["https://op.example", "https://other.example"],
        "bearer_methods_supported": ["header"],
        "scopes_supported": ["admin", "read", "write"],
    }
    assert [provider.requests for provider in api.site.providers] == [(), ()]


def test_is_for_everybody(make_api: MakeApi) -> None:
    api = make_api(config={"OIDC_RESOURCE": ORIGIN})
    page = api.call(WELL_KNOWN, headers={"origin": "https://app.example"})
    assert page.headers["access-control-allow-origin"] == "*"
    assert page.headers["cache-control"] == "public, max-age=3600"
    assert "set-cookie" not in page.headers
    assert "vary" not in page.headers


def test_names_the_body_when_a_token_may_be_there(make_api: MakeApi) -> None:
    api = make_api(config={"OIDC_RESOURCE": ORIGIN, "OIDC_BEARER_IN_BODY": True})
    assert api.call(WELL_KNOWN).json()["bearer_methods_supported"] == ["header", "body"]


def test_names_no_scopes_where_none_are_asked_for(make_api: MakeApi) -> None:
    def add_views(app: Any, auth: Any) -> None:
        app.add_url_rule("/api", "api", auth.token_auth("default")(lambda: "in"))

    api = make_api(views=add_views, config={"OIDC_RESOURCE": ORIGIN})
    assert "scopes_supported" not in api.call(WELL_KNOWN).json()


@pytest.mark.parametrize(
    ("resource", "path"),
    [
        (ORIGIN, WELL_KNOWN),
        (f"{ORIGIN}/", WELL_KNOWN),
        (f"{ORIGIN}/api", f"{WELL_KNOWN}/api"),
        (f"{ORIGIN}/api/", f"{WELL_KNOWN}/api/"),
        (f"{ORIGIN}/a%20b", f"{WELL_KNOWN}/a%20b"),
    ],
)
def test_comes_before_the_path_of_the_resource(make_api: MakeApi, resource: str, path: str) -> None:
    """RFC 9728 3.1"""
    api = make_api(config={"OIDC_RESOURCE": resource})
    page = api.call(path)
    assert page.status_code == 200
    assert page.json()["resource"] == resource
    assert challenge_of(api.call())["resource_metadata"] == ORIGIN + path


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_is_only_read(make_api: MakeApi, method: str) -> None:
    assert make_api(config={"OIDC_RESOURCE": ORIGIN}).call(WELL_KNOWN, method=method).status_code == 405


@pytest.mark.parametrize("rfc6750_status", [False, True])
def test_every_challenge_points_to_it(make_api: MakeApi, framework: Framework, rfc6750_status: bool) -> None:
    """RFC 9728 5.1"""

    def add_views(app: Any, auth: Any) -> None:
        api_views(framework)(app, auth)
        app.add_url_rule("/acr", "acr", auth.token_auth("default", acr_values="gold")(lambda: "in"))

    config = {"OIDC_RESOURCE": f"{ORIGIN}/api", "OIDC_RFC6750_STATUS": rfc6750_status}
    api = make_api(views=add_views, config=config)
    script = {"accept": "application/json"}
    pages = [
        api.call(),
        api.call(token="unknown"),
        api.call(token="two words"),
        api.call("/read", api.token("write")),
        api.call("/acr", api.token()),
        api.call("/both", headers=script),
    ]
    assert [page.status_code for page in pages] == [401, 401 if rfc6750_status else 403, 400, 403, 401, 401]
    assert {challenge_of(page)["resource_metadata"] for page in pages} == {f"{ORIGIN}{WELL_KNOWN}/api"}
    assert "error" not in challenge_of(pages[0])
    with api.provider.misbehaving(Fault.INTROSPECTION_RESET):
        assert "www-authenticate" not in api.call(token="some").headers


@pytest.mark.parametrize(
    "resource",
    [
        "http://rp.example/api",
        f"{ORIGIN}/api#part",
        f"{ORIGIN}/api?query",
        "https://user@rp.example",
        "/api",
        "api",
        "",
        5,
        [ORIGIN],
        f'{ORIGIN}/"quoted"',
        f"{ORIGIN}/\n",
    ],
    ids=repr,
)
def test_a_resource_is_an_https_url(make_api: MakeApi, resource: object) -> None:
    """RFC 9728 1.2"""
    with pytest.raises(ConfigurationError, match="OIDC_RESOURCE"):
        make_api(config={"OIDC_RESOURCE": resource})
