"""How an offer is paid for, as cards and product pages write it beside their price.

    43% OFF no Pix                           a label: the price holds by Pix only
    ou R$ 3.579 em 10x R$ 357,90 sem juros   a subtitle: what a card pays in full, and in instalments
    ou R$ 357,90 em outros meios             the same without instalments
    12x R$ 192,14                            instalments alone, with interest
    {o} {price_total} {en} 10x {price} sem juros    as the embedded state writes it, values beside it

Whole texts are matched: one that is worded otherwise, or whose amounts do not fit each other, tells nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from offers_cli.marketplaces.html import outermost, select
from offers_cli.marketplaces.mercado_livre import selectors
from offers_cli.marketplaces.mercado_livre.amounts import currency_of, read_amount
from offers_cli.marketplaces.mercado_livre.state import dicts, dig
from offers_cli.money import MoneyError, cents_from_number, parse_cents
from offers_cli.offer import PriceCondition

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

    from offers_cli.marketplaces.mercado_livre.sites import Site

DISCOUNT = re.compile(
    r"-? ?(?:[0-9]{1,2} ?%|(?:R\$|US\$|\$) ?[0-9][0-9.,]*)|\b(?:off|(?:de )?(?:desconto|descuento))\b", re.IGNORECASE
)
CONDITIONS = {
    PriceCondition.PIX: r"pix|saldo (?:n[oa]|do|em|en) (?:conta |cuenta )?(?:de |do |no |en )?mercado pago",
    PriceCondition.CREDIT_LINE: r"cr[ée]dito dispon[íi]vel|cr[ée]dito disponible|mercado cr[ée]dito"
    r"|linha de cr[ée]dito|l[íi]nea de cr[ée]dito",
}
NAMED = {condition: re.compile(rf"\b(?:{words})\b", re.IGNORECASE) for condition, words in CONDITIONS.items()}
LINKS = re.compile(
    r"\b(?:n[oa]|com|con|via|pelo|pela|por|pagando|[àa] vista|s[óo]|apenas|somente|usando|ou|o|e|y)\b", re.IGNORECASE
)
MARK = "\N{CURRENCY SIGN}"
"""Where an amount stands in a phrase whose amounts are read by themselves."""
INSTALMENTS = re.compile(
    rf"(?:(?:ou|o) (?P<total>{MARK}) (?:em|en) |(?:ou |o )?(?:mismo precio )?(?:em |en )?)(?:at[ée] |hasta )?"
    r"(?P<count>[1-9][0-9]?) ?(?:x|parcelas|cuotas|meses|mensualidades)(?P<before> sem juros| sin inter[ée]s(?:es)?)?"
    rf"(?: de)? (?P<each>{MARK})(?P<behind> sem juros| sin inter[ée]s(?:es)?| con 0% inter[ée]s)?",
    re.IGNORECASE,
)
OTHER_MEANS = re.compile(
    rf"(?:ou|o) (?P<total>{MARK}) (?:em outros meios|(?:en|con) otros medios)(?: de pag(?:amento|o))?", re.IGNORECASE
)
WRITTEN = re.compile(r"(?:R\$|US\$|U\$S|S/|\$) ?[0-9](?:[0-9.,]*[0-9])?")
TORN = re.compile(r"[0-9]\s*\0[\s\0]*[0-9]")
"""Digits of two elements, which may be one amount or two."""
TOKEN = re.compile(r"\{(\w{1,40})\}")
MOST_APART_PCT = 3
"""Instalments are rounded and still add up: 10x 349,99 beside 3.499."""
LONGEST = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """What is told beside a price: what a card pays in full, and instalments. Cents; None where it is not told."""

    card_price_cents: int | None = None
    installments_count: int | None = None
    installment_cents: int | None = None
    interest_free: bool | None = None


NOTHING = Payment()


def condition_of(label: str) -> PriceCondition | None:
    """The condition that a label names: `ANY` for a bare discount, None for one that is not known, or for two."""
    rest = DISCOUNT.sub(" ", " ".join(label[:LONGEST].split()))
    named = [condition for condition, words in NAMED.items() if words.search(rest)]
    for words in (*NAMED.values(), LINKS):
        rest = words.sub(" ", rest)
    if len(named) > 1 or rest.strip(" -+,.()"):
        return None
    return named[0] if named else PriceCondition.ANY


def price_condition(labels: Iterable[str], payment: Payment = NOTHING) -> PriceCondition | None:
    """The condition of a price by all the labels beside it.

    `ANY` where they name none; None where they name several or an unknown one, or where a card pays another price
    though no label says why.
    """
    found = {condition_of(label) for label in labels}
    named = found - {PriceCondition.ANY}
    if named:
        return named.pop() if len(named) == 1 else None
    return PriceCondition.ANY if payment.card_price_cents is None else None


def payment_in_template(template: object, values: object, currency: str, *, no_interest: object = None) -> Payment:
    """What a text of the embedded state tells.

    Args:
        template: e.g. ``"{o} {price_total} {en} 10x {price} sem juros"``.
        values: what its tokens stand for, by key or in a list of objects with keys; amounts as numbers.
        currency: of the price beside it; amounts in another one tell nothing.
        no_interest: what the state says of it apart from the text; a contradiction leaves it unknown.
    """
    if not isinstance(template, str) or len(template) > LONGEST:
        return NOTHING
    known = dict(_by_key(values))
    amounts: list[int] = []
    pieces = TOKEN.split(template)
    try:
        for place in range(1, len(pieces), 2):
            pieces[place] = _filled(known.get(pieces[place]), currency, amounts)
    except MoneyError:
        return NOTHING
    payment = _payment("".join(pieces), amounts)
    doubtful = isinstance(no_interest, bool) and payment.interest_free not in {None, no_interest}
    return replace(payment, interest_free=None) if doubtful else payment


def _by_key(values: object) -> Iterator[tuple[str, Mapping[str, object]]]:
    if isinstance(values, dict):
        yield from ((key, value) for key, value in values.items() if isinstance(value, dict))
    for value in dicts(values):
        yield str(value.get("key")), value


def _filled(value: object, currency: str, amounts: list[int]) -> str:
    """A token's text; an amount is appended to the amounts and leaves a mark."""
    text = dig(value, "label", "text") or dig(value, "text")
    if isinstance(text, str):
        return "" if MARK in text else text
    number = dig(value, "price", "value") if isinstance(dig(value, "price"), dict) else dig(value, "value")
    if number is None:
        return ""  # an icon
    if isinstance(number, str) or (dig(value, "price", "currency") or currency) != currency:
        raise MoneyError("no amount in the price's currency")
    amounts.append(cents_from_number(number))
    return f" {MARK} "


def payment_in_node(node: LexborNode, site: Site, currency: str) -> Payment:
    """What an element tells, its amounts read as amounts are: ``.poly-price__installments``, a price's subtitle."""
    nodes = outermost(select(node, selectors.AMOUNT))
    if not nodes:
        pieces = node.text(deep=True, separator="\0")
        text = "" if TORN.search(pieces) else pieces.replace("\0", "")
        return payment_in_text(text, currency, decimal_mark=site.decimal_mark)
    marked = {amount.mem_id for amount in nodes}
    try:
        if any(currency_of(amount, site) != currency for amount in nodes):
            return NOTHING
        amounts = [read_amount(amount, site) for amount in nodes]
    except MoneyError:
        return NOTHING
    return _payment("".join(_texts(node, marked)), amounts)


def _texts(node: LexborNode, marked: set[int]) -> Iterator[str]:
    """The texts in an element, a mark in the place of each amount."""
    for part in node.iter(include_text=True):
        if part.mem_id in marked:
            yield f" {MARK} "
        elif part.is_text_node:
            yield part.text() or ""
        else:
            yield from _texts(part, marked)


def payment_in_text(text: str, currency: str, *, decimal_mark: str | None = None) -> Payment:
    """What a text tells that holds its amounts written out, with their currency."""
    amounts: list[int] = []

    def keep(found: re.Match[str]) -> str:
        amounts.append(parse_cents(found[0], currency=currency, decimal_mark=decimal_mark))
        return f" {MARK} "

    try:
        marked = WRITTEN.sub(keep, text[:LONGEST])
    except MoneyError:
        return NOTHING
    return _payment(marked, amounts)  # a mark of the text's own makes one more than there are amounts


def _payment(phrase: str, amounts: list[int]) -> Payment:
    """Of a phrase with marks, each for one of the amounts in their order."""
    text = " ".join(phrase.split())
    if text.count(MARK) != len(amounts) or not all(amounts):
        return NOTHING
    if OTHER_MEANS.fullmatch(text):
        return Payment(card_price_cents=amounts[0])
    found = INSTALMENTS.fullmatch(text)
    if found is None:
        return NOTHING
    total = amounts[0] if found["total"] else None
    count, each = int(found["count"]), amounts[-1]
    is_free = bool(found["before"] or found["behind"])
    if count == 1 or (total is not None and not _fits(count * each, total, is_free=is_free)):
        return NOTHING
    return Payment(card_price_cents=total, installments_count=count, installment_cents=each, interest_free=is_free)


def _fits(sum_cents: int, total_cents: int, *, is_free: bool) -> bool:
    """Whether instalments add up to a price: about, without interest; to no less, with it."""
    margin = total_cents * MOST_APART_PCT // 100
    return sum_cents >= total_cents - margin and (not is_free or sum_cents <= total_cents + margin)
