"""The jobs in flight: threads run one job each, and each is held from its start until it is settled."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from traceback import format_exception_only
from urllib.parse import urlsplit

from offers_cli.errors import Bug, SiteUnavailable, WorkError
from offers_cli.log import get_log
from offers_cli.offer import Enrichment
from offers_cli.queue.job import ClaimedJob
from offers_cli.queue.results import JobResult

log = get_log("enrichment_job")

Enrich = Callable[[ClaimedJob], Enrichment]
"""Does the work of one job, in a thread; raises a `WorkError` whose `outcome` says what becomes of the job."""


@dataclass(slots=True, eq=False)
class _InFlight:
    job: ClaimedJob
    deadline: float
    over: bool = False
    """Finished or given up, whichever came first."""


class JobThreads:
    """Runs jobs in threads, each within its time, and gathers their results.

    A job is in flight until it is released; its thread is free before, when its result is there. There are as many
    threads as jobs ever ran at once. A thread cannot be killed: one whose job hangs is
    given up, and what it may still return is ignored. All methods but `wake` and `composites` belong to the worker's
    own thread.

    Args:
        job_timeout_s: a job that runs longer is given up as `SiteUnavailable`; its slot is free again.
    """

    def __init__(self, enrich: Enrich, *, job_timeout_s: float) -> None:
        self._enrich = enrich
        self._timeout_s = job_timeout_s
        self._in_flight: dict[str, _InFlight] = {}
        self._to_run: SimpleQueue[_InFlight | None] = SimpleQueue()
        self._inbox: SimpleQueue[JobResult | BaseException | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0

    def __len__(self) -> int:
        return len(self._in_flight)

    @property
    def running(self) -> int:
        """How many of the jobs in flight still run."""
        return sum(not one.over for one in self._in_flight.values())

    @property
    def is_exclusive(self) -> bool:
        """Whether a job in flight has the process for itself."""
        return any(one.job.exclusive for one in self._in_flight.values())

    def composites(self) -> Sequence[str]:
        """The executions in flight, by RQ's names."""
        return tuple(self._in_flight)

    def slots_by_host(self) -> Counter[str]:
        """How many slots the jobs of each host hold."""
        return Counter(urlsplit(one.job.url).netloc for one in self._in_flight.values() if not one.over)

    def start(self, job: ClaimedJob) -> None:
        """Hand a job to the next free thread."""
        log.info("started", job_id=job.job_id, offer_id=job.offer_id, url=job.url, attempt=job.attempt)
        one = self._in_flight[job.composite] = _InFlight(job, time.monotonic() + self._timeout_s)
        if self._threads < self.running:
            self._threads += 1
            threading.Thread(target=self._run_jobs, name="job", daemon=True).start()
        self._to_run.put(one)

    def wake(self) -> None:
        """End a `gather` that waits; from any thread or signal handler."""
        self._inbox.put(None)

    def gather(self, timeout_s: float) -> list[JobResult]:
        """Wait for the first result, then take all there are; jobs whose time is over are among them.

        Raises:
            Bug: a thread ended by an error that is no job's.
        """
        results: list[JobResult] = []
        first_deadline = min((one.deadline for one in self._in_flight.values()), default=float("inf"))
        try:
            item = self._inbox.get(timeout=max(0.0, min(timeout_s, first_deadline - time.monotonic())))
            while True:
                if isinstance(item, BaseException):
                    raise Bug(f"a thread of the worker ended: {''.join(format_exception_only(item)).strip()}") from item
                if item:
                    results.append(item)
                item = self._inbox.get_nowait()
        except Empty:
            return results + self._give_up_overdue()

    def _give_up_overdue(self) -> list[JobResult]:
        now = time.monotonic()
        error = SiteUnavailable(f"the job was still running after {self._timeout_s:g} s", hint="ENRICHMENT_JOB_TIMEOUT")
        overdue = [one for one in self._in_flight.values() if one.deadline <= now and self._give_up(one)]
        return [JobResult(job=one.job, found=error) for one in overdue]

    def give_up(self, job_id: str | None = None) -> list[ClaimedJob]:
        """Stop running one job, or all; those that had just finished are not among the answer."""
        wanted = [one for one in self._in_flight.values() if job_id in (None, one.job.job_id)]
        return [one.job for one in wanted if self._give_up(one)]

    def release(self, job: ClaimedJob) -> None:
        """The job is settled."""
        self._in_flight.pop(job.composite, None)

    def close(self) -> None:
        """Let the threads end when they are done; waits for none."""
        for _ in range(self._threads):
            self._to_run.put(None)

    def _give_up(self, one: _InFlight) -> bool:
        """Mark a job as over, and do without its thread, which hangs; False when it was over already."""
        is_given_up = self._end(one)
        self._threads -= is_given_up
        return is_given_up

    def _run_jobs(self) -> None:
        while one := self._to_run.get():
            try:
                result = JobResult(job=one.job, found=self._find(one.job))
            except BaseException as exc:
                self._inbox.put(exc)
                log.error("unexpected error beside the jobs", exc_info=True)  # noqa: G201 (not a Logger)
                return
            if not self._end(one):
                return  # given up meanwhile: this thread is no longer counted on
            self._inbox.put(result)

    def _end(self, one: _InFlight) -> bool:
        """Mark a job as over; False when it was over already."""
        with self._lock:
            was_over, one.over = one.over, True
        return not was_over

    def _find(self, job: ClaimedJob) -> Enrichment | WorkError:
        try:
            return self._enrich(job)
        except WorkError as error:
            error.__cause__ = error.__context__ = None
            return error.with_traceback(None)  # whose frames would keep the page until the job is settled
        except BaseException as exc:
            about = {"job_id": job.job_id, "offer_id": job.offer_id, "url": job.url}
            log.error("unexpected error", exc_info=True, **about)  # noqa: G201 (not a Logger)
            return Bug("".join(format_exception_only(exc)).strip())  # also of an error that cannot be printed
