"""Drift: what is remembered of each page that was read, and of each that has changed beyond reading."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable

from offers_cli.drift.detect import DriftWarning, Tally, observe
from offers_cli.errors import OffersError
from offers_cli.log import get_log
from offers_cli.marketplaces.base import ListingReading, ProductReading

PRODUCT_FIELDS = ("title", "price_cents", "old_price_cents", "discount_pct")
CARD_FIELDS = ("title", "price_cents", "old_price_cents", "discount_pct", "item_id", "image_url")

JUDGED_EVERY = 10
"""Pages after which it is asked again whether something has changed."""

log = get_log("enrichment")


class DriftWatch:
    """Gathers what pages told and writes it in groups; thread-safe. Losing it never fails what it watches.

    Args:
        record: writes the tallies of one source.
        read_warnings: tells what is no longer found as it was; each warning is logged once.
    """

    def __init__(
        self,
        record: Callable[[str, Iterable[Tally]], None],
        read_warnings: Callable[[], Iterable[DriftWarning]] = tuple,
    ) -> None:
        self._record = record
        self._read_warnings = read_warnings
        self._unjudged = 0
        self._told: set[tuple[str, str]] = set()
        self._lock = threading.Lock()
        self._seen: dict[str, list[Tally]] = {}

    def saw_product(self, reading: ProductReading) -> None:
        """A product page was read."""
        winners = reading.winners
        wins = {name: {winners[name]: 1} for name in PRODUCT_FIELDS if name in winners}
        self._add(f"{reading.marketplace} product", observe(1, wins))

    def saw_listing(self, reading: ListingReading, kind: str) -> None:
        """A listing was read; every card counts."""
        found = Counter(name for offer in reading.offers for name in CARD_FIELDS if getattr(offer, name) is not None)
        wins = {name: {reading.strategy: count} for name, count in found.items()}
        cards = len(reading.offers) + len(reading.unreadable)
        self._add(f"{reading.marketplace} {kind}", observe(cards, wins))

    def saw_changed(self, marketplace: str, kind: str) -> None:
        """A page of that kind could not be read any more."""
        self._add(f"{marketplace} {kind}", observe(1, {}))

    def flush(self) -> None:
        """Write what was gathered."""
        with self._lock:
            seen, self._seen = self._seen, {}
        try:
            for source, tallies in seen.items():
                self._record(source, tallies)
                self._unjudged += len(tallies)
            if self._unjudged >= JUDGED_EVERY:
                self._unjudged = 0
                self._warn()
        except OffersError as error:
            log.warning("what the pages told is not remembered", reason=error.message)

    def _warn(self) -> None:
        for warning in self._read_warnings():
            if (warning.source, warning.field) not in self._told:
                self._told.add((warning.source, warning.field))
                log.warning("the pages have changed", source=warning.source, field=warning.field, seen=warning.message)

    def _add(self, source: str, tally: Tally) -> None:
        with self._lock:
            self._seen.setdefault(source, []).append(tally)
