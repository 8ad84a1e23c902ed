"""The settings that an application makes, read once and checked."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlsplit

from ..errors import ConfigurationError
from ..protocol.uri import is_loopback
from ..redirect_uri_config import RedirectUriConfig

logger = logging.getLogger(__name__)

KNOWN = (
    "OIDC_CLOCK_SKEW",
    "OIDC_LOGIN_SECONDS",
    "OIDC_REDIRECT_DOMAIN",
    "OIDC_REDIRECT_ENDPOINT",
    "OIDC_REDIRECT_URI",
    "OIDC_SESSION_IDLE_SECONDS",
    "OIDC_SESSION_PERMANENT",
    "OIDC_SESSION_SECONDS",
)
LEAST_SECRET_BYTES = 16
DEFAULT_SESSION_LIFETIME = timedelta(days=31)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Times are in seconds. `secret_keys` begins with the one that seals; the others only open."""

    redirect_uri: RedirectUriConfig
    secret_keys: tuple[bytes, ...] = field(repr=False)
    session_permanent: bool
    session_seconds: float
    session_idle_seconds: float | None
    clock_skew: float
    login_seconds: float


def read_settings(config: Mapping[str, Any], redirect_uri: RedirectUriConfig | None) -> Settings:
    """The settings in `config`. Raises ConfigurationError, naming the setting and the fix."""
    require_known_names(config)
    redirect_uri = redirect_uri or RedirectUriConfig.from_config(config)
    lifetime = config.get("PERMANENT_SESSION_LIFETIME") or DEFAULT_SESSION_LIFETIME
    return Settings(
        redirect_uri=redirect_uri,
        secret_keys=_read_secret_keys(config, redirect_uri),
        session_permanent=_read_bool(config, "OIDC_SESSION_PERMANENT", True),
        session_seconds=_read_seconds(config, "OIDC_SESSION_SECONDS", lifetime) or 0.0,
        session_idle_seconds=_read_seconds(config, "OIDC_SESSION_IDLE_SECONDS", None),
        clock_skew=_read_seconds(config, "OIDC_CLOCK_SKEW", 30) or 0.0,
        login_seconds=_read_seconds(config, "OIDC_LOGIN_SECONDS", 600) or 0.0,
    )


def require_known_names(config: Mapping[str, Any]) -> None:
    """A misspelt setting would silently leave a default in force: refuse it."""
    for name in config:
        if name.startswith("OIDC_") and name not in KNOWN:
            nearest = get_close_matches(name, KNOWN, n=1, cutoff=0.0)[0]
            raise ConfigurationError(f"{name} is not a setting of oidc_async. Did you mean {nearest}?")


def _read_secret_keys(config: Mapping[str, Any], redirect_uri: RedirectUriConfig) -> tuple[bytes, ...]:
    current = config.get("SECRET_KEY")
    if not current:
        raise ConfigurationError(f"SECRET_KEY is missing: it seals the session. {_FRESH_SECRET}")
    keys = tuple(_as_bytes(key) for key in (current, *(config.get("SECRET_KEY_FALLBACKS") or ())))
    if len(keys[0]) < LEAST_SECRET_BYTES:
        _refuse_short_secret(redirect_uri)
    return keys


_FRESH_SECRET = "Make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'"


def _refuse_short_secret(redirect_uri: RedirectUriConfig) -> None:
    message = f"SECRET_KEY is shorter than {LEAST_SECRET_BYTES} bytes and can be guessed. {_FRESH_SECRET}"
    # a placeholder may serve on the developer's own machine, nowhere else
    if not is_loopback(urlsplit(redirect_uri.full_uri).hostname):
        raise ConfigurationError(message)
    logger.warning("%s", message)


def _as_bytes(key: object) -> bytes:
    if isinstance(key, str):
        return key.encode()
    if isinstance(key, bytes) and key:
        return key
    raise ConfigurationError("SECRET_KEY and each of SECRET_KEY_FALLBACKS must be a string or bytes.")


def _read_bool(config: Mapping[str, Any], name: str, default: bool) -> bool:
    value = config.get(name, default)
    if not isinstance(value, bool):
        raise ConfigurationError(f"{name} must be True or False.")
    return value


def _read_seconds(config: Mapping[str, Any], name: str, default: float | timedelta | None) -> float | None:
    value = config.get(name, default)
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if value is None and default is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e10:
        raise ConfigurationError(f"{name} must be a number of seconds, or a timedelta.")
    return value
