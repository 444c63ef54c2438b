"""The project's own reader reads every page of the shop to the catalogue's truth."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from demo.shop_client import Client, Got
from shop import Shop
from shop.truth import condition, discount_kind, failure_code, listed_discount_pct, listed_facts, page_facts

from offers_cli.demo.catalogue import Behaviour, Catalogue, CatalogueOffer
from offers_cli.errors import OfferGone, PageBlocked, PageChanged, PageError
from offers_cli.marketplaces.base import ListingReading
from offers_cli.marketplaces.mercado_livre import MercadoLivre
from offers_cli.offer import Offer


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop(Catalogue(120, seed=2), page_size=48, slow_s=0) as running:
        yield running


@pytest.fixture
def reader(shop: Shop) -> MercadoLivre:
    return MercadoLivre(base_url=shop.url)


def walk(client: Client, reader: MercadoLivre, url: str, source: str) -> list[ListingReading]:
    readings: list[ListingReading] = []
    next_url: str | None = url
    while next_url:
        readings.append(reader.read_listing(client.get(next_url).text, next_url, source=source))
        next_url = readings[-1].next_page
    return readings


def check_listed(found: Offer, offer: CatalogueOffer) -> None:
    told = (found.title, found.price_cents, found.old_price_cents, found.discount_pct, found.catalogue_id)
    true = (offer.title, offer.listed.price_cents, offer.listed.old_price_cents, listed_discount_pct(offer))
    assert told == (*true, offer.catalogue_id)
    payment = (found.price_condition, found.card_price_cents, found.discount_kind)
    assert payment == (condition(offer.listed), offer.listed.card_price_cents, discount_kind(offer.listed))
    assert found.facts == listed_facts(offer)


def settled(client: Client, path: str) -> Got:
    """The page after what goes away by itself."""
    client.get(path)
    return client.get(path)


def test_the_offers_page_reads_to_the_catalogue(shop: Shop, client: Client, reader: MercadoLivre) -> None:
    readings = walk(client, reader, f"{shop.url}/ofertas", "ofertas")
    assert [reading.strategy for reading in readings] == ["state", "dom", "state"]
    assert not any(reading.unreadable for reading in readings)
    offers = [offer for reading in readings for offer in reading.offers]
    assert [offer.external_id for offer in offers] == [offer.external_id for offer in shop.offers]
    for found, offer in zip(offers, shop.offers, strict=True):
        check_listed(found, offer)


def test_the_search_reads_to_the_catalogue_with_the_sponsored_card(
    shop: Shop, client: Client, reader: MercadoLivre
) -> None:
    by_id = {offer.external_id: offer for offer in shop.offers}
    wanted = [offer.external_id for offer in shop.offers if "Modelo" in offer.title]
    offers = [o for r in walk(client, reader, f"{shop.url}/modelo", "search") for o in r.offers]
    assert [offer.external_id for offer in offers] == [wanted[-1], *wanted]
    for found in offers:
        check_listed(found, by_id[found.external_id])


@pytest.mark.slow
def test_every_listed_address_leads_to_its_own_product_page(shop: Shop, client: Client, reader: MercadoLivre) -> None:
    by_id = {offer.external_id: offer for offer in shop.offers if failure_code(offer) is None}
    listed = [
        *(o for r in walk(client, reader, f"{shop.url}/ofertas", "ofertas") for o in r.offers),
        *(o for r in walk(client, reader, f"{shop.url}/modelo", "search") for o in r.offers),
    ]
    for found in listed:
        if (offer := by_id.get(found.external_id)) is None:
            continue
        page = settled(client, reader.fetch_url(found.url))
        assert page.status == 200
        reading = reader.read_product(page.text, found.url)
        reader.check_same_product(found.url, reading)
        prices = (reading.price_cents, reading.old_price_cents, reading.discount_pct, reading.suspect_old_price_cents)
        assert prices == (offer.page.price_cents, offer.page.old_price_cents, offer.page.discount_pct, None)
        assert (reading.title, reading.external_id, reading.flags) == (offer.title, offer.external_id, ())
        payment = (reading.price_condition, reading.card_price_cents, reading.discount_kind)
        assert payment == (condition(offer.page), offer.page.card_price_cents, discount_kind(offer.page))
        assert reading.facts == page_facts(offer)


def test_pages_that_cannot_be_read_give_the_catalogue_s_code(shop: Shop, client: Client, reader: MercadoLivre) -> None:
    codes = {}
    for offer in shop.offers:
        if offer.behaviour in {Behaviour.OUT_OF_STOCK, Behaviour.BROKEN}:
            with pytest.raises(PageError) as raised:
                reader.read_product(client.get(offer.path).text, shop.url + offer.path)
            codes[raised.value.code] = failure_code(offer)
    assert codes == {OfferGone.code: OfferGone.code, PageChanged.code: PageChanged.code}


@pytest.mark.parametrize("kind", ["account_verification", "micro_landing"])
def test_walls_are_recognised(shop: Shop, client: Client, reader: MercadoLivre, kind: str) -> None:
    shop.wall(60, kind="micro_landing" if kind == "micro_landing" else "account_verification")
    for path in (shop.offers[0].path, "/ofertas"):
        page = client.get(path)
        page = client.get(page.headers["location"]) if page.status == 302 else page
        with pytest.raises(PageBlocked):
            reader.read(page.text, shop.url + path)


@pytest.mark.slow
def test_a_redesign_is_noticed_on_every_page(shop: Shop, client: Client, reader: MercadoLivre) -> None:
    shop.rename_price_classes()
    for path in ("/ofertas", "/ofertas?page=2", "/ofertas?page=3", "/modelo"):
        with pytest.raises(PageChanged):
            reader.read_listing(client.get(path).text, shop.url + path, source="listing")
    for offer in shop.offers:
        if offer.behaviour in {Behaviour.NORMAL, Behaviour.SLOW}:
            with pytest.raises(PageChanged):
                reader.read_product(client.get(offer.path).text, shop.url + offer.path)


def test_the_hub_reads_to_the_catalogue(shop: Shop, client: Client, reader: MercadoLivre) -> None:
    cookies = "; ".join(f"{name}={value}" for name, value in shop.log_in().items())
    page = client.get("/afiliados/hub", cookie=cookies)
    offers = reader.read_listing(page.text, f"{shop.url}/afiliados/hub", source="hub").offers
    told = [(o.external_id, o.title, o.price_cents, o.old_price_cents, o.commission_pct) for o in offers]
    assert told == [(o.item_id, o.title, o.listed.price_cents, None, o.commission_pct) for o in shop.offers[:24]]


def test_heavy_pages_read_like_light_ones(shop: Shop) -> None:
    """The filler's decoys and bundles change nothing."""
    with Shop(shop.catalogue, page_bytes=650_000) as heavy:
        client, reader = Client(heavy.url), MercadoLivre(base_url=heavy.url)
        for offer in [o for o in heavy.offers if o.behaviour is Behaviour.NORMAL][:9]:
            reading = reader.read_product(client.get(offer.path).text, heavy.url + offer.path)
            assert (reading.price_cents, reading.old_price_cents) == (
                offer.page.price_cents,
                offer.page.old_price_cents,
            )
        client.close()


def test_an_empty_search_is_no_error(shop: Shop, client: Client, reader: MercadoLivre) -> None:
    page = client.get("/geladeira-a-vapor")
    reading = reader.read_listing(page.text, f"{shop.url}/geladeira-a-vapor", source="search")
    assert reading.offers == ()
    assert reading.next_page is None
