"""Dynamic client registration and its management (OIDC Registration 3, 4; RFC 7591, RFC 7592)."""

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn, cast

from oidc_async.errors import RegistrationInvalid

from .http_message import HttpRequest, HttpResponse
from .metadata import ClientMetadata, ProviderMetadata
from .oauth_error import require_success
from .private_network import PUBLIC, PrivateNetwork
from .strict_json import read_object
from .uri import is_plaintext

MAX_CREDENTIAL_LENGTH = 8192
"""In characters. Stateless providers encode the whole registration in the client_id (RFC 7591 A.5.2)."""
NOT_SENT_IN_UPDATES = frozenset(
    {"client_id_issued_at", "client_secret_expires_at", "registration_access_token", "registration_client_uri"}
)
"""Members that the provider issues and an update request must not contain (RFC 7592 2.2)."""
ISSUED_BY_PROVIDER = NOT_SENT_IN_UPDATES | {"client_id", "client_secret"}
LISTS = ("redirect_uris", "response_types", "grant_types", "post_logout_redirect_uris", "request_uris")
ALGORITHMS = ("_alg", "_enc", "_auth_method")
NONE_ONLY_IF_REQUESTED = frozenset({"token_endpoint_auth_method"})
"""Metadata that is never `none` unless requested, even if the request did not contain it."""
SIGNED_RESPONSE = "_signed_response_alg"
"""The suffix of algorithms of responses that this client verifies whatever the provider registered."""
MAX_ALGORITHM_LENGTH = 100
_HEADER_VALUE = re.compile(r"[\x21-\x7e]+")


def is_bearer_token(value: object) -> bool:
    """Return whether `value` can be sent as a bearer token without encoding."""
    return isinstance(value, str) and _HEADER_VALUE.fullmatch(value) is not None


def registration_request(
    provider: ProviderMetadata, metadata: Mapping[str, Any], initial_access_token: str | None
) -> HttpRequest:
    """Return the request to register a client (OIDC Registration 3.1). It is never retried: each creates a client."""
    return _request("POST", provider["registration_endpoint"], initial_access_token, metadata)


def client_read_request(client: ClientMetadata) -> HttpRequest:
    """Return the request to read the current registration (RFC 7592 2.1)."""
    return HttpRequest(
        method="GET",
        url=client["registration_client_uri"],
        headers=_headers(_management_token(client)),
        repeatable=True,
    )


def client_update_request(client: ClientMetadata, metadata: Mapping[str, Any]) -> HttpRequest:
    """Return the request to replace all metadata (RFC 7592 2.2). The client_id and client_secret stay the same."""
    sent = {name: value for name, value in metadata.items() if name not in NOT_SENT_IN_UPDATES and value is not None}
    secret = {"client_secret": client["client_secret"]} if "client_secret" in client else {}
    document = {**sent, "client_id": client["client_id"], **secret}
    return _request("PUT", client["registration_client_uri"], _management_token(client), document)


def client_delete_request(client: ClientMetadata) -> HttpRequest:
    """Return the request to delete the registration (RFC 7592 2.3)."""
    return HttpRequest(
        method="DELETE", url=client["registration_client_uri"], headers=_headers(_management_token(client))
    )


def is_manageable(client: ClientMetadata) -> bool:
    """Return whether the provider supports management of this registration (RFC 7592 3)."""
    return "registration_client_uri" in client and "registration_access_token" in client


def read_registration(
    response: HttpResponse,
    requested: Mapping[str, Any],
    *,
    endpoint: str,
    now: float,
    former: ClientMetadata | None = None,
    network: PrivateNetwork = PUBLIC,
) -> ClientMetadata:
    """Read the registered client (OIDC Registration 3.2, RFC 7591 3.2.1, RFC 7592 3).

    A provider may register other values than requested (OIDC Registration 3.2). If it registers `none` for a signed
    response, the requested algorithm is kept, so that an unsigned response is rejected later.

    Args:
        response: the response of the provider.
        requested: the requested metadata. Members that the response doesn't contain have the requested values.
        endpoint: the URL of the request.
        now: seconds since the epoch.
        former: the registration before a read or an update.
        network: the addresses that may use http.

    Raises:
        RegistrationInvalid: the client differs from the request in a way that can't be accepted.
        OAuthError: the provider answers with an error response.
        ProviderUnreachable: the provider answers 5xx.
    """
    # The order matters: a response is only merged after it is known to be a registration, and only validated after
    # the merge, because it may omit members that keep their requested values.
    document = _read_document(response)
    expected = _expected(requested, former)
    client = _merge(expected, document)
    _require_types(client)
    _require_credentials(client, now)
    if former is not None and client["client_id"] != former["client_id"]:
        _reject("client_id", "must stay the same")
    _require_expected(client, expected)
    _require_management(client, endpoint, network)
    return client


def read_deletion(response: HttpResponse) -> None:
    """Require that the registration was deleted (RFC 7592 2.3). Raises ProviderError."""
    require_success(response, "client configuration endpoint")
    if response.status not in (200, 204):
        raise RegistrationInvalid(
            f"The response to the deletion of a client must have status 204, not {response.status}.",
            status=response.status,
        )


def _request(method: str, url: str, token: str | None, document: Mapping[str, Any]) -> HttpRequest:
    headers = {**_headers(token), "content-type": "application/json"}
    return HttpRequest(method=method, url=url, headers=headers, body=json.dumps(document).encode())


def _headers(token: str | None) -> dict[str, str]:
    accept = {"accept": "application/json"}
    return accept if token is None else {**accept, "authorization": f"Bearer {token}"}


def _management_token(client: ClientMetadata) -> str:
    return str(client["registration_access_token"])


def _read_document(response: HttpResponse) -> dict[str, Any]:
    require_success(response, "registration endpoint")
    # 201 for a registration, 200 for a read or an update; some providers answer 200 to all of them.
    if response.status not in (200, 201):
        raise RegistrationInvalid(
            f"The registration response must have status 201, not {response.status}. Redirects are not followed.",
            status=response.status,
        )
    try:
        return read_object(response.body)
    except ValueError as error:
        raise RegistrationInvalid(f"The registration response must be one JSON object: {error}") from None


def _expected(requested: Mapping[str, Any], former: ClientMetadata | None) -> dict[str, Any]:
    """Return the values of members that the response doesn't contain."""
    if former is None or not requested:
        return dict(former or requested)
    # An update replaces all metadata except these members.
    return {**{name: former[name] for name in former if name in ISSUED_BY_PROVIDER}, **requested}


def _merge(known: dict[str, Any], document: dict[str, Any]) -> ClientMetadata:
    received = {name: value for name, value in document.items() if not _is_ignored(name, value)}
    if "client_secret" in received:
        # The expiry of the former secret does not apply to a new one.
        known.pop("client_secret_expires_at", None)
    return ClientMetadata(**{**known, **received})


def _is_ignored(name: str, value: object) -> bool:
    return value is None or (name.endswith(SIGNED_RESPONSE) and value == "none")


def _require_types(client: ClientMetadata) -> None:
    for name, value in client.items():
        if name.endswith(ALGORITHMS) and not (isinstance(value, str) and len(value) <= MAX_ALGORITHM_LENGTH):
            _reject(name, "must be a short string")
        if name in LISTS and not _is_list_of_strings(value):
            _reject(name, "must be a list of strings")


def _require_credentials(client: ClientMetadata, now: float) -> None:
    if not _is_credential(client.get("client_id")):
        _reject("client_id", "must be a non-empty string of printable characters")
    if "client_secret" not in client:
        return
    if not _is_credential(client["client_secret"]):
        _reject("client_secret", "must be a non-empty string of printable characters")
    # RFC 7591 requires it with a secret, but a missing one does no harm.
    if not _is_time(client.get("client_secret_expires_at", 0)):
        _reject("client_secret_expires_at", "must be a number of seconds since 1970, or 0")
    if has_expired_secret(client, now):
        _reject("client_secret_expires_at", "must not be in the past")


def has_expired_secret(client: ClientMetadata, now: float) -> bool:
    """Return whether client_secret has expired (RFC 7591 3.2.1); 0 means that it never expires."""
    expires_at: float = client.get("client_secret_expires_at", 0)
    return "client_secret" in client and 0 < expires_at <= now


def _require_expected(client: ClientMetadata, expected: Mapping[str, Any]) -> None:
    for uri in expected.get("redirect_uris", ()):
        if uri not in client["redirect_uris"]:
            _reject("redirect_uris", f"must contain {uri}, which was requested")
    registered = [set(response_type.split()) for response_type in client.get("response_types", ())]
    for response_type in expected.get("response_types", ()):
        if set(response_type.split()) not in registered:
            _reject("response_types", f"must contain {response_type!r}, which was requested")
    # A provider that downgrades an algorithm or the client authentication to none would remove a protection that the
    # application relies on.
    for name in sorted(NONE_ONLY_IF_REQUESTED | {name for name in expected if name.endswith(ALGORITHMS)}):
        if client.get(name) == "none" and expected.get(name) != "none":
            _reject(name, "must not be none, which was not requested")


def _require_management(client: ClientMetadata, endpoint: str, network: PrivateNetwork) -> None:
    if "registration_access_token" in client and not is_bearer_token(client["registration_access_token"]):
        _reject("registration_access_token", "must be a bearer token")
    uri = client.get("registration_client_uri")
    if uri is None:
        return
    problem = network.uri_problem(uri)
    is_allowed = problem is None and network.accepts_plaintext(uri)
    # A public provider must not send requests with tokens to a service on this machine.
    if problem is None and is_plaintext(uri) and not is_plaintext(endpoint) and not is_allowed:
        problem = "must use https as the registration endpoint does"
    if problem:
        _reject("registration_client_uri", problem)


def _reject(name: str, problem: str) -> NoReturn:
    raise RegistrationInvalid(f"{name} in the registration response {problem}.", field=name)


def _is_credential(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_CREDENTIAL_LENGTH and value.isprintable()


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _is_list_of_strings(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, str) for item in cast("list[object]", value))
