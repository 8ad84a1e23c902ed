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
        """Register a client, or replace its registration.

        The parameters have the names of client metadata (OIDC Registration 2), except those below.

        Args:
            token_endpoint_auth_method: client_secret_basic by default, or none without a secret.
            introspection_endpoint_auth_method: the same by default; a client without a secret has no access
                (RFC 7662 2.1).
            assertion_audience: the only `aud` that client assertions may have. Each assertion is valid once.
            introspection_signed_response_alg: clients that accept JWTs get signed responses (RFC 9701).
            request_object_signing_alg: unsigned request objects need `none` (OIDC Core 6).
            jwks: public keys; responses are encrypted to the first key that fits, or with `client_secret`.
            jwks_uri: URL of the public keys, which `fetch` gets.
            access_tokens: the form of access tokens, opaque or jwt.
            rotates_refresh_tokens: whether a refresh token is valid for one use, and a second use revokes the tokens
                of that login (RFC 9700 4.14).
            more: other metadata, such as `contacts`; they have no effect (RFC 7591 2).
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
        """Enable dynamic client registration (OIDC Registration 3).

        Args:
            policy: `initial_access_token` that is required; `secret_seconds` after which a secret expires (0: never);
                `renews_secrets` when a client then reads its registration; `is_managed=False` to disable the
                management of registrations (RFC 7592).
        """
        with self._lock:
            self._registry.registration = RegistrationPolicy(**policy)

    def manage_sessions(self) -> None:
        """Enable OIDC Session Management 1.0: `session_state` and check_session_iframe.

        Over HTTP it needs the login page.
        """
        with self._lock:
            self._registry.manages_sessions = True

    def browser_state(self, username: str) -> str | None:
        """Return the state that check_session_iframe compares.

        None if the user has no session, or session management is not enabled.
        """
        session = self._registry.sessions.get(username)
        return browser_state(session) if session is not None and self._registry.manages_sessions else None

    @property
    def registered_clients(self) -> tuple[Client, ...]:
        """The clients that registered themselves and still exist, oldest first."""
        return tuple(self._registry.clients[name] for name in self._registry.registrations)
