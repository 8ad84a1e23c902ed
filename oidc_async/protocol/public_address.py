"""Which IP addresses are of the public internet, and not of this machine or the network around it."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_SPECIAL = (IPv4Network("192.0.0.0/24"), IPv6Network("3fff::/20"), IPv4Network("168.63.129.16/32"))
"""What older Pythons take for global: clouds have a metadata service in the first; and one that Azure has put among
addresses of the internet."""


def is_public_address(address: str) -> bool:
    """Whether `address` is one that anybody can reach: not loopback, private, link-local, multicast or reserved.

    Those that hold an IPv4 address are what that one is, as far as a gateway of the network may lead there (NAT64,
    RFC 6052), and nothing else: neither mapped ones nor those of 6to4 and Teredo are anybody's.
    """
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv6Address) and ip in _NAT64:
        ip = IPv4Address(int(ip) & 0xFFFFFFFF)
    if not ip.is_global or ip.is_multicast or any(ip in network for network in _SPECIAL):
        return False
    return isinstance(ip, IPv4Address) or (ip in _GLOBAL_UNICAST and ip.sixtofour is None)
