"""The addresses of a host, before anything is sent there."""

import socket

from oidc_async.protocol.http_message import HttpRequest

from .wire import address_of


def look_up(request: HttpRequest) -> list[str]:
    """The IP addresses of the host of `request`, best first; a name is looked up, however long that takes.

    Raises OSError.
    """
    address = address_of(request.url)
    found = socket.getaddrinfo(address.host.decode(), address.port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))
