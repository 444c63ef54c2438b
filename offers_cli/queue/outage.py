"""An outage: a service that a worker needs does not answer, or refuses for the time being. Waits grow meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable

from offers_cli.errors import OffersError
from offers_cli.log import get_log

SAY_AGAIN_S = 60.0
"""An outage that lasts is logged so often."""

log = get_log("worker")


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
        """Begin with the first wait again."""
        self.failures = 0


class Outage:
    """Knows since when one service is away; logs its beginning, every minute of it, and its end.

    Args:
        service: its name in the log.
        waits: how long to wait before the service is tried again.
        clock: seconds, for tests.
    """

    def __init__(self, service: str, waits: Backoff, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.service = service
        self._waiting, self._still_waiting = f"waiting for {service}", f"still waiting for {service}"
        self._back = f"{service} answers again"
        self._waits = waits
        self._clock = clock
        self._since: float | None = None
        self._say_again_at = 0.0

    @property
    def lasts(self) -> bool:
        """Whether the service was away when it was last tried."""
        return self._since is not None

    @property
    def seconds(self) -> float:
        """How long it has lasted; 0 when there is none."""
        return 0.0 if self._since is None else self._clock() - self._since

    def failed(self, error: OffersError) -> float:
        """The service was tried in vain; returns how many seconds to wait before the next try."""
        now = self._clock()
        about = {"reason": error.message, "hint": error.hint or None}
        if self._since is None:
            self._since, self._say_again_at = now, now + SAY_AGAIN_S
            log.warning(self._waiting, **about)
        elif now >= self._say_again_at:
            self._say_again_at = now + SAY_AGAIN_S
            log.warning(self._still_waiting, lasts_s=round(now - self._since), **about)
        return self._waits.next_s()

    def ended(self) -> None:
        """The service was tried and did what it was asked."""
        if self._since is not None:
            log.info(self._back, lasted_s=round(self.seconds))
        self._since = None
        self._waits.reset()
