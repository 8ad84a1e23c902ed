"""Collects a response body chunk by chunk, with a limit on its decoded size."""

import zlib
from typing import Protocol

from oidc_async.errors import ProviderUnreachable, ResponseTooLarge
from oidc_async.protocol.http_message import HttpRequest

from .error_mapping import describe


class _Decoder(Protocol):
    def decode(self, chunk: bytes, limit: int) -> bytes:
        """Return at most `limit` decoded bytes."""
        ...

    def is_complete(self) -> bool: ...


class _Identity:
    def decode(self, chunk: bytes, limit: int) -> bytes:
        return chunk[:limit]

    def is_complete(self) -> bool:
        return True


class _Gzip:
    # The HTTP library would inflate a chunk to a thousand times its size before the limit could be checked.

    def __init__(self) -> None:
        self._inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)

    def decode(self, chunk: bytes, limit: int) -> bytes:
        return self._inflater.decompress(chunk, limit)

    def is_complete(self) -> bool:
        return self._inflater.eof


class ResponseBody:
    """Collects the body of a response, and limits its decoded size.

    Requests ask for no Content-Encoding. If the provider, or a proxy in front of it, uses gzip nevertheless, the body
    is decoded.

    Raises:
        ProviderUnreachable: the body has another Content-Encoding.
    """

    def __init__(self, request: HttpRequest, content_encoding: str) -> None:
        self._request = request
        self._decoder = self._decoder_of(content_encoding.strip().lower())
        self._body = bytearray()

    def feed(self, chunk: bytes) -> None:
        """Add the next bytes from the wire.

        Raises ResponseTooLarge and ProviderUnreachable.
        """
        limit = self._request.max_body - len(self._body) + 1
        try:
            self._body += self._decoder.decode(chunk, limit)
        except zlib.error:
            raise self._unusable("the body is not valid gzip") from None
        if len(self._body) > self._request.max_body:
            raise ResponseTooLarge(
                f"{describe(self._request)}: the response body is larger than {self._request.max_body} bytes",
                max_body=self._request.max_body,
            )

    def complete(self) -> bytes:
        """Return the whole body. Raises ProviderUnreachable if it ended too early."""
        if not self._decoder.is_complete():
            raise self._unusable("the body ended too early")
        return bytes(self._body)

    def _decoder_of(self, encoding: str) -> _Decoder:
        if encoding in ("", "identity"):
            return _Identity()
        if encoding in ("gzip", "x-gzip"):
            return _Gzip()
        raise self._unusable(f"unsupported Content-Encoding {encoding[:40]!a}; the request asked for identity")

    def _unusable(self, fault: str) -> ProviderUnreachable:
        return ProviderUnreachable(f"{describe(self._request)}: {fault}", reason=fault)
