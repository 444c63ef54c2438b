"""Failed: the jobs that failed, and why."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from offers_cli.queue.registries import FailedJob
from offers_cli.report import Problem
from offers_cli.services.find_offers import iso_utc


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
