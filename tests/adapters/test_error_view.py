"""The error view: with what it is called, what becomes of what it returns, and what is shown without one."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from werkzeug.exceptions import abort

from oidc_async.errors import ProviderOverloaded
from oidc_async.protocol.http_message import HttpRequest, HttpResponse
from oidc_async.testing import Callback, Fault

from .site import REDIRECT_URI, Browser, Framework, Page, Site, new_provider
from .toolbox import toolbox

MakeSite = Callable[..., Site]
FORMS = pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])


def site_with(make_site: MakeSite, view: Callable[..., Any], is_async: bool = False) -> Site:
    """A site whose error view is `view`, by itself or in an async function."""

    async def async_view(**problem: str) -> Any:
        return view(**problem)

    site = make_site()
    site.auth.error_view(async_view if is_async else view)
    return site


def echo(**problem: str) -> dict[str, str]:
    return problem


def rejected_login(browser: Browser, **answer: str | None) -> Page:
    """The page after the provider rejected a login; `answer` replaces its parameters, None takes one away."""
    callback = browser.begin_login(consent=False)
    parameters = {**dict(parse_qsl(urlsplit(callback.url).query)), **answer}
    query = urlencode({name: value for name, value in parameters.items() if value is not None})
    return browser.come_back(Callback(url=f"{REDIRECT_URI}?{query}"))


@FORMS
@pytest.mark.parametrize(
    ("answer", "arguments", "status"),
    [
        pytest.param(
            {}, {"error": "access_denied", "error_description": "The user said no."}, 403, id="with-a-description"
        ),
        pytest.param({"error_description": None}, {"error": "access_denied"}, 403, id="without-a-description"),
        pytest.param({"error_description": ""}, {"error": "access_denied"}, 403, id="with-an-empty-description"),
        pytest.param(
            {"error": "server_error", "error_description": None}, {"error": "server_error"}, 400, id="another-error"
        ),
        pytest.param(
            {"error_uri": "https://op.example/why", "error_description": None},
            {"error": "access_denied"},
            403,
            id="error_uri",
        ),
    ],
)
def test_it_is_called_with_those_that_there_are(
    make_site: MakeSite, answer: dict[str, str | None], arguments: dict[str, str], status: int, is_async: bool
) -> None:
    page = rejected_login(site_with(make_site, echo, is_async).browser(), **answer)
    assert page.json() == arguments
    assert page.status_code == status


def test_it_gets_our_own_rejections_too(make_site: MakeSite) -> None:
    page = site_with(make_site, echo).browser().get("/redirect_uri?state=unknown&code=code")
    assert page.status_code == 400
    assert page.json()["error"] == "state_mismatch"
    assert "completed before" in page.json()["error_description"]


def test_it_learns_that_a_provider_can_not_be_reached(make_site: MakeSite) -> None:
    site = site_with(make_site, echo)
    with site.provider.misbehaving(Fault.DISCOVERY_RESET):
        page = site.browser().get("/private")
    assert (page.status_code, page.json()["error"]) == (502, "provider_unreachable")


def with_code(error: str = "", error_description: str = "", *, code: str) -> dict[str, str]:
    return {"error": error, "error_description": error_description, "code": code}


def wrapped(*arguments: str, **problem: str) -> dict[str, str]:
    return with_code(*arguments, **problem)


wrapped.__dict__["__wrapped__"] = with_code


@FORMS
@pytest.mark.parametrize("view", [with_code, wrapped], ids=["by-name", "decorated"])
def test_it_gets_our_code_when_it_has_a_parameter_for_it(
    make_site: MakeSite, view: Callable[..., Any], is_async: bool
) -> None:
    async def async_view(error: str = "", error_description: str = "", *, code: str) -> Any:
        return view(error, error_description, code=code)

    site = make_site()
    site.auth.error_view(async_view if is_async else view)
    rejection = {"error": "access_denied", "error_description": "The user said no.", "code": "authorization_refused"}
    assert rejected_login(site.browser()).json() == rejection
    ours = site.browser().get("/redirect_uri?state=unknown&code=code").json()
    assert (ours["error"], ours["code"]) == ("state_mismatch", "state_mismatch")


@FORMS
@pytest.mark.parametrize(
    ("returned", "status"),
    [
        pytest.param(lambda tools: "text", 403, id="text"),
        pytest.param(lambda tools: {"a": "dict"}, 403, id="dict"),
        pytest.param(lambda tools: tools.response("response"), 403, id="response"),
        pytest.param(lambda tools: ("text", 418), 418, id="with-a-status"),
        pytest.param(lambda tools: ("text", 302, {"Location": "/"}), 302, id="with-a-redirect"),
        pytest.param(lambda tools: tools.response("response", 503), 503, id="response-with-a-status"),
        pytest.param(lambda tools: abort(409, "said by the view"), 409, id="with-an-http-error"),
    ],
)
def test_what_it_returns_is_the_response(
    make_site: MakeSite, framework: Framework, returned: Callable[[Any], Any], status: int, is_async: bool
) -> None:
    tools = toolbox(framework)
    site = site_with(make_site, lambda **_: returned(tools), is_async)
    assert rejected_login(site.browser()).status_code == status


def test_its_response_is_kept_by_no_cache(make_site: MakeSite) -> None:
    site = site_with(make_site, lambda **_: ("x", 200, {"Cache-Control": "public"}))
    page = site.browser().get("/redirect_uri?state=unknown&code=code")
    assert page.headers.get_list("cache-control") == ["no-store"]


class Crowded:
    """A runtime whose queue is full."""

    def __init__(self, origin: Any) -> None:
        self._origin = origin

    def __getattr__(self, name: str) -> Any:
        return getattr(self._origin, name)

    async def send(self, request: HttpRequest) -> HttpResponse:
        raise ProviderOverloaded("too many requests wait already", retry_after=7.2)


@pytest.mark.parametrize("has_view", [True, False])
def test_a_user_who_is_turned_away_learns_when_to_come_back(
    make_site: MakeSite, framework: Framework, has_view: bool
) -> None:
    provider = new_provider()
    site = make_site(providers={"default": provider}, runtime=Crowded(framework.runtime(provider)))
    if has_view:
        site.auth.error_view(echo)
    page = site.browser().get("/private")
    assert (page.status_code, page.headers["retry-after"]) == (503, "7")


def test_it_may_read_the_session_that_stays_as_it_was(make_site: MakeSite, framework: Framework) -> None:
    tools = toolbox(framework)
    site = site_with(make_site, lambda **_: tools.user_session(tools.session).id_token["sub"])
    browser = site.browser()
    browser.log_in()
    page = browser.get("/redirect_uri?state=unknown&code=code")
    assert (page.status_code, page.text) == (400, "alice")
    assert browser.get("/private").text == "private"


def test_it_is_the_same_object_after_it_was_registered(make_site: MakeSite) -> None:
    assert make_site().auth.error_view(echo) is echo


def test_the_last_one_counts(make_site: MakeSite) -> None:
    site = site_with(make_site, lambda **_: "first")
    site.auth.error_view(lambda **_: "last")
    assert rejected_login(site.browser()).text == "last"


def test_without_one_a_plain_page_tells_nothing_of_the_inside(make_site: MakeSite) -> None:
    page = rejected_login(make_site().browser(), error_description="<script>alert(1)</script>")
    assert page.status_code == 403
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "Something went wrong" in page.text
    assert "access_denied" not in page.text
    assert "<script>" not in page.text
