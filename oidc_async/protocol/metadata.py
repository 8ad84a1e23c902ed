"""Metadata of providers and clients, by the names of the specifications."""

from typing import Any

from .masked_mapping import MaskedMapping


class ProviderMetadata(MaskedMapping):
    """OpenID Provider Metadata (OIDC Discovery 3). Every registered name is accepted as a keyword."""

    __slots__ = ()

    def __init__(
        self,
        /,
        issuer: str | None = None,
        authorization_endpoint: str | None = None,
        jwks_uri: str | None = None,
        token_endpoint: str | None = None,
        userinfo_endpoint: str | None = None,
        introspection_endpoint: str | None = None,
        registration_endpoint: str | None = None,
        **more: Any,
    ) -> None:
        super().__init__(
            issuer=issuer,
            authorization_endpoint=authorization_endpoint,
            jwks_uri=jwks_uri,
            token_endpoint=token_endpoint,
            userinfo_endpoint=userinfo_endpoint,
            introspection_endpoint=introspection_endpoint,
            registration_endpoint=registration_endpoint,
            **more,
        )


class ClientMetadata(MaskedMapping):
    """The metadata of a registered client (OIDC Registration 2)."""

    __slots__ = ()

    def __init__(self, /, client_id: str | None = None, client_secret: str | None = None, **more: Any) -> None:
        super().__init__(client_id=client_id, client_secret=client_secret, **more)


class ClientRegistrationInfo(MaskedMapping):
    """The metadata for the registration of a client (OIDC Registration 2)."""

    __slots__ = ()
