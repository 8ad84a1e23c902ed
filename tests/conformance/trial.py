"""One client in one configuration, from one /ct/configure to the next."""

import secrets
import ssl
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from oidc_async import ProviderConfiguration
from oidc_async.protocol.webfinger import read_identifier
from oidc_async.runtime.port import Runtime
from oidc_async.stores import MemoryStore

from .addresses import Addresses
from .order import Order, OrderRejected
from .record import Record

T = TypeVar("T")

PROVIDER = "op"
"""The name of the one provider of the application."""


class Trial:
    """What Flask's and Quart's application have in common of a configured client. `record` is of its last flow."""

    def __init__(self, order: Order, base_url: str) -> None:
        self.order, self.keys = order, order.client_keys()
        self.addresses = Addresses(
            base_url, has_keys=self.keys is not None, has_requests=order.request_type == "request_uri"
        )
        self.record = Record()

    def settings(self) -> dict[str, Any]:
        """Fresh ones: no session and no begun login of another client is good here."""
        return {
            "SECRET_KEY": secrets.token_urlsafe(32),
            "OIDC_STORE": MemoryStore(),
            "OIDC_SESSION_IFRAME_URI": self.addresses.session_iframe if self.order.session_management else None,
            **self.addresses.settings(),
        }

    def provider_configuration(self, http_client: object) -> ProviderConfiguration:
        return self.order.provider_configuration(self.addresses, self.keys, http_client)

    def web_finger(self, kind: Callable[..., T], runtime: Runtime) -> T | None:
        """What finds the ordered issuer, and no other, at the host of the ordered user."""
        if self.order.webfinger is None:
            return None
        host = read_identifier(self.order.webfinger).host.partition("://")[2]
        return kind(allowed_hosts=[host], allowed_issuers=[self.order.issuer], runtime=runtime)

    def tls(self) -> ssl.SSLContext:
        """Whom the HTTP client trusts, and the certificate that it shows. Raises OrderRejected."""
        order = self.order
        try:
            return tls_context(order.ca, order.client_cert, order.client_key)
        except OSError as error:
            raise OrderRejected("invalid_order", f"ca or client_cert can't be used: {error}") from None

    def to_dict(self) -> dict[str, Any]:
        """What /ct/configure answers."""
        client = self.order.client_metadata(self.addresses)
        client.pop("client_secret", None)
        return {**self.addresses.to_dict(), "client": client}


@cache
def tls_context(ca: str | None, certificate: str | None, key: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca)
    if certificate is not None:
        context.load_cert_chain(certificate, key)
    return context
