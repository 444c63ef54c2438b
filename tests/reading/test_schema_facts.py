"""What schema.org data say of a product beside its price is kept where they say it plainly."""

from __future__ import annotations

import json
from typing import Any

import pytest
from reading.captures import REAL_PAGES, real_pages_folder

from offers_cli.marketplaces.schema_org import SchemaOrg
from offers_cli.marketplaces.schema_org.facts import facts_of

SHOP = SchemaOrg()


def known(*nodes: dict[str, Any], titles: tuple[str, ...] = (), **product: Any) -> dict[str, Any]:
    return facts_of(product, nodes, titles=titles).known()


@pytest.mark.parametrize(
    ("rating", "facts"),
    [
        ({"ratingValue": "4.69", "reviewCount": "322"}, {"rating_hundredths": 469, "reviews": 322}),
        ({"ratingValue": 5, "ratingCount": 6}, {"rating_hundredths": 500, "reviews": 6}),
        ({"ratingValue": "4,5", "reviewCount": 0, "ratingCount": 7}, {"rating_hundredths": 450, "reviews": 7}),
        ({"ratingValue": 9, "bestRating": "10"}, {"rating_hundredths": 450}),
        ({"ratingValue": 93.7, "bestRating": 100}, {"rating_hundredths": 468}),
        ({"ratingValue": 4.6875}, {"rating_hundredths": 468}),
        ({"ratingValue": 5.1}, {}), ({"ratingValue": 0, "reviewCount": 0}, {}), ({"ratingValue": "ótimo"}, {}),
        ({"ratingValue": -1}, {}), ({"ratingValue": True, "reviewCount": True}, {}), ({"bestRating": 0}, {}),
        ({"ratingValue": 4, "bestRating": 0}, {}), ({"reviewCount": "1.048"}, {}), ({}, {}),
    ],
)  # fmt: skip
def test_stars_are_hundredths_of_five(rating: dict[str, Any], facts: dict[str, Any]) -> None:
    assert known(aggregateRating=rating) == facts
    assert known(aggregateRating=[rating]) == facts


def test_brand_and_seller_are_names() -> None:
    assert known(brand="Nadir") == known(brand={"@type": "Brand", "name": " Nadir "}) == {"brand": "Nadir"}
    assert known(brand=[{"name": "Nadir"}, {"name": "Nadir"}]) == {"brand": "Nadir"}
    assert known(brand="x" * 200) == {"brand": "x" * 200}
    for brand in ([{"name": "A"}, {"name": "B"}], {"@id": "#b"}, "", "<b>x</b>", "x" * 201, 5.5, None):
        assert known(brand=brand) == {}
    one, other = {"seller": {"name": "Loja A"}}, {"seller": {"name": "Loja B"}}
    assert known(offers=one) == known(offers=[one, one]) == {"seller": "Loja A"}
    assert known(offers=[one, other]) == known(offers=[one, {}]) == {}


def crumbs(*names: Any, **more: Any) -> dict[str, Any]:
    steps = [{"@type": "ListItem", "position": n, "item": {"name": name}} for n, name in enumerate(names, 1)]
    return {"@type": "BreadcrumbList", "itemListElement": steps, **more}


def test_the_category_is_the_last_crumb_before_the_product() -> None:
    path = crumbs("Loja", "Casa", "Copos", "Copo Azul - 300ml")
    assert known(path, titles=("Copo azul 300ml",)) == {"category": "Copos"}
    assert known(path) == {"category": "Copo Azul - 300ml"}
    assert known(crumbs("Copo", "Copo"), titles=("Copo",)) == known(crumbs("Loja")) == {}
    turned = {**path, "itemListElement": path["itemListElement"][::-1]}
    assert known(turned, titles=("Copo azul 300ml",)) == {"category": "Copos"}
    named = {
        "@type": "BreadcrumbList",
        "itemListElement": [{"name": "Loja", "item": "/"}, {"name": "Copos", "item": "/c"}],
    }
    assert known(named, category="Casa > Outra") == {"category": "Copos"}


def test_without_crumbs_the_category_is_the_narrowest_that_the_product_names() -> None:
    assert known(category="Casa > Copos ") == known(category=["Casa", "Casa › Copos"]) == {"category": "Copos"}
    assert known(category={"name": "Copos"}) == known(category="Copos") == {"category": "Copos"}
    assert known(category=["Casa", "Cozinha", "Casa › Copos"]) == {"category": "Copos"}
    unnamed: tuple[Any, ...] = ("", ">", "https://schema.org/x", "http://schema.org/x", [], 5.5)
    assert all(known(category=category) == {} for category in unnamed)


def ships(**details: Any) -> dict[str, Any]:
    return {"shippingDetails": {"shippingRate": {"value": 0, "currency": "BRL"}, **details}}


def test_shipping_is_free_only_where_every_way_of_every_offer_is() -> None:
    free = {"free_shipping": True}
    country = {"shippingDestination": {"addressCountry": "BR"}}
    for offers in (ships(), ships(**country), [ships(), ships()], ships(shippingRate={"value": "0.00"})):
        assert known(offers=offers) == free
    for offers in (
        {},
        [ships(), {}],
        ships(shippingRate={"value": 9.9}),
        ships(shippingRate={"maxValue": 10, "value": 0}),
        ships(shippingRate={}),
        ships(shippingRate={"value": "grátis"}),
        ships(shippingDestination={"addressCountry": "BR", "addressRegion": "SP"}),
        ships(shippingDestination=[{"postalCode": "01000-000"}]),
        ships(shippingDestination={"postalCodeRange": {"postalCodeBegin": "01000", "postalCodeEnd": "05999"}}),
        ships(doesNotShip=True),
        ships(eligibleTransactionVolume={"minPrice": 100}),
        {"shippingDetails": [ships()["shippingDetails"], {"shippingRate": {"value": 5}}]},
    ):
        assert known(offers=offers) == {}


def test_a_page_tells_its_facts_by_strategy() -> None:
    product = {"@type": "Product", "name": "Copo", "brand": "Nadir", "offers": {"price": 10, "priceCurrency": "BRL"}}
    body = (
        '<div itemscope itemtype="https://schema.org/Product"><h1 itemprop="name">Copo</h1>'
        '<p itemprop="aggregateRating" itemscope itemtype="https://schema.org/AggregateRating">'
        '<b itemprop="ratingValue">4.5</b><i itemprop="reviewCount">20</i></p></div>'
    )
    html = f'<script type="application/ld+json">{json.dumps([product, crumbs("Loja", "Copos")])}</script>{body}'
    reading = SHOP.read_product(html, "https://shop.example/p/1")
    assert reading.facts.known() == {"rating_hundredths": 450, "reviews": 20, "brand": "Nadir", "category": "Copos"}
    assert [one.strategy for one in reading.candidates["brand"]] == ["json_ld"]
    assert [one.strategy for one in reading.candidates["reviews"]] == ["microdata"]


def test_a_card_tells_its_facts() -> None:
    rated = {"aggregateRating": {"ratingValue": 4, "reviewCount": 2}, "brand": "Nadir"}
    products = [{"@type": "Product", "name": str(n), "url": f"/{n}", "offers": {"price": 9}, **rated} for n in (1, 2)]
    html = f'<script type="application/ld+json">{json.dumps(products)}</script><h1>Copos</h1>'
    reading = SHOP.read_listing(html, "https://shop.example/c", source="listing")
    told = {"rating_hundredths": 400, "reviews": 2, "brand": "Nadir"}
    assert [offer.facts.known() for offer in reading.offers] == [told, told]


@pytest.mark.skipif(not real_pages_folder(), reason="no captures")
def test_a_capture_tells_its_facts() -> None:
    html = (REAL_PAGES / "other-shops" / "x_magalu_promobuzi_44.html").read_text("utf-8")
    assert SHOP.read_product(html, SHOP.page_url(html) or "").facts.known() == {
        "installments_count": 5,
        "installment_cents": 13433,
        "interest_free": True,
        "rating_hundredths": 469,
        "reviews": 322,
        "brand": "Electrolux",
        "category": "Micro-ondas",
    }
