"""Listings: paging shows every offer once, state and markup agree, links lead to the pages."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from demo.shop_client import Client, Got
from shop import Shop

from offers_cli.demo.catalogue import Catalogue


def walk(client: Client, url: str) -> list[Got]:
    """All pages of a listing, by the pager's own next link."""
    pages = []
    while url:
        pages.append(client.get(url))
        following = re.search(r'pagination__button--next"><a href="([^"]+)"', pages[-1].text)
        url = unescape(following[1]) if following else ""
    return pages


def links(page: Got) -> list[str]:
    return [unescape(link) for link in re.findall(r'<a href="([^"]+)" target="_self" class="poly-', page.text)]


def wids(page: Got) -> list[str]:
    return [found[1] for link in links(page) if (found := re.search(r"wid=(MLB\d+)", link))]


def state_cards(page: Got) -> list[Any]:
    state = page.state
    if "appProps" in state:
        return [item["card"] for item in state["appProps"]["pageProps"]["data"]["items"]]
    if "data" in state:
        return [item["card"] for item in state["data"]["items"]]
    results = state["pageState"]["initialState"]["results"]
    return [result["polycard"] for result in results if result["id"] == "POLYCARD"]


def components(card: Any) -> dict[str, Any]:
    return {component["type"]: component for component in card["components"]}


def test_paging_the_offers_shows_each_offer_once_in_order(shop: Shop, client: Client) -> None:
    pages = walk(client, "/ofertas")
    assert [len(wids(page)) for page in pages] == [16, 16, 8]
    assert [wid for page in pages for wid in wids(page)] == [o.item_id for o in shop.offers]


def test_the_three_layouts_take_turns(client: Client) -> None:
    first, second, third = walk(client, "/ofertas")
    assert "appProps" in first.state
    assert "_n.ctx.r=" not in second.text
    assert "PRELOADED" not in second.text
    assert "data" in third.state


def test_the_disabled_back_link_of_the_first_page_leads_to_page_zero(client: Client) -> None:
    html = client.get("/ofertas").text
    assert re.search(r'--back andes-pagination__button--disabled"><a href="[^"]+page=0"', html)
    assert client.get("/ofertas?page=0").text == html


def test_searching_pages_by_desde_and_repeats_one_offer_as_sponsored(shop: Shop, client: Client) -> None:
    pages = walk(client, "/modelo")
    found = [o for o in shop.offers if "Modelo" in o.title]
    assert [wid for page in pages for wid in wids(page)] == [o.item_id for o in found]
    assert len(pages) == 2
    assert f"{shop.url}/modelo_Desde_17_NoIndex_True" in pages[0].text
    paid = links(pages[0])[0]
    assert paid.startswith(f"{shop.url}/mclics/clicks/external/MLB/count?a=")
    assert "MLB" not in paid.partition("?")[2]
    assert state_cards(pages[0])[0]["metadata"]["id"] == found[-1].item_id
    assert client.get(paid.partition("#")[0]).headers["location"] == shop.url + found[-1].path


@pytest.mark.parametrize("path", ["/ofertas", "/ofertas?page=3", "/modelo"])
def test_cards_tell_the_catalogue_s_figures_in_state_and_markup(shop: Shop, client: Client, path: str) -> None:
    page = client.get(path)
    by_id = {o.item_id: o for o in shop.offers}
    shown = re.findall(r'<div class="poly-component__price">(.*?)<span class="poly-price__installments">', page.text)
    cards = state_cards(page)
    assert len(cards) == len(shown) == len(links(page))
    for card, markup in zip(cards, shown, strict=True):
        offer = by_id[card["metadata"]["id"]]
        price = components(card)["price"]["price"]
        assert components(card)["title"]["title"]["text"] == offer.title
        assert round(price["current_price"]["value"] * 100) == offer.listed.price_cents
        assert round(price.get("previous_price", {"value": 0})["value"] * 100) == (offer.listed.old_price_cents or 0)
        assert ("<s " in markup) == (offer.listed.old_price_cents is not None)
        percent = f"{offer.listed.label_pct}% OFF" if offer.listed.label_pct else ""
        assert percent in price.get("discount_label", {"text": ""})["text"]
        assert percent in markup
        assert "% OFF" in markup or not percent


def test_every_link_of_every_page_stays_in_the_shop(shop: Shop, client: Client) -> None:
    pages = [*walk(client, "/ofertas"), *walk(client, "/fone"), *(client.get(o.path) for o in shop.offers)]
    for page in pages:
        for link in re.findall(r'(?:href|src)="([^"]+)"', page.text):
            assert link.startswith((shop.url, "#", "/gz/webdevice")), link


def test_a_search_without_results_and_a_page_past_the_end_say_so(client: Client) -> None:
    for path in ("/geladeira-a-vapor", "/ofertas?page=99"):
        page = client.get(path)
        assert page.status == 200
        assert "Não há anúncios" in page.text
        assert not links(page)


def test_an_empty_catalogue_has_an_empty_listing() -> None:
    with Shop(Catalogue(0)) as empty:
        client = Client(empty.url)
        assert links(client.get("/ofertas")) == []
        client.close()
