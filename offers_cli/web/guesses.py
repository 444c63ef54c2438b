"""How often the token may be guessed: a few wrong ones from an address, then one every few seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from threading import Lock

AT_ONCE = 10
ANOTHER_AFTER_S = 6.0
ADDRESSES = 10_000
"""So many are told apart; the others share one count until some are forgotten."""


class Guesses:
    """The wrong tokens of each address.

    Args:
        clock: seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._forgotten_at: dict[str, float] = {}
        self._lock = Lock()

    def begin(self, address: str) -> float:
        """Count a guess as wrong until `was_right` takes it back, so that many at once are not more than one by one.

        Returns:
            Seconds to wait, without looking at the guess; 0 if it may be looked at.
        """
        with self._lock:
            now, source = self._clock(), self._source(address)
            counted_until = max(now, self._forgotten_at.get(source, now))
            wait_s = counted_until - now - (AT_ONCE - 1) * ANOTHER_AFTER_S
            if wait_s > 0:
                return wait_s
            self._forgotten_at[source] = counted_until + ANOTHER_AFTER_S
            return 0.0

    def was_right(self, address: str) -> None:
        """Take back what `begin` counted."""
        with self._lock:
            source = self._source(address)
            if source in self._forgotten_at:
                self._forgotten_at[source] -= ANOTHER_AFTER_S

    def _source(self, address: str) -> str:
        """Whose guesses are counted together: an IPv6 network is one customer's."""
        source = _network(address)
        if source in self._forgotten_at or len(self._forgotten_at) < ADDRESSES:
            return source
        now = self._clock()
        self._forgotten_at = {known: until for known, until in self._forgotten_at.items() if until > now}
        return source if len(self._forgotten_at) < ADDRESSES else ""


def _network(address: str) -> str:
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return address
    return str(found.ipv4_mapped) if found.ipv4_mapped else found.packed[:8].hex()
