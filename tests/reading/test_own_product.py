"""Of the products that another shop's page names, its own one is read; a page that has none of its own is a listing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from reading.captures import REAL_PAGES, real_pages_folder

from offers_cli.errors import OfferGone, PageChanged, PageError, Redirected, ShopUnknown
from offers_cli.marketplaces.base import ListingReading, ProductReading
from offers_cli.marketplaces.html import Document
from offers_cli.marketplaces.schema_org import SchemaOrg
from offers_cli.marketplaces.schema_org.addresses import host_of, is_asked_by, key_of, place_of, variants_named
from offers_cli.marketplaces.schema_org.microdata import read_products

URL = "https://shop.example/p/1"
SHOP = SchemaOrg()
CAPTURED = REAL_PAGES / "other-shops"
REFUSED = {
    **dict.fromkeys(("amazon", "promart", "prefumes", "terabyte"), "shop_unknown"),
    **dict.fromkeys(("magalu_promobuzi_05", "microdata_desc"), "page_changed"),
    "ripley": "page_blocked",
}
"""Captures without any schema.org data, without a price, and a wall."""
LISTED = {"katsukazan": (56, 8)}
"""Cards of a captured listing, and sold-out ones."""


def product(price: object = None, *, name: str = "Cafeteira", **more: Any) -> dict[str, Any]:
    offers = {"@type": "Offer", "priceCurrency": "BRL", "price": price}
    return {"@type": "Product", "name": name, **({} if price is None else {"offers": offers}), **more}


def page(*nodes: object, body: str = "<h1>Cafeteira</h1>", canonical: str = "") -> str:
    scripts = "".join(f'<script type="application/ld+json">{json.dumps(node)}</script>' for node in nodes)
    link = f'<link rel="canonical" href="{canonical}">' if canonical else ""
    return f"<!doctype html><html><head>{link}{scripts}</head><body>{body}</body></html>"


def scope(price: str | None, *, name: str | None = None, more: str = "", outer: str = "") -> str:
    title = f'<h2 itemprop="name">{name}</h2>' if name else ""
    offer = (
        '<div itemprop="offers" itemscope itemtype="https://schema.org/Offer">'
        f'<meta itemprop="priceCurrency" content="BRL"><meta itemprop="price" content="{price}"></div>'
        if price
        else ""
    )
    return f'<div itemscope itemtype="https://schema.org/Product" {outer}>{title}{offer}{more}</div>'


def read(html: str, url: str = URL) -> ProductReading:
    reading = SHOP.read(html, url)
    assert isinstance(reading, ProductReading)
    return reading


def refused(html: str, url: str = URL) -> None:
    with pytest.raises(PageChanged):
        SHOP.read(html, url)


RELATED = [product(59, name="R5", url="/p/5"), product(79, name="R7", url="https://shop.example/p/7?utm_source=x")]
LIST = {"@type": "ItemList", "itemListElement": [{"@type": "ListItem", "item": other} for other in RELATED]}


@pytest.mark.parametrize(
    "own",
    [
        product(21, name="X", url="/p/1"),
        product(21, name="X", url="https://www.shop.example/p/1/?utm_source=mail#buy"),
        product(21, name="X", **{"@id": "https://shop.example/p/1#product"}),
        product(21, name="X", mainEntityOfPage="https://shop.example/p/1"),
        product(21, name="X", mainEntityOfPage={"@type": "WebPage", "@id": "/p/1"}),
        product(21, name="X", mainEntityOfPage={"@type": "WebPage", "url": "/p/1"}),
        {"@type": "ItemPage", "mainEntity": product(21, name="X")},
        {"@type": "Product", "name": "X", "offers": {"price": 21, "url": "/p/1", "priceCurrency": "BRL"}},
        product(21, name="cafeteira", url="/p/sku-21"),
        product(21),
    ],
)
@pytest.mark.parametrize("others", [RELATED, [LIST]], ids=["products", "list"])
def test_the_own_product_is_told_by_address_main_entity_or_heading(own: dict[str, Any], others: list[Any]) -> None:
    assert read(page(*others, own)).price_cents == read(page(own, *others)).price_cents == 2100


def test_the_very_address_comes_before_the_same_place_and_that_before_others() -> None:
    """Of products that differ only in what a query asks for, the asked one; else those at the page's place."""
    one, two = product(21, name="A", url="/p?ref=1"), product(22, name="B", url="/p?ref=2")
    for nodes in ([one, two], [two, one]):
        assert read(page(*nodes, body=""), "https://shop.example/p?ref=1").price_cents == 2100
    assert read(page(*RELATED, one, body=""), "https://shop.example/p").price_cents == 2100


def test_an_empty_heading_is_none_and_two_are_no_title() -> None:
    others = [product(22, name="Azul", url="/p/5")]
    own = product(21, url="/outra/1")
    assert read(page(own, *others, body="<h1></h1><h1> Cafeteira </h1>")).price_cents == 2100
    with pytest.raises(PageChanged, match="several products"):
        SHOP.read_product(page(own, *others, body="<h1>Cafeteira</h1><h1>Entre</h1>"), URL)


def test_what_is_no_product_is_none() -> None:
    shop = {"@type": "Organization", "name": "Cafeteira", "url": "/p/1", "offers": {"price": 5, "priceCurrency": "BRL"}}
    assert read(page(shop, product(21))).price_cents == 2100
    assert read(page(product(21), shop, body="")).price_cents == 2100


def test_the_canonical_address_tells_too() -> None:
    own, canonical = product(21, name="X", url="/cafeteira"), "https://shop.example/cafeteira"
    assert read(page(*RELATED, own, canonical=canonical), "https://shop.example/p/1").price_cents == 2100


def test_a_page_whose_products_are_all_elsewhere_is_a_listing() -> None:
    for nodes in (RELATED, [LIST]):
        reading = SHOP.read(page(*nodes, body="<h1>Cafés</h1>"), "https://shop.example/c")
        assert isinstance(reading, ListingReading)
        assert [offer.price_cents for offer in reading.offers] == [5900, 7900]


def test_a_category_that_calls_itself_a_product_is_a_listing() -> None:
    """Shops write a product of the whole category to get its stars into search results."""
    offers = {"@type": "AggregateOffer", "lowPrice": 59, "highPrice": 79, "offerCount": 2}
    category = {"@type": "Product", "name": "Cafés", "url": "/c", "offers": offers}
    reading = SHOP.read(page(category, LIST, body="<h1>Cafés</h1>"), "https://shop.example/c")
    assert isinstance(reading, ListingReading)


def test_a_product_without_anything_that_says_so_beside_a_list_is_a_listing() -> None:
    reading = SHOP.read(page(product(21, name="Brinde"), LIST, body="<h1>Cafés</h1>"), "https://shop.example/c")
    assert isinstance(reading, ListingReading)


def test_a_page_of_a_sold_out_product_is_not_a_listing_of_what_it_recommends() -> None:
    gone = product(21, url="/p/1")
    gone["offers"]["availability"] = "https://schema.org/OutOfStock"
    with pytest.raises(OfferGone):
        SHOP.read(page(gone, *RELATED), URL)


def test_the_same_product_told_twice_is_one() -> None:
    rated = {"@type": "Product", "name": "Cafeteira", "url": URL, "aggregateRating": {"ratingValue": 5}}
    assert read(page(rated, product(21, url=URL))).price_cents == 2100
    refused(page(product(22, url=URL), product(21, url=URL)))


def test_several_products_without_addresses_must_cost_the_same() -> None:
    assert read(page(product(21), product(21, name="Azul"))).price_cents == 2100
    refused(page(product(21, name="Verde"), product(22, name="Azul")))
    reading = read(page(product(21), product(22, name="Azul")))
    assert (reading.price_cents, reading.title) == (2100, "Cafeteira")


def test_a_product_without_offers_takes_none_of_another_name() -> None:
    own, other = product(name="Own"), product(70, name="Other")
    for nodes in ([own, other], [other, own]):
        with pytest.raises(PageChanged, match="several products"):
            SHOP.read_product(page(*nodes, body=""), URL)
    with pytest.raises(PageChanged, match="several products"):
        SHOP.read_product(page(body=scope(None, name="Own") + scope("70.00", name="Other")), URL)
    assert read(page(own, product(70, name="Own"), body="")).price_cents == 7000


def test_several_products_of_which_none_is_known_to_be_the_own_are_refused() -> None:
    with pytest.raises(PageChanged, match="several products"):
        SHOP.read_product(page(*RELATED, body="<h1>Cafés</h1>"), URL)
    addressed = [scope(f"{n}.00", name="A", more=f'<link itemprop="url" href="/a/{n}">') for n in (5, 6)]
    with pytest.raises(PageChanged, match="several products"):
        SHOP.read_product(page(body="".join(addressed)), URL)
    with pytest.raises(PageChanged, match="several prices"):
        SHOP.read_product(page(body=scope("5.00", name="A") + scope("6.00", name="B")), URL)


VARIANTS = [
    {**product(name=f"PLA {colour}"), "sku": sku, "offers": {"price": price, "priceCurrency": "USD", "url": address}}
    for colour, sku, price, address in (
        ("black", "S-1", "25.99", "/products/pla?variant=111"),
        ("gold", "S-2", "29.99", "/products/pla?variant=222"),
    )
]
GROUP = {"@type": "ProductGroup", "name": "PLA", "hasVariant": VARIANTS}
PLA = "https://shop.example/products/pla"


@pytest.mark.parametrize("query", ["variant=222", "utm_source=x&variant=222&qty=1", "sku=S-2", "idSku=S-2", "id=S-2"])
def test_the_variant_that_the_address_names_is_read(query: str) -> None:
    for nodes in ([GROUP], VARIANTS):
        reading = read(page(*nodes, canonical=PLA, body="<h1>PLA</h1>"), f"{PLA}?{query}")
        assert (reading.price_cents, reading.currency) == (2999, "USD")
        assert reading.item_id == "S-2"
        SHOP.check_same_product(f"{PLA}?{query}", reading)


def test_a_variant_may_be_an_offer_of_the_product() -> None:
    offers = [
        {
            "@type": "Offer",
            "price": price,
            "priceCurrency": "BRL",
            "sku": sku,
            "url": f"/products/pla?variant={variant}",
        }
        for price, sku, variant in ((10, "A", 1), (20, "B", 2), (30, "C", 3))
    ]
    own = {"@type": "Product", "name": "PLA", "offers": offers}
    for query, cents in (("variant=2", 2000), ("sku=C", 3000)):
        assert read(page(own), f"{PLA}?{query}").price_cents == cents
    listed = {**own, "offers": {"@type": "AggregateOffer", "lowPrice": 10, "highPrice": 30, "offers": offers}}
    assert read(page(listed), f"{PLA}?variant=2").price_cents == 2000
    for query in ("variant=9", "page=2", ""):
        refused(page(own), f"{PLA}?{query}")


@pytest.mark.parametrize("query", ["color=gold", "Cor=Gold", "colour=GOLD", "size=gold", "tamanho=gold", "talla=gold"])
def test_a_variant_is_named_by_its_colour_or_size(query: str) -> None:
    for name in ("color", "size"):
        variants = [{**variant, name: colour} for variant, colour in zip(VARIANTS, ("Black", "Gold"), strict=True)]
        assert read(page({**GROUP, "hasVariant": variants}), f"{PLA}?{query}").price_cents == 2999
    refused(page(GROUP), f"{PLA}?{query}")


def test_variants_of_one_price_need_no_choice() -> None:
    same = [{**variant, "offers": {**variant["offers"], "price": 45}} for variant in VARIANTS]
    reading = read(page({**GROUP, "hasVariant": same}, body="<h1>PLA</h1>"), PLA)
    assert (reading.price_cents, reading.title, reading.external_id) == (4500, "PLA", "shop.example/products/pla")
    refused(page(GROUP), PLA)


def test_a_variant_is_the_same_product_as_the_page_without_its_query() -> None:
    reading = read(page(product(21), canonical=PLA), PLA)
    SHOP.check_same_product(f"{PLA}?variant=222", reading)
    with pytest.raises(Redirected):
        SHOP.check_same_product("https://shop.example/products/abs?variant=222", reading)
    other = read(page(product(21), canonical=f"{PLA}?variant=111"), PLA)
    with pytest.raises(Redirected):
        SHOP.check_same_product(f"{PLA}?variant=222", other)


def test_a_group_of_variants_is_known_by_their_addresses_and_sold_by_its_own_offers() -> None:
    group = {"@type": "ProductGroup", "name": "X", "hasVariant": [product(21, name="X azul", url="/p/1")]}
    assert read(page(*RELATED, group)).price_cents == 2100
    bare = {"@type": "ProductGroup", "name": "X", "hasVariant": [product(21, name="X azul")]}
    assert read(page(product(21, name="Y"), bare, body="")).price_cents == 2100
    offered = {"@type": "ProductGroup", "name": "X", "hasVariant": [product(name="X azul")], "offers": {"price": 21}}
    assert read(page(offered)).price_cents == 2100


def test_the_address_that_a_page_tells_of_itself_chooses_among_products_of_one_place() -> None:
    one, two = product(21, name="A", url="/p?ref=1"), product(22, name="B", url="/p?ref=2")
    canonical = "https://shop.example/p?ref=1"
    assert read(page(one, two, body="", canonical=canonical), "https://shop.example/p").price_cents == 2100


def test_a_product_is_told_once_with_its_address_and_once_without() -> None:
    assert read(page(product(21, url="/outra/1"), product(21))).price_cents == 2100


def test_two_products_at_two_places_are_not_one_for_having_one_name_and_price() -> None:
    with pytest.raises(PageChanged, match="several products"):
        SHOP.read_product(page(product(21, url="/a"), product(21, url="/b")), URL)


@pytest.mark.parametrize("name", ["sku", "productID", "@id", "color", "size"])
def test_a_variant_bears_the_id_that_the_address_asks_for(name: str) -> None:
    variants = [product(price, name=f"PLA {price}") | {name: f"V{price}"} for price in (10, 20)]
    group = {"@type": "ProductGroup", "name": "PLA", "hasVariant": variants}
    assert read(page(group), f"{PLA}?variant=V20").price_cents == 2000


def test_a_product_keeps_the_address_of_the_variant_that_was_chosen_among_others_only() -> None:
    offers = [{"price": n, "priceCurrency": "BRL", "url": f"/products/pla?variant={n}"} for n in (1, 2)]
    own = {"@type": "Product", "name": "PLA", "offers": offers}
    chosen = read(page(own, canonical=PLA), f"{PLA}?variant=2")
    assert (chosen.price_cents, chosen.external_id) == (200, "shop.example/products/pla?variant=2")
    for only in ({**own, "offers": offers[1:]}, product(2, sku="2")):
        assert read(page(only, canonical=PLA), f"{PLA}?variant=2").external_id == "shop.example/products/pla"


def test_a_list_of_one_product_or_of_no_products_makes_no_listing() -> None:
    gift = product(21, name="Brinde")
    for items in ([RELATED[0]], [{"@type": "Article", "url": f"/a/{n}"} for n in (1, 2)]):
        beside = {"@type": "ItemList", "itemListElement": [{"@type": "ListItem", "item": item} for item in items]}
        assert read(page(gift, beside, body="<h1>Cafés</h1>"), "https://shop.example/c").price_cents == 2100
    with pytest.raises(PageChanged, match="several products"):
        SHOP.read(page(product(name="Own"), product(70, name="Other", url="/p/7"), body=""), URL)


@pytest.mark.parametrize("end", ["lowPrice", "highPrice"])
def test_either_end_of_a_range_makes_a_category_of_a_product(end: str) -> None:
    category = {"@type": "Product", "name": "Cafés", "url": "/c", "offers": {"@type": "AggregateOffer", end: 59}}
    reading = SHOP.read(page(category, LIST, body="<h1>Cafés</h1>"), "https://shop.example/c")
    assert isinstance(reading, ListingReading)
    seller = {"price": 59, "priceCurrency": "BRL"}
    sold = {**category, "offers": {"@type": "AggregateOffer", "lowPrice": 59, "highPrice": 59, "offers": [seller]}}
    assert read(page(sold, LIST, body="<h1>Cafés</h1>"), "https://shop.example/c").price_cents == 5900


def test_the_products_of_a_list_may_be_its_entries() -> None:
    reading = SHOP.read(page({"@type": "ItemList", "itemListElement": RELATED}), "https://shop.example/c")
    assert isinstance(reading, ListingReading)
    assert [offer.price_cents for offer in reading.offers] == [5900, 7900]


def test_a_card_keeps_its_facts_and_no_previous_price_below_its_price() -> None:
    before = {"price": 20, "priceCurrency": "BRL", "priceType": "https://schema.org/ListPrice"}
    card = product(21, url="/p/1", brand={"name": "ACME"})
    card["offers"]["priceSpecification"] = before
    (offer,) = listed(card).offers
    assert (offer.price_cents, offer.old_price_cents, offer.facts.brand) == (2100, None, "ACME")


@pytest.mark.parametrize(
    "related",
    [
        scope("70.00", name="Outra"),
        scope("70.00", name="Outra", more='<link itemprop="url" href="/p/9">'),
        '<li>Outra <span itemprop="price">70.00</span></li>',
        scope("70.00"),
    ],
)
def test_a_related_product_gives_the_own_one_no_price(related: str) -> None:
    refused(page(product(), body=f"<h1>Cafeteira</h1>{related}"))


@pytest.mark.parametrize(
    "place",
    ['<div class="related">{}</div>', '<ul id="carousel">{}</ul>', '<a href="/p/9">{}</a>', "<footer>{}</footer>"],
)
@pytest.mark.parametrize("other", [scope("70.00", name="Outra"), '<span itemprop="price">70.00</span>'])
def test_a_product_among_recommendations_is_not_the_pages_own(place: str, other: str) -> None:
    for head in ("", '<meta property="og:type" content="product">'):
        html = f"<html><head>{head}</head><body><h1>Cafeteira</h1><p>Esgotado</p>{place.format(other)}</body></html>"
        with pytest.raises(PageError):
            SHOP.read(html, URL)
    assert read(page(body=scope("21.00", name="Cafeteira") + place.format(other))).price_cents == 2100


@pytest.mark.parametrize("more", ["", scope("70.00", name="Outra"), scope("70.00", name="Outra") * 3])
def test_markup_of_the_own_product_gives_the_price_that_linked_data_leave_out(more: str) -> None:
    assert read(page(product(), body=scope("21.00", name="Cafeteira") + more)).price_cents == 2100


def test_markup_of_the_own_product_may_contradict_its_linked_data() -> None:
    assert read(page(product(21), body=scope("70.00", name="Outra"))).price_cents == 2100
    for own in (scope("70.00", name="CAFETEIRA"), scope("70.00"), '<b itemprop="price">70.00</b>'):
        refused(page(product(21), body=own))


ITEM_PAGE = (
    '<div itemscope itemtype="https://schema.org/ItemPage">'
    + scope("21.00", name="X", outer='itemprop="mainEntity"')
    + "</div>"
)
REFERRING = (
    '<div itemscope itemtype="https://schema.org/Product" itemref="a b"><h1 itemprop="name">X</h1></div>'
    '<p id="b"><meta itemprop="sku" content="S"></p>'
    '<div id="a" itemprop="offers" itemscope itemtype="https://schema.org/Offer">'
    '<meta itemprop="priceCurrency" content="R$"><span itemprop="price">21,00</span></div>'
)
PRICED_ITSELF = (
    '<div itemscope itemtype="https://schema.org/Product"><meta itemprop="priceCurrency" content="BRL">'
    '<span itemprop="price" content="21">R$ 21</span></div>'
)
LOOSE_OFFER = (
    '<div itemscope itemtype="https://schema.org/Offer"><meta itemprop="priceCurrency" content="BRL">'
    '<meta itemprop="price" content="21"></div>'
)
REVIEWED = '<ul itemprop="review" itemscope><li itemprop="name">5</li></ul>'


@pytest.mark.parametrize(
    "body",
    [
        scope("21.00", name="Cafeteira") + scope("70.00", name="Outra") + "<h1>Cafeteira</h1>",
        scope("21.00", name="X", more='<link itemprop="url" href="/p/1">') + scope("70.00", name="Outra"),
        scope("21.00", name="X", outer='itemid="https://shop.example/p/1"') + scope("70.00", name="Outra"),
        scope("21.00", name="X", more=scope("70.00", name="Outra", outer='itemprop="isRelatedTo"')),
        scope("21.00", name="X")
        + '<div itemscope itemtype="https://schema.org/Review">'
        + scope(None, name="Y", outer='itemprop="itemReviewed"')
        + "</div>",
        ITEM_PAGE,
        REFERRING,
        PRICED_ITSELF,
        LOOSE_OFFER,
    ],
)
def test_the_own_product_is_found_in_markup(body: str) -> None:
    reading = read(page(body=body))
    assert (reading.price_cents, reading.currency) == (2100, "BRL")


def test_offers_in_markup_are_weighed_as_in_linked_data() -> None:
    aggregate = '<p itemprop="offers" itemscope itemtype="http://schema.org/AggregateOffer">{}</p>'
    ends = '<meta itemprop="lowPrice" content="5.29"><meta itemprop="highPrice" content="{}">'
    for offers in (ends.format("9.56"), '<meta itemprop="lowPrice" content="5.29">'):
        refused(page(body=scope(None, name="X", more=aggregate.format(offers))))
    assert read(page(body=scope(None, name="X", more=aggregate.format(ends.format("5.29"))))).price_cents == 529
    refused(page(body=scope("21.00", name="X", more='<meta itemprop="price" content="22">')))


@pytest.mark.parametrize(
    ("head", "body", "title"),
    [
        ("", scope("5.00", more=REVIEWED) + "<h1>Sacola</h1>", "Sacola"),
        ("", scope("5.00", name="Sacola azul") + "<h1>Promo</h1>", "Sacola azul"),
        ("", scope("5.00", name="Sacola") + "<h1>Sacola azul - 5 un.</h1>", "Sacola azul - 5 un."),
        ("", scope("5.00", name="Sacola") + "<h1>Sacola A</h1><h1>Entre</h1>", "Sacola"),
        ('<meta property="og:title" content="Sacola | Loja">', scope("5.00"), "Sacola | Loja"),
        ('<meta property="og:title" content="Sacola | Loja">', scope("5.00") + "<h1>Sacola</h1>", "Sacola"),
    ],
)  # fmt: skip
def test_the_title_is_the_own_one(head: str, body: str, title: str) -> None:
    html = f"<html><head>{head}</head><body>{body}</body></html>"
    assert read(html).title == title


def test_sold_out_products_of_a_listing_are_no_offers() -> None:
    sold_out = product(60, name="Esgotado", url="/p/3")
    sold_out["offers"]["availability"] = "http://schema.org/OutOfStock"
    reading = SHOP.read_listing(page(*RELATED, sold_out), "https://shop.example/c", source="listing")
    assert [offer.title for offer in reading.offers] == ["R5", "R7"]
    assert reading.unreadable == ((3, "sold out"),)


CARDS = "https://shop.example/c"


def listed(*products: dict[str, Any], body: str = "<h1>Cafés</h1>") -> ListingReading:
    entries = [{"@type": "ListItem", "item": product} for product in products]
    html = page({"@type": "ItemList", "itemListElement": entries}, body=body)
    return SHOP.read_listing(html, CARDS, source="search:café")


def test_a_card_of_a_listing_is_read_whole() -> None:
    specification = [{"price": 80, "priceCurrency": "BRL"}, {"price": 100, "priceType": "https://schema.org/ListPrice"}]
    offers = {"@type": "Offer", "priceCurrency": "BRL", "priceSpecification": specification}
    reading = listed({**product(name="Café", sku="S-1", url="/p/1?utm_source=x", image="/i.jpg"), "offers": offers})
    assert (reading.marketplace, reading.url, reading.currency) == ("schema_org", CARDS, "BRL")
    assert (reading.strategy, reading.next_page, reading.unreadable) == ("json_ld", None, ())
    (offer,) = reading.offers
    assert (offer.marketplace, offer.external_id, offer.item_id) == ("schema_org", "shop.example/p/1", "S-1")
    assert (offer.title, offer.url, offer.source) == ("Café", "https://shop.example/p/1", "search:café")
    assert (offer.price_cents, offer.old_price_cents, offer.discount_pct, offer.currency) == (8000, 10000, 20, "BRL")
    assert offer.image_url == "https://shop.example/i.jpg"


@pytest.mark.parametrize(
    ("image", "address"),
    [
        ("https://i.example/1.jpg", "https://i.example/1.jpg"), ({"url": "/1.jpg"}, "https://shop.example/1.jpg"),
        (["/1.jpg", "/2.jpg"], "https://shop.example/1.jpg"), ([{"url": "/1.jpg"}], "https://shop.example/1.jpg"),
        ("http://i.example/1.jpg", None), ("data:image/png;base64,x", None), ([], None), ({}, None), (None, None),
    ],
)  # fmt: skip
def test_the_picture_of_a_card_is_its_first_one_by_https(image: object, address: str | None) -> None:
    (offer,) = listed(product(21, url="/p/1", image=image)).offers
    assert offer.image_url == address


def test_a_card_that_cannot_be_read_says_why() -> None:
    unnamed, homeless = product(21, name="", url="/p/2"), product(21)
    unclear = product("a partir de 10", url="/p/4")
    reading = listed(product(21, url="/p/1"), unnamed, homeless, unclear)
    assert len(reading.offers) == 1
    reasons = dict(reading.unreadable)
    assert (reasons[2], reasons[3]) == ("no title", "no address")
    assert sorted(reasons) == [2, 3, 4]
    assert reasons[4] not in {"", "no title", "no address", "sold out"}


def test_cards_without_a_currency_are_in_none() -> None:
    bare = {"@type": "Product", "name": "Café", "url": "/p/1", "offers": {"price": 10}}
    reading = listed(bare)
    assert (reading.currency, reading.offers[0].currency) == ("XXX", "XXX")
    nothing = listed(product(url="/p/1"))
    assert (nothing.currency, nothing.offers) == ("XXX", ())


def test_the_next_page_is_what_the_pager_offers_never_the_page_itself() -> None:
    for body, following in (
        ('<a rel="next" href="?page=2">Próxima</a>', f"{CARDS}?page=2"),
        (f'<a rel="next" href="{CARDS}">1</a><a rel="next" href="?page=3">2</a>', f"{CARDS}?page=3"),
        ('<a rel="next">Próxima</a>', None),
        ('<a href="?page=2">2</a>', None),
    ):
        assert listed(product(21, url="/p/1"), body=body).next_page == following


def test_a_page_of_one_product_lists_nothing() -> None:
    with pytest.raises(PageChanged, match=r"^no products in the page's schema.org data$") as refused_page:
        SHOP.read_listing(page(product(21, url="/p/1")), CARDS, source="listing")
    assert CARDS in refused_page.value.hint


# --- What is kept of a page, and said of one that cannot be read ---

SPECIFIED = [
    {"@type": "UnitPriceSpecification", "price": "21.00", "priceCurrency": "BRL"},
    {"price": "30.00", "priceType": "https://schema.org/ListPrice"},
]
METAS = {
    "product:sale_price:amount": "21.00",
    "product:price:amount": "30.00",
    "product:original_price:amount": "31.00",
    "product:sale_price:currency": "BRL",
    "og:availability": "instock",
    "og:title": "Cafeteira | Loja",
}


def metas(**told: str) -> str:
    named = {name.replace("__", ":"): value for name, value in told.items()}
    return "".join(f'<meta property="{name}" content="{value}">' for name, value in named.items())


def test_every_candidate_is_kept_with_where_it_was_found() -> None:
    """It is what `offers explain` shows of a price that a person doubts."""
    offers = {"priceCurrency": "BRL", "priceSpecification": SPECIFIED, "availability": "https://schema.org/InStock"}
    own = {"@type": "Product", "name": "Cafeteira", "sku": "S-1", "brand": {"name": "ACME"}, "offers": offers}
    paid = "<s>R$ 30,00</s><p>R$ 21,00 ou R$ 24,00 em 3x de R$ 8,00 sem juros</p>"
    body = f"<h1>Cafeteira azul</h1>{scope('21.00', name='Cafeteira')}{paid}"
    html = page(own, body=body).replace("<head>", f"<head>{metas(**METAS)}")
    reading = read(html)
    found = {
        name: [(told.strategy, told.raw, told.value) for told in candidates]
        for name, candidates in reading.candidates.items()
    }
    assert found == {
        "currency": [(way, "BRL", "BRL") for way in ("json_ld", "microdata", "open_graph")],
        "price_cents": [(way, "21.00", 2100) for way in ("json_ld", "microdata", "open_graph")],
        "old_price_cents": [("json_ld", "3000", 3000), ("open_graph", "31.00", 3100), ("shown", "R$ 30,00", 3000)],
        "available": [("json_ld", "InStock", True), ("open_graph", "instock", True)],
        "title": [
            ("heading", "Cafeteira azul", "Cafeteira azul"),
            ("json_ld", "Cafeteira", "Cafeteira"),
            ("microdata", "Cafeteira", "Cafeteira"),
        ],
        "item_id": [("json_ld", "S-1", "S-1")],
        "brand": [("json_ld", "ACME", "ACME")],
        "card_price_cents": [("shown", "2400", 2400)],
        "installments_count": [("shown", "3", 3)],
        "installment_cents": [("shown", "800", 800)],
        "interest_free": [("shown", "True", True)],
    }
    assert (reading.old_price_cents, reading.flags) == (None, ("old_price_disagrees",))
    assert (reading.marketplace, reading.url, reading.external_id) == ("schema_org", URL, "shop.example/p/1")


@pytest.mark.parametrize(
    ("name", "field", "cents"),
    [
        ("product:sale_price:amount", "price_cents", 9000), ("product:price:amount", "price_cents", 9000),
        ("og:price:amount", "price_cents", 9000), ("product:original_price:amount", "old_price_cents", 9000),
        ("og:price:standard_amount", "old_price_cents", 9000),
    ],
)  # fmt: skip
@pytest.mark.parametrize("attribute", ["property", "name"])
def test_a_price_may_stand_in_each_of_the_pages_own_fields(name: str, field: str, cents: int, attribute: str) -> None:
    price = "" if field == "price_cents" else '<meta property="og:price:amount" content="80.00">'
    html = f'<html><head>{price}<meta {attribute}="{name}" content=" 90.00 "><meta {attribute}="{name}" content="5">'
    assert getattr(read(f"{html}</head><body><h1>X</h1></body></html>"), field) == cents


@pytest.mark.parametrize("name", ["product:sale_price:currency", "product:price:currency", "og:price:currency"])
def test_the_currency_may_stand_in_each_of_the_pages_own_fields(name: str) -> None:
    head = metas(og__price__amount="49.950") + f'<meta property="{name}" content="usd">'
    reading = read(f"<html><head>{head}</head><body><h1>X</h1></body></html>")
    assert (reading.price_cents, reading.currency) == (4995, "USD")


@pytest.mark.parametrize("name", ["product:availability", "og:availability"])
def test_the_pages_own_fields_may_say_that_it_is_sold_out(name: str) -> None:
    head = metas(og__price__amount="80.00") + f'<meta property="{name}" content="out of stock">'
    with pytest.raises(OfferGone):
        SHOP.read(f"<html><head>{head}</head><body><h1>X</h1></body></html>", URL)


UNCLEAR = "no single price in schema.org data"
TWO_PLACES = scope("70.00", name="A", more='<link itemprop="url" href="/a">') + scope(
    "71.00", name="B", more='<link itemprop="url" href="/b">'
)


@pytest.mark.parametrize(
    ("html", "why"),
    [
        (page(product(21)).replace("<head>", f"<head>{metas(og__price__currency='USD')}"),
         "the page names different currencies: ['BRL', 'USD']"),
        (page(product(21), body="<h1>Cafeteira</h1><p>R$ 50,00</p>"),
         "the page shows other amounts than the R$ 21,00 of its data"),
        (page({**product(21), "offers": {}}), f"{UNCLEAR}: no price"),
        (page({**product(), "offers": [{"price": 1}, {"price": 2}]}), f"{UNCLEAR}: several prices"),
        (page(*RELATED, body=""), f"{UNCLEAR}: several products"),
        (page(body=TWO_PLACES), f"{UNCLEAR}: several products"),
        (page(*RELATED, body=TWO_PLACES), f"{UNCLEAR}: several products; several products"),
        (metas(og__price__amount="x"), f"{UNCLEAR}: 'x' is not a plain number"),
        ('<script type="application/ld+json">{"@type": "Product", </script>', f"{UNCLEAR}: none"),
    ],
)  # fmt: skip
def test_why_a_page_has_no_price_is_said_with_what_to_look_at(html: str, why: str) -> None:
    with pytest.raises(PageChanged) as refused_page:
        SHOP.read_product(html, URL)
    assert refused_page.value.message == why
    assert refused_page.value.hint == f"offers explain {URL}"
    assert refused_page.value.reading is not None


def test_amounts_that_contradict_are_named_in_the_pages_currency() -> None:
    dollars = {"@type": "Product", "name": "Cafeteira", "offers": {"price": 21, "priceCurrency": "USD"}}
    with pytest.raises(PageChanged, match=r"than the US\$ 21\.00 of its data"):
        SHOP.read_product(page(dollars, body="<h1>Cafeteira</h1><p>US$ 50.00</p>"), URL)
    with pytest.raises(PageChanged, match=r"json_ld R\$ 21,00, microdata R\$ 22,00"):
        SHOP.read_product(page(product(21), body="<h1>Cafeteira</h1>" + scope("22.00", name="Cafeteira")), URL)


def test_markup_without_a_name_is_the_own_products_by_its_id() -> None:
    own = product(sku="S-1")
    for sku, is_same in (("S-1", True), ("S-2", False)):
        body = "<h1>Cafeteira</h1>" + scope("21.00", more=f'<meta itemprop="sku" content="{sku}">')
        if is_same:
            assert read(page(own, body=body)).price_cents == 2100
        else:
            refused(page(own, body=body))
    assert read(page(product(21, productID="P-1"))).item_id == "P-1"


def test_several_products_are_counted_among_the_candidates() -> None:
    with pytest.raises(PageChanged) as refused_page:
        SHOP.read_product(page(*RELATED, body=TWO_PLACES), URL)
    assert refused_page.value.reading is not None
    told = refused_page.value.reading.candidates["price_cents"]
    assert [(candidate.strategy, candidate.raw, candidate.value) for candidate in told] == [
        ("json_ld", "2 products", None), ("microdata", "2 products", None),
    ]  # fmt: skip


def test_a_sold_out_product_and_a_shop_that_is_not_known_say_what_to_do() -> None:
    sold_out = product(21)
    sold_out["offers"]["availability"] = "OutOfStock"
    with pytest.raises(OfferGone, match=r"^the product is out of stock$") as gone:
        SHOP.read(page(sold_out), URL)
    assert gone.value.hint == "it returns when a listing shows it again"
    assert gone.value.reading is not None
    assert (gone.value.reading.title, gone.value.reading.available) == ("Cafeteira", False)
    with pytest.raises(ShopUnknown, match=r"^the page publishes no product data that offers can read$") as unknown:
        SHOP.read_product(page(), URL)
    assert unknown.value.hint == f"offers explain {URL}"


# --- Addresses ---


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://WWW.Shop.example//p///1/?b=2&a=1&utm_source=x#top", "shop.example/p/1?a=1&b=2"),
        ("http://shop.example:8443/p/1", "shop.example:8443/p/1"),
        ("https://shop.example/", "shop.example"),
        ("https://shop.example/p/MAX", "shop.example/p/MAX"),
        ("https://loja.www.example/p", "loja.www.example/p"),
        ("", ""),
    ],
)
def test_a_key_is_the_address_without_what_tells_no_product_apart(url: str, key: str) -> None:
    assert key_of(url) == key


def test_a_key_has_a_host_and_a_place() -> None:
    key = "shop.example/p/1?variant=2"
    assert (host_of(key), place_of(key)) == ("shop.example", "shop.example/p/1")
    assert (host_of("shop.example"), place_of("shop.example/p/1")) == ("shop.example", "shop.example/p/1")


@pytest.mark.parametrize(
    ("key", "asked", "is_asked"),
    [
        ("a.example/p?v=1", "a.example/p?v=1", True),
        ("a.example/p?v=1", "a.example/p?page=2&v=1", True),
        ("a.example/p?page=2&v=1", "a.example/p?v=1", False),
        ("a.example/p?v=2", "a.example/p?v=1", False),
        ("a.example/q?v=1", "a.example/p?v=1", False),
        ("a.example/p", "a.example/p?v=1", False),
        ("a.example/p", "a.example/p", False),
    ],
)
def test_an_address_asks_for_a_variant_by_all_that_its_query_names(key: str, asked: str, is_asked: bool) -> None:
    assert is_asked_by(key, asked) is is_asked


NAMING = "id idSku sku SKU variant variant_id variation variationId cor Cor color colour size tamanho talla"


@pytest.mark.parametrize("name", NAMING.split())
def test_a_variant_is_named_in_a_query(name: str) -> None:
    assert variants_named(f"a.example/p?{name}=Azul&page=1&sort=asc&sized=9") == {"azul"}


# --- Markup as nodes ---


def nodes(body: str) -> list[dict[str, Any]]:
    return read_products(Document(f"<html><body><h1>Cafeteira</h1>{body}</body></html>"))


def item(kind: str, more: str, outer: str = "") -> str:
    return f'<div itemscope itemtype="https://schema.org/{kind}" {outer}>{more}</div>'


def meta(**properties: str) -> str:
    return "".join(f'<meta itemprop="{name}" content="{value}">' for name, value in properties.items())


def test_markup_gives_the_nodes_that_linked_data_would() -> None:
    more = (
        '<h2 itemprop="name"> Cafeteira  azul </h2><img itemprop="image" src="/i.jpg">'
        '<a itemprop="url" href="/p/1">x</a>'
        '<b itemprop="color">Azul</b><b itemprop="color">Preta</b><b itemprop="color">Verde</b>'
        '<b itemprop="gtin mpn">7</b><i itemprop="brand"></i><data itemprop="sku" content=" A ">B</data>'
    )
    told = {
        "@type": ["https://schema.org/Product"], "@id": "https://shop.example/p/1", "name": "Cafeteira azul",
        "image": "/i.jpg", "url": "/p/1", "color": ["Azul", "Preta", "Verde"], "gtin": "7", "mpn": "7", "sku": "A",
    }  # fmt: skip
    assert nodes(item("Product", more, 'itemid=" https://shop.example/p/1 "')) == [told]
    assert nodes(item("Product", "") + item("Person", more)) == [{"@type": ["https://schema.org/Product"]}]


def test_what_a_product_says_itself_holds_for_its_offers_and_its_own_price_is_one_more() -> None:
    one = item("Offer", meta(price="21"), 'itemprop="offers"')
    two = item("Offer", meta(price="22", priceCurrency="USD"), 'itemprop="offers"')
    common = meta(priceCurrency="BRL", availability="InStock")

    def offers(body: str) -> list[dict[str, Any]]:
        (own,) = nodes(item("Product", body))
        return [{name: value for name, value in offer.items() if name != "@type"} for offer in own["offers"]]

    first = {"price": "21", "priceCurrency": "BRL", "availability": "InStock"}
    second = {"price": "22", "priceCurrency": "USD", "availability": "InStock"}
    told = {"priceCurrency": "BRL", "availability": "InStock"}
    assert offers(common + one + two) == [first, second]
    assert offers(common + one + meta(price="20")) == [first, {**told, "price": "20"}]
    assert offers(common) == [told]
    ends = {"lowPrice": "5", "highPrice": "9"}
    assert offers(common + one + meta(**ends)) == [first, {**told, **ends}]


def test_offers_of_nobody_are_a_nameless_products_with_every_price() -> None:
    first = item("Offer", meta(price="21", priceCurrency="BRL"))
    second = item("AggregateOffer", meta(price="22", priceCurrency="USD", lowPrice="20", name="x"))
    told = {"priceCurrency": "BRL", "lowPrice": "20", "price": ["21", "22", "23", "24"]}
    (own,) = nodes(first + second + meta(price="23") + meta(price="24"))
    assert own == {"@type": "Product", "offers": told}
    assert nodes(meta(name="x")) == nodes(item("Person", meta(price="21"))) == []
    assert nodes(meta(availability="InStock")) == [
        {"@type": "Product", "offers": {"availability": "InStock", "price": []}}
    ]


def test_an_item_takes_what_it_refers_to_and_no_item_takes_itself() -> None:
    places = {"a": "sku", "b": "name", "c": "mpn"}
    parts = "".join(f'<p id="{place}"><b itemprop="{name}">X</b></p>' for place, name in places.items())
    (own,) = nodes(item("Product", "", 'itemref="a b"') + parts)
    assert own == {"@type": ["https://schema.org/Product"], "sku": "X", "name": "X"}
    assert nodes(item("Product", meta(sku="S"), 'itemprop="mainEntity" id="a" itemref="a"')) == [
        {"@type": ["https://schema.org/Product"], "sku": "S"}
    ]


def captured() -> list[str]:
    return sorted(json.loads((CAPTURED / "expected.json").read_text("utf-8"))) if real_pages_folder() else []


@pytest.mark.parametrize("name", captured())
def test_captures_of_other_shops_are_read_as_a_human_reads_them(name: str) -> None:
    wanted = json.loads((CAPTURED / "expected.json").read_text("utf-8"))[name]
    html = (CAPTURED / name).read_text("utf-8", errors="replace")
    url = SHOP.page_url(html) or URL
    if refusal := next((code for part, code in REFUSED.items() if part in name), None):
        with pytest.raises(PageError) as refused_page:
            SHOP.read(html, url)
        assert refused_page.value.code == refusal
        return
    reading = SHOP.read(html, url)
    if isinstance(reading, ListingReading):
        shown = {(card["title"], card["price_cents"]) for card in wanted["cards"]}
        assert {(offer.title, offer.price_cents) for offer in reading.offers} <= shown
        counts = len(reading.offers), sum(reason == "sold out" for _, reason in reading.unreadable)
        assert counts == next(counts for part, counts in LISTED.items() if part in name)
        return
    assert reading.price_cents == wanted["price_cents"]
    assert reading.title == wanted["title"] or "extruct" in name
