"""Reads and checks the `OIDC_*` settings of an application."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import get_close_matches
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from oidc_async.configuration.redirect_uri import RedirectUriConfig
from oidc_async.errors import ConfigurationError
from oidc_async.protocol.uri import is_loopback, origin, uri_problem
from oidc_async.stores import StoreChoice

from .configured_uris import OwnUri, read_origins, read_own_uri

logger = logging.getLogger("oidc_async.settings")

KNOWN = (
    "OIDC_BACKCHANNEL_LOGOUT_URI",
    "OIDC_BEARER_IN_BODY",
    "OIDC_CLOCK_SKEW",
    "OIDC_FRONTCHANNEL_LOGOUT_URI",
    "OIDC_INITIATE_LOGIN_URI",
    "OIDC_JWKS_URI",
    "OIDC_LOGIN_SECONDS",
    "OIDC_REDIRECT_DOMAIN",
    "OIDC_REDIRECT_ENDPOINT",
    "OIDC_REDIRECT_URI",
    "OIDC_REFRESH_BEFORE_SECONDS",
    "OIDC_REQUEST_URI",
    "OIDC_RESOURCE",
    "OIDC_RFC6750_STATUS",
    "OIDC_SESSION_IDLE_SECONDS",
    "OIDC_SESSION_IFRAME_URI",
    "OIDC_SESSION_IN_COOKIES",
    "OIDC_SESSION_PERMANENT",
    "OIDC_SESSION_SECONDS",
    "OIDC_STORE",
    "OIDC_TOKEN_CACHE_ENTRIES",
    "OIDC_TOKEN_CACHE_IN_STORE",
    "OIDC_TOKEN_CACHE_REFUSED_SECONDS",
    "OIDC_TOKEN_CACHE_SECONDS",
    "OIDC_WEBSOCKET_ORIGINS",
)
OWN_URIS = {
    "jwks_uri": "OIDC_JWKS_URI",
    "request_uri": "OIDC_REQUEST_URI",
    "initiate_login_uri": "OIDC_INITIATE_LOGIN_URI",
    "backchannel_logout_uri": "OIDC_BACKCHANNEL_LOGOUT_URI",
    "frontchannel_logout_uri": "OIDC_FRONTCHANNEL_LOGOUT_URI",
    "session_iframe_uri": "OIDC_SESSION_IFRAME_URI",
}
CLIENT_JWKS = "oidc_async.client_jwks"
REQUEST_OBJECT = "oidc_async.request_object"
INITIATE_LOGIN = "oidc_async.initiate_login"
BACKCHANNEL_LOGOUT = "oidc_async.backchannel_logout"
FRONTCHANNEL_LOGOUT = "oidc_async.frontchannel_logout"
SESSION_IFRAME = "oidc_async.session_iframe"
RESOURCE_METADATA = "oidc_async.resource_metadata"
"""The names of our endpoints in the map of URLs."""
VISITED_BY_BROWSERS = ("initiate_login_uri", "frontchannel_logout_uri", "session_iframe_uri")
"""Endpoints that browsers visit with their cookies, which are bound to one host."""
LEAST_SECRET_BYTES = 16
DEFAULT_SESSION_SECONDS = 31 * 86_400.0
MOST_SECONDS = 1e10
MOST_ENTRIES = 100_000_000
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one application. Times are in seconds.

    Attributes:
        secret_keys: The keys of sealed cookies and records. The first one seals; the others only open.
    """

    redirect_uri: RedirectUriConfig
    secret_keys: tuple[bytes, ...] = field(repr=False)
    session_permanent: bool
    session_seconds: float
    session_idle_seconds: float | None
    clock_skew: float
    login_seconds: float
    refresh_before_seconds: float
    rfc6750_status: bool
    bearer_in_body: bool
    resource: str | None
    jwks_uri: OwnUri | None
    request_uri: OwnUri | None
    initiate_login_uri: OwnUri | None
    store: StoreChoice | None
    session_in_cookies: bool
    backchannel_logout_uri: OwnUri | None
    frontchannel_logout_uri: OwnUri | None
    session_iframe_uri: OwnUri | None
    token_cache_seconds: float
    token_cache_refused_seconds: float
    token_cache_entries: int
    token_cache_in_store: bool
    websocket_origins: frozenset[str]

    def own_uris(self) -> dict[str, OwnUri | RedirectUriConfig]:
        """Return the URLs of our endpoints that are set, by the names of their endpoints."""
        uris: dict[str, OwnUri | RedirectUriConfig | None] = {
            self.redirect_uri.endpoint: self.redirect_uri,
            CLIENT_JWKS: self.jwks_uri,
            REQUEST_OBJECT: self.request_uri,
            INITIATE_LOGIN: self.initiate_login_uri,
            BACKCHANNEL_LOGOUT: self.backchannel_logout_uri,
            FRONTCHANNEL_LOGOUT: self.frontchannel_logout_uri,
            SESSION_IFRAME: self.session_iframe_uri,
        }
        return {endpoint: uri for endpoint, uri in uris.items() if uri is not None}

    def own_endpoints(self) -> frozenset[str]:
        """Return the names of our endpoints that the settings enable."""
        served = set(self.own_uris())
        if self.resource is not None:
            served.add(RESOURCE_METADATA)
        return frozenset(served)


def read_settings(config: Mapping[str, Any], redirect_uri: RedirectUriConfig | None) -> Settings:
    """Read the settings of `config`. Raises ConfigurationError, which names the setting and the fix."""
    require_known_names(config)
    _require_no_empty(config)
    redirect_uri = redirect_uri or RedirectUriConfig.from_config(config)
    own_lifetime = config.get("OIDC_SESSION_SECONDS") is not None
    lifetime = "OIDC_SESSION_SECONDS" if own_lifetime else "PERMANENT_SESSION_LIFETIME"
    return Settings(
        redirect_uri=redirect_uri,
        secret_keys=_read_secret_keys(config, redirect_uri),
        session_permanent=_read_bool(config, "OIDC_SESSION_PERMANENT", True),
        session_seconds=_read_seconds(config, lifetime, DEFAULT_SESSION_SECONDS),
        session_idle_seconds=_read_seconds(config, "OIDC_SESSION_IDLE_SECONDS", None),
        clock_skew=_read_seconds(config, "OIDC_CLOCK_SKEW", 30.0, least=0),
        login_seconds=_read_seconds(config, "OIDC_LOGIN_SECONDS", 600.0),
        refresh_before_seconds=_read_seconds(config, "OIDC_REFRESH_BEFORE_SECONDS", 30.0, least=0),
        rfc6750_status=_read_bool(config, "OIDC_RFC6750_STATUS", False),
        bearer_in_body=_read_bool(config, "OIDC_BEARER_IN_BODY", False),
        resource=_read_resource(config),
        store=_read_store(config),
        session_in_cookies=_read_bool(config, "OIDC_SESSION_IN_COOKIES", False),
        **_read_own_uris(config, redirect_uri),
        token_cache_seconds=_read_seconds(config, "OIDC_TOKEN_CACHE_SECONDS", 60.0, least=0),
        token_cache_refused_seconds=_read_seconds(config, "OIDC_TOKEN_CACHE_REFUSED_SECONDS", 5.0, least=0),
        token_cache_entries=_read_count(config, "OIDC_TOKEN_CACHE_ENTRIES", 100_000),
        token_cache_in_store=_read_bool(config, "OIDC_TOKEN_CACHE_IN_STORE", True),
        websocket_origins=read_origins(config, redirect_uri.full_uri),
    )


def require_known_names(config: Mapping[str, Any]) -> None:
    """Raise ConfigurationError for an unknown OIDC setting, which would leave a default in force unnoticed."""
    for name in config:
        if name.startswith("OIDC_") and name not in KNOWN:
            nearest = get_close_matches(name, KNOWN, n=1, cutoff=0.0)[0]
            raise ConfigurationError(
                f"{name} is not a setting of oidc_async. Did you mean {nearest}? Configure the issuer and the client "
                "in ProviderConfiguration and ClientMetadata. Names of your own settings must not begin with OIDC_."
            )


def _require_no_empty(config: Mapping[str, Any]) -> None:
    # A missing environment variable often becomes an empty string, which is not a valid value of any setting.
    for name in KNOWN:
        if config.get(name) == "":
            hint = (
                " It is the redirect URI that you registered with the provider."
                if name == "OIDC_REDIRECT_URI"
                else ""
            )
            raise ConfigurationError(f"{name} is empty. Set it or remove it.{hint}")


def _text_hint(value: object) -> str:
    if not isinstance(value, str):
        return ""
    return " It is a string; app.config.from_prefixed_env() converts environment variables."


def _read_secret_keys(config: Mapping[str, Any], redirect_uri: RedirectUriConfig) -> tuple[bytes, ...]:
    if not config.get("SECRET_KEY"):
        raise ConfigurationError(f"SECRET_KEY is not set. It encrypts the session. {_NEW_SECRET}")
    former = _read(config, "SECRET_KEY_FALLBACKS", ())
    if not isinstance(former, list | tuple):
        raise ConfigurationError("SECRET_KEY_FALLBACKS must be a list of former values of SECRET_KEY.")
    keys = tuple(_as_bytes(key) for key in (config["SECRET_KEY"], *cast("Sequence[object]", former)))
    # A former key still opens sessions, so it must not be weaker than the present one.
    if any(len(key) < LEAST_SECRET_BYTES for key in keys):
        _reject_short_secret(redirect_uri)
    return keys


_NEW_SECRET = "Generate one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'"


def _reject_short_secret(redirect_uri: RedirectUriConfig) -> None:
    message = (
        f"SECRET_KEY, or one of SECRET_KEY_FALLBACKS, is shorter than {LEAST_SECRET_BYTES} bytes "
        f"and can be guessed. {_NEW_SECRET}"
    )
    # A placeholder is accepted only on the machine of a developer.
    if not is_loopback(urlsplit(redirect_uri.full_uri).hostname):
        raise ConfigurationError(message)
    logger.warning("%s", message)


def _as_bytes(key: object) -> bytes:
    if isinstance(key, str | bytes) and key:
        return key.encode() if isinstance(key, str) else key
    raise ConfigurationError("SECRET_KEY and each of SECRET_KEY_FALLBACKS must be a string or bytes.")


def _read_bool(config: Mapping[str, Any], name: str, default: bool) -> bool:
    value = _read(config, name, default)
    if not isinstance(value, bool):
        raise ConfigurationError(f"{name} must be True or False.{_text_hint(value)}")
    return value


def _read_resource(config: Mapping[str, Any]) -> str | None:
    resource: str | None = _read(config, "OIDC_RESOURCE", None)
    if resource is not None and (problem := uri_problem(resource) or ("?" in resource and "must not have a query")):
        raise ConfigurationError(f"OIDC_RESOURCE {problem}.")
    return resource


def _read_store(config: Mapping[str, Any]) -> StoreChoice | None:
    store = _read(config, "OIDC_STORE", None)
    if isinstance(store, str):
        from oidc_async.stores import store_from_url

        try:
            return store_from_url(store)
        except ConfigurationError as error:
            raise ConfigurationError(f"OIDC_STORE: {error.message}", setting="OIDC_STORE") from None
    if store is not None and not (hasattr(store, "blocking") and hasattr(store, "asynchronous")):
        raise ConfigurationError('OIDC_STORE must be a URL such as "redis://...", or a store of oidc_async.stores.')
    return cast("StoreChoice | None", store)


def _read_own_uris(config: Mapping[str, Any], redirect_uri: RedirectUriConfig) -> dict[str, OwnUri | None]:
    uris = {name: read_own_uri(config, setting, redirect_uri) for name, setting in OWN_URIS.items()}
    _require_apart({OWN_URIS[name]: uri.path for name, uri in uris.items() if uri is not None})
    for name in VISITED_BY_BROWSERS:
        uri = uris[name]
        if uri is not None and origin(uri.full_uri) != origin(redirect_uri.full_uri):
            raise ConfigurationError(f"{OWN_URIS[name]} must have the scheme, host and port of OIDC_REDIRECT_URI.")
    if uris["request_uri"] is not None:
        _require_place_for_objects(config)
    if uris["backchannel_logout_uri"] is not None and config.get("OIDC_STORE") is None:
        raise ConfigurationError(
            "OIDC_BACKCHANNEL_LOGOUT_URI needs OIDC_STORE, which tells all processes that a provider has ended a "
            "session. To keep the sessions themselves in cookies, set OIDC_SESSION_IN_COOKIES = True."
        )
    return uris


def _require_place_for_objects(config: Mapping[str, Any]) -> None:
    if config["OIDC_REQUEST_URI"].endswith("/"):
        raise ConfigurationError(
            "OIDC_REQUEST_URI must not end with a slash: the names of request objects follow it."
        )
    if config.get("OIDC_STORE") is None:
        raise ConfigurationError(
            "OIDC_REQUEST_URI needs OIDC_STORE, so that each process can serve the request objects of the others. "
            'For a single process, "memory:" is sufficient. To keep the sessions themselves in cookies, set '
            "OIDC_SESSION_IN_COOKIES = True."
        )


def _require_apart(paths: Mapping[str, str]) -> None:
    settings = {path: setting for setting, path in paths.items()}
    for setting, path in paths.items():
        if settings[path] != setting:
            raise ConfigurationError(f"{setting} and {settings[path]} must differ.")


def _read_count(config: Mapping[str, Any], name: str, default: int) -> int:
    value = _read(config, name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_ENTRIES:
        raise ConfigurationError(f"{name} must be an integer from 1 to {MOST_ENTRIES}.{_text_hint(value)}")
    return value


def _read_seconds(config: Mapping[str, Any], name: str, default: T, least: float = 1) -> float | T:
    value = _read(config, name, default)
    if value is default:
        return default
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not least <= seconds <= MOST_SECONDS:
        raise ConfigurationError(
            f"{name} must be a number of seconds or a timedelta, at least {least}.{_text_hint(value)}"
        )
    return seconds


def _read(config: Mapping[str, Any], name: str, default: object) -> Any:
    value = config.get(name)
    return default if value is None else value
