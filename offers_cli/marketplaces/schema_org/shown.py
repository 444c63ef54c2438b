"""The amounts of money that a page shows to people, beside what its data say for machines.

Data for machines are written by programs that nobody looks at: they name a list price while the page sells for less,
one instalment, or thousands as decimals. So the amounts of the page's own visible part are read too, with what stands
around them: struck ones, instalments, thresholds and savings are never the price. Carousels, links to other products,
headers and footers are not the page's own part.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import islice
from typing import TYPE_CHECKING

from offers_cli.marketplaces.evidence import agree
from offers_cli.marketplaces.html import Document, class_of, lineage, select, tree_of
from offers_cli.money import STYLES, MoneyError, currency_code, parse_cents

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

    from offers_cli.marketplaces.tree import Tree

INLINE = {
    *("a", "abbr", "b", "bdi", "bdo", "data", "del", "em", "font", "i", "ins", "label", "mark", "s", "small"),
    *("span", "strike", "strong", "sub", "sup", "u", "var"),
}
UNSEEN = {"script", "style", "noscript", "template", "head", "svg", "iframe", "textarea", "title"}
FOREIGN_TAGS = {"header", "footer", "nav"}
STRUCK_TAGS = {"s", "del", "strike"}
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_LINE_THROUGH = re.compile(r"line-through", re.IGNORECASE)
_FOREIGN = re.compile(
    r"related|similar|recommend|recomend|carousel|carrossel|carrusel|slick|swiper|up-?sell|cross-?sell|viewed|vistos"
    r"|shelf|prateleira|vitrine|showcase|bundle|mini-?cart|cart-?drawer|newsletter|review|comment|faq"
    r"|(?:^|\s)(?:product-(?:card|item|list|grid|tile)|(?:card|item)-product|products-grid|grid-item)(?:\s|$)",
    re.IGNORECASE,
)
_OLD = re.compile(
    r"(?:^|[^a-z])(?:old|was|original|previous|before|anterior|antigo|antes|strik\w*|line-?through|crossed"
    r"|compare|msrp|rrp|list-?price|price-?list|preco-?de|de-?price)(?![a-z])|oldprice|listprice|compareat|striked",
    re.IGNORECASE,
)
SEAM = "\u2060"
"""Stands between the texts of two elements on one line."""
_SWALLOWED = {"\n": f"\n {SEAM}", " ": f" {SEAM}", SEAM: SEAM}
"""What is left out behind each of them."""
_CODES = "|".join([*STYLES, "GBP", "CZK", "PLN", "CHF", "SEK", "NOK", "DKK", "CAD", "AUD", "NZD", "JPY", "INR"])
_SYMBOL = rf"(?:R\$|RD\$|US\$|U\$S|C\$|\$U|\$|S/\.?|€|£|₡|₲|₹|¥|Bs\.?|Kč|zł|{_CODES})"
_GROUPED = rf"[0-9]{{1,3}}(?:{SEAM}*[.,'’ ]{SEAM}*[0-9]{{3}}(?![0-9])){{1,4}}(?![.,][0-9]{{3}})"
_DECIMALS = rf"{SEAM}*(?P<mark>[.,]){SEAM}*(?P<cents>[0-9]{{1,2}})(?![0-9])|{SEAM}+(?P<raised>[0-9]{{2}})(?![0-9])"
_AMOUNT = re.compile(
    rf"(?:(?<![\w.,])|(?<=[0-9]x))(?:(?P<symbol>{_SYMBOL})[{SEAM} ]{{0,4}})?"
    rf"(?<![0-9])(?P<whole>{_GROUPED}|[0-9]{{1,12}})(?:{_DECIMALS})?(?![0-9])"
    rf"(?:[{SEAM} ]{{0,3}}(?P<behind>{_SYMBOL})(?!\w|[{SEAM} ]{{0,4}}[0-9]))?"
)
_AROUND = 60

_ASIDE_BEFORE = re.compile(
    r"(?:^|[^\w])(?:[àa] partir de|desde|from|starting at|beginning at|as low as|ab|od"
    r"|acima de|superior(?:es)? a|mais de|m[áa]s de|over|above|spend|m[ií]nim[oa](?: de)?"
    r"|compras?(?: de)?|pedidos?(?: de)?"
    r"|economi\w+|ahorr\w+|(?:you )?save|desconto(?: de)?|descuento(?: de)?|cashback(?: de)?|ganhe|receba"
    r"|cr[ée]dito(?: de)?|credit(?: of)?|cupom(?: de)?|cup[óo]n(?: de)?|coupon(?: of)?"
    r"|frete|env[ií]o|entrega|shipping|delivery|juros(?: de)?|taxa(?: de)?"
    r"|[0-9]+ ?(?:x|×|vezes|parcelas?|cuotas?|meses|mensualidades|payments?|pagos?)(?: sem juros)?(?: de| of)?"
    r"|(?:parcelas?|cuotas?) de) ?:? ?$",
    re.IGNORECASE,
)
_FROM_ABOVE = re.compile(
    r"(?:^|\n) ?(?:[aà] partir de|desde|from|starting (?:at|from)|beginning at|as low as) ?:? ?\n ?$", re.IGNORECASE
)
_ASIDE_BEHIND = re.compile(
    r"^ ?(?:/|por |per |ao |a |na |p/)? ?"
    r"(?:m[êe]s|month|mo|semana|week|ano|year|dia|day|kg|kilo|100 ?g|litro|unidade|un|m²)(?!\w)"
    r"|^ ?(?:mensa(?:l|is|les)|monthly|měsíčně)\b|^ ?(?:off|de desconto|de descuento|de volta|(?:de )?cashback)\b",
    re.IGNORECASE,
)
_OLD_BEFORE = re.compile(r"(?:^|\n) ?(?:de|antes|was|era) ?:? ?$|[^\w](?:antes|was) ?:? ?$", re.IGNORECASE)
_LISTED_BEFORE = re.compile(
    r"(?:^|[^\w])(?:before|list price|rrp|msrp|pvp|est\.? value|retail(?: price)?|regular price|compare at"
    r"|original price"
    r"|pre[çc]o (?:normal|original|antigo|de tabela|cheio|anterior)|valor original"
    r"|precio (?:normal|regular|anterior|de lista|original))\s?:?\s*$",
    re.IGNORECASE,
)
_PIX_BEHIND = re.compile(
    r"^[\s,(\-–]{0,4}(?:[àa] vista\s)?(?:(?:n[oa]|via|com|pelo|por|em)\s)?(?:o\s)?pix\b"
    r"(?!\s*(?:ou|e|/)\s(?!\s*(?:por\s)?(?:R\$|US\$|\$)))",  # "no Pix ou cartão", but "no Pix ou R$ 92,00 em 3x"
    re.IGNORECASE,
)
_PIX_BEFORE = re.compile(
    r"(?:^|\n) ?(?:[àa] vista )?(?:n[oa] |via |com |pelo |por )?pix ?[:\-–]? ?(?:por )?$", re.IGNORECASE
)
_CARD_BEHIND = re.compile(
    r"^[\s,(\-–]{0,4}(?:n[oa] (?:cart[ãa]o|cr[ée]dito)|em (?:at[ée] )?[0-9]+ ?x)\b", re.IGNORECASE
)
_MOST_APART = 200
"""How many characters may lie between a price and the struck one beside it."""
_MOST_AMOUNTS, _MOST_NUMBERS = 500, 20_000
_LONGEST_NAMES = 2000
_CHARACTERS_A_STEP = 4
"""So many characters of names are compared with what prices and other products are called in a step."""
_STEPS_OF_A_NODE, _STEPS_OF_AN_AMOUNT = 10, 40
_PRICED = re.compile(r"price|pre[çc]o|precio|valor", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Amount:
    """One amount that the page shows.

    Attributes:
        text: as it stands there.
        start, end: where it stands in the text of the page's own part.
        cents: what it certainly is, in hundredths; None where its marks can be read two ways.
        readings: everything it may be.
        is_foreign: its symbol is that of another currency.
        is_money: a currency stands beside it, or its element is named a price.
        is_struck: struck through.
        is_old: a class, or a word before it, says that it is a former price.
        is_listed: a word before it says that it is the usual one.
        is_aside: an instalment, a threshold, a saving, a price for a month or a kilogram.
    """

    text: str
    start: int
    end: int
    cents: int | None
    readings: frozenset[int]
    is_foreign: bool
    is_money: bool
    is_struck: bool
    is_old: bool
    is_listed: bool
    is_aside: bool
    is_hidden: bool


@dataclass(frozen=True, slots=True)
class _Place:
    is_price: bool = False
    is_struck: bool = False
    is_old: bool = False
    is_hidden: bool = False


@dataclass
class _Text:
    """The text of the page's own part, and in which place each piece of it stands."""

    pieces: list[str] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    places: list[_Place] = field(default_factory=list)
    length: int = 0

    def add(self, text: str, place: _Place) -> None:
        """One more piece; of blanks and line ends that meet one is left."""
        last = self.pieces[-1][-1] if self.pieces else "\n"
        text = text.lstrip(_SWALLOWED.get(last, ""))
        if text:
            self.pieces.append(text)
            self.starts.append(self.length)
            self.places.append(place)
            self.length += len(text)

    def place_at(self, position: int) -> _Place:
        return self.places[bisect_right(self.starts, position) - 1]


@cache
def _instalments(symbol: str) -> re.Pattern[str]:
    amount = rf"{re.escape(symbol)} ?[0-9.,]*[0-9]"
    return re.compile(
        rf"(?:(?!{re.escape(symbol)}).){{0,60}}?(?:\bou (?P<total>{amount}) )?(?:\bou )?(?:em )?(?:at[ée] )?"
        rf"\b(?P<count>[0-9]{{1,2}}) ?x(?: de)? ?(?P<each>{amount})(?P<free> sem juros)?",
        re.IGNORECASE,
    )


@dataclass(frozen=True, slots=True)
class Instalments:
    """What a page says beside its price of paying by card; amounts in hundredths.

    Attributes:
        total_cents: what a card pays in all, where that is written out.
    """

    total_cents: int | None
    count: int
    each_cents: int
    is_free: bool


class Shown:
    """The amounts of a page's own visible part, of a currency that its data name."""

    def __init__(self, document: Document, currency: str | None) -> None:
        text = _own_text(document)
        self._text = "".join(text.pieces)
        self.amounts = list(islice(self._read(text, currency, document.tree), _MOST_AMOUNTS))

    def _read(self, text: _Text, currency: str | None, tree: Tree) -> Iterator[Amount]:
        for found in islice(_AMOUNT.finditer(self._text), _MOST_NUMBERS):
            code = currency_code(found["symbol"] or found["behind"] or "")
            place = text.place_at(found.start("whole"))
            has_marks = not found["whole"].isdigit() or bool(found["cents"])
            is_money = bool(found["symbol"] or found["behind"]) or (place.is_price and has_marks)
            if not (is_money or place.is_price or found["cents"]):
                continue
            tree.spend(_STEPS_OF_AN_AMOUNT)
            readings, before, behind = _readings(found), self._before(found.start()), self._behind(found.end())
            if readings == {0} or behind.lstrip().startswith("%"):
                continue
            yield Amount(
                text=" ".join(found[0].replace(SEAM, "").split()),
                start=found.start(),
                end=found.end(),
                cents=_certain(found, currency),
                readings=frozenset(readings),
                is_foreign=None not in {code, currency} and code != currency,
                is_money=is_money,
                is_struck=place.is_struck,
                is_old=place.is_old or _OLD_BEFORE.search(before) is not None,
                is_listed=_LISTED_BEFORE.search(before) is not None,
                is_aside=_is_aside(before, behind),
                is_hidden=place.is_hidden,
            )

    def _before(self, start: int) -> str:
        return self._text[max(0, start - _AROUND) : start].replace(SEAM, "")

    def _behind(self, end: int) -> str:
        return self._text[end : end + _AROUND].replace(SEAM, "")

    @cached_property
    def _least(self) -> int | None:
        """The lowest amount that nothing says to be anything but a price."""
        plain = (amount for amount in self.amounts if amount.is_money and not _is_special(amount))
        return min((min(amount.readings) for amount in plain), default=None)

    def _is_former(self, amount: Amount) -> bool:
        """Struck; or old by class or word, where a lower amount stands there for the price."""
        is_above = self._least is not None and self._least < max(amount.readings)
        return amount.is_struck or ((amount.is_old or amount.is_listed) and is_above)

    @cached_property
    def prices(self) -> list[Amount]:
        """Amounts that may be the price, in page order."""
        return [a for a in self.amounts if a.is_money and not a.is_aside and not a.is_hidden and not self._is_former(a)]

    @cached_property
    def certain(self) -> frozenset[int]:
        """What those certainly are, in hundredths."""
        return frozenset(a.cents for a in self.prices if a.cents is not None and not a.is_foreign)

    def contradict(self, cents: int) -> bool:
        """Whether the page shows other amounts for the price than this one, or this one for something else only."""
        same = [amount for amount in self.amounts if not amount.is_foreign and _may_be(amount, cents)]
        if any(not amount.is_aside and not self._is_former(amount) for amount in same):
            return False
        return bool(self.prices or same)

    def old_price(self, cents: int) -> Amount | None:
        """The struck amount beside the first place of the price that has one; None where two are."""
        shown = [a for a in self.amounts if a.is_money and not a.is_aside and not a.is_hidden]
        for place, amount in enumerate(shown):
            if amount.cents is None or not agree(amount.cents, cents) or amount.is_foreign or self._is_former(amount):
                continue
            beside = [*shown[max(0, place - 1) : place], *shown[place + 1 : place + 2]]
            near = [a for a in beside if max(a.start - amount.end, amount.start - a.end) <= _MOST_APART]
            struck = [a for a in near if (a.is_struck or a.is_old) and not a.is_foreign]
            former = {a.cents: a for a in struck if a.cents is not None and a.cents > cents}
            if former:
                return next(iter(former.values())) if len(former) == 1 else None
        return None

    def instalments(self, cents: int, currency: str) -> Instalments | None:
        """What stands right behind the first place of the price: "ou R$ 195,62 em 3x de R$ 65,21 sem juros".

        None where the instalments do not add up to the total, or, without one, to the price.
        """
        own = next((a for a in self.prices if a.cents is not None and agree(a.cents, cents)), None)
        if own is None or currency not in STYLES:
            return None
        behind = " ".join(self._text[own.end : own.end + 3 * _AROUND].replace(SEAM, " ").split())
        found = _instalments(STYLES[currency].symbol).match(behind)
        if found is None:
            return None
        try:
            each = parse_cents(found["each"], currency=currency)
            total = parse_cents(found["total"], currency=currency) if found["total"] else None
        except MoneyError:
            return None
        count, is_free = int(found["count"]), found["free"] is not None
        excess = count * each - (cents if total is None else total)
        fits = abs(excess) <= count if is_free or total is None else excess >= -count
        return Instalments(total, count, each, is_free) if count > 1 and fits else None

    def is_by_pix(self, cents: int) -> bool:
        """Whether the page says right beside the price, wherever it shows it so, that it holds by Pix only."""
        own = [a for a in self.prices if a.cents is not None and agree(a.cents, cents)]
        by_pix = [
            a for a in own if _PIX_BEHIND.search(self._behind(a.end)) or _PIX_BEFORE.search(self._before(a.start))
        ]
        return bool(by_pix) and not any(_CARD_BEHIND.search(self._behind(a.end)) for a in own)


def _is_aside(before: str, behind: str) -> bool:
    """Whether the words around an amount say that it is something else than a price."""
    same_line = before.rpartition("\n")[2]
    return bool(_ASIDE_BEFORE.search(same_line) or _FROM_ABOVE.search(before) or _ASIDE_BEHIND.search(behind))


def _may_be(amount: Amount, cents: int) -> bool:
    """Whether an amount is that one, or rounded to it; a number without a currency only where it is the very same."""
    return cents in amount.readings or (amount.is_money and any(agree(reading, cents) for reading in amount.readings))


def _is_special(amount: Amount) -> bool:
    return amount.is_struck or amount.is_old or amount.is_listed or amount.is_aside or amount.is_hidden


def _readings(found: re.Match[str]) -> set[int]:
    """Everything that an amount may be, in hundredths."""
    whole, cents, raised = found["whole"].replace(SEAM, ""), found["cents"], found["raised"]
    units = int(re.sub(r"[^0-9]", "", whole))
    if cents is not None:
        return {units * 100 + int(cents.ljust(2, "0"))}
    if raised is not None:
        return {units * 100 + int(raised), int(f"{units}{raised}") * 100}
    groups = re.split(r"[^0-9]", whole)
    decimals = (
        {int(groups[0]) * 100 + int(groups[1][:2])} if len(groups) == 2 and not groups[1][2:].strip("0") else set()
    )
    return {units * 100} | decimals


def _certain(found: re.Match[str], currency: str | None) -> int | None:
    """What an amount is by its marks, or by those of its currency; None where they can be read two ways."""
    if found["raised"] is not None:
        return None
    marks = set(re.sub(rf"[0-9{SEAM}]", "", found["whole"]))
    readings = _readings(found)
    units = max(readings)
    if found["cents"] is not None:
        return None if len(marks) > 1 or found["mark"] in marks or len(found["cents"]) == 1 else units
    if len(marks) > 1:
        return None
    if marks <= {" ", "'", "’"} or len(re.split(r"[.,]", found["whole"])) > 2:
        return units
    style = STYLES.get(currency or "")
    return units if style and marks == {style.thousands_mark} else None


def _own_text(document: Document) -> _Text:
    """The text of the page's own part, a line for each block."""
    text = _Text()
    if (body := document.tree.body) is None:
        return text
    holds_heading = places_around_headings(document)
    waiting: list[tuple[LexborNode | None, _Place, str]] = [(body, _Place(), "")]
    while waiting:
        node, place, closing = waiting.pop()
        if closing:
            text.add(closing, place)
        if node is None:
            continue
        document.tree.spend(_STEPS_OF_A_NODE)
        if node.is_text_node:
            if shown := re.sub(r"\s+", " ", (node.text_content or "").replace(SEAM, "")):
                text.add(shown, place)
            continue
        if not node.is_element_node or node.tag in UNSEEN or _is_foreign(node, holds_heading):
            continue
        inner = _place_of(node, place)
        edge = SEAM if node.tag in INLINE else "\n"
        waiting.append((None, place, edge))
        waiting += [(child, inner, "") for child in reversed(list(node.iter(include_text=True)))]
        text.add(edge, inner)
    return text


def places_around_headings(document: Document) -> set[int]:
    """The elements around the headings, by their ids in memory: the own part, whatever they are called."""
    headings = select(document.tree, "h1", most=20)
    return {place.mem_id for heading in headings for place in lineage(heading)}


def is_elsewhere(node: LexborNode, around_headings: set[int]) -> bool:
    """Whether a node stands among other products, in a link, or in the shop's header or footer."""
    known = tree_of(node).verdicts["is elsewhere"]
    path, is_foreign = [], False
    for place in lineage(node):
        if place.mem_id in known:
            is_foreign = known[place.mem_id]
            break
        path.append(place.mem_id)
        if _is_foreign(place, around_headings):
            is_foreign = True
            break
    known.update(dict.fromkeys(path, is_foreign))
    return is_foreign


def _is_foreign(node: LexborNode, around_headings: set[int]) -> bool:
    if node.mem_id in around_headings or node.tag in {"body", "main"}:
        return False
    if node.tag in FOREIGN_TAGS or (node.tag == "a" and _leads_elsewhere(node)):
        return True
    return _FOREIGN.search(_names(node)) is not None


def _leads_elsewhere(link: LexborNode) -> bool:
    address = link.attributes.get("href") or ""
    return bool(address) and not address.startswith(("#", "javascript:"))


def _names(node: LexborNode) -> str:
    attributes = node.attributes
    names = f"{class_of(node)} {attributes.get('id') or ''} {attributes.get('data-testid') or ''}"[:_LONGEST_NAMES]
    tree_of(node).spend(len(names) // _CHARACTERS_A_STEP)
    return names


def _place_of(node: LexborNode, around: _Place) -> _Place:
    attributes = node.attributes
    style = (attributes.get("style") or "")[:_LONGEST_NAMES]
    return _Place(
        is_price=_PRICED.search(f"{_names(node)} {attributes.get('itemprop') or ''}") is not None
        or (around.is_price and node.tag in INLINE),
        is_struck=around.is_struck or node.tag in STRUCK_TAGS or _LINE_THROUGH.search(style) is not None,
        is_old=around.is_old or (node.tag not in {"body", "main"} and _OLD.search(_names(node)) is not None),
        is_hidden=around.is_hidden or "hidden" in attributes or _HIDDEN.search(style) is not None,
    )
