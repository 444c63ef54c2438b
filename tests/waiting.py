"""Waiting for what other threads and processes do."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

NEVER_S = 120.0
"""What has not happened by then never will, on the busiest machine."""


def wait_until(condition: Callable[[], object], what: str = "") -> None:
    """Look again and again until the condition holds; it fails only where that never happens."""
    deadline = time.monotonic() + NEVER_S
    while not condition():
        assert time.monotonic() < deadline, f"it never happened: {what}"
        time.sleep(0.002)


@contextmanager
def must_end(cpu_s: float = 20.0) -> Iterator[None]:
    """Give up what computes for so long, in processor time: it would not end. For the main thread."""

    def give_up(*_: object) -> None:
        raise AssertionError("it does not end")

    before = signal.signal(signal.SIGVTALRM, give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, cpu_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
