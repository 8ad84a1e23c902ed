"""What a client receives whose token won't do: contract.md 4 for APIs, whole; and that the app has its say in it."""

import logging
from collections.abc import Callable
from typing import Any

import pytest

from oidc_async.errors import ProviderOverloaded
from oidc_async.runtime.port import Runtime
from oidc_async.testing import Fault, Misbehaviour

from .api import Api, Detour, Kind, MakeApi, challenge_of, require_rejection
from .site import Framework, Page, new_provider

OF_BROWSERS = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
LONGEST = 32 * 1024


def require_unavailable(page: Page) -> None:
    """Never that the token is bad, and when to come again."""
    assert page.status_code == 503
    assert page.json()["error"] == "temporarily_unavailable"
    assert "www-authenticate" not in page.headers
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["retry-after"].isdecimal()
    assert int(page.headers["retry-after"]) >= 1


@pytest.fixture(params=[False, True], ids=["as the original", "as RFC 6750"])
def invalid_status(request: pytest.FixtureRequest) -> int:
    """Of an invalid token, by OIDC_RFC6750_STATUS."""
    return 401 if request.param else 403


@pytest.fixture
def api(make_api: MakeApi, kind: Kind, invalid_status: int) -> Api:
    return make_api(kind, config={"OIDC_RFC6750_STATUS": invalid_status == 401})


def test_no_token(api: Api) -> None:
    """threat model 138, contract.md 4: a challenge without an error code."""
    page = api.call()
    assert (page.status_code, page.headers["www-authenticate"]) == (401, "Bearer")
    assert page.json()["error"] == "bearer_token_missing"
    assert page.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("value", ["", "Basic YTpi", "DPoP a", "Digest a=b", "Token a", "Bearerx a", "BearerToken"])
def test_another_scheme_is_not_a_token(api: Api, value: str) -> None:
    """threat model 138, 152"""
    page = api.call(headers={"authorization": value})
    assert (page.status_code, page.headers["www-authenticate"]) == (401, "Bearer")


INVALID: dict[str, Callable[[Api], str]] = {
    "unknown": lambda api: "nobody-knows-it",
    "expired": lambda api: api.token(lifetime=-100),
    "of another audience": lambda api: api.token(audience="other-api"),
    "of another issuer": lambda api: api.token(claims={"iss": "https://other.example"}),
    "not valid yet": lambda api: api.token(claims={"nbf": 4e9}),
    "bound to a DPoP key": lambda api: api.token(claims={"cnf": {"jkt": "0" * 43}}),
    "bound to a certificate": lambda api: api.token(claims={"cnf": {"x5t#S256": "0" * 43}}),
    "bound to what nobody knows": lambda api: api.token(claims={"cnf": {}}),
    "inactive": lambda api: api.token(claims={"active": False}),
    "active in words": lambda api: api.token(claims={"active": "true"}),
}


@pytest.mark.parametrize("make", INVALID.values(), ids=INVALID)
def test_an_invalid_token(api: Api, invalid_status: int, make: Callable[[Api], str]) -> None:
    """contract.md 4, threat model 123, 124, 127, 135, 145, 151, 153"""
    token = make(api)
    for _ in ("asked", "cached"):
        require_rejection(api.call(token=token), invalid_status, "invalid_token")
    assert api.asked() == 1


def test_a_revoked_token(api: Api, invalid_status: int) -> None:
    """threat model 145"""
    token = api.token()
    api.provider.revoke_access_token(token)
    require_rejection(api.call(token=token), invalid_status, "invalid_token")


@pytest.mark.parametrize("scheme", ["DPoP", "dpop", "MAC", "PoP"])
def test_a_bound_token_gets_in_by_no_scheme(api: Api, scheme: str) -> None:
    """threat model 151, 152: not supported, so never let in."""
    for token in (api.token(), api.token(claims={"cnf": {"jkt": "0" * 43}})):
        page = api.call(headers={"authorization": f"{scheme} {token}", "dpop": "a.b.c"})
        assert (page.status_code, page.headers["www-authenticate"]) == (401, "Bearer")
    assert api.asked() == 0


@pytest.mark.parametrize("scheme", ["DPoP", "Basic", "Token", "Bearerx", "Bear", "", "Bearer,"])
def test_a_cached_token_gets_in_by_no_other_scheme_either(api: Api, scheme: str) -> None:
    """threat model 151, 152"""
    token = api.token()
    assert api.call(token=token).status_code == 200
    page = api.call(headers={"authorization": f"{scheme} {token}"})
    assert page.status_code == (400 if scheme == "Bearer," else 401)


@pytest.mark.parametrize(
    "name", ["X-Client-Cert", "X-SSL-Client-Cert", "SSL-Client-Verify", "X-Forwarded-Client-Cert"]
)
def test_a_certificate_in_a_header_proves_nothing(api: Api, invalid_status: int, name: str) -> None:
    """threat model 153"""
    token = api.token(claims={"cnf": {"x5t#S256": "0" * 43}})
    page = api.call(token=token, headers={name: "SUCCESS"})
    require_rejection(page, invalid_status, "invalid_token")


def test_a_scope_that_is_missing(api: Api) -> None:
    """contract.md 4, threat model 146"""
    token = api.token("write")
    for _ in ("asked", "cached"):
        require_rejection(api.call("/read", token), 403, "insufficient_scope", scope="read")


def test_every_scope_that_is_needed_is_named(make_api: MakeApi, framework: Framework) -> None:
    def add_views(app: Any, auth: Any) -> None:
        app.add_url_rule("/all", "all", auth.token_auth("default", {"b", "a", "c"})(lambda: "in"))
        app.add_url_rule("/any", "any", auth.token_auth("default", scopes_any=["y", "x"])(lambda: "in"))
        app.add_url_rule("/odd", "odd", auth.token_auth("default", ['quo"te\\d'])(lambda: "in"))

    api = make_api(views=add_views)
    for path, scope in (("/all", "a b c"), ("/any", "x y"), ("/odd", "quo?te?d")):
        require_rejection(api.call(path, api.token("a")), 403, "insufficient_scope", scope=scope)


SCOPES: dict[str, tuple[dict[str, Any], str]] = {
    "/all": ({"scopes_required": ["b", "a"]}, "a b"),
    "/any": ({"scopes_any": ["y", "x"]}, "x y"),
    "/more": ({"scopes_required": "a", "scopes_any": ["y", "x"]}, "a x y"),
    "/none": ({}, ""),
}


@pytest.mark.parametrize("kind_of_view", ["token_auth", "access_control"])
def test_a_challenge_names_the_scope_of_the_view(
    make_api: MakeApi, framework: Framework, invalid_status: int, kind_of_view: str
) -> None:
    """RFC 6750 3: for a missing token, and for an invalid one."""

    def add_views(app: Any, auth: Any) -> None:
        for path, (wanted, _) in SCOPES.items():
            app.add_url_rule(path, path, getattr(auth, kind_of_view)("default", **wanted)(lambda: "in"))

    api = make_api(views=add_views, config={"OIDC_RFC6750_STATUS": invalid_status == 401})
    for path, (_, scope) in SCOPES.items():
        named = {"scope": scope} if scope else {}
        page = api.call(path, headers={"accept": "application/json"})
        assert (page.status_code, challenge_of(page)) == (401, named)
        require_rejection(api.call(path, "nobody-knows-it"), invalid_status, "invalid_token", **named)


MALFORMED = {
    "nothing": "Bearer",
    "a space": "Bearer ",
    "two words": "Bearer x y",
    "two spaces, two words": "Bearer  x y",
    "a list": "Bearer x,y",
    "a list of two": "Bearer x, Bearer y",
    "parameters": 'Bearer token="x"',
    "quoted": 'Bearer "x"',
    "a tab between": "Bearer\tx",
    "a tab inside": "Bearer x\ty",
    "a percent sign": "Bearer %61",
    "a slash back": "Bearer a\\b",
    "equal signs inside": "Bearer a=b",
    "equal signs only": "Bearer ==",
    "a form": "Bearer x&token_type_hint=refresh_token",
    "markup": "Bearer <b>",
    "long": "Bearer " + "x" * (LONGEST + 1),
    "a megabyte": "Bearer " + "x" * 1024 * 1024,
    "a megabyte of dots": "Bearer " + "." * 1024 * 1024,
}


@pytest.mark.parametrize("value", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_token(api: Api, value: str) -> None:
    """contract.md 4, threat model 136, 139, 143, 144"""
    require_rejection(api.call(headers={"authorization": value}), 400, "invalid_request")
    assert api.asked() == 0


def test_the_longest_token_and_all_its_characters_are_taken(api: Api, invalid_status: int) -> None:
    for token in ("x" * LONGEST, "aZ09-._~+/=="):
        require_rejection(api.call(token=token), invalid_status, "invalid_token")


def test_nothing_of_the_token_comes_back(api: Api) -> None:
    """threat model 143, 147"""
    for value in ("Bearer canary4711", 'Bearer canary4711"', "Bearer canary4711 x", "Basic canary4711"):
        page = api.call(headers={"authorization": value})
        assert page.status_code >= 400
        assert "canary4711" not in page.text + str(page.headers)


class TestUnavailable:
    """contract.md 4, threat model 125, 126"""

    @pytest.mark.parametrize(
        "fault",
        [
            Fault.INTROSPECTION_RESET,
            Fault.INTROSPECTION_500,
            Fault.INTROSPECTION_502,
            Fault.INTROSPECTION_503,
            Fault.INTROSPECTION_SLOW,
            Fault.INTROSPECTION_HTML,
            Fault.INTROSPECTION_401,
            Fault.INTROSPECTION_403,
            Fault.INTROSPECTION_404,
            Fault.INTROSPECTION_429,
            Fault.DISCOVERY_500,
            Fault.DISCOVERY_HTML,
        ],
        ids=str,
    )
    def test_the_provider_is_down_or_rejects_us(
        self, api: Api, fault: Misbehaviour, caplog: pytest.LogCaptureFixture
    ) -> None:
        token = api.token()
        with api.provider.misbehaving(fault):
            require_unavailable(api.call(token=token))
            require_unavailable(api.call("/both", token))
        api.provider.clock.advance(5)
        assert api.call(token=token).status_code == 200
        assert any(record.levelno >= logging.WARNING for record in caplog.records)

    @pytest.mark.parametrize("fault", [Fault.INTROSPECTION_401, Fault.INTROSPECTION_403], ids=str)
    def test_the_operator_learns_that_our_credentials_are_rejected(
        self, api: Api, fault: Misbehaviour, caplog: pytest.LogCaptureFixture
    ) -> None:
        """threat model 126"""
        with api.provider.misbehaving(fault):
            api.call(token="some")
        (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
        assert f"endpoint answered {fault.name[-3:]}" in record.getMessage()

    def test_after_a_failure_there_is_a_pause(self, api: Api) -> None:
        """threat model 229"""
        with api.provider.misbehaving(Fault.INTROSPECTION_RESET):
            require_unavailable(api.call(token="some"))
        asked = api.asked()
        require_unavailable(api.call(token=api.token()))
        assert api.asked() == asked
        api.provider.clock.advance(1)
        assert api.call(token=api.token()).status_code == 200

    def test_cached_tokens_are_accepted_while_the_provider_is_down(self, api: Api) -> None:
        token = api.token()
        assert api.call(token=token).status_code == 200
        with api.provider.misbehaving(Fault.INTROSPECTION_RESET):
            require_unavailable(api.call(token="some"))
            assert api.call(token=token).status_code == 200
            api.provider.clock.advance(61)
            # threat model 239: a cached token is not cached for ever
            require_unavailable(api.call(token=token))

    @pytest.mark.parametrize(("seconds", "header"), [(0.2, "1"), (1.0, "1"), (6.6, "7")])
    def test_the_queue_is_full(self, make_api: MakeApi, framework: Framework, seconds: float, header: str) -> None:
        class Full(Detour):
            async def on_the_way(self) -> None:
                raise ProviderOverloaded("A queue.", retry_after=seconds)

        provider = new_provider()
        runtime: Runtime = Full(framework.runtime(provider))
        api = make_api(providers={"default": provider}, runtime=runtime)
        page = api.call(token=api.token())
        require_unavailable(page)
        assert page.headers["retry-after"] == header


class TestTheForm:
    @pytest.mark.parametrize(
        ("accept", "media_type"),
        [
            ("", "application/json"),
            ("*/*", "application/json"),
            ("application/json", "application/json"),
            ("application/json, text/html;q=0.5", "application/json"),
            ("text/html;q=0.5, application/json", "application/json"),
            ("text/plain", "application/json"),
            (OF_BROWSERS, "text/plain; charset=utf-8"),
            ("text/html", "text/plain; charset=utf-8"),
            ("text/html, application/json;q=0.5", "text/plain; charset=utf-8"),
        ],
    )
    def test_is_what_the_client_prefers(self, make_api: MakeApi, accept: str, media_type: str) -> None:
        """contract.md 2"""
        api = make_api()
        for token, status in ((None, 401), ("unknown", 403), ("x" * 40_000, 400)):
            page = api.call(token=token, headers={"accept": accept})
            assert (page.status_code, page.headers["content-type"]) == (status, media_type)
            challenge = challenge_of(page)
            if media_type == "application/json":
                assert set(page.json()) == {"error", "error_description"}
            else:
                assert page.text == challenge.get("error_description", "The request must have a bearer token.")
                assert "<" not in page.text


def test_the_first_token_that_is_not_active_is_a_warning(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    """threat model 391"""
    caplog.set_level(logging.INFO)
    for token in ("unknown", "unknown too"):
        api.call(token=token)
    told = [record for record in caplog.records if record.name == "oidc_async.tokens"]
    assert [record.levelname for record in told] == ["WARNING", "INFO"]
    assert "Keycloak" in told[0].getMessage()


@pytest.mark.parametrize("debug", [True, False])
def test_in_debug_mode_a_client_learns_why(api: Api, debug: bool, invalid_status: int) -> None:
    """threat model 392"""
    api.site.app.debug = debug
    page = api.call(token="unknown")
    assert page.status_code == invalid_status
    assert ("(token_inactive)" in page.text) is debug
    assert "Keycloak" not in page.headers["www-authenticate"]
