"""Which of the products and variants on a page is read, and whether the page is a product's or a listing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from offers_cli.errors import PageChanged, Redirected
from offers_cli.marketplaces.base import ListingReading, ProductReading
from offers_cli.marketplaces.mercado_livre import MercadoLivre
from offers_cli.marketplaces.mercado_livre.urls import variation_in

ITEM = "https://produto.mercadolivre.com.br/MLB-5000000001-cafeteira-_JM"
CATALOGUE = "https://www.mercadolivre.com.br/cafeteira/p/MLB40000001"
SEARCH = "https://lista.mercadolivre.com.br/cafeteira"
PRICE = '<span class="andes-money-amount">R$<b class="andes-money-amount__fraction">{}</b></span>'
BOX = f'<div class="ui-pdp-price ui-pdp-price--size-large">{PRICE}</div>'


def state(components: dict[str, Any], **more: Any) -> str:
    shown = {"app": "vip", "components": components, **more}
    return f"<script>window.__PRELOADED_STATE__ = {json.dumps(shown)};</script>"


def linked(**product: Any) -> str:
    data = {"@type": "Product", "name": "x", **product}
    return f'<script type="application/ld+json">{json.dumps(data)}</script>'


def page(body: str, address: str = "") -> str:
    canonical = f'<link rel="canonical" href="{address}">' if address else ""
    return f"<html><head>{canonical}</head><body><main>{body}</main></body></html>"


# --- Items of one page ---


def option(item_id: str, value: float, *, selected: bool) -> dict[str, Any]:
    price = {"type": "price", "price": {"value": value, "currency_id": "BRL"}}
    return {"selected": selected, "item_id": item_id, "components": [price]}


OPTIONS = state(
    {
        "header": {"title": "x"},
        "buy_box_offers": {
            "state": "VISIBLE",
            "items": [option("MLB5000000001", 80, selected=True), option("MLB5000000002", 90, selected=False)],
        },
    }
)


@pytest.mark.parametrize(
    ("url", "item_id", "price"),
    [
        (CATALOGUE, "MLB5000000001", 8000),
        (f"{CATALOGUE}?pdp_filters=item_id%3AMLB5000000002", "MLB5000000002", 9000),
        (f"{CATALOGUE}?pdp_filters=item_id%3AMLB5000000009", "MLB5000000001", 8000),
        (f"{CATALOGUE}#wid=MLB5000000002", "MLB5000000001", 8000),
    ],
)
def test_of_several_sellers_the_one_that_the_address_pins_is_read(url: str, item_id: str, price: int) -> None:
    market = MercadoLivre()
    reading = market.read_product(page(OPTIONS), url)
    assert (reading.item_id, reading.price_cents) == (item_id, price)


def test_a_pinned_seller_whom_the_page_does_not_show_is_another_product() -> None:
    market, asked = MercadoLivre(), f"{CATALOGUE}?pdp_filters=item_id%3AMLB5000000009"
    with pytest.raises(Redirected):
        market.check_same_product(asked, market.read_product(page(OPTIONS), asked))


def test_a_pinned_seller_whose_price_the_page_does_not_show_is_not_read() -> None:
    with pytest.raises(PageChanged, match=r"state R\$ 90,00, dom R\$ 80,00"):
        MercadoLivre().read_product(page(OPTIONS + BOX.format(80)), f"{CATALOGUE}?pdp_filters=item_id%3AMLB5000000002")


# --- Variants of one item ---


@pytest.mark.parametrize(
    ("address", "number"),
    [
        (f"{ITEM}?searchVariation=174000111", "174000111"),
        (f"{ITEM}?variation=174000111", "174000111"),
        (f"{ITEM}#searchVariation=174000111&position=2", "174000111"),
        (f"{ITEM}?searchVariation=MLB40000001", None),
        (f"{ITEM}?searchVariation=", None),
        (f"{ITEM}?other=174000111", None),
        (ITEM, None),
    ],
)
def test_an_address_names_a_variant_by_its_number(address: str, number: str | None) -> None:
    assert variation_in(address) == number


def event(variation: object) -> dict[str, Any]:
    return {"track": {"melidata_event": {"event_data": {"variation_id": variation}}}}


def form(variation: object) -> dict[str, Any]:
    return {"main_actions": {"form": {"variation_id": variation}}}


@pytest.mark.parametrize("where", [event, form])
@pytest.mark.parametrize("variation", [174000112, "174000112"])
def test_another_variant_than_the_address_asks_for_is_not_read(where: Any, variation: object) -> None:
    html = page(state(where(variation)) + BOX.format(80))
    with pytest.raises(Redirected, match=r"^asked for the variant 174000111, the page shows 174000112$") as caught:
        MercadoLivre().read_product(html, f"{ITEM}?searchVariation=174000111")
    assert caught.value.hint == f"offers explain {ITEM}"
    assert MercadoLivre().read_product(html, f"{ITEM}?searchVariation=174000112").price_cents == 8000
    assert MercadoLivre().read_product(html, ITEM).price_cents == 8000


@pytest.mark.parametrize("variation", ["n/a", None, "", -1])
def test_a_page_that_names_no_variant_is_read(variation: object) -> None:
    html = page(state(event(variation)) + BOX.format(80))
    assert MercadoLivre().read_product(html, f"{ITEM}?searchVariation=174000111").price_cents == 8000
    assert MercadoLivre().read_product(page(BOX.format(80)), f"{ITEM}?searchVariation=1").price_cents == 8000


# --- Linked data of several products ---


def test_of_several_products_the_one_asked_for_is_heard_where_the_page_names_none() -> None:
    data = linked(sku="MLB40000001", offers={"price": 80}) + linked(sku="MLB40000002", offers={"price": 90})
    html = page(f'<h1 class="ui-pdp-title">x</h1>{data}')
    assert MercadoLivre().read_product(html, CATALOGUE).price_cents == 8000
    assert MercadoLivre().read_product(html, CATALOGUE.replace("1", "2")).price_cents == 9000
    with pytest.raises(PageChanged):
        MercadoLivre().read_product(html, CATALOGUE.replace("1", "3"))
    named = page(f'<h1 class="ui-pdp-title">x</h1>{data}', CATALOGUE)
    assert MercadoLivre().read_product(named, CATALOGUE.replace("1", "2")).price_cents == 8000


# --- A product page or a listing ---

CARD = (
    '<li class="ui-search-layout__item"><div class="poly-card"><a class="poly-component__title" '
    f'href="https://www.mercadolivre.com.br/outra/p/MLB40000009">Outra</a><div class="poly-component__price">'
    f'<div class="poly-price__current">{PRICE.format(9)}</div></div></div></li>'
)
BOTH = f'<ol class="ui-search-layout">{CARD}</ol><h1 class="ui-pdp-title">Cafeteira</h1>{BOX.format(80)}'


@pytest.mark.parametrize(("canonical", "asked"), [(CATALOGUE, ""), (ITEM, SEARCH), ("", CATALOGUE), ("", "")])
def test_a_page_with_marks_of_both_is_a_product_by_its_own_address(canonical: str, asked: str) -> None:
    reading = MercadoLivre().read(page(BOTH, canonical), asked)
    assert isinstance(reading, ProductReading)
    assert reading.price_cents == 8000


@pytest.mark.parametrize(("canonical", "asked"), [(SEARCH, ""), (SEARCH, CATALOGUE), ("", SEARCH)])
def test_a_page_with_marks_of_both_is_a_listing_by_its_own_address(canonical: str, asked: str) -> None:
    market = MercadoLivre()
    reading = market.read(page(BOTH, canonical), asked)
    assert isinstance(reading, ListingReading)
    assert [offer.price_cents for offer in reading.offers] == [900]
    with pytest.raises(Redirected, match="a listing answered instead of the product page"):
        market.read_product(page(BOTH, canonical), asked)


def test_a_product_page_whose_address_names_no_product_is_one_all_the_same() -> None:
    html = page(f'<h1 class="ui-pdp-title">x</h1>{BOX.format(80)}', "https://www.mercadolivre.com.br/")
    assert MercadoLivre().read_product(html, CATALOGUE).price_cents == 8000


# --- The price box ---


@pytest.mark.parametrize("classes", ["ui-pdp-promotions", "ui-pdp-buy-box", "ui-pdp-price__phrase-price"])
def test_a_class_that_hides_prices_on_cards_hides_none_in_a_products_own_box(classes: str) -> None:
    html = page(f'<div class="ui-pdp-price--size-large"><div class="{classes}">{PRICE.format(80)}</div></div>')
    assert MercadoLivre().read_product(html, CATALOGUE).price_cents == 8000
