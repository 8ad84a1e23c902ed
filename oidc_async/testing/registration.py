"""Dynamic client registration (RFC 7591) and its management (RFC 7592)."""

import secrets
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, cast
from urllib.parse import parse_qs, urlencode, urlsplit

from oidc_async.protocol.http_message import HttpRequest
from oidc_async.protocol.registration import NOT_SENT_IN_UPDATES
from oidc_async.protocol.strict_json import read_object
from oidc_async.protocol.uri import uri_problem

from .discovery import AUTH_METHODS, RESPONSE_TYPES
from .keys import SIGNING_ALGORITHMS
from .registry import Client, RegistrationPolicy, Registry, token
from .reply import JSONObject, Rejection
from .stages import Endpoint

UNUSUAL = "a: 100%+é&="
"""Characters that need form encoding in an Authorization header (RFC 6749 2.3.1)."""
DEFAULTS: Mapping[str, Any] = {
    "grant_types": ["authorization_code"],
    "id_token_signed_response_alg": "RS256",
    "response_types": ["code"],
    "token_endpoint_auth_method": "client_secret_basic",
}
URIS = ("backchannel_logout_uri", "frontchannel_logout_uri", "initiate_login_uri", "jwks_uri")
ASSIGNED = NOT_SENT_IN_UPDATES | {"client_id", "client_secret"}
UNDERSTOOD = frozenset(field.name for field in fields(Client)) - {"access_tokens", "rotates_refresh_tokens"}


def register(registry: Registry, request: HttpRequest) -> JSONObject:
    """Register a client. Raises Rejection."""
    policy = _policy(registry)
    if policy.initial_access_token not in (None, _bearer(request)):
        raise _unauthorized("The initial access token is missing or wrong.")
    metadata = _read_metadata(request)
    if ASSIGNED & metadata.keys():
        raise Rejection("invalid_client_metadata", "The provider assigns client_id and client_secret; remove them.")
    client_id = f"registered {UNUSUAL} {token()}"
    return _keep(registry, {"client_id": client_id, "client_id_issued_at": int(registry.now())}, metadata)


def read(registry: Registry, request: HttpRequest) -> JSONObject:
    """Return the client of the registration access token. Raises Rejection."""
    present = _present(registry, request)
    if _policy(registry).renews_secrets and 0 < present.get("client_secret_expires_at", 0) <= registry.now():
        present |= _new_secret(registry)
        _serve(registry, present)
    return present


def update(registry: Registry, request: HttpRequest) -> JSONObject:
    """Replace the metadata and the registration access token. Raises Rejection."""
    present, metadata = _present(registry, request), _read_metadata(request)
    if NOT_SENT_IN_UPDATES & metadata.keys():
        raise Rejection("invalid_request", "The request has members that only the provider sets (RFC 7592 2.2).")
    given = {name: metadata.pop(name, None) for name in ("client_id", "client_secret")}
    if given["client_id"] != present["client_id"] or given["client_secret"] not in (
        None,
        present.get("client_secret"),
    ):
        raise Rejection("invalid_request", "client_id and client_secret must be those of the client.")
    return _keep(registry, {name: value for name, value in present.items() if name in ASSIGNED}, metadata)


def delete(registry: Registry, request: HttpRequest) -> None:
    """Delete the client and revoke its tokens. Raises Rejection."""
    client_id = _present(registry, request)["client_id"]
    del registry.registrations[client_id], registry.clients[client_id]
    grants = [issued.grant for issued in registry.access_tokens.values()]
    for family in {grant.family for grant in grants if grant.client_id == client_id}:
        registry.revoke(family)


def _policy(registry: Registry) -> RegistrationPolicy:
    if registry.registration is None:
        raise Rejection("not_found", "Registration is not enabled: call open_registration().", status=404)
    return registry.registration


def _keep(registry: Registry, former: JSONObject, metadata: JSONObject) -> JSONObject:
    _require_metadata(metadata)
    document: JSONObject = {**DEFAULTS, **metadata, **former}
    if document["token_endpoint_auth_method"].startswith("client_secret") and "client_secret" not in document:
        document |= _new_secret(registry)
    if _policy(registry).is_managed:
        where = f"{registry.endpoint(Endpoint.REGISTRATION.value)}?{urlencode({'client_id': document['client_id']})}"
        document |= {"registration_client_uri": where, "registration_access_token": token()}
    _serve(registry, document)
    return document


def _new_secret(registry: Registry) -> JSONObject:
    seconds = _policy(registry).secret_seconds
    expires_at = 0 if seconds == 0 else int(registry.now()) + seconds
    return {"client_secret": f"{UNUSUAL} {secrets.token_urlsafe(48)}", "client_secret_expires_at": expires_at}


def _serve(registry: Registry, document: JSONObject) -> None:
    registry.registrations[document["client_id"]] = document
    method = document["token_endpoint_auth_method"]
    usual = {"introspection_endpoint_auth_method": method if "client_secret" in document else "client_secret_basic"}
    values: JSONObject = {
        name: tuple(cast("list[str]", value)) if isinstance(value, list) else value
        for name, value in {**usual, **document}.items()
        if name in UNDERSTOOD
    }
    registry.clients[document["client_id"]] = Client(**values)


def _present(registry: Registry, request: HttpRequest) -> JSONObject:
    _policy(registry)
    names = parse_qs(urlsplit(request.url).query).get("client_id", [""])
    document = registry.registrations.get(names[0], {})
    if "registration_access_token" not in document or document["registration_access_token"] != _bearer(request):
        raise _unauthorized("The client is unknown, or the registration access token is of another client.")
    return document


def _bearer(request: HttpRequest) -> str | None:
    headers = {name.lower(): value for name, value in request.headers.items()}
    scheme, _, value = headers.get("authorization", "").partition(" ")
    return value if scheme == "Bearer" else None


def _unauthorized(description: str) -> Rejection:
    return Rejection("invalid_token", description, status=401, www_authenticate='Bearer error="invalid_token"')


def _read_metadata(request: HttpRequest) -> JSONObject:
    headers = {name.lower(): value for name, value in request.headers.items()}
    if headers.get("content-type") != "application/json":
        raise Rejection("invalid_request", "The body must be application/json.")
    try:
        return read_object(request.body)
    except ValueError as error:
        raise Rejection("invalid_client_metadata", f"The body must be one JSON object: {error}.") from None


def _require_metadata(metadata: JSONObject) -> None:
    uris: object = metadata.get("redirect_uris")
    if not isinstance(uris, list) or not uris or any(uri_problem(uri) for uri in cast("list[object]", uris)):
        raise Rejection("invalid_redirect_uri", "redirect_uris must be a list of https URLs.")
    if "jwks" in metadata and "jwks_uri" in metadata:
        raise Rejection("invalid_client_metadata", "jwks and jwks_uri must not be used together.")
    for problem in _problems({**DEFAULTS, **metadata}):
        raise Rejection("invalid_client_metadata", problem)


def _problems(metadata: JSONObject) -> list[str]:
    types, grants = metadata["response_types"], metadata["grant_types"]
    parts = {part for response_type in types for part in response_type.split()}
    keys = metadata.get("jwks", {}).get("keys", [])
    invalid = {
        "response_types": not set(types) <= set(RESPONSE_TYPES),
        "grant_types": ("code" in parts) > ("authorization_code" in grants)
        or bool(parts - {"code"}) > ("implicit" in grants),
        "token_endpoint_auth_method": metadata["token_endpoint_auth_method"] not in AUTH_METHODS,
        "id_token_signed_response_alg": metadata["id_token_signed_response_alg"] not in SIGNING_ALGORITHMS,
        "jwks": any({"d", "k"} & key.keys() for key in keys),
        **{name: uri_problem(metadata[name]) is not None for name in URIS if name in metadata},
    }
    return [f"{name} has a value that is not supported." for name, is_invalid in invalid.items() if is_invalid]
