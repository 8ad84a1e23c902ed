"""Views that require a bearer token: of which providers, and what it must grant (RFC 6750, RFC 9470)."""

from collections.abc import Callable, Collection, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from oidc_async.configuration.provider import ProviderConfiguration
from oidc_async.configuration.provider_checks import require_seconds
from oidc_async.errors import (
    BearerRequestInvalid,
    BearerTokenMissing,
    ClaimInvalid,
    ConfigurationError,
    InsufficientScope,
)
from oidc_async.protocol.access_grant import Access, Requirements
from oidc_async.protocol.bearer_token import read_bearer_token
from oidc_async.protocol.presented_token import PresentedToken, token_digest
from oidc_async.resource_server.resource_server import AsyncResourceServer
from oidc_async.web.application import WebApplication
from oidc_async.web.http.messages import is_framed_twice
from oidc_async.web.request_context import context_of

FORM_TYPE = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPolicy:
    """What one view requires of bearer tokens.

    Attributes:
        providers: names of the providers whose tokens are accepted.
        requirements: what a token must grant.
        requires: called with the claims of a token, returns whether they are sufficient; None if any are.
    """

    providers: tuple[str, ...]
    requirements: Requirements
    requires: Callable[[Access], Any] | None

    def try_cached(
        self, application: WebApplication, environ: MutableMapping[str, Any], authorizations: Sequence[str]
    ) -> bool:
        """Accept a token that is cached as valid, without waiting and at the least cost.

        False says nothing about the token: `authenticate` must decide.

        Args:
            application: the application of the view.
            environ: the request as the server passed it: a WSGI environ or an ASGI scope.
            authorizations: each Authorization header.
        """
        if len(authorizations) != 1 or self.requires is not None or application.settings.bearer_in_body:
            return False
        if environ.get("type") == "websocket":
            # A WebSocket may have a second token among its subprotocols.
            return False
        scheme, _, token = authorizations[0].partition(" ")
        if scheme.lower() != "bearer":
            return False
        # The token is hashed once, for the look-up of its provider and for that of its access.
        digest = token_digest(token)
        server = self._cached_server(application, digest)
        access = None if server is None else server.try_cached(digest, self.requirements)
        if access is None:
            return False
        context_of(environ, application).admit(access, self)
        return True

    async def authenticate(
        self, application: WebApplication, authorizations: Sequence[str], form_tokens: Sequence[str]
    ) -> Access | None:
        """Verify the bearer token of a request, and return its access; None if the request has no token.

        Args:
            application: the application of the view.
            authorizations: each Authorization header.
            form_tokens: each token in a form body or among the subprotocols of a WebSocket.

        Raises:
            BearerError: the request has several tokens, or the token does not grant enough.
            TokenError: the token is invalid.
            ProviderError: the provider can't be reached.
            ConfigurationError: tokens of this kind can't be verified.
        """
        text = read_bearer_token(authorizations, form_tokens)
        if text is None:
            return None
        # Hashed and decoded at most once from here on, however many steps need it.
        token = PresentedToken(text)
        server = self._cached_server(application, token.digest)
        if server is None:
            server = self._server_of(application, token.claimed_issuer)
        if server is None:
            raise ClaimInvalid(
                "iss must be the issuer of one of the providers whose tokens this view accepts (the argument of "
                f"token_auth): {', '.join(self._issuers(application))}. Opaque tokens have no iss.",
                claim="iss",
            )
        access = await server.verify(token, self.requirements)
        if len(self.providers) > 1:
            application.claimed_issuers.keep(token.digest, server.issuer)
        return access

    def _issuers(self, application: WebApplication) -> list[str]:
        return [application.resource_servers[name].issuer for name in self.providers]

    def _cached_server(self, application: WebApplication, digest: bytes) -> AsyncResourceServer | None:
        """Return the resource server of the token's provider, if it is known without decoding the token."""
        if len(self.providers) == 1:
            return application.resource_servers[self.providers[0]]
        return self._server_of(application, application.claimed_issuers.find(digest))

    def _server_of(self, application: WebApplication, issuer: str | None) -> AsyncResourceServer | None:
        """Return the resource server of this issuer. A provider never receives a token of another provider."""
        if issuer is not None:
            for name in self.providers:
                server = application.resource_servers[name]
                if server.issuer == issuer:
                    return server
        return None

    def require(self, verdict: object) -> None:
        """Raise InsufficientScope unless `requires` returned a true value."""
        if not verdict:
            raise InsufficientScope("The claims of the token are not sufficient for this view.")


def require_issuers_apart(names: Sequence[str], configurations: Mapping[str, ProviderConfiguration]) -> None:
    """Raise ConfigurationError if two providers of one view have the same issuer."""
    of_issuer: dict[str, str] = {}
    for name in names:
        issuer = configurations[name].issuer_identifier
        if of_issuer.setdefault(issuer, name) != name:
            raise ConfigurationError(
                f"token_auth can't accept tokens of both {of_issuer[issuer]!r} and {name!r}: both have the issuer "
                f"{issuer}, and the iss of a token decides which provider verifies it. Name one of them, with a list "
                "as its audience."
            )


def require_other_way(login: str | None) -> None:
    """Raise BearerTokenMissing for a request without a token, unless there is a login for such requests."""
    if login is None:
        raise BearerTokenMissing("The request must have a bearer token.")


def may_be_in_body(application: WebApplication, method: str, media_type: str) -> bool:
    """Whether the form body of such a request may have a token (RFC 6750 2.2)."""
    return application.settings.bearer_in_body and method not in ("GET", "HEAD") and media_type == FORM_TYPE


def require_one_length(headers: Mapping[str, str]) -> None:
    """Raise BearerRequestInvalid for a body with both a length and chunks (RFC 9112 6.3)."""
    if is_framed_twice(headers):
        raise BearerRequestInvalid("The request must not have both Content-Length and Transfer-Encoding.")


def new_token_policy(
    providers: str | Sequence[str],
    scopes_required: str | Collection[str] | None,
    scopes_any: str | Collection[str] | None,
    requires: Callable[[Access], Any] | None,
    acr_values: str | Sequence[str] | None,
    max_age: float | None,
) -> TokenPolicy:
    """Create the policy from the arguments of a decorator. Raises ConfigurationError."""
    if requires is not None and not callable(requires):
        raise ConfigurationError(
            "requires must be callable: it is called with the claims, and returns whether they are sufficient."
        )
    if max_age is not None:
        require_seconds("max_age", max_age)
    return TokenPolicy(
        providers=_texts("the name of a provider", providers) or _no_provider(),
        requirements=Requirements(
            scopes=frozenset(_words("scopes_required", scopes_required)),
            any_scopes=frozenset(_words("scopes_any", scopes_any)),
            acr_values=_words("acr_values", acr_values),
            max_age=max_age,
        ),
        requires=requires,
    )


def _no_provider() -> tuple[str, ...]:
    raise ConfigurationError("token_auth needs the name of a provider: @auth.token_auth('name').")


def _words(name: str, value: str | Collection[str] | None) -> tuple[str, ...]:
    # Scopes and acr values have no spaces, so that one string may hold several of them (RFC 6749 3.3).
    return tuple(word for text in _texts(name, value) for word in text.split())


def _texts(name: str, value: object) -> tuple[str, ...]:
    if callable(value):
        _no_provider()
    texts: object = (value,) if isinstance(value, str) else () if value is None else value
    if not isinstance(texts, Collection) or not all(map(_is_text, cast("Collection[object]", texts))):
        raise ConfigurationError(f"{name} must be a string, or a list of strings, and none of them empty.")
    return tuple(cast("Collection[str]", texts))


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value.isprintable() and not value.isspace() and value != ""
