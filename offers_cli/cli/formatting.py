"""How figures are shown to a person: money, percentages, times, durations, sizes."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from offers_cli.language import figure, translate
from offers_cli.offer import DiscountKind, Facts, FactValue, PriceCondition, in_words


def format_money(cents: int | None, currency: str) -> str:
    """An amount as its country writes it; nothing for None."""
    from offers_cli.money import format_cents

    return "" if cents is None else format_cents(cents, currency)


CONDITIONS = {PriceCondition.ANY: "any", PriceCondition.PIX: "Pix", PriceCondition.CREDIT_LINE: "credit"}
"""How a table's cell names them; an unknown one is left empty."""


INSTALLMENTS = frozenset({"installments_count", "installment_cents", "interest_free"})


def format_condition(condition: PriceCondition | None) -> str:
    """By which payment a price holds, in one word; nothing where that is not known."""
    return CONDITIONS[condition] if condition else ""


def format_price(
    cents: int | None, currency: str, condition: PriceCondition | None, card_price_cents: int | None = None
) -> str:
    """A price with its condition, and what a card pays: ``R$ 3.185,31 by Pix · R$ 3.579,00 by card``."""
    price = format_money(cents, currency) + ("" if cents is None else by_payment(condition))
    return f"{price} · {format_money(card_price_cents, currency)} by card" if card_price_cents else price


def by_payment(condition: PriceCondition | None) -> str:
    """What is said behind a price that not every payment has; nothing where all have it, or nobody knows."""
    return {PriceCondition.PIX: " by Pix", PriceCondition.CREDIT_LINE: " on the shop's credit"}.get(
        condition or PriceCondition.ANY, ""
    )


def format_percent(pct: int | None) -> str:
    return "" if pct is None else f"{pct}%"


def format_discount(pct: int | None, kind: DiscountKind | None, condition: PriceCondition | None) -> str:
    """A discount, with the payment that alone gives it where the old price is only the card's: ``10% Pix``."""
    discount = format_percent(pct)
    return f"{discount} {format_condition(condition)}" if discount and kind is DiscountKind.PAYMENT else discount


def format_value(name: str, value: object, currency: str) -> object:
    """A value as a person reads it, by what the end of its name says of it; moments and None stay."""
    if value is None or isinstance(value, datetime):
        return value
    if isinstance(value, str) and name.endswith("_until"):
        return format_time(datetime.fromisoformat(value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and name.endswith("_cents"):
        return format_money(value, currency)
    if isinstance(value, int) and name.endswith("_hundredths"):
        return figure(f"{value / 100:g}")
    text = value.replace("_", " ") if isinstance(value, StrEnum) else str(value)
    return f"{text}%" if name.endswith("_pct") else text


WORDS = {
    "snoozed": "times put off",
    "retried": "times tried again",
    "superseded": "newer values stored",
    "forgotten": "failed jobs cleared",
    "suspect_old_price_cents": "old price (not believed)",
}
"""What a person reads for a name that only the code explains."""


def format_name(name: str) -> str:
    """The name of a value in words, without its unit, which the value shows."""
    return WORDS.get(name) or in_words(name)


def format_facts(facts: Facts, currency: str) -> str:
    """Everything that is known, on one line: ``10x R$ 35,79 interest-free, free shipping, rating 4.8``.

    In the language that is spoken: nothing else knows where a name ends and what a shop wrote begins.
    """
    known = facts.known()
    said = []
    if facts.installments_count and facts.installment_cents:
        free = translate(" interest-free") if facts.interest_free else ""
        said.append(f"{facts.installments_count}x {format_money(facts.installment_cents, currency)}{free}")
        known = {name: value for name, value in known.items() if name not in INSTALLMENTS}
    if facts.coupon_label:  # which has the amount in its words
        known = {name: value for name, value in known.items() if name not in {"coupon_cents", "coupon_pct"}}
    return ", ".join([*said, *(_fact(name, value, currency) for name, value in known.items())])


def _fact(name: str, value: FactValue, currency: str) -> str:
    if isinstance(value, bool):
        return translate(f"{'' if value else 'not '}{format_name(name)}")
    return f"{translate(format_name(name))} {format_value(name, value, currency)}"


def format_time(moment: datetime | None) -> str:
    """Local time to the minute, as in ``2026-11-26 14:05``; nothing for None."""
    return "" if moment is None else f"{moment.astimezone():%Y-%m-%d %H:%M}"


def format_when(moment: datetime, *, now: datetime) -> str:
    """How long ago it was, in the largest unit, within a day; else the local time."""
    age = now - moment
    if not timedelta(0) <= age < timedelta(days=1):
        return format_time(moment)
    minutes = age // timedelta(minutes=1)
    if not minutes:
        return "just now"
    return f"{minutes} min ago" if minutes < 60 else f"{minutes // 60} h ago"


def format_size(count: int | None) -> str:
    """Bytes in MiB; a dash for None."""
    return "-" if count is None else f"{count / 2**20:.1f} MiB"
