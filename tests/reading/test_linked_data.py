"""What a product costs by its own offers, in JSON-LD as shops write it: one price that all can pay for one, or none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from offers_cli.marketplaces import json_ld
from offers_cli.marketplaces.json_ld import Quote
from offers_cli.money import MoneyError

NEW, USED, REFURBISHED = (f"https://schema.org/{kind}Condition" for kind in ("New", "Used", "Refurbished"))
SOLD_OUT, IN_STOCK = "https://schema.org/OutOfStock", "https://schema.org/InStock"


def offer(price: object = None, **more: Any) -> dict[str, Any]:
    return {"@type": "Offer", "priceCurrency": "BRL", **({} if price is None else {"price": price}), **more}


def quote(*offers: Any, shown: frozenset[int] = frozenset()) -> Quote:
    return json_ld.quote({"@type": "Product", "offers": list(offers)}, shown)


def unit(price: object, **more: Any) -> dict[str, Any]:
    return {"@type": "UnitPriceSpecification", "price": price, "priceCurrency": "BRL", **more}


@pytest.mark.parametrize(
    "states",
    [
        "OutOfStock", "outofstock", "OUT_OF_STOCK", "out of stock", "Out-of-stock", "https://schema.org/OutOfStock",
        "http://schema.org/outofstock/", "schema:OutOfStock#OutOfStock", "SoldOut", "sold out", "Sold Out!",
        "Discontinued", "oos", "Unavailable", "currently unavailable", "Not available", "no longer available",
        "Reserved", "Esgotado", "Produto esgotado", "esgotada", "Produto Indisponível", "Indisponível no momento",
        "Não disponível", "Sem estoque", "FORA DE ESTOQUE", "fora de linha", "Descontinuado", "Agotado",
        "Estoque esgotado", "Fora do estoque", "Fuera de stock", "Ausverkauft", "Épuisé", "Esaurito",
        "Producto agotado.", "No disponible por el momento", "Sin stock", "sin existencias", "temporarily out of stock",
    ],
)  # fmt: skip
def test_sold_out_is_understood_in_every_spelling(states: str) -> None:
    assert json_ld.is_sold_out(states)
    assert quote(offer(10, availability=states)).is_unavailable


@pytest.mark.parametrize(
    "state",
    [
        *(f"{subject} esgotado" for subject in (
            "product", "produto", "producto", "item", "artículo", "artigo", "variant", "variante", "estoque", "stock",
        )),
        *(f"{now} indisponível" for now in (
            "currently", "temporarily", "atualmente", "actualmente", "temporariamente", "temporalmente",
        )),
        *(f"agotado {now}" for now in (
            "temporariamente", "temporalmente", "no momento", "por el momento", "at the moment",
        )),
        "esgotados", "esgotadas", "indisponíveis", "descontinuada", "agotada", "agotados", "agotadas", "out ofstock",
        "outof stock", "soldout", "fora de linha", "não disponível", "nicht verfügbar", "rupture de stock",
        "en rupture de stock", "non disponibile",
    ],
)  # fmt: skip
def test_sold_out_is_understood_whatever_is_said_around_it(state: str) -> None:
    assert json_ld.is_sold_out(state)
    assert not json_ld.is_sold_out(f"x {state}")
    assert not json_ld.is_sold_out(f"{state} x")


@pytest.mark.parametrize(
    "state",
    [
        "Used", "UsedCondition", "used condition", "Refurbished", "Damaged", "DamagedCondition", "Open box", "OpenBox",
        "pre-owned", "PreOwned", "usado", "usada", "seminovo", "seminova", "recondicionado", "recondicionada",
    ],
)  # fmt: skip
def test_second_hand_is_understood_in_every_spelling(state: str) -> None:
    assert quote(offer(999), offer(700, itemCondition=state)).price_cents == 99900
    assert quote(offer(999), offer(700, itemCondition=f"not {state}")).note == "several prices"


@pytest.mark.parametrize(
    "states",
    [
        "InStock", "in stock", "PreOrder", "BackOrder", "LimitedAvailability", "OnlineOnly", "Disponível", "Em estoque",
        "En stock", "Não esgotado", "not out of stock", "", "Estoque baixo", "Esgotado em outras lojas",
    ],
)  # fmt: skip
def test_what_can_be_bought_is_not_sold_out(states: str) -> None:
    assert not json_ld.is_sold_out(states)
    assert not quote(offer(10, availability=states)).is_unavailable


def test_a_state_may_stand_in_a_list_or_behind_an_id() -> None:
    assert quote(offer(10, availability=[SOLD_OUT])).is_unavailable
    assert quote(offer(10, availability={"@id": SOLD_OUT})).is_unavailable
    assert quote(offer(10, availability={"name": 5})).availability is None


@pytest.mark.parametrize(
    "aggregate",
    [
        {"lowPrice": 99.9},
        {"highPrice": 99.9},
        {"lowPrice": 99.9, "offerCount": 12},
        {"minPrice": 99.9},
        {"priceSpecification": {"minPrice": 10}},
        {"priceSpecification": {"maxPrice": "10"}},
    ],
)
def test_one_end_of_a_range_is_no_price(aggregate: dict[str, Any]) -> None:
    found = quote({"@type": "AggregateOffer", "priceCurrency": "BRL", **aggregate})
    assert (found.price_cents, found.note) == (None, "one end of a range is no price")


def test_the_ends_of_a_range_must_be_one_price() -> None:
    assert quote({"lowPrice": "10.00", "highPrice": 10, "priceCurrency": "BRL"}).price_cents == 1000
    assert quote({"lowPrice": 10, "highPrice": 20}).note == "several prices"
    assert quote({"price": 10, "lowPrice": 8}).note == "several prices"
    assert quote(offer(priceSpecification={"minPrice": 10, "maxPrice": 20})).note == "several prices"
    assert quote(offer(priceSpecification={"minPrice": 10, "maxPrice": 10})).price_cents == 1000


def test_a_range_is_explained_by_the_offers_that_it_sums_up() -> None:
    """Ends that belong to no listed offer are prices of sellers who are not listed."""
    listed = [offer(120), offer(100, availability=SOLD_OUT)]
    explained = {"@type": "AggregateOffer", "lowPrice": 100, "highPrice": 120, "offers": listed}
    assert quote(explained).price_cents == 12000
    assert quote({**explained, "lowPrice": 90}).note == "several prices"
    assert quote({**explained, "highPrice": 150}).note == "several prices"


def test_new_offers_are_the_price_where_there_are_second_hand_ones_too() -> None:
    new, refurbished = offer(999, itemCondition=NEW), offer("812.99", itemCondition=REFURBISHED)
    assert quote(new, refurbished).price_cents == quote(refurbished, new).price_cents == 99900
    assert quote(offer(999), offer(700, itemCondition="Usado")).price_cents == 99900
    assert quote(offer(999), offer(700, itemCondition="open-box")).price_cents == 99900


def test_second_hand_offers_are_no_price_where_the_new_one_is_sold_out() -> None:
    left = quote(offer(300, availability=SOLD_OUT), offer(900, itemCondition=USED, availability=IN_STOCK))
    assert (left.price_cents, left.note, left.is_unavailable) == (None, "only second-hand offers are left", False)
    assert quote(offer(900, itemCondition=USED)).price_cents == 90000
    assert quote(offer(300, availability=SOLD_OUT), offer(900, itemCondition=NEW)).price_cents == 90000


def test_the_only_price_may_stand_in_a_specification_of_one_piece() -> None:
    assert quote(offer(priceSpecification=[unit("25.00", valueAddedTaxIncluded=False)])).price_cents == 2500
    listed = unit("30.00", priceType="https://schema.org/ListPrice")
    both = quote(offer(priceSpecification=[unit("25.00"), listed]))
    assert (both.price_cents, both.old_price_cents) == (2500, 3000)


@pytest.mark.parametrize(
    "more",
    [
        {"referenceQuantity": {"value": 1, "unitCode": "KGM"}},
        {"unitCode": "KGM"},
        {"unitText": "kg"},
        {"billingDuration": 12},
        {"billingIncrement": 1},
        {"eligibleQuantity": {"minValue": 10}},
        {"eligibleTransactionVolume": {"minPrice": 500}},
        {"validForMemberTier": {"@id": "#gold"}},
        {"@type": "DeliveryChargeSpecification"},
        {"@type": "PaymentChargeSpecification"},
        {"priceType": "InvoicePrice"},
        {"priceType": "https://schema.org/MinimumAdvertisedPrice"},
    ],
)
def test_a_price_by_weight_month_dozen_or_for_members_is_none(more: dict[str, Any]) -> None:
    assert quote(offer(priceSpecification=unit(12.9, **more))).note == "no price"
    assert quote(offer(100, priceSpecification=unit(12.9, **more))).price_cents == 10000


@pytest.mark.parametrize("kind", ["ListPrice", "StrikethroughPrice", "SRP", "MSRP", "https://schema.org/RegularPrice"])
def test_a_list_price_is_the_previous_one(kind: str) -> None:
    found = quote(offer(80, priceSpecification=[unit(100, priceType=kind)]))
    assert (found.price_cents, found.old_price_cents) == (8000, 10000)


def test_list_prices_that_differ_are_none() -> None:
    listed = [unit(price, priceType="ListPrice") for price in (100, 120)]
    assert quote(offer(80, priceSpecification=listed)).old_price_cents is None
    assert quote(offer(80, priceSpecification=unit("?", priceType="ListPrice"))).old_price_cents is None


def test_a_sale_price_beside_another_price_is_a_contradiction() -> None:
    sale = unit(80, priceType="https://schema.org/SalePrice")
    assert quote(offer(100, priceSpecification=sale)).note == "several prices"
    assert quote(offer(80, priceSpecification=sale)).price_cents == 8000


def test_currencies_are_read_in_every_spelling_and_must_be_one() -> None:
    assert quote(offer(10, priceCurrency="R$")).currency == quote(offer(10, priceCurrency="brl")).currency == "BRL"
    assert quote({"priceSpecification": unit(10)}).currency == "BRL"
    assert quote({"price": 10, "priceCurrency": "$"}).currency is None
    mixed = quote(offer(10), offer(10, priceCurrency="USD"))
    assert (mixed.price_cents, mixed.note) == (None, "different currencies")


@pytest.mark.parametrize("text", ["1.290", " 1.290 "])
def test_thousands_with_a_point_are_settled_by_what_the_page_shows_alone(text: str) -> None:
    read = json_ld.read_price
    assert read(text, "BRL", {129000, 99}) == 129000
    assert read(text, "BRL", {129, 500}) == 129
    for shown in ((), {500}, {129, 129000}):
        with pytest.raises(MoneyError, match="two ways"):
            read(text, "BRL", shown)
    assert quote(offer(text), shown=frozenset({129000})).price_cents == 129000
    assert quote(offer(text)).price_cents is None


def test_a_number_of_a_script_counts_as_it_is_written() -> None:
    product = '{"@type": "Product", "offers": {"price": %s, "priceCurrency": "BRL"}}'
    quotes = [json_ld.quote(json_ld.parse_nodes(product % price)[0]) for price in ("1.290", "1.29", "1290", "1290.00")]
    assert [(found.raw, found.price_cents) for found in quotes] == [
        ("1.290", None), ("1.29", 129), ("1290", 129000), ("1290.00", 129000),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("amount", "currency", "cents"),
    [
        ("1.299,90", "BRL", 129990), ("1.299.000", "COP", 129900000), ("1,299,000", "USD", 129900000),
        ("R$ 99,90", "BRL", 9990), ("2499,00", None, 249900), (99.9, "USD", 9990), ("12345.50", "COP", 1234550),
        (1000.5, "CLP", 100050), ("15.00", "CLP", 1500), (15.99, "BRL", 1599), (15.99, "EUR", 1599),
    ],
)  # fmt: skip
def test_unmistakable_amounts_are_read(amount: object, currency: str | None, cents: int) -> None:
    assert json_ld.read_price(amount, currency) == cents


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("1,299", "USD"), ("1.299.00", "BRL"), ("1.299.000", "USD"), ("a partir de 10,00", "BRL"), (True, "BRL"),
        (15.99, "CLP"), ("15.9", "COP"), (999.99, "PYG"), ("12,5", "BRL"), ("10,00 a 20,00", "BRL"), (-1, "BRL"),
        ({"value": 5}, "BRL"),
    ],
)  # fmt: skip
def test_other_amounts_are_refused(amount: object, currency: str) -> None:
    with pytest.raises(MoneyError):
        json_ld.read_price(amount, currency)


def test_nothing_is_told_of_a_product_without_offers_and_of_a_broken_script() -> None:
    assert json_ld.quote({"@type": "Product", "offers": "10"}) == Quote(note="no price")
    assert quote(offer("")).note == "no price"
    assert quote(offer(0)).note == "zero is no price"
    assert json_ld.parse_nodes('{"@type": "Product"') == json_ld.parse_nodes("[" * 100_000) == []


def test_products_stand_in_graphs_lists_and_groups_and_under_many_types() -> None:
    variants = [{"@type": "Product", "name": "a"}, {"@type": "Product", "name": "b"}]
    script = [
        {"@graph": [{"@type": ["Thing", "http://schema.org/Product"], "name": "graph"}]},
        {"@type": "ItemPage", "mainEntity": {"@type": "Product", "name": "main"}},
        {"@type": "ProductGroup", "name": "group", "hasVariant": variants},
        {"@type": "Product", "name": "own", "isRelatedTo": {"@type": "Product", "name": "other"}},
        {"@type": "Organization", "name": "shop"},
    ]
    found = json_ld.products(json_ld.parse_nodes(json.dumps(script)))
    assert [product["name"] for product in found] == ["graph", "main", "own", "a", "b"]


def test_a_currency_with_a_decimal_point_settles_three_decimals_in_every_price() -> None:
    """In dollars ``49.950`` is 49.95, never 49,950: for the price, its range and the previous price alike."""
    dollars = {"priceCurrency": "USD"}
    listed = unit("59.950", priceType="ListPrice", **dollars)
    own = quote(offer("49.950", priceSpecification=listed, **dollars))
    assert (own.price_cents, own.old_price_cents) == (4995, 5995)
    ends = {"@type": "AggregateOffer", "lowPrice": "49.950", "highPrice": "49.950", **dollars}
    assert quote(ends).price_cents == 4995
    assert quote({**ends, "offers": [offer("49.950", **dollars)]}).price_cents == 4995


def test_what_the_page_shows_settles_the_range_and_the_previous_price_too() -> None:
    listed = unit("1.590", priceType="ListPrice")
    ends = {"@type": "AggregateOffer", "lowPrice": "1.290", "highPrice": "1.290"}
    found = quote({**ends, "offers": [offer("1.290", priceSpecification=listed)]}, shown=frozenset({129000, 159000}))
    assert (found.price_cents, found.old_price_cents) == (129000, 159000)


def test_cents_of_a_currency_that_has_none_are_refused_with_the_reason() -> None:
    assert quote(offer(15.99, priceCurrency="CLP")).note == "'15.99' has cents, and CLP has none"


def test_prices_in_a_list_count_each() -> None:
    assert quote(offer([10, "10.00", ""])).price_cents == 1000
    assert quote(offer([10, 12])).note == "several prices"


def test_what_stood_there_is_kept_in_short() -> None:
    assert quote(offer(10), offer("12.50")).raw == "10, 12.50"
    assert len(quote(*(offer(10) for _ in range(100))).raw) == 200


def test_the_address_of_the_offer_that_is_bought_is_kept() -> None:
    sold_out, bought = (f"https://shop.example/{name}" for name in ("gone", "here"))
    assert quote(offer(10, url=bought)).url == bought
    assert quote(offer(10, availability=SOLD_OUT, url=sold_out), offer(12, url=bought)).url == bought
    assert quote(offer(10, url=5)).url is None


def test_a_script_with_line_breaks_inside_its_texts_is_read() -> None:
    """Shops paste descriptions as they are; a strict reader would lose the price beside them."""
    (node,) = json_ld.parse_nodes('{"@type": "Product", "description": "one\n\ttwo", "offers": {"price": 10}}')
    assert json_ld.quote(node).price_cents == 1000


def test_a_state_that_is_no_text_is_none() -> None:
    assert quote(offer(10, availability=[5, IN_STOCK])).availability == "InStock"


@pytest.mark.parametrize(
    ("value", "text"),
    [(" Acme  &\nCo ", "Acme & Co"), (789, "789"), (True, None), (1.5, None), (None, None), ([], None), (" ", None)],
)
def test_a_fact_is_a_text_or_a_whole_number(value: object, text: str | None) -> None:
    assert json_ld.text_or_number(value) == text
