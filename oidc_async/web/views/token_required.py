"""The guard of a view that takes bearer tokens: which provider's, and what they must grant (RFC 6750, RFC 9470)."""

from collections.abc import Callable, Collection, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from oidc_async.configuration.provider import ProviderConfiguration, require_seconds
from oidc_async.errors import (
    BearerRequestInvalid,
    BearerTokenMissing,
    ClaimInvalid,
    ConfigurationError,
    InsufficientScope,
)
from oidc_async.protocol.access_grant import Access, Requirements
from oidc_async.protocol.bearer_token import read_bearer_token
from oidc_async.protocol.presented_token import PresentedToken
from oidc_async.resource_server.resource_server import AsyncResourceServer
from oidc_async.web.application import WebApplication
from oidc_async.web.http.messages import is_framed_twice
from oidc_async.web.request_context import context_of

FORM_TYPE = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenGuard:
    """What one view asks of tokens.

    Parameters:
        providers: names of the providers whose tokens are taken.
        requirements: what a token must grant.
        requires: says of the claims whether they will do; None when nothing more is asked.
    """

    providers: tuple[str, ...]
    requirements: Requirements
    requires: Callable[[Access], Any] | None

    def admits(
        self, application: WebApplication, environ: MutableMapping[str, Any], authorizations: Sequence[str]
    ) -> bool:
        """Whether the token is known as one that is good here, without any waiting; else `find_out` has to tell."""
        if len(authorizations) != 1 or self.requires is not None or application.settings.bearer_in_body:
            return False
        if environ.get("type") == "websocket":
            # it may bring a second one as a subprotocol
            return False
        scheme, _, token = authorizations[0].partition(" ")
        server = self._known_server(application, token) if scheme.lower() == "bearer" else None
        access = None if server is None else server.known(token, self.requirements)
        if access is None:
            return False
        context_of(environ, application).admit(access, self)
        return True

    async def find_out(
        self, application: WebApplication, authorizations: Sequence[str], form_tokens: Sequence[str]
    ) -> Access | None:
        """The access of the request's token; None when it brings none.

        Raises BearerError, TokenError, ProviderError or ConfigurationError.
        """
        token = read_bearer_token(authorizations, form_tokens)
        if token is None:
            return None
        presented = PresentedToken(token)
        server = self._known_server(application, token) or self._server_of(application, presented.claimed_issuer)
        if server is None:
            raise ClaimInvalid(
                "iss must be the issuer of one of the providers that this view takes tokens of (the argument of "
                f"token_auth): {', '.join(self._issuers(application))}. Opaque tokens have none.",
                claim="iss",
            )
        access = await server.verify(presented, self.requirements)
        if len(self.providers) > 1:
            application.claimed_issuers.keep(token, server.issuer)
        return access

    def _issuers(self, application: WebApplication) -> list[str]:
        return [application.resource_servers[name].issuer for name in self.providers]

    def _known_server(self, application: WebApplication, token: str) -> AsyncResourceServer | None:
        """The one that a token is for, as far as that is known without taking it apart."""
        if len(self.providers) == 1:
            return application.resource_servers[self.providers[0]]
        return self._server_of(application, application.claimed_issuers.find(token))

    def _server_of(self, application: WebApplication, issuer: str | None) -> AsyncResourceServer | None:
        """The one of this issuer: no provider is shown the token of another one."""
        servers = (application.resource_servers[name] for name in self.providers)
        return None if issuer is None else next((server for server in servers if server.issuer == issuer), None)

    def require(self, verdict: object) -> None:
        """Raise InsufficientScope unless `requires` said yes."""
        if not verdict:
            raise InsufficientScope("The claims of the token are not those that this view requires.")


def require_issuers_apart(names: Sequence[str], configurations: Mapping[str, ProviderConfiguration]) -> None:
    """Raise ConfigurationError for providers of one view that `iss` can't tell apart."""
    of_issuer: dict[str, str] = {}
    for name in names:
        issuer = configurations[name].issuer_identifier
        if of_issuer.setdefault(issuer, name) != name:
            raise ConfigurationError(
                f"token_auth can't take tokens of both {of_issuer[issuer]!r} and {name!r}: both have the issuer "
                f"{issuer}, and iss of a token tells which provider it is for. Name one of them, with a list as its "
                "audience."
            )


def require_other_way(login: str | None) -> None:
    """Raise BearerTokenMissing for a request without a token, where there is no login in place of it."""
    if login is None:
        raise BearerTokenMissing("The request must bring a bearer token.")


def may_be_in_body(application: WebApplication, method: str, media_type: str) -> bool:
    """Whether a token may stand in the body of such a request (RFC 6750 2.2)."""
    return application.settings.bearer_in_body and method not in ("GET", "HEAD") and media_type == FORM_TYPE


def require_one_length(headers: Mapping[str, str]) -> None:
    """Raise BearerRequestInvalid for a body with both a length and chunks (RFC 9112 6.3)."""
    if is_framed_twice(headers):
        raise BearerRequestInvalid("The request must not have both Content-Length and Transfer-Encoding.")


def new_token_guard(
    providers: str | Sequence[str],
    scopes_required: str | Collection[str] | None,
    scopes_any: str | Collection[str] | None,
    requires: Callable[[Access], Any] | None,
    acr_values: str | Sequence[str] | None,
    max_age: float | None,
) -> TokenGuard:
    """What the arguments of a decorator come to. Raises ConfigurationError."""
    if requires is not None and not callable(requires):
        raise ConfigurationError(
            "requires must be callable: it is given the claims, and answers whether they will do."
        )
    if max_age is not None:
        require_seconds("max_age", max_age)
    return TokenGuard(
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
    # scopes and acr values hold no spaces: several of them may stand in one string (RFC 6749 3.3)
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
