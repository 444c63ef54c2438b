"""The supervisor: several worker processes at once; what dies is started again.

Killed itself, it leaves no orphans: each worker notices that its parent has changed, and stops. Workers stand in
process groups of their own, so that Ctrl-C reaches the supervisor alone, which passes it on once.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import TYPE_CHECKING, Any

from offers_cli.errors import Bug, OffersError, QueueRefused, QueueUnavailable
from offers_cli.log import get_log
from offers_cli.queue.outage import Backoff
from offers_cli.queue.results import COUNTERS, WorkerReport
from offers_cli.queue.signals import STOP_NOW_SIGNAL, StopRequest

if TYPE_CHECKING:
    from ctypes import Array

LONG_LIFE_S = 30.0
"""After a process that lived so long, the waits before a restart begin anew."""
CRASHES_ALLOWED = 5
"""So many uncaught exceptions in a row, and the supervisor gives up; kills do not count."""
POLL_S = 0.2
STOP_TIMEOUT_S = 40.0
STOP_NOW_TIMEOUT_S = 5.0

log = get_log("worker")


class WorkerSlot:
    """What one worker process is given: who its supervisor is, which share is its own, and where to write its counts.

    The counts lie in shared memory, so that those of a killed process are not lost, while Redis is away as well.
    """

    def __init__(
        self, supervisor_pid: int, number: int, slots: int, counts: Array[Any], error_pipe: Connection
    ) -> None:
        self.supervisor_pid = supervisor_pid
        self._number = number
        self._slots = slots
        self._counts = counts
        self._before = tuple(counts)
        self._error_pipe = error_pipe

    def record(self, report: WorkerReport) -> None:
        """Write the counts so far; give it to the worker as `on_progress`."""
        for index, counter in enumerate(COUNTERS):
            self._counts[index] = self._before[index] + getattr(report, counter)

    def send_error(self, error: OffersError) -> None:
        """Let the supervisor know, if it still lives, why this process ends."""
        with suppress(OSError):
            self._error_pipe.send(error)

    def share_of(self, jobs: int | None) -> int | None:
        """How many of that many jobs fall to this process, less those that others did in this slot before they died."""
        if jobs is None:
            return None
        share = jobs // self._slots + (self._number < jobs % self._slots)
        return max(0, share - int(sum(self._before)))


Work = Callable[[WorkerSlot], object]
"""What a worker process does: open its things, run a worker with ``parent_pid=slot.supervisor_pid`` under
``stop_on_signals(worker.stop_request, supervised=True)``. Importable by its name: its process is a new interpreter."""


def _run_in_slot(work: Work, slot: WorkerSlot) -> None:
    os.setpgrp()
    try:
        work(slot)
    except OffersError as error:
        slot.send_error(error)
        sys.exit(error.exit_code)


@dataclass(slots=True)
class _Process:
    """One slot's process, or the time when it is to be started again."""

    counts: Array[Any]
    process: SpawnProcess | None = None
    error_pipe: Connection | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    waits: Backoff = field(default_factory=lambda: Backoff(0.1, 10.0))
    crashes: int = 0
    redis_away_since: float | None = None
    done: bool = False


class Supervisor:
    """Runs `work` in a number of processes until all have ended by themselves or it is stopped.

    Args:
        patience_s: how long processes are started again while Redis, which was there before, is away.
        on_progress: is given the counts of all of them, several times a second.
    """

    def __init__(
        self,
        work: Work,
        *,
        processes: int,
        patience_s: float = float("inf"),
        on_progress: Callable[[WorkerReport], None] | None = None,
    ) -> None:
        self._work = work
        self._patience_s = patience_s
        self._context = multiprocessing.get_context("spawn")
        self._processes = [_Process(self._context.RawArray("q", len(COUNTERS))) for _ in range(processes)]
        self._on_progress = on_progress
        self._error: OffersError | None = None
        self.stop_request = StopRequest(STOP_TIMEOUT_S)
        self._sent: list[signal.Signals] = []
        self._kill_at = float("inf")

    def run(self) -> WorkerReport:
        """Supervise until the end.

        Raises:
            OffersError: the error that a worker ended with; the others were asked to finish.
        """
        began = time.monotonic()
        try:
            while not all(one.done for one in self._processes):
                self._start_due()
                self._pass_on_stop()
                wait([one.process.sentinel for one in self._processes if one.process], timeout=POLL_S)
                self._reap()
                if self._on_progress:
                    self._on_progress(self._report(began))
        finally:
            self._kill()
        if self._error:
            raise self._error
        return self._report(began)

    def _report(self, began: float) -> WorkerReport:
        counts: dict[str, Any] = {
            counter: sum(int(one.counts[index]) for one in self._processes) for index, counter in enumerate(COUNTERS)
        }
        return WorkerReport(
            **counts,
            duration_s=round(time.monotonic() - began, 3),
            interrupted=self.stop_request.interrupted,
        )

    def _start_due(self) -> None:
        for number, one in enumerate(self._processes):
            if one.process or one.done:
                continue
            if self.stop_request.made:
                one.done = True
            elif time.monotonic() >= one.start_at:
                one.error_pipe, theirs = self._context.Pipe(duplex=False)
                slot = WorkerSlot(os.getpid(), number, len(self._processes), one.counts, theirs)
                one.process = self._context.Process(target=_run_in_slot, args=(self._work, slot), name="offers worker")
                one.process.start()
                theirs.close()
                one.started_at = time.monotonic()

    def _pass_on_stop(self) -> None:
        """Each signal once; what has not ended long after is killed, and its jobs come back by themselves."""
        self.stop_request.log_once(log)
        if self.stop_request.made:
            self._signal(signal.SIGTERM, STOP_TIMEOUT_S)
        if self.stop_request.now:
            self._signal(STOP_NOW_SIGNAL, STOP_NOW_TIMEOUT_S)
        if time.monotonic() > self._kill_at:
            self._kill()

    def _signal(self, number: signal.Signals, timeout_s: float) -> None:
        if number in self._sent:
            return
        self._sent.append(number)
        self._kill_at = time.monotonic() + timeout_s
        for one in self._processes:
            if one.process and one.process.pid:
                os.kill(one.process.pid, number)

    def _kill(self) -> None:
        for one in self._processes:
            if one.process:
                one.process.kill()
                one.process.join()

    def _reap(self) -> None:
        """What follows from the end of a process: it is done, started again, or its error ends everything.

        A Redis that was there at the first start is waited for, as a running worker waits for it.
        """
        for one in self._processes:
            if not one.process or one.process.exitcode is None:
                continue
            code = one.process.exitcode
            one.process.join()
            one.process.close()
            one.process = None
            error = _received_error(one.error_pipe)
            if code == 0 or self.stop_request.made:
                one.done = True
            if error and not self._waits_for_redis(one, error):
                self._give_up(error)
            elif code:
                self._restart(one, code, crashed=code > 0 and not error)

    def _waits_for_redis(self, one: _Process, error: OffersError) -> bool:
        was_running_before = one.waits.failures > 0
        if not was_running_before or not isinstance(error, QueueUnavailable | QueueRefused) or not error.temporary:
            return False
        one.redis_away_since = one.redis_away_since or time.monotonic()
        return time.monotonic() - one.redis_away_since <= self._patience_s

    def _restart(self, one: _Process, code: int, *, crashed: bool) -> None:
        if time.monotonic() - one.started_at > LONG_LIFE_S:
            one.waits.reset()
            one.crashes = 0
            one.redis_away_since = None
        one.crashes = one.crashes + 1 if crashed else 0
        if one.crashes >= CRASHES_ALLOWED:
            self._give_up(
                Bug(f"a worker process crashed {one.crashes} times in a row", hint="run it with --processes 1")
            )
            return
        pause_s = one.waits.next_s()
        one.start_at = time.monotonic() + pause_s
        if not one.done:
            log.warning("a worker process died, starting it again", exit_code=code, pause_s=round(pause_s, 1))

    def _give_up(self, error: OffersError) -> None:
        self._error = self._error or error
        self.stop_request.make()


def _received_error(error_pipe: Connection | None) -> OffersError | None:
    try:
        if error_pipe is None or not error_pipe.poll():
            return None
        error: OffersError = error_pipe.recv()
    except (EOFError, OSError):
        return None
    return error
