"""Candidates, and the prices they are reconciled to: what the strategies found for each field, and what is believed.

The rules, the same for every marketplace:
- prices that disagree by more than rounding are no price (`PageChanged`), never a guess;
- a previous price no higher than rounding explains, or over 10 times the price without a label that shows just that
  discount, is kept as a suspect, not as a fact;
- the discount is the label's, or the arithmetic's floor where no label is shown;
  more than 2 points between the two are flagged;
- a condition of the price that one strategy names is believed before another's silence, and silence is an answer only
  where no card price stands beside it;
- what a card pays is kept where it is more than the price, and instalments and coupons where no strategy contradicts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from offers_cli.errors import PageChanged
from offers_cli.marketplaces.base import Candidate, ProductReading, Value
from offers_cli.money import MoneyError, discount_pct, format_cents
from offers_cli.offer import FACTS, DiscountKind, Facts, PriceCondition

ROUNDING_CENTS = 1
WHOLE_CENTS = 100
MOST_RATIO = 10
MOST_POINTS_APART = 2


@dataclass
class Evidence:
    """Every candidate of every field of one page, in the order the strategies are trusted.

    Attributes:
        whole: fields whose amount the page shows and says to be without cents; another reading's cents contradict it.
    """

    found: dict[str, list[Candidate]] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)

    def add(self, name: str, strategy: str, raw: object, value: Value, note: str = "") -> None:
        """Keep one candidate; a value of None is one that was refused."""
        self.found.setdefault(name, []).append(Candidate(strategy, str(raw)[:300], value, note))

    def add_price(self, name: str, strategy: str, raw: object, read: Callable[[], int]) -> None:
        """Keep one amount of money, or why it was refused; zero is no price."""
        try:
            cents = read()
        except MoneyError as exc:
            self.add(name, strategy, raw, None, str(exc))
        else:
            self.add(name, strategy, raw, cents or None, "" if cents else "zero is no price")

    def add_text(self, name: str, strategy: str, text: str | None) -> None:
        """Keep one text; an empty one, or None, is no candidate."""
        if text:
            self.add(name, strategy, text, text)

    def add_condition(self, strategy: str, raw: object, condition: PriceCondition | None) -> None:
        """Keep by which payment the price holds; None is a condition that is not known."""
        self.add("price_condition", strategy, raw, condition, "" if condition else "no single known condition")

    def add_facts(self, strategy: str, raw: object, facts: Facts) -> None:
        """Keep each fact that one place of the page tells."""
        for name, value in facts.known().items():
            self.add(name, strategy, raw, value)

    def values(self, name: str) -> list[Value]:
        """The accepted values of a field."""
        return [candidate.value for candidate in self.found.get(name, ()) if candidate.value is not None]

    def first_text(self, name: str) -> str | None:
        """The text of the most trusted strategy that gives one."""
        return next((value for value in self.values(name) if isinstance(value, str)), None)

    def cents(self, name: str) -> list[int]:
        """The accepted numbers of a field: hundredths, or percent."""
        return [value for value in self.values(name) if isinstance(value, int)]

    def freeze(self) -> dict[str, tuple[Candidate, ...]]:
        """Every candidate by field, as a reading keeps them."""
        return {name: tuple(candidates) for name, candidates in self.found.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconciledPrices:
    """What is believed of the prices of one page, in hundredths of its currency; nothing of a page without a price."""

    price_cents: int | None = None
    old_price_cents: int | None = None
    suspect_old_price_cents: int | None = None
    discount_pct: int | None = None
    price_condition: PriceCondition | None = None
    card_price_cents: int | None = None
    discount_kind: DiscountKind | None = None
    flags: tuple[str, ...] = ()


INSTALMENTS = ("installments_count", "installment_cents", "interest_free")
COUPON = ("coupon_label", "coupon_cents", "coupon_pct", "coupon_min_cents")
TOLD_TOGETHER = (INSTALMENTS, COUPON, ("free_shipping", "free_shipping_note"), ("badge", "badge_until"))
"""Facts that are of one place: the count of one place and the amount of another are nobody's instalments."""
AMOUNTS = {INSTALMENTS, COUPON}
"""Those in which strategies whose numbers differ are both doubted."""
READ_FIELDS = tuple(known.name for known in fields(ProductReading))
NO_PRICES = ReconciledPrices()


def build_reading(
    evidence: Evidence,
    prices: ReconciledPrices,
    *,
    marketplace: str,
    url: str,
    currency: str,
    external_id: str | None,
    available: bool = True,
) -> ProductReading:
    """The reading of a page: its prices as reconciled, every other field as its most trusted strategy has it."""
    told: dict[str, Any] = {name: values[0] for name in READ_FIELDS if (values := evidence.values(name))}
    told["facts"] = _believed_facts(evidence)
    told |= asdict(prices)
    told |= {"marketplace": marketplace, "url": url, "currency": currency, "external_id": external_id}
    return ProductReading(**told | {"available": available, "candidates": evidence.freeze()})


def _believed_facts(evidence: Evidence) -> Facts:
    """Each fact as its most trusted strategy has it; what makes one sense together is of one strategy."""
    alone = [(name,) for name in FACTS if not any(name in names for names in TOLD_TOGETHER)]
    believed: dict[str, Value] = {}
    for names in (*TOLD_TOGETHER, *alone):
        told: dict[str, dict[str, Value]] = {}
        for name in names:
            for candidate in evidence.found.get(name, ()):
                if candidate.value is not None:
                    told.setdefault(candidate.strategy, {}).setdefault(name, candidate.value)
        first, *others = told.values() or [{}]
        numbers = [(name, value) for other in others for name, value in other.items() if not isinstance(value, str)]
        differ = any(first.get(name, value) != value for name, value in numbers)
        believed |= {} if names in AMOUNTS and differ else first
    return Facts.of(believed)


def agree(one: int, other: int) -> bool:
    """Whether two readings of one price differ by rounding at most: a cent, or the cents that one leaves out."""
    apart = abs(one - other)
    # Some strategies give whole amounts only, cut or rounded: 199 and 200 beside 199,90 are the same price.
    leaves_out_cents = one % WHOLE_CENTS == 0 or other % WHOLE_CENTS == 0
    return apart <= ROUNDING_CENTS or (leaves_out_cents and apart < WHOLE_CENTS)


def all_agree(readings: list[int]) -> bool:
    """Whether every two of them agree; two that agree with a third need not agree with each other."""
    return all(agree(readings[i], other) for i in range(len(readings)) for other in readings[i + 1 :])


def _all_agree(evidence: Evidence, name: str) -> bool:
    readings = evidence.cents(name)
    shows_cents = any(cents % WHOLE_CENTS for cents in readings)
    return all_agree(readings) and not (shows_cents and name in evidence.whole)


def most_exact(readings: list[int]) -> int:
    """The first reading that shows cents, else the first."""
    return next((cents for cents in readings if cents % WHOLE_CENTS), readings[0])


def reconcile(evidence: Evidence, *, currency: str) -> ReconciledPrices | None:
    """Weigh the candidates of ``price_cents``, ``old_price_cents`` and ``discount_pct``; None without any price.

    The arithmetic's discount is added to the candidates where it is used.

    Raises:
        PageChanged: the prices disagree.
    """
    prices = evidence.cents("price_cents")
    if not prices:
        return None
    if not _all_agree(evidence, "price_cents"):
        raise PageChanged(_disagreement(evidence, currency), hint="offers explain shows every candidate")
    price = most_exact(prices)
    old, suspect, flags = _reconcile_old(evidence, price)
    discount, discount_flags = _reconcile_discount(evidence, price, old, is_suspect=suspect is not None)
    card, card_flags = _reconcile_card(evidence, price)
    has_card_price = card is not None or bool(card_flags)
    condition, condition_flags = _reconcile_condition(evidence, has_card_price=has_card_price)
    return ReconciledPrices(
        price_cents=price,
        old_price_cents=old,
        suspect_old_price_cents=suspect,
        discount_pct=discount,
        price_condition=condition,
        card_price_cents=card,
        discount_kind=discount_kind(old_price_cents=old, card_price_cents=card, price_condition=condition),
        flags=(*flags, *discount_flags, *card_flags, *condition_flags),
    )


def _disagreement(evidence: Evidence, currency: str) -> str:
    readings = [
        f"{candidate.strategy} {format_cents(candidate.value, currency)}"
        for candidate in evidence.found["price_cents"]
        if isinstance(candidate.value, int)
    ]
    return f"the page names different prices: {', '.join(readings)}"


def is_plausible(old_price_cents: int, price_cents: int, label_pct: int | None = None) -> bool:
    """Whether a previous price is one: more than the price by more than rounding, and at most 10 times as much.

    Args:
        label_pct: the discount as the page shows it; where it is the one that the two prices make, a previous price
            may be higher than that.
    """
    computed = discount_pct(old_price_cents, price_cents)
    # R$ 10,32 beside R$ 10 is no rounding of it, though less than a real apart
    if computed is None or (computed < 1 and agree(old_price_cents, price_cents)):
        return False
    return old_price_cents <= price_cents * MOST_RATIO or label_pct == computed


def discount_kind(
    *, old_price_cents: int | None, card_price_cents: int | None, price_condition: PriceCondition | None
) -> DiscountKind | None:
    """What the previous price beside a price is; None without one, and where the page does not say enough.

    Pages that show a price by Pix strike the price that a card pays: that price is no former one.
    """
    if old_price_cents is None:
        return None
    if card_price_cents is not None:
        return DiscountKind.PAYMENT if agree(old_price_cents, card_price_cents) else DiscountKind.PRICE_CUT
    return DiscountKind.PRICE_CUT if price_condition is PriceCondition.ANY else None


def _reconcile_old(evidence: Evidence, price: int) -> tuple[int | None, int | None, tuple[str, ...]]:
    """The previous price, or the suspect one, and the doubts."""
    readings = evidence.cents("old_price_cents")
    if not readings:
        return None, None, ()
    if not _all_agree(evidence, "old_price_cents"):
        return None, None, ("old_price_disagrees",)
    old = most_exact(readings)
    label = next(iter(evidence.cents("discount_pct")), None)
    return (old, None, ()) if is_plausible(old, price, label) else (None, old, ("old_price_suspect",))


def _reconcile_discount(
    evidence: Evidence, price: int, old: int | None, *, is_suspect: bool
) -> tuple[int | None, tuple[str, ...]]:
    labels = [value for value in evidence.values("discount_pct") if isinstance(value, int)]
    computed = (discount_pct(old, price) or None) if old is not None else None
    if not evidence.found.get("discount_pct") and old is not None and computed is not None:
        evidence.add("discount_pct", "arithmetic", f"{old} → {price}", computed)
        return computed, ()
    if not labels or is_suspect:
        return None, ()
    if max(labels) - min(labels) > MOST_POINTS_APART:
        return None, ("discount_disagrees",)
    doubtful = computed is not None and abs(labels[0] - computed) > MOST_POINTS_APART
    return labels[0], ("discount_disagrees",) if doubtful else ()


def _reconcile_card(evidence: Evidence, price: int) -> tuple[int | None, tuple[str, ...]]:
    """What a card pays in full, where that is another price, and the doubts."""
    readings = evidence.cents("card_price_cents")
    if not readings:
        return None, ()
    if not all_agree(readings):
        return None, ("card_price_disagrees",)
    card = most_exact(readings)
    if agree(card, price):
        return None, ()
    return (card, ()) if card > price else (None, ("card_price_suspect",))


def _reconcile_condition(evidence: Evidence, *, has_card_price: bool) -> tuple[PriceCondition | None, tuple[str, ...]]:
    """By which payment the price holds, and the doubts."""
    told = [candidate.value for candidate in evidence.found.get("price_condition", ())]
    named = {PriceCondition(value) for value in told if isinstance(value, str)} - {PriceCondition.ANY}
    if len(named) > 1:
        return None, ("condition_disagrees",)
    if named:
        return named.pop(), ()
    is_known = bool(told) and None not in told and not has_card_price
    return (PriceCondition.ANY if is_known else None), ()
