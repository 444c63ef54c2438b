"""History: an offer's prices over time, the lowest, and whether the advertised old price was ever charged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from offers_cli.report import Problem
from offers_cli.services.find_offers import offer_row, plain
from offers_cli.services.show import get_offer
from offers_cli.storage.base import PricePoint, Storage, StoredOffer

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
