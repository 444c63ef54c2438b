"""The cards of a listing as elements, in each layout seen since 2019.

A card may show a second offer ("outra opção de compra") in a price box of its own: only the card's first price box
counts, and within it installments and labels are no price.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offers_cli.marketplaces.addresses import join
from offers_cli.marketplaces.document import lineage, select, text_of
from offers_cli.marketplaces.mercado_livre.amounts import currency_of, percent_in, read_amount
from offers_cli.marketplaces.mercado_livre.cards import Card
from offers_cli.marketplaces.mercado_livre.sites import BRAZIL, Site
from offers_cli.marketplaces.mercado_livre.urls import Identity, identify, item_id_in
from offers_cli.money import MoneyError

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where one layout's card keeps what it tells (CSS selectors)."""

    card: str
    title: str
    link: str
    box: str
    current: str
    amount: str = ".andes-money-amount, .price-tag-amount"


LAYOUTS = (
    Layout(
        card=".poly-card",
        title=".poly-component__title, .poly-component__title-wrapper",
        link="a.poly-component__title, .poly-component__title-wrapper a, .poly-component__title a, a[href]",
        box=".poly-component__price",
        current=".poly-price__current",
        amount=".andes-money-amount, .poly-price__amount, .poly-price__part-price",
    ),
    Layout(
        card=".ui-search-result, .ui-search-layout__item",
        title=".ui-search-item__title",
        link="a.ui-search-link, a.ui-search-item__group__element, a",
        box=".ui-search-price",
        current=".ui-search-price__second-line",
    ),
    Layout(
        card=".promotion-item",
        title=".promotion-item__title",
        link="a.promotion-item__link-container, a",
        box=".promotion-item__price-block, .promotion-item__description, .promotion-item__container",
        current=".promotion-item__price",
        amount=".andes-money-amount, .promotion-item__price",
    ),
)

OLD = (
    "s, del, .andes-money-amount--previous, .polylabel-price, .promotion-item__oldprice, "
    ".ui-search-price__original-value"
)
LABEL = (
    ".andes-money-amount__discount, .poly-price__disc_label, .polylabel-pill, .promotion-item__discount, "
    ".ui-search-price__discount, [data-andes-money-amount-discount]"
)
NO_PRICE = re.compile(r"installment|phrase-price|poly-price__labels|buy-box|alternative|rebate|coupon|promotions")
SECOND_OFFER = re.compile(r"buy-box|alternative-option")
FROM = re.compile(r"\b(?:a partir de|desde)\b", re.IGNORECASE)
COMMISSION = re.compile(r"gan(?:hos|ancias?)", re.IGNORECASE)


def find_cards(tree: LexborHTMLParser) -> tuple[Layout, list[LexborNode]] | None:
    """The first layout that the page has cards of, and those cards, none of them within another."""
    for layout in LAYOUTS:
        cards = select(tree, layout.card)
        if cards:
            known = {card.mem_id for card in cards}
            return layout, [card for card in cards if not _is_within(card, known)]
    return None


def _is_within(card: LexborNode, known: set[int]) -> bool:
    return any(place.mem_id in known for place in list(lineage(card))[1:])


def read_card(card: LexborNode, layout: Layout, base: str, site: Site | None) -> Card:
    """One card; `site` is the country of the page where its address tells it."""
    address = join(base, _address(card, layout))
    identity = _identity(card, address)
    country = identity.site or site or BRAZIL
    box = next((node for node in select(card, layout.box) if not _has_class(node, card, SECOND_OFFER)), None)
    price, problem = _price(box, layout, country) if box is not None else (None, "no price")
    labels = _labels(card, box) if box is not None else []
    return Card(
        title=text_of(card.css_first(layout.title)) or None,
        address=address,
        identity=identity,
        currency=currency_of(box, country) if box is not None else country.currency,
        price_cents=price,
        old_price_cents=_old_price(card, box, country) if box is not None else None,
        label_pct=percent_in(labels[0]) if labels else None,
        has_label=bool(labels),
        commission_pct=_commission(card),
        image_url=_image(card),
        problem=problem,
    )


def _has_class(node: LexborNode, card: LexborNode, classes: re.Pattern[str]) -> bool:
    for place in lineage(node):
        if place.mem_id == card.mem_id:
            return False
        if classes.search(place.attributes.get("class") or ""):
            return True
    return False


def _address(card: LexborNode, layout: Layout) -> str | None:
    links = [card] if card.tag == "a" else select(card, layout.link)
    found = (link.attributes.get("href") for link in links if not _has_class(link, card, SECOND_OFFER))
    return next(filter(None, found), None)


def _identity(card: LexborNode, address: str) -> Identity:
    told = identify(address)
    fields = select(card, "input[name=id], input[name=item_id], input[name=itemId]")
    hidden = (item_id_in(node.attributes.get("value")) for node in fields)
    item_id = told.item_id or next(filter(None, hidden), None)
    return Identity(item_id=item_id, catalogue_id=told.catalogue_id, user_product_id=told.user_product_id)


def _price(box: LexborNode, layout: Layout, site: Site) -> tuple[int | None, str]:
    """The price of a box and why there is none."""
    current = box.css_first(layout.current)
    place = current if current is not None else box
    if current is not None and FROM.search(text_of(current)):
        return None, "others begin at this price"
    old = {node.mem_id for node in select(box, OLD)}
    nodes = [node for node in select(place, layout.amount) if not _is_beside(node, box, old)]
    try:
        amounts = {read_amount(node, site) for node in _outermost(nodes)}
    except MoneyError as exc:
        return None, str(exc)
    if len(amounts) != 1:
        return None, "several prices" if amounts else "no price"
    return amounts.pop(), ""


def _is_beside(node: LexborNode, box: LexborNode, old: set[int]) -> bool:
    return any(place.mem_id in old for place in lineage(node)) or _has_class(node, box, NO_PRICE)


def _outermost(nodes: list[LexborNode]) -> list[LexborNode]:
    known = {node.mem_id for node in nodes}
    return [node for node in nodes if not _is_within(node, known)]


def _beside_price(card: LexborNode, box: LexborNode, selector: str) -> list[LexborNode]:
    """Nodes of the box, or of the labels that some layouts put before it."""
    inside = [node for node in select(box, selector) if not _has_class(node, box, SECOND_OFFER)]
    loose = [node for place in select(card, ".poly-price__labels") for node in select(place, selector)]
    return inside or [node for node in loose if not _has_class(node, card, SECOND_OFFER)]


def _old_price(card: LexborNode, box: LexborNode, site: Site) -> int | None:
    """The previous price; None without one, or with several that differ."""
    nodes = _outermost([node for node in _beside_price(card, box, OLD) if not _is_installment(node, box)])
    try:
        amounts = {read_amount(node, site) for node in nodes}
    except MoneyError:
        return None
    return amounts.pop() if len(amounts) == 1 else None


def _is_installment(node: LexborNode, box: LexborNode) -> bool:
    return _has_class(node, box, re.compile("installment"))


def _labels(card: LexborNode, box: LexborNode) -> list[str]:
    return [text for node in _beside_price(card, box, LABEL) if (text := text_of(node))]


def _commission(card: LexborNode) -> int | None:
    texts = [text_of(node) for node in card.css(".poly-component__chip")]
    return next((percent_in(text) for text in texts if COMMISSION.search(text)), None)


def _image(card: LexborNode) -> str | None:
    for image in card.css("img"):
        for name in ("src", "data-src"):
            address = image.attributes.get(name) or ""
            if address.startswith("https://"):
                return address
    return None
