"""What schema.org data say of a product beside its price: stars, reviews, brand, seller, category, free shipping.

Source: https://schema.org/AggregateRating, https://schema.org/BreadcrumbList, https://schema.org/OfferShippingDetails.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal

from offers_cli.marketplaces.json_ld import Node, nodes_of, plain, text_or_number, types_of
from offers_cli.offer import Facts

NUMBER = re.compile(r"[0-9]{1,3}(?:[.,][0-9]{1,15})?")
COUNT = re.compile(r"[0-9]{1,9}")
MOST_STARS = Decimal(5)
HTML_LIKE = re.compile(r"[<>]")
LONGEST = 200


def facts_of(product: Node, nodes: Iterable[Node], *, titles: Iterable[str]) -> Facts:
    """The facts of a product with its offers.

    Args:
        nodes: all of the page, for its breadcrumbs.
        titles: what the product is called: its own crumb is no category.
    """
    offers = nodes_of(product.get("offers"))
    rating = next(iter(nodes_of(product.get("aggregateRating"))), {})
    return Facts(
        rating_hundredths=_stars(rating),
        reviews=_count(rating.get("reviewCount")) or _count(rating.get("ratingCount")),
        brand=_name(product.get("brand")),
        seller=_only(_name(offer.get("seller")) for offer in offers),
        category=_last_crumb(nodes, {plain(title) for title in titles}) or _narrowest(product.get("category")),
        free_shipping=_ships_free(offers) or None,
    )


def _stars(rating: Node) -> int | None:
    """Hundredths of five stars; of a scale that ends elsewhere as many of five."""
    value, best = _number(rating.get("ratingValue")), _number(rating.get("bestRating"))
    scale = best if best is not None else MOST_STARS
    if not value or not scale or value > scale:
        return None
    return int(value * MOST_STARS * 100 / scale)


def _number(value: object) -> Decimal | None:
    text = str(value).strip() if isinstance(value, int | float | str) and not isinstance(value, bool) else ""
    return Decimal(text.replace(",", ".")) if NUMBER.fullmatch(text) else None


def _count(value: object) -> int | None:
    text = text_or_number(value) or ""
    return (int(text) or None) if COUNT.fullmatch(text) else None


def _name(value: object) -> str | None:
    """A text that names something, or the name of the one thing that a node is."""
    entries = value if isinstance(value, list) else [value]
    names = (text_or_number(entry.get("name") if isinstance(entry, dict) else entry) for entry in entries)
    name = _only(names)
    return name if name and len(name) <= LONGEST and not HTML_LIKE.search(name) else None


def _only(texts: Iterable[str | None]) -> str | None:
    found = set(texts)
    return found.pop() if len(found) == 1 else None


def _last_crumb(nodes: Iterable[Node], titles: set[str]) -> str | None:
    """The last step of the page's path that is not the product itself; the first step is the shop."""
    path = next((node for node in nodes if "BreadcrumbList" in types_of(node)), {})
    steps = nodes_of(path.get("itemListElement"))
    names = [_name(step.get("name")) or _name(step.get("item")) for step in sorted(steps, key=_position)]
    return next((name for name in reversed(names[1:]) if name and plain(name) not in titles), None)


def _position(step: Node) -> int:
    return _count(step.get("position")) or 0


def _narrowest(category: object) -> str | None:
    """The last part of ``Casa > Cozinha > Copos``."""
    return next((name for part in reversed(re.split("[>›»]", _path(category))) if (name := _name(part))), None)


def _path(category: object) -> str:
    value = category[-1] if isinstance(category, list) and category else category
    text = text_or_number(value.get("name") if isinstance(value, dict) else value) or ""
    return text if not text.startswith(("https://", "http://")) else ""


def _ships_free(offers: list[Node]) -> bool:
    """Whether every way of shipping that every offer names is free, without a place or a least purchase."""
    ways = [nodes_of(offer.get("shippingDetails")) for offer in offers]
    return bool(ways) and all(details and all(map(_is_free, details)) for details in ways)


def _is_free(details: Node) -> bool:
    rates = nodes_of(details.get("shippingRate"))
    places = nodes_of(details.get("shippingDestination"))
    is_for_some = any(
        place.get(name) for place in places for name in ("addressRegion", "postalCode", "postalCodeRange")
    )
    costs = [_number(rate.get(name)) for rate in rates for name in ("value", "maxValue") if rate.get(name) is not None]
    is_bound = details.get("doesNotShip") or any(rate.get("eligibleTransactionVolume") for rate in (details, *rates))
    return bool(costs) and not any(cost is None or cost for cost in costs) and not is_for_some and not is_bound
