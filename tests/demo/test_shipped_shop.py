"""The shop as it ships, without what the tests add to it: listings, product pages, the account, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from demo.shop_client import Client

from offers_cli.demo.catalogue import Behaviour, Catalogue
from offers_cli.demo.inventory import Inventory
from offers_cli.demo.markup import Html, render
from offers_cli.demo.shop import DemoShop
from offers_cli.marketplaces.mercado_livre import MercadoLivre


@pytest.fixture
def shipped() -> Iterator[DemoShop]:
    with DemoShop(Inventory(Catalogue(40)), page_size=16, slow_s=0) as running:
        yield running


@pytest.fixture
def browser(shipped: DemoShop) -> Iterator[Client]:
    found = Client(shipped.url)
    yield found
    found.close()


def test_its_listing_names_every_offer_and_its_pages_hold_their_prices(shipped: DemoShop, browser: Client) -> None:
    reader = MercadoLivre(base_url=shipped.url)
    found, url = [], f"{shipped.url}/ofertas"
    while url:
        reading = reader.read_listing(browser.get(url).text, url, source="listing")
        found += [offer.external_id for offer in reading.offers]
        url = reading.next_page or ""
    assert found == [offer.item_id for offer in shipped.offers]
    for offer in shipped.offers:
        if offer.behaviour in {Behaviour.NORMAL, Behaviour.SLOW}:
            read = reader.read_product(browser.get(offer.path).text, shipped.url + offer.path)
            assert (read.price_cents, read.old_price_cents) == (offer.page.price_cents, offer.page.old_price_cents)


@pytest.mark.parametrize("path", ["/notebook", "/ofertas?page=4", "/afiliados/x", "/__control__/offers", "/sec/x"])
def test_it_has_nothing_else(browser: Client, path: str) -> None:
    assert browser.get(path).status == 404
    assert browser.post(path, {}).status == 404


def test_values_of_a_template_are_escaped_but_for_html() -> None:
    shown = render("listing.html", "discount", text='<b>"5% & more"')
    assert "&lt;b&gt;&quot;5% &amp; more&quot;" in shown
    assert "<b>5%</b>" in render("listing.html", "discount", text=Html("<b>5%</b>"))
