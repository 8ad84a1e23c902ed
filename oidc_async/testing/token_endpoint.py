"""The token endpoint (RFC 6749 3.2, 4.1.3, 4.4, 6; OIDC Core 3.1.3; RFC 7636)."""

import base64
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from urllib.parse import parse_qsl, unquote_plus, urlsplit

from oidc_async.protocol.http_message import HttpRequest

from .access_token import issue_access_token, token_data
from .client_assertion import assertion_method, assertion_subject, spend_assertion
from .client_signature import JWTRejected
from .id_token import issue_id_token
from .keys import base64url
from .registry import ACCESS_TOKEN_LIFETIME, Client, Grant, Registry
from .reply import JSONObject, Rejection
from .stages import CODE_CLAIMS, REFRESH_CLAIMS, Spell

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
TARGETS = ("resource", "audience")
"""Parameters that may occur several times (RFC 8707 2)."""


def read_form(request: HttpRequest) -> dict[str, str]:
    """Return the fields of a form; only `TARGETS` may repeat. Raises Rejection."""
    pairs = read_pairs(request)
    names = [name for name, _ in pairs if name not in TARGETS]
    if len(names) != len(set(names)):
        raise Rejection("invalid_request", "A parameter occurs twice.")
    return dict(pairs)


def read_pairs(request: HttpRequest) -> list[tuple[str, str]]:
    """Return the fields of a form in order. Raises Rejection."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/x-www-form-urlencoded":
        raise Rejection("invalid_request", "The body must be application/x-www-form-urlencoded.")
    return parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)


def authenticate(
    registry: Registry,
    request: HttpRequest,
    form: Mapping[str, str],
    registered: Callable[[Client], str] = attrgetter("token_endpoint_auth_method"),
) -> Client:
    """Authenticate the client by its registered method (RFC 6749 2.3).

    Raises:
        Rejection: the authentication failed.
    """
    headers = {name.lower(): value for name, value in request.headers.items()}
    basic = read_basic(headers.get("authorization", ""))
    if (basic is not None) + ("client_secret" in form) + ("client_assertion" in form) > 1:
        raise Rejection("invalid_request", "The request has more than one client authentication.")
    if "client_assertion" in form:
        return _authenticate_by_assertion(registry, form, registered)
    client_id = basic[0] if basic else form.get("client_id", "")
    secret = basic[1] if basic else form.get("client_secret")
    used = "client_secret_basic" if basic else "none" if secret is None else "client_secret_post"
    client = registry.clients.get(client_id)
    if client is None or used != registered(client) or secret != client.client_secret:
        raise _invalid_client("The client is unknown, or its authentication failed.")
    if 0 < client.client_secret_expires_at <= registry.now():
        raise _invalid_client("The client's secret has expired.")
    if form.get("client_id", client_id) != client_id:
        raise _invalid_client("client_id names another client than the Authorization header.")
    return client


def _authenticate_by_assertion(
    registry: Registry, form: Mapping[str, str], registered: Callable[[Client], str]
) -> Client:
    assertion = form["client_assertion"]
    try:
        subject, used = assertion_subject(assertion), assertion_method(assertion)
        client = registry.clients.get(subject)
        if client is None or used != registered(client) or form.get("client_id", subject) != subject:
            raise JWTRejected("the client is unknown or registered another method")
        spend_assertion(registry, client, assertion, form.get("client_assertion_type"))
    except JWTRejected as error:
        raise _invalid_client(f"The client assertion is rejected: {error}.") from None
    return client


def _invalid_client(description: str) -> Rejection:
    return Rejection("invalid_client", description, status=401, www_authenticate='Basic realm="token"')


def read_basic(header: str) -> tuple[str, str] | None:
    """Return client_id and secret, form-decoded after the split (RFC 6749 2.3.1)."""
    scheme, _, credentials = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, _, secret = base64.b64decode(credentials, validate=True).decode("utf-8").partition(":")
    except ValueError:
        raise _invalid_client("The Basic credentials are not base64 of UTF-8.") from None
    return unquote_plus(client_id), unquote_plus(secret)


def token_document(
    registry: Registry, spells: Sequence[Spell], client: Client, form: Mapping[str, str], targets: Sequence[str]
) -> JSONObject:
    """Return the token response; `targets` are the requested audiences.

    Raises:
        Rejection: the grant is invalid.
    """
    match form.get("grant_type"):
        case "authorization_code":
            grant = _spend_code(registry, client, form)
            return _tokens(registry, spells, client, grant, is_refreshed=False)
        case "refresh_token":
            return _tokens(registry, spells, client, _spend_refresh_token(registry, client, form), is_refreshed=True)
        case "client_credentials":
            return _client_credentials(registry, spells, client, form, targets)
        case None:
            raise Rejection("invalid_request", "grant_type is missing.")
        case _:
            raise Rejection("unsupported_grant_type", "This grant_type is not supported.")


def _spend_code(registry: Registry, client: Client, form: Mapping[str, str]) -> Grant:
    code = form.get("code", "")
    if code in registry.spent_codes:
        registry.revoke(registry.spent_codes[code].family)
        raise Rejection("invalid_grant", "The code was used before; its tokens are revoked.")
    issued = registry.codes.get(code)
    if issued is None or issued.grant.client_id != client.client_id:
        raise Rejection("invalid_grant", "The code is unknown to this client.")
    if registry.now() >= issued.expires_at:
        raise Rejection("invalid_grant", "The code has expired.")
    if form.get("redirect_uri") != issued.redirect_uri:
        raise Rejection("invalid_grant", "redirect_uri is not that of the authorization request.")
    _require_verifier(form.get("code_verifier", ""), issued.code_challenge)
    registry.spent_codes[code] = registry.codes.pop(code).grant
    return issued.grant


def _require_verifier(verifier: str, challenge: str | None) -> None:
    if not _VERIFIER.fullmatch(verifier):
        raise Rejection("invalid_request", "code_verifier is missing or malformed.")
    if base64url(hashlib.sha256(verifier.encode("ascii")).digest()) != challenge:
        raise Rejection("invalid_grant", "code_verifier does not match the code_challenge.")


def _spend_refresh_token(registry: Registry, client: Client, form: Mapping[str, str]) -> Grant:
    value = form.get("refresh_token", "")
    if value in registry.spent_refresh_tokens:
        registry.revoke(registry.spent_refresh_tokens[value].family)
        raise Rejection("invalid_grant", "The refresh token was used before; its tokens are revoked.")
    grant = registry.refresh_tokens.get(value)
    if grant is None or grant.client_id != client.client_id:
        raise Rejection("invalid_grant", "The refresh token is unknown to this client.")
    wanted = form.get("scope", "").split()
    if not set(wanted) <= set(grant.scope):
        raise Rejection("invalid_scope", "The scope is wider than what was granted.")
    if client.rotates_refresh_tokens:
        registry.spent_refresh_tokens[value] = registry.refresh_tokens.pop(value)
    return grant


def _tokens(
    registry: Registry, spells: Sequence[Spell], client: Client, grant: Grant, *, is_refreshed: bool
) -> JSONObject:
    access_token = issue_access_token(registry, spells, client, token_data(registry, grant))
    document: JSONObject = _bearer(access_token, grant)
    if "openid" in grant.scope:
        document["id_token"] = issue_id_token(
            registry,
            spells,
            grant,
            client,
            stage=REFRESH_CLAIMS if is_refreshed else CODE_CLAIMS,
            access_token=access_token,
        )
    if "offline_access" in grant.scope and (client.rotates_refresh_tokens or not is_refreshed):
        document["refresh_token"] = registry.issue_refresh_token(grant)
    return document


def _bearer(access_token: str, grant: Grant) -> JSONObject:
    return {
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": ACCESS_TOKEN_LIFETIME,
        "scope": " ".join(grant.scope),
    }


def _client_credentials(
    registry: Registry, spells: Sequence[Spell], client: Client, form: Mapping[str, str], targets: Sequence[str]
) -> JSONObject:
    if client.token_endpoint_auth_method == "none":
        raise Rejection("unauthorized_client", "A public client cannot use client_credentials.")
    grant = Grant(client_id=client.client_id, scope=tuple(form.get("scope", "").split()))
    # a single audience is a string, as most providers issue it
    audience = targets[0] if len(targets) == 1 else targets or None
    issued = token_data(registry, grant, audience=audience)
    return _bearer(issue_access_token(registry, spells, client, issued), grant)


def read_targets(request: HttpRequest) -> list[str]:
    """Return the requested audiences: `resource` (RFC 8707 2) or `audience`."""
    pairs = read_pairs(request)
    resources = [value for name, value in pairs if name == "resource"]
    if any(not urlsplit(resource).scheme or "#" in resource for resource in resources):
        raise Rejection("invalid_target", "resource must be an absolute URI without a fragment.")
    return resources or [value for name, value in pairs if name == "audience"]
