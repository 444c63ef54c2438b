"""The thread beside a worker that keeps the clock and runs what is due: commands, not enrichment.

One such thread at a time queues what is due (`Cron`); each takes runs from the queue, with a lease as for any job, and
starts each in a process of its own. A run whose worker died is not begun again: it is told as killed, and the next one
comes at its time. One that was stopped with its worker is given back, and runs when a worker is there.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

from offers_cli.errors import Bug, OffersError, QueueRefused, QueueUnavailable
from offers_cli.log import get_log
from offers_cli.queue.job import InvalidJob, JobFailure, load_call
from offers_cli.queue.keys import SCHEDULED_FUNCTION, SCHEDULED_ID_PREFIX
from offers_cli.queue.leases import JobLeases
from offers_cli.queue.outage import Backoff, Outage
from offers_cli.queue.registration import WorkerRegistration
from offers_cli.queue.retry_policy import FINISHED, GIVEN_BACK, JobOutcome, JobStatus, refused
from offers_cli.queue.schedule import NAME, RUN_LIMIT_S, Entry, Run, Schedule, ScheduleState, find_command
from offers_cli.queue.scheduled_command import DONE, RunningCommand, status_of
from offers_cli.queue.signals import StopRequest
from offers_cli.redis.scripts import Clock
from offers_cli.times import utc_now

if TYPE_CHECKING:
    import redis

    from offers_cli.queue.cron import Cron

COMMANDS_AT_ONCE = 3
"""So that a long scrape keeps no other entry waiting."""
TICK_S = 1.0
HEARTBEAT_S = 5.0
LEAD_S = 20
"""A leader that gave no sign for so long is taken for dead."""
GRACE_S = 20.0
"""How long commands may go on after a stop was asked for; then they are told to end."""
END_S = 8.0
"""How long they may take for that; then they are killed."""
END_NOW_S = 3.0
STOPPED = "stopped with its worker; it is queued again"

log = get_log("worker")


class StartedCommand(Protocol):
    """What runs; see `RunningCommand`."""

    def exit_code(self) -> int | None:
        """How it ended; None while it runs."""

    def terminate(self) -> None:
        """Ask it to end."""

    def kill(self) -> None:
        """End it now."""

    def close(self) -> tuple[str, str]:
        """Of one that has ended: the code of its failure, empty for none, and its result in one line."""


@dataclass(slots=True)
class _Held:
    """A run that this thread holds.

    Attributes:
        until: when it has had its time; of `time.monotonic`.
        kill_at: when it is killed, once it was told to end.
        ended: how it ended; until Redis has taken that.
    """

    entry: Entry
    execution_id: str
    run: Run
    command: StartedCommand
    until: float
    kill_at: float = float("inf")
    is_stopped: bool = False
    ended: Run | None = None
    outcome: JobOutcome = FINISHED

    @property
    def job_id(self) -> str:
        return SCHEDULED_ID_PREFIX + self.entry.name

    @property
    def composite(self) -> str:
        return f"{self.job_id}:{self.execution_id}"


class RunLeases(JobLeases):
    """The runs of a schedule's queue, as one worker sees them; what a dead worker held has failed."""

    crashes_allowed = 0
    crash_message = "its worker died while it ran"

    def claim_runs(self, slots: int, *, held: int) -> list[tuple[str, str, str, str]]:
        """Take and start at most `slots` runs: of each job id, execution id, entry's name, and why it must not run."""
        _, _, _, jobs = self._claim(slots, held=held, hosts={})
        return [_read_claim(job) for job in jobs]

    def end_run(self, job_id: str, execution_id: str, outcome: JobOutcome) -> None:
        """End a run; one that is no longer ours is left alone."""
        self._settle([(job_id, execution_id, outcome)])


def _read_claim(answer: tuple[bytes, bytes, int, int, bytes, bytes]) -> tuple[str, str, str, str]:
    job_id, execution_id, _, _, data, forbidden = answer
    name, invalid = job_id.decode().removeprefix(SCHEDULED_ID_PREFIX), ""
    try:
        expected: list[object] = [SCHEDULED_FUNCTION, None, [name], {}]
        if forbidden or load_call(data) != expected or not NAME.fullmatch(name) or job_id.decode() == name:
            invalid = "it is no run of a schedule"
    except InvalidJob as error:
        invalid = str(error)
    return job_id.decode(), execution_id.decode(), name, invalid


class ScheduleThread(threading.Thread):
    """Keeps the clock and runs what is due until it is closed; what goes wrong in it never ends its worker.

    Args:
        queue_name: of the queue for enrichment, whose schedule this is.
        stop_request: of the worker; the schedule stops with it.
        start: starts an entry's command.
    """

    def __init__(
        self,
        connection: redis.Redis,
        *,
        queue_name: str,
        stop_request: StopRequest,
        start: Callable[[Entry], StartedCommand] = RunningCommand.start,
        clock: Clock | None = None,
        tick_s: float = TICK_S,
    ) -> None:
        super().__init__(name="schedule", daemon=True)
        self.worker = f"offers-schedule-{uuid4().hex[:12]}"
        self._connection = connection
        self._stop_request = stop_request
        self._start_command = start
        self._tick_s = tick_s
        self._schedule = Schedule(connection, queue_name=queue_name, clock=clock)
        self._leases = RunLeases(connection, queue_name=self._schedule.runs.name, worker=self.worker, clock=clock)
        self._registration = WorkerRegistration(connection, worker=self.worker, keys=self._schedule.runs)
        self._cron: Cron | None = None
        self._held: list[_Held] = []
        self._registered = False
        self._heartbeat_at = 0.0
        self._recover_at = 0.0
        self._outage = Outage("Redis, for the schedule", Backoff(0.5, 5.0))
        self._last_tries = 5
        self._closing = threading.Event()
        self._end_at: float | None = None

    def close(self) -> None:
        """Give the running commands their time, then end the thread."""
        self._closing.set()
        self.join()

    # Each step

    def run(self) -> None:
        """Not called by anybody but the thread itself."""
        while not self._is_over:
            pause_s = self._tick_s
            try:
                self.step()
                self._outage.ended()
            except (QueueUnavailable, QueueRefused) as error:
                pause_s = self._outage.failed(error)
                self._last_tries -= self._is_stopping
                # The leases of the living may have run out while Redis was away: they are renewed first.
                self._recover_at = time.monotonic() + pause_s + 2 * HEARTBEAT_S
            except Exception:
                log.error("unexpected error in the schedule", exc_info=True)  # noqa: G201 (not a Logger)
                pause_s = 30.0
            self._wait(pause_s)
        self._leave()

    @property
    def _is_stopping(self) -> bool:
        return self._closing.is_set() or self._stop_request.made

    @property
    def _is_over(self) -> bool:
        """Stopped, and nothing runs here whose end could still be written."""
        if not self._is_stopping:
            return False
        return all(held.ended for held in self._held) and (not self._held or self._last_tries <= 0)

    def _wait(self, seconds: float) -> None:
        """Until the next step; what runs here is looked after meanwhile."""
        until = time.monotonic() + seconds
        while (left_s := until - time.monotonic()) > 0:
            self._look_after_commands()
            if self._is_stopping:
                time.sleep(min(left_s, 0.1))
                return
            self._closing.wait(min(left_s, 0.2) if self._held else left_s)

    def step(self) -> None:
        """Look once what has ended, what is due and what can be begun; raises what Redis answers."""
        self._look_after_commands()
        self._settle()
        if self._is_stopping:
            return self._keep_leases()
        state = self._schedule.look()
        if not (state.commands or self._registered):
            return None
        if not self._registered:
            self._registration.register()
            self._registered = True
        self._keep_leases()
        self._queue_due(state)
        return self._begin_runs(state)

    def _keep_leases(self) -> None:
        """Renew what is ours, and take over from the dead; what was taken from us must not go on."""
        if not self._registered or time.monotonic() < self._heartbeat_at:
            return
        reply = self._leases.heartbeat([held.composite for held in self._held])
        if not reply.registered:
            self._registration.register()
        for held in self._held:
            if held.composite in reply.lost and held.ended is None:
                log.warning("this run is no longer ours, ending it", entry=held.entry.name)
                held.command.kill()
        if time.monotonic() >= self._recover_at:
            self._leases.recover()
        self._heartbeat_at = time.monotonic() + HEARTBEAT_S

    def _queue_due(self, state: ScheduleState) -> None:
        if state.commands and self._schedule.lead(self.worker, seconds=LEAD_S):
            if self._cron is None:
                from offers_cli.queue.cron import Cron  # RQ costs time and memory; a worker without entries has neither

                self._cron = Cron(self._connection, self._schedule)
            self._cron.enqueue_due(state.commands, now=state.at)
        elif self._cron is not None:
            self._cron.close()
            self._cron = None

    def _begin_runs(self, state: ScheduleState) -> None:
        slots = COMMANDS_AT_ONCE - len(self._held)
        if slots <= 0:
            return
        for job_id, execution_id, name, invalid in self._leases.claim_runs(slots, held=len(self._held)):
            command = find_command(state.commands, name)
            if invalid or command is None:
                reason = invalid or "there is no such entry in the schedule"
                self._leases.end_run(job_id, execution_id, refused(reason, attempt=1))
                continue
            self._begin(command.entry, job_id, execution_id)

    def _begin(self, entry: Entry, job_id: str, execution_id: str) -> None:
        run = Run(started_at=utc_now())
        if not self._schedule.begin(entry, run):
            self._leases.end_run(job_id, execution_id, refused("the entry was removed", attempt=1))
            return
        try:
            command = self._start_command(entry)
        except OSError as exc:
            message = f"it could not be started: {exc.strerror or exc}"
            self._schedule.end(entry, run, replace(run, ended_at=utc_now(), status="failed", result=message))
            self._leases.end_run(job_id, execution_id, _failed(Bug.code, message))
            return
        log.info("started by the clock", entry=entry.name, command=" ".join(entry.command))
        until = time.monotonic() + RUN_LIMIT_S
        self._held.append(_Held(entry=entry, execution_id=execution_id, run=run, command=command, until=until))

    # What runs

    def _look_after_commands(self) -> None:
        """See which have ended, and end those whose time is over; needs no Redis."""
        stop_at = self._stop_at()
        for held in self._held:
            if held.ended is not None:
                continue
            code = held.command.exit_code()
            if code is not None:
                self._note_end(held, code, utc_now())
            elif time.monotonic() >= held.kill_at:
                held.command.kill()
            elif time.monotonic() >= min(held.until, stop_at) and held.kill_at == float("inf"):
                held.is_stopped = stop_at <= held.until
                held.kill_at = time.monotonic() + (END_NOW_S if self._stop_request.now else END_S)
                held.command.terminate()

    def _stop_at(self) -> float:
        """When the commands are told to end, because the worker is; never while it is not."""
        if not self._is_stopping:
            return float("inf")
        if self._end_at is None:
            self._end_at = time.monotonic() + GRACE_S
            if names := ", ".join(held.entry.name for held in self._held if held.ended is None):
                log.warning("finishing what the clock started; a second signal stops now", entries=names)
        return 0.0 if self._stop_request.now else self._end_at

    def _note_end(self, held: _Held, code: int, at: datetime) -> None:
        error_code, line = held.command.close()
        status = status_of(code)
        held.outcome = FINISHED if code in DONE else _failed(error_code or Bug.code, line)
        if held.is_stopped and status not in ("ok", "partial"):
            status, line, held.outcome = "stopped", STOPPED, GIVEN_BACK
        elif held.kill_at < float("inf"):
            status, line = "failed", f"stopped after {RUN_LIMIT_S // 3600} hours"
            held.outcome = _failed(Bug.code, line)
        held.ended = replace(held.run, ended_at=at, exit_code=code, status=status, result=line)
        tell = log.info if code == 0 else log.warning
        tell("the scheduled command ended", entry=held.entry.name, status=status, result=line or None)

    def _settle(self) -> None:
        """Write what has ended; it is kept until Redis has taken it."""
        for held in list(self._held):
            if held.ended is not None:
                self._schedule.end(held.entry, held.run, held.ended)
                self._leases.end_run(held.job_id, held.execution_id, held.outcome)
                self._held.remove(held)

    def _leave(self) -> None:
        """Let another worker lead, and deregister."""
        if not self._registered:
            return
        steps: list[Callable[[], object]] = [
            lambda: self._schedule.lead(self.worker, seconds=0),
            self._registration.deregister,
        ]
        if self._cron:
            steps.append(self._cron.close)
        for step in steps:
            with suppress(OffersError):  # it will be taken for dead within the minute
                step()


def _failed(code: str, message: str) -> JobOutcome:
    return JobOutcome(status=JobStatus.FAILED, failure=JobFailure(code=code, message=message, attempts=1))
