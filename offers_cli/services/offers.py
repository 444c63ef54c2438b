"""Offers: find them, show one and where its values came from, and its prices over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal

from offers_cli.errors import Ambiguous, UsageError
from offers_cli.offer import FACTS, FLEETING, DiscountKind
from offers_cli.report import INTERNAL, Problem, Report
from offers_cli.services.fields import chosen
from offers_cli.services.lookup import find_offer
from offers_cli.storage.base import SORTS, OfferFilter, Place, PricePoint, Storage, StoredOffer

if TYPE_CHECKING:
    from offers_cli.marketplaces.base import Marketplace


@dataclass(frozen=True, slots=True, kw_only=True)
class OffersReport(Report):
    """The offers found, and how many match in all.

    Attributes:
        lowest_price_cents: the lowest price ever seen by today's payment, by the id of the offer; none for an offer
            whose price never changed.
        fields: of each offer these alone are shown; empty for all.
        stored: how many offers there are, whatever matches; known where none does.
    """

    offers: tuple[StoredOffer, ...] = ()
    total: int = 0
    lowest_price_cents: Mapping[str, int] = field(default_factory=dict)
    fields: tuple[str, ...] = field(default=(), metadata=INTERNAL)
    stored: int | None = field(default=None, metadata=INTERNAL)

    def data(self) -> dict[str, Any]:
        """The figures by key; of each offer the chosen fields, in their order."""
        offers = {"offers": chosen(self.offers, self.fields)} if self.fields else {}
        return super(OffersReport, self).data() | offers


def check_sort(sort: str) -> str:
    """The sort order; raises `UsageError` when there is no such one, naming the nearest."""
    name = sort.removeprefix("-")
    if name in SORTS:
        return sort
    near = get_close_matches(name.lower().replace("-", "_"), SORTS, n=1)
    hint = f"--sort {sort.removesuffix(name)}{near[0]}" if near else "offers list --help"
    raise UsageError(f"cannot sort by {sort!r}, only by {', '.join(SORTS)}", hint=hint)


def find_offers(wanted: OfferFilter, *, storage: Storage, fields: tuple[str, ...] = ()) -> OffersReport:
    """Find the matching offers, `wanted.limit` at the most, and the lowest price of each."""
    offers = tuple(storage.find_offers(wanted))
    total = len(offers) if wanted.limit is None or len(offers) < wanted.limit else storage.count_offers(wanted)
    return OffersReport(
        offers=offers,
        total=total,
        lowest_price_cents=storage.lowest_prices([offer.id for offer in offers]),
        fields=fields,
        stored=None if offers else storage.count_offers(OfferFilter()),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OffersPage:
    """One page of a list, and where the next one begins.

    Attributes:
        lowest_price_cents: as in `OffersReport`.
        after: the place of its last offer, where more follow; else None.
        total: how many match in all, where that is known without looking at each of them.
    """

    offers: tuple[StoredOffer, ...]
    lowest_price_cents: Mapping[str, int]
    after: Place | None
    total: int | None


def find_page(wanted: OfferFilter, *, after: Place | None = None, storage: Storage) -> OffersPage:
    """The page of matching offers behind a place, at the same cost however far it is; `wanted` has a limit.

    Raises:
        ValueError: see `Storage.find_page`.
    """
    assert wanted.limit
    found = storage.find_page(replace(wanted, limit=wanted.limit + 1), after=after)
    offers = tuple(found[: wanted.limit])
    has_more = len(found) > wanted.limit
    total = None if after or has_more else len(offers)
    if total is None and not wanted.is_by_value and wanted.since is None:
        total = storage.count_offers(wanted)
    return OffersPage(
        offers=offers,
        lowest_price_cents=storage.lowest_prices([offer.id for offer in offers]),
        after=Place.of(offers[-1], wanted.sort) if has_more else None,
        total=total,
    )


SHOP_COLUMNS = (
    "title",
    "url",
    "image_url",
    "currency",
    "price_cents",
    "old_price_cents",
    "suspect_old_price_cents",
    "discount_pct",
    "price_condition",
    "card_price_cents",
    "discount_kind",
    "commission_pct",
    "affiliate_link",
    "affiliation_id",
    "item_id",
    "catalogue_id",
)
"""The columns whose values come from a listing, a product page or the affiliate programme; the others are ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowReport(Report):
    """One offer, and the origin of each of its `SHOP_COLUMNS` and of each fact; None where it has no value.

    Attributes:
        candidates: the offers that were named, where they are several; then there is no `offer`.
    """

    offer: StoredOffer | None = None
    origins: Mapping[str, str | None] = field(default_factory=dict)
    candidates: tuple[StoredOffer, ...] = ()


def _origin_of(offer: StoredOffer, column: str) -> str | None:
    """Where that value came from: ``product page: <strategy>``, ``affiliate programme`` or ``listing: <source>``.

    A lasting fact of the page that a listing showed later may be either's, and is said to be.
    """
    value = getattr(offer.facts if column in FACTS else offer, column)
    if value is None:
        return None
    strategy, listing = offer.strategies.get(column), f"listing: {offer.source}"
    if column in FACTS and offer.enriched_at and offer.enriched_at < offer.last_seen_at:
        return f"product page: {strategy}, or {listing}" if strategy and column not in FLEETING else listing
    if strategy:
        return f"product page: {strategy}"
    if column in ("affiliate_link", "affiliation_id") and offer.affiliate_checked_at:
        return "affiliate programme"
    return "product page" if column == "suspect_old_price_cents" else listing


def show(name: str, *, storage: Storage, marketplaces: Sequence[Marketplace]) -> ShowReport:
    """Find one offer by whatever it is called, see `lookup`; raises `NotFound`.

    Of several offers of that name none is shown, but all are named.
    """
    try:
        offer = find_offer(name, storage=storage, marketplaces=marketplaces)
    except Ambiguous as error:
        return ShowReport(candidates=error.candidates, problems=(Problem.of(error),))
    return ShowReport(offer=offer, origins={column: _origin_of(offer, column) for column in (*SHOP_COLUMNS, *FACTS)})


OldPriceVerdict = Literal["not_advertised", "card_price", "charged", "more_charged", "not_seen"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OldPrice:
    """Whether the old price that the shop advertises was ever charged, as far as we watched.

    Attributes:
        verdict: ``card_price``: it is what a card pays today, no former price · ``charged``: that very price was seen ·
            ``more_charged``: a higher one was · ``not_seen``: neither, in `watched_days` ·
            ``not_advertised``: there is no old price to judge.
        seen_at: when the price that the verdict speaks of was last observed to begin.
        highest_price_cents: the highest price observed of those that compare.
        watched_days: since the first of those.
    """

    verdict: OldPriceVerdict
    advertised_cents: int | None
    seen_at: datetime | None
    highest_price_cents: int | None
    watched_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryReport(Report):
    """The prices of one offer, oldest first; each held until the next was observed.

    Like is compared with like: prices of the condition that today's has. What is by Pix alone is no low of a price that
    every payment has, and one whose condition nobody knows is none of either.

    Attributes:
        lowest: the lowest price ever of today's condition, when it was last observed.
        lowest_in_days: the lowest one in force during the last `days`.
        above_lowest_cents: how much more than the lowest price ever the offer costs now.
        lowest_otherwise: the lowest price ever of each other condition, the lowest first.
        now: when this was asked; the last price is shown to hold until then.
    """

    offer: StoredOffer
    days: int
    points: tuple[PricePoint, ...]
    lowest: PricePoint | None
    lowest_in_days: PricePoint | None
    above_lowest_cents: int | None
    old_price: OldPrice
    lowest_otherwise: tuple[PricePoint, ...]
    now: datetime = field(metadata=INTERNAL)


def history(
    name: str, *, days: int, storage: Storage, marketplaces: Sequence[Marketplace], now: datetime
) -> HistoryReport:
    """Read the price history of one offer, by whatever it is called; raises `NotFound`, `Ambiguous`."""
    offer = find_offer(name, storage=storage, marketplaces=marketplaces)
    points = tuple(storage.price_history(offer.id))
    alike = _alike(offer, points)
    lowest = _lowest(alike)
    others = {point.price_condition for point in points} - {offer.price_condition}
    otherwise = [_lowest([point for point in points if point.price_condition == each]) for each in others]
    return HistoryReport(
        offer=offer,
        days=days,
        now=now,
        points=points,
        lowest=lowest,
        above_lowest_cents=offer.price_cents - lowest.price_cents if lowest else None,
        lowest_in_days=_lowest(_alike(offer, in_force_since(now - timedelta(days=days), points))),
        lowest_otherwise=tuple(sorted(filter(None, otherwise), key=lambda point: point.price_cents)),
        old_price=judge_old_price(offer, points, now=now),
    )


def in_force_since(start: datetime, points: Sequence[PricePoint]) -> Sequence[PricePoint]:
    """The prices that held at some time since `start`: those observed since, and the one that held at `start`."""
    first = next((i for i, point in enumerate(points) if point.observed_at > start), len(points))
    return points[max(0, first - 1) :]


def _alike(offer: StoredOffer, points: Sequence[PricePoint]) -> list[PricePoint]:
    """The prices that hold by the same payment as the offer's own."""
    return [point for point in points if point.price_condition == offer.price_condition]


def _lowest(points: Sequence[PricePoint]) -> PricePoint | None:
    return min(reversed(points), key=lambda point: point.price_cents, default=None)


def judge_old_price(offer: StoredOffer, points: Sequence[PricePoint], *, now: datetime) -> OldPrice:
    """Compare the old price that an offer advertises with every price of its condition that was observed."""
    advertised_cents, alike = offer.old_price_cents, _alike(offer, points)
    highest = max(reversed(alike), key=lambda point: point.price_cents, default=None)
    verdict: OldPriceVerdict = "not_advertised" if advertised_cents is None else "not_seen"
    seen_at = None
    if advertised_cents is not None and offer.discount_kind is DiscountKind.PAYMENT:
        verdict = "card_price"
    elif advertised_cents is not None and highest is not None:
        charged = next((point for point in reversed(alike) if point.price_cents == advertised_cents), None)
        if charged:
            verdict, seen_at = "charged", charged.observed_at
        elif highest.price_cents > advertised_cents:
            verdict, seen_at = "more_charged", highest.observed_at
    return OldPrice(
        verdict=verdict,
        advertised_cents=advertised_cents,
        seen_at=seen_at,
        highest_price_cents=highest.price_cents if highest else None,
        watched_days=(now - alike[0].observed_at).days if alike else 0,
    )
