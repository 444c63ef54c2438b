"""Which network addresses a name may lead to."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Lookup = Callable[[str, int], Sequence[str]]
"""Resolves (host, port) to its addresses as text; raises `OSError`."""

_PRIVATE_BLOCKS = ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
PRIVATE = tuple(ip_network(block) for block in _PRIVATE_BLOCKS)
"""Loopback and private use (RFC 1918, RFC 4193); not link-local addresses, where clouds serve secrets."""

NAT64 = IPv6Network("64:ff9b::/96")


def embedded(address: Address) -> Address:
    """The IPv4 address that an IPv6 address only carries (mapped, NAT64, 6to4), or the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address


def is_reachable(text: str, *, allow_private: bool) -> bool:
    """Whether we may connect to that address: global unicast, or private use where that is allowed."""
    address = embedded(ip_address(text))
    if allow_private and any(address in network for network in PRIVATE):
        return True
    # Teredo and site-local addresses count as global for `ipaddress`, multicast partly so.
    is_odd = isinstance(address, IPv6Address) and (address.teredo is not None or address.is_site_local)
    return address.is_global and not address.is_multicast and not is_odd


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
