"""What an application says of a provider and of itself as a client, checked when it is said."""

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from ssl import SSLContext
from typing import Any, Literal, cast

from oidc_async.errors import ConfigurationError, MetadataInvalid
from oidc_async.http.settings import HttpSettings, require_unused
from oidc_async.protocol.access_token import ALLOWED_ALGORITHMS, AccessExpectations
from oidc_async.protocol.client_authentication import require_client, uses_mtls, uses_mtls_endpoints
from oidc_async.protocol.discovery import require_endpoints, require_usable
from oidc_async.protocol.metadata import ClientMetadata, ClientRegistrationInfo, ProviderMetadata
from oidc_async.protocol.metadata_members import require_valid_members
from oidc_async.protocol.parameters import Parameter, single_text
from oidc_async.protocol.private_network import PrivateNetwork, private_network
from oidc_async.protocol.request_object_algorithms import require_request_object_algorithms
from oidc_async.protocol.response_algorithms import require_response_algorithms, response_algorithms
from oidc_async.protocol.response_type import ResponseMode, default_response_mode, registered_response_type
from oidc_async.protocol.token_kind import Marks
from oidc_async.protocol.uri import is_encodable, issuer_problem, uri_problem
from oidc_async.runtime.port import Runtime

from .access_token_settings import AUDIENCE_CLAIMS, accepted_marks, accepted_names, require_access_token_settings
from .claims_provider import ClaimsProvider
from .client_keys import ClientKeys, require_request_object_keys, require_signing_keys
from .request_parameters import (
    OURS_AT_LOGOUT,
    as_parameters,
    as_texts,
    require_request_parameters,
    require_theirs,
)
from .token_request_parameters import token_request_parameters

__all__ = ["ClientMetadata", "ClientRegistrationInfo", "ProviderConfiguration", "ProviderMetadata"]

CHOICES: Mapping[str, tuple[str | bool | None, ...]] = {
    "access_token_verification": ("introspection", "jwt", "auto"),
    "audience_claim": AUDIENCE_CLAIMS,
    "client_assertion_audience": ("issuer", "token_endpoint"),
    "end_session_http_method": ("GET", "POST"),
    "request_object": (None, "value", "reference"),
    "revoke_at_logout": ("auto", True, False),
    "userinfo_http_method": ("GET", "POST", None),
}
TYPES: Mapping[str, type] = {
    "provider_metadata": ProviderMetadata,
    "client_registration_info": ClientRegistrationInfo,
    "client_metadata": ClientMetadata,
    "client_keys": ClientKeys,
    "claims_providers": Mapping,
    "auth_request_params": Mapping,
    "token_request_params": Mapping,
    "end_session_params": Mapping,
    "logout_hint_claim": str,
    "http_settings": HttpSettings,
}
DURATIONS = ("session_refresh_interval_seconds", "clock_skew_seconds", "id_token_issued_within_seconds")
SWITCHES = (
    "userinfo_token_in_body",
    "enforce_audience",
    "accept_untyped_access_tokens",
    "accept_untyped_logout_tokens",
    "accept_logout_tokens_without_exp",
    "accept_unencrypted_logout_tokens",
    "send_id_token_hint",
    "unsigned_request_objects",
    "pushed_authorization_requests",
)
DEFAULT_CLOCK_SKEW = 30.0
MOST_SECONDS = 1e10
UNSUPPORTED_CLIENT_METADATA = ("introspection_encrypted_response_alg",)


@dataclass(frozen=True, slots=True)
class ProviderConfiguration:
    """One provider, and this application as its client.

    Parameters:
        issuer: Issuer Identifier; the provider's metadata are discovered at first need (OIDC Discovery 4).
        provider_metadata: metadata to use instead of discovery, or laid over it when `issuer` is given too.
        userinfo_http_method: "GET", "POST", or None to make no UserInfo request.
        userinfo_token_in_body: True puts the access token into the form of a POST, not the header (RFC 6750 2.2).
        client_registration_info: what to register a client with, at first need (OIDC Registration 2).
        registration_file: where the client that was registered is kept, with its secret, for all processes of this
            host and for the next start: a file of this application's own.
        client_metadata: the client as it is registered with the provider.
        client_keys: the client's own private keys (ClientKeys), for private_key_jwt.
        client_assertion_audience: whom assertions of client_secret_jwt and private_key_jwt are for: "issuer", or
            "token_endpoint" for a provider that doesn't take that.
        auth_request_params: parameters added to every authentication request. `max_age`, and what `claims` requires
            (an essential `acr` or `auth_time`, a `sub` of one value), are then required of the ID token.
        token_request_params: parameters added when a code or a refresh token is exchanged, such as `resource`
            (RFC 8707 2.2) or `audience`. Each value of a list is sent.
        request_object: how an authentication request is carried (OIDC Core 6): None as plain parameters, "value" in a
            signed object, "reference" in one that the provider fetches from here.
        unsigned_request_objects: True sends these objects without a signature, so that anybody may change them.
        pushed_authorization_requests: True hands each authentication request to the provider beforehand (RFC 9126),
            so that the browser carries its name alone. Otherwise that is done where the provider requires it.
        claims_providers: who else may vouch for claims (OIDC Core 5.6.2): by issuer, how that is verified. None hands
            aggregated and distributed claims on as they come.
        end_session_params: parameters added to every logout request, such as `ui_locales`.
        end_session_http_method: "GET", or "POST" for a page that posts itself, with the ID token in no URL.
        send_id_token_hint: False leaves the ID token out of logout requests; providers then ask the user.
        logout_hint_claim: the claim that tells the provider who logs out, for instance `login_hint` or `email`.
        revoke_at_logout: whether a user's logout revokes the tokens of the session at the provider (RFC 7009): "auto"
            where the provider has no logout of its own, True before each logout there, False never.
        session_refresh_interval_seconds: seconds after which the provider is asked, unseen, whether the user of a
            session is still logged in there (`prompt=none`).
        renew_with_refresh_token: True asks with the refresh token of the session, where there is one, instead of
            sending the browser.
        discovery_url: where the metadata are, when not at the well-known place below the issuer.
        backchannel_url: the address of the provider inside of a private network, for instance
            `http://keycloak:8080`. The application's own requests to the issuer's origin are sent there; browsers go
            to the public address, and the metadata must still be those of the public `issuer`.
        insecure_hosts: names of hosts in a private network at which http is accepted for this provider, as issuer and
            endpoints, such as `{"keycloak"}`. Tokens and secrets travel there unencrypted.
        trusted_audiences: values that may stand beside our client_id in `aud` of an ID token.
        clock_skew_seconds: leeway for time claims of this provider; OIDC_CLOCK_SKEW when None.
        id_token_issued_within_seconds: how old `iat` of an ID token may be at login.
        http_settings: deadline, proxy, certificates (HttpSettings).
        http_client: a client of httpx or httpx2 to use; it is never closed by us. Proxy, certificates and User-Agent
            are then its own.
        audience: who tokens must be meant for: one value, or several of which `aud` must name one. Our own client_id
            when None, which local verification doesn't take.
        audience_claim: the claim that says whom a token is meant for: "aud", or "client_id", "azp", "appid" or "cid"
            for a provider whose access tokens have no `aud`, with "jwt" only. `audience` then names clients, and a
            token without a type must have `token_use` "access", or the marks of `access_token_marks`.
        enforce_audience: False takes tokens that are meant for anybody, when they are introspected.
        access_token_verification: "introspection" asks the provider about each token (RFC 7662), "jwt" verifies them
            here (RFC 9068), "auto" verifies those that are JWTs of this issuer and asks about all others.
        access_token_algorithms: the `alg` values that signed access tokens may have.
        accept_untyped_access_tokens: True takes JWTs that don't say in `typ` that they are access tokens.
        access_token_marks: what the access tokens of this provider have and its ID tokens lack, for tokens without a
            type: by claim, the string that it must be, several of which it must be one, or True for any text. A tuple
            of claims means one of them.
        access_token_clients: the clients whose tokens are accepted, by `client_id`, `azp`, `appid` or `cid`; None for
            all.
        access_token_subjects: the values of `sub` that are accepted; None for all.
        accept_untyped_logout_tokens: False takes no logout tokens but those that say in `typ` what they are.
        accept_unencrypted_logout_tokens: True accepts logout tokens that are signed only, though ID tokens are
            encrypted: some providers never encrypt them. Whoever can read them learns which user's sessions end.
        accept_logout_tokens_without_exp: True takes logout tokens that don't expire, from older providers.
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
    userinfo_token_in_body: bool = field(default=False, kw_only=True)
    client_keys: ClientKeys | None = field(default=None, kw_only=True)
    client_assertion_audience: str = field(default="issuer", kw_only=True)
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
    access_token_verification: str = field(default="introspection", kw_only=True)
    access_token_algorithms: tuple[str, ...] = field(default=("RS256",), kw_only=True)
    accept_untyped_access_tokens: bool = field(default=False, kw_only=True)
    audience_claim: str = field(default="aud", kw_only=True)
    access_token_marks: Marks | None = field(default=None, kw_only=True)
    access_token_clients: str | Collection[str] | None = field(default=None, kw_only=True)
    access_token_subjects: str | Collection[str] | None = field(default=None, kw_only=True)
    accept_untyped_logout_tokens: bool = field(default=True, kw_only=True)
    accept_logout_tokens_without_exp: bool = field(default=False, kw_only=True)
    accept_unencrypted_logout_tokens: bool = field(default=False, kw_only=True)
    end_session_params: Mapping[str, Any] | None = field(default=None, kw_only=True)
    end_session_http_method: str = field(default="GET", kw_only=True)
    send_id_token_hint: bool = field(default=True, kw_only=True)
    logout_hint_claim: str | None = field(default=None, kw_only=True)
    revoke_at_logout: Literal["auto"] | bool = field(default="auto", kw_only=True)
    request_object: str | None = field(default=None, kw_only=True)
    unsigned_request_objects: bool = field(default=False, kw_only=True)
    pushed_authorization_requests: bool = field(default=False, kw_only=True)
    claims_providers: Mapping[str, ClaimsProvider] | None = field(default=None, kw_only=True)
    token_request_params: Mapping[str, Any] | None = field(default=None, kw_only=True)

    def __post_init__(self, requests_session: object) -> None:
        if requests_session is not None:
            raise ConfigurationError("requests_session is not used here: pass a client of httpx as http_client.")
        self._require_types()
        for metadata in (self.client_metadata, self.client_registration_info, self.provider_metadata):
            require_valid_members(metadata)
        self._require_choices()
        if self.http_client is not None:
            require_unused(self.http_settings)
        object.__setattr__(self, "trusted_audiences", frozenset(self.trusted_audiences))
        object.__setattr__(self, "insecure_hosts", self.private_network.insecure_hosts)
        self._require_provider()
        self._require_client()
        self._require_access_tokens()
        self._require_renewal()
        self._require_claims_providers()
        require_request_parameters(self.request_parameters())
        self.token_parameters()
        self.end_session_parameters()
        if self.unsigned_request_objects and self.request_object is None:
            raise ConfigurationError("unsigned_request_objects needs request_object.")
        if self.pushed_authorization_requests and self.request_object == "reference":
            raise ConfigurationError('pushed_authorization_requests can\'t be used with request_object="reference".')
        if self.userinfo_token_in_body and self.userinfo_http_method != "POST":
            raise ConfigurationError('userinfo_token_in_body needs userinfo_http_method="POST".')

    @property
    def client_name(self) -> str:
        """Which client of which issuer: what is kept for one is nothing for another."""
        return self.name_of(self.client_metadata or ClientMetadata())

    def name_of(self, client: ClientMetadata) -> str:
        """The same of a client that was registered with the provider."""
        return f"{client.get('client_id')} at {self.issuer_identifier}"

    @property
    def issuer_identifier(self) -> str:
        """The Issuer Identifier of the provider, however it was given."""
        return self.issuer or str((self.provider_metadata or ProviderMetadata())["issuer"])

    @property
    def private_network(self) -> PrivateNetwork:
        """At which addresses http is accepted besides this machine. Raises ConfigurationError."""
        return private_network(self.backchannel_url, self.insecure_hosts)

    def request_parameters(self) -> dict[str, Parameter]:
        """`auth_request_params` as they are sent, with the defaults."""
        parameters = as_parameters("auth_request_params", self.auth_request_params)
        return {"response_type": "code", "scope": "openid", **parameters}

    def token_parameters(self) -> dict[str, Parameter]:
        """`token_request_params` as they are sent. Raises ConfigurationError."""
        return token_request_parameters("token_request_params", self.token_request_params)

    def end_session_parameters(self, over: Mapping[str, str | None] | None = None) -> dict[str, str]:
        """`end_session_params` with `over` laid over them, as they are sent. Raises ConfigurationError."""
        texts = as_texts("end_session_params", {**(self.end_session_params or {}), **(over or {})})
        require_theirs("end_session_params", texts, OURS_AT_LOGOUT)
        return texts

    @property
    def response_mode(self) -> ResponseMode:
        """By which way authorization responses come, unless a login asks for another one."""
        parameters = self.request_parameters()
        usual = default_response_mode(registered_response_type(single_text(parameters, "response_type")))
        return cast(ResponseMode, single_text(parameters, "response_mode", usual))

    @property
    def id_token_algorithms(self) -> tuple[str, ...]:
        """The one algorithm that client_metadata name, RS256 by default (OIDC Registration 2)."""
        client = self.client_metadata or ClientMetadata()
        return response_algorithms(client, "id_token").signatures

    def access_expectations(self, client: ClientMetadata, *, leeway_seconds: float) -> AccessExpectations:
        """What access tokens must say, where we are this client."""
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
        """Whether nothing but the claims that ID tokens may lack tells an access token without a type from them."""
        told_by = (self.client_metadata, self.access_token_clients, self.access_token_subjects)
        is_told = bool(accepted_marks(self)) or any(known is not None for known in told_by)
        return self.accept_untyped_access_tokens and self.access_token_verification != "introspection" and not is_told

    def _accepted_audience(self, client: ClientMetadata) -> frozenset[str] | None:
        """Of which values the audience of an access token must be one; None when it isn't checked."""
        if self.audience is not None:
            return accepted_names("audience", self.audience)
        return frozenset({client["client_id"]}) if self.enforce_audience and "client_id" in client else None

    def _require_access_tokens(self) -> None:
        if isinstance(cast(object, self.access_token_algorithms), Collection):
            object.__setattr__(self, "access_token_algorithms", tuple(self.access_token_algorithms))
        if not self.access_token_algorithms or not set(self.access_token_algorithms) <= set(ALLOWED_ALGORITHMS):
            raise ConfigurationError(
                f"access_token_algorithms must be a tuple of some of {', '.join(ALLOWED_ALGORITHMS)}."
            )
        for name in SWITCHES:
            if not isinstance(getattr(self, name), bool):
                raise ConfigurationError(f"{name} must be True or False.")
        require_access_token_settings(self)

    def _require_renewal(self) -> None:
        if not isinstance(cast(object, self.renew_with_refresh_token), bool):
            raise ConfigurationError("renew_with_refresh_token must be True or False.")
        if self.renew_with_refresh_token and self.session_refresh_interval_seconds is None:
            raise ConfigurationError("renew_with_refresh_token needs session_refresh_interval_seconds.")

    def _require_claims_providers(self) -> None:
        for issuer, trusted in cast("Mapping[object, object]", self.claims_providers or {}).items():
            if problem := issuer_problem(issuer):
                raise ConfigurationError(f"Each issuer in claims_providers {problem}.")
            if not isinstance(trusted, ClaimsProvider):
                raise ConfigurationError("claims_providers must have a ClaimsProvider for each issuer.")

    def _require_types(self) -> None:
        for name, kind in TYPES.items():
            value = getattr(self, name)
            if value is not None and not isinstance(value, kind):
                raise ConfigurationError(f"{name} must be a {kind.__name__}, not a {type(value).__name__}.")
        for name in DURATIONS:
            if getattr(self, name) is not None:
                require_seconds(name, getattr(self, name))
        if self.registration_file == "" or not isinstance(
            cast(object, self.registration_file), str | os.PathLike | None
        ):
            raise ConfigurationError("registration_file must be the path of a file.")
        # a string is a collection of its letters
        audiences = cast(object, self.trusted_audiences)
        if (
            isinstance(audiences, str)
            or not isinstance(audiences, Collection)
            or not all(map(is_encodable, self.trusted_audiences))
        ):
            raise ConfigurationError('trusted_audiences must be a set of strings, such as {"api"}.')

    def _require_choices(self) -> None:
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise ConfigurationError(f"{name} must be one of {', '.join(map(str, choices))}.")

    def _require_provider(self) -> None:
        if not self.issuer and self.provider_metadata is None:
            raise ConfigurationError("ProviderConfiguration needs issuer or provider_metadata.")
        if self.issuer and (problem := issuer_problem(self.issuer, self.insecure_hosts)):
            raise ConfigurationError(f"issuer {problem}.{_private_network_advice(self.issuer)}")
        if self.issuer and self.issuer.endswith("//"):
            raise ConfigurationError("issuer must not end in two slashes.")
        if self.issuer and "/.well-known/" in f"{self.issuer}/":
            raise ConfigurationError("issuer must end before /.well-known/: only discovery_url may have that.")
        for name in ("discovery_url", "logout_hint_claim"):
            if getattr(self, name) == "":
                raise ConfigurationError(f"{name} is empty. Set it, or leave it out.")
        if self.discovery_url and not self.issuer:
            raise ConfigurationError("discovery_url needs issuer: the metadata found there must be those of issuer.")
        if self.discovery_url and (problem := self.private_network.uri_problem(self.discovery_url)):
            raise ConfigurationError(f"discovery_url {problem}.")
        if self.provider_metadata is not None:
            self._require_provider_metadata(self.provider_metadata)
        if self.private_network.is_at_backchannel(self.issuer_identifier):
            raise ConfigurationError("backchannel_url must have another scheme, host or port than issuer.")

    def _require_provider_metadata(self, metadata: ProviderMetadata) -> None:
        issuer = metadata.get("issuer", self.issuer)
        if problem := issuer_problem(issuer, self.insecure_hosts):
            raise ConfigurationError(f"issuer in provider_metadata {problem}.")
        if self.issuer and issuer != self.issuer:
            raise ConfigurationError("issuer and the issuer in provider_metadata must be equal.")
        try:
            if self.issuer:
                require_endpoints(metadata, issuer, self.private_network)
            else:
                require_usable(
                    metadata, single_text(self.request_parameters(), "response_type"), self.private_network
                )
        except MetadataInvalid as error:
            hint = "" if self.issuer else " Set issuer to discover what is not given."
            raise ConfigurationError(f"provider_metadata: {error}{hint}") from None

    def _require_client(self) -> None:
        if self.client_metadata is None:
            # who only verifies tokens here needs no client
            if self.client_registration_info is None and self.access_token_verification != "jwt":
                raise ConfigurationError("ProviderConfiguration needs client_metadata or client_registration_info.")
            return
        self.require_suitable(self.client_metadata)

    def require_suitable(self, client: ClientMetadata) -> None:
        """Raise ConfigurationError for a client that can't work with this configuration."""
        require_client(client, self.provider_metadata)
        require_signing_keys(client, self.client_keys)
        self._require_request_object(client)
        self._require_certificate(client)
        if self.backchannel_url is not None and uses_mtls_endpoints(client):
            raise ConfigurationError(
                "backchannel_url can't be used by a client that shows a certificate: its requests must go where the "
                "provider asks for the certificate. Give the endpoints in provider_metadata."
            )
        _require_uris(client, "post_logout_redirect_uris")
        self._require_algorithms(client)
        for name in UNSUPPORTED_CLIENT_METADATA:
            if name in client:
                raise ConfigurationError(f"{name} in ClientMetadata is not supported by this version.")

    def _require_request_object(self, client: ClientMetadata) -> None:
        if self.request_object is None:
            return
        require_request_object_algorithms(client, unsigned=self.unsigned_request_objects)
        if not self.unsigned_request_objects:
            require_request_object_keys(client, self.client_keys)

    def _require_certificate(self, client: ClientMetadata) -> None:
        settings = self.http_settings
        # a context, a client or a runtime of the application's own may bring it
        others = (settings.client_certificate, self.http_client, self.runtime)
        has_one = isinstance(settings.ca_bundle, SSLContext) or any(other is not None for other in others)
        if uses_mtls(client) and not has_one:
            raise ConfigurationError(
                "The client is registered with a certificate: set http_settings=HttpSettings(client_certificate=...)."
            )

    def _require_algorithms(self, client: ClientMetadata) -> None:
        for alg in require_response_algorithms(client):
            if self.client_keys is None or not self.client_keys.decryption_keys(None, alg):
                raise ConfigurationError(
                    f"Responses encrypted by {alg} need client_keys with a key for it: one with use=enc."
                )
        of_introspection = client.get("introspection_signed_response_alg", "RS256")
        if of_introspection not in (*ALLOWED_ALGORITHMS, *response_algorithms(client, "id_token").signatures):
            raise ConfigurationError(
                f"introspection_signed_response_alg must be one of {', '.join(ALLOWED_ALGORITHMS)}."
            )


def require_seconds(name: str, value: object) -> None:
    """Raise ConfigurationError unless `value` is a number of seconds that clocks can be compared with."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < MOST_SECONDS:
        raise ConfigurationError(f"{name} must be a number of seconds, not negative.")


def _require_uris(client: ClientMetadata, name: str) -> None:
    uris = client.get(name, [])
    # a string is a sequence, too: of letters
    if not isinstance(uris, list | tuple) or any(uri_problem(uri) for uri in cast(Sequence[object], uris)):
        raise ConfigurationError(f"{name} in ClientMetadata must be a list of https URLs.")


def _private_network_advice(issuer: str) -> str:
    """What to set if `issuer` is the address of a provider inside of a private network; empty for other addresses."""
    if not str(issuer).startswith("http://"):
        return ""
    return " For a provider in a private network, set backchannel_url or insecure_hosts (docs/guides/deployment.md)."
