"""The workbench: the jobs a worker has in hand, from their start until they are settled."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from traceback import format_exception_only
from urllib.parse import urlsplit

from offers_cli.errors import Bug, SiteUnavailable, WorkError
from offers_cli.log import get_log
from offers_cli.offer import Enrichment, EnrichmentJob
from offers_cli.queue.ledger import Execution
from offers_cli.queue.places import Places, Task
from offers_cli.queue.recorder import Result
from offers_cli.queue.work import ClaimedJob, Enrich

log = get_log("enrichment_job")


@dataclass(frozen=True, slots=True)
class _Assignment:
    execution: Execution
    job: ClaimedJob
    deadline: float


class Workbench:
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
        self._places = Places(places, self._run, self._inbox.put, self._fail)

    def __len__(self) -> int:
        return len(self._in_hand)

    @property
    def must_be_alone(self) -> bool:
        """Whether a job in hand wants the process for itself."""
        return any(task.job.execution.alone for task in self._in_hand.values())

    def composites(self) -> Sequence[str]:
        """The executions in hand, by RQ's names."""
        return tuple(self._in_hand)

    def places_of_hosts(self) -> Counter[str]:
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
