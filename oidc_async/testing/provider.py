"""An OpenID Provider in one object: it behaves, and misbehaves on demand."""

from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from oidc_async.http.settings import HttpSettings
from oidc_async.protocol.http_message import HttpRequest, HttpResponse

from .access_token import issue_access_token, meaning_of
from .authorization import LoginNeeded, answer_authorization, callback_with, reply_with
from .callback import Callback, NotRedirected
from .claim_sources import claims_token, distribute_claims
from .clients import Clients
from .clock import Clock
from .end_session import FORM_TYPE
from .endpoints import Endpoints, Seen, request_pairs, request_parameters
from .keys import KeyRing
from .logout_token import frontchannel_logout_urls, issue_logout_token
from .recorded_request import RecordedRequest
from .registry import Grant, Registry, known
from .reply import RejectionPage, Reply, page_reply
from .request_object import requested_parameters
from .stages import Answer, Endpoint, Misbehaviour, Spell, T
from .users import CURRENT_USER, CurrentUser

if TYPE_CHECKING:
    from ssl import SSLContext

    from oidc_async.runtime.async_runtime import AsyncRuntime
    from oidc_async.runtime.blocking_runtime import BlockingRuntime


class SimulatedProvider(Clients):
    """An OpenID Provider for tests. Safe to use from many threads.

    Parameters:
        issuer: its issuer identifier; a path in it is fine.
        clock: what it takes the time from; move it with `clock.advance(seconds)`.

    Register clients and users, then either hand `async_runtime()` or `blocking_runtime()` to what is tested,
    or `serve()` it over HTTP. `user` is who sits in front of the browser: the first one added, until changed;
    None for nobody.
    """

    def __init__(self, issuer: str = "https://op.example", *, clock: Clock | None = None) -> None:
        super().__init__(Registry(issuer=issuer, clock=clock or Clock(), ring=KeyRing(issuer)))
        self._endpoints = Endpoints(registry=self._registry)
        self._requests: list[RecordedRequest] = []

    @property
    def issuer(self) -> str:
        return self._registry.issuer

    @property
    def clock(self) -> Clock:
        return self._registry.clock

    @property
    def fetch(self) -> Callable[[str], HttpResponse] | None:
        """How it fetches what clients refer to, by `request_uri` and `jwks_uri`: given a URL. None for not at all."""
        return self._registry.fetch

    @fetch.setter
    def fetch(self, fetch: Callable[[str], HttpResponse] | None) -> None:
        self._registry.fetch = fetch

    # Access tokens

    def issue_access_token(
        self,
        client_id: str,
        *,
        scope: str = "",
        username: str | None = None,
        audience: str | Collection[str] | None = None,
        lifetime: int | None = None,
        jwt: bool = False,
        claims: Mapping[str, Any] | None = None,
        header: Mapping[str, Any] | None = None,
    ) -> str:
        """An access token without a login, for a user or for the client itself; `jwt` gives one of RFC 9068.

        `audience` is the client_id unless given, `lifetime` is in seconds (600, or negative for one that is over).
        `claims` are in the JWT and in the introspection response, in place of those that go by the same name;
        `header` is for that of the JWT. Raises KeyError when the client or the user does not exist.
        """
        with self._lock:
            client = known(self._registry.clients, client_id, "register")
            user = None if username is None else known(self._registry.users, username, "add_user")
            session = None if username is None else self._registry.sessions.get(username)
            grant = Grant(client_id=client_id, scope=tuple(scope.split()), user=user, session=session)
            issued = meaning_of(self._registry, grant, audience=audience, lifetime=lifetime, claims=claims)
            spells = self._endpoints.spells
            return issue_access_token(self._registry, spells, client, issued, jwt=jwt, header=header)

    def revoke_access_token(self, token: str) -> None:
        """Forget it, whether it was known or not (RFC 7009 2.2)."""
        with self._lock:
            self._registry.access_tokens.pop(token, None)

    # Claims for users of other providers

    def claims_token(self, claims: Mapping[str, Any]) -> str:
        """A JWT with claims that this provider vouches for (OIDC Core 5.6.2): a source with it is `{"JWT": ...}`."""
        with self._lock:
            return claims_token(self._registry, self._endpoints.spells, claims)

    def distribute_claims(self, claims: Mapping[str, Any]) -> dict[str, str]:
        """A source of the same that are fetched: its `endpoint`, and the `access_token` to bring there."""
        with self._lock:
            return distribute_claims(self._registry, claims)

    # Logout

    def logout_token(
        self,
        client_id: str,
        username: str,
        *,
        sub: bool = True,
        sid: bool = True,
        claims: Mapping[str, Any] | None = None,
        header: Mapping[str, Any] | None = None,
    ) -> str:
        """A logout token about this user's present session (OIDC Back-Channel Logout 2.4), which goes on here.

        `sub` and `sid` are whether these are told; `claims` and `header` are laid over. Raises KeyError when the
        client or the user does not exist, or a `sid` is to be told and there is no session.
        """
        with self._lock:
            client = known(self._registry.clients, client_id, "register")
            user = known(self._registry.users, username, "add_user")
            session = known(self._registry.sessions, username, "sign_in") if sid else None
            about, spells = user if sub else None, self._endpoints.spells
            return issue_logout_token(
                self._registry, spells, client, user=about, session=session, claims=claims, header=header
            )

    def log_out(self, username: str, post: Callable[[str, dict[str, str]], T]) -> list[T]:
        """End this user's session, and tell each client that has a `backchannel_logout_uri` and took part in it.

        `post` sends a form to a URL, for instance by a test client; what it gives for each is the result.
        """
        with self._lock:
            session = known(self._registry.sessions, username, "sign_in")
            tokens = {
                client.backchannel_logout_uri: self.logout_token(client.client_id, username)
                for client in self._registry.logged_in_clients(session)
                if client.backchannel_logout_uri is not None
            }
            self._registry.sign_out(username)
        return [post(uri, {"logout_token": token}) for uri, token in tokens.items()]

    def frontchannel_logout_urls(self, username: str) -> list[str]:
        """What the provider's logout page would load in frames for this user's present session."""
        with self._lock:
            return frontchannel_logout_urls(self._registry, username)

    # What browsers do

    def authorize(
        self,
        authorization_url: str,
        *,
        user: str | CurrentUser | None = CURRENT_USER,
        consent: bool = True,
        form: Mapping[str, str] | None = None,
    ) -> Callback:
        """What the browser brings to the redirect URI after this user logged in and gave (or denied) consent.

        `form` sends the request by POST. Raises NotRedirected when the provider shows a page instead.
        """
        body = urlencode(form or {}).encode()
        request = HttpRequest(method="POST" if form else "GET", url=authorization_url, body=body)
        outcome = self.answer_authorization(request, username=self.present(user), consent=consent)
        if isinstance(outcome, Reply):
            raise NotRedirected(outcome)
        return callback_with(outcome)

    def end_session(self, end_session_url: str, *, form: Mapping[str, str] | None = None) -> Callback:
        """What the browser brings to the post-logout redirect URI.

        `form` sends the request by POST. Raises NotRedirected like `authorize`.
        """
        method, headers = ("POST", {"content-type": FORM_TYPE}) if form else ("GET", {})
        body = urlencode(form or {}).encode()
        response = self.handle(HttpRequest(method=method, url=end_session_url, headers=headers, body=body))
        location = response.headers.get("location")
        if location is None:
            raise NotRedirected(response)
        parameters = parse_qsl(urlsplit(location).query, keep_blank_values=True)
        return Callback(url=location, parameters=tuple(parameters))

    def answer_authorization(
        self, request: HttpRequest, *, username: str | None, consent: bool = True, ask: Reply | None = None
    ) -> Answer | Reply:
        """The answer for the client, or a page for the user; `ask` is the page that asks for a login."""
        with self._lock:
            outcome = self._authorization_outcome(request, username, consent, ask)
            self._record(request, "authorization", outcome.status if isinstance(outcome, Reply) else 302)
            return outcome

    def requested_parameters(self, request: HttpRequest) -> Mapping[str, str]:
        """What an authentication request asks for, in an object or not; nothing when it is rejected in any case."""
        try:
            return requested_parameters(self._registry, request_parameters(request))
        except RejectionPage:
            return {}

    def _authorization_outcome(
        self, request: HttpRequest, username: str | None, consent: bool, ask: Reply | None
    ) -> Answer | Reply:
        try:
            parameters = request_parameters(request)
            return answer_authorization(
                self._registry, self._endpoints.spells, parameters, username=username, consent=consent
            )
        except RejectionPage as rejection:
            return rejection.reply
        except LoginNeeded:
            return ask or page_reply("Login", "<p>Please log in.</p>")

    # The endpoints

    def handle(self, request: HttpRequest, *, user: str | CurrentUser | None = CURRENT_USER) -> Reply:
        """The response to any request to this provider, without a network between."""
        username = self.present(user)
        endpoint = self._endpoints.find(request.url)
        if endpoint is Endpoint.AUTHORIZATION:
            outcome = self.answer_authorization(request, username=username)
            return outcome if isinstance(outcome, Reply) else reply_with(outcome)
        with self._lock:
            seen = Seen()
            reply = self._endpoints.answer(request, seen, username=username)
            self._record(request, endpoint.name.lower() if endpoint else "elsewhere", reply.status, seen)
            return reply

    # Faults

    @contextmanager
    def misbehaving(self, *faults: Misbehaviour, times: int | None = None) -> Generator[None]:
        """Commit these faults within the `with` block, each for ever or only so many `times`."""
        spells = [Spell(misbehaviour=fault, left=1 if fault.only_once else times) for fault in faults]
        with self._lock:
            self._endpoints.spells += spells
        try:
            yield
        finally:
            with self._lock:
                for spell in spells:
                    self._endpoints.spells.remove(spell)

    def rotate_keys(self, *, keep_old: bool = False, same_kid: bool = False) -> None:
        """Sign with new keys from now on.

        `keep_old` publishes the old ones too; `same_kid` gives the new ones the old names.
        """
        with self._lock:
            self._registry.ring.rotate(keep_old=keep_old, same_kid=same_kid)

    # What tests look at

    @property
    def requests(self) -> tuple[RecordedRequest, ...]:
        """Every request so far, oldest first."""
        return tuple(self._requests)

    def count(self, endpoint: str, **having: object) -> int:
        """How many requests reached this endpoint; `grant_type="refresh_token"` and the like narrow it."""
        return sum(
            recorded.endpoint == endpoint and all(getattr(recorded, name) == value for name, value in having.items())
            for recorded in self.requests
        )

    def forget_requests(self) -> None:
        """Count from zero again."""
        self._requests.clear()

    def _record(self, request: HttpRequest, endpoint: str, status: int, seen: Seen | None = None) -> None:
        form = request_pairs(request) if request.method == "POST" else []
        seen = seen or Seen()
        recorded = RecordedRequest(
            endpoint=endpoint,
            method=request.method,
            path=urlsplit(request.url).path,
            client_id=seen.client_id,
            grant_type=seen.grant_type,
            form_names=tuple(name for name, _ in form),
            status=status,
            request=request,
        )
        self._requests.append(recorded)

    # Ways to reach it

    def async_runtime(self, settings: HttpSettings | None = None, *, latency: float = 0.0) -> "AsyncRuntime":
        """An AsyncRuntime whose network is this provider; see `runtimes.async_runtime`."""
        from .runtimes import async_runtime

        return async_runtime(self, settings=settings, latency=latency)

    def blocking_runtime(self, settings: HttpSettings | None = None, *, latency: float = 0.0) -> "BlockingRuntime":
        """A BlockingRuntime whose network is this provider; see `runtimes.blocking_runtime`."""
        from .runtimes import blocking_runtime

        return blocking_runtime(self, settings=settings, latency=latency)

    def serve(
        self, port: int = 0, *, login_page: bool = True, tls: "SSLContext | None" = None
    ) -> AbstractContextManager[str]:
        """Serve over HTTP on 127.0.0.1 within a `with` block, which gets the issuer; see `server.serving`."""
        from .server import serving

        return serving(self, port, login_page=login_page, tls=tls)

    @contextmanager
    def moved_to(self, origin: str) -> Generator[str]:
        """Live at another origin for a while; the path of the issuer stays."""
        home = self._registry.issuer
        self._registry.issuer = origin.rstrip("/") + urlsplit(home).path
        try:
            yield self._registry.issuer
        finally:
            self._registry.issuer = home
