"""A listing's card: what it says, as its elements show it in each layout seen since 2019, and the offer it becomes.

A card may show a second offer ("outra opção de compra") in a price box of its own: only the card's first price box
counts, and within it installments and labels are no price.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from offers_cli.marketplaces.evidence import agree, is_plausible, most_exact
from offers_cli.marketplaces.html import join, lineage, select, split, text_of
from offers_cli.marketplaces.mercado_livre.amounts import currency_of, percent_in, read_amount
from offers_cli.marketplaces.mercado_livre.sites import BRAZIL, Site
from offers_cli.marketplaces.mercado_livre.urls import (
    Identity,
    canonical,
    identify,
    is_owned,
    is_sponsored,
    item_id_in,
    product_url,
)
from offers_cli.money import MoneyError, discount_pct
from offers_cli.offer import Offer

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode


NAME = "mercado_livre"


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What one card tells; None where it does not tell.

    Attributes:
        address: its link, made absolute.
        problem: why its price cannot be used; empty when it can.
        has_label: whether a discount label is shown, with a percentage or without ("no Pix").
    """

    title: str | None
    address: str
    identity: Identity
    currency: str
    price_cents: int | None = None
    old_price_cents: int | None = None
    label_pct: int | None = None
    has_label: bool = False
    commission_pct: int | None = None
    image_url: str | None = None
    problem: str = ""

    @property
    def unreadable(self) -> str:
        """Why no offer can be made of it; empty when one can."""
        if self.problem or not self.price_cents:
            return self.problem or "no price"
        if not self.title:
            return "no title"
        return "" if self.identity.external_id else "no id"


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
NOT_THE_PRICE = re.compile(r"installment|phrase-price|poly-price__labels|buy-box|alternative|rebate|coupon|promotions")
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
    nodes = [node for node in select(place, layout.amount) if not _is_not_the_price(node, box, old)]
    try:
        amounts = {read_amount(node, site) for node in _outermost(nodes)}
    except MoneyError as exc:
        return None, str(exc)
    if len(amounts) != 1:
        return None, "several prices" if amounts else "no price"
    return amounts.pop(), ""


def _is_not_the_price(node: LexborNode, box: LexborNode, old: set[int]) -> bool:
    return any(place.mem_id in old for place in lineage(node)) or _has_class(node, box, NOT_THE_PRICE)


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


def merge(card: Card, seen: Card) -> Card:
    """One card as the state and as the elements have it: contradicting prices make it unreadable, gaps are filled."""
    if card.unreadable or seen.price_cents is None:
        return card
    if not agree(card.price_cents or 0, seen.price_cents):
        return replace(card, problem=f"state says {card.price_cents} cents, the page shows {seen.price_cents}")
    return replace(
        card,
        price_cents=most_exact([card.price_cents or 0, seen.price_cents]),
        old_price_cents=card.old_price_cents or seen.old_price_cents,
        label_pct=card.label_pct if card.has_label else seen.label_pct,
        has_label=card.has_label or seen.has_label,
        commission_pct=card.commission_pct or seen.commission_pct,
        image_url=card.image_url or seen.image_url,
    )


def offer_of(card: Card, *, source: str, base_url: str | None) -> Offer:
    """The offer of a readable card.

    Args:
        base_url: the marketplace's address where it is not the country's own.
    """
    price = card.price_cents or 0
    old = card.old_price_cents if card.old_price_cents and is_plausible(card.old_price_cents, price) else None
    is_doubtful = card.old_price_cents is not None and old is None
    computed = discount_pct(old, price) if old is not None and not card.has_label else None
    return Offer(
        marketplace=NAME,
        external_id=card.identity.external_id or "",
        title=card.title or "",
        url=_stored_url(card, base_url),
        price_cents=price,
        currency=card.currency,
        old_price_cents=old,
        discount_pct=None if is_doubtful else card.label_pct or computed,
        commission_pct=card.commission_pct,
        image_url=card.image_url,
        item_id=card.identity.item_id,
        catalogue_id=card.identity.catalogue_id,
        source=source,
    )


def _stored_url(card: Card, base_url: str | None) -> str:
    """The product page without tracking.

    An advertisement's counter, and a link of a saved page whose host is not known, give way to the product's address.
    """
    is_own = is_owned(card.address) or (base_url is not None and split(card.address).netloc == split(base_url).netloc)
    if not is_own or is_sponsored(card.address) or not identify(card.address).external_id:
        return product_url(card.identity, base_url=base_url) or ""
    return canonical(card.address)
