"""How a client proves to an endpoint of the provider who it is (OIDC Core 9, RFC 6749 2.3.1)."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote_plus, urlencode

from ..errors import ConfigurationError
from .http_message import HttpRequest
from .metadata import ClientMetadata, ProviderMetadata
from .uri import is_encodable

METHODS = ("client_secret_basic", "client_secret_post", "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientAuthentication:
    """A client and the method that it registered."""

    method: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)


def client_authentication(
    client: ClientMetadata, provider: ProviderMetadata, endpoint: str = "token"
) -> ClientAuthentication:
    """The registered `token_endpoint_auth_method`, else one that the provider supports.

    For another endpoint: `introspection_endpoint_auth_method` and the like, else as for the token endpoint.
    """
    method = (
        client.get(f"{endpoint}_endpoint_auth_method")
        or client.get("token_endpoint_auth_method")
        or _supported_method(client, provider, endpoint)
    )
    return ClientAuthentication(
        method=method, client_id=client["client_id"], client_secret=client.get("client_secret")
    )


def _supported_method(client: ClientMetadata, provider: ProviderMetadata, endpoint: str) -> str:
    if "client_secret" not in client:
        return "none"
    of_tokens = provider.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    supported = provider.get(f"{endpoint}_endpoint_auth_methods_supported", of_tokens)
    only_post = "client_secret_post" in supported and "client_secret_basic" not in supported
    return "client_secret_post" if only_post else "client_secret_basic"


def require_client(client: ClientMetadata) -> None:
    """Raise ConfigurationError unless the client can authenticate as it is registered."""
    client_id, secret = client.get("client_id"), client.get("client_secret")
    if not client_id or not is_encodable(client_id):
        raise ConfigurationError("ClientMetadata needs client_id, the identifier the provider gave the client.")
    if secret is not None and not (secret and is_encodable(secret)):
        raise ConfigurationError(
            "client_secret in ClientMetadata must be a string that is not empty. Leave it out for a public client."
        )
    for name in ("token_endpoint_auth_method", "introspection_endpoint_auth_method"):
        _require_method(name, client.get(name), secret)


def _require_method(name: str, method: str | None, secret: str | None) -> None:
    if method is not None and method not in METHODS:
        raise ConfigurationError(f"{name} {method!r} is not supported; use one of {', '.join(METHODS)}.")
    if method in ("client_secret_basic", "client_secret_post") and not secret:
        raise ConfigurationError(f"{name} {method!r} needs client_secret in ClientMetadata.")


def authenticated_request(
    url: str, form: Mapping[str, str | Sequence[str]], client: ClientAuthentication
) -> HttpRequest:
    """A POST of `form` to `url` as `client`. Never repeatable: it may carry a code that is good once."""
    headers = {"accept": "application/json", "content-type": "application/x-www-form-urlencoded"}
    if client.method == "client_secret_basic":
        headers["authorization"] = _basic(client)
    elif client.method == "client_secret_post":
        form = {**form, "client_id": client.client_id, "client_secret": client.client_secret or ""}
    else:
        form = {**form, "client_id": client.client_id}
    return HttpRequest(method="POST", url=url, headers=headers, body=urlencode(form, doseq=True).encode())


def _basic(client: ClientAuthentication) -> str:
    # form-encoded first: a colon or a percent sign in either part would otherwise be misread
    pair = f"{quote_plus(client.client_id)}:{quote_plus(client.client_secret or '')}"
    return "Basic " + b64encode(pair.encode()).decode()
