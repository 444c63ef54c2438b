"""Stopping: the first signal asks to finish, the second to end now."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from offers_cli.log import EventLog

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
STOP_NOW_SIGNAL = signal.SIGUSR2
"""How a supervisor asks its workers to end now. Their own SIGTERM may come twice: from it and from the system."""

FINISHING = "finishing the running jobs; a second signal stops now"
FINISHING_INTERRUPTED = "finishing the running jobs; Ctrl-C again stops now"


class StopRequest:
    """Whether to stop, how, and until when; made from any thread or signal handler.

    Args:
        grace_s: how long what is running may take to finish.
        wake: is called after each request, to end a wait.
    """

    def __init__(self, grace_s: float, *, wake: Callable[[], None] = lambda: None) -> None:
        self._grace_s = grace_s
        self._wake = wake
        self._until = float("inf")
        self._logged = False
        self.made = False
        self.now = False
        self.interrupted = False

    def make(self, *, now: bool = False, interrupted: bool = False) -> None:
        """Ask to finish, or to end `now`; `interrupted` when it was Ctrl-C."""
        if not self.made:
            self._until = time.monotonic() + self._grace_s
        self.made = True
        self.now |= now
        self.interrupted |= interrupted
        self._wake()

    def log_once(self, log: EventLog, **figures: object) -> None:
        """Log, from the loop that obeys it, what goes on and how to end it: a handler must not log."""
        if self.made and not self.now and not self._logged:
            self._logged = True
            log.warning(FINISHING_INTERRUPTED if self.interrupted else FINISHING, **figures, at_most_s=self._grace_s)

    @property
    def is_over(self) -> bool:
        """Whether there is no more time to finish anything."""
        return self.now or time.monotonic() > self._until


@contextmanager
def stop_on_signals(request: StopRequest, *, supervised: bool = False) -> Iterator[None]:
    """Let SIGTERM, SIGINT and SIGHUP make the request, the second one to stop at once; for the main thread.

    SIGHUP never stops at once, for a terminal that closes may send it twice; where it is ignored (`nohup`) it stays so.

    Args:
        supervised: only `STOP_NOW_SIGNAL` stops at once; the others any number of times ask to finish.
    """

    def handle(number: int, _frame: FrameType | None) -> None:
        is_second = request.made and number != signal.SIGHUP and not supervised
        request.make(now=number == STOP_NOW_SIGNAL or is_second, interrupted=number == signal.SIGINT)

    numbers = {*STOP_SIGNALS, STOP_NOW_SIGNAL} if supervised else {*STOP_SIGNALS}
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        numbers.remove(signal.SIGHUP)
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
