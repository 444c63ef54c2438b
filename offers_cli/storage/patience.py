"""How long a storage waits by itself for a database that is busy or away for a moment.

It stands here and nowhere above: only the storage knows that what it asks may be asked twice.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from offers_cli.errors import StorageBusy
from offers_cli.log import get_log

T = TypeVar("T")

FIRST_WAIT_S = 0.25
LONGEST_WAIT_S = 8.0

log = get_log("storage")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Asks again, after growing, jittered waits.

    Attributes:
        seconds: how long after the first try it may still begin another; 0: one try.
        sleep: waits so many seconds.
        clock: seconds that pass; only differences count.
    """

    seconds: float
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def __call__(self, ask: Callable[[], T]) -> T:
        """What `ask` returns; raises its last error when the patience is over, and any but `StorageBusy` at once."""
        give_up_at = self.clock() + self.seconds
        for failures in itertools.count():
            try:
                return ask()
            except StorageBusy as error:
                wait_s = _wait_s(failures, error.retry_after_s)
                if self.clock() + wait_s > give_up_at:
                    raise
                log.warning("waiting for the database", reason=error.message, wait_s=round(wait_s, 1))
                self.sleep(wait_s)
        raise AssertionError

    def briefly(self) -> Patience:
        """No more than a moment of it: some four tries."""
        return replace(self, seconds=min(self.seconds, BRIEF_S))


BRIEF_S = 2.0
BRIEF = Patience(seconds=BRIEF_S)
"""For whoever looks at this moment, waits by other means, or may have the wrong address."""


def _wait_s(failures: int, retry_after_s: float | None) -> float:
    """The wait doubles, half of it by chance, so that many who failed together do not come back together."""
    wait_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0**failures) * random.uniform(0.5, 1.0)  # noqa: S311
    return wait_s if retry_after_s is None else retry_after_s + wait_s
