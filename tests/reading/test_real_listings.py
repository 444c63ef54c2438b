"""Real listings give what a human reads on them, from the state and from the elements alone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from reading.captures import RealPages, cut_state, only_elements, only_state, real_names, without_attribute

from offers_cli.marketplaces.base import ListingReading
from offers_cli.marketplaces.mercado_livre import MercadoLivre
from offers_cli.offer import Offer

LISTINGS = real_names("listing")
FULL = [name for name in LISTINGS if "hub" not in name]
FACTS = ("title", "price_cents", "old_price_cents", "discount_pct", "item_id")


def read(market: MercadoLivre, html: str) -> ListingReading:
    reading = market.read(html, market.page_url(html) or "")
    assert isinstance(reading, ListingReading)
    return reading


def facts(offer: Offer) -> dict[str, object]:
    return {name: getattr(offer, name) for name in FACTS}


@pytest.mark.parametrize("cut", [str, cut_state, only_elements, only_state])
@pytest.mark.parametrize("name", FULL)
def test_cards_give_what_a_human_reads(
    name: str, cut: Callable[[str], str], real_pages: RealPages, market: MercadoLivre
) -> None:
    reading = read(market, cut(real_pages.html(name)))
    assert reading.unreadable == ()
    wanted = real_pages.expected[name]["cards"]
    assert [facts(offer) for offer in reading.offers] == [{key: card[key] for key in FACTS} for card in wanted]
    assert reading.currency == {"MLB": "BRL", "MLM": "MXN"}[real_pages.expected[name]["site"]]


@pytest.mark.parametrize("name", FULL)
def test_elements_alone_suffice_without_spoken_labels(name: str, real_pages: RealPages, market: MercadoLivre) -> None:
    reading = read(market, without_attribute("aria-label", only_elements(real_pages.html(name))))
    wanted = real_pages.expected[name]["cards"]
    assert [facts(offer) for offer in reading.offers] == [{key: card[key] for key in FACTS} for card in wanted]


@pytest.mark.parametrize("name", FULL)
def test_addresses_lead_to_the_product_without_tracking(name: str, real_pages: RealPages, market: MercadoLivre) -> None:
    reading = read(market, real_pages.html(name))
    for offer, card in zip(reading.offers, real_pages.expected[name]["cards"], strict=True):
        assert offer.external_id == card["item_id"]
        assert not re.search(r"click|tracking|#|polycard|wid=", offer.url)
        if card["link_id"]:
            assert f"/{card['link_id']}" in offer.url
            assert offer.url.split("/")[2] == card["link_host"]
        assert market.owns(offer.url)


@pytest.mark.parametrize("name", [name for name in LISTINGS if "hub" in name])
def test_the_hub_gives_every_card_with_its_commission(name: str, real_pages: RealPages, market: MercadoLivre) -> None:
    reading = read(market, real_pages.html(name))
    assert len(reading.offers) == real_pages.expected[name]["count"]
    assert [offer.old_price_cents for offer in reading.offers].count(None) == len(reading.offers)
    assert all(0 < (offer.commission_pct or 0) < 100 for offer in reading.offers)
    assert all((offer.image_url or "").startswith("https://http2.mlstatic.com/D_Q_NP_2X_") for offer in reading.offers)


def test_the_hub_as_a_tree_of_bricks_reads_like_its_brick_alone(real_pages: RealPages, market: MercadoLivre) -> None:
    brick = json.loads(real_pages.html("listing/mlb_hub_recommendations_2026-01.json"))
    tree = {"id": "root", "bricks": [{"id": "banner_card"}, {"id": "recommendations_card", "data": brick}]}
    state = json.dumps({"pageState": {"siteId": "MLB", "bricks": [tree]}})
    page = f'<html><script type="application/json" id="__PRELOADED_STATE__">{state}</script></html>'
    assert read(market, page).offers == read(market, json.dumps(brick)).offers


def test_the_next_page_is_the_one_that_the_pager_offers(real_pages: RealPages, market: MercadoLivre) -> None:
    html = real_pages.html("listing/mlb_ofertas_2026-06.html")
    here = "https://www.mercadolivre.com.br/ofertas"
    assert market.read_listing(html, here, source="ofertas").next_page == f"{here}?page=2"
    assert market.read_listing(html, f"{here}?page=2", source="ofertas").next_page is None  # the page itself
