"""Ingest: pages that the operator's own browser saved. They are read as a worker reads its pages; nothing is fetched.

A product page is news of its offer, as of the moment when it was saved; a listing's cards are saved as a scrape's are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from offers_cli.errors import (
    Interrupted,
    NotFound,
    OfferGone,
    OffersError,
    PageBlocked,
    PageChanged,
    PageError,
    QueueRefused,
    QueueUnavailable,
    StorageRefused,
    StorageUnavailable,
)
from offers_cli.fetch.response import Page
from offers_cli.fetch.snapshots import Snapshots
from offers_cli.log import get_log, without_query
from offers_cli.marketplaces.base import ListingReading, Marketplace, ProductReading
from offers_cli.offer import EnrichmentFailure
from offers_cli.report import Problem, Report
from offers_cli.services.page_offers import OfferRefused, PageOffers, find_shown, offer_of_page
from offers_cli.services.saved_pages import Found, SavedPage, Unreadable
from offers_cli.storage.base import Storage
from offers_cli.text import printable

SOURCE = "ingest"

log = get_log("scrape")


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestReport(Report):
    """`pages = added + enriched + known + refused + listings + ignored`; the other figures are of listings' cards.

    Attributes:
        known: product pages that are older than what is stored of their offer.
        ignored: pages that a browser recorded on its way: of hosts that are not listed, and without any product.
    """

    added: int = 0
    enriched: int = 0
    known: int = 0
    refused: int = 0
    pages: int = 0
    listings: int = 0
    ignored: int = 0
    seen: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    filtered: int = 0
    unreadable: int = 0
    enqueued: int = 0
    already_queued: int = 0


@dataclass(slots=True, kw_only=True)
class Ingester:
    """Everything that taking in saved pages needs, and its running figures.

    Attributes:
        is_listed: whether an address is of a shop that may be fetched; others' recorded pages are left alone.
        forget_failed: takes the failed jobs of these offers away, for what they were for is done.
        add: save the offers of product pages that are not stored yet.
        on_page: is given the figures so far.
    """

    storage: Storage
    offers: PageOffers
    snapshots: Snapshots
    marketplace_for: Callable[[str], Marketplace]
    is_listed: Callable[[str], bool]
    forget_failed: Callable[[Collection[str]], object]
    now: Callable[[], datetime]
    add: bool = False
    min_discount: int = 0
    on_page: Callable[[IngestReport], None] = lambda _report: None
    counts: Counter[str] = field(default_factory=Counter, init=False)
    refusals: list[Problem] = field(default_factory=list, init=False)
    mended: set[str] = field(default_factory=set, init=False)

    @property
    def report(self) -> IngestReport:
        """The figures so far."""
        is_anything_done = any(self.counts[name] for name in ("added", "enriched", "known", "listings"))
        refusals = [replace(each, exit_code=1) if is_anything_done else each for each in self.refusals]
        return IngestReport(
            **self.counts,
            enqueued=self.offers.enqueued,
            already_queued=self.offers.already_queued,
            problems=(*refusals, *self.offers.problems),
        )

    def ingest(self, pages: Iterable[Found]) -> IngestReport:
        """Take in every page, in order; what cannot be read is refused and the rest goes on."""
        stopped_by: list[Problem] = []
        try:
            for page in pages:
                self._take(page)
                self.on_page(self.report)
        except (StorageUnavailable, StorageRefused) as error:
            stopped_by = [replace(Problem.of(error), hint=f"{error.hint}; then the same command again goes on")]
        except KeyboardInterrupt:
            stopped_by = [Problem.of(Interrupted("interrupted; what was saved stays saved"))]
        try:
            self.forget_failed(self.mended)
        except (QueueUnavailable, QueueRefused) as error:
            log.warning("failed jobs of enriched offers were not taken away", reason=error.message)
        report = self.report
        return replace(report, problems=(*report.problems, *stopped_by))

    def _take(self, page: Found) -> None:
        if page.url and isinstance(page, SavedPage) and page.is_recorded and not self.is_listed(page.url):
            self.counts.update(pages=1, ignored=1)
            return
        try:
            if isinstance(page, Unreadable):
                raise page.error
            outcome = self._read(page)
        except OfferRefused as error:
            self._refuse(page, error)
            outcome = "refused"
        except (StorageUnavailable, StorageRefused):
            raise
        except OffersError as error:
            self._refuse(page, error)
            outcome = "refused"
        self.counts.update(pages=1, **{outcome: 1})

    def _read(self, page: SavedPage) -> str:
        """What becomes of one page: the name of the figure that counts it.

        Raises:
            PageError, NotFound: why it is refused.
        """
        url = page.url or self.marketplace_for("").page_url(page.text) or ""
        shop = self.marketplace_for(url)
        at = min(page.saved_at or self.now(), self.now())
        kept = Page(url=url, final_url=url, status=200, body=page.text.encode(), encoding="utf-8", fetched_at=at)
        try:
            reading = shop.read(page.text, url)
        except PageError as error:
            if page.is_recorded and isinstance(error, PageChanged) and shop.locate(url) is None:
                return "ignored"
            product = error.reading if isinstance(error.reading, ProductReading) else None
            stored = find_shown(product, storage=self.storage) if product else None
            self.snapshots.keep(kept, offer_id=stored.id if stored else None, code=error.code)
            if stored and isinstance(error, OfferGone):
                failure = EnrichmentFailure.of(error, offer_id=stored.id, observed_at=at)
                self.storage.save_enrichments([], [failure])
            raise
        if isinstance(reading, ListingReading):
            self._take_listing(reading, at)
            return "listings"
        return self._take_product(reading, shop, kept)

    def _take_product(self, product: ProductReading, shop: Marketplace, page: Page) -> str:
        stored = find_shown(product, storage=self.storage)
        if stored is None:
            if not self.add:
                name = product.external_id or "its product"
                raise NotFound(f"no offer {name} is stored", hint="offers ingest --add saves it")
            offer = offer_of_page(product, shop, url=page.url, source=SOURCE)
            self.offers.enqueue([self.offers.save_new(offer, product, observed_at=page.fetched_at)])
            return "added"
        try:
            shop.check_same_product(stored.url, product)
            written = self.offers.enrich(stored.id, product, observed_at=page.fetched_at)
        except PageError as error:
            self.snapshots.keep(page, offer_id=stored.id, code=error.code)
            raise
        self.snapshots.keep(page, offer_id=stored.id, code=None)
        log.info("read", offer_id=stored.id, url=stored.url, price_cents=product.price_cents, written=written)
        if written == "superseded":
            return "known"
        self.mended.add(stored.id)
        return "enriched"

    def _take_listing(self, listing: ListingReading, at: datetime) -> None:
        # an unknown discount passes: enrichment will find it
        kept = [each for each in listing.offers if each.discount_pct is None or each.discount_pct >= self.min_discount]
        saved = self.storage.save_offers(kept, seen_at=at)
        self.counts.update(
            seen=len(listing.offers) + len(listing.unreadable),
            filtered=len(listing.offers) - len(kept),
            unreadable=len(listing.unreadable) + len(saved.refused),
        )
        self.counts.update(offer.outcome for offer in saved.saved)
        self.offers.enqueue_saved(saved.saved)
        log.info("page saved", url=listing.url, source=SOURCE, read_by=listing.strategy, seen=len(listing.offers))

    def _refuse(self, page: Found, error: OffersError) -> None:
        where = page.name + (f", {without_query(page.url)}" if page.url else "")
        is_site = isinstance(error, PageBlocked | PageChanged)
        problem = replace(Problem.of(error), message=f"{printable(where)}: {error.message}")
        self.refusals.append(problem if is_site else replace(problem, exit_code=1))
