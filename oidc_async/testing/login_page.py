"""The login and consent pages of the served provider, and its session cookie."""

import html
import secrets
from dataclasses import replace
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode, urlsplit

from oidc_async.protocol.http_message import HttpRequest

from .authorization import reply_with
from .endpoints import request_pairs
from .interfaces import AsksUsers
from .reply import Reply, page_reply
from .session_management import COOKIE as SESSION_COOKIE
from .stages import Endpoint

COOKIE = "simulated_provider"
LOGIN_PATH = "/login"

_LOGIN_FIELDS = """
<label>Username<input name="username" autocomplete="username" autofocus required></label>
<label>Password<input name="password" type="password" autocomplete="current-password" required></label>
<button name="answer" value="allow">Log in</button>
"""
_CONSENT_FIELDS = '<button name="answer" value="allow">Allow</button>'


class LoginPages:
    """Adds login and consent pages to a provider; `handle` serves requests."""

    def __init__(self, provider: AsksUsers) -> None:
        self._provider = provider
        self._browsers: dict[str, str] = {}

    def handle(self, request: HttpRequest) -> Reply:
        path = urlsplit(request.url).path
        root = urlsplit(self._provider.issuer).path.rstrip("/")
        username = self._browsers.get(_cookie(request))
        if path == root + Endpoint.AUTHORIZATION.value:
            return self._authorize(request, username)
        if path == root + LOGIN_PATH and request.method == "POST":
            return self._log_in(request, username)
        reply = self._provider.handle(request, user=username)
        if path == root + Endpoint.END_SESSION.value:
            self._browsers.pop(_cookie(request), None)
            return replace(reply, headers={**reply.headers, "set-cookie": f"{SESSION_COOKIE}=; Path=/; Max-Age=0"})
        return reply

    def _authorize(self, request: HttpRequest, username: str | None) -> Reply:
        pairs, parameters = request_pairs(request), self._provider.requested_parameters(request)
        prompts, max_age = parameters.get("prompt", "").split(), parameters.get("max_age")
        needs_login = "login" in prompts or "select_account" in prompts
        if needs_login or (username and self._provider.is_login_older_than(username, max_age)):
            username = None
        if username and "consent" in prompts:
            return self._page(pairs, f"Hello {username}", _CONSENT_FIELDS)
        outcome = self._provider.answer_authorization(
            request, username=username, ask=self._page(pairs, "Log in", _LOGIN_FIELDS)
        )
        return outcome if isinstance(outcome, Reply) else reply_with(outcome)

    def _log_in(self, request: HttpRequest, username: str | None) -> Reply:
        form = dict(request_pairs(request))
        pairs = parse_qsl(form.get("request", ""), keep_blank_values=True)
        cookie: dict[str, str] = {}
        if form.get("answer") != "deny" and "username" in form:
            username = form["username"]
            if not self._provider.is_password(username, form.get("password", "")):
                return self._page(pairs, "Log in", _LOGIN_FIELDS, alert="Wrong username or password.")
            self._provider.sign_in(username)
            cookie = {"set-cookie": self._set_cookie(username)}
        original = HttpRequest(
            method="POST", url=self._url(Endpoint.AUTHORIZATION.value), body=urlencode(pairs).encode()
        )
        outcome = self._provider.answer_authorization(
            original, username=username, consent=form.get("answer") != "deny"
        )
        reply = outcome if isinstance(outcome, Reply) else reply_with(outcome)
        return replace(reply, headers={**reply.headers, **cookie})

    def _set_cookie(self, username: str) -> str:
        value = secrets.token_urlsafe(16)
        self._browsers[value] = username
        login, state = f"{COOKIE}={value}; Path=/; HttpOnly; SameSite=Lax", self._provider.browser_state(username)
        return login if state is None else f"{login}\n{SESSION_COOKIE}={state}; Path=/"

    def _page(self, pairs: list[tuple[str, str]], title: str, fields: str, *, alert: str = "") -> Reply:
        message = f'<p role="alert">{alert}</p>' if alert else ""
        client = html.escape(dict(pairs).get("client_id", ""))
        content = (
            f"<p>to continue to {client}</p>{message}"
            f'<form method="post" action="{html.escape(self._url(LOGIN_PATH))}">'
            f'<input type="hidden" name="request" value="{html.escape(urlencode(pairs))}">{fields}'
            '<button name="answer" value="deny" formnovalidate>Deny</button></form>'
        )
        return page_reply(title, content, status=400 if alert else 200)

    def _url(self, path: str) -> str:
        return self._provider.issuer.rstrip("/") + path


def _cookie(request: HttpRequest) -> str:
    try:
        cookies = SimpleCookie(request.headers.get("cookie", ""))
    except CookieError:
        return ""
    return cookies[COOKIE].value if COOKIE in cookies else ""
