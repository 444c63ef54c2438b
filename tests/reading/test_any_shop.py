"""Any shop is read by its schema.org data, with the same refusals."""

from __future__ import annotations

import json
from functools import partial

import pytest

from offers_cli.errors import (
    OfferGone,
    Outcome,
    PageBlocked,
    PageChanged,
    PageError,
    Redirected,
    ShopUnknown,
    UsageError,
)
from offers_cli.marketplaces.base import ListingReading, ProductReading
from offers_cli.marketplaces.schema_org import SchemaOrg

URL = "https://shop.example/p/cafeteira?utm_source=x"
SHOP = SchemaOrg()


def linked(*nodes: object) -> str:
    return "".join(f'<script type="application/ld+json">{json.dumps(node)}</script>' for node in nodes)


def page(head: str = "", body: str = "<h1>Cafeteira</h1>") -> str:
    return f"<!doctype html><html><head>{head}</head><body>{body}</body></html>"


def product(**offer: object) -> dict[str, object]:
    offers = {"@type": "Offer", "priceCurrency": "BRL", **offer}
    return {"@context": "https://schema.org", "@type": "Product", "name": "Cafeteira", "sku": "A1", "offers": offers}


def read(html: str, url: str = URL) -> ProductReading:
    reading = SHOP.read(html, url)
    assert isinstance(reading, ProductReading)
    return reading


@pytest.mark.parametrize("price", [129.9, "129.90", "129,90"])
def test_linked_data_give_a_product(price: object) -> None:
    reading = read(page(linked(product(price=price, availability="http://schema.org/InStock"))))
    assert (reading.price_cents, reading.currency, reading.title) == (12990, "BRL", "Cafeteira")
    assert (reading.item_id, reading.external_id) == ("A1", "shop.example/p/cafeteira")
    assert reading.winners["price_cents"] == "json_ld"
    assert reading.available


def test_a_product_is_found_in_a_graph_and_as_a_main_entity() -> None:
    graph = {"@graph": [{"@type": "WebSite"}, product(price=10)]}
    entity = {"@type": "WebPage", "mainEntity": product(price=10)}
    assert read(page(linked(graph))).price_cents == read(page(linked(entity))).price_cents == 1000


def test_the_listed_price_is_the_previous_one() -> None:
    specification = [{"price": 80}, {"price": 100, "priceType": "https://schema.org/StrikethroughPrice"}]
    reading = read(page(linked(product(priceSpecification=specification))))
    assert (reading.price_cents, reading.old_price_cents, reading.discount_pct) == (8000, 10000, 20)


def test_microdata_give_a_product() -> None:
    body = """<div itemscope itemtype="https://schema.org/Product"><h1 itemprop="name">Cafeteira</h1>
    <div itemprop="offers" itemscope itemtype="https://schema.org/Offer"><meta itemprop="priceCurrency" content="EUR">
    <span itemprop="price" content="129.90">129,90 €</span><link itemprop="availability" href="https://schema.org/InStock">
    </div></div>"""
    reading = read(page(body=body))
    assert (reading.price_cents, reading.currency, reading.title) == (12990, "EUR", "Cafeteira")
    assert reading.winners["price_cents"] == "microdata"


def test_open_graph_gives_a_product() -> None:
    metas = {
        "og:title": "Cafeteira",
        "product:price:amount": "129.90",
        "product:price:currency": "BRL",
        "product:original_price:amount": "200.00",
    }
    head = "".join(f'<meta property="{name}" content="{value}">' for name, value in metas.items())
    reading = read(page(head))
    assert (reading.price_cents, reading.old_price_cents, reading.discount_pct) == (12990, 20000, 35)
    assert reading.winners["price_cents"] == "open_graph"


@pytest.mark.parametrize(
    "html",
    [
        page(linked({**product(), "offers": {"@type": "AggregateOffer", "lowPrice": 10, "highPrice": 20}})),
        page(linked({**product(), "offers": [{"price": 10}, {"price": 20}]})),
        page(linked(product(price=10), product(price=20))),
        page(linked({"@type": "ProductGroup", "hasVariant": [product(price=10), product(price=20)]})),
        page(linked(product(price="1.299"))),
        page(linked(product(price="a partir de 10"))),
        page(linked(product(price=0))),
        page(linked(product(price=-5))),
        page(linked(product(price=True))),
        page(linked(product(price={"value": 5}))),
        page(body='<span itemprop="price" content="10">10</span><span itemprop="price" content="20">20</span>'),
        page(linked(product(price=10)) + '<meta property="product:price:amount" content="90.00">'),
        page(
            linked(product(price=10))
            + '<meta property="product:price:currency" content="USD">'
            + '<meta property="product:price:amount" content="10">'
        ),
        page('<script type="application/ld+json">{"@type": "Product", "offers": {"price": 10</script>'),
        page(linked({"@type": "Product", "name": "Cafeteira"})),
        page(linked({"@type": "ProductGroup", "name": "Cafeteira"})),
        page('<meta property="product:price:amount" content="a partir de 10">'),
        page(body='<div itemscope itemtype="https://schema.org/Product"><h1 itemprop="name">Cafeteira</h1></div>'),
    ],
)
def test_what_is_not_one_price_is_refused(html: str) -> None:
    with pytest.raises(PageChanged):
        SHOP.read_product(html, URL)


@pytest.mark.parametrize(
    "html",
    [
        page(),
        page('<meta property="og:title" content="Cafeteira - R$ 10">'),
        page('<meta property="og:type" content="product">', "<h1>Cafeteira</h1><p>R$ 10,00</p>"),
        page('<script id="__NEXT_DATA__" type="application/json">{"product": {"price": 799.0}}</script>'),
        page(linked({"@type": "Organization"}, {"@type": "BreadcrumbList", "itemListElement": []})),
        page(linked({"@type": "Review", "itemReviewed": {"@type": "Product", "name": "Cafeteira"}})),
    ],
)
def test_a_page_without_product_data_is_of_a_shop_that_is_not_known(html: str) -> None:
    """No drift of a known page: asking again is useless."""
    with pytest.raises(ShopUnknown) as refused:
        SHOP.read(html, URL)
    assert (refused.value.code, refused.value.exit_code, refused.value.outcome) == ("shop_unknown", 5, Outcome.FINAL)
    assert refused.value.reading.price_cents is None
    with pytest.raises(ShopUnknown):
        SHOP.read_listing(html, URL, source="listing")


def test_an_aggregate_of_one_price_is_that_price() -> None:
    offers = {"@type": "AggregateOffer", "lowPrice": "10.00", "highPrice": 10, "priceCurrency": "BRL", "offerCount": 3}
    assert read(page(linked({**product(), "offers": offers}))).price_cents == 1000


def test_products_that_are_only_mentioned_do_not_count() -> None:
    mentioned = {**product(price=10), "isRelatedTo": [product(price=99)], "isSimilarTo": product(price=98)}
    assert read(page(linked(mentioned))).price_cents == 1000


def test_a_price_without_a_currency_is_not_guessed_to_be_in_reais() -> None:
    assert read(page(linked({"@type": "Product", "name": "x", "offers": {"price": 10}}))).currency == "XXX"


@pytest.mark.parametrize("state", ["https://schema.org/OutOfStock", "SoldOut", "http://schema.org/Discontinued"])
def test_what_is_sold_out_is_gone(state: str) -> None:
    with pytest.raises(OfferGone) as gone:
        SHOP.read(page(linked(product(price=10, availability=state))), URL)
    assert (gone.value.reading.available, gone.value.reading.price_cents) == (False, None)


@pytest.mark.parametrize(
    ("head", "body", "what"),
    [
        ("<title>Just a moment...</title>", '<div class="cf-turnstile"></div>', "a browser check"),
        ("<title>Um momento…</title>", "", "a browser check"),
        ("<title>Un momento…</title>", "", "a browser check"),
        ("<title>Shop | Blocked</title>", '<div class="cf-error-details"><h1>Sorry</h1></div>', "a refusal"),
        ("<title>Shop</title>", '<div id="cf-error-details"><h1>Sorry</h1></div>', "a refusal"),
        ("<title>Sorry, you have been blocked</title>", "", "a refusal"),
        ("<title>Access to this page has been denied.</title>", "", "a refusal"),
        ("<title>Acceso denegado</title>", "", "a refusal"),
    ],
)
def test_a_wall_in_place_of_the_page_is_named(head: str, body: str, what: str) -> None:
    for read_page in (SHOP.read, partial(SHOP.read_listing, source="listing")):
        with pytest.raises(PageBlocked, match=what):
            read_page(page(head, body), URL)


def test_a_product_page_that_holds_a_captcha_is_no_wall() -> None:
    html = page(linked(product(price=10)), '<h1>Cafeteira</h1><form id="captcha-form"></form>')
    assert read(html).price_cents == 1000


def test_a_list_of_products_is_a_listing() -> None:
    entries = [
        {"@type": "ListItem", "position": n, "item": {**product(price=n * 10), "url": f"/p/{n}?utm_medium=y"}}
        for n in (1, 2)
    ]
    entries.append({"@type": "ListItem", "item": {**product(price="?"), "url": "/p/3"}})
    head = linked({"@type": "ItemList", "itemListElement": entries}) + '<link rel="next" href="?page=2">'
    reading = SHOP.read(page(head), "https://shop.example/c/cafe")
    assert isinstance(reading, ListingReading)
    assert [(offer.external_id, offer.url, offer.price_cents) for offer in reading.offers] == [
        ("shop.example/p/1", "https://shop.example/p/1", 1000),
        ("shop.example/p/2", "https://shop.example/p/2", 2000),
    ]
    assert [position for position, _ in reading.unreadable] == [3]
    assert reading.next_page == "https://shop.example/c/cafe?page=2"


def test_a_page_without_products_is_no_listing() -> None:
    with pytest.raises(PageError):
        SHOP.read_listing(page(), URL, source="listing")


def test_a_page_that_calls_itself_another_product_is_refused() -> None:
    canonical = '<link rel="canonical" href="https://www.shop.example/p/outra">'
    reading = SHOP.read_product(page(canonical + linked(product(price=10))), URL)
    with pytest.raises(Redirected):
        SHOP.check_same_product(URL, reading)
    SHOP.check_same_product("https://shop.example/p/outra/?utm_campaign=z", reading)


def test_it_owns_every_web_address_and_names_no_listing() -> None:
    assert SHOP.owns(URL)
    assert not SHOP.owns("file:///etc/passwd")
    assert SHOP.fetch_url(URL) == URL
    assert SHOP.page_url(page('<link rel="canonical" href="https://shop.example/p/1">')) == "https://shop.example/p/1"
    with pytest.raises(UsageError):
        SHOP.listing_url("ofertas")
