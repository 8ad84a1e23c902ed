"""Tells public IP addresses from those of this machine and its network, against SSRF."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_SPECIAL = (IPv4Network("192.0.0.0/24"), IPv6Network("3fff::/20"), IPv4Network("168.63.129.16/32"))
"""Networks that older Python versions classify as global, with metadata services of clouds in the first of them, and
an address of Azure's metadata service within the public range."""


def is_public_address(address: str) -> bool:
    """Return whether `address` is public: not loopback, private, link-local, multicast or reserved.

    A NAT64 address (RFC 6052) is as public as the IPv4 address in it, because a gateway of the network translates it.
    Other addresses with an IPv4 address in them (mapped, 6to4, Teredo) are not public.
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
