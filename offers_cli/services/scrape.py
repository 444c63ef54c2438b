"""Scrape: collect listings, save their offers, then queue what lacks something.

The way of one page: fetch → read → filter → save (one transaction) → enqueue (one call). A page that cannot be
fetched or read ends its source; what was saved before stays saved, and the report says what happened.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, Literal, Protocol

from offers_cli.drift.watch import DriftWatch
from offers_cli.errors import (
    Interrupted,
    OffersError,
    PageChanged,
    QueueRefused,
    QueueUnavailable,
    StorageRefused,
    StorageUnavailable,
)
from offers_cli.log import get_log
from offers_cli.marketplaces.base import ListingReading, Marketplace
from offers_cli.offer import EnrichmentJob, Offer
from offers_cli.report import Problem, problems_of_unqueued
from offers_cli.services.sources import Source
from offers_cli.storage.base import Missing, SavedOffer, SaveReport, ScrapeRun, Storage

log = get_log("scrape")


class Enqueue(Protocol):
    """Queues jobs; returns an object with `enqueued`, `already_queued` and `refused` (why, by offer id)."""

    def __call__(self, jobs: Sequence[EnrichmentJob], /) -> Any: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ScrapeReport:
    """Figures of one scrape. `seen = new + changed + unchanged + filtered + unreadable + refused`."""

    run_id: str | None = None
    pages: int = 0
    seen: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    filtered: int = 0
    unreadable: int = 0
    refused: int = 0
    enqueued: int = 0
    already_queued: int = 0
    dry_run: bool = False
    problems: tuple[Problem, ...] = ()

    def data(self) -> dict[str, Any]:
        names = "run_id pages seen new changed unchanged filtered unreadable refused enqueued already_queued dry_run"
        return {name: getattr(self, name) for name in names.split()}


@dataclass(slots=True, kw_only=True)
class Scraper:
    """Everything one scrape needs, and its running figures.

    Attributes:
        enqueue: queues jobs; None when nothing is to be queued.
        load: fetches a listing address, or opens a saved page, and reads it with the reader it is given.
        read_hub: the affiliates' hub page by page; is given what reads one of its pages.
        wanted: the fields whose absence makes an offer worth a job.
        process: what tells this process from others, for the run's record.
        limit: the most offers to take, over all sources.
    """

    storage: Storage
    enqueue: Enqueue | None
    load: Callable[[Source, str | None, Callable[[str, str], ListingReading]], ListingReading]
    read_hub: Callable[[Callable[[str, str], ListingReading]], Iterator[ListingReading]]
    marketplace_for: Callable[[str], Marketplace]
    wanted: frozenset[Missing]
    drift: DriftWatch
    now: Callable[[], datetime]
    process: str
    pages: int = 1
    min_discount: int = 0
    limit: int | None = None
    dry_run: bool = False
    on_page: Callable[[ScrapeReport], None] = lambda _report: None
    report: ScrapeReport = field(default_factory=ScrapeReport)
    run: ScrapeRun | None = None

    def scrape(self, sources: Sequence[Source]) -> ScrapeReport:
        """Scrape the sources one after another; one that fails does not stop the next, but a failing database does.

        What was foreseen to go wrong is not raised: it stands in the report, beside the figures of what was done.
        """
        self.report = replace(self.report, dry_run=self.dry_run)
        status: Literal["done", "failed", "interrupted"] = "interrupted"
        try:
            self._begin_run(" ".join(source.label for source in sources))
            for source in sources:
                self._scrape_source(source)
            status = "failed" if self.report.problems else "done"
        except (StorageUnavailable, StorageRefused) as error:
            status = "failed"
            self._tell(error)
        except KeyboardInterrupt:
            self._tell(_interrupted())
        finally:
            self.drift.flush()
            self._finish_run(status)
        return self.report

    def _begin_run(self, label: str) -> None:
        if self.dry_run:
            return
        now = self.now()
        run = ScrapeRun(
            id=str(uuid.uuid4()), source=label, status="running", started_at=now, alive_at=now, process=self.process
        )
        self.storage.save_run(run)
        self.run = run
        self.report = replace(self.report, run_id=run.id)

    def _keep_run(self) -> None:
        """Record the figures so far, for a scrape that is killed; its pages matter more than this."""
        if self.run is None:
            return
        try:
            self.storage.save_run(self._run_now(self.run))
        except (StorageUnavailable, StorageRefused) as error:
            log.warning("the run's figures were not recorded", reason=error.message)

    def _finish_run(self, status: Literal["done", "failed", "interrupted"]) -> None:
        """Record the figures; the offers are saved all the same, so that a failure is one failed item."""
        if self.run is None:
            return
        try:
            self.storage.save_run(replace(self._run_now(self.run), status=status, finished_at=self.now()))
        except (StorageUnavailable, StorageRefused) as error:
            message = f"the figures of this run were not recorded: {error.message}"
            problem = Problem(code=error.code, message=message, hint="the offers are saved; nothing to do")
            self.report = replace(self.report, problems=(*self.report.problems, problem))
        except KeyboardInterrupt:
            self._tell(_interrupted())

    def _run_now(self, run: ScrapeRun) -> ScrapeRun:
        report = self.report
        return replace(
            run,
            alive_at=self.now(),
            pages=report.pages,
            seen=report.seen,
            new=report.new,
            changed=report.changed,
            unchanged=report.unchanged,
            filtered=report.filtered,
            enqueued=report.enqueued,
            error=report.problems[0].code if report.problems else None,
        )

    def _scrape_source(self, source: Source) -> None:
        try:
            for reading in self._readings(source):
                self._take(reading, source)
                self._keep_run()
                self.on_page(self.report)
        except (StorageUnavailable, StorageRefused):
            raise
        except OffersError as error:
            log.warning("source ended early", url=source.label, code=error.code)
            self._tell(error)

    def _tell(self, error: OffersError, *, hint: str | None = None) -> None:
        problem = Problem.of(error)
        problem = problem if hint is None else replace(problem, hint=hint)
        self.report = replace(self.report, problems=(*self.report.problems, problem))

    def _readings(self, source: Source) -> Iterator[ListingReading]:
        """Read the pages of one source, until there is enough."""
        pages = self.read_hub(partial(self._read, source)) if source.kind == "hub" else self._pages(source)
        for _ in range(self.pages):
            reading = None if self._is_full() else next(pages, None)
            if reading is None:
                return
            yield reading

    def _pages(self, source: Source) -> Iterator[ListingReading]:
        """Read the pages of one source, as far as its own pager goes."""
        address: str | None = None
        visited: set[str] = set()
        while True:
            reading = self.load(source, address, partial(self._read, source))
            visited |= {reading.url, address or reading.url}
            yield reading
            address = reading.next_page
            if address is None or address in visited:
                return

    def _read(self, source: Source, text: str, url: str) -> ListingReading:
        marketplace = self.marketplace_for(url)
        try:
            reading = marketplace.read_listing(text, url, source=source.kind)
        except PageChanged:
            self.drift.saw_changed(marketplace.name, source.kind)
            raise
        self.drift.saw_listing(reading, source.kind)
        return reading

    def _is_full(self) -> bool:
        return self.limit is not None and self.report.seen >= self.limit

    def _take(self, reading: ListingReading, source: Source) -> None:
        """Filter, save and enqueue one page."""
        room = None if self.limit is None else self.limit - self.report.seen
        offers = reading.offers[:room]
        kept = [offer for offer in offers if not self._is_filtered(offer)]
        for position, reason in reading.unreadable:
            log.warning("card left out", position=position, reason=reason, url=reading.url)
        saved = self.storage.save_offers(kept, seen_at=self.now(), dry_run=self.dry_run)
        report = self.report
        self.report = replace(
            report,
            pages=report.pages + 1,
            seen=report.seen + len(offers) + len(reading.unreadable),
            filtered=report.filtered + len(offers) - len(kept),
            unreadable=report.unreadable + len(reading.unreadable),
        )
        self._count(saved)
        log.info("page saved", url=reading.url, source=source.kind, read_by=reading.strategy, **self._figures())
        if not self.dry_run:
            self._enqueue(saved.saved)

    def _figures(self) -> dict[str, int]:
        return {name: getattr(self.report, name) for name in ("pages", "seen", "new", "changed", "unchanged")}

    def _is_filtered(self, offer: Offer) -> bool:
        """An unknown discount passes: enrichment will tell."""
        return offer.discount_pct is not None and offer.discount_pct < self.min_discount

    def _count(self, saved: SaveReport) -> None:
        outcomes = [offer.outcome for offer in saved.saved]
        report = self.report
        self.report = replace(
            report,
            new=report.new + outcomes.count("new"),
            changed=report.changed + outcomes.count("changed"),
            unchanged=report.unchanged + outcomes.count("unchanged"),
            refused=report.refused + len(saved.refused),
            problems=report.problems
            + tuple(
                Problem(
                    code=StorageRefused.code,
                    message=f"offer {refused.external_id} was refused: {refused.reason}",
                    hint="the others are saved; nothing to do",
                )
                for refused in saved.refused
            ),
        )

    def _enqueue(self, saved: Sequence[SavedOffer]) -> None:
        """Queue what lacks something; a queue that does not answer costs nothing that is saved."""
        jobs = {
            offer.offer_id: EnrichmentJob(offer_id=offer.offer_id, url=offer.url, current_price_cents=offer.price_cents)
            for offer in saved
            if offer.needs & self.wanted
        }
        if self.enqueue is None or not jobs:
            return
        try:
            done = self.enqueue(list(jobs.values()))
        except (QueueUnavailable, QueueRefused) as error:
            self.enqueue = None
            self._tell(error, hint=f"{error.hint}; then offers enqueue-missing: the offers are saved")
            return
        self.report = replace(
            self.report,
            enqueued=self.report.enqueued + done.enqueued,
            already_queued=self.report.already_queued + done.already_queued,
            problems=(*self.report.problems, *problems_of_unqueued(done.refused)),
        )


def _interrupted() -> Interrupted:
    return Interrupted("interrupted; what was saved stays saved", hint="run the same command again")
