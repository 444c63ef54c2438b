"""What a product page says of its offer beside the prices: shipping, stars, seller, badge, coupon, category, brand.

State, elements and linked data each tell most of it; the texts are read in `facts`, for cards and pages alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from offers_cli.marketplaces.evidence import Evidence
from offers_cli.marketplaces.html import Document, class_of, first, select, whole_text
from offers_cli.marketplaces.json_ld import nodes_of, products, types_of
from offers_cli.marketplaces.mercado_livre import facts, selectors
from offers_cli.marketplaces.mercado_livre.payment import shown_text, written_out
from offers_cli.marketplaces.mercado_livre.price_box import main_nodes
from offers_cli.marketplaces.mercado_livre.product_state import component, event_of, is_visible
from offers_cli.marketplaces.mercado_livre.sites import Site
from offers_cli.marketplaces.mercado_livre.state import Json, dicts, dig, text_in
from offers_cli.offer import Facts

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

SYMBOL = re.compile(r"\$(?=[0-9])")
BADGES = ("highlights", "promotions_highlight", "promotions_top", "lightning_promotions", "promotions")


def gather_state(evidence: Evidence, shown: Json, site: Site) -> None:
    """Add what the components of the state say of the offer beside its prices to the evidence."""
    currency = next((value for value in evidence.values("currency") if isinstance(value, str)), site.currency)
    header, event = component(shown, "header"), event_of(shown)
    for told in (
        facts.sold(text_in(header.get("subtitle"))),
        _stars(dig(header, "reviews", "rating"), dig(header, "reviews", "amount")),
        _shipping(shown, currency),
        Facts(full=_is_full(shown) or event.get("logistic_type") == "fulfillment" or None),
        _seller(shown, event),
        *_badges(shown, currency),
        *_coupons(shown, currency),
        _category([dig(crumb, "label", "text") for crumb in dicts(component(shown, "breadcrumb").get("categories"))]),
        *_schema(shown),
    ):
        _add(evidence, "state", told)


def _schema(shown: Json) -> tuple[Facts, ...]:
    """What the state's own copy of the linked data says."""
    nodes = dicts(shown.get("schema"))
    product = products(nodes)
    return _linked(product[0], nodes) if len(product) == 1 else ()


def _stars(rating: object, amount: object) -> Facts:
    """How it was rated; by nobody is no rating."""
    return facts.rating(rating).filled_by(facts.reviews(amount)) if amount else Facts()


def _shipping(shown: Json, currency: str) -> Facts:
    """What the page says of shipping; what it reports of itself counts only where it says nothing."""
    summary = component(shown, "shipping_summary")
    parts = (summary.get("title"), *dicts(summary.get("subtitles"))) if is_visible(summary) else ()
    texts = [text for part in parts if (text := written_out(part, currency))]
    return facts.shipping(texts) if texts else Facts(free_shipping=event_of(shown).get("free_shipping") is True or None)


def _is_full(shown: Json) -> bool:
    message = component(shown, "fulfillment_information")
    icon = dig(message, "tag_action", "label", "text_icon", "id")
    return is_visible(message) and facts.full([icon]).full is True


def _seller(shown: Json, event: Json) -> Facts:
    data = component(shown, "seller_data")
    header = next((part for part in dicts(data.get("components")) if part.get("id") == "seller_header"), {})
    name = text_in(event.get("seller_name")) or text_in(dig(header, "title", "text"))
    kind = dig(data, "viewport_track", "melidata_event", "event_data", "seller_type")
    is_official = isinstance(event.get("official_store_id"), int) or kind == "official_store"
    return facts.seller(name).filled_by(Facts(official_store=is_official or None))


def _badges(shown: Json, currency: str) -> Iterator[Facts]:
    """What the page says of the offer in a pill, the first one; only an end that it names as a moment is kept."""
    for name in BADGES:
        pill = component(shown, name)
        labels = (dig(pill, "tag_action", "label"), *dicts(pill.get("labels")), pill.get("label"), pill.get("title"))
        text = next(filter(None, (written_out(label, currency) for label in labels)), None)
        if text and is_visible(pill):
            yield facts.badge(text, dig(pill, "countdown", "period_end"))
            return


def _coupons(shown: Json, currency: str) -> Iterator[Facts]:
    summary = component(shown, "coupon_summary")
    if is_visible(summary) and (text := written_out(summary.get("title"), currency)):
        yield facts.coupon(text, currency)
        return
    for coupon in dicts(dig(component(shown, "coupons"), "coupons")):
        label = coupon.get("label")
        text = text_in(label) or written_out(label, currency)
        yield facts.coupon(text, currency)


def gather_elements(evidence: Evidence, document: Document, site: Site) -> None:
    """Add what the page's elements say of the offer beside its prices to the evidence."""
    currency = next((value for value in evidence.values("currency") if isinstance(value, str)), site.currency)

    def shown(selector: str) -> list[LexborNode]:
        return [node for node in main_nodes(select(document.tree, selector)) if not document.ends_in(node)]

    def first(selector: str) -> str:
        return next(map(_text, shown(selector)), "")

    coupon = next((shown_text(node, site, currency) or "" for node in shown(selectors.PAGE_COUPON)), "")
    for told in (
        facts.sold(first(selectors.PAGE_SUBTITLE)),
        _stars(first(selectors.PAGE_STARS), first(selectors.PAGE_REVIEWS)),
        facts.shipping(map(_text, shown(selectors.PAGE_SHIPPING))),
        Facts(full=bool(shown(selectors.PAGE_FULL)) or None),
        facts.seller(first(selectors.PAGE_SELLER)),
        facts.badge(next((_text(pill) for pill in shown(selectors.PAGE_PILL) if _is_badge(pill)), None)),
        facts.coupon(SYMBOL.sub(r"\g<0> ", coupon.rstrip(" .")), currency),
        _category([_text(crumb) for crumb in shown(selectors.PAGE_CRUMB)]),
    ):
        _add(evidence, "dom", told)


def gather_linked(evidence: Evidence, product: Json, nodes: list[Json]) -> None:
    """Add what the linked data of the page's own product, and of the way to it, say to the evidence."""
    for told in _linked(product, nodes):
        _add(evidence, "json_ld", told)


def _linked(product: Json, nodes: list[Json]) -> tuple[Facts, ...]:
    brand, stars = product.get("brand"), product.get("aggregateRating")
    trail = next((node for node in nodes if "BreadcrumbList" in types_of(node)), {})
    crumbs = [dig(crumb, "item", "name") or crumb.get("name") for crumb in nodes_of(trail.get("itemListElement"))]
    return (
        facts.brand(text_in(brand) or text_in(dig(brand, "name"))),
        _stars(dig(stars, "ratingValue"), dig(stars, "ratingCount") or dig(stars, "reviewCount")),
        _category(crumbs),
    )


def _add(evidence: Evidence, strategy: str, told: Facts) -> None:
    for name, value in told.known().items():
        evidence.add(name, strategy, value, value)


def _category(crumbs: Sequence[object]) -> Facts:
    """The narrowest of the categories that lead to the product."""
    return Facts(category=text_in(crumbs[-1]) if crumbs else None)


def _text(node: LexborNode) -> str:
    """The text of a node, those of its elements apart: the words "Loja oficial" stand close before the name."""
    return " ".join(whole_text(node, " ").split())


def _is_badge(pill: LexborNode) -> bool:
    """Not who stores it, nor at which place it is sold."""
    return first(pill, selectors.FULL_ICON) is None and not selectors.NO_BADGE.search(class_of(pill))
