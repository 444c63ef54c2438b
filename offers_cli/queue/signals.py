"""Stopping: the first signal asks to finish, the second to end now."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol

from offers_cli.log import EventLog

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
STOP_NOW_SIGNAL = signal.SIGUSR2
"""How a supervisor tells its workers to end now. Their own SIGTERM may come twice: from it and from the system."""

FINISHING = "finishing the running jobs; a second signal stops now"
FINISHING_INTERRUPTED = "finishing the running jobs; Ctrl-C again stops now"


class StopRequest:
    """Whether to stop, how, and until when; asked for from any thread or signal handler.

    Args:
        grace_s: how long what is running may take to finish.
    """

    def __init__(self, grace_s: float) -> None:
        self._grace_s = grace_s
        self._until = float("inf")
        self._said = False
        self.asked = False
        self.now = False
        self.interrupted = False

    def ask(self, *, now: bool = False, interrupted: bool = False) -> None:
        """Ask to finish, or to end `now`; `interrupted` when it was Ctrl-C."""
        if not self.asked:
            self._until = time.monotonic() + self._grace_s
        self.asked = True
        self.now |= now
        self.interrupted |= interrupted

    def say(self, log: EventLog, **figures: object) -> None:
        """Log once, from the loop that obeys it, what goes on and how to end it: a handler must not log."""
        if self.asked and not self.now and not self._said:
            self._said = True
            log.warning(FINISHING_INTERRUPTED if self.interrupted else FINISHING, **figures, at_most_s=self._grace_s)

    @property
    def is_over(self) -> bool:
        """Whether there is no more time to finish anything."""
        return self.now or time.monotonic() > self._until


class Stoppable(Protocol):
    """A worker, or a supervisor of several."""

    @property
    def stopping(self) -> bool: ...

    def stop(self, *, now: bool = False, interrupted: bool = False) -> None: ...


@contextmanager
def stop_on_signals(worker: Stoppable, *, supervised: bool = False) -> Iterator[None]:
    """Let SIGTERM, SIGINT and SIGHUP stop the worker, the second one at once; for the main thread.

    SIGHUP never stops at once, for a terminal that closes may send it twice; where it is ignored (`nohup`) it stays so.

    Args:
        supervised: only `STOP_NOW_SIGNAL` stops at once; the others any number of times ask to finish.
    """

    def handle(number: int, _frame: FrameType | None) -> None:
        is_second = worker.stopping and number != signal.SIGHUP and not supervised
        worker.stop(now=number == STOP_NOW_SIGNAL or is_second, interrupted=number == signal.SIGINT)

    numbers = {*STOP_SIGNALS, STOP_NOW_SIGNAL} if supervised else {*STOP_SIGNALS}
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        numbers.remove(signal.SIGHUP)
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
