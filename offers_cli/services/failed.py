"""Failed jobs: which they are and why, and back to the queue with them, by reason, offer and age."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Protocol

from offers_cli.errors import WORK_ERRORS, UsageError
from offers_cli.queue.registries import FailedJob
from offers_cli.report import WHEN_DONE, Problem, Report
from offers_cli.times import iso_utc


class FailedJobs(Protocol):
    """The part of the queue that this needs."""

    def failed_jobs(self, *, reasons: Collection[str], limit: int | None) -> Sequence[FailedJob]: ...

    def failures(self) -> Mapping[str, int]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedReport:
    """The newest of the failed jobs, and how many there are in all."""

    jobs: tuple[FailedJob, ...] = ()
    total: int = 0
    problems: tuple[Problem, ...] = ()

    def data(self) -> dict[str, Any]:
        return {"jobs": [_job_row(job) for job in self.jobs], "total": self.total}


def _job_row(job: FailedJob) -> dict[str, Any]:
    return {
        "job_id": job.job_id,
        "offer_id": job.offer_id,
        "url": job.url,
        "reason": job.code,
        "message": job.message,
        "attempts": job.attempts,
        "failed_at": iso_utc(job.failed_at) if job.failed_at else None,
    }


def failed(*, queue: FailedJobs, reasons: frozenset[str] = frozenset(), limit: int | None = None) -> FailedReport:
    """Read the failed jobs, newest first; empty `reasons` means all."""
    jobs = tuple(queue.failed_jobs(reasons=reasons, limit=limit))
    if limit is None or len(jobs) < limit:
        return FailedReport(jobs=jobs, total=len(jobs))
    counts = queue.failures()
    total = sum(number for code, number in counts.items() if not reasons or code in reasons)
    return FailedReport(jobs=jobs, total=max(total, len(jobs)))


class FailedQueue(Protocol):
    """The part of the queue that requeueing needs."""

    def requeue_failed(
        self,
        *,
        reasons: frozenset[str],
        offer_ids: frozenset[str],
        older_than_s: float | None,
        limit: int | None,
        dry_run: bool,
    ) -> Any:
        """Returns an object with `found`, `requeued` and `skipped`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RequeueFailedReport(Report):
    """`found = requeued + skipped`, unless nothing was to be changed; `skipped` are jobs that have expired."""

    found: int = 0
    requeued: int = 0
    skipped: int = 0
    dry_run: bool = field(default=False, metadata=WHEN_DONE)


def check_reasons(reasons: Iterable[str]) -> frozenset[str]:
    """The reasons as a set; raises `UsageError` for one that is no failure code, naming the nearest."""
    for reason in reasons:
        if reason not in WORK_ERRORS:
            near = get_close_matches(reason, WORK_ERRORS, n=1, cutoff=0.3) or list(WORK_ERRORS)[:1]
            raise UsageError(f"{reason!r} is not a failure code", hint=f"--reason {near[0]}")
    return frozenset(reasons)


def requeue_failed(
    *,
    queue: FailedQueue,
    reasons: frozenset[str] = frozenset(),
    offer_ids: frozenset[str] = frozenset(),
    older_than_s: float | None = None,
    limit: int | None = None,
    dry_run: bool = False,
) -> RequeueFailedReport:
    """Put failed jobs back; empty `reasons` and `offer_ids` mean all."""
    done = queue.requeue_failed(
        reasons=reasons, offer_ids=offer_ids, older_than_s=older_than_s, limit=limit, dry_run=dry_run
    )
    return RequeueFailedReport(found=done.found, requeued=done.requeued, skipped=done.skipped, dry_run=dry_run)
