"""The settings of one provider, and of this application as its client."""

import os
from collections.abc import Collection, Mapping
from dataclasses import InitVar, dataclass, field
from typing import Any, Literal, cast

from oidc_async.errors import ConfigurationError
from oidc_async.http.settings import HttpSettings
from oidc_async.protocol.access_token import AccessExpectations
from oidc_async.protocol.metadata import ClientMetadata, ClientRegistrationInfo, ProviderMetadata
from oidc_async.protocol.parameters import Parameter, single_text
from oidc_async.protocol.private_network import PrivateNetwork, private_network
from oidc_async.protocol.response_algorithms import response_algorithms
from oidc_async.protocol.response_type import ResponseMode, default_response_mode, registered_response_type
from oidc_async.protocol.token_kind import Marks
from oidc_async.runtime.port import Runtime

from .access_token_settings import AudienceClaim, Verification, accepted_marks, accepted_names
from .claims_provider import ClaimsProvider
from .client_keys import ClientKeys
from .provider_checks import require_consistent, require_types
from .request_parameters import OURS_AT_LOGOUT, as_parameters, as_texts, require_theirs
from .token_request_parameters import token_request_parameters

__all__ = ["ClientMetadata", "ClientRegistrationInfo", "ProviderConfiguration", "ProviderMetadata"]

DEFAULT_CLOCK_SKEW = 30.0


@dataclass(frozen=True, slots=True)
class ProviderConfiguration:
    """One provider, and this application as its client.

    Args:
        issuer: the Issuer Identifier. The metadata of the provider are discovered when they are first needed
            (OIDC Discovery 4).
        provider_metadata: metadata to use instead of discovery. If `issuer` is given too, they replace members of
            the discovered metadata.
        userinfo_http_method: "GET", "POST", or None to make no UserInfo request.
        userinfo_token_in_body: True sends the access token in the form of a POST, not in the header (RFC 6750 2.2).
        client_registration_info: the metadata to register a client with, when it is first needed
            (OIDC Registration 2).
        registration_file: the file in which the registered client is kept, with its secret, for all processes of
            this host and for the next start. Only this application may use it.
        client_metadata: the client as it is registered with the provider.
        client_keys: the private keys of the client (ClientKeys), for private_key_jwt.
        client_assertion_audience: the `aud` of assertions of client_secret_jwt and private_key_jwt: "issuer", or
            "token_endpoint" for a provider that does not accept the issuer.
        auth_request_params: parameters added to every authentication request. `max_age`, and what `claims` requires
            (an essential `acr` or `auth_time`, a `sub` of one value), are then required of the ID token.
        token_request_params: parameters added when a code or a refresh token is exchanged, such as `resource`
            (RFC 8707 2.2) or `audience`. Each value of a list is sent.
        request_object: how an authentication request is sent (OIDC Core 6): None for plain parameters, "value" for a
            signed object, "reference" for an object that the provider fetches from this application.
        unsigned_request_objects: True sends these objects without a signature, so that anybody may change them.
        pushed_authorization_requests: True sends each authentication request to the provider beforehand (RFC 9126),
            so that the browser carries only a reference to it. Otherwise that is done if the provider requires it.
        claims_providers: the other issuers whose aggregated and distributed claims are verified (OIDC Core 5.6.2),
            and how. None passes such claims on without verifying them.
        end_session_params: parameters added to every logout request, such as `ui_locales`.
        end_session_http_method: "GET", or "POST" for a page that posts itself, which keeps the ID token out of URLs.
        send_id_token_hint: False leaves the ID token out of logout requests; providers then ask the user.
        logout_hint_claim: the claim that tells the provider which user logs out, such as `login_hint` or `email`.
        revoke_at_logout: whether a user's logout revokes the tokens of the session at the provider (RFC 7009): "auto"
            if the provider has no end_session_endpoint, True before each logout there, False never.
        session_refresh_interval_seconds: seconds after which the provider is asked in the background whether the
            user of a session is still logged in there (`prompt=none`).
        renew_with_refresh_token: True uses the refresh token of the session, if it has one, instead of a redirect
            of the browser.
        discovery_url: the URL of the metadata, if it is not the well-known one below the issuer.
        backchannel_url: the address of the provider in a private network, such as `http://keycloak:8080`. The
            application's own requests to the issuer's origin are sent there. Browsers go to the public address, and
            the metadata must still be those of the public `issuer`.
        insecure_hosts: names of hosts in a private network at which http is accepted for this provider, as issuer and
            endpoints, such as `{"keycloak"}`. Tokens and secrets are sent there unencrypted.
        trusted_audiences: values that are accepted beside our client_id in `aud` of an ID token.
        clock_skew_seconds: leeway in seconds for time claims of this provider; OIDC_CLOCK_SKEW when None.
        id_token_issued_within_seconds: how many seconds old `iat` of an ID token may be at login.
        http_settings: deadline, proxy, certificates (HttpSettings).
        http_client: a client of httpx or httpx2 to use. It is never closed by this library. Its own proxy,
            certificates and User-Agent apply.
        audience: the audience that access tokens must have: one value, or several of which `aud` must name one. None
            means our own client_id, which local verification does not accept.
        audience_claim: the claim that names the audience of a token: "aud", or "client_id", "azp", "appid" or "cid"
            for a provider whose access tokens have no `aud`, with "jwt" only. `audience` then names clients, and a
            token without a type must have `token_use` "access", or the marks of `access_token_marks`.
        enforce_audience: False accepts introspected tokens of any audience.
        access_token_verification: "introspection" introspects each token (RFC 7662), "jwt" verifies tokens locally
            (RFC 9068), "auto" verifies JWTs of this issuer locally and introspects all other tokens.
        access_token_algorithms: the `alg` values that signed access tokens may have.
        accept_untyped_access_tokens: True accepts JWTs whose `typ` does not say that they are access tokens.
        access_token_marks: what the access tokens of this provider have and its ID tokens lack, for tokens without a
            type: by claim, the string that it must be, several of which it must be one, or True for any text. A tuple
            of claims means one of them.
        access_token_clients: the clients whose tokens are accepted, by `client_id`, `azp`, `appid` or `cid`; None for
            all.
        access_token_subjects: the values of `sub` that are accepted; None for all.
        accept_untyped_logout_tokens: False accepts only logout tokens whose `typ` says what they are.
        accept_unencrypted_logout_tokens: True accepts logout tokens that are only signed, although ID tokens are
            encrypted: some providers never encrypt them. Anyone who can read them learns which user's sessions end.
        accept_logout_tokens_without_exp: True accepts logout tokens that do not expire, from older providers.
        runtime: a different implementation of all access to the provider, such as a simulated one in tests.

    Raises:
        ConfigurationError: a ValueError whose message names the setting and the fix.
    """

    issuer: str | None = None
    provider_metadata: ProviderMetadata | None = None
    userinfo_http_method: Literal["GET", "POST"] | None = "GET"
    client_registration_info: ClientRegistrationInfo | None = None
    client_metadata: ClientMetadata | None = None
    auth_request_params: Mapping[str, Any] | None = None
    session_refresh_interval_seconds: float | None = None
    requests_session: InitVar[object] = None
    userinfo_token_in_body: bool = field(default=False, kw_only=True)
    client_keys: ClientKeys | None = field(default=None, kw_only=True)
    client_assertion_audience: Literal["issuer", "token_endpoint"] = field(default="issuer", kw_only=True)
    registration_file: str | os.PathLike[str] | None = field(default=None, kw_only=True)
    discovery_url: str | None = field(default=None, kw_only=True)
    backchannel_url: str | None = field(default=None, kw_only=True)
    insecure_hosts: Collection[str] = field(default=frozenset(), kw_only=True)
    trusted_audiences: frozenset[str] = field(default=frozenset(), kw_only=True)
    clock_skew_seconds: float | None = field(default=None, kw_only=True)
    id_token_issued_within_seconds: float = field(default=600, kw_only=True)
    http_settings: HttpSettings = field(default=HttpSettings(), kw_only=True)
    http_client: object = field(default=None, kw_only=True, repr=False)
    runtime: Runtime | None = field(default=None, kw_only=True, repr=False)
    renew_with_refresh_token: bool = field(default=False, kw_only=True)
    audience: str | Collection[str] | None = field(default=None, kw_only=True)
    enforce_audience: bool = field(default=True, kw_only=True)
    access_token_verification: Verification = field(default="introspection", kw_only=True)
    access_token_algorithms: tuple[str, ...] = field(default=("RS256",), kw_only=True)
    accept_untyped_access_tokens: bool = field(default=False, kw_only=True)
    audience_claim: AudienceClaim = field(default="aud", kw_only=True)
    access_token_marks: Marks | None = field(default=None, kw_only=True)
    access_token_clients: str | Collection[str] | None = field(default=None, kw_only=True)
    access_token_subjects: str | Collection[str] | None = field(default=None, kw_only=True)
    accept_untyped_logout_tokens: bool = field(default=True, kw_only=True)
    accept_logout_tokens_without_exp: bool = field(default=False, kw_only=True)
    accept_unencrypted_logout_tokens: bool = field(default=False, kw_only=True)
    end_session_params: Mapping[str, Any] | None = field(default=None, kw_only=True)
    end_session_http_method: Literal["GET", "POST"] = field(default="GET", kw_only=True)
    send_id_token_hint: bool = field(default=True, kw_only=True)
    logout_hint_claim: str | None = field(default=None, kw_only=True)
    revoke_at_logout: Literal["auto"] | bool = field(default="auto", kw_only=True)
    request_object: Literal["value", "reference"] | None = field(default=None, kw_only=True)
    unsigned_request_objects: bool = field(default=False, kw_only=True)
    pushed_authorization_requests: bool = field(default=False, kw_only=True)
    claims_providers: Mapping[str, ClaimsProvider] | None = field(default=None, kw_only=True)
    token_request_params: Mapping[str, Any] | None = field(default=None, kw_only=True)

    def __post_init__(self, requests_session: object) -> None:
        if requests_session is not None:
            raise ConfigurationError("requests_session is not used here: pass a client of httpx as http_client.")
        require_types(self)
        object.__setattr__(self, "trusted_audiences", frozenset(self.trusted_audiences))
        object.__setattr__(self, "insecure_hosts", self.private_network.insecure_hosts)
        if isinstance(cast(object, self.access_token_algorithms), Collection):
            object.__setattr__(self, "access_token_algorithms", tuple(self.access_token_algorithms))
        require_consistent(self)

    @property
    def client_name(self) -> str:
        """The client and its issuer, as the name under which its values are kept."""
        return self.name_of(self.client_metadata or ClientMetadata())

    def name_of(self, client: ClientMetadata) -> str:
        """The name of `client`, which was registered with the provider, and its issuer."""
        return f"{client.get('client_id')} at {self.issuer_identifier}"

    @property
    def issuer_identifier(self) -> str:
        """The Issuer Identifier, from `issuer` or from `provider_metadata`."""
        return self.issuer or str((self.provider_metadata or ProviderMetadata())["issuer"])

    @property
    def private_network(self) -> PrivateNetwork:
        """The addresses beside this machine at which http is accepted.

        Raises ConfigurationError.
        """
        return private_network(self.backchannel_url, self.insecure_hosts)

    def request_parameters(self) -> dict[str, Parameter]:
        """Return `auth_request_params` as they are sent, with the defaults."""
        parameters = as_parameters("auth_request_params", self.auth_request_params)
        return {"response_type": "code", "scope": "openid", **parameters}

    def token_parameters(self) -> dict[str, Parameter]:
        """Return `token_request_params` as they are sent. Raises ConfigurationError."""
        return token_request_parameters("token_request_params", self.token_request_params)

    def end_session_parameters(self, overrides: Mapping[str, str | None] | None = None) -> dict[str, str]:
        """Return `end_session_params` with `overrides`, as they are sent.

        Raises ConfigurationError.
        """
        texts = as_texts("end_session_params", {**(self.end_session_params or {}), **(overrides or {})})
        require_theirs("end_session_params", texts, OURS_AT_LOGOUT)
        return texts

    @property
    def response_mode(self) -> ResponseMode:
        """The response_mode of authorization requests, if a login sets no other one."""
        parameters = self.request_parameters()
        usual = default_response_mode(registered_response_type(single_text(parameters, "response_type")))
        return cast(ResponseMode, single_text(parameters, "response_mode", usual))

    @property
    def id_token_algorithms(self) -> tuple[str, ...]:
        """The signature algorithm of ID tokens, RS256 by default (OIDC Registration 2)."""
        client = self.client_metadata or ClientMetadata()
        return response_algorithms(client, "id_token").signatures

    def access_expectations(self, client: ClientMetadata, *, leeway_seconds: float) -> AccessExpectations:
        """Return the claims that access tokens must have if this application is `client`."""
        return AccessExpectations(
            issuer=self.issuer_identifier,
            audience=self._accepted_audience(client),
            leeway_seconds=leeway_seconds,
            audience_claim=self.audience_claim,
            clients=accepted_names("access_token_clients", self.access_token_clients),
            subjects=accepted_names("access_token_subjects", self.access_token_subjects),
            marks=accepted_marks(self),
        )

    @property
    def may_take_id_tokens(self) -> bool:
        """Whether no setting distinguishes ID tokens from access tokens.

        So it is if JWTs without a type are accepted and nothing is required of them that ID tokens lack.
        """
        limits = (self.client_metadata, self.access_token_clients, self.access_token_subjects)
        is_distinguished = bool(accepted_marks(self)) or any(limit is not None for limit in limits)
        accepts_untyped = self.accept_untyped_access_tokens and self.access_token_verification != "introspection"
        return accepts_untyped and not is_distinguished

    def _accepted_audience(self, client: ClientMetadata) -> frozenset[str] | None:
        """The values of which the audience of an access token must be one.

        None means that it is not checked.
        """
        if self.audience is not None:
            return accepted_names("audience", self.audience)
        return frozenset({client["client_id"]}) if self.enforce_audience and "client_id" in client else None
