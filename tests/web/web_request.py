"""Requests as the tests of the web layer write them, and the clock they live by."""

from collections.abc import Mapping
from typing import Any

from oidc_async.configuration.redirect_uri import RedirectUriConfig
from oidc_async.web.http.messages import Cookie, WebRequest
from oidc_async.web.settings import Settings

ORIGIN = "https://rp.example"
REDIRECT_URI = f"{ORIGIN}/redirect_uri"
SECRET = b"a secret of the tests, long enough"
NOW = 1_800_000_000.0


def web_request(
    method: str = "GET",
    path: str = "/private",
    *,
    root_path: str = "",
    raw_path: str = "",
    query: str = "",
    headers: Mapping[str, str] | None = None,
    cookies: Mapping[str, str] | None = None,
    prefers_json: bool = False,
    answers_get: bool = True,
    debug: bool = False,
) -> WebRequest:
    """A request to the application; names of headers are in lower case."""
    return WebRequest(
        method=method,
        root_path=root_path,
        path=path,
        raw_path=raw_path,
        query=query,
        headers=headers or {},
        cookies=cookies or {},
        prefers_json=lambda: prefers_json,
        answers_get=lambda: answers_get,
        debug=debug,
    )


def settings(**changes: Any) -> Settings:
    """Settings with the defaults of an application that says nothing."""
    values: dict[str, Any] = {
        "redirect_uri": RedirectUriConfig(REDIRECT_URI, "redirect_uri"),
        "secret_keys": (SECRET,),
        "session_permanent": True,
        "session_seconds": 86_400.0,
        "session_idle_seconds": None,
        "clock_skew": 30.0,
        "login_seconds": 600.0,
        "refresh_before_seconds": 30.0,
        "rfc6750_status": False,
        "bearer_in_body": False,
        "resource": None,
        "jwks_uri": None,
        "request_uri": None,
        "initiate_login_uri": None,
        "store": None,
        "session_in_cookies": False,
        "backchannel_logout_uri": None,
        "frontchannel_logout_uri": None,
        "session_iframe_uri": None,
        "token_cache_seconds": 60.0,
        "token_cache_refused_seconds": 5.0,
        "token_cache_entries": 100_000,
        "token_cache_in_store": True,
        "websocket_origins": frozenset({"https://rp.example"}),
    }
    return Settings(**{**values, **changes})


class Jar(dict[str, str]):
    """The cookies that a browser keeps, names and values only."""

    def keep(self, cookies: list[Cookie]) -> "Jar":
        for cookie in cookies:
            if cookie.max_age == 0:
                self.pop(cookie.name, None)
            else:
                self[cookie.name] = cookie.value
        return self
