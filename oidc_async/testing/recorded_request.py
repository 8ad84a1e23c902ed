"""What the provider remembers of a request."""

from dataclasses import dataclass, field

from oidc_async.protocol.http_message import HttpRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRequest:
    """One request that reached the provider.

    Parameters:
        endpoint: discovery, jwks, authorization, token, userinfo, introspection, end_session, registration,
            or elsewhere.
        client_id: the client that authenticated itself, or that the bearer token was issued to.
        grant_type: of a token request.
        form_names: the names of the form fields, in order.
        status: of the response.
        request: as it came, secrets and all.
    """

    endpoint: str
    method: str
    path: str
    client_id: str | None = None
    grant_type: str | None = None
    form_names: tuple[str, ...] = ()
    status: int
    request: HttpRequest = field(repr=False)
