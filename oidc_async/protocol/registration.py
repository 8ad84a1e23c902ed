"""Registering a client with the provider, and managing it there (OIDC Registration 3, 4; RFC 7591, RFC 7592)."""

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
"""Characters: some providers keep nothing of a client, and write all of it into its identifier (RFC 7591 A.5.2)."""
NOT_SENT_IN_UPDATES = frozenset(
    {"client_id_issued_at", "client_secret_expires_at", "registration_access_token", "registration_client_uri"}
)
"""What the provider says of a registration, and must not be told (RFC 7592 2.2)."""
ISSUED_BY_PROVIDER = NOT_SENT_IN_UPDATES | {"client_id", "client_secret"}
LISTS = ("redirect_uris", "response_types", "grant_types", "post_logout_redirect_uris", "request_uris")
ALGORITHMS = ("_alg", "_enc", "_auth_method")
NONE_ONLY_IF_REQUESTED = frozenset({"token_endpoint_auth_method"})
"""What must not be none unless it was asked for so; of the others, only what was asked for at all."""
SIGNED_RESPONSE = "_signed_response_alg"
"""The end of the names of metadata about responses that this client verifies, whatever the provider registered."""
LONGEST_NAME = 100
_HEADER_VALUE = re.compile(r"[\x21-\x7e]+")


def is_bearer_token(value: object) -> bool:
    """Whether `value` can be sent as a bearer token, as it is."""
    return isinstance(value, str) and _HEADER_VALUE.fullmatch(value) is not None


def registration_request(
    provider: ProviderMetadata, metadata: Mapping[str, Any], initial_access_token: str | None
) -> HttpRequest:
    """Register a client with `metadata` (OIDC Registration 3.1). Never repeatable: each makes another client."""
    return _request("POST", provider["registration_endpoint"], initial_access_token, metadata)


def client_read_request(client: ClientMetadata) -> HttpRequest:
    """Ask how the client is registered now (RFC 7592 2.1)."""
    return HttpRequest(
        method="GET", url=client["registration_client_uri"], headers=_headers(_token_of(client)), repeatable=True
    )


def client_update_request(client: ClientMetadata, metadata: Mapping[str, Any]) -> HttpRequest:
    """Replace all that is registered by `metadata` (RFC 7592 2.2); the client and its secret stay the same."""
    sent = {name: value for name, value in metadata.items() if name not in NOT_SENT_IN_UPDATES and value is not None}
    secret = {"client_secret": client["client_secret"]} if "client_secret" in client else {}
    document = {**sent, "client_id": client["client_id"], **secret}
    return _request("PUT", client["registration_client_uri"], _token_of(client), document)


def client_delete_request(client: ClientMetadata) -> HttpRequest:
    """End the registration (RFC 7592 2.3)."""
    return HttpRequest(method="DELETE", url=client["registration_client_uri"], headers=_headers(_token_of(client)))


def is_manageable(client: ClientMetadata) -> bool:
    """Whether the provider said where and how the registration can be changed (RFC 7592 3)."""
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
    """The client as it is registered (OIDC Registration 3.2, RFC 7591 3.2.1, RFC 7592 3).

    Parameters:
        requested: what was asked for; what the response doesn't mention is as it was asked for.
        endpoint: the URL that was asked.
        now: seconds since the epoch.
        former: the client as it was, when it was read or updated.
        network: at which addresses it may be managed besides those of https.

    A provider may register other values than were asked for (OIDC Registration 3.2). Where it registered `none` for a
    signed response, the algorithm that was asked for is kept: an unsigned response is rejected then when it comes.

    Raises RegistrationInvalid for a client that is not the one that was asked for, OAuthError or ProviderUnreachable.
    """
    document = _read_document(response)
    expected = _expected(requested, former)
    client = _laid_over(expected, document)
    _require_types(client)
    _require_credentials(client, now)
    if former is not None and client["client_id"] != former["client_id"]:
        _refuse("client_id", "must stay the same")
    _require_expected(client, expected)
    _require_management(client, endpoint, network)
    return client


def read_deletion(response: HttpResponse) -> None:
    """Raise ProviderError unless the registration has ended (RFC 7592 2.3)."""
    require_success(response, "client configuration endpoint")
    if response.status not in (200, 204):
        raise RegistrationInvalid(
            f"The client configuration endpoint must answer a deletion with 204, not {response.status}.",
            status=response.status,
        )


def _request(method: str, url: str, token: str | None, document: Mapping[str, Any]) -> HttpRequest:
    headers = {**_headers(token), "content-type": "application/json"}
    return HttpRequest(method=method, url=url, headers=headers, body=json.dumps(document).encode())


def _headers(token: str | None) -> dict[str, str]:
    accept = {"accept": "application/json"}
    return accept if token is None else {**accept, "authorization": f"Bearer {token}"}


def _token_of(client: ClientMetadata) -> str:
    return str(client["registration_access_token"])


def _read_document(response: HttpResponse) -> dict[str, Any]:
    require_success(response, "registration endpoint")
    # the specifications say 201 and 200; some providers answer 200 to both
    if response.status not in (200, 201):
        raise RegistrationInvalid(
            f"The registration endpoint must answer 201, not {response.status}; redirects are not followed.",
            status=response.status,
        )
    try:
        return read_object(response.body)
    except ValueError as error:
        raise RegistrationInvalid(f"The registration response must be one JSON object: {error}") from None


def _expected(requested: Mapping[str, Any], former: ClientMetadata | None) -> dict[str, Any]:
    """What the client is like where the response doesn't say."""
    if former is None or not requested:
        return dict(former or requested)
    # an update replaces everything but these
    return {**{name: former[name] for name in former if name in ISSUED_BY_PROVIDER}, **requested}


def _laid_over(known: dict[str, Any], document: dict[str, Any]) -> ClientMetadata:
    told = {name: value for name, value in document.items() if not _says_nothing(name, value)}
    if "client_secret" in told:
        # when the former secret expired says nothing of this one
        known.pop("client_secret_expires_at", None)
    return ClientMetadata(**{**known, **told})


def _says_nothing(name: str, value: object) -> bool:
    return value is None or (name.endswith(SIGNED_RESPONSE) and value == "none")


def _require_types(client: ClientMetadata) -> None:
    for name, value in client.items():
        if name.endswith(ALGORITHMS) and not (isinstance(value, str) and len(value) <= LONGEST_NAME):
            _refuse(name, "must be a short string")
        if name in LISTS and not _is_list_of_strings(value):
            _refuse(name, "must be a list of strings")


def _require_credentials(client: ClientMetadata, now: float) -> None:
    if not _is_credential(client.get("client_id")):
        _refuse("client_id", "must be printable text, and not empty")
    if "client_secret" not in client:
        return
    if not _is_credential(client["client_secret"]):
        _refuse("client_secret", "must be printable text, and not empty")
    # it is required beside a secret, but without it the secret works as well
    if not _is_time(client.get("client_secret_expires_at", 0)):
        _refuse("client_secret_expires_at", "must be a number of seconds since 1970, or 0")
    if has_expired_secret(client, now):
        _refuse("client_secret_expires_at", "must not have passed already")


def has_expired_secret(client: ClientMetadata, now: float) -> bool:
    """Whether the client's secret is good no more (RFC 7591 3.2.1); 0 means that it always is."""
    expires_at: float = client.get("client_secret_expires_at", 0)
    return "client_secret" in client and 0 < expires_at <= now


def _require_expected(client: ClientMetadata, expected: Mapping[str, Any]) -> None:
    for uri in expected.get("redirect_uris", ()):
        if uri not in client["redirect_uris"]:
            _refuse("redirect_uris", f"must contain {uri}, which was asked for")
    registered = [set(response_type.split()) for response_type in client.get("response_types", ())]
    for response_type in expected.get("response_types", ()):
        if set(response_type.split()) not in registered:
            _refuse("response_types", f"must contain {response_type!r}, which was asked for")
    for name in sorted(NONE_ONLY_IF_REQUESTED | {name for name in expected if name.endswith(ALGORITHMS)}):
        if client.get(name) == "none" and expected.get(name) != "none":
            _refuse(name, "must not be none, which was not asked for")


def _require_management(client: ClientMetadata, endpoint: str, network: PrivateNetwork) -> None:
    if "registration_access_token" in client and not is_bearer_token(client["registration_access_token"]):
        _refuse("registration_access_token", "must be a bearer token")
    uri = client.get("registration_client_uri")
    if uri is None:
        return
    problem = network.uri_problem(uri)
    is_named = problem is None and network.accepts_plaintext(uri)
    # a public provider must not lead us to a service on this machine, unless somebody named it
    if problem is None and is_plaintext(uri) and not is_plaintext(endpoint) and not is_named:
        problem = "must use https as the registration endpoint does"
    if problem:
        _refuse("registration_client_uri", problem)


def _refuse(name: str, problem: str) -> NoReturn:
    raise RegistrationInvalid(f"{name} of the client that the provider registered {problem}.", field=name)


def _is_credential(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_CREDENTIAL_LENGTH and value.isprintable()


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _is_list_of_strings(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, str) for item in cast("list[object]", value))
