"""A simulated OpenID Provider, which misbehaves on request."""

from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from oidc_async.http.settings import HttpSettings
from oidc_async.protocol.http_message import HttpRequest, HttpResponse

from .access_token import issue_access_token, token_data
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
    """An OpenID Provider for tests, safe to use from several threads.

    Register clients and users, then pass `async_runtime()` or `blocking_runtime()` to the code under test, or
    `serve()` the provider over HTTP. `user` is the user of the browser: the first one that was added, or the
    username that you set; None if nobody is logged in.

    Args:
        issuer: the issuer identifier, with or without a path.
        clock: the clock of the provider; `clock.advance(seconds)` moves it.
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
        """Function that fetches a client's `request_uri` or `jwks_uri`; None: no fetches."""
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
        """Issue an access token without a login.

        Args:
            client_id: the client that the token is issued to.
            scope: scopes, separated by spaces.
            username: the user; None for a token of the client itself.
            audience: the client_id by default.
            lifetime: seconds, 600 by default; negative for an expired token.
            jwt: whether to issue a JWT (RFC 9068) instead of an opaque token.
            claims: merged into the JWT and the introspection response; they replace claims of the same name.
            header: merged into the header of the JWT.

        Raises:
            KeyError: the client or the user does not exist.
        """
        with self._lock:
            client = known(self._registry.clients, client_id, "register")
            user = None if username is None else known(self._registry.users, username, "add_user")
            session = None if username is None else self._registry.sessions.get(username)
            grant = Grant(client_id=client_id, scope=tuple(scope.split()), user=user, session=session)
            issued = token_data(self._registry, grant, audience=audience, lifetime=lifetime, claims=claims)
            spells = self._endpoints.spells
            return issue_access_token(self._registry, spells, client, issued, jwt=jwt, header=header)

    def revoke_access_token(self, token: str) -> None:
        """Revoke an access token, whether it exists or not (RFC 7009 2.2)."""
        with self._lock:
            self._registry.access_tokens.pop(token, None)

    # Aggregated and distributed claims

    def claims_token(self, claims: Mapping[str, Any]) -> str:
        """Create a JWT with aggregated claims (OIDC Core 5.6.2).

        Their source is `{"JWT": ...}`.
        """
        with self._lock:
            return claims_token(self._registry, self._endpoints.spells, claims)

    def distribute_claims(self, claims: Mapping[str, Any]) -> dict[str, str]:
        """Create a source of distributed claims: its `endpoint` and `access_token`."""
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
        """Create a logout token for the user's session (OIDC Back-Channel Logout 2.4).

        The session at the provider does not end.

        Args:
            client_id: the audience of the token.
            username: the user.
            sub: whether the token has the claim `sub`.
            sid: whether the token has the claim `sid`.
            claims: merged into the claims.
            header: merged into the header.

        Raises:
            KeyError: the client or the user does not exist, or `sid` is True and the user has no session.
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
        """End the user's session and send logout tokens to its clients.

        Args:
            username: the user.
            post: sends a form to a URL, for example by a test client. It is called for each client of the session
                that has a `backchannel_logout_uri`.

        Returns:
            The results of `post`.

        Raises:
            KeyError: the user has no session.
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
        """Return the URLs that the logout page loads in frames for the user's session."""
        with self._lock:
            return frontchannel_logout_urls(self._registry, username)

    # The browser

    def authorize(
        self,
        authorization_url: str,
        *,
        user: str | CurrentUser | None = CURRENT_USER,
        consent: bool = True,
        form: Mapping[str, str] | None = None,
    ) -> Callback:
        """Send an authorization request, and return the request to the redirect URI.

        Args:
            authorization_url: the URL of the authorization request.
            user: the user who logs in, `self.user` by default; None if nobody is logged in.
            consent: False if the user denies the client access.
            form: parameters of a request by POST.

        Raises:
            NotRedirected: the provider shows a page instead.
        """
        body = urlencode(form or {}).encode()
        request = HttpRequest(method="POST" if form else "GET", url=authorization_url, body=body)
        outcome = self.answer_authorization(request, username=self.present(user), consent=consent)
        if isinstance(outcome, Reply):
            raise NotRedirected(outcome)
        return callback_with(outcome)

    def end_session(self, end_session_url: str, *, form: Mapping[str, str] | None = None) -> Callback:
        """Send a logout request, and return the request to the redirect URI.

        Args:
            end_session_url: the URL of the logout request.
            form: parameters of a request by POST.

        Raises:
            NotRedirected: the provider shows a page instead.
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
        """Return the authorization response, or a page; `ask` is the login page."""
        with self._lock:
            outcome = self._authorization_outcome(request, username, consent, ask)
            self._record(request, "authorization", outcome.status if isinstance(outcome, Reply) else 302)
            return outcome

    def requested_parameters(self, request: HttpRequest) -> Mapping[str, str]:
        """Return the parameters of an authentication request; none if it is invalid."""
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
        """Respond to any request to this provider, without a network."""
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
        """Apply these faults in the `with` block.

        Args:
            faults: the faults.
            times: how often each of them applies; None: always.
        """
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
        """Replace the signing keys by new ones.

        Args:
            keep_old: whether the old keys stay published.
            same_kid: whether the new keys have the same `kid` as the old ones.
        """
        with self._lock:
            self._registry.ring.rotate(keep_old=keep_old, same_kid=same_kid)

    # Recorded requests

    @property
    def requests(self) -> tuple[RecordedRequest, ...]:
        """All recorded requests, oldest first."""
        return tuple(self._requests)

    def count(self, endpoint: str, **having: object) -> int:
        """Count the requests to this endpoint whose attributes equal `having`.

        For example `count("token", grant_type="refresh_token")`.
        """
        return sum(
            recorded.endpoint == endpoint and all(getattr(recorded, name) == value for name, value in having.items())
            for recorded in self.requests
        )

    def forget_requests(self) -> None:
        """Delete the recorded requests."""
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

    # Networks

    def async_runtime(self, settings: HttpSettings | None = None, *, latency: float = 0.0) -> "AsyncRuntime":
        """Create an AsyncRuntime that reaches this provider only.

        Args:
            settings: HTTP settings.
            latency: real seconds per request.
        """
        from .runtimes import async_runtime

        return async_runtime(self, settings=settings, latency=latency)

    def blocking_runtime(self, settings: HttpSettings | None = None, *, latency: float = 0.0) -> "BlockingRuntime":
        """Create a BlockingRuntime that reaches this provider only, like `async_runtime`."""
        from .runtimes import blocking_runtime

        return blocking_runtime(self, settings=settings, latency=latency)

    def serve(
        self, port: int = 0, *, login_page: bool = True, tls: "SSLContext | None" = None
    ) -> AbstractContextManager[str]:
        """Serve over HTTP on 127.0.0.1 in a `with` block, whose value is the issuer.

        Args:
            port: 0 for a free one.
            login_page: whether browsers have to log in; if False, `user` is logged in.
            tls: server context with a certificate for 127.0.0.1; serves HTTPS.
        """
        from .server import serving

        return serving(self, port, login_page=login_page, tls=tls)

    @contextmanager
    def moved_to(self, origin: str) -> Generator[str]:
        """Use another origin in the `with` block; the path of the issuer stays."""
        home = self._registry.issuer
        self._registry.issuer = origin.rstrip("/") + urlsplit(home).path
        try:
            yield self._registry.issuer
        finally:
            self._registry.issuer = home
