"""An OpenID Provider in one object: it behaves, and misbehaves on demand."""

import threading
from collections.abc import Collection, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import parse_qsl, urlsplit

from oidc_async.protocol.http_message import HttpRequest, HttpResponse
from oidc_async.runtime import HttpSettings

from .authorization import LoginNeeded, answer_authorization, callback_with, reply_with, single_valued
from .clock import Clock
from .discovery import discovery_document, key_set
from .end_session import end_session
from .faults import Fault
from .keys import KeyRing
from .registry import Client, Registry, User
from .reply import Callback, JSONObject, NotRedirected, Refusal, RefusalPage, Reply, json_reply, page_reply
from .stages import (
    ANY_REPLY,
    DISCOVERY,
    DISCOVERY_REPLY,
    JWKS,
    JWKS_REPLY,
    TOKEN,
    TOKEN_REPLY,
    USERINFO,
    USERINFO_REPLY,
    Answer,
    Endpoint,
    Scene,
    Spell,
    Stage,
    strike,
)
from .token_endpoint import authenticate, read_form, token_document
from .userinfo import require_grant, userinfo_claims

if TYPE_CHECKING:
    from oidc_async.async_runtime import AsyncRuntime
    from oidc_async.blocking_runtime import BlockingRuntime


T = TypeVar("T")


class _CurrentUser:
    """Stands for whoever `provider.user` is."""


CURRENT_USER: Final = _CurrentUser()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRequest:
    """One request that reached the provider.

    Parameters:
        endpoint: discovery, jwks, authorization, token, userinfo, end_session, or elsewhere.
        client_id: the client that authenticated itself, if any.
        grant_type: of a token request.
        form_names: the names of the form fields, in order.
        status: of the response.
    """

    endpoint: str
    method: str
    path: str
    client_id: str | None = None
    grant_type: str | None = None
    form_names: tuple[str, ...] = ()
    status: int
    request: HttpRequest = field(repr=False)


class SimulatedProvider:
    """An OpenID Provider for tests. Safe to use from many threads.

    Parameters:
        issuer: its issuer identifier; a path in it is fine.
        clock: what it takes the time from; move it with `clock.advance(seconds)`.

    Register clients and users, then either hand `async_runtime()` or `blocking_runtime()` to what is tested,
    or `serve()` it over HTTP. `user` is who sits in front of the browser: the first one added, until changed;
    None for nobody.
    """

    def __init__(self, issuer: str = "https://op.example", *, clock: Clock | None = None) -> None:
        self._registry = Registry(issuer=issuer, clock=clock or Clock(), ring=KeyRing(issuer))
        self._lock = threading.RLock()
        self._spells: list[Spell] = []
        self._requests: list[RecordedRequest] = []
        self.user: str | None = None

    @property
    def issuer(self) -> str:
        return self._registry.issuer

    @property
    def clock(self) -> Clock:
        return self._registry.clock

    def register(
        self,
        client_id: str,
        client_secret: str | None = None,
        *,
        redirect_uris: Collection[str] = (),
        post_logout_redirect_uris: Collection[str] = (),
        response_types: Collection[str] = ("code",),
        token_endpoint_auth_method: str | None = None,
        id_token_signed_response_alg: str = "RS256",
    ) -> Client:
        """A client, or the same client anew.

        The authentication method is client_secret_basic with a secret and none without, unless given.
        """
        method = token_endpoint_auth_method or ("client_secret_basic" if client_secret else "none")
        client = Client(
            client_id=client_id,
            client_secret=client_secret,
            redirect_uris=tuple(redirect_uris),
            post_logout_redirect_uris=tuple(post_logout_redirect_uris),
            response_types=tuple(response_types),
            token_endpoint_auth_method=method,
            id_token_signed_response_alg=id_token_signed_response_alg,
        )
        with self._lock:
            client.signs_with(self._registry.ring)
            self._registry.clients[client_id] = client
        return client

    def add_user(
        self,
        username: str,
        *,
        password: str = "password",
        sub: Any = None,
        claims: Mapping[str, Any] | None = None,
        id_token_claims: Mapping[str, Any] | None = None,
    ) -> User:
        """A user; `sub` is the username unless given.

        `claims` are for userinfo (standard ones only with their scope), `id_token_claims` for every ID token.
        """
        user = User(
            username=username,
            sub=username if sub is None else sub,
            password=password,
            claims=dict(claims or {}),
            id_token_claims=dict(id_token_claims or {}),
        )
        with self._lock:
            self._registry.users[username] = user
            self.user = self.user or username
        return user

    def is_password(self, username: str, password: str) -> bool:
        user = self._registry.users.get(username)
        return user is not None and user.password == password

    # What browsers do

    def authorize(
        self,
        authorization_url: str,
        *,
        user: str | _CurrentUser | None = CURRENT_USER,
        consent: bool = True,
        form: Sequence[tuple[str, str]] = (),
    ) -> Callback:
        """What the browser brings to the redirect URI after this user logged in and gave (or denied) consent.

        `form` sends the request by POST. Raises NotRedirected when the provider shows a page instead.
        """
        username = self.user if isinstance(user, _CurrentUser) else user
        method = "POST" if form else "GET"
        request = HttpRequest(method=method, url=authorization_url)
        pairs = list(form) or _query(authorization_url)
        outcome = self.answer_authorization(request, pairs, username=username, consent=consent)
        if isinstance(outcome, Reply):
            raise NotRedirected(outcome)
        return callback_with(outcome)

    def end_session(self, end_session_url: str) -> Callback:
        """What the browser brings to the post-logout redirect URI. Raises NotRedirected like `authorize`."""
        response = self.handle(HttpRequest(method="GET", url=end_session_url))
        location = response.headers.get("location")
        if location is None:
            raise NotRedirected(response)
        return Callback(url=location, parameters=tuple(_query(location)))

    def answer_authorization(
        self,
        request: HttpRequest,
        pairs: Sequence[tuple[str, str]],
        *,
        username: str | None,
        consent: bool = True,
        ask: Reply | None = None,
    ) -> Answer | Reply:
        """The answer for the client, or the page for the user; `ask` is the page that asks for a login."""
        with self._lock:
            outcome: Answer | Reply
            try:
                parameters = single_valued(pairs)
                outcome = answer_authorization(
                    self._registry, self._spells, parameters, username=username, consent=consent
                )
            except RefusalPage as refusal:
                outcome = refusal.reply
            except LoginNeeded:
                outcome = ask or page_reply("Login", "<p>Please log in.</p>")
            status = outcome.status if isinstance(outcome, Reply) else 302
            self._record(request, "authorization", status)
            return outcome

    # The endpoints

    def handle(self, request: HttpRequest, *, user: str | _CurrentUser | None = CURRENT_USER) -> HttpResponse:
        """The response to any request to this provider, without a network between."""
        username = self.user if isinstance(user, _CurrentUser) else user
        endpoint = self.endpoint_of(request.url)
        if endpoint is Endpoint.AUTHORIZATION:
            outcome = self.answer_authorization(request, request_parameters(request), username=username)
            return outcome if isinstance(outcome, Reply) else reply_with(outcome)
        with self._lock:
            seen: dict[str, str] = {}
            try:
                reply = self._dispatch(endpoint, request, seen, username)
            except (Refusal, RefusalPage) as refusal:
                reply = refusal.reply
            reply = self._strike(ANY_REPLY, reply)
            name = endpoint.name.lower() if endpoint else "elsewhere"
            self._record(request, name, reply.status, **seen)
            return reply

    def endpoint_of(self, url: str) -> Endpoint | None:
        """The endpoint at this URL; None for a stray one."""
        root = self.issuer.rstrip("/")
        path = url.partition("?")[0].partition("#")[0]
        found = (endpoint for endpoint in Endpoint if path == root + endpoint.value)
        return next(found, None)

    def _dispatch(
        self, endpoint: Endpoint | None, request: HttpRequest, seen: dict[str, str], username: str | None
    ) -> Reply:
        match endpoint:
            case Endpoint.DISCOVERY:
                document = self._strike(DISCOVERY, discovery_document(self._registry))
                return self._strike(DISCOVERY_REPLY, json_reply(document))
            case Endpoint.JWKS:
                return self._strike(JWKS_REPLY, json_reply(self._strike(JWKS, key_set(self._registry))))
            case Endpoint.TOKEN:
                return self._strike(TOKEN_REPLY, self._token(request, seen))
            case Endpoint.USERINFO:
                return self._strike(USERINFO_REPLY, self._userinfo(request, seen))
            case Endpoint.END_SESSION:
                parameters = single_valued(request_parameters(request))
                return end_session(self._registry, parameters, username=username)
            case _:
                return json_reply({"error": "not_found"}, status=404)

    def _token(self, request: HttpRequest, seen: dict[str, str]) -> Reply:
        if request.method != "POST":
            raise Refusal("invalid_request", "The token endpoint takes POST only.", status=405, allow="POST")
        try:
            form = read_form(request)
            seen["grant_type"] = form.get("grant_type", "")
            client = authenticate(self._registry, request, form)
            seen["client_id"] = client.client_id
            document = token_document(self._registry, self._spells, client, form)
        except Refusal as refusal:
            return refusal.reply
        return json_reply(self._strike(TOKEN, document))

    def _userinfo(self, request: HttpRequest, seen: dict[str, str]) -> Reply:
        if request.method not in ("GET", "POST"):
            raise Refusal("invalid_request", "Userinfo takes GET and POST.", status=405, allow="GET, POST")
        grant = require_grant(self._registry, request)
        seen["client_id"] = grant.client_id
        return json_reply(self._strike(USERINFO, userinfo_claims(self._registry, grant)))

    # Faults

    @contextmanager
    def misbehaving(self, *faults: Fault, times: int | None = None) -> Generator[None, None, None]:
        """Commit these faults within the `with` block, each for ever or only so many `times`."""
        spells = [_spell(fault, times) for fault in faults]
        with self._lock:
            self._spells += spells
        try:
            yield
        finally:
            with self._lock:
                self._spells = [spell for spell in self._spells if spell not in spells]

    def rotate_keys(self, *, keep_old: bool = False, same_kid: bool = False) -> None:
        """Sign with new keys from now on.

        `keep_old` publishes the old ones too; `same_kid` gives the new ones the old names.
        """
        with self._lock:
            self._registry.ring.rotate(keep_old=keep_old, same_kid=same_kid)

    def _strike(self, stage: Stage[T], value: T) -> T:
        registry = self._registry
        scene = Scene(issuer=registry.issuer, now=registry.now(), ring=registry.ring)
        return strike(self._spells, stage, value, scene)

    # What tests look at

    @property
    def requests(self) -> tuple[RecordedRequest, ...]:
        """Every request so far, oldest first."""
        return tuple(self._requests)

    def count(self, endpoint: str, **having: object) -> int:
        """How many requests reached this endpoint; `grant_type="refresh_token"` and the like narrow it."""
        return sum(
            recorded.endpoint == endpoint
            and all(getattr(recorded, name) == value for name, value in having.items())
            for recorded in self.requests
        )

    def forget_requests(self) -> None:
        """Count from zero again."""
        self._requests.clear()

    def _record(self, request: HttpRequest, endpoint: str, status: int, **seen: str) -> None:
        form = parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
        recorded = RecordedRequest(
            endpoint=endpoint,
            method=request.method,
            path=urlsplit(request.url).path,
            form_names=tuple(name for name, _ in form),
            status=status,
            request=request,
            **seen,
        )
        self._requests.append(recorded)

    # Ways to reach it

    def async_runtime(self, settings: HttpSettings | None = None, *, latency: float = 0.0) -> "AsyncRuntime":
        """An AsyncRuntime whose network is this provider; see `runtimes.async_runtime`."""
        from .runtimes import async_runtime

        return async_runtime(self, settings=settings, latency=latency)

    def blocking_runtime(
        self, settings: HttpSettings | None = None, *, latency: float = 0.0
    ) -> "BlockingRuntime":
        """A BlockingRuntime whose network is this provider; see `runtimes.blocking_runtime`."""
        from .runtimes import blocking_runtime

        return blocking_runtime(self, settings=settings, latency=latency)

    def serve(self, port: int = 0) -> AbstractContextManager[str]:
        """Serve over HTTP on 127.0.0.1 within a `with` block, which gets the issuer; see `server.serving`."""
        from .server import serving

        return serving(self, port)

    @contextmanager
    def moved_to(self, origin: str) -> Generator[str, None, None]:
        """Live at another origin for a while; the path of the issuer stays."""
        home = self._registry.issuer
        self._registry.issuer = origin.rstrip("/") + urlsplit(home).path
        try:
            yield self._registry.issuer
        finally:
            self._registry.issuer = home


def _spell(fault: Fault, times: int | None) -> Spell:
    return Spell(misbehaviour=fault.value, left=1 if fault.value.only_once else times)


def _query(url: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(url).query, keep_blank_values=True)


def request_parameters(request: HttpRequest) -> list[tuple[str, str]]:
    """The parameters of a front-channel request, by query or by form."""
    if request.method == "POST":
        return parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
    return _query(request.url)


__all__ = ["CURRENT_USER", "JSONObject", "RecordedRequest", "SimulatedProvider"]
