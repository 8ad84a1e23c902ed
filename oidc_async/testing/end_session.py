"""RP-initiated logout (OIDC RP-Initiated Logout 1.0)."""

from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from oidc_async.protocol.http_message import HttpRequest

from .authorization import single_valued
from .registry import Client, Registry
from .reply import RejectionPage, Reply, page_reply, redirect_reply

FORM_TYPE = "application/x-www-form-urlencoded"


def logout_parameters(request: HttpRequest, pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Return the parameters: unique, and in the body of a POST. Raises RejectionPage."""
    if request.method == "POST":
        headers = {name.lower(): value for name, value in request.headers.items()}
        if headers.get("content-type", "").partition(";")[0].strip().lower() != FORM_TYPE:
            raise RejectionPage(f"The body must be {FORM_TYPE}.")
        if urlsplit(request.url).query:
            raise RejectionPage("The parameters of a POST must be in the body.")
    return single_valued(pairs)


def end_session(registry: Registry, parameters: Mapping[str, str], *, username: str | None) -> Reply:
    """Log the user out, and redirect the browser if the client registered the URI."""
    hint = parameters.get("id_token_hint")
    grant = registry.id_tokens.get(hint) if hint else None
    if hint and grant is None:
        raise RejectionPage("id_token_hint is not an ID token of this provider.")
    client_id = parameters.get("client_id") or (grant.client_id if grant else None)
    if client_id is not None and client_id not in registry.clients:
        raise RejectionPage("client_id is unknown.")
    if grant and client_id != grant.client_id:
        raise RejectionPage("client_id is not the one that id_token_hint was issued to.")
    location = _location(registry.clients.get(client_id or ""), parameters)
    leaving = grant.user.username if grant and grant.user else username
    if leaving is not None:
        registry.sign_out(leaving)
    return redirect_reply(location) if location else page_reply("Logged out", "<p>You are logged out.</p>")


def _location(client: Client | None, parameters: Mapping[str, str]) -> str | None:
    target = parameters.get("post_logout_redirect_uri")
    if not target:
        return None
    if client is None or target not in client.post_logout_redirect_uris:
        raise RejectionPage("This post_logout_redirect_uri is not registered for the client.")
    if "state" not in parameters:
        return target
    return f"{target}{'&' if urlsplit(target).query else '?'}{urlencode({'state': parameters['state']})}"
