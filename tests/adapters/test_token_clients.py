"""Tokens of the client's own, and what an operator can count."""

from collections.abc import Callable
from typing import Any

from oidc_async.testing import Fault

from .api import MakeApi
from .site import Framework, Page, new_provider
from .toolbox import toolbox

OTHER_ISSUER = "https://other.example"


def clients_page(framework: Framework, action: Callable[[Any], Any]) -> Callable[[Any, Any], None]:
    """`/page` shows what `action` makes of the relying party, awaited where that is needed."""
    tools = toolbox(framework)

    def add_views(app: Any, auth: Any) -> None:
        def view() -> Any:
            return tools.jsonify(action(auth.clients["default"]).to_dict())

        async def view_async() -> Any:
            return tools.jsonify((await action(auth.clients["default"])).to_dict())

        app.add_url_rule("/page", "page", view if framework.name == "flask" else view_async)
        app.add_url_rule("/api", "api", auth.token_auth("default")(lambda: "in"))

    return add_views


class TestClientCredentials:
    def tokens(self, page: Page) -> dict[str, Any]:
        assert page.status_code == 200, page.text
        told: dict[str, Any] = page.json()
        return told

    def test_each_grant_is_a_request(self, make_api: MakeApi, framework: Framework) -> None:
        """contract.md 1"""
        views = clients_page(framework, lambda client: client.client_credentials_grant(scope="read write"))
        api = make_api(views=views)
        first, second = self.tokens(api.call("/page")), self.tokens(api.call("/page"))
        assert first["access_token"] != second["access_token"]
        assert first["scope"] == "read write"
        assert api.provider.count("token", grant_type="client_credentials") == 2
        assert api.call("/api", first["access_token"]).status_code == 200

    def test_a_service_token_is_kept(self, make_api: MakeApi, framework: Framework) -> None:
        api = make_api(views=clients_page(framework, lambda client: client.service_token(scope="read")))
        first, second = self.tokens(api.call("/page")), self.tokens(api.call("/page"))
        assert first["access_token"] == second["access_token"]
        assert api.provider.count("token", grant_type="client_credentials") == 1
        api.provider.clock.advance(first["expires_in"])
        assert self.tokens(api.call("/page"))["access_token"] != first["access_token"]


class TestStatistics:
    def test_count_what_happened(self, make_api: MakeApi) -> None:
        api = make_api()
        good, bad = api.token(), "nobody-knows-it"
        for token in (good, good, good, bad, bad, None, "two words"):
            api.call(token=token)
        api.call("/both", good)
        statistics = api.statistics()
        assert (statistics.misses, statistics.hits, statistics.refused_hits) == (2, 3, 1)
        assert (statistics.upstream_calls, statistics.failures, statistics.paused) == (2, 0, 0)
        assert (statistics.entries, statistics.joined, statistics.queue_length) == (1, 0, 0)
        assert statistics.verified_here == 0

    def test_count_failures_and_pauses(self, make_api: MakeApi) -> None:
        api = make_api()
        with api.provider.misbehaving(Fault.INTROSPECTION_RESET):
            for token in ("one", "two", "three"):
                assert api.call(token=token).status_code == 503
        statistics = api.statistics()
        assert (statistics.misses, statistics.upstream_calls) == (3, 1)
        assert (statistics.failures, statistics.paused) == (1, 2)

    def test_count_what_was_verified_here(self, make_api: MakeApi) -> None:
        api = make_api(access_token_verification="jwt", audience="api")
        token = api.token(jwt=True, audience="api")
        for _ in range(3):
            assert api.call(token=token).status_code == 200
        statistics = api.statistics()
        assert (statistics.verified_here, statistics.hits, statistics.upstream_calls) == (1, 2, 0)

    def test_name_each_provider_and_no_user(self, make_api: MakeApi) -> None:
        """threat model 258"""
        api = make_api(providers={"default": new_provider(), "other": new_provider(OTHER_ISSUER)})
        token = api.token()
        api.call(token=token)
        told = {name: each.to_dict() for name, each in api.site.auth.statistics().items()}
        assert set(told) == {"default", "other"}
        assert (told["default"]["misses"], told["other"]["misses"]) == (1, 0)
        assert all(isinstance(value, int | float) for each in told.values() for value in each.values())

    def test_may_be_asked_inside_of_the_app(self, make_api: MakeApi, framework: Framework) -> None:
        tools = toolbox(framework)

        def add_views(app: Any, auth: Any) -> None:
            view = auth.token_auth("default")(lambda: tools.jsonify(auth.statistics()["default"].to_dict()))
            app.add_url_rule("/api", "api", view)

        api = make_api(views=add_views)
        assert api.call(token=api.token()).json()["misses"] == 1
