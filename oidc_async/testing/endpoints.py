"""The endpoints of the provider, except the authorization endpoint."""

from dataclasses import dataclass, field
from operator import attrgetter
from urllib.parse import parse_qsl, urlsplit

from oidc_async.protocol.http_message import HttpRequest
from oidc_async.protocol.uri import origin

from . import registration
from .authorization import single_valued
from .claim_sources import claims_reply
from .discovery import discovery_document, key_set
from .end_session import end_session, logout_parameters
from .faults.jwks import attacker
from .introspection import introspection_document, signed_reply, wants_jwt
from .pushed_authorization import push
from .registry import Registry
from .reply import JSONObject, Rejection, RejectionPage, Reply, json_reply
from .revocation import revoke
from .session_management import check_session_page
from .stages import (
    ANY_REPLY,
    DISCOVERY,
    ELSEWHERE,
    INTROSPECTION,
    JWKS,
    REFRESH,
    REGISTRATION,
    REPLY_STAGES,
    SIGNED_REPLY,
    TOKEN,
    USERINFO,
    USERINFO_JWT_REPLY,
    WEBFINGER,
    Endpoint,
    Scene,
    Spell,
    Stage,
    T,
    strike,
)
from .token_endpoint import authenticate, read_form, read_targets, token_document
from .userinfo import require_grant, userinfo_claims, userinfo_reply
from .webfinger import webfinger_document

METHODS = {
    Endpoint.DISCOVERY: ("GET", "HEAD"),
    Endpoint.JWKS: ("GET", "HEAD"),
    Endpoint.AUTHORIZATION: ("GET", "POST"),
    Endpoint.TOKEN: ("POST",),
    Endpoint.USERINFO: ("GET", "POST"),
    Endpoint.INTROSPECTION: ("POST",),
    Endpoint.REVOCATION: ("POST",),
    Endpoint.END_SESSION: ("GET", "POST"),
    Endpoint.REGISTRATION: ("POST", "GET", "PUT", "DELETE"),
    Endpoint.WEBFINGER: ("GET", "HEAD"),
    Endpoint.CHECK_SESSION: ("GET", "HEAD"),
    Endpoint.CLAIMS: ("GET",),
    Endpoint.PUSHED_AUTHORIZATION: ("POST",),
}


@dataclass(slots=True, kw_only=True)
class Seen:
    """What an endpoint learned about a request, for its record."""

    client_id: str | None = None
    grant_type: str | None = None


@dataclass(slots=True, kw_only=True)
class Endpoints:
    """The endpoints of one registry, with the faults in force."""

    registry: Registry
    spells: list[Spell] = field(default_factory=list[Spell])

    def find(self, url: str, below: str = "") -> Endpoint | None:
        """Find the endpoint at this URL."""
        path = url.partition("?")[0].partition("#")[0]
        return next((it for it in Endpoint if path == self._root_of(it) + below + it.value), None)

    def _root_of(self, endpoint: Endpoint) -> str:
        issuer = self.registry.issuer
        return origin(issuer) if endpoint is Endpoint.WEBFINGER else issuer.rstrip("/")

    def answer(self, request: HttpRequest, seen: Seen, *, username: str | None) -> Reply:
        """Respond to a request, with the faults in force."""
        endpoint = self.find(request.url)
        try:
            reply = self._respond(endpoint, request, seen, username) if endpoint else self._stray(request, seen)
        except (Rejection, RejectionPage) as rejection:
            reply = rejection.reply
        if endpoint and endpoint in REPLY_STAGES:
            reply = self._strike(REPLY_STAGES[endpoint], reply)
        return self._strike(ANY_REPLY, reply)

    def _stray(self, request: HttpRequest, seen: Seen) -> Reply:
        """Respond below ELSEWHERE, which clients must not request, as the endpoint does."""
        if request.url == self.registry.endpoint(ELSEWHERE + "/keys"):
            return json_reply({"keys": [attacker().public_jwk()]})
        endpoint = self.find(request.url, below=ELSEWHERE)
        if endpoint is None:
            return json_reply({"error": "not_found"}, status=404)
        return self._respond(endpoint, request, seen, None)

    def _respond(self, endpoint: Endpoint, request: HttpRequest, seen: Seen, username: str | None) -> Reply:
        _require_method(endpoint, request)
        match endpoint:
            case Endpoint.DISCOVERY:
                return self._json(DISCOVERY, discovery_document(self.registry))
            case Endpoint.JWKS:
                return self._json(JWKS, key_set(self.registry))
            case Endpoint.TOKEN:
                return self._json(TOKEN, self._token(request, seen))
            case Endpoint.USERINFO:
                return self._userinfo(request, seen)
            case Endpoint.INTROSPECTION:
                return self._introspection(request, seen)
            case Endpoint.REVOCATION:
                return self._revocation(request, seen)
            case Endpoint.END_SESSION:
                parameters = logout_parameters(request, request_pairs(request))
                return end_session(self.registry, parameters, username=username)
            case Endpoint.REGISTRATION:
                return self._registration(request, seen)
            case Endpoint.WEBFINGER:
                return self._json(WEBFINGER, webfinger_document(self.registry, request_parameters(request)))
            case Endpoint.CHECK_SESSION:
                return check_session_page()
            case Endpoint.CLAIMS:
                return claims_reply(self.registry, self.spells, request)
            case Endpoint.PUSHED_AUTHORIZATION:
                return self._push(request, seen)
            case Endpoint.AUTHORIZATION:
                raise RejectionPage("This endpoint is for browsers only.")

    def _token(self, request: HttpRequest, seen: Seen) -> JSONObject:
        form = read_form(request)
        seen.grant_type = form.get("grant_type")
        client = authenticate(self.registry, request, form)
        seen.client_id = client.client_id
        document = token_document(self.registry, self.spells, client, form, read_targets(request))
        return self._strike(REFRESH, document) if seen.grant_type == "refresh_token" else document

    def _userinfo(self, request: HttpRequest, seen: Seen) -> Reply:
        grant = require_grant(self.registry, request)
        seen.client_id = grant.client_id
        client = self.registry.clients[grant.client_id]
        claims = self._strike(USERINFO, userinfo_claims(self.registry, grant))
        reply = userinfo_reply(self.registry, self.spells, client, claims)
        return reply if client.userinfo_signed_response_alg is None else self._strike(USERINFO_JWT_REPLY, reply)

    def _introspection(self, request: HttpRequest, seen: Seen) -> Reply:
        form = read_form(request)
        registered = attrgetter("introspection_endpoint_auth_method")
        client = authenticate(self.registry, request, form, registered)
        seen.client_id = client.client_id
        document = introspection_document(self.registry, form)
        if document["active"]:
            document = self._strike(INTROSPECTION, document)
        if not wants_jwt(client, request):
            return json_reply(document)
        return self._strike(SIGNED_REPLY, signed_reply(self.registry, self.spells, client, document))

    def _revocation(self, request: HttpRequest, seen: Seen) -> Reply:
        form = read_form(request)
        client = authenticate(self.registry, request, form)
        seen.client_id = client.client_id
        revoke(self.registry, client, form)
        return Reply(status=200)

    def _push(self, request: HttpRequest, seen: Seen) -> Reply:
        form = read_form(request)
        client = authenticate(self.registry, request, form)
        seen.client_id = client.client_id
        return json_reply(push(self.registry, client, form), status=201)

    def _registration(self, request: HttpRequest, seen: Seen) -> Reply:
        if request.method == "DELETE":
            registration.delete(self.registry, request)
            return Reply(status=204)
        answers = {"POST": registration.register, "GET": registration.read, "PUT": registration.update}
        document = answers[request.method](self.registry, request)
        seen.client_id = document["client_id"]
        return json_reply(self._strike(REGISTRATION, document), status=201 if request.method == "POST" else 200)

    def _json(self, stage: Stage[JSONObject], document: JSONObject) -> Reply:
        return json_reply(self._strike(stage, document))

    def _strike(self, stage: Stage[T], value: T) -> T:
        registry = self.registry
        scene = Scene(issuer=registry.issuer, now=registry.now(), ring=registry.ring)
        return strike(self.spells, stage, value, scene)


def _require_method(endpoint: Endpoint, request: HttpRequest) -> None:
    allowed = METHODS[endpoint]
    if request.method not in allowed:
        names = ", ".join(allowed)
        raise Rejection("invalid_request", f"This endpoint takes {names}.", status=405, allow=names)


def request_pairs(request: HttpRequest) -> list[tuple[str, str]]:
    """Return the parameters of a front-channel request, from its query or form."""
    encoded = request.body.decode("utf-8", "replace") if request.method == "POST" else urlsplit(request.url).query
    return parse_qsl(encoded, keep_blank_values=True)


def request_parameters(request: HttpRequest) -> dict[str, str]:
    """Return the parameters by name. Raises RejectionPage if one occurs twice."""
    return single_valued(request_pairs(request))
