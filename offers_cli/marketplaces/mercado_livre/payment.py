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
from functools import cache
from typing import TYPE_CHECKING

from offers_cli.marketplaces.html import outermost, pieces_in, select
from offers_cli.marketplaces.mercado_livre import selectors
from offers_cli.marketplaces.mercado_livre.amounts import currency_of, read_amount
from offers_cli.marketplaces.mercado_livre.state import dicts, dig
from offers_cli.money import ALIASES, STYLES, MoneyError, cents_from_number, format_cents, parse_cents
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
BY_CARD = re.compile(
    rf"(?:ou|o) {MARK} (?:(?:em outros meios|(?:en|con) otros medios)(?: de pag(?:amento|o))?"
    r"|no cart[ãa]o(?: de cr[ée]dito)?|em (?:at[ée] )?[1-9][0-9]? ?x(?: sem juros)?)",
    re.IGNORECASE,
)
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

    def beside(self, price_cents: int | None) -> Payment:
        """The same beside that price.

        What a card pays alike is no price of its own; instalments that add up to no more bear no interest, whatever
        the phrase leaves out.
        """
        card_price = None if self.card_price_cents == price_cents else self.card_price_cents
        full = card_price or price_cents
        total = (self.installments_count or 0) * (self.installment_cents or 0)
        is_doubtful = self.interest_free is False and full is not None and total <= full + _margin(full)
        return replace(self, card_price_cents=card_price, interest_free=None if is_doubtful else self.interest_free)


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


def naming_a_condition(texts: Iterable[str]) -> list[str]:
    """Those of the texts that name a known condition, whatever else they say: labels that stand where none is known."""
    plain = (TOKEN.sub(" ", text) for text in texts)
    return [text for text in plain if any(words.search(text) for words in NAMED.values())]


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


def payment_in_text(text: str, currency: str) -> Payment:
    """What a text tells whose amounts are written out as that currency is."""
    amounts: list[int] = []

    def mark(found: re.Match[str]) -> str:
        amounts.append(parse_cents(found[0], currency=currency))
        return f" {MARK} "

    try:
        phrase = " ".join(written(currency).sub(mark, text[:LONGEST]).split())
    except MoneyError:
        return NOTHING
    if phrase.count(MARK) != len(amounts) or not all(amounts):  # a mark of the text's own makes one more
        return NOTHING
    if BY_CARD.fullmatch(phrase):
        return Payment(card_price_cents=amounts[0])
    found = INSTALMENTS.fullmatch(phrase)
    if found is None:
        return NOTHING
    total = amounts[0] if found["total"] else None
    count, each = int(found["count"]), amounts[-1]
    is_free = bool(found["before"] or found["behind"])
    if count == 1 or (total is not None and not _fits(count * each, total, is_free=is_free)):
        return NOTHING
    return Payment(card_price_cents=total, installments_count=count, installment_cents=each, interest_free=is_free)


@cache
def written(currency: str) -> re.Pattern[str]:
    """An amount with a symbol of that currency."""
    symbols = sorted(
        (STYLES[currency].symbol if currency in STYLES else currency, *ALIASES.get(currency, ())), key=len, reverse=True
    )
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, symbols))}) ?[0-9](?:[0-9.,]*[0-9])?")


def _fits(sum_cents: int, total_cents: int, *, is_free: bool) -> bool:
    """Whether instalments add up to a price: about, without interest; to no less, with it."""
    margin = _margin(total_cents)
    return sum_cents >= total_cents - margin and (not is_free or sum_cents <= total_cents + margin)


def _margin(cents: int) -> int:
    return cents * MOST_APART_PCT // 100


def payment_in_template(part: object, currency: str) -> Payment:
    """What a part of the embedded state tells: its text, the values of its tokens, and whether it bears interest.

    Where the text and ``no_interest`` contradict each other, that is left unknown.
    """
    payment = payment_in_text(written_out(part, currency) or "", currency)
    no_interest = dig(part, "no_interest")
    doubtful = isinstance(no_interest, bool) and payment.interest_free not in {None, no_interest}
    return replace(payment, interest_free=None) if doubtful else payment


def payment_in_node(node: LexborNode, site: Site, currency: str) -> Payment:
    """What an element tells: the instalments of a card, the subtitle of a price."""
    return payment_in_text(shown_text(node, site, currency) or "", currency)


def written_out(part: object, currency: str) -> str | None:
    """The text of a part of the state, each ``{token}`` filled: amounts written out, icons left out.

    None without a text, or with an amount that is none in that currency.
    """
    template = dig(part, "text")
    if not isinstance(template, str) or len(template) > LONGEST:
        return None
    values = dict(values_by_key(dig(part, "values")))
    pieces = TOKEN.split(template)
    try:
        for place in range(1, len(pieces), 2):
            pieces[place] = _filled(values.get(pieces[place]), currency)
    except MoneyError:
        return None
    return " ".join("".join(pieces).split()) or None


def values_by_key(values: object) -> Iterator[tuple[str, object]]:
    """What the tokens of a template stand for: cards list the values of their tokens, pages keep them by key."""
    if isinstance(values, dict):
        yield from values.items()
    for value in dicts(values):
        yield str(value.get("key")), value


def _filled(value: object, currency: str) -> str:
    """What a token stands for; nothing where that is an icon."""
    for text in (dig(value, "label", "text"), dig(value, "pill", "text"), dig(value, "text")):
        if isinstance(text, str):
            return text
    amount = dig(value, "price") if isinstance(dig(value, "price"), dict) else value
    number = dig(amount, "value")
    if number is None:
        return ""
    if isinstance(number, str) or (dig(amount, "currency") or currency) != currency:
        raise MoneyError("no amount in the price's currency")
    return f" {in_short(cents_from_number(number), currency)} "


def in_short(cents: int, currency: str) -> str:
    """An amount as phrases write it: whole ones without cents."""
    return re.sub(r"[.,]00$", "", format_cents(cents, currency))


def shown_text(node: LexborNode, site: Site, currency: str) -> str | None:
    """The text of an element, its amounts written out as they are read; None where one cannot be read.

    Without marked amounts it is the text as it stands, unless digits of two elements would run together.
    """
    amounts = outermost(select(node, selectors.AMOUNT))
    try:
        if any(currency_of(amount, site) != currency for amount in amounts):
            return None
        known = {amount.mem_id: f" {in_short(read_amount(amount, site), currency)} " for amount in amounts}
    except MoneyError:
        return None
    pieces = "\0".join(texts_in(node, known))
    return None if TORN.search(pieces) else " ".join(pieces.replace("\0", "").split()) or None


def texts_in(node: LexborNode, known: Mapping[int, str]) -> Iterator[str]:
    """The texts in an element, those of some elements in other words (by their `mem_id`)."""
    return pieces_in(node, lambda part: known.get(part.mem_id))
