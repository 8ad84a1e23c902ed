"""The pushed authorization request endpoint (RFC 9126), strict."""

from collections.abc import Mapping

from .registry import Client, Registry, token
from .reply import JSONObject, Rejection, RejectionPage
from .request_object import PUSHED, pushed_parameters

LIFETIME = 600
OF_THE_CLIENT = frozenset({"client_secret", "client_assertion", "client_assertion_type"})


def push(registry: Registry, client: Client, form: Mapping[str, str]) -> JSONObject:
    """Store the request and return its request_uri. Raises Rejection."""
    parameters = {name: value for name, value in form.items() if name not in OF_THE_CLIENT}
    if "request_uri" in parameters or parameters.get("client_id", client.client_id) != client.client_id:
        raise Rejection("invalid_request", "client_id must be that of the client, and request_uri must be absent.")
    if "request" in parameters and not parameters.keys() <= {"request", "client_id"}:
        raise Rejection("invalid_request", "Only client authentication may be sent beside request.")
    try:
        wanted = pushed_parameters(registry, client, parameters)
    except RejectionPage:
        raise Rejection("invalid_request_object", "The request object is rejected.") from None
    if wanted.get("redirect_uri") not in client.redirect_uris:
        raise Rejection("invalid_request", "redirect_uri is not registered for the client.")
    name = PUSHED + token()
    registry.pushed[name] = (client.client_id, dict(wanted), registry.now() + LIFETIME)
    return {"request_uri": name, "expires_in": LIFETIME}
