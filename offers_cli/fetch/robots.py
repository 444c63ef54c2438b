"""robots.txt, honoured for shops other than those the operator has an account with (RFC 9309)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from offers_cli.errors import ForbiddenUrl
from offers_cli.fetch.guard import AllowedHosts, SafeUrl

if TYPE_CHECKING:
    from protego import Protego

PRODUCT_TOKEN = "offers"  # noqa: S105 - the name that robots.txt knows us by
CACHE_S = 3600.0
MAX_ROBOTS_BYTES = 512 * 1024
"""RFC 9309 asks for 500 KiB at least; larger files are refused."""

ReadText = Callable[[str], str]
"""Fetches the robots.txt of that address; empty when the host has none."""


class Robots:
    """Rules of each host, remembered for an hour; thread-safe.

    Args:
        exempt_hosts: hosts whose robots.txt is not asked, by dot-suffix.
    """

    def __init__(self, *, exempt_hosts: Iterable[str] = (), clock: Callable[[], float] = time.monotonic) -> None:
        self._exempt = AllowedHosts(exempt_hosts)
        self._clock = clock
        self._rules: dict[str, tuple[float, Protego]] = {}
        self._lock = threading.Lock()

    def check(self, url: SafeUrl, read_text: ReadText) -> None:
        """Raise `ForbiddenUrl` when the host's robots.txt forbids that address.

        A host whose robots.txt cannot be had for now forbids everything: the errors of `read_text` pass through.
        """
        if (url.host, url.port) in self._exempt:
            return
        if not self._rules_of(url, read_text).can_fetch(url.url, PRODUCT_TOKEN):
            raise ForbiddenUrl(
                f"robots.txt of {url.netloc} disallows {url.target.partition('?')[0][:120]}",
                hint="give --ignore-robots if you have the shop's consent",
            )

    def _rules_of(self, url: SafeUrl, read_text: ReadText) -> Protego:
        from protego import Protego

        site = f"{url.scheme}://{url.netloc}"
        with self._lock:
            expires_at, rules = self._rules.get(site, (0.0, None))
        if rules is None or self._clock() >= expires_at:
            rules = Protego.parse(read_text(f"{site}/robots.txt"))
            with self._lock:
                self._rules[site] = (self._clock() + CACHE_S, rules)
        return rules
