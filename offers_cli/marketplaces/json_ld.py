"""schema.org data in JSON-LD: the products of a page and what they cost.

Source: https://schema.org/Product, https://schema.org/Offer, https://schema.org/AggregateOffer.
Products that are only mentioned (``isRelatedTo``, ``isSimilarTo``, …) are never looked into.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from offers_cli.money import MoneyError, cents_from_number, parse_cents

Node = dict[str, Any]

PRODUCT_TYPES = {"Product", "IndividualProduct", "ProductModel", "Vehicle", "Car", "Book"}
UNAVAILABLE = {"OutOfStock", "SoldOut", "Discontinued"}
OLD_PRICE_TYPES = {"ListPrice", "StrikethroughPrice", "SRP", "MSRP"}
_MOST_NODES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a product costs by its own offers.

    Attributes:
        raw: the prices as they stand there.
        price_cents: None when there is no price, or more than one.
        note: why there is no price.
        availability: last part of the availability address, e.g. ``InStock``; None when none is told.
    """

    raw: str = ""
    price_cents: int | None = None
    old_price_cents: int | None = None
    currency: str | None = None
    availability: str | None = None
    url: str | None = None
    note: str = ""

    @property
    def is_unavailable(self) -> bool:
        """Whether the offer says that it cannot be bought."""
        return self.availability in UNAVAILABLE


def parse_nodes(text: str) -> list[Node]:
    """The top-level nodes of one script, its ``@graph`` and its ``mainEntity`` included; none where it is broken."""
    try:
        data = json.loads(text, strict=False)
    except (ValueError, RecursionError):  # a broken script tells nothing; the page may still be read otherwise
        return []
    return [node for _, node in zip(range(_MOST_NODES), _walk(data), strict=False)]


def _walk(data: object) -> Iterator[Node]:
    waiting = [data]
    while waiting:
        entry = waiting.pop()
        if isinstance(entry, list):
            waiting += reversed(entry[:_MOST_NODES])
        elif isinstance(entry, dict):
            yield entry
            waiting += (entry.get("mainEntity"), entry.get("@graph"))


def types_of(node: Node) -> set[str]:
    """The last parts of a node's types: ``{"Product"}`` for ``https://schema.org/Product``."""
    kinds = node.get("@type")
    return {last_part(kind) for kind in (kinds if isinstance(kinds, list) else [kinds]) if isinstance(kind, str)}


def last_part(address: str) -> str:
    """``"InStock"`` of ``https://schema.org/InStock``, and of ``InStock`` itself."""
    return address.strip().rstrip("/").rsplit("/", 1)[-1].rsplit("#", 1)[-1]


def products(nodes: list[Node]) -> list[Node]:
    """The products among the nodes; the variants of a product group are products."""
    found = [node for node in nodes if types_of(node) & PRODUCT_TYPES]
    groups = [node for node in nodes if "ProductGroup" in types_of(node)]
    return found + [variant for group in groups for variant in nodes_of(group.get("hasVariant"))]


def nodes_of(value: object) -> list[Node]:
    """The objects of a list, or the only one."""
    entries = value[:_MOST_NODES] if isinstance(value, list) else [value]
    return [entry for entry in entries if isinstance(entry, dict)]


def quote(product: Node) -> Quote:
    """What a product costs, refusing several prices and ranges; sold-out offers do not count beside others."""
    offers = [part for offer in nodes_of(product.get("offers")) for part in _single_offers(offer)]
    on_sale = [offer for offer in offers if _availability(offer) not in UNAVAILABLE] or offers
    amounts = [amount for offer in on_sale for amount in _amounts(offer)]
    first = on_sale[0] if on_sale else {}
    currency = _first_text(on_sale, "priceCurrency")
    price_cents, note = _one_price(amounts, currency)
    return Quote(
        raw=", ".join(str(amount) for amount in amounts)[:200],
        price_cents=price_cents,
        old_price_cents=_old_price(first),
        currency=currency,
        availability=_availability(first),
        url=_first_text(on_sale, "url"),
        note=note,
    )


def _single_offers(offer: Node) -> list[Node]:
    """An aggregate's own offers, where it lists them, else the offer itself."""
    return nodes_of(offer.get("offers")) or [offer]


def _amounts(offer: Node) -> list[object]:
    """Every price an offer names: its own, its range's ends, its specifications'."""
    own = [offer[name] for name in ("price", "lowPrice", "highPrice") if offer.get(name) not in (None, "")]
    specified = [
        part["price"]
        for part in nodes_of(offer.get("priceSpecification"))
        if part.get("price") not in (None, "") and not _is_old(part) and "UnitPriceSpecification" not in types_of(part)
    ]
    return own or specified


def _one_price(amounts: list[object], currency: str | None) -> tuple[int | None, str]:
    try:
        cents = {read_price(amount, currency) for amount in amounts}
    except MoneyError as exc:
        return None, str(exc)
    if len(cents) != 1:
        return None, "several prices" if cents else "no price"
    return (price, "") if (price := cents.pop()) else (None, "zero is no price")


def read_price(amount: object, currency: str | None) -> int:
    """A price of a schema.org field: a number, or a text with unmistakable cents (``1.299,90``).

    Raises:
        MoneyError: anything else; ``1.299`` could mean both.
    """
    try:
        return cents_from_number(amount.strip() if isinstance(amount, str) else amount)
    except MoneyError:
        if isinstance(amount, str) and amount.strip()[-3:-2] in {",", "."}:
            return parse_cents(amount, currency=currency or "BRL")
        raise


def _is_old(part: Node) -> bool:
    kind = part.get("priceType")
    return isinstance(kind, str) and last_part(kind) in OLD_PRICE_TYPES


def _old_price(offer: Node) -> int | None:
    found = [part.get("price") for part in nodes_of(offer.get("priceSpecification")) if _is_old(part)]
    try:
        return read_price(found[0], None) if len(found) == 1 else None
    except MoneyError:
        return None


def _availability(offer: Node) -> str | None:
    value = offer.get("availability")
    return last_part(value) if isinstance(value, str) else None


def _first_text(offers: list[Node], name: str) -> str | None:
    return next((value for offer in offers if isinstance(value := offer.get(name), str) and value), None)
