"""Every value that a product page tells is kept with the strategy that found it and the text it stood in.

`offers explain` shows nothing else, and a mend of a parser begins with it: so each is compared whole.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from offers_cli.errors import OfferGone, PageChanged, WorkError
from offers_cli.marketplaces.base import ProductReading
from offers_cli.marketplaces.mercado_livre import MercadoLivre

URL = "https://produto.mercadolivre.com.br/MLB-5000000001-cafeteira-_JM"
CATALOGUE = "https://www.mercadolivre.com.br/cafeteira/p/MLB40000001"
AMOUNT = '<span class="andes-money-amount{}">R$<span class="andes-money-amount__fraction">{}</span></span>'
BOX = (
    '<div class="ui-pdp-price ui-pdp-price--size-large"><div class="ui-pdp-price__second-line">'
    + AMOUNT.format("", "80")
    + "</div></div>"
)
ENDED = '<div class="ui-pdp-message ui-pdp-shipping-message"><p class="ui-pdp-message__title">Anúncio pausado</p></div>'


def linked(**product: Any) -> str:
    data = {"@type": "Product", "name": "Cafeteira", **product}
    return f'<script type="application/ld+json">{json.dumps(data)}</script>'


def state(**shown: Any) -> str:
    return f"<script>window.__PRELOADED_STATE__ = {json.dumps({'app': 'vip', 'components': {}, **shown})};</script>"


def page(body: str, head: str = "", title: str = '<h1 class="ui-pdp-title">Cafeteira</h1>') -> str:
    return f"<html><head>{head}</head><body><main>{title}{body}</main></body></html>"


def read(html: str, url: str = URL) -> ProductReading:
    return MercadoLivre().read_product(html, url)


def refused(html: str, url: str = URL) -> tuple[WorkError, ProductReading]:
    with pytest.raises((OfferGone, PageChanged)) as caught:
        read(html, url)
    assert isinstance(caught.value.reading, ProductReading)
    return caught.value, caught.value.reading


def told(reading: ProductReading) -> dict[str, list[tuple[object, ...]]]:
    return {
        name: [(one.strategy, one.raw, one.value, one.note) for one in candidates]
        for name, candidates in reading.candidates.items()
    }


def test_markup_linked_data_and_addresses_each_with_its_text() -> None:
    offer = {
        "@type": "Offer",
        "price": "80.00",
        "priceCurrency": "BRL",
        "availability": "https://schema.org/InStock",
        "url": URL,
    }
    form = '<form><input name="item_id" value="MLB5000000001"></form>'
    reading = read(page(BOX + form, linked(name=" Cafeteira  azul", productID="MLB5000000001", offers=offer)))
    assert told(reading) == {
        "title": [("dom", "Cafeteira", "Cafeteira", ""), ("json_ld", "Cafeteira azul", "Cafeteira azul", "")],
        "currency": [("dom", "BRL", "BRL", ""), ("json_ld", "BRL", "BRL", "")],
        "price_cents": [("dom", "R$80", 8000, ""), ("json_ld", "80.00", 8000, "")],
        "price_condition": [("dom", "", "any", "")],
        "item_id": [
            ("dom", "MLB5000000001", "MLB5000000001", ""),
            ("json_ld", "MLB5000000001", "MLB5000000001", ""),
            ("url", URL, "MLB5000000001", ""),
        ],
        "available": [("json_ld", "InStock", True, "")],
    }
    assert (reading.marketplace, reading.currency) == ("mercado_livre", "BRL")


def test_what_linked_data_give_for_a_price_and_is_none_is_kept_with_its_reason() -> None:
    reading = read(page(BOX, linked(offers={"@type": "Offer", "price": "oitenta"})))
    [dom, refused_one] = told(reading)["price_cents"]
    assert dom == ("dom", "R$80", 8000, "")
    assert refused_one[:3] == ("json_ld", "oitenta", None)
    assert refused_one[3]


def test_the_pages_own_address_is_named_apart_from_the_one_that_answered() -> None:
    reading = read(page(BOX, f'<link rel="canonical" href="{CATALOGUE}">'))
    assert told(reading)["catalogue_id"] == [("canonical", CATALOGUE, "MLB40000001", "")]
    assert told(reading)["item_id"] == [("url", URL, "MLB5000000001", "")]


def test_a_user_products_address_tells_its_id() -> None:
    url = "https://www.mercadolivre.com.br/cafeteira/up/MLBU3000000001"
    assert told(read(page(BOX), url))["user_product_id"] == [("url", url, "MLBU3000000001", "")]


def test_an_item_in_the_address_of_a_catalogue_page_counts_only_where_it_is_pinned() -> None:
    assert "item_id" not in told(read(page(BOX), f"{CATALOGUE}#wid=MLB5000000007"))
    pinned = f"{CATALOGUE}?pdp_filters=item_id%3AMLB5000000007"
    assert told(read(page(BOX), pinned))["item_id"] == [("url", pinned, "MLB5000000007", "")]


def test_ids_of_linked_data_are_kept_as_they_stand() -> None:
    user_product = told(read(page(BOX, linked(productID="MLBU3000000001", offers={"price": 80}))))
    assert user_product["user_product_id"] == [("json_ld", "MLBU3000000001", "MLBU3000000001", "")]
    catalogue = told(read(page(BOX, linked(productID="MLB-40000001", offers={"price": 80})), CATALOGUE))
    assert catalogue["catalogue_id"][0] == ("json_ld", "MLB-40000001", "MLB40000001", "")


@pytest.mark.parametrize(
    ("own", "url"),
    [
        ({"productID": "MLB5000000001"}, URL),
        ({"sku": "MLB40000001"}, CATALOGUE),
        ({"productID": "MLBU3000000001"}, "https://www.mercadolivre.com.br/cafeteira/up/MLBU3000000001"),
    ],
)
def test_of_several_products_the_one_whose_id_the_page_tells_is_heard(own: dict[str, str], url: str) -> None:
    other = linked(name="Outra", productID="MLB5000000099", offers={"price": 9})
    html = page("", f'<link rel="canonical" href="{url}">{other}' + linked(**own, offers={"price": 80}))
    assert told(read(html, ""))["price_cents"] == [("json_ld", "80", 8000, "")]


@pytest.mark.parametrize(
    ("own", "shown"),
    [
        ({"sku": "MLB40000001"}, {"app": "pdp", "id": "MLB40000001"}),
        ({"sku": "MLBU3000000001"}, {"app": "upp", "id": "MLBU3000000001"}),
    ],
)
def test_of_several_products_the_one_whose_id_the_state_tells_is_heard(
    own: dict[str, str], shown: dict[str, str]
) -> None:
    other = linked(name="Outra", productID="MLB5000000099", offers={"price": 9})
    html = page(BOX, state(**shown) + other + linked(**own, offers={"price": 80}))
    assert ("json_ld", "80", 8000, "") in told(read(html, ""))["price_cents"]


def test_a_message_that_the_offer_has_ended_is_kept() -> None:
    error, reading = refused(page(BOX + ENDED))
    assert isinstance(error, OfferGone)
    assert told(reading)["available"] == [("dom", "Anúncio pausado", False, "")]
    assert (reading.available, reading.currency) == (False, "BRL")


def test_a_refused_page_still_tells_its_currency() -> None:
    error, reading = refused(page("<p>sin precio</p>"), "https://articulo.mercadolibre.com.ar/MLA-1400000001-x-_JM")
    assert isinstance(error, PageChanged)
    assert reading.currency == "ARS"


def test_a_page_that_shows_where_prices_begin_says_so() -> None:
    box = BOX.replace('second-line">', 'second-line"><span>A partir de </span>')
    error, _ = refused(page(box))
    assert error.message == 'the page shows a "from" price, not its own'
    assert error.hint == f"offers explain {URL}"


@pytest.mark.parametrize("key", ["siteId", "id"])
def test_the_country_that_the_state_names_goes_before_the_addresses(key: str) -> None:
    shown = state(**{key: "MLA"})
    assert read(page(BOX.replace("R$", "$"), shown), "").currency == "ARS"
    assert read(page(BOX, state(**{key: 7})), "").currency == "BRL"


def test_a_large_price_alone_makes_a_product_page() -> None:
    html = f'<html><body><div class="x">{BOX}</div></body></html>'
    assert read(html).price_cents == 8000


def test_a_heading_without_the_class_is_a_title_where_no_other_stands() -> None:
    assert told(read(page(BOX, title="<h1>Cafeteira</h1>")))["title"] == [("dom", "Cafeteira", "Cafeteira", "")]
