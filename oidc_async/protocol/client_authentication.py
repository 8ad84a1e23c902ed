"""Client authentication at the provider's endpoints (OIDC Core 9, RFC 6749 2.3, RFC 7523, RFC 8705)."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import quote_plus, urlencode

from oidc_async.errors import ConfigurationError

from .client_assertion import ASSERTION_TYPE
from .http_message import HttpRequest
from .jose.jws import ALGORITHMS
from .metadata import ClientMetadata, ProviderMetadata
from .uri import is_encodable

SECRET_METHODS = ("client_secret_basic", "client_secret_post", "client_secret_jwt")
TLS_METHODS = ("tls_client_auth", "self_signed_tls_client_auth")
METHODS = (*SECRET_METHODS, "private_key_jwt", *TLS_METHODS, "none")
Endpoint = Literal["token", "introspection", "revocation"]
ENDPOINTS: tuple[Endpoint, ...] = ("token", "introspection", "revocation")
SIGNING_ALGORITHMS: Mapping[str, tuple[str, ...]] = {
    "client_secret_jwt": tuple(name for name, alg in ALGORITHMS.items() if alg.kty == "oct"),
    "private_key_jwt": tuple(name for name, alg in ALGORITHMS.items() if alg.kty != "oct"),
}
"""The signature algorithms of assertions, by authentication method."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientAuthentication:
    """A client and how it authenticates one request. An `assertion` can be used only once."""

    method: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    assertion: str | None = field(default=None, repr=False)


def authentication_method(client: ClientMetadata, provider: ProviderMetadata, endpoint: str = "token") -> str:
    """Return the registered authentication method of an endpoint, else one that the provider supports.

    The method of the token endpoint is the default for the other endpoints.
    """
    return _registered(client, endpoint, "auth_method") or _supported_method(client, provider, endpoint)


def assertion_algorithm(client: ClientMetadata, endpoint: str = "token") -> str | None:
    """Return the registered signature algorithm of assertions; None if any is allowed (OIDC Registration 2)."""
    algorithm: str | None = _registered(client, endpoint, "auth_signing_alg")
    return algorithm


def supported_algorithms(provider: ProviderMetadata, endpoint: str = "token") -> tuple[str, ...] | None:
    """Return the signature algorithms that the provider accepts, if it lists them (OIDC Discovery 3, RFC 8414 2)."""
    listed: list[str] | None = provider.get(f"{endpoint}_endpoint_auth_signing_alg_values_supported")
    if listed is None and endpoint != "token":
        return supported_algorithms(provider)
    return None if listed is None else tuple(listed)


def _registered(client: ClientMetadata, endpoint: str, name: str) -> Any:
    return client.get(f"{endpoint}_endpoint_{name}") or client.get(f"token_endpoint_{name}")


def _supported_method(client: ClientMetadata, provider: ProviderMetadata, endpoint: str) -> str:
    if "client_secret" not in client:
        return "none"
    of_tokens = provider.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    supported = provider.get(f"{endpoint}_endpoint_auth_methods_supported", of_tokens)
    # client_secret_basic is the default of OIDC Discovery 3. A client that did not choose gets client_secret_post
    # only if the provider does not support client_secret_basic.
    only_post = "client_secret_post" in supported and "client_secret_basic" not in supported
    return "client_secret_post" if only_post else "client_secret_basic"


def registered_methods(client: Mapping[str, Any]) -> frozenset[str]:
    """Return the authentication methods that the client registered, for all endpoints."""
    return frozenset(filter(None, (client.get(f"{endpoint}_endpoint_auth_method") for endpoint in ENDPOINTS)))


def uses_mtls(client: Mapping[str, Any]) -> bool:
    """Return whether the client uses a TLS certificate, for authentication or bound tokens (RFC 8705 2, 3.4)."""
    is_bound = client.get("tls_client_certificate_bound_access_tokens") is True
    return is_bound or not registered_methods(client).isdisjoint(TLS_METHODS)


def uses_mtls_endpoints(client: Mapping[str, Any]) -> bool:
    """Return whether the client uses `mtls_endpoint_aliases` (RFC 8705 5).

    It does if it has a certificate, or registered `use_mtls_endpoint_aliases` (FAPI 2.0 Security Profile 5.2.2.1).
    """
    return uses_mtls(client) or client.get("use_mtls_endpoint_aliases") is True


def require_client(client: ClientMetadata, provider: ProviderMetadata | None = None) -> None:
    """Require that the client can authenticate with its registered methods.

    Args:
        client: the metadata of the client.
        provider: the configured metadata of the provider, if any: it may list supported methods.

    Raises:
        ConfigurationError: a member is missing, unsupported or too short.
    """
    client_id, secret = client.get("client_id"), client.get("client_secret")
    if not client_id or not is_encodable(client_id):
        raise ConfigurationError("ClientMetadata needs client_id, the identifier of the client at the provider.")
    if secret is not None and not (secret and is_encodable(secret)):
        raise ConfigurationError(
            "client_secret in ClientMetadata must be a non-empty string. Omit it for a public client."
        )
    for endpoint in ENDPOINTS:
        _require_method(endpoint, client)
        _require_supported(endpoint, client, provider or ProviderMetadata())


def _require_method(endpoint: str, client: ClientMetadata) -> None:
    name, secret = f"{endpoint}_endpoint_auth_method", client.get("client_secret")
    method = client.get(name)
    if method is not None and method not in METHODS:
        raise ConfigurationError(f"{name} {method!r} is not supported; use one of {', '.join(METHODS)}.")
    if method in SECRET_METHODS and not secret:
        raise ConfigurationError(f"{name} {method!r} needs client_secret in ClientMetadata.")
    used = _registered(client, endpoint, "auth_method")
    if used in SIGNING_ALGORITHMS:
        _require_algorithm(endpoint, used, client)


def _require_algorithm(endpoint: str, method: str, client: ClientMetadata) -> None:
    algorithm, allowed = assertion_algorithm(client, endpoint), SIGNING_ALGORITHMS[method]
    if algorithm is not None and algorithm not in allowed:
        raise ConfigurationError(
            f"{endpoint}_endpoint_auth_signing_alg must be one of {', '.join(allowed)} for {method}."
        )
    if method == "client_secret_jwt":
        require_secret_for(algorithm or "HS256", client, method)


def require_secret_for(algorithm: str, client: ClientMetadata, purpose: str) -> None:
    """Raise ConfigurationError if client_secret is too short for HS256, HS384 or HS512 (RFC 7518 3.2)."""
    size = int(algorithm[2:]) // 8 if algorithm.startswith("HS") else 0
    if len(client.get("client_secret", "").encode()) < size:
        raise ConfigurationError(f"{purpose} {algorithm} needs a client_secret of at least {size} bytes.")


def _require_supported(endpoint: str, client: ClientMetadata, provider: ProviderMetadata) -> None:
    name = f"{endpoint}_endpoint_auth_method"
    method, supported = client.get(name), provider.get(f"{name}s_supported")
    if method is not None and supported is not None and method not in supported:
        raise ConfigurationError(f"{name} {method!r} is not in {name}s_supported of provider_metadata.")


def authenticated_request(
    url: str, form: Mapping[str, str | Sequence[str]], client: ClientAuthentication
) -> HttpRequest:
    """Return a POST request of an authenticated client. It is never retried: it may contain a one-time code."""
    headers = {"accept": "application/json", "content-type": "application/x-www-form-urlencoded"}
    # With Basic, client_id is not repeated in the form: RFC 6749 2.3 allows only one method per request, and some
    # providers take a client_id in the form for a second one.
    if client.method == "client_secret_basic":
        headers["authorization"] = _basic(client.client_id, client.client_secret or "")
    else:
        form = {**form, "client_id": client.client_id, **_credentials(client)}
    return HttpRequest(method="POST", url=url, headers=headers, body=urlencode(form, doseq=True).encode())


def _credentials(client: ClientAuthentication) -> dict[str, str]:
    """Return the credentials in the form; none for a certificate or a public client."""
    if client.assertion is not None:
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": client.assertion}
    return {"client_secret": client.client_secret or ""} if client.method == "client_secret_post" else {}


# Cached, because an API sends the same header with each introspection request.
@lru_cache(maxsize=64)
def _basic(client_id: str, client_secret: str) -> str:
    # RFC 6749 2.3.1 form-encodes both parts first, so that they may contain colons and percent signs.
    pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
    return "Basic " + b64encode(pair.encode()).decode()
