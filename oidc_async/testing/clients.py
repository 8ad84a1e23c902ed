"""The clients of a simulated provider, registered by tests or by themselves."""

from collections.abc import Collection, Mapping
from typing import Any, Literal

from .registry import AccessTokenForm, Client, RegistrationPolicy
from .session_management import browser_state
from .users import Users


class Clients(Users):
    """The part of a provider that registers clients."""

    def register(
        self,
        client_id: str,
        client_secret: str | None = None,
        *,
        redirect_uris: Collection[str] = (),
        post_logout_redirect_uris: Collection[str] = (),
        backchannel_logout_uri: str | None = None,
        frontchannel_logout_uri: str | None = None,
        response_types: Collection[str] = ("code",),
        token_endpoint_auth_method: str | None = None,
        introspection_endpoint_auth_method: str | None = None,
        token_endpoint_auth_signing_alg: str | None = None,
        assertion_audience: Literal["issuer", "token_endpoint"] = "issuer",
        id_token_signed_response_alg: str = "RS256",
        id_token_encrypted_response_alg: str | None = None,
        id_token_encrypted_response_enc: str | None = None,
        userinfo_signed_response_alg: str | None = None,
        userinfo_encrypted_response_alg: str | None = None,
        userinfo_encrypted_response_enc: str | None = None,
        introspection_signed_response_alg: str | None = None,
        request_object_signing_alg: str | None = None,
        request_object_encryption_alg: str | None = None,
        request_object_encryption_enc: str | None = None,
        jwks: Mapping[str, Any] | None = None,
        jwks_uri: str | None = None,
        access_tokens: AccessTokenForm = "opaque",
        rotates_refresh_tokens: bool = True,
        **more: object,
    ) -> Client:
        """A client, or the same client anew.

        The authentication method is client_secret_basic with a secret and none without, unless given; that of
        the introspection endpoint is the same, but a client without a secret may not ask there (RFC 7662 2.1).
        Assertions, signed by a key in `jwks` or by `client_secret`, are good once and for `assertion_audience` alone.
        `introspection_signed_response_alg` gives signed answers to who accepts them (RFC 9701).
        Request objects are taken as the client registered them, unsigned ones with `none` only (OIDC Core 6).
        What is encrypted is so to the first key in `jwks`, or at `jwks_uri`, that fits, or with `client_secret`.
        `access_tokens` are what it gets for codes, refresh tokens and its own credentials. A refresh token is good
        for one use, and a second one ends the whole login (RFC 9700 4.14); `rotates_refresh_tokens=False` issues
        one that stays. Other metadata, such as `contacts`, are taken and have no effect (RFC 7591 2).
        """
        method = token_endpoint_auth_method or ("client_secret_basic" if client_secret else "none")
        client = Client(
            client_id=client_id,
            client_secret=client_secret,
            redirect_uris=tuple(redirect_uris),
            post_logout_redirect_uris=tuple(post_logout_redirect_uris),
            backchannel_logout_uri=backchannel_logout_uri,
            frontchannel_logout_uri=frontchannel_logout_uri,
            response_types=tuple(response_types),
            token_endpoint_auth_method=method,
            introspection_endpoint_auth_method=introspection_endpoint_auth_method
            or (method if client_secret or method != "none" else "client_secret_basic"),
            token_endpoint_auth_signing_alg=token_endpoint_auth_signing_alg,
            assertion_audience=assertion_audience,
            id_token_signed_response_alg=id_token_signed_response_alg,
            id_token_encrypted_response_alg=id_token_encrypted_response_alg,
            id_token_encrypted_response_enc=id_token_encrypted_response_enc,
            userinfo_signed_response_alg=userinfo_signed_response_alg,
            userinfo_encrypted_response_alg=userinfo_encrypted_response_alg,
            userinfo_encrypted_response_enc=userinfo_encrypted_response_enc,
            introspection_signed_response_alg=introspection_signed_response_alg,
            request_object_signing_alg=request_object_signing_alg,
            request_object_encryption_alg=request_object_encryption_alg,
            request_object_encryption_enc=request_object_encryption_enc,
            access_tokens=access_tokens,
            rotates_refresh_tokens=rotates_refresh_tokens,
            jwks=dict(jwks or {}),
            jwks_uri=jwks_uri,
        )
        signing = (id_token_signed_response_alg, introspection_signed_response_alg, userinfo_signed_response_alg)
        with self._lock:
            for alg in signing:
                client.key_for(alg or "RS256", self._registry.ring)
            self._registry.clients[client_id] = client
        return client

    def open_registration(self, **policy: Any) -> None:
        """Let clients register themselves (OIDC Registration 3), with `policy`:

        `initial_access_token` that they must bring, `secret_seconds` after which a secret expires (0: never),
        `renews_secrets` for whoever asks then, and `is_managed=False` for no way to change a registration (RFC 7592).
        """
        with self._lock:
            self._registry.registration = RegistrationPolicy(**policy)

    def manage_sessions(self) -> None:
        """Tell clients the state of each session from now on, and browsers, in a frame, whether it is still that.

        OIDC Session Management 1.0. Over HTTP it needs the login page.
        """
        with self._lock:
            self._registry.manages_sessions = True

    def browser_state(self, username: str) -> str | None:
        """What the frame compares of this user's present session; None when there is none, or nobody may know."""
        session = self._registry.sessions.get(username)
        return browser_state(session) if session is not None and self._registry.manages_sessions else None

    @property
    def registered_clients(self) -> tuple[Client, ...]:
        """Those that registered themselves and are still there, oldest first."""
        return tuple(self._registry.clients[name] for name in self._registry.registrations)
