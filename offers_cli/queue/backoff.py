"""Waits that grow while something fails."""

from __future__ import annotations


class Backoff:
    """Doubles from the first wait to the last; `reset` begins anew."""

    def __init__(self, first_s: float, last_s: float) -> None:
        self._first_s = first_s
        self._last_s = last_s
        self.failures = 0

    def next_s(self) -> float:
        """How long to wait after one more failure."""
        wait_s = min(self._last_s, self._first_s * 2.0 ** min(self.failures, 20))
        self.failures += 1
        return wait_s

    def reset(self) -> None:
        self.failures = 0
