"""What every storage promises. One conformance suite proves it for each of them.

An offer **needs enrichment** for a wanted field when that field is null, the offer is active, and the field was not
looked for since the price last changed (old price and discount: `enriched_at`; link: `affiliate_checked_at`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import Any, Literal, NamedTuple, Protocol, Self

from offers_cli.offer import (
    FACTS,
    DiscountKind,
    Enrichment,
    EnrichmentFailure,
    EnrichmentReport,
    Facts,
    Offer,
    PriceCondition,
)
from offers_cli.report import INTERNAL, Report, plain
from offers_cli.times import iso_utc

MOST_NAMESAKES = 50
"""Offers that one name is looked up to mean; a person reads no longer list."""
SORTS = (
    *("last_seen", "first_seen", "price_changed"),
    *("discount", "price", "title", "commission", "rating", "reviews", "sold"),
)


_ACCENTS = re.compile("[\u0300-\u036f]+")


def searchable(text: str) -> str:
    """The text without case and accents, for searching and sorting; a sigma is one letter wherever it stands."""
    if text.isascii():  # has neither accents nor a sigma
        return text.lower()
    lower = unicodedata.normalize("NFKD", text).lower().replace("\u03c2", "\u03c3")
    return _ACCENTS.sub("", lower)


def check_limit(limit: int) -> int:
    """The limit; raises `ValueError` unless it is a whole number of at least 0."""
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 0:
        raise ValueError(f"limit is not a number of offers: {limit!r}")
    return limit


class Missing(StrEnum):
    """A field that enrichment can fill."""

    OLD_PRICE = "old-price"
    DISCOUNT = "discount"
    AFFILIATE_LINK = "affiliate-link"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredOffer:
    """One row of `offers`; each field is a column. Times are UTC-aware.

    Fields with a default are filled after the first sight of an offer.
    """

    id: str
    marketplace: str
    external_id: str
    title: str
    url: str
    image_url: str | None
    currency: str
    price_cents: int
    old_price_cents: int | None
    suspect_old_price_cents: int | None = None
    discount_pct: int | None
    price_condition: PriceCondition | None = None
    card_price_cents: int | None = None
    discount_kind: DiscountKind | None = None
    listing_price_cents: int | None = None
    """The last price that a listing showed, whatever its product page says."""
    listing_word: dict[str, int | str] = field(default_factory=dict, metadata=INTERNAL)
    """What a listing last showed with that price (see `rules.ShownPrices`): saying it again is no news."""
    commission_pct: int | None
    affiliate_link: str | None
    affiliation_id: str | None
    source: str
    status: Literal["active", "gone"]
    first_seen_at: datetime
    last_seen_at: datetime
    price_changed_at: datetime
    enriched_at: datetime | None = None
    affiliate_checked_at: datetime | None = None
    enrich_attempts: int = 0
    enrich_error: str | None = None
    item_id: str | None
    catalogue_id: str | None
    facts: Facts = field(default_factory=Facts)
    strategies: dict[str, str] = field(default_factory=dict)
    """Which strategy found each field at the last enrichment; empty before, and when a listing changed the price."""
    enrich_attempted_at: datetime | None = None
    """When the last recorded attempt was claimed; orders the offers that were tried before."""
    enrich_error_message: str | None = None
    """What the failure code in `enrich_error` was about; both are null when the last attempt succeeded."""


@dataclass(frozen=True, slots=True)
class NeedingOffer:
    """An offer that needs enrichment, with no more of it than its job holds."""

    id: str
    url: str
    price_cents: int


OfferKey = tuple[str, str]
"""What an offer is known by: the marketplace, and its id there."""


def key_of(offer: Offer | StoredOffer) -> OfferKey:
    """The offer's key, which no other offer has."""
    return offer.marketplace, offer.external_id


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedOffer:
    """What became of one offer in `save_offers`, in the order given."""

    offer_id: str
    external_id: str
    url: str
    price_cents: int
    outcome: Literal["new", "changed", "unchanged"]
    needs: frozenset[Missing]
    """The fields it needs enrichment for, after saving."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedOffer:
    """An offer the storage refused; the rest of its batch is saved."""

    external_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveReport:
    """What `save_offers` did."""

    saved: tuple[SavedOffer, ...]
    refused: tuple[RefusedOffer, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferCounts:
    """Coverage of the catalogue, at the same cost however large it is. The missing ones are active offers.

    Attributes:
        enriched: offers whose prices a page told at least once, or a card that is trusted. One whose page could only be
            given up (a forbidden address, say) is none of them, though it counts as looked for.
    """

    total: int
    enriched: int
    gone: int
    missing_old_price: int
    missing_discount: int
    missing_affiliate_link: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PricePoint:
    """One observed change of price, old price or condition."""

    observed_at: datetime
    price_cents: int
    old_price_cents: int | None
    price_condition: PriceCondition | None = None
    card_price_cents: int | None = None
    source: str
    """``listing`` or ``product``."""


class RecordedPrice(NamedTuple):
    """A `PricePoint` for figures over very many: `observed_s` in seconds since 1970, the condition as text."""

    observed_s: float
    price_cents: int
    price_condition: str | None
    card_price_cents: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferFilter:
    """Which offers `find_offers` returns.

    What an offer does not say does not match.

    Attributes:
        search: words that must all stand in the title, case and accents ignored as far as the storage can.
        since: only offers seen at or after this time.
        changed_since: only offers whose price changed at or after this time; one seen first then counts.
        changed: only offers whose price was seen to change, or only those whose price never was; None for both.
        source: only offers that came from it: ``hub``, ``ofertas``, ``search``, ``listing``, …
        condition: only offers whose price is known to hold by that payment.
        free_shipping, official_store: only offers that say so.
        coupon: only offers that bear one.
        sort: one of `SORTS`; a leading ``-`` reverses. Offers without the value come last in both directions.
        limit: the most offers; None for all.

    Raises:
        ValueError: an unknown `sort` or `status`, a negative `limit`, a `since` without zone.
    """

    min_discount: int | None = None
    min_commission: int | None = None
    min_price_cents: int | None = None
    max_price_cents: int | None = None
    source: str | None = None
    condition: PriceCondition | None = None
    free_shipping: bool = False
    min_rating_hundredths: int | None = None
    official_store: bool = False
    coupon: bool = False
    missing: frozenset[Missing] = frozenset()
    since: datetime | None = None
    changed_since: datetime | None = None
    changed: bool | None = None
    search: str | None = None
    status: Literal["active", "gone"] | None = None
    sort: str = "-last_seen"
    limit: int | None = None

    def __post_init__(self) -> None:
        if self.sort.removeprefix("-") not in SORTS:
            raise ValueError(f"sort is none of {', '.join(SORTS)}: {self.sort!r}")
        if self.status not in {None, "active", "gone"}:
            raise ValueError(f"status is neither active nor gone: {self.status!r}")
        for moment in (self.since, self.changed_since):
            if moment is not None and moment.tzinfo is None:
                raise ValueError(f"a time without zone: {moment.isoformat()}")
        if self.limit is not None:
            check_limit(self.limit)

    @property
    def is_by_value(self) -> bool:
        """Whether it asks for more than when an offer was seen, its status and what it lacks."""
        plain = OfferFilter(
            since=self.since, status=self.status, missing=self.missing, sort=self.sort, limit=self.limit
        )
        return self != plain

    @property
    def words(self) -> list[str]:
        """The words that are searched for, each as `searchable` makes it."""
        return searchable(self.search or "").split()

    @property
    def wanted_status(self) -> Literal["active", "gone"] | None:
        """The status, which is ``active`` where only what lacks something is wanted: nobody fills a gone offer."""
        return self.status or ("active" if self.missing else None)


_SORTED_BY: Mapping[str, Callable[[StoredOffer], int | str | None]] = {
    "last_seen": lambda offer: iso_utc(offer.last_seen_at, timespec="microseconds"),
    "first_seen": lambda offer: iso_utc(offer.first_seen_at, timespec="microseconds"),
    "price_changed": lambda offer: iso_utc(offer.price_changed_at, timespec="microseconds"),
    "discount": lambda offer: offer.discount_pct,
    "price": lambda offer: offer.price_cents,
    "title": lambda offer: searchable(offer.title),
    "commission": lambda offer: offer.commission_pct,
    "rating": lambda offer: offer.facts.rating_hundredths,
    "reviews": lambda offer: offer.facts.reviews,
    "sold": lambda offer: offer.facts.sold_at_least,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an offer stands in an order: a list goes on behind it, whatever became of that offer since.

    Attributes:
        value: what is sorted by: a number, a time as `iso_utc` writes it to the microsecond, or a title as `searchable`
            makes it; None for an offer that has none.
    """

    value: int | str | None
    external_id: str
    id: str

    @classmethod
    def of(cls, offer: StoredOffer, sort: str) -> Self:
        """The place of an offer in one of `SORTS`."""
        value = _SORTED_BY[sort.removeprefix("-")](offer)
        return cls(value=value, external_id=offer.external_id, id=offer.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScrapeRun:
    """One row of `scrape_runs`.

    Attributes:
        status: ``running`` also when its process was killed, for nobody was left to say so.
        alive_at: its last sign of life; the counts are those of that moment.
        process: which process runs it, as that process names itself (`offers_cli.queue.registration.ProcessId`).
        schedule_entry: the name of the entry of the schedule that began it; None where a person or another program did.
    """

    id: str
    source: str
    status: Literal["running", "done", "failed", "interrupted"]
    started_at: datetime
    finished_at: datetime | None = None
    pages: int = 0
    seen: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    filtered: int = 0
    enqueued: int = 0
    error: str | None = None
    alive_at: datetime | None = None
    process: str | None = None
    schedule_entry: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneReport(Report):
    """How many rows `prune` removed, or would remove; the prices of dropped offers are among `prices`.

    Attributes:
        before: what is older than this moment.
        freed_bytes: by how much the SQLite file became smaller; None where no space was to be returned.
    """

    before: datetime
    dry_run: bool = False
    prices: int = 0
    offers: int = 0
    runs: int = 0
    freed_bytes: int | None = None

    def plus(self, *, prices: int = 0, offers: int = 0, runs: int = 0) -> PruneReport:
        """The same with more rows removed."""
        return replace(self, prices=self.prices + prices, offers=self.offers + offers, runs=self.runs + runs)


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlRepair:
    """What is to become of an offer whose address no offer may have.

    Attributes:
        url: the address that it has.
        new_url: the one that it is to have; None where the offer is to be removed, with its prices.
    """

    offer_id: str
    url: str
    new_url: str | None


@dataclass(frozen=True, slots=True)
class OfferBatch:
    """Some whole offers on their way from one storage to another, ordered by id, and the history of each."""

    offers: Sequence[StoredOffer]
    history: Mapping[str, Sequence[PricePoint]] = field(default_factory=dict)


Columns = Mapping[str, Sequence[Any]]
"""Some offers in columns: by the name of a field, or of a fact, what each of them says there, as `report.plain` writes
it."""
COLUMNS_AT_ONCE = 1_000
"""Offers in columns at once, at the most."""


def columns_of(offers: Iterable[StoredOffer], names: Sequence[str]) -> Iterator[Columns]:
    """These fields of the offers, in columns."""
    waiting = iter(offers)
    while some := list(islice(waiting, COLUMNS_AT_ONCE)):
        yield {name: [plain(value_of(offer, name)) for offer in some] for name in names}


def value_of(offer: StoredOffer, name: str) -> object:
    """What the offer says in that field, or of that fact; None where it says nothing."""
    return getattr(offer.facts if name in FACTS else offer, name)


class Storage(Protocol):
    """The offers, their prices over time, and the scrape runs. Thread-safe; every write is one transaction.

    Raises (every method): `StorageUnavailable` when it does not answer, is locked or full; `StorageRefused` when
    it answers no (wrong key, read-only, schema missing or of another version) or was closed; `ValueError` for an
    argument that means nothing: a time without zone, a negative limit.
    """

    def save_offers(
        self, offers: Sequence[Offer], *, seen_at: datetime, trust_cards: bool = False, dry_run: bool = False
    ) -> SaveReport:
        """Insert or update a page of offers; with `dry_run` say what would be done and leave nothing behind.

        The same offer twice in one call: the first card's values count, the second is ``unchanged``.
        A card that shows what listings last showed leaves the prices as they are. Else another price resets all that
        stands beside it to what the card shows, sets `price_changed_at` and adds one history row; with the same price
        a card that lacks something erases nothing, and another old price or condition adds a row.
        A gone offer that is seen is active again.

        Args:
            trust_cards: a card without a struck price is an answer: its page counts as looked at when it was seen.
        """
        ...

    def offers_needing_enrichment(
        self, *, limit: int, missing: frozenset[Missing], recheck_before: datetime | None = None
    ) -> list[StoredOffer]:
        """Active offers that need one of the `missing` fields, never tried first, oldest first, stable; none of none.

        `recheck_before`: also those that were looked for, without an answer, before that time.
        Constant cost however many offers are done.
        """
        ...

    def find_needing(
        self, *, missing: frozenset[Missing], recheck_before: datetime | None = None
    ) -> Iterator[NeedingOffer]:
        """Stream all of `offers_needing_enrichment`, in that order and in constant memory, the first at once.

        What is saved meanwhile may be among them or not; an offer that is tried meanwhile may come twice.
        """
        ...

    def count_needing(self, missing: frozenset[Missing]) -> int:
        """How many active offers need one of the `missing` fields; what was looked for and is not there is no need."""
        ...

    def save_enrichments(
        self, enrichments: Sequence[Enrichment], failures: Sequence[EnrichmentFailure] = ()
    ) -> EnrichmentReport:
        """Write a group of results in one transaction, each fenced by `observed_at`; idempotent.

        `enriched_at` becomes the later of `observed_at` and `price_changed_at`. A page price that differs from the
        stored one is a price change, with history. An old price or condition first learnt, or changed, adds a row too.
        """
        ...

    def repair_urls(self, repairs: Sequence[UrlRepair]) -> frozenset[str]:
        """Give offers another address, or remove them; returns the ids of those that are then as their repair says.

        An offer that has another address than the repair says is left alone. One that was recorded as failed for its
        address (``forbidden_url``) needs enrichment again.
        """
        ...

    def counts(self) -> OfferCounts:
        """How many offers there are, and how many lack what."""
        ...

    def find_offers(self, wanted: OfferFilter) -> Iterator[StoredOffer]:
        """Stream the matching offers in constant memory.

        An offer that exists and matches all the while comes exactly once, whatever others save, enrich or delete
        meanwhile. The order is that of the beginning: an offer that changes later keeps its place.
        """
        ...

    def find_page(self, wanted: OfferFilter, *, after: Place | None = None) -> list[StoredOffer]:
        """The first of the matching offers that stand behind a place in their order; `limit` of them at the most.

        The next page begins behind the last offer of this one: it costs the same however far it is. An offer whose
        value changes meanwhile stands elsewhere then, and may come twice or not at all; the others come once.

        Raises:
            ValueError: there is no `limit`, or the place is none of that order.
        """
        ...

    def find_columns(self, wanted: OfferFilter, names: Sequence[str]) -> Iterator[Columns]:
        """As `find_offers`, of each offer these fields and facts alone, one or more, and for many offers at a time."""
        ...

    def count_offers(self, wanted: OfferFilter) -> int:
        """How many match, `limit` ignored; at constant cost where only status and missing fields are asked for."""
        ...

    def find_offer(self, id_or_external_id: str) -> StoredOffer | None:
        """The offer with that id or, else, that id at its marketplace; None when there is none."""
        ...

    def offers_called(
        self, *, ids: Sequence[str] = (), prefix: str = "", limit: int = MOST_NAMESAKES
    ) -> list[StoredOffer]:
        """The offers that an operator may mean, ordered by id, at constant cost.

        Args:
            ids: ids at a marketplace: of the offers themselves, of their catalogue products, of the user products that
                their addresses name.
            prefix: how the offers' own ids begin: lower-case hex digits, dashes wherever; nothing for none.
            limit: the most that each kind of id and the prefix bring.
        """
        ...

    def offers_by_id(self, ids: Sequence[str]) -> list[StoredOffer]:
        """The offers with these ids, as far as there are any, in no order: one question for a whole list."""
        ...

    def lowest_prices(self, ids: Sequence[str]) -> dict[str, int]:
        """The lowest price ever seen by today's payment, in cents, of those of these offers whose price has changed."""
        ...

    def price_history(self, offer_id: str) -> list[PricePoint]:
        """Oldest first."""
        ...

    def recorded_prices(self, ids: Sequence[str]) -> dict[str, list[RecordedPrice]]:
        """What `price_history` says of each of these offers, for figures over very many: one question for all."""
        ...

    def save_run(self, run: ScrapeRun) -> None:
        """Record a scrape (its id is a uuid) as it stands: when it begins, on its way, at its end."""
        ...

    def find_runs(self, *, limit: int = 20) -> list[ScrapeRun]:
        """Newest first."""
        ...

    def prune(
        self,
        *,
        older_than: datetime,
        dry_run: bool = False,
        on_progress: Callable[[int], None] = lambda _offers: None,
    ) -> PruneReport:
        """Thin the prices seen before `older_than`, drop the offers gone since then, and the runs begun before it.

        Of each offer's old prices each reader's lowest and last of each day (UTC) stay, those of each condition apart:
        so the prices of other days, and the latest of all, are what they were. A batch is a transaction; what is
        interrupted is gone on with.

        Args:
            dry_run: only count.
            on_progress: is given the number of offers looked at so far.
        """
        ...

    def close(self) -> None:
        """End the session; whatever is asked afterwards is refused. Twice does no harm."""
        ...
