"""The worker: many jobs at once in one process, on RQ's own keys. At least once each; it releases all claims on exit.

Its own thread does all the bookkeeping: claim → hand to a thread → gather what finished → write the group → settle.
Other threads do the work (`job_threads`) and keep the leases alive (`heartbeat`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from offers_cli.errors import Bug, OffersError, QueueRefused, QueueUnavailable, StorageUnavailable
from offers_cli.log import get_log
from offers_cli.queue.heartbeat import HEARTBEAT_S, HeartbeatThread, limit_heap
from offers_cli.queue.job import ClaimedJob
from offers_cli.queue.job_threads import Enrich, JobThreads
from offers_cli.queue.leases import LEASE_S, JobLeases
from offers_cli.queue.outage import Backoff, Outage
from offers_cli.queue.registration import WorkerRegistration
from offers_cli.queue.results import JobCounters, JobResult, ResultWriter, Save, WorkerReport
from offers_cli.queue.retry_policy import GIVEN_BACK, JobOutcome, JobStatus, RetryPolicy, refused, stopped
from offers_cli.queue.signals import StopRequest
from offers_cli.redis.connection import check_eviction
from offers_cli.redis.errors import translate
from offers_cli.redis.quarantine import QuarantineWatch

if TYPE_CHECKING:
    import redis

GRACE_S = 30.0
"""How long running jobs may take to finish after the first signal."""
IDLE_S = 0.2
"""How often an idle worker looks for jobs."""
TICK_S = 1.0
SOON_S = 3.0
"""A burst waits for scheduled jobs that are due so soon."""
PATIENCE_S = 10.0
"""So long after the last job that was done or failed."""
OUTAGE_PATIENCE_S = 60.0
"""A burst waits so long for Redis or the database to come back, then ends with their error; others go on waiting."""
RECOVER_EVERY_S = 5.0
BUGS_ALLOWED = 20
"""So many jobs in a row that end in an unexpected error, and the fault is not in the jobs."""

log = get_log("worker")


class Worker:
    """Runs the jobs of one queue, once.

    Args:
        enrich: does the work of one job, in a thread.
        concurrency: how many jobs run at once; a function where that changes.
        too_few: whether more jobs at once would be done sooner, within the pace.
        save: writes a group of results; a job counts as finished only when it has returned.
        revive: called while Redis does not answer, to start the embedded one again.
        has_supervisor: under a supervisor, whether it still lives; the worker stops when not.
        on_progress: is given the counts so far after each group.
    """

    def __init__(
        self,
        connection: redis.Redis,
        *,
        enrich: Enrich,
        save: Save,
        queue_name: str = "enrichment",
        concurrency: int | Callable[[], int] = 3,
        too_few: Callable[[], bool] = lambda: False,
        job_timeout_s: float = 600.0,
        policy: RetryPolicy | None = None,
        lease_s: float = LEASE_S,
        heartbeat_s: float = HEARTBEAT_S,
        grace_s: float = GRACE_S,
        revive: Callable[[], object] = lambda: None,
        has_supervisor: Callable[[], bool] | None = None,
        on_progress: Callable[[WorkerReport], None] | None = None,
    ) -> None:
        limit_heap()  # before the first thread
        self.name = f"offers-{uuid4().hex[:12]}"
        self._connection = connection
        self._concurrency = concurrency if callable(concurrency) else lambda: concurrency
        self._too_few = too_few
        self._are_too_few = self._warned_of_too_few = False
        self._heartbeat_s = heartbeat_s
        self._revive = revive
        self._has_supervisor = has_supervisor
        self._on_progress = on_progress
        self._leases = JobLeases(connection, queue_name=queue_name, worker=self.name, lease_s=lease_s)
        self._registration = WorkerRegistration(connection, worker=self.name, keys=self._leases.keys)
        self._quarantine = QuarantineWatch(connection)
        self._threads = JobThreads(enrich, job_timeout_s=job_timeout_s)
        self._writer = ResultWriter(save, policy=policy or RetryPolicy(), random=Random())  # noqa: S311 (jitter)
        self._heartbeat = HeartbeatThread(
            connection,
            leases=self._leases,
            registration=self._registration,
            held=self._threads.composites,
            obey=self._note_command,
            fail=self._fail,
            heartbeat_s=heartbeat_s,
        )
        self.stop_request = StopRequest(grace_s, wake=self._threads.wake)
        self._counters = JobCounters()
        self._unsettled: list[tuple[ClaimedJob, JobOutcome]] = []
        self._commands: list[dict[str, Any]] = []
        self._error: OffersError | None = None
        self._burst = False
        self._max_jobs: int | None = None
        self._drained = False
        self._suspended = False
        self._decided = 0
        self._patient_until = 0.0
        self._bugs = 0
        self._recover_at = 0.0
        self._paused_until = 0.0
        self._redis_outage = Outage("Redis", Backoff(0.25, 5.0))
        self._pace_outage = Outage("Redis", Backoff(1.5, 30.0))
        self._storage_outage = Outage("the database", Backoff(1.5, 30.0))

    def run(self, *, burst: bool = False, max_jobs: int | None = None) -> WorkerReport:
        """Work until stopped; with `burst` until the queue is empty, with `max_jobs` until so many have ended.

        Scheduled jobs are taken when they are due; a burst waits a moment for those that are due within `SOON_S`.

        Raises:
            QueueUnavailable: Redis does not answer at the start, or for `OUTAGE_PATIENCE_S` in a burst.
            QueueRefused: Redis says no and will go on so, or at the start, or for `OUTAGE_PATIENCE_S` in a burst.
            StorageUnavailable: the database does not answer for `OUTAGE_PATIENCE_S` in a burst.
            StorageRefused: the database says no.
            Bug: the heartbeat or another thread broke, or `BUGS_ALLOWED` jobs in a row ended in an unexpected error.

        Whatever ends it, all that can be given back was given back, and no job spent an attempt.
        """
        self._burst, self._max_jobs = burst, max_jobs
        check_eviction(self._connection)
        self._quarantine.begin()
        self._leases.rehearse()
        self._registration.register()
        began = time.monotonic()
        self._patient_until = began + PATIENCE_S
        self._heartbeat.start()
        log.info("started", worker=self.name, concurrency=self._concurrency())
        try:
            while self._goes_on():
                self._step()
        finally:
            self._leave()
        report = self._counters.report(duration_s=time.monotonic() - began, interrupted=self.stop_request.interrupted)
        log.info("ended", succeeded=report.succeeded, failed=report.failed)
        if self._error:
            raise self._error
        return report

    def stop(self, *, now: bool = False) -> None:
        """Finish what is running within 30 s, then end; `now` gives everything back at once. From any thread."""
        self.stop_request.make(now=now)

    def _step(self) -> None:
        try:
            # What the step before could not settle, for Redis was away, comes first: until then its slots are taken.
            self._settle()
            self._recover()
            self._claim()
            self._obey()
            if results := self._threads.gather(self._patience_s()):
                try:
                    self._claim()  # a slow database does not keep their slots idle, and finds more to write next time
                finally:
                    self._write(results)
            # What is written is settled at once: a crash between the two would do these jobs a second time.
            self._settle()
            self._show_slots()
            self._redis_outage.ended()
        except (QueueUnavailable, QueueRefused) as error:
            self._wait_for_redis(error)

    def _goes_on(self) -> bool:
        if self._has_supervisor and not self._has_supervisor() and not self.stop_request.made:
            log.warning("the supervisor is gone, stopping")
            self.stop()
        self._log_stopping()
        if self._must_leave():
            return False
        # Neither a drained queue nor enough jobs end it while one is in flight: its end is to be written, and it may
        # come back to the queue that seemed empty.
        if self._is_busy():
            return True
        if self._max_jobs is not None and self._counters.ended >= self._max_jobs:
            return False
        return not (self._burst and self._drained and not self._has_more())

    def _is_busy(self) -> bool:
        return bool(len(self._threads) or self._unsettled)

    def _must_leave(self) -> bool:
        stops = self.stop_request
        return bool(self._error) or stops.is_over or (stops.made and not self._is_busy())

    def _log_stopping(self) -> None:
        if len(self._threads) and not self._has_supervisor:  # a supervisor logs it for all
            self.stop_request.log_once(log, jobs=len(self._threads))

    def _has_more(self) -> bool:
        """Before a burst ends: whether crashed workers left jobs, or one is due in a moment, which is waited for.

        It does not wait on and on for a host that only puts its jobs off: `PATIENCE_S` after the last one was decided.
        """
        self._recover_at = 0.0
        try:
            if self._recover():
                return True
            if self._counters.decided > self._decided:
                self._decided, self._patient_until = self._counters.decided, time.monotonic() + PATIENCE_S
            due_in_s = self._leases.next_due_in_s()
        except (QueueUnavailable, QueueRefused) as error:
            self._wait_for_redis(error)
            return True
        if self._suspended or due_in_s is None or due_in_s > SOON_S or time.monotonic() > self._patient_until:
            return False
        self._sleep(min(due_in_s, IDLE_S))
        return True

    def _patience_s(self) -> float:
        """How long to wait for results before the next look at the queue."""
        if self._unsettled or (self._burst and self._drained and not self._threads):
            return 0.0
        return IDLE_S if self._threads.running < self._concurrency() else TICK_S

    # Claiming

    def _claim(self) -> None:
        slots = self._free_slots()
        self._drained = False
        if not slots:
            return
        claim = self._leases.claim(slots, held=len(self._threads), hosts=self._threads.slots_by_host())
        if claim.suspended and not self._suspended:
            log.warning("the queue is suspended, its jobs wait", hint="rq resume")
        self._suspended = claim.suspended
        self._drained = not claim.jobs and (claim.suspended or not claim.left)
        for job in claim.jobs:
            if job.invalid:
                self._unsettled.append((job, refused(job.invalid, attempt=job.attempt)))
            else:
                self._threads.start(job)

    def _free_slots(self) -> int:
        if self.stop_request.made or self._threads.is_exclusive or time.monotonic() < self._paused_until:
            return 0
        if self._storage_outage.lasts or self._pace_outage.lasts:
            slots = 1 - len(self._threads)  # one job finds out whether it is over, for all need it
        else:
            slots = self._concurrency() - self._threads.running
        if self._max_jobs is not None:
            slots = min(slots, self._max_jobs - self._counters.ended - len(self._threads))
        return max(0, slots)

    # Finishing

    def _write(self, results: list[JobResult]) -> None:
        batch = self._writer.write(results)
        self._unsettled += batch.outcomes
        for _, outcome in batch.outcomes:
            self._count_bugs(outcome)
        match batch.error:
            case StorageUnavailable() as error:
                self._pause(self._storage_outage, error)
            case QueueUnavailable() | QueueRefused(temporary=True) as error:
                self._pause(self._pace_outage, error)
            case OffersError() as error:
                self._fail(error)
            case None if any(one.status in (JobStatus.FINISHED, JobStatus.FAILED) for _, one in batch.outcomes):
                self._end_pause()

    def _count_bugs(self, outcome: JobOutcome) -> None:
        """Stop before a fault of this machine, or of the program, fails the whole queue job by job."""
        is_bug = outcome.failure is not None and outcome.failure.code == Bug.code
        self._bugs = self._bugs + 1 if is_bug else 0
        if outcome.failure and self._bugs >= BUGS_ALLOWED:
            hint = "offers failed --reason bug; when it is mended: offers requeue-failed --reason bug"
            message = f"{self._bugs} jobs in a row ended in an unexpected error, the last in {outcome.failure.message}"
            self._fail(Bug(message, hint=hint))

    def _settle(self) -> None:
        """Write the outcomes to Redis; they are kept until that has worked."""
        if not self._unsettled:
            return
        settled = self._leases.settle(self._unsettled)
        done, self._unsettled = self._unsettled, []
        self._drained = False  # some may stand in the queue again
        for (job, outcome), ours in zip(done, settled, strict=True):
            self._threads.release(job)
            self._counters.count(job, outcome, ours=ours)
        if self._on_progress:
            self._on_progress(self._counters.report())

    def _show_slots(self) -> None:
        """Show it where not the pace but the jobs at once decide how much is done."""
        if self._too_few() == self._are_too_few:
            return
        self._are_too_few = not self._are_too_few
        message = f"{self._concurrency()} jobs at once are fewer than the allowed pace needs"
        if self._are_too_few and not self._warned_of_too_few:
            self._warned_of_too_few = True
            log.warning(message, hint="ENRICHMENT_WORKER_CONCURRENCY=auto, or more")
        self._registration.show_waiting(f"a free slot: {message}" if self._are_too_few else None)

    def _recover(self) -> bool:
        """Every few seconds; whether jobs of crashed workers came back to the queue."""
        if time.monotonic() < self._recover_at:
            return False
        self._recover_at = time.monotonic() + RECOVER_EVERY_S
        requeued = self._leases.recover().requeued
        self._quarantine.log_new()
        return requeued > 0

    # Outages

    def _pause(self, outage: Outage, error: OffersError) -> None:
        """Claim nothing for a moment, and then one job to see whether the service is back."""
        self._paused_until = time.monotonic() + outage.failed(error)
        self._lose_patience(outage, error)
        with suppress(QueueUnavailable, QueueRefused):  # the figures may lack it, the work goes on
            self._registration.show_waiting(f"{outage.service}: {error.message}")

    def _end_pause(self) -> None:
        if self._storage_outage.lasts or self._pace_outage.lasts:
            self._storage_outage.ended()
            self._pace_outage.ended()
            with suppress(QueueUnavailable, QueueRefused):
                self._registration.show_waiting(None)

    def _wait_for_redis(self, error: QueueUnavailable | QueueRefused) -> None:
        """Wait until Redis answers again, unless stopped; what is running goes on meanwhile.

        A refusal that does not pass ends the worker.
        """
        while error.temporary:
            pause_s = self._redis_outage.failed(error)
            self._lose_patience(self._redis_outage, error)
            self._sleep(pause_s)
            self._log_stopping()
            if self._must_leave():
                return
            try:
                self._resume()
            except (QueueUnavailable, QueueRefused) as again:
                error = again
            else:
                return
        self._fail(error)

    def _resume(self) -> None:
        self._revive()
        with translate():
            self._connection.ping()
        self._heartbeat.renew()
        # The answer to a claim may have been lost with the connection: its jobs are held, and nobody runs them.
        known = {*self._threads.composites(), *(job.composite for job, _ in self._unsettled)}
        self._leases.give_back_unknown(known)
        # The others come back as well: their leases may have run out while Redis was away.
        self._recover_at = time.monotonic() + 2 * self._heartbeat_s

    def _lose_patience(self, outage: Outage, error: OffersError) -> None:
        if self._burst and outage.seconds > OUTAGE_PATIENCE_S:
            self._fail(error)

    def _fail(self, error: OffersError) -> None:
        """End with this error, after giving back what can be given back; from any thread."""
        if self._error is None:
            log.error("stopping", code=error.code, reason=error.message)
            self._error = error
        self._threads.wake()

    def _sleep(self, seconds: float) -> None:
        """In slices, for a signal or an error to end it."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._must_leave():
            time.sleep(min(0.05, seconds))

    # Commands, the end

    def _note_command(self, command: dict[str, Any]) -> None:
        """From the heartbeat's thread."""
        self._commands.append(command)
        self._threads.wake()

    def _obey(self) -> None:
        """RQ's commands, as `rq.command` sends them. Nothing else runs under a thread, so `kill-horse` stops all."""
        while self._commands:
            match self._commands.pop(0):
                case {"command": "shutdown"}:
                    self.stop()
                    continue
                case {"command": "stop-job" | "stop-execution", "job_id": str(job_id)}:
                    given_up = self._threads.give_up(job_id)
                case {"command": "kill-horse"}:
                    given_up = self._threads.give_up()
                case _:
                    continue
            self._unsettled += [(job, stopped(attempt=job.attempt)) for job in given_up]

    def _leave(self) -> None:
        """Give back what is not finished, and deregister."""
        self._unsettled += [(job, GIVEN_BACK) for job in self._threads.give_up()]
        self._heartbeat.close()
        self._threads.close()
        # Each by itself: a refusal of one does not keep the next from being tried.
        for release in (self._settle, lambda: self._leases.give_back_unknown(()), self._registration.deregister):
            try:
                release()
            except QueueRefused as error:
                log.warning("could not deregister the worker completely", reason=error.message)
            except QueueUnavailable as error:
                log.warning(
                    "could not deregister the worker; its jobs will be recovered automatically", reason=error.message
                )
                return
