"""One amount of money on a page: its fraction and its cents, always from the same node.

    <s class="andes-money-amount andes-money-amount--previous" aria-label="Antes: 1949 reais com 05 centavos">
      <span class="andes-money-amount__fraction">1.949</span> … <span class="andes-money-amount__cents">05</span></s>

Whole amounts have no cents node; cents are never taken from a neighbour. The label for screen readers is a second
reading of the same amount: when both stand and differ, the amount is refused.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

from offers_cli.marketplaces.html import class_of, select
from offers_cli.marketplaces.mercado_livre import selectors
from offers_cli.money import MoneyError, cents_from_parts, parse_cents, spoken_cents

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

    from offers_cli.marketplaces.mercado_livre.sites import Site

PERCENT = re.compile(r"(?<![0-9.,])([1-9][0-9]?)\s?%")
UP_TO = re.compile(r"\b(?:até|hasta|up to)\b", re.IGNORECASE)
DOLLAR = re.compile(r"\b(?:US\$|U\$S|USD)", re.ASCII)
FROM = re.compile(r"\b(?:a partir de|desde|from)\b", re.IGNORECASE)
FROM_NOTE = 'this is a "from" price'


def read_amount(node: LexborNode, site: Site) -> int:
    """The cents of one amount.

    Raises:
        MoneyError: it holds no amount, several, or two readings that differ.
    """
    spoken = _spoken(node)
    written = _written(node, site, is_spoken=spoken is not None)
    if written is None:
        if spoken is None:
            raise MoneyError("no amount")
        return spoken
    if spoken is not None and spoken != written:
        raise MoneyError(f"written {written} but spoken {spoken}")
    return written


def raw_text(node: LexborNode) -> str:
    """The amount as it stands there, for people."""
    return "".join(node.text(deep=True).split()) or (node.attributes.get("aria-label") or "")


def currency_of(node: LexborNode, site: Site) -> str:
    """The currency of an amount: dollars where it says so, else the country's."""
    return "USD" if DOLLAR.search(node.text(deep=True)) else site.currency


def percent_in(text: str) -> int | None:
    """The one percentage of a discount label such as ``43% OFF no Pix``; None without one, with two, or "up to"."""
    found = PERCENT.findall(text)
    return int(found[0]) if len(found) == 1 and not UP_TO.search(text) else None


def _written(node: LexborNode, site: Site, *, is_spoken: bool) -> int | None:
    fractions = select(node, selectors.FRACTION)
    if len(fractions) > 1:
        raise MoneyError("several amounts in one node")
    if fractions:
        cents = select(node, selectors.CENTS)
        if len(cents) > 1:
            raise MoneyError("several cents in one node")
        return cents_from_parts(fractions[0].text(deep=True), cents[0].text(deep=True) if cents else None)
    text = _joined(node)
    return None if is_spoken and not text else _parse(text, node, site)


def _parse(text: str, node: LexborNode, site: Site) -> int:
    classes = class_of(node)
    mark = site.decimal_mark
    if selectors.CENTS_AFTER_A_POINT in classes:
        mark = "."
    elif selectors.CENTS_AFTER_A_COMMA in classes:
        mark = ","
    return parse_cents(text, currency=currency_of(node, site), decimal_mark=mark)


def _joined(node: LexborNode) -> str:
    """The node's texts in one, unless digits of two of them would run together."""
    pieces = [piece.strip() for piece in node.text(deep=True, separator="\0").split("\0")]
    pieces = [piece for piece in pieces if piece]
    for before, after in itertools.pairwise(pieces):
        if before[-1].isdigit() and after[0].isdigit():
            raise MoneyError(f"no separator between {before!r} and {after!r}")
    return "".join(pieces)


def _spoken(node: LexborNode) -> int | None:
    labels = [label for part in node.css("[aria-label]") if (label := part.attributes.get("aria-label"))]
    if len(labels) != 1:
        return None
    try:
        return spoken_cents(labels[0])
    except MoneyError:  # labels in a wording not known yet are no reading, and no contradiction either
        return None
