"""The errors of this library, grouped by the party that has to act.

    OIDCError
    ├── ConfigurationError            the developer: a setting is missing, unknown or unsafe (also a ValueError)
    ├── ProviderError                 the provider, or the network to it
    │   ├── ProviderUnreachable
    │   ├── ProviderTimeout
    │   ├── ProviderOverloaded
    │   ├── ResponseTooLarge
    │   ├── MetadataInvalid
    │   │   └── IssuerMismatch
    │   ├── JWKSInvalid
    │   ├── TokenResponseInvalid
    │   ├── UserInfoInvalid
    │   ├── IntrospectionInvalid
    │   ├── RegistrationInvalid
    │   ├── WebFingerInvalid
    │   ├── ProviderPaused
    │   └── OAuthError
    ├── LoginError                    the login of this browser; an existing session is kept
    │   ├── StateMissing
    │   ├── StateMismatch
    │   ├── LoginExpired
    │   ├── DuplicateParameter
    │   ├── AuthorizationResponseInvalid
    │   ├── AuthorizationRefused
    │   ├── LoginRefused
    │   ├── LoginLoop
    │   ├── LoginRequestInvalid
    │   ├── IdentifierInvalid
    │   ├── HostNotAllowed
    │   ├── IssuerNotAllowed
    │   ├── UserChanged
    │   └── SessionTooLarge
    ├── TokenError                    this token is not accepted
    │   ├── TokenMalformed
    │   ├── AlgorithmNotAllowed
    │   ├── KeyNotFound
    │   ├── KeyAmbiguous
    │   ├── KeyUnusable
    │   ├── SignatureInvalid
    │   ├── DecryptionFailed
    │   ├── TokenExpired
    │   ├── TokenInactive
    │   ├── RefreshTokenSpent
    │   └── ClaimInvalid
    ├── BearerError                   this request to an API: its credentials or its permissions
    │   ├── BearerTokenMissing
    │   ├── BearerRequestInvalid
    │   ├── InsufficientScope
    │   └── InsufficientUserAuthentication
    └── StoreError                    the operator: session storage
        ├── StoreUnavailable
        └── SessionNotWritable

Each class has a stable `code`. Messages name the claim or setting and the expected value. Neither messages nor
evidence contain a token, an authorization code or a secret.
"""

from typing import Any, ClassVar


class OIDCError(Exception):
    """Base class of all errors that this library raises on purpose.

    Attributes:
        code: a stable name of the error, for programs.
        evidence: the values that were seen and expected, by name.
    """

    code: ClassVar[str] = "oidc_error"

    # The code is a class keyword, so that the hierarchy below reads like a table.
    def __init_subclass__(cls, *, code: str | None = None, **options: Any) -> None:
        super().__init_subclass__(**options)
        if code is not None:
            cls.code = code

    def __init__(self, message: str, **evidence: object) -> None:
        super().__init__(message)
        self.evidence = evidence

    @property
    def message(self) -> str:
        return str(self.args[0])


class ConfigurationError(OIDCError, ValueError, code="configuration_error"):
    """A setting is missing, unknown or unsafe. The message names it and the fix."""


class ProviderError(OIDCError, code="provider_error"):
    """The provider sent an invalid or an error response, or can't be reached."""


class ProviderUnreachable(ProviderError, code="provider_unreachable"):
    """There is no usable connection to the provider, or it answers 5xx."""


class ProviderTimeout(ProviderError, code="provider_timeout"):
    """The provider does not answer before the deadline."""


class ProviderOverloaded(ProviderError, code="provider_overloaded"):
    """The local queue of requests to the provider is full; `retry_after` is in seconds."""

    def __init__(self, message: str, *, retry_after: float = 1.0, **evidence: object) -> None:
        super().__init__(message, **evidence)
        self.retry_after = retry_after


class ResponseTooLarge(ProviderError, code="response_too_large"):
    """The provider's response exceeds the size limit."""


class MetadataInvalid(ProviderError, code="metadata_invalid"):
    """The discovery document is invalid (OIDC Discovery 4.2)."""


class IssuerMismatch(MetadataInvalid, code="issuer_mismatch"):
    """The discovery document is that of another issuer (OIDC Discovery 4.3)."""


class JWKSInvalid(ProviderError, code="jwks_invalid"):
    """The provider's key set is invalid or has no usable key (RFC 7517)."""


class TokenResponseInvalid(ProviderError, code="token_response_invalid"):
    """The token response is invalid, though its status is that of a success (RFC 6749 5.1)."""


class UserInfoInvalid(ProviderError, code="userinfo_invalid"):
    """The userinfo response is invalid or describes another subject (OIDC Core 5.3)."""


class IntrospectionInvalid(ProviderError, code="introspection_invalid"):
    """The introspection response is invalid (RFC 7662 2.2, RFC 9701 5). The token may still be valid."""


class RegistrationInvalid(ProviderError, code="registration_invalid"):
    """The registration response is invalid or differs from the request (OIDC Registration 3.2, RFC 7591)."""


class WebFingerInvalid(ProviderError, code="webfinger_invalid"):
    """The WebFinger response does not name the provider of an identifier (RFC 7033, OIDC Discovery 2)."""


class ProviderPaused(ProviderError, code="provider_paused"):
    """The circuit breaker of a failing endpoint is open: no request is sent; `retry_after` is in seconds."""

    def __init__(self, message: str, *, retry_after: float = 1.0, **evidence: object) -> None:
        super().__init__(message, **evidence)
        self.retry_after = retry_after


class OAuthError(ProviderError, code="oauth_error"):
    """The provider answers a direct request with an error response (RFC 6749 5.2).

    `error` and `error_description` come from the provider, cut to a safe length and printable ASCII.
    """

    def __init__(
        self, message: str, *, error: str, error_description: str | None, status: int, **evidence: object
    ) -> None:
        super().__init__(message, error=error, status=status, **evidence)
        self.error = error
        self.error_description = error_description
        self.status = status


class LoginError(OIDCError, code="login_error"):
    """The login of this browser can't continue. An existing session is kept."""


class StateMissing(LoginError, code="state_missing"):
    """The authorization response has no `state`."""


class StateMismatch(LoginError, code="state_mismatch"):
    """This browser has no pending login with this `state`; it may have finished already."""


class LoginExpired(LoginError, code="login_expired"):
    """The login took longer than OIDC_LOGIN_SECONDS."""


class DuplicateParameter(LoginError, code="duplicate_parameter"):
    """A parameter occurs more than once (RFC 6749 3.1)."""


class AuthorizationResponseInvalid(LoginError, code="authorization_response_invalid"):
    """The authorization response is malformed or does not match the request."""


class AuthorizationRefused(LoginError, code="authorization_refused"):
    """The authorization response is an error response (OIDC Core 3.1.2.6).

    `error` and `error_description` come from the provider, cut to a safe length and printable ASCII.
    """

    def __init__(self, message: str, *, error: str, error_description: str | None, **evidence: object) -> None:
        super().__init__(message, error=error, **evidence)
        self.error = error
        self.error_description = error_description


class LoginRefused(LoginError, code="login_refused"):
    """The application rejects this login. Hooks raise it; an error view receives the message, as one line."""

    def __init__(self, message: str, **evidence: object) -> None:
        # The message may contain the user's input, which must not forge a line of the log.
        super().__init__("".join(letter if letter.isprintable() else "?" for letter in message), **evidence)


class LoginLoop(LoginError, code="login_loop"):
    """Several logins in a row succeed, but the browser keeps no session."""


class LoginRequestInvalid(LoginError, code="login_request_invalid"):
    """The request to start a login is invalid: from a third party (OIDC Core 4), or a link to a login view."""


class IdentifierInvalid(LoginError, code="identifier_invalid"):
    """The user's input is not an identifier that leads to a provider (OIDC Discovery 2.1)."""


class HostNotAllowed(LoginError, code="host_not_allowed"):
    """The host of a user's identifier is not allowed for WebFinger requests."""


class IssuerNotAllowed(LoginError, code="issuer_not_allowed"):
    """The provider of a user's identifier is not configured."""


class UserChanged(LoginError, code="user_changed"):
    """The renewal of a session fails: another user is logged in at the provider."""


class SessionTooLarge(LoginError, code="session_too_large"):
    """The session does not fit into cookies."""


class TokenError(OIDCError, code="token_invalid"):
    """The token is invalid and must not be trusted."""


class TokenMalformed(TokenError, code="token_malformed"):
    """The token is not a JWS in compact form with a JSON payload (RFC 7515 7.1), or not the expected JWE."""


class AlgorithmNotAllowed(TokenError, code="algorithm_not_allowed"):
    """The token's algorithm is not one that the client registered (OIDC Core 3.1.3.7)."""


class KeyNotFound(TokenError, code="key_not_found"):
    """The provider publishes no key that fits the token, or the client has no key that decrypts it."""


class KeyAmbiguous(TokenError, code="key_ambiguous"):
    """The token has no `kid`, and several keys fit (OIDC Core 10.1)."""


class KeyUnusable(TokenError, code="key_unusable"):
    """The key is too weak, too large, or not meant for this use."""


class SignatureInvalid(TokenError, code="signature_invalid"):
    """The signature is invalid."""


class DecryptionFailed(TokenError, code="decryption_failed"):
    """The token can't be decrypted. The reason is withheld, so that modified tokens reveal nothing."""


class TokenExpired(TokenError, code="token_expired"):
    """`exp` has passed."""


class TokenInactive(TokenError, code="token_inactive"):
    """The introspection response is `active: false`: expired, revoked or unknown (RFC 7662 2.2)."""


class RefreshTokenSpent(TokenError, code="refresh_token_spent"):
    """The refresh token was exchanged before, and the result is no longer cached: it is not sent again."""

    @classmethod
    def result_expired(cls) -> "RefreshTokenSpent":
        """Create the error for a refresh token whose result is not, or no longer, cached."""
        return cls(
            "The refresh token was exchanged before and is not sent again: the provider would treat that as theft "
            "(RFC 9700 4.14). Its result is no longer available. The user has to log in again."
        )


class ClaimInvalid(TokenError, code="claim_invalid"):
    """A claim is missing, has the wrong type or an unexpected value; `claim` names it."""

    def __init__(self, message: str, *, claim: str, **evidence: object) -> None:
        super().__init__(message, claim=claim, **evidence)
        self.claim = claim


class BearerError(OIDCError, code="bearer_error"):
    """The request to a protected resource is rejected (RFC 6750 3)."""


class BearerTokenMissing(BearerError, code="bearer_token_missing"):
    """The request has no bearer token."""


class BearerRequestInvalid(BearerError, code="invalid_request"):
    """The request has a malformed bearer token, or more than one (RFC 6750 2, 3.1)."""


class InsufficientScope(BearerError, code="insufficient_scope"):
    """The token is valid but lacks a scope (RFC 6750 3.1); `scope` is the required scope, empty if unknown."""

    def __init__(self, message: str, *, scope: str = "", **evidence: object) -> None:
        super().__init__(message, scope=scope, **evidence)
        self.scope = scope


class InsufficientUserAuthentication(BearerError, code="insufficient_user_authentication"):
    """The user has to authenticate again (RFC 9470 3); `acr_values` and `max_age` are the requirements."""

    def __init__(
        self, message: str, *, acr_values: tuple[str, ...] = (), max_age: float | None = None, **evidence: object
    ) -> None:
        super().__init__(message, acr_values=acr_values, max_age=max_age, **evidence)
        self.acr_values = acr_values
        self.max_age = max_age


class StoreError(OIDCError, code="store_error"):
    """The store of sessions, session revocations and locks can't be used."""


class StoreUnavailable(StoreError, code="store_unavailable"):
    """The store does not answer or rejects a call. A change may have happened, or may still happen."""


class SessionNotWritable(StoreError, code="session_not_writable"):
    """The session is in cookies, and no response can set them: in a WebSocket, or after the response was sent."""
