"""What an application says of a provider and of itself as a client, checked when it is said."""

import json
from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field
from typing import Any

from .errors import ConfigurationError, MetadataInvalid
from .protocol.client_authentication import require_client
from .protocol.discovery import require_endpoints, require_usable
from .protocol.jose import SUPPORTED_ALGORITHMS
from .protocol.metadata import ClientMetadata, ClientRegistrationInfo, ProviderMetadata
from .protocol.uri import issuer_problem, uri_problem
from .runtime import HttpSettings, Runtime

__all__ = ["ClientMetadata", "ClientRegistrationInfo", "ProviderConfiguration", "ProviderMetadata"]

OURS = {
    "client_id": "set it in ClientMetadata",
    "code_challenge": "PKCE is always used",
    "code_challenge_method": "PKCE always uses S256",
    "nonce": "every login gets its own",
    "redirect_uri": "set OIDC_REDIRECT_URI",
    "request": "request objects are not supported",
    "request_uri": "request objects are not supported",
    "state": "every login gets its own",
}
RESPONSE_TYPES = ("code",)
RESPONSE_MODES = ("query", "form_post")
USERINFO_METHODS = ("GET", "POST", None)
UNSUPPORTED_CLIENT_METADATA = (
    "id_token_encrypted_response_alg",
    "userinfo_encrypted_response_alg",
    "userinfo_signed_response_alg",
)


@dataclass(frozen=True, slots=True)
class ProviderConfiguration:
    """One provider, and this application as its client.

    Parameters:
        issuer: Issuer Identifier; the provider's metadata are discovered at first need (OIDC Discovery 4).
        provider_metadata: metadata to use instead of discovery, or laid over it when `issuer` is given too.
        userinfo_http_method: "GET", "POST", or None to make no UserInfo request.
        client_registration_info: what to register a client with.
        client_metadata: the client as it is registered with the provider.
        auth_request_params: parameters added to every authentication request.
        session_refresh_interval_seconds: seconds between silent renewals of a session.
        discovery_url: where the metadata are, when not at the well-known place below the issuer.
        trusted_audiences: values that may stand beside our client_id in `aud` of an ID token.
        clock_skew_seconds: leeway for time claims of this provider; OIDC_CLOCK_SKEW when None.
        id_token_issued_within_seconds: how old `iat` of an ID token may be at login.
        http_settings: deadline, proxy, certificates (HttpSettings).
        http_client: a client of httpx or httpx2 to use; it is never closed by us.
        runtime: another way to reach the provider altogether, for instance a simulated one in tests.

    Raises ConfigurationError, a ValueError, whose message names the setting and the fix.
    """

    issuer: str | None = None
    provider_metadata: ProviderMetadata | None = None
    userinfo_http_method: str | None = "GET"
    client_registration_info: ClientRegistrationInfo | None = None
    client_metadata: ClientMetadata | None = None
    auth_request_params: Mapping[str, Any] | None = None
    session_refresh_interval_seconds: float | None = None
    requests_session: InitVar[object] = None
    discovery_url: str | None = field(default=None, kw_only=True)
    trusted_audiences: frozenset[str] = field(default=frozenset(), kw_only=True)
    clock_skew_seconds: float | None = field(default=None, kw_only=True)
    id_token_issued_within_seconds: float = field(default=600, kw_only=True)
    http_settings: HttpSettings = field(default=HttpSettings(), kw_only=True)
    http_client: object = field(default=None, kw_only=True, repr=False)
    runtime: Runtime | None = field(default=None, kw_only=True, repr=False)

    def __post_init__(self, requests_session: object) -> None:
        if requests_session is not None:
            raise ConfigurationError("requests_session is not used here: pass a client of httpx as http_client.")
        object.__setattr__(self, "trusted_audiences", frozenset(self.trusted_audiences))
        self._require_provider()
        self._require_client()
        require_request_parameters(self.request_parameters())
        if self.userinfo_http_method not in USERINFO_METHODS:
            raise ConfigurationError('userinfo_http_method must be "GET", "POST" or None.')

    def request_parameters(self) -> dict[str, str]:
        """`auth_request_params` as they are sent, with the defaults."""
        given = {name: _as_text(value) for name, value in (self.auth_request_params or {}).items()}
        return {"response_type": "code", "scope": "openid", **given}

    @property
    def id_token_algorithms(self) -> tuple[str, ...]:
        """The one algorithm that the client registered, RS256 by default (OIDC Registration 2)."""
        client = self.client_metadata or ClientMetadata()
        return (client.get("id_token_signed_response_alg", "RS256"),)

    def _require_provider(self) -> None:
        if not self.issuer and self.provider_metadata is None:
            raise ConfigurationError("ProviderConfiguration needs issuer or provider_metadata.")
        if self.issuer and (problem := issuer_problem(self.issuer)):
            raise ConfigurationError(f"issuer {problem}.")
        if self.discovery_url and (problem := uri_problem(self.discovery_url)):
            raise ConfigurationError(f"discovery_url {problem}.")
        if self.provider_metadata is not None:
            self._require_provider_metadata(self.provider_metadata)

    def _require_provider_metadata(self, metadata: ProviderMetadata) -> None:
        issuer = metadata.get("issuer", self.issuer)
        if problem := issuer_problem(issuer):
            raise ConfigurationError(f"issuer in provider_metadata {problem}.")
        if self.issuer and issuer != self.issuer:
            raise ConfigurationError("issuer and the issuer in provider_metadata must be equal.")
        try:
            if self.issuer:
                require_endpoints(metadata, issuer)
            else:
                require_usable(metadata)
        except MetadataInvalid as error:
            raise ConfigurationError(f"provider_metadata: {error}") from None

    def _require_client(self) -> None:
        if self.client_metadata is None:
            if self.client_registration_info is None:
                raise ConfigurationError("ProviderConfiguration needs client_metadata or client_registration_info.")
            return
        require_client(self.client_metadata)
        if self.id_token_algorithms[0] not in SUPPORTED_ALGORITHMS:
            raise ConfigurationError(
                f"id_token_signed_response_alg must be one of {', '.join(SUPPORTED_ALGORITHMS)}."
            )
        for name in UNSUPPORTED_CLIENT_METADATA:
            if name in self.client_metadata:
                raise ConfigurationError(f"{name} in ClientMetadata is not supported by this version.")


def require_request_parameters(parameters: Mapping[str, str]) -> None:
    """Raise ConfigurationError for what a login must not be asked with."""
    for name, reason in OURS.items():
        if name in parameters:
            raise ConfigurationError(f"auth_request_params must not set {name}: {reason}.")
    if parameters["response_type"] not in RESPONSE_TYPES:
        raise ConfigurationError(f"response_type must be one of {', '.join(RESPONSE_TYPES)}.")
    if parameters.get("response_mode", "query") not in RESPONSE_MODES:
        raise ConfigurationError(f"response_mode must be one of {', '.join(RESPONSE_MODES)}.")
    if "openid" not in parameters["scope"].split():
        raise ConfigurationError("scope must contain openid, otherwise there is no login.")
    if not parameters.get("max_age", "0").isdigit():
        raise ConfigurationError("max_age must be a whole number of seconds.")


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        return " ".join(str(item) for item in value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return json.dumps(value)
