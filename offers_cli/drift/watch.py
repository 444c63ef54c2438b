"""What pages told while they were read, gathered, kept and compared with what is usual."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING

from offers_cli.drift.detect import FieldCounts
from offers_cli.drift.store import DriftStore
from offers_cli.errors import OffersError
from offers_cli.log import get_log
from offers_cli.offer import FACTS, Offer, PageValues

if TYPE_CHECKING:
    from offers_cli.marketplaces.base import ListingReading, ProductReading

NOT_WATCHED = frozenset(
    {
        *("marketplace", "url", "currency", "source"),  # every card has them: they come from the page's address
        *("external_id", "catalogue_id"),  # which ids a product has says nothing of the page
        *("affiliate_link", "affiliation_id"),  # the programme's
        "facts",
    }
)
PRODUCT_FIELDS = (*(each.name for each in fields(PageValues) if each.name not in NOT_WATCHED), *FACTS)
CARD_FIELDS = (*(each.name for each in fields(Offer) if each.name not in NOT_WATCHED), *FACTS)
"""What is watched: every value that a page or a card is read for, and every fact."""

COMPARED_EVERY = 10
"""Pages after which they are compared with what is usual."""

WRITTEN_EVERY_S = 1.0

log = get_log("enrichment")


class DriftWatch:
    """Gathers what pages told and writes it in groups; thread-safe. Losing it never fails what it watches.

    A field that is no longer found as it was is logged once.
    """

    def __init__(self, store: DriftStore, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._written_at = clock()
        self._pages_since_compared = 0
        self._logged: set[tuple[str, str]] = set()
        self._lock = threading.Lock()
        self._seen: defaultdict[str, list[FieldCounts]] = defaultdict(list)

    def saw_product(self, reading: ProductReading) -> None:
        """A product page was read."""
        winners = reading.winners
        wins = {name: {winners[name]: 1} for name in PRODUCT_FIELDS if name in winners}
        self._saw(reading.marketplace, "product", things=1, wins=wins)

    def saw_listing(self, reading: ListingReading, kind: str) -> None:
        """A listing was read; every card counts."""
        found = Counter(name for offer in reading.offers for name in CARD_FIELDS if _value(offer, name) is not None)
        wins = {name: {reading.strategy: count} for name, count in found.items()}
        self._saw(reading.marketplace, kind, things=len(reading.offers) + len(reading.unreadable), wins=wins)

    def saw_changed(self, marketplace: str, kind: str) -> None:
        """A page of that kind could not be read any more."""
        self._saw(marketplace, kind, things=1, wins={})

    def _saw(self, marketplace: str, kind: str, *, things: int, wins: Mapping[str, Mapping[str, int]]) -> None:
        page = FieldCounts.of_page(things, wins)
        with self._lock:
            self._seen[f"{marketplace} {kind}"].append(page)

    def flush_now_and_then(self) -> None:
        """As `flush`, at most once a second: a worker ends some jobs in every few milliseconds."""
        if self._clock() - self._written_at >= WRITTEN_EVERY_S:
            self.flush()

    def flush(self) -> None:
        """Write what was gathered; what cannot be written is logged and dropped."""
        with self._lock:
            seen, self._seen = self._seen, defaultdict(list)
            self._written_at = self._clock()
        try:
            for source, pages in seen.items():
                self._store.record(source, pages)
                self._pages_since_compared += len(pages)
            if self._pages_since_compared >= COMPARED_EVERY:
                self._pages_since_compared = 0
                self._log_warnings()
        except OffersError as error:
            log.warning("page statistics were not saved", reason=error.message)

    def _log_warnings(self) -> None:
        for warning in self._store.warnings():
            if (warning.source, warning.field) not in self._logged:
                self._logged.add((warning.source, warning.field))
                log.warning("the pages have changed", source=warning.source, field=warning.field, seen=warning.message)


def _value(offer: Offer, name: str) -> object:
    return getattr(offer.facts if name in FACTS else offer, name)
