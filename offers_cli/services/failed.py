"""Failed jobs: which they are, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from offers_cli.errors import WORK_ERRORS, UsageError
from offers_cli.queue.registries import FailedJob, Registries
from offers_cli.report import Report, plain


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


def check_reasons(reasons: Iterable[str]) -> frozenset[str]:
    """The reasons as a set; raises `UsageError` for one that is no failure code, naming the nearest."""
    for reason in reasons:
        if reason not in WORK_ERRORS:
            near = get_close_matches(reason, WORK_ERRORS, n=1, cutoff=0.3) or list(WORK_ERRORS)[:1]
            raise UsageError(f"{reason!r} is not a failure code", hint=f"--reason {near[0]}")
    return frozenset(reasons)
