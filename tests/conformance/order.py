"""What a driver orders at /ct/configure, in the words of the library's own configuration."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from oidc_async import (
    ClaimsProvider,
    ClientKeys,
    ClientMetadata,
    ClientRegistrationInfo,
    HttpSettings,
    ProviderConfiguration,
    ProviderMetadata,
)

from .addresses import Addresses
from .client_keys import new_client_keys

REGISTRATIONS = ("static", "dynamic")
REQUEST_OBJECTS: Mapping[str, str | None] = {"plain": None, "request": "value", "request_uri": "reference"}
"""By `request_type`, as the suite calls them."""
LEFT_OUT = "left out"
KINDS: Mapping[str, Callable[..., Any]] = {
    "client_metadata": ClientMetadata,
    "client_registration_info": ClientRegistrationInfo,
    "http_settings": HttpSettings,
    "provider_metadata": ProviderMetadata,
}
"""Arguments of ProviderConfiguration that JSON gives as an object."""


class OrderRejected(Exception):
    """An order that can't be carried out: `code` is stable, the message says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The members of the body of /ct/configure. What is left out has the library's default.

    `config` are arguments of ProviderConfiguration, which replace what follows from the other members. `client_cert`
    and `client_key` are paths of PEM files: what the application shows in TLS connections.
    """

    issuer: str
    module: str = ""
    webfinger: str | None = None
    registration: str = "static"
    client: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    response_type: str | None = None
    response_mode: str | None = None
    request_type: str = "plain"
    unsigned: bool = False
    scope: str | None = None
    authorization_params: Mapping[str, Any] = field(default_factory=dict[str, Any])
    userinfo: str | None = LEFT_OUT
    keys: Mapping[str, str] = field(default_factory=dict[str, str])
    ca: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    claims_providers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    session_management: bool = False

    def client_metadata(self, addresses: Addresses) -> dict[str, Any]:
        """The client as it is to be registered with the provider."""
        return {**addresses.client_metadata(), **self.client}

    def client_keys(self) -> ClientKeys | None:
        return new_client_keys(self.keys) if self.keys else None

    def provider_configuration(
        self, addresses: Addresses, keys: ClientKeys | None, http_client: object
    ) -> ProviderConfiguration:
        """Raises ConfigurationError for what the library rejects, OrderRejected for an argument that it lacks."""
        metadata = self.client_metadata(addresses)
        dynamic = self.registration == "dynamic"
        arguments: dict[str, Any] = {
            "issuer": self.issuer,
            "client_metadata": None if dynamic else ClientMetadata(**metadata),
            "client_registration_info": ClientRegistrationInfo(**metadata) if dynamic else None,
            "auth_request_params": self._request_parameters(),
            "client_keys": keys,
            "http_client": http_client,
            "request_object": REQUEST_OBJECTS[self.request_type],
            "unsigned_request_objects": self.unsigned,
            "claims_providers": self._claims_providers(),
            **self._userinfo(),
        }
        try:
            return ProviderConfiguration(**{**arguments, **self._arguments()})
        except TypeError as error:
            raise OrderRejected("invalid_order", f"config: {error}") from None

    def _arguments(self) -> dict[str, Any]:
        """Those of `config`, where an object stands for the class that the library has for it."""
        return {name: KINDS[name](**value) if name in KINDS else value for name, value in self.config.items()}

    def _claims_providers(self) -> dict[str, ClaimsProvider] | None:
        """Those whose claims are verified, by issuer, each with the arguments of a ClaimsProvider."""
        return {issuer: ClaimsProvider(**how) for issuer, how in self.claims_providers.items()} or None

    def _request_parameters(self) -> dict[str, Any]:
        named = {"response_type": self.response_type, "response_mode": self.response_mode, "scope": self.scope}
        given = {name: value for name, value in named.items() if value is not None}
        return {**given, **self.authorization_params}

    def _userinfo(self) -> dict[str, Any]:
        if self.userinfo == LEFT_OUT:
            return {}
        if self.userinfo == "body":
            return {"userinfo_http_method": "POST", "userinfo_token_in_body": True}
        return {"userinfo_http_method": self.userinfo}


def read_order(body: str | bytes) -> Order:
    """Raises OrderRejected for anything but an order."""
    try:
        order = Order(**json.loads(body))
    except (TypeError, ValueError) as error:
        raise OrderRejected("invalid_order", str(error)) from None
    if order.registration not in REGISTRATIONS:
        raise OrderRejected("invalid_order", f"registration must be one of {', '.join(REGISTRATIONS)}.")
    if order.request_type not in REQUEST_OBJECTS:
        raise OrderRejected("invalid_order", f"request_type must be one of {', '.join(REQUEST_OBJECTS)}.")
    return order
