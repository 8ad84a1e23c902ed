"""The settings of HTTP connections, their checks, and the TLS context."""

import ssl
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from oidc_async.errors import ConfigurationError
from oidc_async.protocol.http_message import HttpRequest

from .error_mapping import require_http_url


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """The settings of a runtime's HTTP connections.

    Args:
        deadline: seconds for a whole exchange: connecting, sending, and reading the body to its end.
        connect_timeout: seconds to open a connection.
        max_concurrency: requests to one provider at the same time, and idle connections that are kept; further
            requests wait in a queue. 64 is more than a process can use while responses take 50 ms (1,280 per
            second). It costs 20 MB of TLS buffers on asyncio or 5 MB in threads, and leaves capacity of the provider
            to other clients.
        max_queue: requests that may wait; a further one is rejected with ProviderOverloaded.
        max_login_requests: requests of logins and refreshes to one endpoint (token, userinfo, pushed request,
            revocation) at the same time. Further requests wait; if none is answered for two seconds, they are
            rejected with ProviderOverloaded. Anybody can send invented codes: choose half of the threads of a
            worker, so that a token endpoint that hangs leaves the other half to other pages.
        failure_pause: seconds during which a failed shared fetch is not tried again.
        proxy: URL of a forward proxy. Proxy variables of the environment are not read.
        ca_bundle: path of a PEM file, or an SSLContext, that replaces the default certificate authorities.
        client_certificate: path of a PEM file, or (certificate, key) paths, or (certificate, key, password).
        user_agent: the User-Agent header.
        engine: the HTTP library on asyncio: "httpx" (the connections of httpx, or of httpx2 if it is installed), or
            "aiohttp", which takes half of the time and needs the extra `aiohttp`. It is never chosen automatically,
            because many applications have aiohttp for other reasons. An `http_client` takes precedence.
    """

    deadline: float = 10.0
    connect_timeout: float = 5.0
    max_concurrency: int = 64
    max_queue: int = 1000
    max_login_requests: int = 8
    failure_pause: float = 1.0
    proxy: str | None = field(default=None, repr=False)
    ca_bundle: str | ssl.SSLContext | None = None
    client_certificate: str | tuple[str, str] | tuple[str, str, str] | None = field(default=None, repr=False)
    user_agent: str = "oidc-async"
    engine: Literal["httpx", "aiohttp"] = "httpx"


DEFAULT_SETTINGS = HttpSettings()
OF_OUR_CLIENT = ("proxy", "ca_bundle", "client_certificate", "user_agent", "engine")
"""Settings that have no effect with an `http_client`, which has its own."""


def require_usable(settings: HttpSettings) -> None:
    """Reject settings with which every request would fail; the error names one."""
    for name in ("deadline", "connect_timeout"):
        if not 0 < getattr(settings, name) < float("inf"):
            raise ConfigurationError(f"{name} must be a positive number of seconds", setting=name)
    for name, least in (("max_concurrency", 1), ("max_queue", 0), ("max_login_requests", 1), ("failure_pause", 0)):
        if not getattr(settings, name) >= least:
            raise ConfigurationError(f"{name} must be at least {least}", setting=name)
    if settings.engine not in ("httpx", "aiohttp"):
        raise ConfigurationError("engine must be httpx or aiohttp", setting="engine")
    _require_proxy(settings.proxy)
    if isinstance(settings.ca_bundle, ssl.SSLContext) and settings.client_certificate is not None:
        raise ConfigurationError(
            "client_certificate: load it into the SSLContext that ca_bundle gives",
            setting="client_certificate",
        )


def require_unused(settings: HttpSettings) -> None:
    """Reject settings that have no effect with an `http_client`."""
    for name in OF_OUR_CLIENT:
        if getattr(settings, name) != getattr(DEFAULT_SETTINGS, name):
            raise ConfigurationError(
                f"{name} in http_settings has no effect on http_client: set it in that client, or leave that out",
                setting=name,
            )


def tls_context(settings: HttpSettings) -> ssl.SSLContext:
    """Create the TLS context of these settings.

    By default it trusts the authorities that httpx trusts.

    Takes up to a tenth of a second.

    Raises:
        ConfigurationError: a file is missing or invalid.
    """
    context = _trusting(settings.ca_bundle)
    context.set_alpn_protocols(["http/1.1"])
    if settings.client_certificate is not None:
        _load_client_certificate(context, settings.client_certificate)
    return context


def require_no_proxy(settings: HttpSettings) -> None:
    """Reject checks of addresses with a proxy.

    It looks up names by itself, and may find other addresses.
    """
    if settings.proxy is not None:
        raise ConfigurationError(
            "With a proxy, addresses can't be checked: name each host in allowed_hosts, without a dot before it.",
            setting="allowed_hosts",
        )


def require_sendable(request: HttpRequest, settings: HttpSettings) -> None:
    """Reject a request that these settings cannot send as intended."""
    require_http_url(request)
    if request.address:
        require_no_proxy(settings)


class LazyTls:
    """The TLS context of `settings`, created when it is first needed.

    It is not needed for http://.
    """

    def __init__(self, settings: HttpSettings) -> None:
        self._settings = settings
        self._context: ssl.SSLContext | None = None

    def __call__(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = tls_context(self._settings)
        return self._context


def _trusting(ca_bundle: str | ssl.SSLContext | None) -> ssl.SSLContext:
    if isinstance(ca_bundle, ssl.SSLContext):
        return ca_bundle
    if ca_bundle is None:
        from .httpx_compat import usual_tls_context  # It imports the HTTP library.

        return usual_tls_context()
    try:
        return ssl.create_default_context(cafile=ca_bundle)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"ca_bundle cannot be loaded: {error}", setting="ca_bundle") from error


def _load_client_certificate(
    context: ssl.SSLContext, certificate: str | tuple[str, str] | tuple[str, str, str]
) -> None:
    try:
        context.load_cert_chain(*_certificate_chain(certificate))
    except (OSError, ValueError) as error:
        reason = type(error).__name__
        raise ConfigurationError(
            f"client_certificate cannot be loaded ({reason})", setting="client_certificate"
        ) from None


def _certificate_chain(
    certificate: str | tuple[str, str] | tuple[str, str, str],
) -> tuple[str, str | None, str]:
    # Without a password, OpenSSL would prompt for one at the terminal of the server.
    if isinstance(certificate, str):
        return certificate, None, ""
    if len(certificate) == 2:
        return (*certificate, "")
    return certificate


def _require_proxy(proxy: str | None) -> None:
    if proxy is None:
        return
    try:
        parts = urlsplit(proxy)
        is_valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_valid = False
    if not is_valid:
        raise ConfigurationError("proxy must be an http:// or https:// URL that names a host", setting="proxy")
