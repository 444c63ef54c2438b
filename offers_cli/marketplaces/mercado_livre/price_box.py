"""The own price box of a product page, told apart from everything else on it that looks like a price.

The rule that held on every capture from 2024 to 2026: the box is the only ``.ui-pdp-price--size-large``, which holds
the page's only ``meta[itemprop=price]``. Recommendations stand before it in the page and hold most previous prices;
other sellers' boxes have the same class without the size; instalments and card prices stand in its subtitles.
Trimmed pages keep the marked-up price alone, without the box: then its nearest surroundings are the box.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offers_cli.marketplaces.evidence import Evidence
from offers_cli.marketplaces.html import (
    Document,
    class_of,
    first,
    is_marked_below,
    lineage,
    nearest,
    outermost,
    pieces_in,
    select,
    text_of,
    tree_of,
)
from offers_cli.marketplaces.mercado_livre import selectors
from offers_cli.marketplaces.mercado_livre.amounts import (
    FROM,
    FROM_NOTE,
    PER_UNIT,
    is_surely_whole,
    named_currency,
    percent_in,
    raw_text,
    read_amount,
)
from offers_cli.marketplaces.mercado_livre.facts import instalments
from offers_cli.marketplaces.mercado_livre.payment import NAMED, NOTHING, condition_of, payment_in_node
from offers_cli.money import MoneyError, cents_from_number
from offers_cli.offer import PriceCondition

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

    from offers_cli.marketplaces.mercado_livre.sites import Site
    from offers_cli.marketplaces.tree import Tree

PERCENT_OFF = re.compile(r"[0-9]{1,2} ?% ?(?:OFF|de desconto|de descuento)", re.IGNORECASE)
BEGINNING = re.compile(rf"{FROM.pattern}\W*$", re.IGNORECASE)
EACH_OF_MANY = re.compile(r"\b[0-9]{1,2} ?x(?: de)?\W*$", re.IGNORECASE)
ONE_OF_MANY = re.compile(r"x ?[0-9]{1,2}\b|(?:/|por|ao|al|cada)? ?m[êe]s\b|mensa(?:l|is|les)\b", re.IGNORECASE)
AND_MORE = re.compile(r"\b(?:em diante|en adelante)\b", re.IGNORECASE)
INSTALMENT_NOTE, SEVERAL_NOTE, UNIT_NOTE = "this is an instalment", "several amounts that differ", "a price per unit"
NO_OWN_PRICE = {
    FROM_NOTE: 'a "from" price, not its own',
    INSTALMENT_NOTE: "an instalment instead of its price",
    UNIT_NOTE: UNIT_NOTE,
}
"""What a box shows in the place of the price, by the note of its candidate."""
NOT_SHOWN = {"s", "del", "script", "style", "template", "noscript", "-comment"}
STRUCK = re.compile(r"previous|original-value")
WORDS_BEFORE = 80
MOST_SIBLINGS = 50
MARKS_ELSEWHERE = "h1, img, form, input, button, a[href]"
MOST_STEPS_UP = 6
"""No capture needs more than three (a wrapper, the line, the box); further up stand columns with prices of others."""


@dataclass(frozen=True, slots=True)
class PriceBox:
    """Where the own price stands.

    Attributes:
        scope: the box, in which the previous price and the discount are looked for.
        amount: the node of the price itself.
        anchor: the node that marks it up for machines; None where there is none.
    """

    scope: LexborNode
    amount: LexborNode | None
    anchor: LexborNode | None


def main_nodes(nodes: Iterable[LexborNode]) -> Iterator[LexborNode]:
    """Those that do not belong to another offer; what surrounds the page's own heading never makes it so."""
    for node in nodes:
        known = tree_of(node).verdicts["is main"]
        path, is_main = [], True
        for place in lineage(node):
            if place.mem_id in known:
                is_main = known[place.mem_id]
                break
            path.append(place.mem_id)
            if selectors.OTHER_OFFERS.search(class_of(place)):
                is_main = first(place, "h1") is not None
                break
        known.update(dict.fromkeys(path, is_main))
        if is_main:
            yield node


def find_price_boxes(tree: Tree) -> list[PriceBox]:
    """The page's own price boxes: one, or none, or several on a page that cannot be trusted."""
    boxes = list(main_nodes(select(tree, selectors.OWN_BOX)))
    if boxes:
        marks = [first(box, selectors.PRICE_META) or first(box, selectors.ANCHOR) for box in boxes]
        return [
            PriceBox(box, _amount_of(anchor) if anchor else _first_amount(box), anchor)
            for box, anchor in zip(boxes, marks, strict=True)
        ]
    found: dict[int, tuple[LexborNode, PriceBox]] = {}
    # Of several marks of one amount, the `meta` holds the number.
    for anchor in sorted(main_nodes(select(tree, selectors.ANCHOR)), key=lambda node: node.tag != "meta"):
        box, amount = nearest(anchor, {selectors.BOX_CLASS}), _amount_of(anchor)
        place = box or amount or anchor
        found.setdefault(place.mem_id, (anchor, PriceBox(box or _surroundings(amount or anchor), amount, anchor)))
    # Of an anchor within an anchor (the offer, and its price), the inner one counts.
    outer = {above.mem_id for anchor, _ in found.values() for above in list(lineage(anchor))[1:]}
    return [box for anchor, box in found.values() if anchor.mem_id not in outer]


def _amount_of(anchor: LexborNode) -> LexborNode | None:
    return (nearest(anchor, selectors.AMOUNT_CLASSES) or anchor.parent) if anchor.tag == "meta" else anchor


def _first_amount(box: LexborNode) -> LexborNode | None:
    return next((amounts[0] for amounts in _own_amounts(box)), None)


def _own_amounts(box: LexborNode) -> Iterator[list[LexborNode]]:
    """What may be the price, in each line of a box and then in all of it, where there is any."""
    old = {node.mem_id for node in select(box, selectors.OLD_PRICE)}
    for place in (*select(box, f".{selectors.LINE_CLASS}"), box):
        amounts = outermost(_select_priced(place, selectors.AMOUNT, box))
        if own := [node for node in amounts if not any(above.mem_id in old for above in lineage(node))]:
            yield own


def _select_priced(place: LexborNode, selector: str, scope: LexborNode) -> list[LexborNode]:
    """What is found at a place, without instalments, coupons and the like that stand in the scope beside the price."""
    return [node for node in select(place, selector) if not is_marked_below(node, scope, selectors.NOT_THE_PRICE)]


def _surroundings(node: LexborNode) -> LexborNode:
    """The widest part around a price that holds nothing but prices."""
    widest = node
    for place in list(lineage(node))[1:MOST_STEPS_UP]:
        if place.tag in {"body", "html"} or first(place, MARKS_ELSEWHERE) is not None:
            break
        widest = place
    return widest


def gather(evidence: Evidence, document: Document, site: Site) -> None:
    """Add what the page's own box says of price, old price, discount and payment to the evidence.

    Of a page that was cut off, the box in which it ends says nothing: the price may lack its cents or its condition.
    """
    for box in find_price_boxes(document.tree):
        if document.ends_in(box.scope):
            continue
        _gather_price(evidence, box, site)
        _gather_old(evidence, box, document.tree, site)
        _gather_label(evidence, box)
        _gather_payment(evidence, box, document.tree, site)


def _gather_price(evidence: Evidence, box: PriceBox, site: Site) -> None:
    amount, anchor = box.amount, box.anchor
    if amount is not None and amount.tag != "meta":
        if note := _why_not_the_price(amount):
            evidence.add("price_cents", "dom", text_of(box.scope), None, note)
        elif anchor is None and _differ(next(_own_amounts(box.scope), []), site):
            evidence.add("price_cents", "dom", text_of(box.scope), None, SEVERAL_NOTE)
        else:
            evidence.add_price("price_cents", "dom", raw_text(amount), lambda: read_amount(amount, site))
            _gather_currency(evidence, amount, site)
            if is_surely_whole(amount, site):
                evidence.whole.add("price_cents")
    content = anchor.attributes.get("content") if anchor is not None else None
    if content is not None:
        evidence.add_price("price_cents", "microdata", content, lambda: cents_from_number(content.strip()))


def _why_not_the_price(amount: LexborNode) -> str:
    """What the words around an amount, or its label, say that it is instead of the price; empty where nothing."""
    label = amount.attributes.get("aria-label") or ""
    before = _words_before(amount)
    if BEGINNING.search(before) or FROM.search(label):
        return FROM_NOTE
    line = nearest(amount, {selectors.LINE_CLASS}) or amount.parent
    beside = _words_beside(line) if line is not None else ""
    if FROM.search(text_of(line)) or AND_MORE.search(beside):
        return FROM_NOTE
    if EACH_OF_MANY.search(before) or ONE_OF_MANY.match(beside):
        return INSTALMENT_NOTE
    return UNIT_NOTE if PER_UNIT.match(beside) else ""


def _words_before(node: LexborNode) -> str:
    """The end of what the page shows before a node, struck amounts left out."""
    words = ""
    for place in lineage(node):
        sibling = place.prev
        for _ in range(MOST_SIBLINGS):
            if sibling is None or len(words) >= WORDS_BEFORE:
                break
            is_struck = sibling.is_element_node and STRUCK.search(class_of(sibling))
            if sibling.tag not in NOT_SHOWN and not is_struck:
                words = f"{text_of(sibling)} {words}".strip()
            sibling = sibling.prev
    return words[-WORDS_BEFORE:]


def _differ(amounts: list[LexborNode], site: Site) -> bool:
    """Whether those of the amounts that can be read are not all the same."""
    readable = set()
    for amount in amounts:
        with suppress(MoneyError):
            readable.add(read_amount(amount, site))
    return len(readable) > 1


def _gather_currency(evidence: Evidence, amount: LexborNode, site: Site) -> None:
    try:
        evidence.add_text("currency", "dom", named_currency(amount, site))
    except MoneyError as exc:
        evidence.add("currency", "dom", raw_text(amount), None, str(exc))


def _gather_old(evidence: Evidence, box: PriceBox, tree: Tree, site: Site) -> None:
    nodes = outermost(_select_priced(box.scope, selectors.OLD_PRICE, box.scope))
    if not nodes and nearest(box.scope, {selectors.BOX_CLASS}) is None:
        loose = main_nodes(select(tree, selectors.LOOSE_OLD_PRICE))
        nodes = [node for node in loose if nearest(node, {selectors.BOX_CLASS}) is None]
    readings: dict[int, str] = {}
    for node in nodes:
        try:
            readings.setdefault(read_amount(node, site), raw_text(node))
            if is_surely_whole(node, site):
                evidence.whole.add("old_price_cents")
        except MoneyError as exc:
            evidence.add("old_price_cents", "dom", raw_text(node), None, str(exc))
    for cents, raw in readings.items():
        evidence.add("old_price_cents", "dom", raw, cents)


def _gather_label(evidence: Evidence, box: PriceBox) -> None:
    """The discount that stands in the price's own line, else anywhere in its box."""
    line = nearest(box.amount or box.scope, {selectors.LINE_CLASS}) or box.scope
    labels = [_select_priced(place, selectors.DISCOUNT, place) for place in (line, box.scope)]
    texts = [text_of(node) for node in next(filter(None, labels), [])]
    if not texts and nearest(box.scope, {selectors.BOX_CLASS}) is None:
        told = PERCENT_OFF.findall(text_of(box.scope))
        texts = told if len(told) == 1 else []
    if texts:
        percents = {percent_in(text) for text in texts}
        percent = percents.pop() if len(percents) == 1 else None
        evidence.add("discount_pct", "dom", " · ".join(texts), percent, "" if percent else "no single percentage")


def _gather_payment(evidence: Evidence, box: PriceBox, tree: Tree, site: Site) -> None:
    """By which payment the price holds, what a card pays instead, and in which instalments.

    Only a box, whole, can say that a price holds for every payment: by saying nothing of it.
    """
    currency = next((value for value in evidence.values("currency") if isinstance(value, str)), site.currency)
    subtitles = [*main_nodes(select(tree, selectors.SUBTITLE)), *select(box.scope, selectors.SUBTITLES)]
    told = [(node, payment_in_node(node, site, currency)) for node in subtitles]
    node, payment = next(((node, paid) for node, paid in told if paid != NOTHING), (None, NOTHING))
    if payment.card_price_cents is not None:
        evidence.add("card_price_cents", "dom", text_of(node), payment.card_price_cents)
    evidence.add_facts("dom", text_of(node), instalments(payment))
    words = _words_beside(nearest(box.amount or box.scope, {selectors.LINE_CLASS}) or box.scope)
    condition = condition_of(words)
    if condition is PriceCondition.ANY and (around := _condition_around(box)):
        words, condition = around, None
    if condition is not PriceCondition.ANY or nearest(box.scope, {selectors.BOX_CLASS}) is not None:
        evidence.add_condition("dom", words, condition)


def _words_beside(place: LexborNode) -> str:
    """The words that stand beside the price, without any amount."""
    pieces = pieces_in(place, lambda part: "" if part.tag in NOT_SHOWN or _is_beside(part) else None, edge=" ")
    return " ".join("".join(pieces).split())


def _is_beside(part: LexborNode) -> bool:
    classes = class_of(part)
    is_amount = not selectors.AMOUNT_CLASSES.isdisjoint(classes.split())
    return is_amount or selectors.NOT_THE_PRICE.search(classes) is not None or part.id == selectors.SUBTITLE[1:]


def _condition_around(box: PriceBox) -> str:
    """Words further from the price, in its box or just beside that, which name a condition; empty without any."""
    parent = box.scope.parent
    place = parent if parent is not None and first(parent, MARKS_ELSEWHERE) is None else box.scope
    words = _words_beside(place)
    return words if any(named.search(words) for named in NAMED.values()) else ""
