"""Scrape: collect listings, save their offers, then queue what lacks something.

The way of one page: fetch → read → filter → save (one transaction) → enqueue (one call). A page that cannot be
fetched or read ends its source; what was saved before stays saved, and the report says what happened.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, Literal

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
from offers_cli.marketplaces.base import ListingReading
from offers_cli.offer import Offer
from offers_cli.queue.enqueue import EnrichmentQueue
from offers_cli.queue.job import EnrichmentJob
from offers_cli.queue.registration import ProcessId
from offers_cli.report import WHEN_DONE, Problem, Report, problems_of_unqueued
from offers_cli.services.pages import Pages
from offers_cli.services.sources import Source
from offers_cli.storage.base import Missing, OfferKey, SavedOffer, ScrapeRun, Storage, key_of

log = get_log("scrape")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScrapeReport(Report):
    """Figures of one scrape. `seen = new + changed + unchanged + filtered + unreadable + refused`.

    Attributes:
        pages_spared: offers whose own card says both old price and discount, or is trusted, so that no product page is
            fetched for them; each counts once, however often its card is seen.
        would_enqueue: offers that lack something, of a dry run; a run queues those of them that do not wait already.
        duration_s: how long it took, in seconds.
    """

    run_id: str | None = None
    pages: int = 0
    seen: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    filtered: int = 0
    unreadable: int = field(default=0, metadata=WHEN_DONE)
    refused: int = 0
    enqueued: int = 0
    already_queued: int = 0
    pages_spared: int = 0
    would_enqueue: int = field(default=0, metadata=WHEN_DONE)
    duration_s: float | None = field(default=None, metadata=WHEN_DONE)
    dry_run: bool = field(default=False, metadata=WHEN_DONE)


PAGE_FIELDS = frozenset({Missing.OLD_PRICE, Missing.DISCOUNT})
"""What a product page is fetched for; the link is the affiliate programme's."""
RECORDED = ("pages", "seen", "new", "changed", "unchanged", "filtered", "enqueued")
"""The figures that stand in the run's record as well."""


@dataclass(slots=True, kw_only=True)
class Scraper:
    """Everything one scrape needs, and its running figures.

    Attributes:
        queue: where jobs go; None when nothing is to be queued.
        read_hub: the affiliates' hub page by page; is given what reads one of its pages.
        wanted: the fields whose absence makes an offer worth a job.
        max_pages: the most pages to read of each source.
        limit: the most offers to take, over all sources; those that are filtered do not count.
        trust_cards: a card without a struck price is an answer: no page is fetched for it.
        schedule_entry: the name of the entry of the schedule whose run this is.
    """

    storage: Storage
    queue: EnrichmentQueue | None
    pages: Pages
    read_hub: Callable[[Callable[[str, str], ListingReading]], Iterator[ListingReading]]
    wanted: frozenset[Missing]
    drift: DriftWatch
    now: Callable[[], datetime]
    max_pages: int = 1
    min_discount: int = 0
    limit: int | None = None
    trust_cards: bool = False
    dry_run: bool = False
    schedule_entry: str | None = None
    on_page: Callable[[ScrapeReport], None] = lambda _report: None
    counts: Counter[str] = field(default_factory=Counter, init=False)
    spared: set[OfferKey] = field(default_factory=set, init=False)
    lacking: set[OfferKey] = field(default_factory=set, init=False)
    problems: list[Problem] = field(default_factory=list, init=False)
    run: ScrapeRun | None = field(default=None, init=False)

    @property
    def report(self) -> ScrapeReport:
        """The figures so far."""
        return ScrapeReport(
            run_id=self.run.id if self.run else None,
            dry_run=self.dry_run,
            problems=tuple(self.problems),
            pages_spared=len(self.spared),
            would_enqueue=len(self.lacking) if self.dry_run else 0,
            **self.counts,
        )

    def scrape(self, sources: Sequence[Source]) -> ScrapeReport:
        """Scrape the sources one after another; one that fails does not stop the next, but a failing database does.

        What was foreseen to go wrong is not raised: it stands in the report, beside the figures of what was done. A
        source that fails is one failed item where another comes to its end.
        """
        began = self.now()
        status: Literal["done", "failed", "interrupted"] = "interrupted"
        try:
            self._begin_run(" ".join(source.label for source in sources))
            aborted = [problem for source in sources if (problem := self._scrape_source(source))]
            if len(aborted) < len(sources):
                self.problems = [replace(each, exit_code=1) if each in aborted else each for each in self.problems]
            status = "failed" if aborted else "done"
        except (StorageUnavailable, StorageRefused) as error:
            status = "failed"
            self.problems.append(Problem.of(error))
        except KeyboardInterrupt:
            self.problems.append(_interrupted())
        finally:
            self.drift.flush()
            self._finish_run(status)
        return replace(self.report, duration_s=round((self.now() - began).total_seconds(), 3))

    def _begin_run(self, label: str) -> None:
        if self.dry_run:
            return
        now = self.now()
        run = ScrapeRun(
            id=str(uuid.uuid4()),
            source=label,
            status="running",
            started_at=now,
            alive_at=now,
            process=str(ProcessId.own()),
            schedule_entry=self.schedule_entry,
        )
        self.storage.save_run(run)
        self.run = run

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
            self.problems.append(Problem(code=error.code, message=message, hint="the offers are saved; nothing to do"))
        except KeyboardInterrupt:
            self.problems.append(_interrupted())

    def _run_now(self, run: ScrapeRun) -> ScrapeRun:
        counts: dict[str, Any] = {name: self.counts[name] for name in RECORDED}
        error = self.problems[0].code if self.problems else None
        return replace(run, alive_at=self.now(), error=error, **counts)

    def _scrape_source(self, source: Source) -> Problem | None:
        """Take all pages of a source; what kept it from coming to its end."""
        try:
            for reading in self._readings(source):
                self._take(reading, source)
                self._keep_run()
                self.on_page(self.report)
        except (StorageUnavailable, StorageRefused):
            raise
        except OffersError as error:
            log.warning("source aborted", url=source.label, code=error.code)
            problem = Problem.of(error)
            self.problems.append(problem)
            return problem
        return None

    def _readings(self, source: Source) -> Iterator[ListingReading]:
        """Read the pages of one source, until there is enough."""
        pages = self.read_hub(partial(self._read, source)) if source.kind == "hub" else self._pages(source)
        for _ in range(self.max_pages):
            reading = None if self._is_full() else next(pages, None)
            if reading is None:
                return
            yield reading

    def _pages(self, source: Source) -> Iterator[ListingReading]:
        """Read the pages of one source, as far as its own pager goes."""
        address: str | None = None
        visited: set[str] = set()
        while True:
            reading = self.pages.load_listing(source, address, partial(self._read, source))
            visited |= {reading.url, address or reading.url}
            yield reading
            address = reading.next_page
            if address is None or address in visited:
                return

    def _read(self, source: Source, text: str, url: str) -> ListingReading:
        marketplace = self.pages.marketplace_of(text, url)
        try:
            reading = marketplace.read_listing(text, url, source=source.kind)
        except PageChanged:
            self.drift.saw_changed(marketplace.name, source.kind)
            raise
        self.drift.saw_listing(reading, source.kind)
        return reading

    def _is_full(self) -> bool:
        return self.limit is not None and self._taken() >= self.limit

    def _taken(self) -> int:
        return self.counts["seen"] - self.counts["filtered"] - self.counts["unreadable"]

    def _take(self, reading: ListingReading, source: Source) -> None:
        """Filter, save and enqueue one page."""
        kept, filtered = self._choose(reading.offers)
        for position, reason in reading.unreadable:
            log.warning("card skipped", position=position, reason=reason, url=reading.url)
        saved = self.storage.save_offers(kept, seen_at=self.now(), trust_cards=self.trust_cards, dry_run=self.dry_run)
        seen = len(kept) + filtered + len(reading.unreadable)
        self.counts.update(
            pages=1,
            seen=seen,
            filtered=filtered,
            unreadable=len(reading.unreadable),
            refused=len(saved.refused),
        )
        outcomes = Counter(offer.outcome for offer in saved.saved)
        self.counts.update(outcomes)
        self.spared |= self._answered(kept, saved.saved)
        self.problems += [
            Problem(
                code=StorageRefused.code,
                message=f"offer {refused.external_id} was refused: {refused.reason}",
                hint="the others are saved; nothing to do",
            )
            for refused in saved.refused
        ]
        log.info(
            "page read" if self.dry_run else "page saved",
            url=reading.url,
            source=source.kind,
            read_by=reading.strategy,
            page=self.counts["pages"],  # the log leaves an address's query out, and all pages of a source look alike
            seen=seen,
            **{name: outcomes[name] for name in ("new", "changed", "unchanged")},
        )
        if self.dry_run:
            lacking = {offer.external_id for offer in saved.saved if offer.needs & self.wanted}
            self.lacking |= {key_of(offer) for offer in kept if offer.external_id in lacking}
        else:
            self._enqueue(saved.saved)

    def _choose(self, offers: Sequence[Offer]) -> tuple[list[Offer], int]:
        """The offers to keep, as many as there is room for, and how many were filtered on the way to them."""
        room = None if self.limit is None else self.limit - self._taken()
        kept: list[Offer] = []
        filtered = 0
        for offer in offers:
            if len(kept) == room:
                break
            # an unknown discount passes: enrichment will find it
            if offer.discount_pct is None or offer.discount_pct >= self.min_discount:
                kept.append(offer)
            else:
                filtered += 1
        return kept, filtered

    def _answered(self, cards: Sequence[Offer], saved: Sequence[SavedOffer]) -> set[OfferKey]:
        """The offers that need no product page because their own card says what it is read for, or is trusted."""
        need_none = {offer.external_id for offer in saved if not offer.needs & PAGE_FIELDS}
        return {key_of(card) for card in cards if card.external_id in need_none and self._is_answer(card)}

    def _is_answer(self, card: Offer) -> bool:
        if card.old_price_cents is None:
            return self.trust_cards
        return card.discount_pct is not None

    def _enqueue(self, saved: Sequence[SavedOffer]) -> None:
        """Queue what lacks something; a queue that does not answer costs nothing that is saved."""
        jobs = {  # one listing may show an offer twice
            offer.offer_id: EnrichmentJob(offer_id=offer.offer_id, url=offer.url, current_price_cents=offer.price_cents)
            for offer in saved
            if offer.needs & self.wanted
        }
        if self.queue is None or not jobs:
            return
        try:
            done = self.queue.enqueue(list(jobs.values()))
        except (QueueUnavailable, QueueRefused) as error:
            self.queue = None  # the pages that follow are not made to wait for it as well
            hint = f"{error.hint}; then offers enqueue-missing: the offers are saved"
            self.problems.append(replace(Problem.of(error), hint=hint))
            return
        self.counts.update(enqueued=done.enqueued, already_queued=done.already_queued)
        self.problems += problems_of_unqueued(done.refused)


def _interrupted() -> Problem:
    return Problem.of(Interrupted("interrupted; what was saved stays saved", hint="run the same command again"))
