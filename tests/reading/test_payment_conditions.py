"""The table of payment conditions: each card of the real listings names its own, from the state and from the elements.

What a card should say is read here from the raw state, in a way of its own: the words of the label, the total price.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from reading.captures import SCRIPT, RealPages, cut_state, is_state, only_elements, only_state, real_names

from offers_cli.marketplaces.base import ListingReading
from offers_cli.marketplaces.mercado_livre import MercadoLivre

LISTINGS = [name for name in real_names("listing") if name.endswith(".html") and "hub" not in name]
TERMS = ("price_condition", "card_price_cents", "discount_kind")


def polycards(tree: Any) -> Iterator[dict[str, Any]]:
    """Every object of a state that has the metadata and the components of a card."""
    waiting = [tree]
    while waiting:
        place = waiting.pop()
        if isinstance(place, dict):
            if "metadata" in place and isinstance(place.get("components"), list):
                yield place
            waiting += place.values()
        elif isinstance(place, list):
            waiting += place


def cents(value: float) -> int:
    return int(Decimal(str(value)) * 100)


def terms_of(card: dict[str, Any]) -> tuple[str, int | None, str | None]:
    price = next(part["price"] for part in card["components"] if part.get("type") == "price")
    label = price.get("discount_label", {}).get("text", "")
    values = {value["key"]: value for value in price.get("installments", {}).get("values", [])}
    total = cents(values["price_total"]["price"]["value"]) if "price_total" in values else None
    condition = "pix" if re.search(r"\bPix\b", label) else "credit_line" if "Crédito" in label else "any"
    old = cents(price["previous_price"]["value"]) if price.get("previous_price") else None
    kind = None if old is None else "payment" if total is not None and abs(old - total) < 100 else "price_cut"
    return condition, total, kind


def wanted_terms(html: str) -> dict[str, tuple[str, int | None, str | None]]:
    """By item id; the state of a search holds a card up to three times."""
    texts = [body for attributes, body in SCRIPT.findall(html) if is_state(attributes, body)]
    states = [json.JSONDecoder().raw_decode(text, text.index("{"))[0] for text in texts]
    return {card["metadata"]["id"]: terms_of(card) for card in polycards(states)}


def read(market: MercadoLivre, html: str) -> ListingReading:
    reading = market.read(html, market.page_url(html) or "")
    assert isinstance(reading, ListingReading)
    return reading


@pytest.mark.parametrize("cut", [str, cut_state, only_elements, only_state])
@pytest.mark.parametrize("name", LISTINGS)
def test_each_card_names_the_condition_of_its_price_and_what_a_card_pays(
    name: str, cut: Callable[[str], str], real_pages: RealPages, market: MercadoLivre
) -> None:
    html = real_pages.html(name)
    wanted = wanted_terms(html)
    offers = read(market, cut(html)).offers
    assert len(offers) >= len(wanted) > 40
    for offer in offers:
        assert offer.item_id
        shown = (offer.price_condition, offer.card_price_cents, offer.discount_kind)
        assert dict(zip(TERMS, shown, strict=True)) == dict(zip(TERMS, wanted[offer.item_id], strict=True)), offer.title


def test_seventeen_cards_of_the_offers_page_and_three_of_the_search_hold_by_pix_alone(real_pages: RealPages) -> None:
    """So that the table above is known to compare something: the numbers were counted by hand."""
    found = {name: [terms[0] for terms in wanted_terms(real_pages.html(name)).values()] for name in LISTINGS}
    assert found["listing/mlb_ofertas_2026-06.html"].count("pix") == 17
    assert found["listing/mlb_search_2025-11.html"].count("pix") == 3
    assert found["listing/mlm_search_2025-05.html"].count("pix") == 0
