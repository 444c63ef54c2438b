"""Failed jobs: which they are, and why; and the way back of those that are named."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import partial
from typing import Any

from offers_cli.errors import WORK_ERRORS, NotFound, UsageError
from offers_cli.marketplaces.base import Marketplace
from offers_cli.queue.keys import JOB_ID_PREFIX
from offers_cli.queue.registries import FailedJob, Registries, RequeueReport
from offers_cli.report import Problem, Report, plain
from offers_cli.services.lookup import find_offer
from offers_cli.storage.base import Storage
from offers_cli.storage.validation import is_uuid


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


def requeue_failed(
    names: Sequence[str],
    *,
    queue: Registries,
    storage: Storage,
    marketplaces: Sequence[Marketplace],
    reasons: frozenset[str] = frozenset(),
    older_than_s: float | None = None,
    limit: int | None = None,
    dry_run: bool = False,
) -> RequeueReport:
    """Requeue failed jobs, those of the named offers where any are named; see `Registries.requeue_failed`.

    Args:
        names: whatever the offers are called, see `lookup`; a whole id also that of an offer which is deleted.

    Raises:
        NotFound, Ambiguous: a name fits no offer, or several; nothing was requeued.
        QueueUnavailable, QueueRefused: Redis does not answer or says no.
        StorageUnavailable, StorageRefused: see `Storage`; asked for names alone.
    """
    wanted = partial(queue.requeue_failed, reasons=reasons, older_than_s=older_than_s, dry_run=dry_run)
    if not names:
        return wanted(limit=limit)
    ids = {_offer_id(name, storage, marketplaces): name for name in names}
    report = RequeueReport(found=0, requeued=0, skipped=0, dry_run=dry_run)
    idle = []
    for offer_id, name in ids.items():
        if report.found == limit:
            break
        done = wanted(offer_ids=[offer_id], limit=1)
        report = replace(
            report,
            found=report.found + done.found,
            requeued=report.requeued + done.requeued,
            skipped=report.skipped + done.skipped,
        )
        if not done.found:
            idle.append(Problem.of(NotFound(f"{name}: no such failed job", hint="offers failed"), offer_id=offer_id))
    return replace(report, problems=tuple(replace(each, exit_code=1) if report.found else each for each in idle))


def _offer_id(name: str, storage: Storage, marketplaces: Sequence[Marketplace]) -> str:
    own = name.strip().lower().removeprefix(JOB_ID_PREFIX)
    return own if is_uuid(own) else find_offer(name, storage=storage, marketplaces=marketplaces).id


def check_reasons(reasons: Iterable[str]) -> frozenset[str]:
    """The reasons as a set; raises `UsageError` for one that is no failure code, naming the nearest."""
    for reason in reasons:
        if reason not in WORK_ERRORS:
            near = get_close_matches(reason, WORK_ERRORS, n=1, cutoff=0.3) or list(WORK_ERRORS)[:1]
            raise UsageError(f"{reason!r} is not a failure code", hint=f"--reason {near[0]}")
    return frozenset(reasons)
