"""The record of a request."""

from dataclasses import dataclass, field

from oidc_async.protocol.http_message import HttpRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRequest:
    """A request that reached the provider.

    Args:
        endpoint: discovery, jwks, authorization, token, userinfo, introspection, end_session, registration,
            or elsewhere.
        method: the HTTP method.
        path: the path of the URL.
        client_id: the client that authenticated, or that the bearer token was issued to.
        grant_type: of a token request.
        form_names: the names of the form fields, in order.
        status: of the response.
        request: the whole request, including secrets.
    """

    endpoint: str
    method: str
    path: str
    client_id: str | None = None
    grant_type: str | None = None
    form_names: tuple[str, ...] = ()
    status: int
    request: HttpRequest = field(repr=False)
