"""Which network addresses a name may lead to."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Address = IPv4Address | IPv6Address
Lookup = Callable[[str, int], Sequence[str]]
"""Resolves (host, port) to its addresses as text; raises `OSError`."""

PRIVATE = ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
"""Loopback and private use (RFC 1918, RFC 4193)."""

METADATA = (
    "169.254.0.0/16",
    "fe80::/10",
    "fd00:ec2::/32",
    "fd20:ce::254",
    "fd00:c1::/64",
    "fd00:42::42",
    "168.63.129.16",
)
"""Where clouds serve their machines' secrets: link-local, and of AWS, Google, Oracle, Scaleway and Azure."""

SPECIAL = (
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"),
    *("192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24"),
    *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    *("2001::/23", "2001:db8::/32", "2620:4f:8000::/48", "3fff::/20"),
)
"""What is registered for special purposes (IANA's IPv4 and IPv6 Special-Purpose Address Registries), multicast and
reserved blocks; no shop is there. Written down because `ipaddress` judges otherwise in each Python."""

GLOBAL_IPV6 = "2000::/3"
"""The only IPv6 addresses given out yet: what only carries an IPv4 address in an old way, too, stands outside."""

CARRIERS = ("::ffff:0:0/96", "64:ff9b::/96")
"""Mapped addresses and NAT64: the last four bytes are the IPv4 address that is reached."""


class _Blocks:
    def __init__(self, *blocks: str) -> None:
        self._networks = tuple(ip_network(block) for block in blocks)

    def __contains__(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


_PRIVATE, _METADATA, _SPECIAL, _CARRIERS = _Blocks(*PRIVATE), _Blocks(*METADATA), _Blocks(*SPECIAL), _Blocks(*CARRIERS)
_GLOBAL = _Blocks("0.0.0.0/0", GLOBAL_IPV6)


def embedded(address: Address) -> Address:
    """The IPv4 address that an IPv6 address only carries (mapped, NAT64, 6to4), or the address itself."""
    if isinstance(address, IPv6Address) and address in _CARRIERS:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return (address.sixtofour if isinstance(address, IPv6Address) else None) or address


def is_reachable(text: str, *, allow_private: bool) -> bool:
    """Whether we may connect to that address: global unicast, or private use where that is allowed."""
    address = embedded(ip_address(text))
    if address in _METADATA:
        return False
    if address in _PRIVATE:
        return allow_private
    return address in _GLOBAL and address not in _SPECIAL


def look_up(host: str, port: int) -> list[str]:
    """Ask the system's resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


def look_up_within(lookup: Lookup, host: str, port: int, timeout_s: float) -> Sequence[str]:
    """Ask a resolver, which knows no time-out of its own, and give up after `timeout_s`.

    Raises:
        OSError: no such name, or no answer in time (`TimeoutError`).
    """
    answer: list[Sequence[str]] = []
    failure: list[OSError] = []

    def ask() -> None:
        try:
            answer.append(lookup(host, port))
        except (OSError, UnicodeError) as exc:
            failure.append(exc if isinstance(exc, OSError) else OSError(str(exc)))

    thread = threading.Thread(target=ask, name=f"look-up {host}", daemon=True)
    thread.start()
    thread.join(timeout_s)
    if failure:
        raise failure[0]
    if not answer:
        raise TimeoutError(f"the name {host} was not resolved within {timeout_s:.0f} s")
    return answer[0]
