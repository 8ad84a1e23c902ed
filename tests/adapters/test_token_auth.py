"""`token_auth`: which client gets in, what the view sees of the token, and whose token is whose."""

import json
from functools import partial
from typing import Any

import pytest

from oidc_async import ConfigurationError, ProviderMetadata
from oidc_async.testing import Clock, SimulatedProvider

from .api import Api, Kind, MakeApi, View, challenge_of, of_kind, protected
from .site import Framework, new_provider
from .toolbox import toolbox


class TestAValidToken:
    def test_opens_the_view_which_sees_its_claims(self, make_api: MakeApi, kind: Kind) -> None:
        """contract.md 1"""
        api = make_api(kind)
        identity = api.identity(token=api.token("read write"))
        assert identity is not None
        assert (identity["sub"], identity["scope"], identity["active"]) == ("alice", "read write", True)
        assert (identity["client_id"], identity["iss"]) == ("client1", api.provider.issuer)

    def test_is_a_jwt_of_this_provider(self, make_api: MakeApi, kind: Kind) -> None:
        api = make_api(kind, access_token_verification="jwt", audience="api")
        identity = api.identity(token=api.token(audience="api", jwt=True))
        assert identity is not None
        assert (identity["sub"], identity["aud"]) == ("alice", "api")
        assert api.asked() == 0

    @pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
    def test_is_announced_in_any_case(self, api: Api, scheme: str) -> None:
        """threat model 142"""
        for _ in ("unknown", "known"):
            page = api.call(headers={"authorization": f"{scheme} {api.token()}"})
            assert page.json()["sub"] == "alice"

    def test_may_stand_behind_several_spaces(self, api: Api) -> None:
        """RFC 9110 11.4: 1*SP"""
        token = api.token()
        for _ in ("unknown", "known"):
            assert api.call(headers={"authorization": f"Bearer   {token}"}).status_code == 200

    def test_in_the_query_is_none(self, api: Api) -> None:
        """threat model 141"""
        page = api.call(f"/api?access_token={api.token()}")
        assert (page.status_code, challenge_of(page)) == (401, {})
        assert api.asked() == 0

    def test_of_a_view_with_parameters(self, make_api: MakeApi, framework: Framework, kind: Kind) -> None:
        def add_views(app: Any, auth: Any) -> None:
            view = of_kind(kind, lambda name, number=1: f"{name} {number}")
            app.add_url_rule("/api/<name>/<int:number>", "api", auth.token_auth("default")(view))

        api = make_api(views=add_views)
        assert api.call("/api/a/5", api.token()).text == "a 5"

    def test_serves_until_it_expires_whatever_is_cached(self, make_api: MakeApi) -> None:
        """threat model 129"""
        api = make_api(config={"OIDC_CLOCK_SKEW": 0, "OIDC_TOKEN_CACHE_SECONDS": 3600})
        token = api.token(lifetime=100)
        assert api.call(token=token).status_code == 200
        api.provider.clock.advance(98)
        assert api.call(token=token).status_code == 200
        assert api.asked() == 1
        api.provider.clock.advance(3)
        assert api.call(token=token).status_code == 403

    def test_is_introspected_again_when_the_setting_says_so(self, make_api: MakeApi) -> None:
        """threat model 129, 237"""
        api = make_api(config={"OIDC_TOKEN_CACHE_SECONDS": 20})
        token = api.token()
        assert api.call(token=token).status_code == 200
        api.provider.revoke_access_token(token)
        api.provider.clock.advance(19)
        assert api.call(token=token).status_code == 200
        api.provider.clock.advance(2)
        assert api.call(token=token).status_code == 403

    def test_is_never_cached_when_the_setting_says_so(self, make_api: MakeApi) -> None:
        api = make_api(config={"OIDC_TOKEN_CACHE_SECONDS": 0})
        token = api.token()
        assert [api.call(token=token).status_code for _ in range(3)] == [200] * 3
        assert api.asked() == 3

    def test_that_was_rejected_is_introspected_again_after_a_moment(self, make_api: MakeApi) -> None:
        """threat model 131"""
        api = make_api(config={"OIDC_TOKEN_CACHE_REFUSED_SECONDS": 10})
        assert [api.call(token="nobody-knows-it").status_code for _ in range(3)] == [403] * 3
        assert api.asked() == 1
        api.provider.clock.advance(11)
        assert api.call(token="nobody-knows-it").status_code == 403
        assert api.asked() == 2


class TestTheIdentity:
    """threat model 155"""

    def test_is_none_where_no_token_is_asked_for(self, make_api: MakeApi, kind: Kind) -> None:
        api = make_api(kind)
        assert api.identity("/open") is None
        assert api.identity("/open", api.token()) is None

    def test_ends_with_its_request(self, make_api: MakeApi, kind: Kind) -> None:
        api = make_api(kind)
        for _ in range(2):
            identity = api.identity(token=api.token())
            assert identity is not None
            assert identity["sub"] == "alice"
            assert api.identity("/open") is None

    @pytest.mark.parametrize(
        "name",
        [
            "oidc_async.access",
            "oidc-async-access",
            "X-Remote-User",
            "Remote-User",
            "X-Forwarded-User",
            "wsgi.identity",
        ],
    )
    def test_is_never_what_a_header_says(self, api: Api, name: str) -> None:
        forged = {name: json.dumps({"active": True, "sub": "mallory"})}
        page = api.call("/open", headers=forged)
        assert (page.status_code, page.json()) == (200, None)
        assert api.call("/api", headers=forged).status_code == 401

    def test_is_the_view_s_own_to_change(self, make_api: MakeApi, framework: Framework, kind: Kind) -> None:
        tools = toolbox(framework)

        def add_views(app: Any, auth: Any) -> None:
            def spoilt() -> Any:
                before = auth.current_token_identity["sub"]
                auth.current_token_identity["sub"] = "mallory"
                auth.current_token_identity["scope"] = "admin"
                return tools.jsonify(before)

            app.add_url_rule("/api", "api", auth.token_auth("default")(of_kind(kind, spoilt)))
            app.add_url_rule("/admin", "admin", auth.token_auth("default", ["admin"])(of_kind(kind, spoilt)))

        api = make_api(views=add_views)
        token = api.token()
        assert [api.call(token=token).json() for _ in range(3)] == ["alice"] * 3
        assert api.call("/admin", token).status_code == 403

    def test_of_a_request_within_a_request_is_another(self, make_api: MakeApi, framework: Framework) -> None:
        tools = toolbox(framework)

        def add_views(app: Any, auth: Any) -> None:
            def inner() -> Any:
                return tools.jsonify(auth.current_token_identity)

            def outer() -> Any:
                headers = {"Authorization": f"Bearer {tokens['bob']}"}
                open_, bobs = app.test_client().get("/open"), app.test_client().get("/inner", headers=headers)
                seen = [open_.json, bobs.json["sub"], auth.current_token_identity["sub"]]
                return tools.jsonify(seen)

            async def outer_async() -> Any:
                headers = {"Authorization": f"Bearer {tokens['bob']}"}
                open_ = await (await app.test_client().get("/open")).json
                bobs = await (await app.test_client().get("/inner", headers=headers)).json
                return tools.jsonify([open_, bobs["sub"], auth.current_token_identity["sub"]])

            app.add_url_rule("/open", "open", inner)
            app.add_url_rule("/inner", "inner", auth.token_auth("default")(inner))
            view = outer if framework.name == "flask" else outer_async
            app.add_url_rule("/outer", "outer", auth.token_auth("default")(view))

        api = make_api(views=add_views)
        tokens = {"bob": api.token(username="bob")}
        assert api.call("/outer", api.token()).json() == [None, "bob", "alice"]

    def test_is_not_that_of_a_token_that_was_rejected(self, make_api: MakeApi, framework: Framework) -> None:
        tools = toolbox(framework)

        def add_views(app: Any, auth: Any) -> None:
            asked: dict[str, Any] = {"/scopes": {"scopes_any": "admin"}, "/requires": {"requires": lambda _: False}}
            for path, asks in asked.items():
                app.add_url_rule(path, path, auth.token_auth("default", **asks)(lambda: "in"))
            app.register_error_handler(403, lambda error: (tools.jsonify(auth.current_token_identity), 403))

        api = make_api(views=add_views)
        token = api.token()
        for path in ("/scopes", "/requires") * 2:
            page = api.call(path, token)
            assert (page.status_code, page.json()) == (403, None)


@pytest.mark.parametrize("method", ["OPTIONS", "HEAD"])
def test_other_methods_get_nothing_for_free(make_api: MakeApi, framework: Framework, kind: Kind, method: str) -> None:
    """threat model 155: a preflight that the framework answers reaches no view; that of a view is protected."""
    seen: list[str] = []

    def add_views(app: Any, auth: Any) -> None:
        def view() -> str:
            seen.append(auth.current_token_identity["sub"])
            return "in"

        decorator = auth.token_auth("default")
        app.add_url_rule("/api", "api", decorator(of_kind(kind, view)))
        options = {"methods": ["OPTIONS", "HEAD"], "provide_automatic_options": False}
        app.add_url_rule("/own", "own", decorator(of_kind(kind, view)), **options)

    api = make_api(views=add_views)
    assert api.call("/own", method=method).status_code == 401
    assert api.call("/own", token="unknown", method=method).status_code == 403
    assert api.call("/api", method=method).status_code == {"OPTIONS": 200, "HEAD": 401}[method]
    assert seen == []
    page = api.call("/own", api.token(), method=method)
    assert (page.status_code, seen) == (200, ["alice"])


class TestScopes:
    """threat model 128, 146"""

    @pytest.mark.parametrize(
        ("granted", "asked", "status"),
        [
            ("read", {"scopes_required": ["read"]}, 200),
            ("write read", {"scopes_required": ("read", "write")}, 200),
            ("read", {"scopes_required": "read"}, 200),
            ("read write", {"scopes_required": "read write"}, 200),
            ("read", {"scopes_required": {"read": 1, "write": 1}.keys()}, 403),
            ("read", {"scopes_required": "read write"}, 403),
            ("readwrite", {"scopes_required": ["read"]}, 403),
            ("rea d", {"scopes_required": ["read"]}, 403),
            ("READ", {"scopes_required": ["read"]}, 403),
            ("", {"scopes_required": ["read"]}, 403),
            ("", {"scopes_required": []}, 200),
            ("", {}, 200),
            ("write", {"scopes_any": ["read", "write"]}, 200),
            ("write", {"scopes_any": "read write"}, 200),
            ("admin", {"scopes_any": ["read", "write"]}, 403),
            ("read a", {"scopes_required": ["read"], "scopes_any": ["a", "b"]}, 200),
            ("a b", {"scopes_required": ["read"], "scopes_any": ["a", "b"]}, 403),
            ("read", {"scopes_required": ["read"], "scopes_any": ["a", "b"]}, 403),
        ],
        ids=str,
    )
    def test_decide(
        self, make_api: MakeApi, framework: Framework, granted: str, asked: dict[str, Any], status: int
    ) -> None:
        api = make_api(views=protected(framework, **asked))
        token = api.token(granted)
        for _ in ("unknown", "known"):
            assert api.call(token=token).status_code == status

    @pytest.mark.parametrize("name", ["scopes_required", "scopes_any", "acr_values"])
    @pytest.mark.parametrize("value", ["", " ", [""], ["read", " "], ["a\n"], [5], [None], ["é\u2028"]], ids=repr)
    def test_that_are_none_are_reported_at_once(self, api: Api, name: str, value: object) -> None:
        with pytest.raises(ConfigurationError, match=name):
            api.site.auth.token_auth("default", **{name: value})


async def is_alice_async(claims: Any) -> bool:
    return is_alice(claims)


def is_alice(claims: Any) -> bool:
    return bool(claims["sub"] == "alice" and claims.subject == "alice" and "read" in claims.scopes)


class Alices:
    async def __call__(self, claims: Any) -> bool:
        return is_alice(claims)


class TestRequires:
    @pytest.mark.parametrize(
        "requires",
        [
            pytest.param(is_alice, id="function"),
            pytest.param(is_alice_async, id="async function"),
            pytest.param(lambda claims: is_alice_async(claims), id="function that gives a coroutine"),
            pytest.param(partial(is_alice_async), id="partial of an async function"),
            pytest.param(Alices(), id="object with an async call"),
            pytest.param(lambda claims: claims["sub"] if is_alice(claims) else "", id="truthy, falsy"),
            pytest.param(lambda claims: None if claims["sub"] != "alice" else 1, id="None"),
        ],
    )
    def test_decides(self, make_api: MakeApi, framework: Framework, kind: Kind, requires: View) -> None:
        api = make_api(views=protected(framework, kind, requires=requires))
        alice, bob = api.token(), api.token(username="bob")
        for _ in ("unknown", "known"):
            assert api.call(token=alice).json() == "alice"
            page = api.call(token=bob)
            assert page.status_code == 403
            assert challenge_of(page)["error"] == "insufficient_scope"
            assert "scope" not in challenge_of(page)

    def test_that_fails_lets_nobody_in(self, make_api: MakeApi, framework: Framework, kind: Kind) -> None:
        def requires(claims: Any) -> bool:
            return bool(claims["groups"])

        api = make_api(views=protected(framework, requires=of_kind(kind, requires)))
        api.site.app.config.update(PROPAGATE_EXCEPTIONS=False, TESTING=False)
        page = api.call(token=api.token())
        assert page.status_code == 500
        assert "groups" not in page.text

    def test_is_not_asked_of_an_invalid_token(self, make_api: MakeApi, framework: Framework) -> None:
        asked: list[Any] = []
        api = make_api(views=protected(framework, requires=asked.append))
        assert api.call(token="unknown").status_code == 403
        assert asked == []

    @pytest.mark.parametrize("requires", ["read", 5, ["read"]], ids=repr)
    def test_is_a_function(self, api: Api, requires: object) -> None:
        with pytest.raises(ConfigurationError, match="requires must be callable"):
            api.site.auth.token_auth("default", requires=requires)


class TestStepUp:
    """RFC 9470"""

    @pytest.mark.parametrize(
        ("claims", "asked", "challenge"),
        [
            ({"acr": "gold"}, {"acr_values": ["gold", "silver"]}, None),
            ({"acr": "silver"}, {"acr_values": "gold silver"}, None),
            ({"acr": "bronze"}, {"acr_values": ["gold", "silver"]}, {"acr_values": "gold silver"}),
            ({}, {"acr_values": "gold"}, {"acr_values": "gold"}),
            ({"auth_time": 1_700_000_000}, {"max_age": 60}, None),
            ({"auth_time": 1_699_990_000}, {"max_age": 60}, {"max_age": "60"}),
            ({}, {"max_age": 60}, {"max_age": "60"}),
            ({"auth_time": "now"}, {"max_age": 60}, {"max_age": "60"}),
            ({"acr": "gold"}, {"max_age": 5, "acr_values": "gold"}, {"max_age": "5", "acr_values": "gold"}),
        ],
        ids=str,
    )
    @pytest.mark.parametrize("rfc6750_status", [False, True], ids=["403", "401"])
    def test_says_how_the_user_has_to_authenticate(
        self,
        make_api: MakeApi,
        framework: Framework,
        claims: dict[str, Any],
        asked: dict[str, Any],
        challenge: dict[str, str] | None,
        rfc6750_status: bool,
    ) -> None:
        provider = SimulatedProvider(clock=Clock(1_700_000_000))
        provider.register("client1", "secret1")
        provider.add_user("alice")
        config = {"OIDC_RFC6750_STATUS": rfc6750_status}
        api = make_api(providers={"default": provider}, views=protected(framework, **asked), config=config)
        token = provider.issue_access_token("client1", claims={"sub": "alice", **claims})
        for _ in ("unknown", "known"):
            page = api.call(token=token)
            if challenge is None:
                assert page.status_code == 200
                continue
            assert page.status_code == 401
            seen = challenge_of(page)
            assert seen.pop("error") == "insufficient_user_authentication"
            assert seen.pop("error_description")
            assert seen == challenge

    @pytest.mark.parametrize("max_age", [-1, True, float("nan"), float("inf"), "60", [60]], ids=repr)
    def test_max_age_is_in_seconds(self, api: Api, max_age: Any) -> None:
        with pytest.raises(ConfigurationError, match="max_age must be a number of seconds"):
            api.site.auth.token_auth("default", max_age=max_age)


def test_a_provider_that_cannot_be_asked_is_a_matter_of_settings(make_api: MakeApi) -> None:
    """contract.md 4: no traceback, nothing of the inside."""
    provider = new_provider()
    metadata = ProviderMetadata(
        issuer=provider.issuer,
        authorization_endpoint=f"{provider.issuer}/authorize",
        token_endpoint=f"{provider.issuer}/token",
        jwks_uri=f"{provider.issuer}/jwks",
    )
    api = make_api(providers={"default": provider}, issuer=None, provider_metadata=metadata)
    page = api.call(token=api.token())
    assert page.status_code == 500
    assert page.json()["error"] == "server_error"
    assert "www-authenticate" not in page.headers
    assert page.headers["cache-control"] == "no-store"
    assert not any(word in page.text for word in ("Traceback", "introspection", "provider_metadata", ".py"))
