"""The supervisor: several worker processes at once; what dies is started again.

They are forked from a process that has imported what they need and done nothing else: multiprocessing's fork server.
The supervisor itself, with the screen's threads and its open connections, must not be forked. Where there is no fork
server, each worker is an interpreter of its own, and imports everything itself.

Killed itself, it leaves no orphans: each worker notices that it is gone, and stops. A fork server that is killed takes
nobody with it: its workers go on, and the next one that must be started again gets a new fork server. Workers stand in
process groups of their own, so that Ctrl-C reaches the supervisor alone, which passes it on once.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext, ForkServerProcess, SpawnContext, SpawnProcess
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
FORKS = sys.platform == "linux" and sys.version_info >= (3, 11, 1)
"""Whether there is a fork server. On macOS, what its system libraries begin may crash a fork that goes on with it; the
fork server of Python 3.11.0 obeys other users of the machine (CVE-2022-42919)."""
LOST = 255
"""The exit code of a worker whose fork server is gone: nobody knows the true one."""
POLL_S = 0.2
STOP_TIMEOUT_S = 40.0
STOP_NOW_TIMEOUT_S = 5.0

log = get_log("worker")


class WorkerSlot:
    """What one worker process is given: which share is its own, where to write its counts, and how it ended.

    The counts lie in shared memory, so that those of a killed process are not lost, while Redis is away as well.
    """

    def __init__(self, number: int, slots: int, counts: Array[Any], pipe: Connection) -> None:
        self._number = number
        self._slots = slots
        self._counts = counts
        self._before = tuple(counts)
        self._pipe = pipe

    @staticmethod
    def has_supervisor() -> bool:
        """Whether the supervisor still lives, whoever forked this process; give it to the worker."""
        supervisor = multiprocessing.parent_process()
        return supervisor is None or supervisor.is_alive()

    @property
    def is_first(self) -> bool:
        """Whether it is the one that does what only one of them is to do."""
        return self._number == 0

    def record(self, report: WorkerReport) -> None:
        """Write the counts so far; give it to the worker as `on_progress`."""
        for index, counter in enumerate(COUNTERS):
            self._counts[index] = self._before[index] + getattr(report, counter)

    def send_end(self, error: OffersError | None) -> None:
        """Let the supervisor know, if it still lives, why this process ends; None when its work is done."""
        with suppress(OSError):
            self._pipe.send(error)

    def share_of(self, jobs: int | None) -> int | None:
        """How many of that many jobs fall to this process, less those that others did in this slot before they died."""
        if jobs is None:
            return None
        share = jobs // self._slots + (self._number < jobs % self._slots)
        return max(0, share - int(sum(self._before)))


Work = Callable[[WorkerSlot], object]
"""What a worker process does: open its things, run a worker with ``has_supervisor=slot.has_supervisor`` under
``stop_on_signals(worker.stop_request, supervised=True)``. Importable by its name: nothing of its process is the
supervisor's."""


def _run_in_slot(work: Work, slot: WorkerSlot) -> None:
    os.setpgrp()
    try:
        work(slot)
    except OffersError as error:
        slot.send_end(error)
        sys.exit(error.exit_code)
    slot.send_end(None)


@dataclass(slots=True)
class _Process:
    """One slot's process, or the time when it is to be started again."""

    counts: Array[Any]
    process: ForkServerProcess | SpawnProcess | None = None
    pipe: Connection | None = None
    """Nobody but the process holds the other end: it is closed when the process has ended, whoever forked it."""
    ended_well: bool = False
    error: OffersError | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    waits: Backoff = field(default_factory=lambda: Backoff(0.1, 10.0))
    crashes: int = 0
    redis_away_since: float | None = None
    done: bool = False

    def has_ended(self) -> bool:
        """Hear what the process says of its end, if it said it; whether it has ended."""
        try:
            while self.pipe and self.pipe.poll():
                self.error = self.pipe.recv()
                self.ended_well = self.error is None
        except (EOFError, OSError):
            return True
        return False

    def signal(self, number: signal.Signals) -> None:
        """Signal the process, if there is one."""
        if self.process and self.process.pid and not self.has_ended():
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, number)


class Supervisor:
    """Runs `work` in a number of processes until all have ended by themselves or it is stopped.

    Args:
        preload: the modules that `work` needs, by name; each is imported once, and must not do more than be imported.
        patience_s: how long processes are started again while Redis, which was there before, is away.
        on_progress: is given the counts of all of them, several times a second.
    """

    def __init__(
        self,
        work: Work,
        *,
        processes: int,
        preload: Sequence[str] = (),
        patience_s: float = float("inf"),
        on_progress: Callable[[WorkerReport], None] | None = None,
    ) -> None:
        self._work = work
        self._patience_s = patience_s
        self._preload = ["__main__", *preload, "offers_cli.queue.freeze"]
        self._processes = [_Process(multiprocessing.RawArray("q", len(COUNTERS))) for _ in range(processes)]
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
        context = _open_context(self._preload)
        try:
            while not all(one.done for one in self._processes):
                self._start_due(context)
                self._pass_on_stop()
                wait([one.pipe for one in self._processes if one.process and one.pipe], timeout=POLL_S)
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

    def _start_due(self, context: ForkServerContext | SpawnContext) -> None:
        for number, one in enumerate(self._processes):
            if one.process or one.done:
                continue
            if self.stop_request.made:
                one.done = True
            elif time.monotonic() >= one.start_at:
                self._start(one, number, context)

    def _start(self, one: _Process, number: int, context: ForkServerContext | SpawnContext) -> None:
        one.pipe, theirs = multiprocessing.Pipe(duplex=False)
        slot = WorkerSlot(number, len(self._processes), one.counts, theirs)
        process = context.Process(target=_run_in_slot, args=(self._work, slot), name="offers worker")
        one.started_at, one.ended_well, one.error = time.monotonic(), False, None
        try:
            process.start()
        except (EOFError, OSError) as error:  # the fork server died meanwhile; the next one to be started gets another
            log.warning("a worker process could not be started", reason=str(error))
            self._restart(one, LOST, crashed=True)
        else:
            one.process = process
        finally:
            theirs.close()

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
            one.signal(number)

    def _kill(self) -> None:
        for one in self._processes:
            one.signal(signal.SIGKILL)
        for one in self._processes:
            while one.process and one.pipe and not one.has_ended():
                wait([one.pipe])

    def _reap(self) -> None:
        """What follows from the end of a process: it is done, started again, or its error ends everything.

        A Redis that was there at the first start is waited for, as a running worker waits for it.
        """
        for one in self._processes:
            if not one.process or not one.pipe or not one.has_ended():
                continue
            one.process.join()
            code = one.process.exitcode or 0
            one.process.close()
            one.pipe.close()
            one.process = one.pipe = None
            one.done = one.ended_well or self.stop_request.made
            if one.error and not self._waits_for_redis(one, one.error):
                self._give_up(one.error)
            elif not one.ended_well:
                self._restart(one, code, crashed=0 < code != LOST and not one.error)

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


def _open_context(preload: Sequence[str]) -> ForkServerContext | SpawnContext:
    """What starts processes: a fork server that imports these modules, where there is one and it finds a place."""
    if FORKS:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(preload))
        with suppress(OSError):  # its socket is in a temporary folder, whose path may be too long for one
            forkserver.ensure_running()
            return context
    return multiprocessing.get_context("spawn")
