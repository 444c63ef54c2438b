"""A scrape without a network: listings from memory, a queue that remembers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from drift_fakes import DriftMemory
from storage.cases import card

from offers_cli.drift.watch import DriftWatch
from offers_cli.errors import OffersError
from offers_cli.marketplaces.base import ListingReading
from offers_cli.offer import Offer
from offers_cli.queue.enqueue import EnqueueReport
from offers_cli.queue.job import EnrichmentJob
from offers_cli.services.scrape import Scraper
from offers_cli.services.sources import Source
from offers_cli.storage.base import Missing, Storage

PAGE_FIELDS = frozenset({Missing.OLD_PRICE, Missing.DISCOUNT})
OFERTAS = Source("ofertas", "ofertas")


class Shop:
    """Listings of `per_page` offers each; `troubles` are raised, once each, instead of the page of that number."""

    name = "mercado_livre"

    def __init__(self, pages: int, per_page: int = 8, **troubles: OffersError) -> None:
        self.page_count = pages
        self.per_page = per_page
        self.troubles = {int(name.removeprefix("page")): error for name, error in troubles.items()}

    def load_listing(
        self, source: Source, address: str | None, read: Callable[[str, str], ListingReading]
    ) -> ListingReading:
        page = int(address.rpartition("=")[2]) if address else 1
        if page in self.troubles:
            raise self.troubles.pop(page)
        return read(str(page), f"https://shop.test/{source.label}?page={page}")

    def marketplace_of(self, _text: str, _url: str) -> Shop:
        return self

    def read_listing(self, text: str, url: str, *, source: str) -> ListingReading:  # noqa: ARG002
        page, base = int(text), url.rpartition("=")[0]
        return ListingReading(
            marketplace=self.name,
            url=url,
            currency="BRL",
            offers=tuple(self.offers(page)),
            next_page=f"{base}={page + 1}" if page < self.page_count else None,
            strategy="state",
        )

    def offers(self, page: int) -> Iterator[Offer]:
        for number in range(self.per_page):
            yield card((page - 1) * self.per_page + number)


@dataclass
class Queue:
    """Remembers what was queued; an offer is queued once."""

    error: OffersError | None = None
    jobs: dict[str, EnrichmentJob] = field(default_factory=dict)

    def enqueue(self, jobs: Sequence[EnrichmentJob], /) -> EnqueueReport:
        if self.error:
            raise self.error
        fresh = {job.offer_id: job for job in jobs if job.offer_id not in self.jobs}
        self.jobs |= fresh
        return EnqueueReport(enqueued=len(fresh), already_queued=len(jobs) - len(fresh))


def ticking() -> Callable[[], datetime]:
    """A clock that goes on by a second at each look."""
    moments = (datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=second) for second in range(1_000_000))
    return lambda: next(moments)


def scraper(storage: Storage, shop: Shop, queue: Queue | None = None, **options: Any) -> Scraper:
    def no_hub(_read: Callable[[str, str], ListingReading]) -> Iterator[ListingReading]:
        raise AssertionError

    values: dict[str, Any] = {
        "storage": storage,
        "queue": Queue() if queue is None else queue,
        "pages": shop,
        "read_hub": no_hub,
        "wanted": PAGE_FIELDS,
        "drift": DriftWatch(DriftMemory()),
        "now": ticking(),
        "max_pages": shop.page_count,
    }
    return Scraper(**{**values, **options})
