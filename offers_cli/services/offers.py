"""Offers: find them, show one and where its values came from, and its prices over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from offers_cli.errors import NotFound, UsageError
from offers_cli.report import Problem
from offers_cli.storage.base import SORTS, OfferFilter, PricePoint, Storage, StoredOffer
from offers_cli.times import iso_utc


@dataclass(frozen=True, slots=True, kw_only=True)
class OffersReport:
    """The offers found, and how many match in all."""

    offers: tuple[StoredOffer, ...] = ()
    total: int = 0
    problems: tuple[Problem, ...] = ()

    def data(self) -> dict[str, Any]:
        return {"offers": [offer_row(offer) for offer in self.offers], "total": self.total}


def check_sort(sort: str) -> str:
    """The sort order; raises `UsageError` when there is no such one."""
    if sort.removeprefix("-") not in SORTS:
        raise UsageError(f"cannot sort by {sort!r}", hint="--sort " + ", ".join(SORTS))
    return sort


def offer_row(offer: StoredOffer) -> dict[str, Any]:
    """All columns of one offer, times as ISO 8601 in UTC."""
    row: dict[str, Any] = plain(asdict(offer))
    return row


def plain(value: Any) -> Any:
    """The value as JSON writes it: times as ISO 8601 in UTC, however deep they stand."""
    if isinstance(value, datetime):
        return iso_utc(value)
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value


def find_offers(wanted: OfferFilter, *, storage: Storage) -> OffersReport:
    """Find the matching offers, `wanted.limit` at the most."""
    offers = tuple(storage.find_offers(wanted))
    total = len(offers) if wanted.limit is None or len(offers) < wanted.limit else storage.count_offers(wanted)
    return OffersReport(offers=offers, total=total)


TOLD = (
    "title",
    "url",
    "image_url",
    "currency",
    "price_cents",
    "old_price_cents",
    "suspect_old_price_cents",
    "discount_pct",
    "commission_pct",
    "affiliate_link",
    "affiliation_id",
    "item_id",
    "catalogue_id",
)
"""The columns that a listing, a product page or the affiliate programme tells; the others are ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowReport:
    """One offer."""

    offer: StoredOffer
    problems: tuple[Problem, ...] = ()

    def data(self) -> dict[str, Any]:
        return {"offer": offer_row(self.offer), "origins": {name: origin_of(self.offer, name) for name in TOLD}}


def origin_of(offer: StoredOffer, column: str) -> str | None:
    """Who told that value: ``product page: <strategy>``, ``affiliate programme`` or ``listing: <source>``."""
    if getattr(offer, column) is None:
        return None
    if column in offer.strategies:
        return f"product page: {offer.strategies[column]}"
    if column in ("affiliate_link", "affiliation_id") and offer.affiliate_checked_at:
        return "affiliate programme"
    return "product page" if column == "suspect_old_price_cents" else f"listing: {offer.source}"


def show(id_or_external_id: str, *, storage: Storage) -> ShowReport:
    """Find one offer by its id or the marketplace's id; raises `NotFound`."""
    return ShowReport(offer=get_offer(id_or_external_id, storage=storage))


def get_offer(id_or_external_id: str, *, storage: Storage) -> StoredOffer:
    """The offer with that id or external id.

    Raises:
        NotFound: there is none; the hint names the offer that may have been meant.
    """
    offer = storage.find_offer(id_or_external_id)
    if offer is None:
        near = _find_near(id_or_external_id, storage)
        hint = f"offers show {near.external_id}" if near else "offers list --search WORDS"
        raise NotFound(f"{id_or_external_id}: no such offer", hint=hint)
    return offer


def _find_near(text: str, storage: Storage) -> StoredOffer | None:
    """The offer that a mistyped id may mean: written with a dash or in small letters, or words of a title."""
    if not text.strip():
        return None
    written = storage.find_offer(text.strip().replace("-", "").upper())
    titled = OfferFilter(search=text, limit=1)
    return written or next(iter(storage.find_offers(titled)), None)


Verdict = Literal["not_advertised", "charged", "more_charged", "not_seen"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OldPrice:
    """Whether the old price that the shop advertises was ever charged, as far as we watched.

    Attributes:
        verdict: ``charged``: that very price was seen · ``more_charged``: a higher one was ·
            ``not_seen``: neither, in `watched_days` · ``not_advertised``: there is no old price to judge.
        seen_at: when the price that the verdict speaks of was last observed to begin.
        highest_price_cents: the highest price ever observed.
    """

    verdict: Verdict
    advertised_cents: int | None
    seen_at: datetime | None
    highest_price_cents: int | None
    watched_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryReport:
    """The prices of one offer, oldest first; each held until the next was observed.

    Attributes:
        lowest: the lowest price ever, when it was last observed.
        lowest_in_days: the lowest price in force during the last `days`.
        now: when this was asked; the last price is shown to hold until then.
    """

    offer: StoredOffer
    days: int
    now: datetime
    points: tuple[PricePoint, ...]
    lowest: PricePoint | None
    lowest_in_days: PricePoint | None
    old_price: OldPrice
    problems: tuple[Problem, ...] = ()

    @property
    def above_lowest_cents(self) -> int | None:
        """How much more than the lowest price ever the offer costs now; 0 when it never was cheaper."""
        return self.offer.price_cents - self.lowest.price_cents if self.lowest else None

    def data(self) -> dict[str, Any]:
        return {
            "offer": offer_row(self.offer),
            "days": self.days,
            "points": [plain(asdict(point)) for point in self.points],
            "lowest": self.lowest and plain(asdict(self.lowest)),
            "lowest_in_days": self.lowest_in_days and plain(asdict(self.lowest_in_days)),
            "above_lowest_cents": self.above_lowest_cents,
            "old_price": plain(asdict(self.old_price)),
        }


def history(id_or_external_id: str, *, days: int, storage: Storage, now: datetime) -> HistoryReport:
    """Read the price history of one offer; raises `NotFound`."""
    offer = get_offer(id_or_external_id, storage=storage)
    points = tuple(storage.price_history(offer.id))
    return HistoryReport(
        offer=offer,
        days=days,
        now=now,
        points=points,
        lowest=_lowest(points),
        lowest_in_days=_lowest(in_force_since(now - timedelta(days=days), points)),
        old_price=judge_old_price(offer.old_price_cents, points, now=now),
    )


def in_force_since(start: datetime, points: Sequence[PricePoint]) -> Sequence[PricePoint]:
    """The prices that held at some time since `start`: those observed since, and the one that held at `start`."""
    first = next((i for i, point in enumerate(points) if point.observed_at > start), len(points))
    return points[max(0, first - 1) :]


def _lowest(points: Sequence[PricePoint]) -> PricePoint | None:
    return min(reversed(points), key=lambda point: point.price_cents, default=None)


def judge_old_price(advertised_cents: int | None, points: Sequence[PricePoint], *, now: datetime) -> OldPrice:
    """Compare the advertised old price with every price that was observed."""
    highest = max(reversed(points), key=lambda point: point.price_cents, default=None)
    verdict: Verdict = "not_advertised" if advertised_cents is None else "not_seen"
    seen_at = None
    if advertised_cents is not None and highest is not None:
        charged = next((point for point in reversed(points) if point.price_cents == advertised_cents), None)
        if charged:
            verdict, seen_at = "charged", charged.observed_at
        elif highest.price_cents > advertised_cents:
            verdict, seen_at = "more_charged", highest.observed_at
    return OldPrice(
        verdict=verdict,
        advertised_cents=advertised_cents,
        seen_at=seen_at,
        highest_price_cents=highest.price_cents if highest else None,
        watched_days=(now - points[0].observed_at).days if points else 0,
    )
