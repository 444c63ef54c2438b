"""What the recorded prices of one offer prove: how low it is, for how long that was watched, against which price."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Self

from offers_cli.offer import PriceCondition
from offers_cli.storage.base import RecordedPrice, StoredOffer

DAY_S = 86_400.0
WINDOWS_DAYS = (30, 90, 365)
REFERENCE_DAYS = 30
"""The lowest price of so many days before a reduction is the price before it: directive 98/6/EC, article 6a."""


class Spell(NamedTuple):
    """A price that held for a time.

    Attributes:
        began_s, ended_s: from and until, in seconds since 1970.
        price: as it was recorded.
        cents: what one paid by the payment that today's price asks for, where that can be compared; else None.
        is_evidence: whether it counts as watched: what is only known to speak against today's price does not.
    """

    began_s: float
    ended_s: float
    price: RecordedPrice
    cents: int | None
    is_evidence: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The comparable prices of the last days.

    Attributes:
        days: how far back it looks; None for all that was ever recorded.
        observed_days: for how many of them a comparable price is known.
        lowest_cents, median_cents: of the prices in force, the median weighted by time; None where none is known.
        at_or_below_pct: for which share of the observed time the offer cost what it costs now, or less.
    """

    days: int | None
    observed_days: int
    lowest_cents: int | None
    median_cents: int | None
    at_or_below_pct: int | None


def comparable(condition: PriceCondition | None) -> Collection[str | None]:
    """The conditions whose prices are what one pays by the payment that a price of this condition asks for.

    A price of unknown condition is no more than what every payment pays. A price for every payment is paid by Pix, too.
    """
    return (condition, None if condition == PriceCondition.ANY else PriceCondition.ANY)


def paid_cents(price: RecordedPrice | StoredOffer, condition: PriceCondition | None) -> int | None:
    """What one pays there by the payment that a price of that condition asks for; None where that is not known."""
    if price.price_condition in comparable(condition):
        return price.price_cents
    return price.card_price_cents if condition == PriceCondition.ANY else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """An offer and every recorded price of it, oldest first.

    Like is compared with like: what every payment paid before is no evidence of a reduction by Pix. Against a low by
    Pix it counts all the same, where it was no more than today's.
    """

    offer: StoredOffer
    now_s: float
    spells: Sequence[Spell]

    @classmethod
    def of(cls, offer: StoredOffer, prices: Sequence[RecordedPrice], *, now: datetime) -> Self:
        """The record of an offer. Its last price holds until it was last confirmed: nobody knows what held after."""
        now_s, condition, price_cents = now.timestamp(), offer.price_condition, offer.price_cents
        confirmed = max(offer.last_seen_at, offer.enriched_at or offer.last_seen_at)
        ended_s = min(now_s, confirmed.timestamp())
        is_any, compared, spells = condition == PriceCondition.ANY, comparable(condition), []
        for price in reversed(prices):  # as `paid_cents`, without a call for each of very many
            began_s, own_cents, own_condition, card_cents = price
            cents = own_cents if own_condition in compared else card_cents if is_any else None
            is_evidence = cents is not None and (is_any or own_condition == condition)
            if cents is not None and not is_evidence and cents > price_cents:
                cents = None
            spells.append(Spell(began_s, max(began_s, ended_s), price, cents, is_evidence))
            ended_s = began_s
        return cls(offer=offer, now_s=now_s, spells=spells[::-1])

    def since(self, days: int | None) -> list[tuple[int, float]]:
        """The comparable prices of the last days, or of all time, each with the seconds for which it held."""
        since_s = self.now_s - days * DAY_S if days else float("-inf")
        return [
            (cents, ended_s - (max(since_s, began_s)))
            for began_s, ended_s, _, cents, _ in self.spells_since(since_s)
            if cents is not None
        ]

    def spells_since(self, since_s: float) -> Sequence[Spell]:
        """The spells that ended later than that, oldest first; each ends where the next begins."""
        first = len(self.spells)
        while first and self.spells[first - 1].ended_s > since_s:
            first -= 1
        return self.spells[first:]

    def window(self, days: int | None) -> Window:
        """The figures of the last days, or of all time."""
        held = sorted(self.since(days))
        total = sum(seconds for _, seconds in held)
        below = sum(seconds for cents, seconds in held if cents <= self.offer.price_cents)
        return Window(
            days=days,
            observed_days=int(total // DAY_S),
            lowest_cents=held[0][0] if held else None,
            median_cents=_median(held, total),
            at_or_below_pct=int(100 * below // total) if total else None,
        )

    @property
    def before_cents(self) -> int | None:
        """The last other price that compares; None where there is none."""
        now_cents = self.offer.price_cents
        return next((each.cents for each in reversed(self.spells) if each.cents not in (None, now_cents)), None)

    @property
    def reference_cents(self) -> int | None:
        """The lowest price of the 30 days before the reduction that today's price is, or the last step of.

        Steps of more than 30 days ago are no news, and belong to no reduction of today. None where the price did not go
        down, where it went up last, or where nothing was recorded before.
        """
        spells = [(began_s, ended_s, cents) for began_s, ended_s, _, cents, _ in self.spells if cents is not None]
        first, later_cents, recent_s = 0, self.offer.price_cents, self.now_s - REFERENCE_DAYS * DAY_S
        for i in range(len(spells) - 1, 0, -1):
            before_cents = spells[i - 1][2]
            if spells[i][0] < recent_s or before_cents < later_cents:
                break
            if before_cents > later_cents:
                first = i
            later_cents = before_cents
        since_s = spells[first][0] - REFERENCE_DAYS * DAY_S if first else 0
        return min((cents for _, ended_s, cents in spells[:first] if ended_s > since_s), default=None)

    @property
    def evidence_s(self) -> float:
        """For how many seconds comparable prices were watched."""
        return sum(ended_s - began_s for began_s, ended_s, _, _, is_evidence in self.spells if is_evidence)

    @property
    def lowest_for_days(self) -> int:
        """The days watched since it last cost less; 0 where it never cost more since, for that is no low."""
        price_cents, watched_s, was_dearer = self.offer.price_cents, 0.0, False
        for began_s, ended_s, _, cents, is_evidence in reversed(self.spells):
            if cents is not None and cents < price_cents:
                break
            if is_evidence:
                watched_s += ended_s - began_s
                was_dearer = was_dearer or cents != price_cents
        return int(watched_s // DAY_S) if was_dearer else 0


def _median(held: Sequence[tuple[int, float]], total: float) -> int | None:
    passed = 0.0
    for cents, seconds in held:
        passed += seconds
        if 2 * passed >= total:
            return cents
    return None
