"""Real product pages give what a human reads on them, whole and with parts of them missing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from reading.captures import (
    RealPages,
    cut_linked_data,
    cut_state,
    only_elements,
    only_linked_data,
    only_state,
    read_product,
    real_names,
    without_attribute,
)

from offers_cli.errors import OfferGone, PageChanged, PageError, Redirected
from offers_cli.marketplaces.mercado_livre import MercadoLivre

PRODUCTS = real_names("product")
WHOLE = [name for name in PRODUCTS if "fragment" not in name and "trimmed" not in name and "only" not in name]
PRICED = [name for name in WHOLE if "out_of_stock" not in name]
PRICES = ("price_cents", "old_price_cents", "discount_pct")


def values(reading: object, names: tuple[str, ...]) -> dict[str, object]:
    return {name: getattr(reading, name) for name in names}


def expected_of(real_pages: RealPages, name: str, names: tuple[str, ...]) -> dict[str, object]:
    return {key: real_pages.expected[name].get(key) for key in names}


@pytest.mark.parametrize("name", PRODUCTS)
def test_a_real_product_page_gives_what_a_human_reads(name: str, real_pages: RealPages, market: MercadoLivre) -> None:
    told = [key for key in (*PRICES, "title", "item_id", "catalogue_id") if key in real_pages.expected[name]]
    if "coupon" in name:
        told.remove("item_id")  # stands in the address it was saved from, not in the fragment
    reading = read_product(market, real_pages.html(name))
    assert values(reading, tuple(told)) == expected_of(real_pages, name, tuple(told))
    assert reading.available is real_pages.expected[name].get("available", True)


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("cut", [cut_state, cut_linked_data, only_elements, only_state])
def test_state_or_elements_alone_give_the_same(
    name: str, cut: Callable[[str], str], real_pages: RealPages, market: MercadoLivre
) -> None:
    told = (*PRICES, "item_id")
    reading = read_product(market, cut(real_pages.html(name)))
    assert values(reading, told) == expected_of(real_pages, name, told)
    assert reading.currency == {"MLB": "BRL", "MCO": "COP"}[real_pages.expected[name]["site"]]


@pytest.mark.parametrize("name", PRICED)
@pytest.mark.parametrize("gone", ["class", "itemprop", "aria-label", "data-[a-z-]+"])
def test_elements_alone_suffice_without_one_kind_of_attribute(
    name: str, gone: str, real_pages: RealPages, market: MercadoLivre
) -> None:
    told = (*PRICES, "item_id", "title")
    reading = read_product(market, without_attribute(gone, only_elements(real_pages.html(name))))
    assert values(reading, told) == expected_of(real_pages, name, told)


@pytest.mark.parametrize("name", WHOLE)
def test_linked_data_alone_give_the_price(name: str, real_pages: RealPages, market: MercadoLivre) -> None:
    reading = read_product(market, only_linked_data(real_pages.html(name)))
    assert reading.price_cents == real_pages.expected[name]["price_cents"]
    assert reading.title == real_pages.expected[name]["title"]
    assert (reading.old_price_cents, reading.discount_pct) == (None, None)


@pytest.mark.parametrize("name", [name for name in PRODUCTS if "out_of_stock" in name])
@pytest.mark.parametrize("cut", [str, cut_state, cut_linked_data, only_elements, only_state, only_linked_data])
def test_an_unavailable_product_is_gone_by_any_part_of_its_page(
    name: str, cut: Callable[[str], str], real_pages: RealPages, market: MercadoLivre
) -> None:
    with pytest.raises(OfferGone) as gone:
        market.read(cut(real_pages.html(name)), "")
    assert gone.value.reading.available is False
    assert values(gone.value.reading, PRICES) == dict.fromkeys(PRICES)


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("cut", [str, only_elements, only_state])
def test_what_a_product_page_recommends_is_no_listing(
    name: str, cut: Callable[[str], str], real_pages: RealPages, market: MercadoLivre
) -> None:
    with pytest.raises(PageChanged):
        market.read_listing(cut(real_pages.html(name)), "", source="listing")


@pytest.mark.parametrize("name", real_names("listing"))
def test_a_listing_is_no_product_page(name: str, real_pages: RealPages, market: MercadoLivre) -> None:
    with pytest.raises(Redirected):
        market.read_product(real_pages.html(name), "https://www.mercadolivre.com.br/p/MLB1")


@pytest.mark.parametrize("name", real_names("wall"))
def test_a_wall_is_named_and_never_read(name: str, real_pages: RealPages, market: MercadoLivre) -> None:
    for reader in (market.read, market.read_product, lambda html, url: market.read_listing(html, url, source="hub")):
        with pytest.raises(PageError) as error:
            reader(real_pages.html(name), "https://www.mercadolivre.com.br/p/MLB1")
        assert error.value.code == real_pages.expected[name]["reason"]


def test_the_pages_own_id_counts_more_than_the_address_that_answered(market: MercadoLivre) -> None:
    data = '{"@type": "Product", "sku": "MLB2222222222", "name": "x", "offers": {"price": 10, "priceCurrency": "BRL"}}'
    html = f'<html><script type="application/ld+json">{data}</script></html>'
    asked = "https://produto.mercadolivre.com.br/MLB-1111111111-x-_JM"
    reading = market.read_product(html, asked)
    assert reading.item_id == "MLB2222222222"
    with pytest.raises(Redirected):
        market.check_same_product(asked, reading)


def test_of_several_described_products_only_the_pages_own_counts(market: MercadoLivre) -> None:
    offer = '"name": "x", "offers": {"price": %d, "priceCurrency": "BRL"}'
    data = ", ".join(f'{{"@type": "Product", "sku": "MLB{n}{n}{n}{n}", {offer % n}}}' for n in (7, 8))
    broken = ', {"@type": "Product", "sku": {"@value": "MLB9"}, "productID": ["MLB9"]}'
    canonical = '<link rel="canonical" href="https://www.mercadolivre.com.br/x/p/MLB8888">'
    html = (
        f'<html>{canonical}<h1 class="ui-pdp-title">x</h1><script type="application/ld+json">[{data}{broken}]</script>'
    )
    assert market.read_product(html, "").price_cents == 800
    with pytest.raises(PageChanged):
        market.read_product(html.replace("MLB8888", "MLB5555", 1).replace("MLB8888", "MLB6666"), "")
