"""Name lookup, for checks of addresses before a request is sent."""

import socket

from oidc_async.protocol.http_message import HttpRequest

from .wire import address_of


def look_up(request: HttpRequest) -> list[str]:
    """Return the IP addresses of the host of `request`, best first. Has no timeout.

    Raises:
        OSError: the name cannot be resolved.
    """
    address = address_of(request.url)
    found = socket.getaddrinfo(address.host.decode(), address.port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))
