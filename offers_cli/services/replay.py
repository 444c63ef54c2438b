"""Replay: kept pages are read again with today's code; what they now tell is saved, and nothing is fetched."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Protocol

from offers_cli.errors import NotFound, OfferGone, Outcome, PageError
from offers_cli.fetch.snapshots import Snapshot
from offers_cli.log import get_log
from offers_cli.marketplaces.base import Marketplace
from offers_cli.offer import Enrichment, EnrichmentFailure
from offers_cli.report import Problem
from offers_cli.services.enrich import to_enrichment
from offers_cli.storage.base import Storage

GROUP = 200
TOLD_FAILURES = 100

log = get_log("enrichment")


class KeptPages(Protocol):
    """The part of the snapshots that a replay needs."""

    def iterate(self, code: str | None = None) -> Iterator[Snapshot]: ...

    def read(self, snapshot_id: str) -> tuple[str, Snapshot]: ...


class FailedJobs(Protocol):
    """The part of the queue that a replay needs."""

    def forget_failed(self, offer_ids: Collection[str]) -> int:
        """Take the failed jobs of these offers out of the registry; returns how many there were."""
        ...


class FindMarketplace(Protocol):
    """Which marketplace reads pages of an address."""

    def __call__(self, url: str, /) -> Marketplace: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayReport:
    """`found = mended + superseded + unreadable`; `forgotten` counts failed jobs that are no longer needed.

    Attributes:
        found: offers with a kept page; of several pages of one offer the newest counts.
        mended: their page tells values now (with `dry_run`: would be saved).
        superseded: something newer is stored.
        unreadable: their page still cannot be read.
        changes: for a dry run, what each mended offer's page tells.
    """

    found: int = 0
    mended: int = 0
    superseded: int = 0
    unreadable: int = 0
    forgotten: int = 0
    dry_run: bool = False
    changes: tuple[dict[str, Any], ...] = ()
    problems: tuple[Problem, ...] = ()

    def data(self) -> dict[str, Any]:
        names = ("found", "mended", "superseded", "unreadable", "forgotten", "dry_run")
        return {**{name: getattr(self, name) for name in names}, "changes": list(self.changes)}


@dataclass(slots=True, kw_only=True)
class Replayer:
    """Reads kept pages again and saves what they tell, in groups."""

    kept: KeptPages
    storage: Storage
    queue: FailedJobs
    marketplace_for: FindMarketplace
    dry_run: bool = False

    def replay(self, *, reason: str | None = None) -> ReplayReport:
        """Replay the newest kept page of each offer, or those kept for one failure code."""
        report = ReplayReport(dry_run=self.dry_run)
        snapshots = iter(_newest_of_each_offer(self.kept.iterate(reason)))
        while group := list(islice(snapshots, GROUP)):
            report = self._replay_group(group, report)
        return report

    def _replay_group(self, group: list[Snapshot], report: ReplayReport) -> ReplayReport:
        read = _Read()
        for snapshot in group:
            try:
                read.found.append(self._read(snapshot))
            except (PageError, NotFound) as error:
                read.refuse(snapshot, error)
        report = replace(
            report,
            found=report.found + len(group),
            unreadable=report.unreadable + read.unreadable,
            problems=(*report.problems, *read.problems)[:TOLD_FAILURES],
        )
        return self._preview(read, report) if self.dry_run else self._save(read, report)

    def _read(self, snapshot: Snapshot) -> Enrichment:
        text, _ = self.kept.read(snapshot.id)
        marketplace = self.marketplace_for(snapshot.final_url)
        reading = marketplace.read_product(text, snapshot.final_url)
        marketplace.check_same_product(snapshot.url, reading)
        return to_enrichment(reading, offer_id=snapshot.offer_id or "", observed_at=snapshot.fetched_at)

    def _preview(self, read: _Read, report: ReplayReport) -> ReplayReport:
        names = ("offer_id", "price_cents", "old_price_cents", "discount_pct")
        changes = [{name: getattr(one, name) for name in names} for one in read.found]
        return replace(report, mended=report.mended + len(read.found), changes=(*report.changes, *changes))

    def _save(self, read: _Read, report: ReplayReport) -> ReplayReport:
        saved = self.storage.save_enrichments(read.found, read.gone)
        mended = [one for one in read.found if one.offer_id in saved.applied]
        forgotten = self.queue.forget_failed({one.offer_id for one in read.found} & (saved.applied | saved.superseded))
        log.info("replayed", mended=len(mended), superseded=len(read.found) - len(mended))
        return replace(
            report,
            mended=report.mended + len(mended),
            superseded=report.superseded + len(read.found) - len(mended),
            forgotten=report.forgotten + forgotten,
        )


@dataclass(slots=True)
class _Read:
    """What one group of kept pages tells."""

    found: list[Enrichment] = field(default_factory=list)
    gone: list[EnrichmentFailure] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    unreadable: int = 0

    def refuse(self, snapshot: Snapshot, error: PageError | NotFound) -> None:
        """Count a page that gives no values; a wall or an ended offer is what it is, anything else is a problem."""
        self.unreadable += 1
        offer_id = snapshot.offer_id or ""
        if isinstance(error, OfferGone):
            self.gone.append(EnrichmentFailure.of(error, offer_id=offer_id, observed_at=snapshot.fetched_at))
        elif isinstance(error, NotFound) or error.outcome is Outcome.FAIL:
            self.problems.append(replace(Problem.of(error, offer_id=offer_id), exit_code=1))


def _newest_of_each_offer(oldest_first: Iterable[Snapshot]) -> list[Snapshot]:
    newest = {snapshot.offer_id: snapshot for snapshot in oldest_first if snapshot.offer_id}
    return sorted(newest.values(), key=lambda snapshot: snapshot.id)
