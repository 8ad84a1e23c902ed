"""The redirect URI: what it takes for an authorization response, and what it makes of the rest (threat model C)."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import flask
import pytest
import quart

from oidc_async.testing import Fault
from oidc_async.web.http.login_errors import EXPLANATIONS
from oidc_async.web.routes.callback import callback_rejection
from tests.web.web_request import web_request

from .authorization_response import back_with, code_of, is_logged_in
from .site import REDIRECT_URI, Site

MakeSite = Callable[..., Site]
SESSIONS_IN = ("cookies", "sqlite")
FORM = "application/x-www-form-urlencoded"
TOKEN = "eyJhbGciOiJub25lIn0.e30."
ENDLESS = "9" * 5000
"""More digits than Python makes an integer of."""


# What the parameters say


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"iss": "https://other.example"}, "authorization_response_invalid", id="44-iss-other"),
        pytest.param({"iss": "https://op.example/"}, "authorization_response_invalid", id="44-iss-with-a-slash"),
        pytest.param({"iss": ""}, "authorization_response_invalid", id="44-iss-empty"),
        pytest.param({"iss": None}, "authorization_response_invalid", id="45-iss-missing"),
        pytest.param({"error": "server_error"}, "authorization_refused", id="48-code-and-error"),
        pytest.param({"error": ""}, "authorization_refused", id="48-code-and-an-empty-error"),
        pytest.param({"id_token": TOKEN}, "authorization_response_invalid", id="51-id_token"),
        pytest.param({"access_token": "stolen"}, "authorization_response_invalid", id="51-access_token"),
        pytest.param({"id_token": TOKEN, "code": None}, "authorization_response_invalid", id="51-id_token-alone"),
        pytest.param({"response": TOKEN, "code": None}, "authorization_response_invalid", id="57-jarm-unasked"),
        pytest.param({"code": None}, "authorization_response_invalid", id="60-no-code"),
        pytest.param({"code": ""}, "authorization_response_invalid", id="60-empty-code"),
        pytest.param({"code": "a\r\nX-Admin: 1"}, "authorization_response_invalid", id="60-line-breaks"),
        pytest.param({"code": "a\x00"}, "authorization_response_invalid", id="60-null"),
        pytest.param({"code": "\u00e9"}, "authorization_response_invalid", id="60-outside-ascii"),
        pytest.param({"code": "x" * 50_000}, "authorization_response_invalid", id="60-50-kilobytes"),
        pytest.param({"code": "x" * 20_000}, "authorization_response_invalid", id="60-20-kilobytes"),
    ],
)
def test_an_unsolicited_response_is_rejected(
    site: Site, changes: dict[str, str | None], code: str, caplog: pytest.LogCaptureFixture
) -> None:
    """threat model 44, 45, 48, 51, 57, 60: before anything is sent to the provider."""
    browser = site.browser()
    page = browser.come_back(back_with(browser.begin_login(), **changes))
    assert (page.status_code, code_of(caplog)) == (400, code)
    assert site.provider.count("token") == 0
    assert not is_logged_in(browser)


@pytest.mark.parametrize(
    "disguise",
    [
        pytest.param(lambda query: query + "&%63ode=other", id="a-name-in-hexadecimal"),
        pytest.param(lambda query: query + "&code", id="a-name-without-value"),
        pytest.param(lambda query: "code=other&" + query, id="the-first-of-two"),
        pytest.param(lambda query: query + "&iss=https://other.example", id="two-issuers"),
        pytest.param(lambda query: query + "&error=a&error=b", id="two-errors"),
        pytest.param(lambda query: query + "&x=1&x=2", id="of-no-meaning"),
    ],
)
def test_two_of_a_kind_are_rejected_in_any_disguise(
    site: Site, disguise: Callable[[str], str], caplog: pytest.LogCaptureFixture
) -> None:
    """threat model 47."""
    browser = site.browser()
    callback = browser.begin_login()
    page = browser.get(f"{REDIRECT_URI}?{disguise(urlsplit(callback.url).query)}")
    assert (page.status_code, code_of(caplog)) == (400, "duplicate_parameter")
    assert site.provider.count("token") == 0
    assert browser.come_back(callback).status_code == 302


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("code=%ff&state={state}", id="no-utf-8"),
        pytest.param("code=%c0%af&state={state}", id="overlong-utf-8"),
        pytest.param("code=%ed%a0%80&state={state}", id="half-a-surrogate-pair"),
        pytest.param("code=a;state={state}", id="semicolons"),
        pytest.param("code=a%26state={state}", id="an-ampersand-in-a-value"),
        pytest.param("state%00={state}&code=a", id="a-null-in-a-name"),
        pytest.param("State={state}&code=a", id="another-name"),
        pytest.param("state[]={state}&code=a", id="brackets"),
        pytest.param("state=%20{state}&code=a", id="a-space-more"),
        pytest.param("code=a&state={upper}", id="39-other-case"),
        pytest.param("&" * 60 + "code=a&state={state}", id="many-separators"),
    ],
)
def test_an_oddly_encoded_response_is_rejected(site: Site, query: str) -> None:
    """threat model 39, 47, 60, 173: and uses nothing up."""
    browser = site.browser()
    callback = browser.begin_login()
    state = str(callback.get("state"))
    page = browser.get(f"{REDIRECT_URI}?{query.format(state=state, upper=state.swapcase())}")
    assert page.status_code == 400
    assert site.provider.count("token") == 0
    assert browser.come_back(callback).status_code == 302


def test_a_name_that_a_stranger_made_reaches_no_error_view(site: Site) -> None:
    """threat model 49: anybody can make a link with two parameters of such a name."""
    seen: list[dict[str, str]] = []

    def view(**told: str) -> str:
        seen.append(told)
        return "failed"

    site.auth.error_view(view)
    name = quote("<script>alert(1)</script>")
    assert site.browser().get(f"{REDIRECT_URI}?{name}=1&{name}=2").status_code == 400
    assert "<" not in str(seen)
    assert [told["error"] for told in seen] == ["duplicate_parameter"]


# By which way it comes


def form_site(make_site: MakeSite) -> Site:
    return make_site(auth_request_params={"response_mode": "form_post"})


def test_a_form_post_logs_in_and_continues_by_get(make_site: MakeSite) -> None:
    browser = form_site(make_site).browser()
    callback = browser.begin_login()
    page = browser.come_back(callback)
    assert callback.method == "POST"
    assert (page.status_code, page.headers["location"]) == (303, "/private")
    assert is_logged_in(browser)


@pytest.mark.parametrize("content_type", [f"{FORM}; charset=UTF-8", FORM.upper(), f"{FORM} ;charset=utf-8"])
def test_the_content_type_of_a_form_may_have_parameters(make_site: MakeSite, content_type: str) -> None:
    browser = form_site(make_site).browser()
    callback = browser.begin_login()
    page = browser.request("POST", callback.url, content=callback.body, headers={"content-type": content_type})
    assert page.status_code == 303


@pytest.mark.parametrize("mode", ["query", "form_post"])
def test_a_response_by_the_other_way_is_rejected(
    make_site: MakeSite, mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    """threat model 52."""
    site = make_site(auth_request_params={"response_mode": mode})
    browser = site.browser()
    callback = browser.begin_login()
    parameters = dict(callback.parameters)
    if mode == "query":
        page = browser.post(REDIRECT_URI, data=parameters)
    else:
        page = browser.get(f"{REDIRECT_URI}?{urlencode(parameters)}")
    assert (page.status_code, code_of(caplog)) == (400, "authorization_response_invalid")
    assert site.provider.count("token") == 0
    assert not is_logged_in(browser)


def test_a_form_post_logs_in_though_something_read_the_form_before(make_site: MakeSite) -> None:
    site = make_site(auth_request_params={"response_mode": "form_post"})

    def look() -> None:
        assert flask.request.form is not None

    async def look_async() -> None:
        assert await quart.request.form is not None

    site.app.before_request(look if site.framework.name == "flask" else look_async)
    assert site.browser().log_in().text == "private"


def test_the_query_of_a_form_post_is_not_looked_at(make_site: MakeSite) -> None:
    """threat model 47, 52: neither in place of the form, nor besides it."""
    browser = form_site(make_site).browser()
    callback = browser.begin_login()
    queried = f"{REDIRECT_URI}?{urlencode(callback.parameters)}"
    assert browser.request("POST", queried, content=b"", headers={"content-type": FORM}).status_code == 400
    page = browser.post(f"{REDIRECT_URI}?error=access_denied&state=x", data=dict(callback.parameters))
    assert page.status_code == 303


def test_the_body_of_a_get_is_not_looked_at(site: Site) -> None:
    """threat model 52."""
    browser = site.browser()
    callback = browser.begin_login()
    body = urlencode(callback.parameters).encode()
    assert browser.request("GET", REDIRECT_URI, content=body, headers={"content-type": FORM}).status_code == 400
    override = {"x-http-method-override": "POST", "content-type": FORM}
    assert browser.request("GET", REDIRECT_URI, content=body, headers=override).status_code == 400
    assert browser.come_back(callback).status_code == 302


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        pytest.param(b"{}", {"content-type": "application/json"}, 415, id="json"),
        pytest.param(b"--a--", {"content-type": "multipart/form-data; boundary=a"}, 415, id="multipart"),
        pytest.param(b"code=a", {"content-type": "text/plain"}, 415, id="text"),
        pytest.param(b"code=a", {}, 415, id="no-type"),
        pytest.param(b"code=a", {"content-type": f"text/plain; {FORM}"}, 415, id="type-in-a-parameter"),
        pytest.param(b"code=a", {"content-type": f"{FORM}, text/plain"}, 415, id="two-types"),
        pytest.param(b"x" * 65_537, {"content-type": FORM}, 413, id="a-byte-too-many"),
        pytest.param(b"x" * 5_000_000, {"content-type": FORM}, 413, id="five-megabytes"),
        pytest.param(b"", {"content-type": FORM}, 400, id="nothing"),
        pytest.param(b"x" * 65_536, {"content-type": FORM}, 400, id="as-large-as-allowed"),
        pytest.param("code=é".encode(), {"content-type": FORM}, 400, id="outside-ascii"),
        pytest.param(b"code=\xff", {"content-type": FORM}, 400, id="no-text"),
        pytest.param(b"\xef\xbb\xbfstate=a", {"content-type": FORM}, 400, id="byte-order-mark"),
    ],
)
def test_a_body_that_is_not_a_form_is_rejected(
    make_site: MakeSite, content: bytes, headers: dict[str, str], status: int
) -> None:
    """threat model 53, 231: and uses nothing up."""
    site = form_site(make_site)
    browser = site.browser()
    callback = browser.begin_login()
    page = browser.request("POST", REDIRECT_URI, content=content, headers=headers)
    assert page.status_code == status
    assert "no-store" in page.headers["cache-control"]
    assert browser.come_back(callback).status_code == 303


def short(value: object) -> str:
    return ascii(value)[:10]


@pytest.mark.parametrize("length", [None, "", "abc", "-1", "+5", "1e3", "\u00b2", ENDLESS], ids=short)
def test_a_form_must_say_how_long_it_is(length: str | None) -> None:
    """threat model 231: nothing is read before."""
    headers = {"content-type": FORM, **({} if length is None else {"content-length": length})}
    answer = callback_rejection(web_request("POST", "/redirect_uri", headers=headers))
    assert answer is not None
    assert answer.status == (413 if length == ENDLESS else 411)


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "PATCH"])
def test_no_other_method_is_answered(site: Site, method: str) -> None:
    """threat model 54."""
    browser = site.browser()
    callback = browser.begin_login()
    page = browser.request(method, callback.url)
    assert page.status_code == 405
    assert page.text == "" or "code" not in page.text
    assert browser.come_back(callback).status_code == 302


@pytest.mark.parametrize(
    "path", ["/redirect_uri/", "/REDIRECT_URI", "/redirect_uri;x", "/redirect_uri%20", "/x/redirect_uri"]
)
def test_a_path_that_is_nearly_right_is_not_a_redirect_uri(site: Site, path: str) -> None:
    browser = site.browser()
    callback = browser.begin_login()
    assert browser.get(f"{path}?{urlsplit(callback.url).query}").status_code == 404
    assert site.provider.count("token") == 0


# What is shown


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault.AUTHORIZATION_ACCESS_DENIED, 403),
        (Fault.AUTHORIZATION_ERROR_MARKUP, 400),
        (Fault.TOKEN_ERROR_MARKUP, 400),
        (Fault.ID_TOKEN_ISS_OTHER, 502),
        (Fault.TOKEN_RESET, 502),
        (Fault.USERINFO_SLOW, 504),
    ],
    ids=str,
)
def test_a_script_learns_no_more_than_a_person(site: Site, fault: Any, status: int) -> None:
    """threat model 49, 250: the error's name and a plain sentence."""
    browser = site.browser()
    with site.provider.misbehaving(fault):
        callback = browser.begin_login()
        page = browser.get(callback.url, headers={"accept": "application/json"})
    assert page.status_code == status
    assert page.headers["content-type"] == "application/json"
    assert page.json()["error_description"] == EXPLANATIONS[status]
    assert "op.example" not in page.text


@pytest.mark.parametrize("text", ["<script>x</script>", '"><img src=x onerror=alert(1)>', "\r\nSet-Cookie: a=b"])
def test_what_a_provider_says_is_not_on_the_page(site: Site, text: str, caplog: pytest.LogCaptureFixture) -> None:
    """threat model 49, 208, 256: and cannot forge a line of the log."""
    browser = site.browser()
    callback = browser.begin_login(consent=False)
    page = browser.come_back(back_with(callback, error=text, error_description=text))
    assert page.status_code == 400
    assert text.strip() not in page.text
    assert "a" not in page.cookies
    records = [record for record in caplog.records if record.name.startswith("oidc_async")]
    assert all(record.getMessage().isprintable() for record in records)
    assert len(records) == 1
