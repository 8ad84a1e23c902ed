"""What can go wrong, sorted by who has to act.

    OIDCError
    ├── ConfigurationError            the developer: a setting is missing, unknown or unsafe (also a ValueError)
    ├── ProviderError                 the provider, or the way to it
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
    ├── LoginError                    this browser's login; its session stays as it was
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
    ├── TokenError                    this token
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
    ├── BearerError                   this request to an API: what it brings, or what it may do
    │   ├── BearerTokenMissing
    │   ├── BearerRequestInvalid
    │   ├── InsufficientScope
    │   └── InsufficientUserAuthentication
    └── StoreError                    the operator: where sessions are kept
        ├── StoreUnavailable
        └── SessionNotWritable

Each class has a stable `code`. Messages name the claim or setting and what was expected; neither messages nor
evidence ever hold a token, a code or a secret.
"""

from typing import ClassVar


class OIDCError(Exception):
    """The root of everything this library raises on purpose.

    `code` is stable and meant for programs; `evidence` holds what was seen and what was expected.
    """

    code: ClassVar[str] = "oidc_error"

    def __init__(self, message: str, **evidence: object) -> None:
        super().__init__(message)
        self.evidence = evidence

    @property
    def message(self) -> str:
        return str(self.args[0])


class ConfigurationError(OIDCError, ValueError):
    """A setting is missing, unknown or unsafe. The message names it and the fix."""

    code = "configuration_error"


class ProviderError(OIDCError):
    """The provider answered nonsense, refused, or could not be reached."""

    code = "provider_error"


class ProviderUnreachable(ProviderError):
    """No usable connection to the provider, or it answered 5xx."""

    code = "provider_unreachable"


class ProviderTimeout(ProviderError):
    """The provider did not answer within the deadline."""

    code = "provider_timeout"


class ProviderOverloaded(ProviderError):
    """Our own queue in front of the provider is full; `retry_after` is in seconds."""

    code = "provider_overloaded"

    def __init__(self, message: str, *, retry_after: float = 1.0, **evidence: object) -> None:
        super().__init__(message, **evidence)
        self.retry_after = retry_after


class ResponseTooLarge(ProviderError):
    """The provider's response is larger than what we are ready to read."""

    code = "response_too_large"


class MetadataInvalid(ProviderError):
    """The discovery document is not usable (OIDC Discovery 4.2)."""

    code = "metadata_invalid"


class IssuerMismatch(MetadataInvalid):
    """The discovery document speaks for another issuer (OIDC Discovery 4.3)."""

    code = "issuer_mismatch"


class JWKSInvalid(ProviderError):
    """The provider's key set is not usable (RFC 7517)."""

    code = "jwks_invalid"


class TokenResponseInvalid(ProviderError):
    """A successful token response that is not one (RFC 6749 5.1)."""

    code = "token_response_invalid"


class UserInfoInvalid(ProviderError):
    """The userinfo response is unusable or speaks of another subject (OIDC Core 5.3)."""

    code = "userinfo_invalid"


class IntrospectionInvalid(ProviderError):
    """The introspection endpoint's response is none (RFC 7662 2.2, RFC 9701 5); nothing is known of the token."""

    code = "introspection_invalid"


class RegistrationInvalid(ProviderError):
    """The client that the provider registered is not the one that was asked for (OIDC Registration 3.2, RFC 7591)."""

    code = "registration_invalid"


class WebFingerInvalid(ProviderError):
    """The host of an identifier does not say who its provider is (RFC 7033, OIDC Discovery 2)."""

    code = "webfinger_invalid"


class ProviderPaused(ProviderError):
    """The provider failed a moment ago and is not asked again yet; `retry_after` is in seconds."""

    code = "provider_paused"

    def __init__(self, message: str, *, retry_after: float = 1.0, **evidence: object) -> None:
        super().__init__(message, **evidence)
        self.retry_after = retry_after


class OAuthError(ProviderError):
    """The provider answered a direct request with an error response (RFC 6749 5.2).

    `error` and `error_description` are the provider's, cut to a safe length and printable ASCII.
    """

    code = "oauth_error"

    def __init__(
        self, message: str, *, error: str, error_description: str | None, status: int, **evidence: object
    ) -> None:
        super().__init__(message, error=error, status=status, **evidence)
        self.error = error
        self.error_description = error_description
        self.status = status


class LoginError(OIDCError):
    """This browser's login cannot go on. Any existing session stays as it was."""

    code = "login_error"


class StateMissing(LoginError):
    """The authorization response has no `state`."""

    code = "state_missing"


class StateMismatch(LoginError):
    """No login with this `state` was begun in this browser, or it was already finished."""

    code = "state_mismatch"


class LoginExpired(LoginError):
    """The login was begun too long ago."""

    code = "login_expired"


class DuplicateParameter(LoginError):
    """A parameter occurs twice (RFC 6749 3.1)."""

    code = "duplicate_parameter"


class AuthorizationResponseInvalid(LoginError):
    """The authorization response is not the one that was asked for."""

    code = "authorization_response_invalid"


class AuthorizationRefused(LoginError):
    """The provider sent an error instead of a code (OIDC Core 3.1.2.6).

    `error` and `error_description` are the provider's, cut to a safe length and printable ASCII.
    """

    code = "authorization_refused"

    def __init__(self, message: str, *, error: str, error_description: str | None, **evidence: object) -> None:
        super().__init__(message, error=error, **evidence)
        self.error = error
        self.error_description = error_description


class LoginRefused(LoginError):
    """The application refuses this login: for hooks to raise. An error view is given the message, in one line."""

    code = "login_refused"

    def __init__(self, message: str, **evidence: object) -> None:
        # it may hold what a user chose, and forge no line of a log
        super().__init__("".join(letter if letter.isprintable() else "?" for letter in message), **evidence)


class LoginLoop(LoginError):
    """Logins succeed one after the other, but no session stays."""

    code = "login_loop"


class LoginRequestInvalid(LoginError):
    """A login is asked for that can't be begun, by another site (OIDC Core 4) or by a link to a view of ours."""

    code = "login_request_invalid"


class IdentifierInvalid(LoginError):
    """What the user typed is no identifier that leads to a provider (OIDC Discovery 2.1)."""

    code = "identifier_invalid"


class HostNotAllowed(LoginError):
    """The host of a user's identifier may not be asked who its provider is."""

    code = "host_not_allowed"


class IssuerNotAllowed(LoginError):
    """The provider that is in charge of a user's identifier is none of ours."""

    code = "issuer_not_allowed"


class UserChanged(LoginError):
    """A session was to be renewed, but at the provider somebody else is logged in."""

    code = "user_changed"


class SessionTooLarge(LoginError):
    """The session does not fit into cookies."""

    code = "session_too_large"


class TokenError(OIDCError):
    """This token must not be trusted."""

    code = "token_invalid"


class TokenMalformed(TokenError):
    """Not a JWS in compact form with a JSON object inside (RFC 7515 7.1), or not the JWE that it had to be in."""

    code = "token_malformed"


class AlgorithmNotAllowed(TokenError):
    """The token is signed or encrypted with an algorithm that the client did not register (OIDC Core 3.1.3.7)."""

    code = "algorithm_not_allowed"


class KeyNotFound(TokenError):
    """The provider publishes no key that fits this token, or the client has none that decrypts it."""

    code = "key_not_found"


class KeyAmbiguous(TokenError):
    """The token names no key and several would fit (OIDC Core 10.1)."""

    code = "key_ambiguous"


class KeyUnusable(TokenError):
    """The key that fits is too weak, too large or not meant for signatures."""

    code = "key_unusable"


class SignatureInvalid(TokenError):
    """The signature does not verify."""

    code = "signature_invalid"


class DecryptionFailed(TokenError):
    """The token can't be decrypted. It is not told why: who changes tokens must learn nothing from it."""

    code = "decryption_failed"


class TokenExpired(TokenError):
    """`exp` has passed."""

    code = "token_expired"


class TokenInactive(TokenError):
    """The provider says that the token is not active: expired, revoked or unknown to it (RFC 7662 2.2)."""

    code = "token_inactive"


class RefreshTokenSpent(TokenError):
    """The refresh token was exchanged before, and what it brought is not kept any more: it is not sent again."""

    code = "refresh_token_spent"

    @classmethod
    def result_expired(cls) -> "RefreshTokenSpent":
        """For a refresh token whose result is gone."""
        return cls(
            "The refresh token was exchanged before, and is not sent again: the provider would take that for theft "
            "(RFC 9700 4.14). Its result was replayed for a while, and is gone. The user has to log in."
        )


class ClaimInvalid(TokenError):
    """A claim is missing, of the wrong type, or not what was expected; `claim` names it."""

    code = "claim_invalid"

    def __init__(self, message: str, *, claim: str, **evidence: object) -> None:
        super().__init__(message, claim=claim, **evidence)
        self.claim = claim


class BearerError(OIDCError):
    """This request to a protected resource can't be served (RFC 6750 3)."""

    code = "bearer_error"


class BearerTokenMissing(BearerError):
    """The request brings no bearer token."""

    code = "bearer_token_missing"


class BearerRequestInvalid(BearerError):
    """The request brings a bearer token in a way that RFC 6750 doesn't know, or two."""

    code = "invalid_request"


class InsufficientScope(BearerError):
    """The token is good, but doesn't grant this (RFC 6750 3.1); `scope` is what is needed, where it can be said."""

    code = "insufficient_scope"

    def __init__(self, message: str, *, scope: str = "", **evidence: object) -> None:
        super().__init__(message, scope=scope, **evidence)
        self.scope = scope


class InsufficientUserAuthentication(BearerError):
    """The user has to authenticate anew, or better (RFC 9470 3); `acr_values` and `max_age` say how."""

    code = "insufficient_user_authentication"

    def __init__(
        self, message: str, *, acr_values: tuple[str, ...] = (), max_age: float | None = None, **evidence: object
    ) -> None:
        super().__init__(message, acr_values=acr_values, max_age=max_age, **evidence)
        self.acr_values = acr_values
        self.max_age = max_age


class StoreError(OIDCError):
    """Where sessions, markers and leases are kept can't be used."""

    code = "store_error"


class StoreUnavailable(StoreError):
    """The store did not answer, or refused. A change may have happened, or not, or later."""

    code = "store_unavailable"


class SessionNotWritable(StoreError):
    """The session lives in cookies, and no response follows that could set them: a WebSocket, or a sent response."""

    code = "session_not_writable"
