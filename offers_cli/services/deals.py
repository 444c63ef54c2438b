"""Deals: the offers that are worth showing, each judged against its own recorded prices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from offers_cli.deals.judge import YOUNG_DAYS, DealClass, Judgement, Reason, Weights, judge, reasons_of
from offers_cli.deals.record import WINDOWS_DAYS, Record, Window, paid_cents
from offers_cli.errors import UsageError
from offers_cli.report import INTERNAL, Report, plain
from offers_cli.storage.base import OfferFilter, RecordedPrice, Storage, StoredOffer

MOST_JUDGED = 1_000
"""So many offers, those whose price changed last, are judged: their histories are read whole."""
LOW_DAYS = 90
"""The window of a deal's lowest price where none is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lowest:
    """The lowest comparable price of the last `days` (None: of all time), and how many of them were watched."""

    days: int | None
    price_cents: int
    observed_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductPrices:
    """The offers of one catalogue product, whoever sells it.

    Attributes:
        sellers: offers of it that are active, this one among them.
        cheapest_id, cheapest_cents: the one that costs least now, by the same payment.
        lowest_cents: the lowest price ever recorded of any of them, by the same payment.
    """

    catalogue_id: str
    sellers: int
    cheapest_id: str
    cheapest_cents: int
    lowest_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """One offer, what is made of it, and why.

    Attributes:
        windows: the figures of 30, 90 and 365 days, and of all time.
        product: what the other sellers of the same catalogue product ask; None where there is no other.
    """

    offer: StoredOffer
    judgement: Judgement
    reasons: tuple[Reason, ...]
    lowest: Lowest
    windows: tuple[Window, ...]
    product: ProductPrices | None = None

    def data(self) -> dict[str, Any]:
        """As `plain`, with the judgement's facts beside the offer; its class under the name that people use."""
        judged = plain(self.judgement)
        del judged["points"]  # each reason has its own
        return {
            "offer": plain(self.offer),
            "class": judged.pop("kind"),
            "score": self.judgement.score,
            "reasons": plain(self.reasons),
            "lowest": plain(self.lowest),
            **judged,
            "windows": plain(self.windows),
            "product": plain(self.product),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class DealsReport(Report):
    """The deals, best first.

    Attributes:
        total: how many there are of those that were judged; `deals` may be fewer.
        judged: how many offers were: those whose price changed last, `MOST_JUDGED` at the most.
        is_cut: whether more offers matched than were judged.
    """

    offers: tuple[Deal, ...] = ()
    total: int = 0
    judged: int = 0
    is_cut: bool = field(default=False, metadata=INTERNAL)
    with_reasons: bool = field(default=False, metadata=INTERNAL)

    def data(self) -> dict[str, Any]:
        """The figures by key, as JSON writes them."""
        return super(DealsReport, self).data() | {"offers": [deal.data() for deal in self.offers]}


@dataclass(frozen=True, slots=True, kw_only=True)
class DealFilter:
    """Which of the judged offers are shown, and in which order.

    Attributes:
        least_drop_pct: only prices so much below the one before.
        lowest_for_days: only prices that were never less for so many days, all of them watched; 0 for any.
        lowest_ever: only prices that were never less since the offer is watched, for 14 days at the least.
        classes: only deals of these classes; all where there are none.
        sort: one of `DEAL_SORTS`; a leading ``-`` begins with the highest.
    """

    least_drop_pct: int | None = None
    lowest_for_days: int = 0
    lowest_ever: bool = False
    classes: frozenset[DealClass] = frozenset()
    sort: str = "-score"
    limit: int = 20


Judged = tuple[StoredOffer, Judgement]
DEAL_SORTS: Mapping[str, Callable[[StoredOffer, Judgement], int | None]] = {
    "score": lambda _, found: found.score,
    "drop": lambda _, found: found.drop_pct,
    "reduction": lambda _, found: found.reduction_pct,
    "evidence": lambda _, found: found.evidence_days,
    "price": lambda offer, _: offer.price_cents,
    "discount": lambda offer, _: offer.discount_pct,
    "commission": lambda offer, _: offer.commission_pct,
    "rating": lambda offer, _: offer.facts.rating_hundredths,
    "reviews": lambda offer, _: offer.facts.reviews,
    "sold": lambda offer, _: offer.facts.sold_at_least,
}


def check_deal_sort(sort: str) -> str:
    """The sort order; raises `UsageError` when there is no such one, naming the nearest."""
    name = sort.removeprefix("-")
    if name in DEAL_SORTS:
        return sort
    near = get_close_matches(name.lower(), DEAL_SORTS, n=1)
    hint = f"--sort {sort.removesuffix(name)}{near[0]}" if near else "offers deals --help"
    raise UsageError(f"cannot sort deals by {sort!r}, only by {', '.join(DEAL_SORTS)}", hint=hint)


def find_deals(
    matching: OfferFilter, wanted: DealFilter, *, weights: Weights, storage: Storage, now: datetime
) -> DealsReport:
    """Judge the active offers that match, those whose price changed last, and show the best of them.

    Raises:
        StorageUnavailable, StorageRefused: see `Storage`.
    """
    offers = _changed_last(replace(matching, status="active"), storage)
    prices = storage.recorded_prices([offer.id for offer in offers[:MOST_JUDGED]])

    def record_of(offer: StoredOffer) -> Record:  # which is much larger than what is found by it: none is kept
        return Record.of(offer, prices.get(offer.id, ()), now=now)

    found = ((offer, judge(record_of(offer), weights)) for offer in offers[:MOST_JUDGED])
    judged = [each for each in found if _is_shown(*each, wanted)]
    shown = _in_order(judged, wanted.sort)[: wanted.limit]
    deals = [_deal(record_of(offer), judgement, wanted) for offer, judgement in shown]
    return DealsReport(
        offers=tuple(_with_products(deals, storage=storage)),
        total=len(judged),
        judged=min(len(offers), MOST_JUDGED),
        is_cut=len(offers) > MOST_JUDGED,
    )


def _changed_last(matching: OfferFilter, storage: Storage) -> list[StoredOffer]:
    """Those whose price was seen to change, the last ones first, then the others: one more than is judged."""
    first = replace(matching, changed=True, sort="-price_changed", limit=MOST_JUDGED + 1)
    changed = list(storage.find_offers(first))
    if len(changed) > MOST_JUDGED:
        return changed
    rest = replace(matching, changed=False, sort="-first_seen", limit=MOST_JUDGED + 1 - len(changed))
    return changed + list(storage.find_offers(rest))


def _is_shown(offer: StoredOffer, found: Judgement, wanted: DealFilter) -> bool:
    """What nobody calls a deal is none: a price that neither fell nor is advertised as less than before."""
    if not (found.reduction_pct or found.drop_pct or offer.old_price_cents):
        return False
    least_days = max(YOUNG_DAYS, found.evidence_days) if wanted.lowest_ever else wanted.lowest_for_days
    return (
        found.lowest_for_days >= least_days
        and found.drop_pct >= (wanted.least_drop_pct or 0)
        and (not wanted.classes or found.kind in wanted.classes)
    )


def _in_order(judged: Sequence[Judged], sort: str) -> list[Judged]:
    """Offers without the value come last in both directions; ties by what is the same in every database."""
    value_of, sign = DEAL_SORTS[sort.removeprefix("-")], -1 if sort.startswith("-") else 1

    def place(each: Judged) -> tuple[bool, int, int, str]:
        offer, found = each
        value = value_of(offer, found)
        return value is None, sign * (value or 0), -found.score, offer.external_id

    return sorted(judged, key=place)


def _deal(record: Record, found: Judgement, wanted: DealFilter) -> Deal:
    days = None if wanted.lowest_ever else wanted.lowest_for_days or LOW_DAYS
    low = record.window(days)
    lowest = Lowest(
        days=days, price_cents=low.lowest_cents or record.offer.price_cents, observed_days=low.observed_days
    )
    windows = tuple(record.window(days) for days in (*WINDOWS_DAYS, None))
    return Deal(offer=record.offer, judgement=found, reasons=reasons_of(record, found), lowest=lowest, windows=windows)


def _with_products(deals: Sequence[Deal], *, storage: Storage) -> list[Deal]:
    """The deals, each with what other sellers of the same catalogue product ask: two questions for all of them."""
    ids = sorted({deal.offer.catalogue_id for deal in deals if deal.offer.catalogue_id})
    offers = storage.offers_called(ids=ids, limit=MOST_JUDGED) if ids else []
    prices = storage.recorded_prices([offer.id for offer in offers])
    return [replace(deal, product=_product(deal.offer, offers, prices)) for deal in deals]


def _product(
    offer: StoredOffer, offers: Sequence[StoredOffer], prices: Mapping[str, Sequence[RecordedPrice]]
) -> ProductPrices | None:
    same = [
        each
        for each in offers
        if each.catalogue_id == offer.catalogue_id is not None
        and (each.marketplace, each.currency, each.status) == (offer.marketplace, offer.currency, "active")
    ]
    asked = {each.id: cents for each in same if (cents := paid_cents(each, offer.price_condition)) is not None}
    if len(same) < 2 or not asked:
        return None
    recorded = [
        cents
        for each in same
        for price in prices.get(each.id, ())
        if (cents := paid_cents(price, offer.price_condition)) is not None
    ]
    cheapest = min(asked, key=lambda offer_id: (asked[offer_id], offer_id != offer.id, offer_id))
    return ProductPrices(
        catalogue_id=offer.catalogue_id or "",
        sellers=len(same),
        cheapest_id=cheapest,
        cheapest_cents=asked[cheapest],
        lowest_cents=min([*asked.values(), *recorded]),
    )
