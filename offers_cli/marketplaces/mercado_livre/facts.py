"""What a card or a page says of an offer beside its prices, from the texts that it is written in.

The same words stand in the embedded state and among the elements, on cards and on product pages: each is read here,
once, into the facts that it tells. A text that is worded otherwise tells nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from functools import reduce

from offers_cli.marketplaces.mercado_livre.amounts import percent_in
from offers_cli.marketplaces.mercado_livre.payment import Payment, written
from offers_cli.money import MoneyError, parse_cents
from offers_cli.offer import Facts
from offers_cli.times import iso_utc

FREE_SHIPPING = re.compile(
    r"(?:frete|env[íi]o|entrega|chega(?:r[áa])?|llega(?:r[áa])?|receba|recibe(?:lo)?) gr[áa]tis\b[ .,!]*(?P<rest>.*)",
    re.IGNORECASE,
)
LIMIT = re.compile(
    r"acima|abaixo|a partir|desde|m[íi]nim|compra|unidad|carrinho|carrito|assina|suscri|cupom|cup[óo]n|meli|clube"
    r"|retir|ag[êe]ncia|[$%]",
    re.IGNORECASE,
)
"""What limits a promise; a day or a place of delivery does not."""
FOR_WHOM = re.compile(r"\b(?:por ser|por tu|na sua|en tu)\b.*", re.IGNORECASE)
FULL = re.compile(r"(?:^|[\W_])full(?:$|[\W_])", re.IGNORECASE)
COUNT = r"[0-9]{1,3}(?:[.,][0-9]{3})+|[0-9]{1,9}"
REVIEWS = re.compile(
    rf"\(?({COUNT})(?: (?:avalia[çc](?:ões|ão)|opini(?:ões|ão|ones|ón)|calificaci(?:ones|ón)))?\)?", re.IGNORECASE
)
RATING = re.compile(r"[0-5](?:[.,][0-9]{1,2})?")
SPOKEN_RATING = re.compile(
    r"(?:avalia[çc][ãa]o|classifica[çc][ãa]o|calificaci[óo]n) (?P<stars>[0-5](?:[.,][0-9]{1,2})?) de 5\b", re.IGNORECASE
)
SHOWN_RATING = re.compile(r"(?P<stars>[0-5][.,][0-9])(?= ?[|(]|$)")
SOLD = re.compile(
    rf"(?P<count>[0-9]{{1,3}}[.,][0-9]{{1,2}}(?= ?m)|{COUNT}) ?(?P<times>mil|milh(?:ão|ões)|mill[oó]n(?:es)?|mi|m)?"
    r"(?: de)? ?(?:produtos? |productos? )?vendid[oa]s?\b",
    re.IGNORECASE,
)
SELLER = re.compile(r"(?:vendido (?:e entregue )?por|por)(?:\s+|$)", re.IGNORECASE)
OFFICIAL = re.compile(r"(?:loja|tienda) oficial\b", re.IGNORECASE)
LEAST_PURCHASE = re.compile(
    r"[.,;(]?\s*\b(?:(?:em |na )?(?:compra|pedido)s? (?:m[íi]nim[oa]|acima de|a partir de|de)|acima de|a partir de"
    r"|m[íi]nimo(?: de)?)\b",
    re.IGNORECASE,
)
AT_MOST = r"\b(?:at[ée]|hasta|limite(?: de)?|m[áa]x(?:\.|imo)?) ?"
"""What stands before the most that a percentage takes off."""
LONGEST = 200


def merged(*told: Facts) -> Facts:
    """What several readers tell together, the first of those that tell the same fact."""
    return reduce(Facts.filled_by, told, Facts())


def instalments(payment: Payment) -> Facts:
    """How it is paid for in instalments."""
    return Facts(
        installments_count=payment.installments_count,
        installment_cents=payment.installment_cents,
        interest_free=payment.interest_free,
    )


def shipping(texts: Iterable[str | None], note: str | None = None) -> Facts:
    """Free shipping by the texts of one card's or page's shipping.

    A promise with a limit in it ("acima de R$ 79") is none for this offer; for whom alone it holds ("por ser sua
    primeira compra") is kept with it.

    Args:
        note: what the page itself sets beside the promise as its condition.
    """
    known = [text for text in map(clean, texts) if text]
    promise = next((found for text in known if (found := FREE_SHIPPING.fullmatch(text))), None)
    if promise is None:
        return Facts()
    rest = promise["rest"]
    for_whom = FOR_WHOM.search(rest)
    if LIMIT.search(rest[: for_whom.start()] if for_whom else rest):
        return Facts()
    beside = next(
        (text for text in known if text != promise[0] and (FOR_WHOM.fullmatch(text) or LIMIT.search(text))), None
    )
    return Facts(free_shipping=True, free_shipping_note=clean(note) or (for_whom[0] if for_whom else beside))


def full(names: Iterable[object]) -> Facts:
    """Whether an icon's key or label is that of the shop's own warehouse."""
    return Facts(full=any(isinstance(name, str) and FULL.search(name) for name in names) or None)


def rating(told: object) -> Facts:
    """Stars, as a number or as a text ("4.8"); none is no rating."""
    text = clean(str(told)) if isinstance(told, int | float | str) and not isinstance(told, bool) else None
    if text is None or not RATING.fullmatch(text):
        return Facts()
    stars = Decimal(text.replace(",", "."))
    return Facts(rating_hundredths=int(stars * 100)) if 1 <= stars <= 5 else Facts()


def reviews(told: object) -> Facts:
    """How many people rated it, as a number or as "(3.170 avaliações)"."""
    text = clean(str(told)) if isinstance(told, int | str) and not isinstance(told, bool) else None
    found = REVIEWS.fullmatch(text or "")
    return Facts(reviews=_count(found[1])) if found else Facts()


def reviewed(text: str | None) -> Facts:
    """Stars, reviews and what was sold in one line.

    ``4.8 | +1000 vendidos`` · ``4.8 (348)`` · ``Classificação 4.8 de 5 estrelas. Mais de 1000 produtos vendidos.``
    """
    line = clean(text) or ""
    stars = SPOKEN_RATING.search(line) or SHOWN_RATING.match(line)
    told = [rating(stars["stars"])] if stars else []
    return merged(*told, *map(reviews, re.findall(r"\([^()]+\)", line)), sold(line))


def sold(text: str | None) -> Facts:
    """How many were sold, or more: "+10mil vendidos", "Novo | +1000 vendidos", "1 vendido"."""
    found = SOLD.findall(clean(text) or "")
    if len(found) != 1:
        return Facts()
    count, times = found[0]
    factor = 1 if not times else 1_000 if times.lower() == "mil" else 1_000_000
    is_decimal = re.fullmatch(r"[0-9]+[.,][0-9]{1,2}", count)
    number = Decimal(count.replace(",", ".")) if is_decimal else Decimal(_count(count))
    return Facts(sold_at_least=int(number * factor) or None)


def seller(text: str | None, marks: Iterable[object] = ()) -> Facts:
    """Who sells it ("Por adidas"), and whether that is an official store by its text or by the marks beside it."""
    name = clean(text)
    is_official = any(isinstance(mark, str) and (OFFICIAL.search(mark) or "cockade" in mark) for mark in marks)
    if name is not None:
        name = SELLER.sub("", name, count=1) if SELLER.match(name) else name
        if official := OFFICIAL.match(name):
            is_official, name = True, name[official.end() :].strip(" :-")
    return Facts(seller=name or None, official_store=is_official or None)


def badge(text: str | None, until: object = None) -> Facts:
    """What is said of the offer ("MAIS VENDIDO"), and until when it holds."""
    label = clean(text)
    return Facts(badge=label, badge_until=_instant(until)) if label else Facts()


def coupon(text: str | None, currency: str) -> Facts:
    """A coupon: its text, and what it takes off where that is one amount or one percentage; none without any figure.

    ``Cupom R$ 30 OFF`` · ``Cupom 5% OFF`` · ``10% OFF. Compra mínima R$ 259``
    """
    label = clean(text)
    if label is None or not re.search("[0-9]", label):
        return Facts()
    off, *rest = LEAST_PURCHASE.split(label, maxsplit=1)
    amount = written(currency)
    off = re.sub(rf"{AT_MOST}{amount.pattern}", "", off, flags=re.IGNORECASE)
    amounts, least = amount.findall(off), amount.findall(rest[0]) if rest else []
    return Facts(
        coupon_label=label,
        coupon_cents=_cents(amounts[0], currency) if len(amounts) == 1 and "%" not in off else None,
        coupon_pct=None if amounts else percent_in(off),
        coupon_min_cents=_cents(least[0], currency) if len(least) == 1 else None,
    )


def brand(text: str | None) -> Facts:
    """The brand as it is written."""
    return Facts(brand=clean(text))


def clean(text: str | None) -> str | None:
    """The text single-spaced and cut where no fact is as long; None without one."""
    single = " ".join(text[:LONGEST].split()) if isinstance(text, str) else ""
    return single or None


def _count(text: str) -> int:
    return int(re.sub(r"[.,]", "", text))


def _cents(text: str, currency: str) -> int | None:
    try:
        return parse_cents(text, currency=currency) or None
    except MoneyError:
        return None


def _instant(text: object) -> str | None:
    """A moment with its zone in UTC, as the page's state writes it (``2026-06-17T03:00:00Z``)."""
    try:
        return iso_utc(datetime.fromisoformat(text)) if isinstance(text, str) else None
    except (ValueError, OverflowError):
        return None
