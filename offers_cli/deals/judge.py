"""The judgement of one offer: whether what it promises is proved, and how good it is, each point with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from offers_cli.deals.record import DAY_S, Record
from offers_cli.money import format_cents
from offers_cli.offer import DiscountKind
from offers_cli.storage.base import RecordedPrice

YOUNG_DAYS = 14
"""With fewer days of evidence nothing is proved or contradicted."""
PROVED_LEAST_PCT = 5
"""A smaller reduction is the market's noise."""
BRIEF_DAYS = 7.0
"""A former price that was charged for less of the last 90 days was put up for the sale."""
RECENT_DAYS = 90
LONG_SALE_DAYS = 30
"""A price that is lower all the time for so long, as far as anybody watched, is no sale."""
ROUNDED_PCT = 98
"""R$ 99,90 charged and R$ 100,00 advertised are no lie: from so many hundredths on it is that price."""
FULL_REDUCTION_PCT, FULL_EVIDENCE_DAYS, FULL_RECORD_DAYS = 50, 30, 365
"""What earns all points: so deep a reduction, so many days of evidence for a low, and for the lowest price ever."""


class DealClass(StrEnum):
    """What the record makes of an offer."""

    PROVED = "proved"
    """It cost at least 5 % more during the 30 days before, and nothing that it advertises is contradicted."""
    YOUNG = "young"
    """Less than 14 days of comparable prices were watched."""
    UNPROVED = "unproved"
    """The record shows no reduction; nor does it contradict one."""
    CONTRADICTED = "contradicted"
    """The former price that it advertises was never charged, or for less than a week of the last 90 days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """The most points that each reason can give; 100 in all."""

    reduction: int = 45
    low: int = 30
    record: int = 15
    charged: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a deal has some of its points: a code, how many, and a sentence with the figures behind them."""

    code: str
    points: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One offer, judged.

    Attributes:
        points: by the code of what earned them; what is contradicted takes three in four of them away.
        evidence_days: for how many days comparable prices were watched.
        dearer_pct, dearer_of_days: for which share of the last 90 days, as far as watched, it cost more than now.
        drop_pct: by how much the price is below the one before it; 0 where it is not.
        reference_cents: the lowest price of the 30 days before the reduction; None where there is none.
        reduction_pct: by how much the price is below that; 0 where it is not.
        lowest_for_days: for how many days, all watched, it has never cost less.
        old_price_charged: whether the advertised former price was charged; None where it cannot be known.
        old_price_charged_days_ago: how many days ago it last was, for however short; None where it never was, and where
            none is advertised.
    """

    kind: DealClass
    points: Mapping[str, int]
    evidence_days: int
    dearer_pct: int
    dearer_of_days: int
    drop_pct: int
    reference_cents: int | None
    reduction_pct: int
    lowest_for_days: int
    old_price_charged: bool | None
    old_price_charged_days_ago: int | None

    @property
    def score(self) -> int:
        """From 0 to 100."""
        return sum(self.points.values())


def judge(record: Record, weights: Weights) -> Judgement:
    """Judge an offer by its record; prices of other payments are not compared."""
    price_cents, reference_cents, before_cents = record.offer.price_cents, record.reference_cents, record.before_cents
    evidence_s, lowest_for_days, charged = record.evidence_s, record.lowest_for_days, _old_price_charged(record)
    dearer_s, watched_s = _dearer(record)
    reduction_pct = _pct_below(price_cents, reference_cents)
    points = {"reduction": 0, "low": 0}
    if reference_cents and reference_cents > price_cents:
        share = (reference_cents - price_cents) / reference_cents
        points["reduction"] = int(weights.reduction * min(1.0, 100 * share / FULL_REDUCTION_PCT))
    if watched_s:
        points["low"] = int(weights.low * dearer_s / max(watched_s, FULL_EVIDENCE_DAYS * DAY_S))
    points["record_low"] = int(weights.record * min(1.0, lowest_for_days / FULL_RECORD_DAYS))
    points["old_price_charged"] = weights.charged if charged else 0
    if charged is False:
        kind = DealClass.CONTRADICTED
        points["old_price_contradicted"] = -(sum(points.values()) * 3 // 4)
    elif evidence_s < YOUNG_DAYS * DAY_S:
        kind = DealClass.YOUNG
    else:
        kind = DealClass.PROVED if reduction_pct >= PROVED_LEAST_PCT else DealClass.UNPROVED
    return Judgement(
        kind=kind,
        points=points,
        evidence_days=int(evidence_s // DAY_S),
        dearer_pct=int(100 * dearer_s // watched_s) if watched_s else 0,
        dearer_of_days=int(watched_s // DAY_S),
        drop_pct=_pct_below(price_cents, before_cents),
        reference_cents=reference_cents,
        reduction_pct=reduction_pct,
        lowest_for_days=lowest_for_days,
        old_price_charged=charged,
        old_price_charged_days_ago=_old_price_charged_days_ago(record),
    )


def _pct_below(price_cents: int, before_cents: int | None) -> int:
    return max(0, 100 * (before_cents - price_cents) // before_cents) if before_cents else 0


def _dearer(record: Record) -> tuple[float, float]:
    """For how many seconds of the last 90 days it cost more than now, and for how many that is known."""
    dearer_s = watched_s = 0.0
    for cents, seconds in record.since(RECENT_DAYS):
        watched_s += seconds
        if cents > record.offer.price_cents:
            dearer_s += seconds
    return dearer_s, watched_s


def _old_price_charged(record: Record) -> bool | None:
    """Whether the advertised former price was charged for a week of the last 90 days, by whatever payment.

    None where none is advertised, where it is only what a card pays, and where that cannot be known: prices of unknown
    payment are no more than what every payment paid, and a sale may have begun before the offer was watched.
    """
    offer, recent_s = record.offer, record.now_s - RECENT_DAYS * DAY_S
    if offer.old_price_cents is None or offer.discount_kind is DiscountKind.PAYMENT:
        return None
    changed_s = offer.price_changed_at.timestamp()
    charged_s = unknown_s = watched_s = before_s = 0.0
    for spell in record.spells_since(recent_s):
        seconds = spell.ended_s - max(spell.began_s, recent_s)
        is_known = spell.price.price_condition is not None or offer.price_condition is None  # or like the offer's own
        is_before = spell.began_s < changed_s
        if is_before and _is_as_much(spell.price, offer.old_price_cents):
            charged_s += seconds
        elif is_before and not is_known:
            unknown_s += seconds
        watched_s += seconds if is_known else 0
        before_s += seconds if is_known and is_before else 0
    if charged_s >= BRIEF_DAYS * DAY_S:
        return True
    is_watched = before_s >= YOUNG_DAYS * DAY_S or (not charged_s and watched_s >= LONG_SALE_DAYS * DAY_S)
    return False if is_watched and charged_s + unknown_s < BRIEF_DAYS * DAY_S else None


def _old_price_charged_days_ago(record: Record) -> int | None:
    offer, changed_s = record.offer, record.offer.price_changed_at.timestamp()
    if offer.old_price_cents is None:
        return None
    for spell in reversed(record.spells):
        if spell.began_s < changed_s and _is_as_much(spell.price, offer.old_price_cents):
            return int((record.now_s - spell.ended_s) // DAY_S)
    return None


def _is_as_much(price: RecordedPrice, cents: int) -> bool:
    return 100 * max(price.price_cents, price.card_price_cents or 0) >= ROUNDED_PCT * cents


def reasons_of(record: Record, found: Judgement) -> tuple[Reason, ...]:
    """Each point of a score with its reason, and what gives none but should be known."""
    currency = record.offer.currency
    reference = format_cents(found.reference_cents or 0, currency)
    texts = {
        "reduction": f"{found.reduction_pct} % below {reference}, the lowest price of the 30 days before",
        "low": f"it cost more for {found.dearer_pct} % of the {_in_days(found.dearer_of_days)} watched",
        "record_low": f"never less in {_in_days(found.lowest_for_days)}, all of them watched",
        "old_price_charged": f"{format_cents(record.offer.old_price_cents or 0, currency)} was charged, as advertised",
    }
    reasons = [Reason(code=code, points=found.points[code], text=text) for code, text in texts.items()]
    told = [reason for reason in reasons if reason.points]
    if found.kind is DealClass.CONTRADICTED:
        lost = found.points["old_price_contradicted"]
        told.append(Reason(code="old_price_contradicted", points=lost, text=_contradiction(record)))
    elif found.kind is DealClass.YOUNG:
        text = f"watched for {_in_days(found.evidence_days)}; it takes {YOUNG_DAYS} to prove anything"
        told.append(Reason(code="young", points=0, text=text))
    return tuple(told)


def _contradiction(record: Record) -> str:
    offer, old_price_cents = record.offer, record.offer.old_price_cents or 0
    advertised, changed_s = format_cents(old_price_cents, offer.currency), offer.price_changed_at.timestamp()
    before = [spell.price for spell in record.spells if spell.began_s < changed_s]
    if any(_is_as_much(price, old_price_cents) for price in before):
        return f"{advertised} is advertised, and was charged for less than a week of the last {RECENT_DAYS} days"
    watched = _in_days(int((record.spells[-1].ended_s - record.spells[0].began_s) // DAY_S))
    highest = max(max(spell.price.price_cents, spell.price.card_price_cents or 0) for spell in record.spells)
    most = format_cents(highest, offer.currency)
    return f"{advertised} is advertised, and was never charged in {watched}: at most {most}"


def _in_days(days: int) -> str:
    return "1 day" if days == 1 else f"{days} days"
