"""What a listing's card says beside its price: the facts in its components of the state, and in its elements."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from offers_cli.marketplaces.html import class_of, is_marked_below, select, text_of, texts_of
from offers_cli.marketplaces.mercado_livre import facts, selectors
from offers_cli.marketplaces.mercado_livre.payment import Payment, shown_text, texts_in, values_by_key, written_out
from offers_cli.marketplaces.mercado_livre.state import Json, dicts, dig, text_in
from offers_cli.offer import Facts

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

    from offers_cli.marketplaces.mercado_livre.sites import Site

COUPON = re.compile(r"\bcup(?:om|[óo]n)\b", re.IGNORECASE)


def component_of(polycard: Json, kind: str) -> Json:
    """The component of that type, or nothing."""
    return next((part for part in dicts(polycard["components"]) if part.get("type") == kind), {})


def facts_in_state(polycard: Json, currency: str, paid: Payment) -> Facts:
    """The facts of a card of the state."""

    def part(kind: str) -> Any:
        return dig(component_of(polycard, kind), kind)

    sent = [part("shipping"), *dicts(part("shipping_v2"))]
    stars, seller = part("reviews"), part("seller")
    timed = [part("highlight_countdown")]
    timed += (dig(widget, "poly_label_component") for widget in dicts(polycard.get("widget_components")))
    coupons = [promotion for promotion in dicts(part("promotions")) if promotion.get("type") == "coupon"]
    return facts.merged(
        facts.instalments(paid),
        facts.shipping(
            [written_out(place, currency) for place in sent],
            next((note for place in sent if (note := text_in(dig(place, "additional_text")))), None),
        ),
        facts.full(name for place in (*sent, part("shipped_from")) for name in _icons_told(place)),
        *(facts.badge(written_out(label, currency), dig(label, "countdown", "period_end")) for label in timed),
        facts.badge(written_out(part("highlight"), currency)),
        *(facts.coupon(written_out(coupon, currency), currency) for coupon in coupons),
        facts.rating(dig(stars, "rating_average")),
        facts.reviews(dig(stars, "total")),
        facts.reviewed(written_out(part("review_compacted"), currency)),
        facts.reviewed(text_in(dig(part("review_compacted"), "alt_text"))),
        facts.seller(written_out(seller, currency), _icons_told(seller)),
        facts.brand(written_out(part("brand"), currency)),
    )


def _icons_told(part: object) -> Iterator[object]:
    """Names and labels of the icons in a part's text, and of its own one."""
    icons = [dig(value, "icon") for _, value in values_by_key(dig(part, "values"))]
    for icon in (*icons, dig(part, "icon")):
        yield from (dig(icon, name) for name in ("key", "icon_id", "alt_text"))


def own(place: LexborNode, selector: str) -> Iterator[LexborNode]:
    """What is found in a card or its box without its second offer."""
    return (node for node in select(place, selector) if not is_marked_below(node, place, selectors.SECOND_OFFER))


def facts_in_card(card: LexborNode, site: Site) -> Facts:
    """The facts of a card among the elements."""
    sent = list(own(card, selectors.SHIPPING))
    notes = [note for place in sent for note in select(place, selectors.SHIPPING_NOTE)]
    items = [item for place in sent for item in select(place, selectors.SHIPPING_ITEM) or [place]]
    seller = next(own(card, selectors.SELLER), None)
    badges = sorted(own(card, selectors.BADGE), key=lambda node: "countdown" not in class_of(node))
    return facts.merged(
        facts.shipping([_text_without(item, notes) for item in items], text_of(notes[0]) if notes else None),
        facts.full(name for place in (*sent, *own(card, selectors.SHIPPED_FROM)) for name in _icons(place)),
        *(facts.badge(text_of(badge)) for badge in badges),
        *(facts.coupon(text, site.currency) for text in _coupons(card, site)),
        *(facts.rating(text_of(stars)) for stars in own(card, selectors.STARS)),
        *(facts.reviews(text_of(count)) for count in own(card, selectors.REVIEWS)),
        *(facts.reviewed(text) for line in own(card, selectors.REVIEW_LINE) for text in _lines(line)),
        facts.seller(text_of(seller), _icons(seller)) if seller is not None else Facts(),
        *(facts.brand(text_of(brand)) for brand in own(card, selectors.BRAND)),
    )


def _text_without(node: LexborNode, others: list[LexborNode]) -> str:
    return " ".join(" ".join(texts_in(node, {other.mem_id: "" for other in others})).split())


def _icons(place: LexborNode) -> Iterator[object]:
    """Labels of the drawings in an element, and what they are drawn by."""
    for node in select(place, "[aria-label], use"):
        yield from (node.attributes.get(name) for name in ("aria-label", "href", "xlink:href"))


def _coupons(card: LexborNode, site: Site) -> Iterator[str]:
    """The texts of the card's coupons; a promotion by another name is none."""
    for node in own(card, selectors.COUPON):
        text = shown_text(node, site, site.currency)
        if text and (COUPON.search(text) or "coupon" in class_of(node)):
            yield text


def _lines(node: LexborNode) -> Iterator[str]:
    """The texts of an element, and what is read aloud in its place."""
    yield from texts_of(node)
    yield node.attributes.get("aria-label") or ""
