"""schema.org data in a page's markup (microdata), as the same nodes that JSON-LD gives.

Source: https://html.spec.whatwg.org/multipage/microdata.html. Items that are only mentioned by another one (the product
that a review is of, related ones) are parts of it, not products of the page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offers_cli.marketplaces.html import Document, lineage, select, text_of
from offers_cli.marketplaces.json_ld import PRODUCT_TYPES, Node, nodes_of, types_of
from offers_cli.marketplaces.schema_org.shown import is_elsewhere, places_around_headings

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

OFFER_TYPES = {"Offer", "AggregateOffer"}
PRICES = "price", "lowPrice", "highPrice"
OFFER_PROPERTIES = (*PRICES, "priceCurrency", "availability")
_MOST_PROPERTIES = 3000


def read_products(document: Document) -> list[Node]:
    """The products of the page; prices that stand in no product are a nameless one's where there is no other."""
    items = _read_items(document)
    products = [_with_offers(item) for item in items if types_of(item) & PRODUCT_TYPES]
    return products or _loose_product(items)


def _with_offers(product: Node) -> Node:
    """The product; what it says itself of a price is an offer of its own, what else it says holds for all of them."""
    told = {name: product[name] for name in OFFER_PROPERTIES if name in product}
    if not told:
        return product
    common = {name: value for name, value in told.items() if name not in PRICES}
    offers = [{**common, **offer} for offer in nodes_of(product.get("offers"))]
    return {**product, "offers": offers if offers and common == told else [*offers, told]}


def _loose_product(items: list[Node]) -> list[Node]:
    """A product of what is told outside of any: offers of nobody, and properties of nothing."""
    offers = [item for item in items if types_of(item) & OFFER_TYPES]
    offers += [item for item in items if not types_of(item) and any(name in item for name in OFFER_PROPERTIES)]
    told = {name: value for offer in reversed(offers) for name, value in offer.items() if name in OFFER_PROPERTIES}
    prices = [value for offer in offers for value in _listed(offer.get("price"))]
    return [{"@type": "Product", "offers": told | {"price": prices}}] if offers else []


def _read_items(document: Document) -> list[Node]:
    """The items of the own part that stand for themselves, and one without a type of all that belongs to none."""
    scopes = select(document.tree, "[itemscope]", most=_MOST_PROPERTIES)
    items: dict[int, Node] = {scope.mem_id: _begin(scope) for scope in scopes}
    elsewhere = {part: scope.mem_id for scope in scopes for part in _words(scope, "itemref")}
    nobody: Node = {}
    around_headings = places_around_headings(document)
    standing = [scope for scope in scopes if _words(scope, "itemprop") in ([], ["mainEntity"])]
    own = {scope.mem_id for scope in standing if not is_elsewhere(scope, around_headings)}
    for node in select(document.tree, "[itemprop]", most=_MOST_PROPERTIES):
        owner = _owner(node, items, elsewhere)
        if owner == node.mem_id or (owner is None and is_elsewhere(node, around_headings)):
            continue  # an element that refers to itself, or one of another product
        item = nobody if owner is None else items[owner]
        value = items.get(node.mem_id) or _value(node)
        for name in dict.fromkeys(_words(node, "itemprop")):
            _add(item, name, value)
    return [*(items[scope.mem_id] for scope in scopes if scope.mem_id in own), nobody]


def _begin(scope: LexborNode) -> Node:
    address = (scope.attributes.get("itemid") or "").strip()
    return {"@type": _words(scope, "itemtype"), **({"@id": address} if address else {})}


def _owner(node: LexborNode, items: dict[int, Node], elsewhere: dict[str, int]) -> int | None:
    """The item of a property: the nearest around it, or the one that refers to where it stands."""
    for place in lineage(node):
        if place.mem_id != node.mem_id and place.mem_id in items:
            return place.mem_id
        if owner := elsewhere.get(place.attributes.get("id") or ""):
            return owner
    return None


def _words(node: LexborNode, name: str) -> list[str]:
    return (node.attributes.get(name) or "").split()


def _value(node: LexborNode) -> str:
    told = (node.attributes.get(name) for name in ("content", "href", "src"))
    return next((text for text in told if text is not None), text_of(node)).strip()


def _add(item: Node, name: str, value: Any) -> None:
    """One more value of a property; many are a list."""
    if value != "":
        item[name] = [*_listed(item[name]), value] if name in item else value


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
