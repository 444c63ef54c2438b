"""Failed jobs: which they are and why, and back to the queue with them, by reason, offer and age."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from offers_cli.errors import WORK_ERRORS, UsageError
from offers_cli.queue.registries import FailedJob, Registries
from offers_cli.report import WHEN_DONE, Report, plain


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedReport(Report):
    """The newest of the failed jobs, and how many there are in all."""

    jobs: tuple[FailedJob, ...] = ()
    total: int = 0

    def data(self) -> dict[str, Any]:
        """As `Report`; a job's failure code stands under ``reason``, the word of `--reason`."""
        jobs = [{"reason" if key == "code" else key: value for key, value in plain(job).items()} for job in self.jobs]
        return {"jobs": jobs, "total": self.total}


def failed(*, queue: Registries, reasons: frozenset[str] = frozenset(), limit: int | None = None) -> FailedReport:
    """Read the failed jobs, newest first; empty `reasons` means all.

    Raises:
        QueueUnavailable, QueueRefused: Redis does not answer or says no.
    """
    jobs = tuple(queue.failed_jobs(reasons=reasons, limit=limit))
    if limit is None or len(jobs) < limit:
        return FailedReport(jobs=jobs, total=len(jobs))
    counts = queue.failures()
    total = sum(number for code, number in counts.items() if not reasons or code in reasons)
    return FailedReport(jobs=jobs, total=max(total, len(jobs)))  # a job may have left between the two looks


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
    queue: Registries,
    reasons: frozenset[str] = frozenset(),
    offer_ids: frozenset[str] = frozenset(),
    older_than_s: float | None = None,
    limit: int | None = None,
    dry_run: bool = False,
) -> RequeueFailedReport:
    """Requeue failed jobs; empty `reasons` and `offer_ids` mean all.

    Raises:
        QueueUnavailable, QueueRefused: Redis does not answer or says no.
    """
    done = queue.requeue_failed(
        reasons=reasons, offer_ids=offer_ids, older_than_s=older_than_s, limit=limit, dry_run=dry_run
    )
    return RequeueFailedReport(found=done.found, requeued=done.requeued, skipped=done.skipped, dry_run=dry_run)
