"""Names of providers, several of them, and several apps: whose token is whose."""

from collections.abc import Iterator
from typing import Any

import pytest

from oidc_async import ClientMetadata, ConfigurationError, ProviderConfiguration
from oidc_async.protocol.claims import read_claims
from oidc_async.testing import SimulatedProvider

from .api import Api, MakeApi, challenge_of, protected
from .site import REDIRECT_URI, SECRET_KEY, Framework, Site, new_provider

OTHER_ISSUER = "https://other.example"


class TestNames:
    """contract.md 1"""

    @pytest.mark.parametrize("name", ["nobody", ["default", "nobody"], ("nobody",)], ids=repr)
    def test_that_are_unknown_are_reported_at_decoration(self, api: Api, name: Any) -> None:
        with pytest.raises(ValueError, match="no provider named 'nobody'"):
            api.site.auth.token_auth(name)

    @pytest.mark.parametrize("decorator", ["token_auth", "access_control"])
    def test_before_there_is_an_app_too(self, framework: Framework, decorator: str) -> None:
        auth = framework.new_authentication({"default": configured(framework)})
        with pytest.raises(ValueError, match="no provider named 'nobody'"):
            getattr(auth, decorator)("nobody")

    @pytest.mark.parametrize("decorator", ["token_auth", "access_control"])
    def test_at_init_app_when_no_provider_was_known_before(self, framework: Framework, decorator: str) -> None:
        auth = framework.new_authentication()
        getattr(auth, decorator)("nobody")
        with pytest.raises(ValueError, match="no provider named 'nobody'"):
            auth.init_app(new_app(framework), {"default": configured(framework)})

    @pytest.mark.parametrize("decorator", ["token_auth", "access_control"])
    @pytest.mark.parametrize("name", [object, [], "", [""], None, 5], ids=repr)
    def test_must_be_given(self, api: Api, decorator: str, name: Any) -> None:
        with pytest.raises(ConfigurationError, match="the name of a provider"):
            getattr(api.site.auth, decorator)(name)

    def test_of_several_are_not_for_logins(self, make_api: MakeApi) -> None:
        api = make_api(providers={"default": new_provider(), "other": new_provider(OTHER_ISSUER)})
        with pytest.raises(ConfigurationError, match="the name of a provider"):
            api.site.auth.access_control(["default", "other"])


def new_app(framework: Framework) -> Any:
    app = framework.new_app()
    app.config.update(OIDC_REDIRECT_URI=REDIRECT_URI, SECRET_KEY=SECRET_KEY)
    return app


def configured(framework: Framework, provider: SimulatedProvider | None = None, **more: Any) -> ProviderConfiguration:
    provider = provider or new_provider()
    return ProviderConfiguration(
        provider.issuer,
        client_metadata=ClientMetadata("client1", "secret1"),
        runtime=framework.runtime(provider),
        **more,
    )


class TestProvidersOfOneIssuer:
    """`iss` can't tell them apart, so tokens for the second one would never be accepted."""

    MESSAGE = r"tokens of both 'a' and 'c'.* https://op.example.*list as its audience"

    def configurations(self, framework: Framework) -> dict[str, ProviderConfiguration]:
        provider = new_provider("https://op.example")
        return {
            "a": configured(framework, provider, audience="https://api.example/1"),
            "b": configured(framework, new_provider(OTHER_ISSUER)),
            "c": configured(framework, provider, audience="https://api.example/2"),
        }

    @pytest.mark.parametrize("names", [["a", "c"], ["a", "b", "c"]])
    def test_are_an_error_at_decoration(self, framework: Framework, names: list[str]) -> None:
        auth = framework.new_authentication(self.configurations(framework))
        with pytest.raises(ConfigurationError, match=self.MESSAGE):
            auth.token_auth(names)

    def test_are_an_error_of_the_set_up(self, framework: Framework) -> None:
        auth = framework.new_authentication()
        auth.token_auth(["a", "c"])
        with pytest.raises(ConfigurationError, match=self.MESSAGE):
            auth.init_app(new_app(framework), self.configurations(framework))

    @pytest.mark.parametrize("names", ["a", ["a"], ["a", "b"], ["c", "b"], ["a", "a"]], ids=repr)
    def test_may_be_named_by_different_views(self, framework: Framework, names: Any) -> None:
        auth = framework.new_authentication(self.configurations(framework), new_app(framework))
        auth.token_auth("c")
        assert callable(auth.token_auth(names))


class TestSeveralProviders:
    """threat model 137, 235"""

    @pytest.fixture
    def api(self, make_api: MakeApi, framework: Framework) -> Api:
        providers = {"a": new_provider("https://a.example"), "b": new_provider("https://b.example")}

        def add_views(app: Any, auth: Any) -> None:
            protected(framework, "sync", ["a", "b"])(app, auth)
            for name in ("a", "b"):
                app.add_url_rule(f"/{name}", name, auth.token_auth(name)(lambda: "in"))

        return make_api(providers=providers, views=add_views)

    def count(self, api: Api) -> list[int]:
        return [provider.count("introspection") for provider in api.site.providers]

    @pytest.mark.parametrize("index", [0, 1])
    def test_a_jwt_goes_to_the_one_that_it_names(self, api: Api, index: int) -> None:
        token = api.token(provider=api.site.providers[index], jwt=True)
        for _ in ("unknown", "known"):
            assert api.call(token=token).json() == "alice"
        assert self.count(api) == [1 - index, index]

    def test_an_opaque_token_is_rejected_and_shown_to_nobody(self, api: Api) -> None:
        for provider in api.site.providers:
            page = api.call(token=api.token(provider=provider))
            assert (page.status_code, challenge_of(page)["error"]) == (403, "invalid_token")
        assert self.count(api) == [0, 0]

    def test_an_opaque_token_is_rejected_even_if_another_view_knows_it(self, api: Api) -> None:
        """What one view has found out opens no other by chance."""
        token = api.token(provider=api.site.providers[0])
        assert api.call("/a", token).status_code == 200
        assert api.call(token=token).status_code == 403

    @pytest.mark.parametrize("claims", [{"iss": "https://c.example"}, {"iss": ["https://a.example"]}, {"iss": 5}])
    def test_a_jwt_that_names_none_of_them_is_rejected_and_shown_to_nobody(self, api: Api, claims: Any) -> None:
        page = api.call(token=api.token(jwt=True, claims=claims))
        assert (page.status_code, challenge_of(page)["error"]) == (403, "invalid_token")
        assert self.count(api) == [0, 0]

    def test_a_jwt_that_names_another_one_is_not_taken_there(self, api: Api) -> None:
        """A token of b that says it is of a."""
        token = api.token(provider=api.site.providers[1], jwt=True, claims={"iss": "https://a.example"})
        assert api.call(token=token).status_code == 403
        assert self.count(api) == [1, 0]

    def test_a_jwt_is_read_once_and_a_known_one_not_at_all(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        """threat model 362"""
        read: list[bytes] = []

        def counting(payload: bytes) -> dict[str, Any]:
            read.append(payload)
            return read_claims(payload)

        monkeypatch.setattr("oidc_async.protocol.jose.jws.read_claims", counting)
        token = api.token(provider=api.site.providers[1], jwt=True)
        assert [api.call(token=token).status_code for _ in range(3)] == [200] * 3
        assert len(read) == 1
        forged = f"{token.rpartition('.')[0]}.{'A' * 342}"
        assert api.call(token=forged).status_code == 403
        assert len(read) == 2

    def test_a_token_of_one_is_unknown_at_the_other(self, api: Api) -> None:
        token = api.token(provider=api.site.providers[0])
        assert api.call("/a", token).status_code == 200
        assert api.call("/b", token).status_code == 403

    def test_malformed_tokens_stay_malformed(self, api: Api) -> None:
        assert api.call(token="two words").status_code == 400


class TestSeveralApps:
    @pytest.fixture
    def apis(self, framework: Framework, make_api: MakeApi) -> Iterator[tuple[Api, Api]]:
        first = make_api()
        app = new_app(framework)
        first.site.auth.init_app(app)
        app.add_url_rule("/api", "api", first.site.auth.token_auth("default")(lambda: "in"))
        site = Site(framework, app, first.site.auth, first.site.providers)
        yield first, Api(site, site.browser())
        site.close()

    def test_know_nothing_of_each_other_s_tokens(self, apis: tuple[Api, Api]) -> None:
        """contract.md 1, threat model 240"""
        first, second = apis
        token = first.token()
        assert (first.call(token=token).status_code, first.asked()) == (200, 1)
        assert (second.call(token=token).status_code, first.asked()) == (200, 2)

    def test_know_nothing_of_each_other_s_counts(self, apis: tuple[Api, Api]) -> None:
        first, second = apis
        token = first.token()
        for _ in range(3):
            first.call(token=token)
        web = [api.site.web.resource_servers["default"].statistics() for api in (first, second)]
        assert [(each.misses, each.hits) for each in web] == [(1, 2), (0, 0)]


class TestVerificationHereWithoutAClient:
    def test_serves_tokens(self, make_api: MakeApi, framework: Framework) -> None:
        api = make_api(
            views=protected(framework), client_metadata=None, access_token_verification="jwt", audience="api"
        )
        assert api.call(token=api.token(jwt=True, audience="api")).json() == "alice"
        assert api.call(token=api.token(jwt=True)).status_code == 403
        assert api.site.web.clients == {}
        assert api.asked() == 0

    @pytest.mark.parametrize("decorator", ["oidc_auth", "access_control"])
    def test_rejects_logins_at_decoration(self, make_api: MakeApi, framework: Framework, decorator: str) -> None:
        options: dict[str, Any] = {"access_token_verification": "jwt", "audience": "api", "client_metadata": None}
        api = make_api(views=protected(framework), **options)
        with pytest.raises(ConfigurationError, match="Nobody can log in at 'default'"):
            getattr(api.site.auth, decorator)("default")
        auth = framework.new_authentication()
        getattr(auth, decorator)("default")
        provider = new_provider()
        configuration = ProviderConfiguration(provider.issuer, runtime=framework.runtime(provider), **options)
        with pytest.raises(ConfigurationError, match="Nobody can log in at 'default'"):
            auth.init_app(new_app(framework), {"default": configuration})
