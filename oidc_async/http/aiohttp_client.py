"""Connections of aiohttp, the fastest engine on asyncio (extra `aiohttp`)."""

import ssl
from base64 import b64encode
from collections.abc import Callable
from typing import Any, ClassVar
from weakref import WeakSet

import aiohttp
import yarl

from oidc_async.protocol.http_message import HttpRequest, HttpResponse
from oidc_async.protocol.uri import origin

from .connection_pool import KEEP_ALIVE, is_readable
from .settings import HttpSettings
from .wire import Answer, address_of, certificate_name, credentials_of, dialled_url, headers_of

_LONGEST_HEADER = 64 * 1024


class AiohttpConnections:
    """The connections of one event loop.

    The gate in front of them limits their number.
    """

    def __init__(self, settings: HttpSettings, tls: Callable[[], ssl.SSLContext]) -> None:
        self._settings = settings
        self._tls = tls
        self._proxy_headers = _proxy_headers(settings.proxy)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE),
            timeout=aiohttp.ClientTimeout(total=None, connect=settings.connect_timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("Content-Type",),
            auto_decompress=False,
            trust_env=False,
            max_line_size=_LONGEST_HEADER,
            max_field_size=_LONGEST_HEADER,
            request_class=_Request,
        )

    async def exchange(self, request: HttpRequest) -> HttpResponse:
        while True:
            try:
                response = await self._answered(request)
                break
            except _StaleConnectionError:
                pass  # Nothing was sent, so the request can be sent again on another connection.
            except aiohttp.ClientHttpProxyError as error:
                raise ConnectionError(f"ProxyError: {error.status}") from None
        try:
            answer = Answer(request, response.status, response.headers.items())
            with answer.reading():
                async for chunk in response.content.iter_any():
                    answer.body.feed(chunk)
                return answer.complete()
        finally:
            response.release()

    async def aclose(self) -> None:
        await self._session.close()

    async def _answered(self, request: HttpRequest) -> aiohttp.ClientResponse:
        address, proxy = address_of(dialled_url(request)), self._settings.proxy or ""
        headers = {name.decode(): value.decode() for name, value in headers_of(request, self._settings.user_agent)}
        if address.scheme == b"http":
            headers |= self._proxy_headers
        return await self._session.request(
            request.method,
            yarl.URL(address.origin + address.target.decode(), encoded=True),
            headers=headers,
            data=request.body or None,
            allow_redirects=False,
            server_hostname=certificate_name(request).get("sni_hostname"),
            proxy=origin(proxy) if proxy else None,
            proxy_headers=self._proxy_headers if proxy else None,
            ssl=self._tls() if address.scheme == b"https" or proxy.startswith("https:") else True,
        )


class _StaleConnectionError(Exception): ...


class _Request(aiohttp.ClientRequest):
    """A request that checks a reused connection.

    The provider may have closed it, or sent data without a request.

    aiohttp learns that from the event loop, which may not have run since. Such a connection would lose the request,
    or take the unrequested data for the response.
    """

    _used: ClassVar[WeakSet[Any]] = WeakSet()

    async def send(self, conn: Any) -> aiohttp.ClientResponse:
        if conn.protocol in self._used and (conn.protocol.should_close or is_readable(conn.transport)):
            raise _StaleConnectionError
        self._used.add(conn.protocol)
        return await super().send(conn)


def _proxy_headers(proxy: str | None) -> dict[str, str]:
    credentials = None if proxy is None else credentials_of(proxy)
    if credentials is None:
        return {}
    return {"Proxy-Authorization": f"Basic {b64encode(b':'.join(credentials)).decode()}"}
