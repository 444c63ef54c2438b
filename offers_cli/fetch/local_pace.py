"""The pace of one process alone, for when Redis does not answer: scraping goes on, still politely."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from offers_cli.errors import TurnTooFar
from offers_cli.fetch.page import DIRECT


class LocalPace:
    """Keeps the distance between two requests to one host within this process; thread-safe.

    A pause cannot be told to others from here: whoever meets the wall stops by its error.
    """

    def __init__(self, *, delay_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._delay_s = delay_s
        self._clock = clock
        self._next_turn: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def reserve(self, host: str, egress: str = DIRECT, *, max_wait_s: float | None = None) -> float:
        """Take the next turn (see `offers_cli.fetch.page.Pace.reserve`)."""
        return self.reserve_any(host, (egress,), max_wait_s=max_wait_s)[1]

    def reserve_any(self, host: str, egresses: Sequence[str], *, max_wait_s: float | None = None) -> tuple[str, float]:
        """Take the nearest turn among several egresses: (egress, seconds to wait)."""
        with self._lock:
            now = self._clock()
            egress = min(egresses, key=lambda label: self._next_turn.get((host, label), 0.0))
            turn = max(now, self._next_turn.get((host, egress), 0.0))
            if max_wait_s is not None and turn - now > max_wait_s:
                raise TurnTooFar(host, wait_s=turn - now)
            self._next_turn[host, egress] = turn + self._delay_s
            return egress, turn - now

    def pause(self, host: str, seconds: float | None, *, reason: str, egress: str = DIRECT) -> float:  # noqa: ARG002
        """Push the host's next turn away; returns the seconds now in force."""
        with self._lock:
            now = self._clock()
            paused_until = max(now + (seconds or 0.0), self._next_turn.get((host, egress), 0.0))
            self._next_turn[host, egress] = paused_until
            return paused_until - now
