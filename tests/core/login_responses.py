"""The requests of a login, its responses, and which providers were asked."""

from dataclasses import replace
from urllib.parse import parse_qs, urlencode, urlsplit

from oidc_async.relying_party.login import AuthorizationRequest
from oidc_async.testing import Callback
from tests.core.realm import REDIRECT_URI, Realm


def asked(begun: AuthorizationRequest) -> dict[str, str]:
    """The parameters of the authentication request, each once."""
    return {name: value for name, (value,) in parse_qs(urlsplit(begun.url).query, strict_parsing=True).items()}


def endpoints(realm: Realm) -> list[str]:
    return [recorded.endpoint for recorded in realm.provider.requests]


def back_with(callback: Callback, **changes: str | None) -> Callback:
    """The callback with other parameters; None takes one away."""
    pairs = {**dict(callback.parameters), **changes}
    parameters = tuple((name, value) for name, value in pairs.items() if value is not None)
    return replace(callback, parameters=parameters, url=f"{REDIRECT_URI}?{urlencode(parameters)}")
