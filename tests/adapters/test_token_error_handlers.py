"""The app has its say in rejections; and what the view says by itself stays its own."""

from typing import Any, Literal

import pytest
from werkzeug.exceptions import HTTPException

from oidc_async import ProviderMetadata
from oidc_async.testing import Fault

from .api import Api, Kind, MakeApi, api_views, challenge_of, of_kind
from .site import Framework, Views, new_provider
from .toolbox import toolbox


def views_with_handlers(framework: Framework, where: Literal["app", "blueprint"]) -> Views:
    """The views of `api_views` in a blueprint; an error handler for each status, of the app or of the blueprint."""
    tools = toolbox(framework)

    def add_views(app: Any, auth: Any) -> None:
        def ours(error: Any) -> Any:
            return f"ours: {error.code} {error.description}", error.code, {"x-ours": "yes"}

        blueprint = tools.blueprint("api", __name__)
        blueprint.add_url_rule("/api", "api", auth.token_auth("default")(lambda: "in"))
        blueprint.add_url_rule("/read", "read", auth.token_auth("default", "read")(lambda: "in"))
        for status in (400, 401, 403, 500, 503):
            (app if where == "app" else blueprint).register_error_handler(status, ours)
        app.register_blueprint(blueprint)

    return add_views


class TestErrorHandlers:
    @pytest.fixture(params=["app", "blueprint"])
    def api(self, request: pytest.FixtureRequest, make_api: MakeApi, framework: Framework) -> Api:
        return make_api(views=views_with_handlers(framework, request.param))

    @pytest.mark.parametrize(
        ("path", "token", "status", "error"),
        [
            ("/api", None, 401, None),
            ("/api", "unknown", 403, "invalid_token"),
            ("/api", "two words", 400, "invalid_request"),
            ("/read", "good", 403, "insufficient_scope"),
        ],
    )
    def test_see_a_rejection_which_keeps_its_challenge(
        self, api: Api, path: str, token: str | None, status: int, error: str | None
    ) -> None:
        page = api.call(path, api.token("write") if token == "good" else token)
        challenge = challenge_of(page)
        assert page.status_code == status
        described = challenge.get("error_description", "The request must have a bearer token.")
        assert page.text == f"ours: {status} {described}"
        assert page.headers["x-ours"] == "yes"
        assert challenge.get("error") == error
        assert page.headers["cache-control"] == "no-store"

    def test_see_that_the_provider_is_down(self, api: Api) -> None:
        with api.provider.misbehaving(Fault.INTROSPECTION_RESET):
            page = api.call(token=api.token())
        assert (page.status_code, page.text[:9]) == (503, "ours: 503")
        assert page.headers["retry-after"] == "1"
        assert "www-authenticate" not in page.headers

    def test_are_not_called_for_a_client_that_gets_in(self, api: Api) -> None:
        page = api.call(token=api.token())
        assert (page.text, "x-ours" in page.headers) == ("in", False)

    def test_may_set_a_challenge_of_their_own(self, make_api: MakeApi, framework: Framework) -> None:
        def add_views(app: Any, auth: Any) -> None:
            api_views(framework)(app, auth)
            headers = {"www-authenticate": 'Bearer realm="ours"', "cache-control": "private"}
            app.register_error_handler(401, lambda error: ("ours", 401, headers))

        page = make_api(views=add_views).call()
        assert page.headers.get_list("www-authenticate") == ['Bearer realm="ours"']
        assert page.headers.get_list("cache-control") == ["private"]

    def test_see_a_rejection_as_any_http_exception(self, make_api: MakeApi, framework: Framework) -> None:
        def add_views(app: Any, auth: Any) -> None:
            api_views(framework)(app, auth)
            app.register_error_handler(HTTPException, lambda error: (f"any {error.code}", error.code))

        api = make_api(views=add_views)
        assert (api.call().text, api.call(token="unknown").text) == ("any 401", "any 403")
        assert challenge_of(api.call(token="unknown"))["error"] == "invalid_token"

    def test_see_a_mistake_in_the_settings_and_none_of_it(self, make_api: MakeApi, framework: Framework) -> None:
        provider = new_provider()
        endpoints = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/jwks"}
        metadata = {name: provider.issuer + path for name, path in endpoints.items()}
        api = make_api(
            providers={"default": provider},
            views=views_with_handlers(framework, "app"),
            issuer=None,
            provider_metadata=ProviderMetadata(issuer=provider.issuer, **metadata),
        )
        page = api.call(token="some")
        assert (page.status_code, page.text) == (500, "ours: 500 This resource is not configured correctly.")


class TestTheViewsOwnStatus:
    """contract.md 1: what the view itself says is not ours."""

    @pytest.fixture
    def api(self, make_api: MakeApi, framework: Framework, kind: Kind) -> Api:
        tools = toolbox(framework)

        def add_views(app: Any, auth: Any) -> None:
            def aborts(status: int) -> Any:
                tools.abort(status)

            def returns(status: int) -> Any:
                return "the view's own", status

            for name, view in (("aborts", aborts), ("returns", returns)):
                for decorator_name, decorator in (("token", auth.token_auth), ("both", auth.access_control)):
                    path = f"/{name}-{decorator_name}"
                    app.add_url_rule(f"{path}/<int:status>", path, decorator("default")(of_kind(kind, view)))

        return make_api(views=add_views)

    @pytest.mark.parametrize("status", [400, 401, 403, 503])
    @pytest.mark.parametrize("decorator", ["token", "both"])
    @pytest.mark.parametrize("name", ["aborts", "returns"])
    def test_goes_out_without_our_headers(self, api: Api, name: str, decorator: str, status: int) -> None:
        page = api.call(f"/{name}-{decorator}/{status}", api.token())
        assert page.status_code == status
        assert not {"www-authenticate", "retry-after", "cache-control"} & set(page.headers)
        if name == "returns":
            assert page.text == "the view's own"

    def test_after_a_decorator_that_rejected_inside_of_it(self, make_api: MakeApi, framework: Framework) -> None:
        """A view may call another one, and make the best of its rejection."""

        def add_views(app: Any, auth: Any) -> None:
            inner = auth.token_auth("default", "admin")(lambda: "admin")

            def outer() -> str:
                try:
                    return str(inner())
                except HTTPException:
                    return "for everybody"

            async def outer_async() -> str:
                try:
                    return str(await inner())
                except HTTPException:
                    return "for everybody"

            app.add_url_rule("/", "outer", outer if framework.name == "flask" else outer_async)

        page = make_api(views=add_views).call("/")
        assert (page.status_code, page.text) == (200, "for everybody")
        assert "www-authenticate" not in page.headers
