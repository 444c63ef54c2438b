"""One amount of money on a page: its fraction and its cents, always from the same node.

    <s class="andes-money-amount andes-money-amount--previous" aria-label="Antes: 1949 reais com 05 centavos">
      <span class="andes-money-amount__fraction">1.949</span> … <span class="andes-money-amount__cents">05</span></s>

Whole amounts have no cents node; cents are never taken from a neighbour. The label for screen readers is a second
reading of the same amount: when both stand and differ, the amount is refused. So is one that shows other digits than
those of its two parts, or the symbol of a currency that is not known.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

from offers_cli.marketplaces.html import class_of, select, whole_text
from offers_cli.marketplaces.mercado_livre import selectors
from offers_cli.money import ALIASES, STYLES, MoneyError, cents_from_parts, parse_cents, spoken_cents

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selectolax.lexbor import LexborNode

    from offers_cli.marketplaces.mercado_livre.sites import Site

PERCENT = re.compile(r"(?<![0-9.,])([1-9][0-9]?)\s?%")
UP_TO = re.compile(r"\b(?:até|hasta|up to)\b", re.IGNORECASE)
FROM = re.compile(r"\b(?:a partir de|desde|from)\b", re.IGNORECASE)
FROM_NOTE = 'this is a "from" price'
PER_UNIT = re.compile(
    r"(?:/|por|o|a|el|la) ?(?:[0-9]+ ?)?"
    r"(?:kg|quilo|kilo|g|gramas?|ml|l|litro|m|metro|m²|m2|unidade?|un|pe[çc]a|pieza|par)\b|cada\b",
    re.IGNORECASE,
)
DIGIT = re.compile(r"[0-9]")
MARK = re.compile(r"[.,]")
INVISIBLE = re.compile(r"[\u200b-\u200d\u2060\ufeff]+")
NOT_A_SYMBOL = re.compile(rf"(?:[0-9.,\s]|{INVISIBLE.pattern})+")
BEFORE_DIGITS = re.compile(r"([^\s0-9]+)\s*(?=[0-9])")
SHOWN = re.compile(
    r"(?:[$€₡]|\b(?:S/|Bs|UF)\.?)\s*(?P<whole>[0-9]{1,3}(?:[.,][0-9]{3})+|[0-9]{1,12})"
    r"(?:\s*[.,]?\s*(?P<cents>[0-9]{2})(?![0-9]))?"
)
"""An amount in a text whose elements are set apart by blanks."""
MOST_SHOWN = 2000
WHOLE_CENTS = 100


def _symbols_of(currency: str) -> set[str]:
    """How a currency may be written, without points: ``{"S/", "PEN"}``."""
    return {symbol.rstrip(".") for symbol in (STYLES[currency].symbol, currency, *ALIASES.get(currency, ()))}


_NAMED = [(symbol, code) for code in STYLES for symbol in _symbols_of(code)]
_UNMISTAKABLE = {symbol: code for symbol, code in _NAMED if [symbol for symbol, _ in _NAMED].count(symbol) == 1}
"""The symbols of one currency only: ``US$``, and not ``$``."""


def read_amount(node: LexborNode, site: Site) -> int:
    """The cents of one amount.

    Raises:
        MoneyError: it holds no amount, several, two readings that differ, or a currency that is not known.
    """
    named_currency(node, site)
    spoken = _spoken(node)
    written = _written(node, site)
    if written is None:
        if spoken is None:
            raise MoneyError("no amount")
        return spoken
    if spoken is not None and spoken != written:
        raise MoneyError(f"written {written} but spoken {spoken}")
    return written


def is_surely_whole(node: LexborNode, site: Site) -> bool:
    """Whether an amount is spoken without cents, in a currency that has them.

    Figures alone may leave cents out; where they are said aloud too, and read alike, there are none.
    """
    spoken = _spoken(node)
    return spoken is not None and spoken % WHOLE_CENTS == 0 and STYLES[currency_of(node, site)].shows_cents


def raw_text(node: LexborNode) -> str:
    """The amount as it stands there, for people."""
    return "".join(whole_text(node).split()) or (node.attributes.get("aria-label") or "")


def named_currency(node: LexborNode, site: Site) -> str | None:
    """The currency that the symbol of one amount names; None where it shows no symbol.

    Raises:
        MoneyError: a symbol, or any other word, that is not known.
    """
    shown = _shown(node)
    symbol = NOT_A_SYMBOL.sub("", shown) if DIGIT.search(shown) else ""
    currency = _currency(symbol, site)
    if symbol and currency is None:
        raise MoneyError(f"{symbol[:20]!r} is no currency known here")
    return currency


def currency_of(node: LexborNode, site: Site) -> str:
    """The currency of the first amount in a node whose symbol is known, else the country's."""
    symbols = (found[1] for found in BEFORE_DIGITS.finditer(whole_text(node, separator=" ")))
    named = (_currency(symbol.rstrip("."), site) for symbol in symbols)
    return next(filter(None, named), site.currency)


def _currency(symbol: str, site: Site) -> str | None:
    return site.currency if symbol in _symbols_of(site.currency) else _UNMISTAKABLE.get(symbol)


def amounts_in(text: str) -> set[int]:
    """All that the amounts of a page's text may be, in hundredths; digits behind a whole part may be its cents."""
    found: set[int] = set()
    for amount in itertools.islice(SHOWN.finditer(INVISIBLE.sub("", text)), MOST_SHOWN):
        whole = int(re.sub(r"[.,]", "", amount["whole"])) * WHOLE_CENTS
        found |= {whole, whole + int(amount["cents"] or 0)}
    return found


def percent_in(text: str) -> int | None:
    """The one percentage of a discount label such as ``43% OFF no Pix``; None without one, with two, or "up to"."""
    found = PERCENT.findall(text)
    return int(found[0]) if len(found) == 1 and not UP_TO.search(text) else None


def _written(node: LexborNode, site: Site) -> int | None:
    fractions = select(node, selectors.FRACTION)
    if len(fractions) > 1:
        raise MoneyError("several amounts in one node")
    if fractions:
        return _from_parts(node, fractions[0], site)
    text = _joined(node)
    return _parse(text, node, site) if text else None


def _from_parts(node: LexborNode, fraction: LexborNode, site: Site) -> int:
    cents = select(node, selectors.CENTS)
    if len(cents) > 1:
        raise MoneyError("several cents in one node")
    if sum(bool(DIGIT.search(piece)) for piece in _pieces(fraction)) > 1:
        raise MoneyError("several parts in the whole part")
    parts = [whole_text(part) for part in (fraction, *cents)]
    shown = _shown(node)
    if DIGIT.findall(shown) != DIGIT.findall("".join(parts)):
        raise MoneyError(f"other digits than those of {' and '.join(parts)!r}")
    if parts[0] and not cents and MARK.search(shown.rpartition(parts[0])[2]):
        raise MoneyError(f"no cents behind the mark of {' '.join(shown.split())[:20]!r}")
    return cents_from_parts(parts[0], parts[1] if cents else None, decimal_mark=_decimal_mark(node, site))


def _decimal_mark(node: LexborNode, site: Site) -> str:
    classes = class_of(node)
    if selectors.CENTS_AFTER_A_POINT in classes:
        return "."
    return "," if selectors.CENTS_AFTER_A_COMMA in classes else site.decimal_mark


def _parse(text: str, node: LexborNode, site: Site) -> int:
    currency = named_currency(node, site) or site.currency
    return parse_cents(text, currency=currency, decimal_mark=_decimal_mark(node, site))


def _pieces(node: LexborNode) -> Iterator[str]:
    """The node's texts, each as it stands in an element of its own, without the empty ones."""
    return filter(None, (piece.strip() for piece in whole_text(node, separator="\0").split("\0")))


def _joined(node: LexborNode) -> str:
    """The node's texts in one, unless digits of two of them would run together."""
    pieces = list(_pieces(node))
    for before, after in itertools.pairwise(pieces):
        if before[-1].isdigit() and after[0].isdigit():
            raise MoneyError(f"no separator between {before!r} and {after!r}")
    return "".join(pieces)


def _aloud(node: LexborNode) -> list[str]:
    """The texts of the node that only screen readers say; the mark between whole part and cents is none."""
    texts = (whole_text(part) for part in select(node, selectors.SAID_ALOUD))
    return [text for text in texts if DIGIT.search(text)]


def _shown(node: LexborNode) -> str:
    """The text of the node without what is only said aloud."""
    text = whole_text(node)
    for hidden in _aloud(node):
        text = text.replace(hidden, "", 1)
    return text


def _spoken(node: LexborNode) -> int | None:
    labels = [label for part in select(node, "[aria-label]") if (label := part.attributes.get("aria-label"))]
    labels = labels or _aloud(node)
    if len(labels) != 1:
        return None
    try:
        return spoken_cents(labels[0])
    except MoneyError:  # labels in a wording not known yet are no reading, and no contradiction either
        return None
