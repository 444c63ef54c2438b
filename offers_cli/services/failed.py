"""Failed jobs: which they are, and why, by code with the next command; and the way back of those that are named."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import partial
from typing import TYPE_CHECKING, Any

from offers_cli.errors import WORK_ERRORS, NotFound, OffersError, Outcome, UsageError
from offers_cli.queue.keys import JOB_ID_PREFIX
from offers_cli.queue.registries import FailedJob, FailedJobs, Registries, RequeueReport
from offers_cli.report import WHEN_DONE, Problem, Report, plain
from offers_cli.storage.base import Storage, StoredOffer
from offers_cli.storage.validation import is_uuid

if TYPE_CHECKING:
    from offers_cli.marketplaces.base import Marketplace

NEXT = {
    "page_blocked": "open it in a browser, then offers requeue-failed --reason page_blocked",
    "site_unavailable": "offers requeue-failed --reason site_unavailable",
    "robots_forbidden": "set OFFERS_IGNORE_ROBOTS=true if you may, offers requeue-failed --reason robots_forbidden",
    "offer_gone": "nothing to do; one that a listing shows again is active again",
    "link_refused": "offers show {offer}",
    "forbidden_url": "offers db repair --dry-run",
    "storage_refused": "offers doctor",
    "bug": "offers failed --reason bug --json",
}
"""The next command for the failures of a code, when looking at the page is not what helps."""
FINAL = frozenset(code for code, error in WORK_ERRORS.items() if error.outcome is Outcome.FINAL)
"""The codes of failures that would only come again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureGroup:
    """The failures of one code, and one of them as the example.

    Attributes:
        next: the command to run, or what to do first.
        external_id, title: of the example's offer, where the database has it.
    """

    code: str
    jobs: int
    message: str
    next: str
    offer_id: str | None
    external_id: str | None
    title: str | None

    @property
    def example(self) -> str:
        """What the example is called."""
        named = f"{self.title[:60]} ({self.external_id})" if self.title else self.offer_id
        return named or "a job that names no offer"


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedReport(Report):
    """The newest of the failed jobs, how many there are in all, and all of them by code.

    Attributes:
        offers: those of the jobs' offers that the database has, by id.
    """

    jobs: tuple[FailedJob, ...] = ()
    total: int = 0
    groups: tuple[FailureGroup, ...] = field(default=(), metadata=WHEN_DONE)
    offers: Mapping[str, StoredOffer] = field(default_factory=dict)

    @classmethod
    def keys(cls) -> tuple[str, ...]:
        """As `Report.keys`."""
        return ("jobs", "total")

    def data(self) -> dict[str, Any]:
        """As `Report`; a job's failure code stands under ``reason``, the word of `--reason`."""
        return {"jobs": [self._row(job) for job in self.jobs], "total": self.total, "groups": plain(self.groups)}

    def _row(self, job: FailedJob) -> dict[str, Any]:
        row = {"reason" if key == "code" else key: value for key, value in plain(job).items()}
        offer = self.offers.get(job.offer_id or "")
        return row | {"external_id": offer and offer.external_id, "title": offer and offer.title}


def failed(
    *, queue: Registries, storage: Storage, reasons: frozenset[str] = frozenset(), limit: int | None = None
) -> FailedReport:
    """Read the failed jobs, newest first, with what their offers are called; empty `reasons` means all.

    A database that does not answer hides the titles, not the failures.

    Raises:
        QueueUnavailable, QueueRefused: Redis does not answer or says no.
    """
    jobs = tuple(queue.failed_jobs(reasons=reasons, limit=limit))
    groups = [each for each in queue.failures_with_newest() if not reasons or each.code in reasons]
    offers = find_titles(storage, [*jobs, *(each.newest for each in groups)])
    return FailedReport(
        jobs=jobs,
        total=max(sum(each.jobs for each in groups), len(jobs)),  # a job may have left between the two looks
        groups=describe(groups, offers),
        offers=offers,
    )


def find_titles(storage: Storage, jobs: Iterable[FailedJob]) -> dict[str, StoredOffer]:
    """The offers of some jobs by id, asked for at once; none where the database does not answer."""
    try:
        return {offer.id: offer for offer in storage.offers_by_id([job.offer_id for job in jobs if job.offer_id])}
    except OffersError:
        return {}


def describe(groups: Iterable[FailedJobs], offers: Mapping[str, StoredOffer]) -> tuple[FailureGroup, ...]:
    """The failures of each code with an example and the next command."""
    return tuple(_described(group, offers.get(group.newest.offer_id or "")) for group in groups)


def _described(group: FailedJobs, offer: StoredOffer | None) -> FailureGroup:
    job = group.newest
    name = shlex.quote((offer.external_id if offer else job.offer_id) or "ID")
    return FailureGroup(
        code=group.code,
        jobs=group.jobs,
        message=job.message,
        next=NEXT.get(group.code, "offers explain {offer}").format(offer=name),
        offer_id=job.offer_id,
        external_id=offer.external_id if offer else None,
        title=offer.title if offer else None,
    )


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

    Without names and reasons, those whose code is final stay: an offer that is gone would only fail again.

    Args:
        names: whatever the offers are called, see `lookup`; a whole id also that of an offer which is deleted.

    Raises:
        NotFound, Ambiguous: a name fits no offer, or several; nothing was requeued.
        QueueUnavailable, QueueRefused: Redis does not answer or says no.
        StorageUnavailable, StorageRefused: see `Storage`; asked for names alone.
    """
    ids = {_offer_id(name, storage, marketplaces): name for name in names}  # before Redis is asked: it may be away
    wanted = partial(queue.requeue_failed, reasons=reasons, older_than_s=older_than_s, dry_run=dry_run)
    if not names and not reasons:
        done = wanted(but_for=FINAL, limit=limit)
        # Counted last: among a million it takes seconds, and the first should go back at once.
        left = {code: count for code, count in queue.failures().items() if code in FINAL}
        return replace(done, left=left)
    if not names:
        return wanted(limit=limit)
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
    from offers_cli.services.lookup import find_offer

    own = name.strip().lower().removeprefix(JOB_ID_PREFIX)
    return own if is_uuid(own) else find_offer(name, storage=storage, marketplaces=marketplaces).id


def check_reasons(reasons: Iterable[str]) -> frozenset[str]:
    """The reasons as a set, in any case; raises `UsageError` for one that is no failure code, naming the nearest."""
    codes = frozenset(reason.lower().replace("-", "_") for reason in reasons)
    for code in codes - WORK_ERRORS.keys():
        near = get_close_matches(code, WORK_ERRORS, n=1, cutoff=0.5)
        hint = f"--reason {near[0]}" if near else "offers help failure-codes"
        raise UsageError(f"{code!r} is not a failure code", hint=hint)
    return codes
