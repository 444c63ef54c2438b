"""Rules: which price of which offers is worth an alert, and when one is news.

A price is news when it fell, is as low as the rule asks, and was not told of before. What is new in the catalogue is no
news: nobody knows what it cost yesterday. Prices are compared by the same payment.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from offers_cli.money import MAX_CENTS, format_cents
from offers_cli.offer import PriceCondition
from offers_cli.redis.values import as_json
from offers_cli.storage.base import OfferFilter
from offers_cli.times import iso_utc

if TYPE_CHECKING:
    from offers_cli.deals.judge import Judgement
    from offers_cli.deals.record import Record

NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?")
TOLD_DAYS = 90
"""For so long a price that was told is no news again, where the rule itself names no time."""
MOST_DAYS = 3650
LIMITS: Mapping[str, int] = {
    "min_discount": 100,
    "min_commission": 100,
    "min_price_cents": MAX_CENTS,
    "max_price_cents": MAX_CENTS,
    "min_rating_hundredths": 500,
}
"""The filters of a rule that are numbers, each with its highest."""
FLAGS = ("free_shipping", "official_store", "coupon")
TEXTS = ("search", "source", "condition")
TEXT_LIMIT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What the operator wants to hear of; one of the three conditions is given.

    Attributes:
        lowest_since_days: prices that were never less for so many days, all of them watched.
        below_cents: prices of no more than that.
        drop_pct: prices so much below the one before.
        offer_id: of one offer; None for all that match.
        matching: of which only what `LIMITS`, `FLAGS` and `TEXTS` name counts.
    """

    name: str
    lowest_since_days: int | None = None
    below_cents: int | None = None
    drop_pct: int | None = None
    offer_id: str | None = None
    matching: OfferFilter = field(default_factory=OfferFilter)
    added_at: datetime

    @property
    def filters(self) -> dict[str, Any]:
        """What it asks of the offers, by name; nothing where all will do."""
        values = {name: getattr(self.matching, name) for name in (*LIMITS, *FLAGS, *TEXTS)}
        return {name: value for name, value in values.items() if value not in (None, False)}

    def encode(self) -> str:
        """The text that Redis keeps; the name stands beside it."""
        facts = {name: getattr(self, name) for name in ("lowest_since_days", "below_cents", "drop_pct", "offer_id")}
        return json.dumps(facts | {"filters": self.filters, "added_at": iso_utc(self.added_at)})

    @classmethod
    def decode(cls, name: str, text: bytes) -> Self | None:
        """Read what `encode` wrote; None for whatever it cannot have written."""
        match as_json(text):
            case {
                "lowest_since_days": days,
                "below_cents": cents,
                "drop_pct": pct,
                "offer_id": None | str() as offer_id,
                "filters": dict(filters),
                "added_at": str(added_at),
            }:
                pass
            case _:
                return None
        conditions = ((days, MOST_DAYS), (cents, MAX_CENTS), (pct, 99))
        asked = [(value, most) for value, most in conditions if value is not None]
        if len(asked) != 1 or not _is_count(*asked[0]) or not NAME.fullmatch(name):
            return None
        try:
            moment = datetime.fromisoformat(added_at).astimezone(UTC)
            matching = _read_filters(filters)
        except (ValueError, OverflowError):
            return None
        return cls(
            name=name,
            lowest_since_days=days,
            below_cents=cents,
            drop_pct=pct,
            offer_id=offer_id,
            matching=matching,
            added_at=moment,
        )


def _is_count(value: Any, most: int) -> bool:
    return type(value) is int and 1 <= value <= most


def _read_filters(filters: Mapping[str, Any]) -> OfferFilter:
    """The filter of what `Rule.filters` gave; raises `ValueError` for anything else."""
    for name, value in filters.items():
        is_sound = (
            (name in LIMITS and type(value) is int and 0 <= value <= LIMITS[name])
            or (name in FLAGS and value is True)
            or (name in TEXTS and type(value) is str and len(value) <= TEXT_LIMIT)
        )
        if not is_sound:
            raise ValueError(f"no filter of a rule: {name[:40]!r}")
    condition = filters.get("condition")
    return OfferFilter(**{**filters, "condition": PriceCondition(condition) if condition else None})


class ToldLow(NamedTuple):
    """A price that was told: by which payment, in hundredths, and when, in seconds since 1970."""

    condition: str | None
    cents: int
    at_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one rule has told of one offer.

    Attributes:
        changed_s: of which change of the price it told last, in seconds since 1970; it never tells of one twice.
        lows: the lowest price told by each payment.
    """

    changed_s: float = 0.0
    lows: tuple[ToldLow, ...] = ()

    def encode(self) -> str:
        """The text that Redis keeps."""
        return json.dumps({"changed": self.changed_s, "lows": self.lows})

    @classmethod
    def decode(cls, text: bytes) -> Self:
        """Read what `encode` wrote; whatever it cannot have written tells of nothing."""
        match as_json(text):
            case {"changed": int() | float() as changed_s, "lows": [*lows]}:
                return cls(changed_s=changed_s, lows=tuple(found for low in lows if (found := _read_low(low))))
            case _:
                return cls()

    def with_low(self, record: Record) -> Told:
        """What is told after the present price is."""
        offer = record.offer
        others = (low for low in self.lows if low.condition != offer.price_condition)
        low = ToldLow(offer.price_condition, offer.price_cents, record.now_s)
        return Told(changed_s=offer.price_changed_at.timestamp(), lows=(*others, low))


def _read_low(low: Any) -> ToldLow | None:
    match low:
        case [None | str() as condition, int(cents), int() | float() as at_s] if condition in (None, *PriceCondition):
            return ToldLow(condition, cents, at_s)
        case _:
            return None


def is_news(rule: Rule, record: Record, told: Told) -> bool:
    """Whether a rule has something to tell of an offer's present price."""
    from offers_cli.deals.record import DAY_S, comparable

    offer, before_cents = record.offer, record.before_cents
    changed_s = offer.price_changed_at.timestamp()
    if offer.price_changed_at <= rule.added_at or changed_s <= told.changed_s:
        return False
    if before_cents is None or before_cents <= offer.price_cents or _is_first_page(record):
        return False
    since_s = record.now_s - (rule.lowest_since_days or TOLD_DAYS) * DAY_S
    lows = (low for low in told.lows if low.condition in comparable(offer.price_condition))
    if any(low.cents <= offer.price_cents and _stood_since(record, low, since_s) for low in lows):
        return False
    return _is_low_enough(rule, record)


def _is_first_page(record: Record) -> bool:
    """Whether all that happened is that the first product page corrected what the listing showed."""
    offer = record.offer
    is_by_page = offer.enriched_at == offer.price_changed_at
    return is_by_page and len(record.spells) == 2 and record.spells[0].cents == offer.listing_price_cents


def _stood_since(record: Record, low: ToldLow, since_s: float) -> bool:
    """Whether a price that was told, or a lower one, stood at some time since then."""
    changed_s = record.offer.price_changed_at.timestamp()
    earlier = (each for each in record.spells if each.began_s < changed_s)
    last_s = max((each.ended_s for each in earlier if each.cents is not None and each.cents <= low.cents), default=0.0)
    return max(low.at_s, last_s) >= since_s


def _is_low_enough(rule: Rule, record: Record) -> bool:
    if rule.below_cents is not None:
        return record.offer.price_cents <= rule.below_cents
    judgement = _judge(record)
    if rule.drop_pct is not None:
        return judgement.drop_pct >= rule.drop_pct
    return judgement.lowest_for_days >= (rule.lowest_since_days or 0)


def _judge(record: Record) -> Judgement:
    from offers_cli.deals.judge import Weights, judge

    return judge(record, Weights())


PAYMENTS = {PriceCondition.PIX: ", by Pix", PriceCondition.CREDIT_LINE: ", on the shop's credit"}


def write_message(rule: Rule, record: Record) -> tuple[str, str]:
    """The title and the text of an alert."""
    offer, judgement = record.offer, _judge(record)
    price, before = (format_cents(cents, offer.currency) for cents in (offer.price_cents, record.before_cents or 0))
    payment = PAYMENTS.get(offer.price_condition or PriceCondition.ANY, "")
    lines = [f"{price}{payment}; it was {before} before ({judgement.drop_pct}% less)."]
    if days := judgement.lowest_for_days:
        watched = "1 day, all of it" if days == 1 else f"{days} days, all of them"
        lines.append(f"Never less in {watched} watched.")
    lines += [offer.affiliate_link or offer.url, f"Rule {rule.name}; offers show {offer.external_id}"]
    return f"{price}: {offer.title}", "\n".join(lines)
