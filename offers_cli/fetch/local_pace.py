"""The pace of one process alone, for when Redis does not answer: scraping goes on, still politely."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from offers_cli.errors import HostPaused
from offers_cli.fetch.page import DIRECT, Page, Refusal


class LocalPace:
    """Keeps the distance between two requests to one host within this process; thread-safe.

    Args:
        pause_s: the pause after a wall that does not say how long; it cannot be told to others from here.
    """

    def __init__(self, *, delay_s: float, pause_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._delay_s = delay_s
        self._pause_s = pause_s
        self._clock = clock
        self._next_turn: dict[tuple[str, str], float] = {}
        self._pauses: dict[tuple[str, str], tuple[float, str]] = {}
        self._lock = threading.Lock()

    def reserve(self, host: str, egresses: Sequence[str] = (DIRECT,)) -> tuple[str, float]:
        """Take the nearest turn (see `offers_cli.fetch.page.Pace.reserve`)."""
        with self._lock:
            now = self._clock()
            egress = min(self._open_egresses(host, egresses, now), key=lambda label: self._turn(host, label))
            turn = max(now, self._turn(host, egress))
            self._next_turn[host, egress] = turn + self._delay_s
            return egress, turn - now

    def is_paused(self, host: str, egress: str = DIRECT) -> bool:
        """Whether the host is paused now (see `offers_cli.fetch.page.Pace.is_paused`)."""
        with self._lock:
            return self._pauses.get((host, egress), (0.0, ""))[0] > self._clock()

    def pause(self, host: str, seconds: float, *, reason: str, egress: str = DIRECT) -> float:
        """Pause the host for this process; returns the seconds now in force."""
        with self._lock:
            now = self._clock()
            asked_until = now + seconds
            until, known = self._pauses.get((host, egress), (0.0, reason))
            self._pauses[host, egress] = max((until, known), (asked_until, reason))
            return max(until, asked_until) - now

    def note_served(self, page: Page) -> None:
        """Nothing is counted here that a served page would end."""

    def note_refusal(
        self,
        host: str,
        url: str,  # noqa: ARG002 (the pace's form)
        seconds: float | None,
        *,
        reason: str,
        egress: str = DIRECT,
    ) -> Refusal:
        """Pause the host; there are no workers without a Redis, so that no page is asked again and again."""
        asked_s = self._pause_s if seconds is None else seconds
        return Refusal(wait_s=self.pause(host, asked_s, reason=reason, egress=egress))

    def _turn(self, host: str, egress: str) -> float:
        return self._next_turn.get((host, egress), 0.0)

    def _open_egresses(self, host: str, egresses: Sequence[str], now: float) -> list[str]:
        """Those that are not paused for that host; raises `HostPaused` when all are."""
        pauses = {egress: self._pauses.get((host, egress), (0.0, "")) for egress in egresses}
        found = [egress for egress, (until, _) in pauses.items() if until <= now]
        if not found:
            until, reason = min(pauses.values())
            raise HostPaused(host, reason=reason, seconds=until - now)
        return found
