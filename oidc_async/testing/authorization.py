"""The authorization endpoint (OIDC Core 3.1.2, 3.2.2 and 3.3.2; RFC 9207)."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

from .access_token import issue_access_token, token_data
from .callback import Callback
from .discovery import RESPONSE_MODES, SCOPES
from .id_token import issue_id_token
from .registry import (
    ACCESS_TOKEN_LIFETIME,
    CODE_LIFETIME,
    Client,
    Grant,
    IssuedCode,
    ProviderSession,
    Registry,
    RequestedClaims,
)
from .registry import token as new_token
from .reply import RejectionPage, Reply, form_page, redirect_reply
from .request_object import requested_parameters
from .session_management import session_state
from .stages import AUTHORIZATION, FRONT_CHANNEL_CLAIMS, Answer, Scene, Spell, strike

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


class Denial(Exception):
    """Raised to answer the client with an error response (OIDC Core 3.1.2.6)."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description


class LoginNeeded(Exception):
    """Raised if the user has to log in first."""


def single_valued(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Map parameters to values; only `resource` may occur more than once.

    Raises:
        RejectionPage: another parameter occurs twice (RFC 6749 3.1, RFC 8707 2).
    """
    parameters = dict(pairs)
    names = [name for name, _ in pairs if name != "resource"]
    if len(set(names)) != len(names):
        raise RejectionPage("A parameter occurs twice.")
    return parameters


def answer_authorization(
    registry: Registry,
    spells: Sequence[Spell],
    parameters: Mapping[str, str],
    *,
    username: str | None,
    consent: bool = True,
) -> Answer:
    """Create the authorization response for the user of this browser.

    Args:
        registry: the state of the provider.
        spells: the faults in force.
        parameters: those of the authorization request, before any request object is read.
        username: the user who is logged in at the provider; None if nobody is.
        consent: False if the user denies the client access.

    Raises:
        RejectionPage: the client or its redirect URI is unknown, or the request object is invalid.
        LoginNeeded: nobody is logged in.
    """
    parameters = requested_parameters(registry, parameters)
    client = _require_client(registry, parameters)
    mode = parameters.get("response_mode") or default_response_mode(parameters.get("response_type", ""))
    answer = Answer(redirect_uri=parameters["redirect_uri"], parameters=[], response_mode=mode)
    try:
        _require_valid(client, parameters)
        if not consent:
            raise Denial("access_denied", "The user said no.")
        session = _require_session(registry, parameters, username)
        answer.parameters += _grant_access(registry, spells, client, parameters, session)
        if registry.manages_sessions:
            state = session_state(client.client_id, parameters["redirect_uri"], session[1])
            answer.parameters.append(("session_state", state))
    except Denial as denial:
        answer.parameters += [("error", denial.error), ("error_description", denial.description)]
        if mode not in RESPONSE_MODES:
            answer.response_mode = "query"
    if "state" in parameters:
        answer.parameters.append(("state", parameters["state"]))
    answer.parameters.append(("iss", registry.issuer))
    scene = Scene(issuer=registry.issuer, now=registry.now(), ring=registry.ring, client=client)
    return strike(spells, AUTHORIZATION, answer, scene)


def default_response_mode(response_type: str) -> str:
    return "query" if response_type in ("code", "none", "") else "fragment"


def _require_client(registry: Registry, parameters: Mapping[str, str]) -> Client:
    client = registry.clients.get(parameters.get("client_id", ""))
    if client is None:
        raise RejectionPage("No such client is registered.")
    if parameters.get("redirect_uri") not in client.redirect_uris:
        raise RejectionPage("This redirect_uri is not registered for the client.")
    return client


def _require_valid(client: Client, parameters: Mapping[str, str]) -> None:
    response_type = parameters.get("response_type", "")
    registered = [set(name.split()) for name in client.response_types]
    if set(response_type.split()) not in registered:
        raise Denial("unsupported_response_type", "This response_type is not registered for the client.")
    _require_response_mode(response_type, parameters)
    scope = parameters.get("scope", "").split()
    if "id_token" in response_type and "openid" not in scope:
        raise Denial("invalid_scope", "An ID token needs the scope openid.")
    if "id_token" in response_type and not parameters.get("nonce"):
        raise Denial("invalid_request", "nonce is missing.")
    if "code" in response_type.split():
        _require_challenge(parameters)
    prompts = parameters.get("prompt", "").split()
    if "none" in prompts and len(prompts) > 1:
        raise Denial("invalid_request", "prompt=none must be the only value.")


def _require_response_mode(response_type: str, parameters: Mapping[str, str]) -> None:
    mode = parameters.get("response_mode", default_response_mode(response_type))
    if mode not in RESPONSE_MODES:
        raise Denial("invalid_request", "This response_mode is not supported.")
    if mode == "query" and default_response_mode(response_type) == "fragment":
        raise Denial("invalid_request", "Tokens must not be in the query.")


def _require_challenge(parameters: Mapping[str, str]) -> None:
    if parameters.get("code_challenge_method") != "S256":
        raise Denial("invalid_request", "code_challenge_method must be S256.")
    if not _CHALLENGE.fullmatch(parameters.get("code_challenge", "")):
        raise Denial("invalid_request", "code_challenge is missing or not a SHA-256 hash.")


def _require_session(
    registry: Registry, parameters: Mapping[str, str], username: str | None
) -> tuple[str, ProviderSession]:
    """Return the user's session, a new one if the request requires a login."""
    prompts = parameters.get("prompt", "").split()
    silent = "none" in prompts
    if username is None or (silent and username in registry.signed_out):
        raise Denial("login_required", "Nobody is logged in.") if silent else LoginNeeded
    if username not in registry.users:
        raise KeyError(f"no user {username!r}; add_user() first")
    session = registry.sessions.get(username)
    too_old = session is not None and registry.is_older_than(session, parameters.get("max_age"))
    if too_old and silent:
        raise Denial("login_required", "The login is too old.")
    if session is None or too_old or "login" in prompts:
        session = registry.sign_in(username)
    return username, session


def _grant_access(
    registry: Registry,
    spells: Sequence[Spell],
    client: Client,
    parameters: Mapping[str, str],
    session: tuple[str, ProviderSession],
) -> list[tuple[str, str]]:
    wanted = parameters["response_type"].split()
    asked = parameters.get("scope", "").split()
    claims = requested_claims(parameters)
    grant = Grant(
        client_id=client.client_id,
        scope=tuple(name for name in asked if name in SCOPES),
        user=registry.users[session[0]],
        session=session[1],
        nonce=parameters.get("nonce"),
        acr=_acr(parameters, claims),
        claims=claims,
    )
    response: list[tuple[str, str]] = []
    code = access_token = None
    if "code" in wanted:
        code = _issue_code(registry, grant, parameters)
        response.append(("code", code))
    if "token" in wanted:
        access_token = issue_access_token(registry, spells, client, token_data(registry, grant))
        response += [("access_token", access_token), ("token_type", "Bearer")]
        response.append(("expires_in", str(ACCESS_TOKEN_LIFETIME)))
    if "id_token" in wanted:
        id_token = issue_id_token(
            registry,
            spells,
            grant,
            client,
            stage=FRONT_CHANNEL_CLAIMS,
            access_token=access_token,
            code=code,
            state=parameters.get("state"),
        )
        response.append(("id_token", id_token))
    return response


def _issue_code(registry: Registry, grant: Grant, parameters: Mapping[str, str]) -> str:
    code = new_token()
    registry.codes[code] = IssuedCode(
        grant=grant,
        redirect_uri=parameters["redirect_uri"],
        code_challenge=parameters["code_challenge"],
        expires_at=registry.now() + CODE_LIFETIME,
    )
    return code


def requested_claims(parameters: Mapping[str, str]) -> RequestedClaims:
    """Read the `claims` parameter (OIDC Core 5.5). Raises Denial."""
    try:
        claims: Any = json.loads(parameters.get("claims", "{}"))
    except ValueError:
        raise Denial("invalid_request", "claims is not JSON.") from None
    if not isinstance(claims, dict):
        raise Denial("invalid_request", "claims is not a JSON object.")
    members = cast(dict[str, Any], claims)
    return {name: members[name] for name in ("id_token", "userinfo") if isinstance(members.get(name), dict)}


def _acr(parameters: Mapping[str, str], claims: RequestedClaims) -> str | None:
    """Return the first requested acr value; this provider supports all of them."""
    asked: dict[str, Any] = claims.get("id_token", {}).get("acr") or {}
    values: list[str] = [*asked.get("values", ()), *([asked["value"]] if "value" in asked else ())]
    values += parameters.get("acr_values", "").split()
    return values[0] if values else None


def reply_with(answer: Answer) -> Reply:
    """Return the redirect or form_post page with the authorization response."""
    fields = tuple(answer.parameters)
    if answer.response_mode == "form_post":
        return form_page(answer.redirect_uri, fields)
    return redirect_reply(callback_url(answer))


def callback_with(answer: Answer) -> Callback:
    """Return the browser's request to the redirect URI."""
    fields = tuple(answer.parameters)
    if answer.response_mode == "form_post":
        return Callback(url=answer.redirect_uri, method="POST", parameters=fields)
    return Callback(url=callback_url(answer), parameters=fields)


def callback_url(answer: Answer) -> str:
    encoded = urlencode(answer.parameters)
    if answer.response_mode == "fragment":
        return f"{answer.redirect_uri}#{encoded}"
    separator = "&" if urlsplit(answer.redirect_uri).query else "?"
    return f"{answer.redirect_uri}{separator}{encoded}" if encoded else answer.redirect_uri
