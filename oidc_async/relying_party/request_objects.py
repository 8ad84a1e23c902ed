"""Request objects: authentication requests as JWTs, signed and encrypted (OIDC Core 6, RFC 9101)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from secrets import token_urlsafe
from typing import Any

from oidc_async.errors import ConfigurationError
from oidc_async.protocol.jose.encryption_keys import encrypt_nested
from oidc_async.protocol.jose.jws import VerificationKey, client_secret_key
from oidc_async.protocol.jose.private_keys import PrivateKey
from oidc_async.protocol.metadata import ClientMetadata, ProviderMetadata
from oidc_async.protocol.parameters import Parameter, Parameters
from oidc_async.protocol.request_object import (
    parameters_by_reference,
    parameters_by_value,
    pushed_object_parameters,
    request_object_claims,
    signed_request_object,
    unsigned_request_object,
)
from oidc_async.protocol.request_object_algorithms import UNSIGNED, request_object_algorithms, require_accepted
from oidc_async.protocol.uri import is_plaintext, uri_problem
from oidc_async.provider.client_context import ClientContext

MAX_LIFETIME = 3600.0
"""The maximum of seconds from `nbf` to `exp` that providers must accept (FAPI 2.0 Message Signing 5.3.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentRequest:
    """The parameters that the browser carries; `request_object` must be served at `request_uri`."""

    parameters: dict[str, Parameter] = field(repr=False)
    request_object: str | None = field(default=None, repr=False)
    request_uri: str | None = field(default=None, repr=False)


class RequestObjects:
    """Puts authentication requests into request objects, as the configuration says.

    Args:
        context: the client.
        request_uri: the URL below which the provider fetches request objects, each under a name that can't be
            guessed; needed for `request_object="reference"`.
        seconds: how long a request object is valid: the time that a login may take.

    Raises:
        ConfigurationError: `request_uri` is missing, or can't be used.
    """

    def __init__(self, context: ClientContext, request_uri: str | None, seconds: float) -> None:
        self._context = context
        self._configuration = context.configuration
        self._request_uri = request_uri
        self._seconds = seconds
        if self._configuration.request_object == "reference":
            _require_request_uri(request_uri, is_unsigned=self._configuration.unsigned_request_objects)

    async def carrying(
        self, parameters: dict[str, Parameter], provider: ProviderMetadata, client: ClientMetadata, *, is_pushed: bool
    ) -> SentRequest:
        """Return how `parameters` are sent to the authorization endpoint, or pushed before (RFC 9126 3).

        Raises:
            ConfigurationError: the provider does not support such request objects.
            KeyNotFound: the provider has no key to encrypt to.
            ProviderError: the provider's keys can't be fetched.
        """
        way = self._configuration.request_object
        if way is None:
            _require_optional(provider)
            return SentRequest(parameters=parameters)
        token = await self._object(parameters, provider, client, is_pushed=is_pushed)
        if is_pushed and way == "value":
            return SentRequest(parameters=pushed_object_parameters(token))
        if way == "value":
            return SentRequest(parameters=parameters_by_value(parameters, token))
        uri = f"{self._request_uri}/{token_urlsafe(32)}.jwt"
        return SentRequest(parameters=parameters_by_reference(parameters, uri), request_object=token, request_uri=uri)

    async def _object(
        self, parameters: Parameters, provider: ProviderMetadata, client: ClientMetadata, *, is_pushed: bool
    ) -> str:
        claims = request_object_claims(
            parameters,
            audience=provider["issuer"],
            jti=token_urlsafe(32),
            now=self._context.runtime.now(),
            seconds=min(self._seconds, MAX_LIFETIME),
        )
        encryption = request_object_algorithms(client).encryption
        token, algorithm = self._token(claims, client)
        way = "push" if is_pushed else self._configuration.request_object
        require_accepted(provider, way=way, signature=algorithm, encryption=encryption)
        if encryption is None:
            return token
        return encrypt_nested(token, encryption, await self._context.provider.recipient(encryption))

    def _token(self, claims: Mapping[str, Any], client: ClientMetadata) -> tuple[str, str]:
        """Return the request object and its signature algorithm."""
        if self._configuration.unsigned_request_objects:
            return unsigned_request_object(claims), UNSIGNED
        key, algorithm = self._signing_key(client)
        return signed_request_object(claims, key, algorithm), algorithm

    def _signing_key(self, client: ClientMetadata) -> tuple[PrivateKey | VerificationKey, str]:
        algorithm = request_object_algorithms(client).signature
        keys = self._configuration.client_keys
        if algorithm is not None and algorithm.startswith("HS"):
            return client_secret_key(client["client_secret"]), algorithm
        if keys is None:
            raise ConfigurationError("request_object needs client_keys in ProviderConfiguration, to sign with.")
        key = keys.signing_key(algorithm)
        return key, algorithm or key.default_alg


def _require_request_uri(request_uri: str | None, *, is_unsigned: bool) -> None:
    if request_uri is None:
        raise ConfigurationError(
            'request_object="reference" needs request_uri, the URL below which the provider fetches request objects. '
            "An application sets it as OIDC_REQUEST_URI."
        )
    if problem := uri_problem(request_uri):
        raise ConfigurationError(f"request_uri {problem}.")
    if "?" in request_uri or request_uri.endswith("/"):
        raise ConfigurationError(
            "request_uri must not have a query or end in a slash: the names of request objects are appended to it."
        )
    if is_unsigned and is_plaintext(request_uri):
        raise ConfigurationError(
            "request_uri must use https with unsigned_request_objects=True: only TLS protects these request objects."
        )


def _require_optional(provider: ProviderMetadata) -> None:
    if provider.get("require_signed_request_object", False):
        raise ConfigurationError(
            "The provider's metadata have require_signed_request_object=true: set request_object in "
            "ProviderConfiguration."
        )
