"""A listing's card: what it says, as its elements show it in each layout seen since 2019, and the offer it becomes.

A card may show a second offer ("outra opção de compra") in a price box of its own: only the card's first price box
counts, and within it instalments and labels are no price.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from offers_cli.marketplaces.base import MERCADO_LIVRE
from offers_cli.marketplaces.evidence import agree, is_plausible, most_exact
from offers_cli.marketplaces.html import is_marked_below, join, lineage, outermost, select, split, text_of
from offers_cli.marketplaces.mercado_livre import selectors
from offers_cli.marketplaces.mercado_livre.amounts import FROM, FROM_NOTE, currency_of, percent_in, read_amount
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
from offers_cli.offer import CardValues, Offer

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode


EARNINGS = re.compile(r"gan(?:hos|ancias?)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card(CardValues):
    """What one card says; None where it does not say. Prices in hundredths of `currency`.

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
    problem: str = ""

    @property
    def unreadable(self) -> str:
        """Why no offer can be made of it; empty when one can."""
        if self.problem or not self.price_cents:
            return self.problem or "no price"
        if not self.title:
            return "no title"
        return "" if self.identity.external_id else "no id"


def read_card(card: LexborNode, layout: selectors.Layout, base: str, site: Site | None) -> Card:
    """One card; `site` is the country of the page where its address tells it."""
    address = join(base, _address(card, layout))
    identity = _identity(card, address)
    country = identity.site or site or BRAZIL
    boxes = (node for node in select(card, layout.box) if not is_marked_below(node, card, selectors.SECOND_OFFER))
    box = next(boxes, None)
    price, problem = _price(box, layout, country) if box is not None else (None, "no price")
    labels = [text for node in _around_price(card, box, selectors.DISCOUNT) if (text := text_of(node))] if box else []
    chips = map(text_of, card.css(selectors.COMMISSION))
    return Card(
        title=text_of(card.css_first(layout.title)) or None,
        address=address,
        identity=identity,
        currency=currency_of(box, country) if box is not None else country.currency,
        price_cents=price,
        old_price_cents=_old_price(card, box, country) if box is not None else None,
        label_pct=percent_in(labels[0]) if labels else None,
        has_label=bool(labels),
        commission_pct=next((percent_in(text) for text in chips if EARNINGS.search(text)), None),
        image_url=_image(card),
        problem=problem,
    )


def _address(card: LexborNode, layout: selectors.Layout) -> str | None:
    links = [card] if card.tag == "a" else select(card, layout.link)
    found = (link.attributes.get("href") for link in links if not is_marked_below(link, card, selectors.SECOND_OFFER))
    return next(filter(None, found), None)


def _identity(card: LexborNode, address: str) -> Identity:
    told = identify(address)
    fields = select(card, selectors.CARD_ID_FIELDS)
    hidden = (item_id_in(node.attributes.get("value")) for node in fields)
    item_id = told.item_id or next(filter(None, hidden), None)
    return Identity(item_id=item_id, catalogue_id=told.catalogue_id, user_product_id=told.user_product_id)


def _price(box: LexborNode, layout: selectors.Layout, site: Site) -> tuple[int | None, str]:
    """The price of a box and why there is none."""
    current = box.css_first(layout.current)
    place = current if current is not None else box
    if current is not None and FROM.search(text_of(current)):
        return None, FROM_NOTE
    old = {node.mem_id for node in select(box, selectors.OLD_PRICE)}
    nodes = [
        node
        for node in select(place, layout.amount)
        if not any(above.mem_id in old for above in lineage(node))
        and not is_marked_below(node, box, selectors.NOT_THE_PRICE)
    ]
    try:
        amounts = {read_amount(node, site) for node in outermost(nodes)}
    except MoneyError as exc:
        return None, str(exc)
    if len(amounts) != 1:
        return None, "several prices" if amounts else "no price"
    return amounts.pop(), ""


def _around_price(card: LexborNode, box: LexborNode, selector: str) -> list[LexborNode]:
    """Nodes of the box, or of the labels that some layouts put before it."""
    inside = [node for node in select(box, selector) if not is_marked_below(node, box, selectors.SECOND_OFFER)]
    loose = [node for place in select(card, selectors.LOOSE_LABELS) for node in select(place, selector)]
    return inside or [node for node in loose if not is_marked_below(node, card, selectors.SECOND_OFFER)]


def _old_price(card: LexborNode, box: LexborNode, site: Site) -> int | None:
    """The previous price; None without one, or with several that differ."""
    shown = _around_price(card, box, selectors.OLD_PRICE)
    nodes = outermost([node for node in shown if not is_marked_below(node, box, selectors.INSTALMENTS)])
    try:
        amounts = {read_amount(node, site) for node in nodes}
    except MoneyError:
        return None
    return amounts.pop() if len(amounts) == 1 else None


def _image(card: LexborNode) -> str | None:
    addresses = (image.attributes.get(name) or "" for image in card.css("img") for name in ("src", "data-src"))
    return next((address for address in addresses if address.startswith("https://")), None)


def merge(card: Card, seen: Card) -> Card:
    """One card as the state and as the elements have it: contradicting prices make it unreadable, gaps are filled."""
    if card.unreadable or seen.price_cents is None:
        return card
    if not agree(card.price_cents or 0, seen.price_cents):
        return replace(card, problem=f"state says {card.price_cents} cents, the page shows {seen.price_cents}")
    return replace(
        card,
        **{name: getattr(seen, name) for name, value in card.card_values().items() if value is None},
        facts=card.facts.filled_by(seen.facts),
        price_cents=most_exact([card.price_cents or 0, seen.price_cents]),
        old_price_cents=card.old_price_cents or seen.old_price_cents,
        label_pct=card.label_pct if card.has_label else seen.label_pct,
        has_label=card.has_label or seen.has_label,
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
        marketplace=MERCADO_LIVRE,
        external_id=card.identity.external_id or "",
        title=card.title or "",
        url=_stored_url(card, base_url),
        price_cents=price,
        currency=card.currency,
        old_price_cents=old,
        discount_pct=None if is_doubtful else card.label_pct or computed,
        item_id=card.identity.item_id,
        catalogue_id=card.identity.catalogue_id,
        source=source,
        **card.card_values(),
    )


def _stored_url(card: Card, base_url: str | None) -> str:
    """The product page without tracking.

    An advertisement's counter, and a link of a saved page whose host is not known, give way to the product's address.
    """
    is_own = is_owned(card.address) or (base_url is not None and split(card.address).netloc == split(base_url).netloc)
    if not is_own or is_sponsored(card.address) or not identify(card.address).external_id:
        return product_url(card.identity, base_url=base_url) or ""
    return canonical(card.address)
