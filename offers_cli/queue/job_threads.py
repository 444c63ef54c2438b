"""The jobs in flight: threads run one job each, from its start until it is settled."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from traceback import format_exception_only
from typing import Generic, TypeVar
from urllib.parse import urlsplit

from offers_cli.errors import Bug, SiteUnavailable, WorkError
from offers_cli.log import get_log
from offers_cli.offer import Enrichment, EnrichmentJob
from offers_cli.queue.leases import Execution
from offers_cli.queue.results import ClaimedJob, Enrich, Result

log = get_log("enrichment_job")


@dataclass(frozen=True, slots=True)
class _Assignment:
    execution: Execution
    job: ClaimedJob
    deadline: float


class JobThreads:
    """Runs jobs in threads, each within its time, and gathers their results.

    All methods but `wake` and `composites` belong to the worker's own thread.

    Args:
        places: how many jobs run at once.
        job_timeout_s: a job that runs longer is given up as `SiteUnavailable`; its place is free again.
    """

    def __init__(self, enrich: Enrich, *, places: int, job_timeout_s: float) -> None:
        self._enrich = enrich
        self._timeout_s = job_timeout_s
        self._in_hand: dict[str, Task[_Assignment]] = {}
        self._inbox: SimpleQueue[Result | BaseException | None] = SimpleQueue()
        self._places = ThreadPool(places, self._run, self._inbox.put, self._fail)

    def __len__(self) -> int:
        return len(self._in_hand)

    @property
    def is_exclusive(self) -> bool:
        """Whether a job in hand wants the process for itself."""
        return any(task.job.execution.exclusive for task in self._in_hand.values())

    def composites(self) -> Sequence[str]:
        """The executions in hand, by RQ's names."""
        return tuple(self._in_hand)

    def slots_by_host(self) -> Counter[str]:
        """How many places the jobs of each host hold."""
        return Counter(urlsplit(task.job.job.url).netloc for task in self._in_hand.values())

    def start(self, execution: Execution, call: EnrichmentJob) -> None:
        """Begin the work of one execution, whose job was admitted as `call`."""
        job = ClaimedJob(
            job_id=execution.job_id,
            offer_id=call.offer_id,
            url=call.url,
            current_price_cents=call.current_price_cents,
            attempt=execution.attempt,
            claimed_at=execution.claimed_at,
        )
        log.info("started", job_id=job.job_id, offer_id=job.offer_id, url=job.url, attempt=job.attempt)
        assignment = _Assignment(execution, job, time.monotonic() + self._timeout_s)
        self._in_hand[execution.composite] = self._places.start(assignment)

    def wake(self) -> None:
        """End a `gather` that waits; from any thread or signal handler."""
        self._inbox.put(None)

    def gather(self, timeout_s: float) -> list[Result]:
        """Wait for the first result, then take all there are; jobs whose time is over are among them.

        Raises:
            Bug: a thread ended by an error that is no job's.
        """
        results: list[Result] = []
        try:
            item = self._inbox.get(timeout=self._until_deadline(timeout_s))
            while True:
                if isinstance(item, BaseException):
                    raise Bug(f"a thread of the worker ended: {''.join(format_exception_only(item)).strip()}") from item
                if item:
                    results.append(item)
                item = self._inbox.get_nowait()
        except Empty:
            return results + self._give_up_overdue()

    def _until_deadline(self, timeout_s: float) -> float:
        first = min((task.job.deadline for task in self._in_hand.values()), default=float("inf"))
        return max(0.0, min(timeout_s, first - time.monotonic()))

    def _give_up_overdue(self) -> list[Result]:
        now = time.monotonic()
        error = SiteUnavailable(f"the job was still running after {self._timeout_s:g} s", hint="ENRICHMENT_JOB_TIMEOUT")
        return [
            Result(execution=task.job.execution, job=task.job.job, found=error)
            for task in self._in_hand.values()
            if task.job.deadline <= now and self._places.give_up(task)
        ]

    def give_up(self, job_id: str | None = None) -> list[Execution]:
        """Stop running one job, or all; those that had just finished are not among the answer."""
        return [
            task.job.execution
            for task in self._in_hand.values()
            if job_id in (None, task.job.execution.job_id) and self._places.give_up(task)
        ]

    def release(self, execution: Execution) -> None:
        """The execution is settled."""
        self._in_hand.pop(execution.composite, None)

    def close(self) -> None:
        self._places.close()

    def _run(self, assignment: _Assignment) -> Result:
        return Result(execution=assignment.execution, job=assignment.job, found=self._find(assignment.job))

    def _fail(self, exc: BaseException) -> None:
        self._inbox.put(exc)
        log.error("unexpected error beside the jobs", exc_info=True)  # noqa: LOG014 (called while it is handled)

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


J = TypeVar("J")
R = TypeVar("R")


@dataclass(slots=True, eq=False)
class Task(Generic[J]):
    """One job on its way through a place."""

    job: J
    over: bool = False
    """Finished or given up, whichever came first."""


class ThreadPool(Generic[J, R]):
    """A number of threads that run jobs.

    A thread cannot be killed: one that hangs is given up, a fresh thread takes its place, and what it may still
    return is ignored.

    Args:
        run: runs one job in a thread; is not expected to raise.
        report: is given each result, in that thread.
        fail: is given what `run` raised all the same, in that thread, which ends.
    """

    def __init__(
        self,
        count: int,
        run: Callable[[J], R],
        report: Callable[[R], None],
        fail: Callable[[BaseException], None],
    ) -> None:
        self._run = run
        self._report = report
        self._fail = fail
        self._tasks: SimpleQueue[Task[J] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._count = count
        for _ in range(count):
            self._add_thread()

    def start(self, job: J) -> Task[J]:
        """Hand a job to the next free thread."""
        task = Task(job)
        self._tasks.put(task)
        return task

    def give_up(self, task: Task[J]) -> bool:
        """Free the place of a job that hangs; False when it has just finished, and its result is on its way."""
        if not self._end(task):
            return False
        self._add_thread()
        return True

    def close(self) -> None:
        """Let the threads end when they are done; waits for none."""
        for _ in range(self._count):
            self._tasks.put(None)

    def _add_thread(self) -> None:
        threading.Thread(target=self._work, name="place", daemon=True).start()

    def _work(self) -> None:
        while task := self._tasks.get():
            try:
                result = self._run(task.job)
            except BaseException as exc:  # noqa: BLE001 (told, not swallowed)
                self._fail(exc)
                return
            if not self._end(task):
                return  # given up meanwhile: a fresh thread has this place
            self._report(result)

    def _end(self, task: Task[J]) -> bool:
        with self._lock:
            was_over, task.over = task.over, True
        return not was_over
