"""Where we may go: https on allowed hosts, and never to an address that is not public.

An address is checked twice: its text before anything happens (`Guard.check_url`), and what its name resolves to when
the connection is made (`Guard.resolve`). The connection then goes to the addresses that were checked, so that a name
that changes its mind in between (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, quote, urlsplit

from offers_cli.errors import ConfigError, ForbiddenUrl, NoAnswer
from offers_cli.log import without_query
from offers_cli.text import printable

MAX_URL_LENGTH = 8192
USUAL_PORTS = {"https": 443, "http": 80}
LOOK_UP_TIMEOUT_S = 10.0
PRIVATE_HINT = "for a local shop set OFFERS_ALLOW_PRIVATE_HOSTS=true"

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")
"""A host whose last label is a number is an IPv4 address in one of its many spellings (WHATWG URL, host parsing)."""

Address = IPv4Address | IPv6Address
Lookup = Callable[[str, int], Sequence[str]]
"""Resolves (host, port) to its addresses as text; raises `OSError`."""


def _blocks(*texts: str) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(map(ip_network, texts))


PRIVATE = _blocks("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
"""Loopback and private use (RFC 1918, RFC 4193)."""

METADATA = _blocks(
    "169.254.0.0/16",
    "fe80::/10",
    "fd00:ec2::/32",
    "fd20:ce::254",
    "fd00:c1::/64",
    "fd00:42::42",
    "168.63.129.16",
)
"""Where clouds serve their machines' secrets: link-local, and of AWS, Google, Oracle, Scaleway and Azure."""

SPECIAL = _blocks(
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"),
    *("192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24"),
    *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    *("2001::/23", "2001:db8::/32", "2620:4f:8000::/48", "3fff::/20"),
)
"""What is registered for special purposes (IANA's IPv4 and IPv6 Special-Purpose Address Registries), multicast and
reserved blocks; no shop is there. Written down because `ipaddress` judges otherwise in each Python."""

GLOBAL = _blocks("0.0.0.0/0", "2000::/3")
"""The only IPv6 addresses given out yet: what only carries an IPv4 address in an old way, too, stands outside."""

CARRIERS = _blocks("::ffff:0:0/96", "64:ff9b::/96")
"""Mapped addresses and NAT64: the last four bytes are the IPv4 address that is reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SafeUrl:
    """An address that was checked, in its normal form: pure ASCII, host in lower case, no usual port.

    Attributes:
        url: the whole address, fragment included.
        target: path and query, as they are sent.
    """

    url: str
    scheme: str
    host: str
    port: int
    target: str

    @property
    def netloc(self) -> str:
        """The host, with its port when that is not the scheme's usual one; what pace and `Host` header know it by."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == USUAL_PORTS[self.scheme] else f"{host}:{self.port}"


class _Refused(ValueError):
    """Why an address is refused; becomes a `ForbiddenUrl` or a `ConfigError`."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.hint = hint


class AllowedHosts:
    """Hosts by dot-suffix: ``shop.com`` covers ``www.shop.com``; ``shop.com:8080`` that port alone.

    Raises:
        ConfigError: an entry is not a host.
    """

    def __init__(self, entries: Iterable[str]) -> None:
        self._entries = frozenset(_parse_entry(entry) for entry in entries)

    def __contains__(self, place: tuple[str, int]) -> bool:
        host, port = place
        return any(entry in self._entries for suffix in _suffixes(host) for entry in ((suffix, None), (suffix, port)))


def _suffixes(host: str) -> list[str]:
    """The host, then its parent domains; an IP address has none."""
    if ":" in host or _NUMBER.fullmatch(host):
        return [host]
    labels = host.split(".")
    return [".".join(labels[start:]) for start in range(len(labels))]


def _parse_entry(entry: str) -> tuple[str, int | None]:
    try:
        parts = urlsplit(f"//{entry.strip()}")
        if parts.netloc != entry.strip() or "@" in parts.netloc:
            raise _Refused("it contains more than a host name")
        return _host(parts), parts.port
    except ValueError as exc:
        raise ConfigError(
            f"OFFERS_ALLOWED_HOSTS: {printable(entry)!r} is not a host: {exc}",
            hint="name hosts such as shop.com.br (its subdomains are included) or localhost:8080",
        ) from exc


def _host(parts: SplitResult) -> str:
    """The host in lower-case ASCII; raises `_Refused` for anything that could be read in two ways."""
    if "%" in parts.netloc:
        raise _Refused("its host is percent-encoded")
    host = (parts.hostname or "").lower()
    if not host:
        raise _Refused("it has no host", "give the whole address, as your browser shows it")
    if parts.netloc.rpartition("@")[2].startswith("["):
        return str(ip_address(host))
    if not host.isascii():
        import idna  # its tables are only loaded for the rare host that needs them

        try:
            host = idna.encode(host, uts46=True, std3_rules=True).decode("ascii")
        except idna.IDNAError as exc:
            raise _Refused("its international host name is not valid") from exc
    if _NUMBER.fullmatch(host):
        try:
            return str(ip_address(host))
        except ValueError as exc:
            raise _Refused("its host is an IPv4 address in non-canonical form") from exc
    if len(host) > 253 or not _NAME.fullmatch(host):
        raise _Refused("its host is not a valid name")
    return host


def _is_in(blocks: Iterable[IPv4Network | IPv6Network], address: Address) -> bool:
    return any(address in block for block in blocks)


def embedded(address: Address) -> Address:
    """The IPv4 address that an IPv6 address only carries (mapped, NAT64, 6to4), or the address itself."""
    if isinstance(address, IPv6Address) and _is_in(CARRIERS, address):
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return (address.sixtofour if isinstance(address, IPv6Address) else None) or address


def is_reachable(text: str, *, allow_private: bool) -> bool:
    """Whether we may connect to that address: global unicast, or private use where that is allowed."""
    address = embedded(ip_address(text))
    if _is_in(METADATA, address):
        return False
    if _is_in(PRIVATE, address):
        return allow_private
    return _is_in(GLOBAL, address) and not _is_in(SPECIAL, address)


def look_up(host: str, port: int) -> list[str]:
    """The addresses of a host, by the system's resolver; raises `OSError`."""
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
        raise TimeoutError(f"no answer within {timeout_s:.0f} s")
    return answer[0]


class Guard:
    """Decides where requests may go; knows no network but the resolver it is given.

    Args:
        allowed_hosts: hosts that may be fetched, by dot-suffix; ``host:port`` for one port alone.
        allow_private: also loopback and private addresses, any port and plain http. Nothing else: the host must still
            be allowed, and link-local, multicast and reserved addresses stay closed.
    """

    def __init__(self, allowed_hosts: Iterable[str], *, allow_private: bool = False, lookup: Lookup = look_up) -> None:
        self._allowed = AllowedHosts(allowed_hosts)
        self._allow_private = allow_private
        self._lookup = lookup

    def check_url(self, url: str) -> SafeUrl:
        """The address in its normal form; touches no network.

        Raises:
            ForbiddenUrl: with the reason and what to change.
        """
        try:
            return self._check(url)
        except ValueError as exc:
            reason, hint = (str(exc), exc.hint) if isinstance(exc, _Refused) else ("it is not a valid address", "")
            shown = printable(without_query(url))[:200] or "(empty)"
            raise ForbiddenUrl(f"{shown} may not be fetched: {reason}", hint=hint) from exc

    def _check(self, url: str) -> SafeUrl:
        _check_characters(url)
        parts = urlsplit(url)
        scheme = self._scheme(parts)
        if "@" in parts.netloc:
            raise _Refused("it carries a user name", "give the address without `user:password@`")
        host = _host(parts)
        port = self._port(parts, scheme)
        if (host, port) not in self._allowed:
            hint = f"if you trust it, set OFFERS_ALLOWED_HOSTS to {host} and all other hosts that you need"
            raise _Refused(f"the host {host} is not allowed", hint)
        if (":" in host or _NUMBER.fullmatch(host)) and not self._is_reachable(host):
            raise _Refused(f"the address {host} is not public", PRIVATE_HINT)
        return _safe_url(parts, scheme, host, port)

    def _scheme(self, parts: SplitResult) -> str:
        if parts.scheme == "https" or (parts.scheme == "http" and self._allow_private):
            return parts.scheme
        raise _Refused("only https is fetched", f"use https://; {PRIVATE_HINT}")

    def _port(self, parts: SplitResult, scheme: str) -> int:
        written = parts.netloc.rpartition("]")[2].rpartition(":")
        if not written[1]:
            return USUAL_PORTS[scheme]
        port = parts.port
        if port is None or str(port) != written[2] or port == 0:
            raise _Refused("its port is malformed")
        if port != USUAL_PORTS[scheme] and not self._allow_private:
            raise _Refused(f"port {port} is not allowed", f"leave the port out; {PRIVATE_HINT}")
        return port

    def _is_reachable(self, address: str) -> bool:
        return is_reachable(address, allow_private=self._allow_private)

    def resolve(self, host: str, port: int, *, timeout_s: float = LOOK_UP_TIMEOUT_S) -> tuple[str, ...]:
        """Addresses to connect to, all of them checked. One private address among public ones refuses them all.

        Raises:
            NoAnswer: the name cannot be resolved, or leads to an address that is not public. That is what the
                network says now (a captive portal, a name server's bad minute), not what the address is.
        """
        try:
            addresses = tuple(look_up_within(self._lookup, host, port, timeout_s))
        except OSError as exc:
            raise NoAnswer(
                f"{host} cannot be resolved ({exc.strerror or exc})",
                hint="check the network and the host's spelling, then try again",
            ) from exc
        closed = [address for address in addresses if not self._is_reachable(address)]
        if closed or not addresses:
            where = f"{closed[0]}, which is not a public address" if closed else "no address"
            raise NoAnswer(f"{host} resolves to {where}", hint=PRIVATE_HINT)
        return addresses


def _check_characters(url: str) -> None:
    if len(url) > MAX_URL_LENGTH:
        raise _Refused(f"it is longer than {MAX_URL_LENGTH} characters")
    if not url.isprintable() or " " in url:
        raise _Refused("it contains spaces, control or invisible characters")
    if "\\" in url:
        raise _Refused("it contains a backslash, which parsers interpret differently")


def _safe_url(parts: SplitResult, scheme: str, host: str, port: int) -> SafeUrl:
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~")
    query = quote(parts.query, safe="/%:@!$&'()*+,;=~?[]|")
    fragment = quote(parts.fragment, safe="/%:@!$&'()*+,;=~?[]|#")
    target = f"{path}?{query}" if query else path
    bare = SafeUrl(url="", scheme=scheme, host=host, port=port, target=target)
    url = f"{scheme}://{bare.netloc}{target}" + (f"#{fragment}" if fragment else "")
    return SafeUrl(url=url, scheme=scheme, host=host, port=port, target=target)
