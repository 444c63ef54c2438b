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


# --- The state, all alone ---

PRICE = {
    "price": {"value": 80.5, "original_value": 100, "currency_id": "BRL"},
    "discount_label": {"value": 19, "text": "19% OFF no Pix"},
    "action": {
        "track": {
            "melidata_event": {
                "event_data": {
                    "is_cash_price": True,
                    "installments_amount": 10,
                    "installments_value_each": 9,
                    "installments_value_total": 90,
                    "is_free_installments": True,
                }
            }
        }
    },
}
EVENT = {"item_id": "MLB5000000001", "catalog_product_id": "MLB40000001", "user_product_id": "MLBU3000000001"}


def event(**data: object) -> dict[str, Any]:
    return {"melidata_event": {"event_data": data}}


def test_each_value_of_the_state_is_kept_with_its_text() -> None:
    components = {"header": {"title": " Cafeteira  azul"}, "price": PRICE, "track": event(**EVENT)}
    reading = read(page("", state(components=components), title=""), "")
    assert told(reading) == {
        "title": [("state", "Cafeteira azul", "Cafeteira azul", "")],
        "item_id": [("state", "MLB5000000001", "MLB5000000001", "")],
        "catalogue_id": [("state", "MLB40000001", "MLB40000001", "")],
        "user_product_id": [("state", "MLBU3000000001", "MLBU3000000001", "")],
        "price_cents": [("state", "80.5", 8050, "")],
        "old_price_cents": [("state", "100", 10000, "")],
        "currency": [("state", "BRL", "BRL", "")],
        "discount_pct": [("state", "19", 19, "")],
        "card_price_cents": [("state", "payment event", 9000, "")],
        "installments_count": [("state", "payment event", 10, "")],
        "installment_cents": [("state", "payment event", 900, "")],
        "interest_free": [("state", "payment event", True, "")],
        "price_condition": [("state", "is_cash_price", "pix", ""), ("state", "19% OFF no Pix", "pix", "")],
    }


@pytest.mark.parametrize("key", ["id", "type"])
def test_components_that_are_listed_by_zone_are_found(key: str) -> None:
    zones = {"head": [{key: "other"}, {key: "header", "title": "Cafeteira"}], "side": [{key: "price", **PRICE}]}
    for shown in (state(components=zones), state(components=zones, app="anything")):
        kept = told(read(page("", shown, title=""), ""))
        assert kept["title"] == [("state", "Cafeteira", "Cafeteira", "")]
        assert kept["price_cents"] == [("state", "80.5", 8050, "")]


@pytest.mark.parametrize("parts", [{"price": PRICE}, {"header": {"title": "Cafeteira"}}, {}])
def test_a_state_of_another_app_is_a_products_by_its_heading_and_price_together(parts: dict[str, Any]) -> None:
    reading = read(page(BOX, state(app="anything", components=parts), title=""), "")
    assert told(reading)["price_cents"] == [("dom", "R$80", 8000, "")]
    assert "title" not in told(reading)


def test_states_that_say_the_same_are_one_and_others_each_have_their_say() -> None:
    shown, other = state(components={"price": PRICE}), state(components={"price": {**PRICE, "prefix": "x"}})
    assert told(read(page("", shown + shown)))["price_cents"] == [("state", "80.5", 8050, "")]
    assert told(read(page("", shown + other)))["price_cents"] == [("state", "80.5", 8050, "")] * 2


@pytest.mark.parametrize(("visible", "kept"), [("VISIBLE", True), ("HIDDEN", False)])
def test_a_price_that_the_state_hides_is_none(visible: str, kept: bool) -> None:
    html = page(BOX, state(components={"price": {"price": {"value": 80}, "state": visible}}))
    strategies = [strategy for strategy, *_ in told(read(html))["price_cents"]]
    assert strategies == (["state", "dom"] if kept else ["dom"])


def test_where_prices_begin_is_kept_with_the_words_of_the_state() -> None:
    price = {"price": {"value": 80}, "prefix": "A partir de"}
    _, reading = refused(page("", state(components={"price": price})))
    assert told(reading)["price_cents"][0] == ("state", "A partir de", None, 'this is a "from" price')


@pytest.mark.parametrize(
    ("label", "kept"),
    [
        ({"value": 1}, ("state", "1", 1, "")),
        ({"value": 99}, ("state", "99", 99, "")),
        ({"value": 0}, ("state", "0", None, "no percentage")),
        ({"value": 100}, ("state", "100", None, "no percentage")),
        ({"value": "20% OFF"}, ("state", "20% OFF", 20, "")),
        ({"value": True, "text": "20% OFF"}, ("state", "20% OFF", 20, "")),
        ({"text": "no Pix"}, ("state", "no Pix", None, "no single percentage")),
    ],
)
def test_a_label_of_the_state_is_kept_with_its_percentage_or_why_it_has_none(
    label: dict[str, Any], kept: tuple[object, ...]
) -> None:
    price = {"price": {"value": 80, "currency_id": "BRL"}, "discount_label": label}
    assert told(read(page("", state(components={"price": price}))))["discount_pct"] == [kept]


def test_amounts_of_a_phrase_are_in_the_currency_of_the_states_price() -> None:
    values = {"price": {"value": 90, "currency": "USD"}}
    subtitle = {"text": "ou {price} em outros meios", "values": values}
    price = {"price": {"value": 80, "currency_id": "USD"}, "subtitles": [subtitle]}
    kept = told(read(page("", state(components={"price": price}))))
    assert kept["card_price_cents"] == [("state", "ou US$ 90 em outros meios", 9000, "")]
    silent = {"price": {"value": 80}, "subtitles": [{**subtitle, "values": {"price": {"value": 90}}}]}
    kept = told(read(page("", state(components={"price": silent}))))
    assert kept["card_price_cents"] == [("state", "ou R$ 90 em outros meios", 9000, "")]


@pytest.mark.parametrize(
    ("app", "own", "name"),
    [
        ("vip", "MLB5000000001", "item_id"),
        ("pdp", "MLB40000001", "catalogue_id"),
        ("upp", "MLBU3000000001", "user_product_id"),
    ],
)
def test_the_states_own_id_is_of_the_kind_that_its_app_shows(app: str, own: str, name: str) -> None:
    kept = told(read(page(BOX, state(app=app, id=own)), ""))
    assert {found: kept[found] for found in kept if found.endswith("_id")} == {name: [("state", own, own, "")]}


def test_ids_of_the_form_and_of_a_report_outside_of_the_components_count() -> None:
    form = {"main_actions": {"form": {"item_id": "MLB5000000002"}}}
    assert told(read(page(BOX, state(components=form)), ""))["item_id"] == [("state", *["MLB5000000002"] * 2, "")]
    outside = state(track=event(**EVENT))
    assert told(read(page(BOX, outside), ""))["catalogue_id"] == [("state", *["MLB40000001"] * 2, "")]


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        ({"no_active_item": True}, "no_active_item"),
        ({"track": event(item_status="paused")}, "item_status paused"),
        ({"components": {"no_stock_status": {"state": "VISIBLE"}}}, "no_stock_status"),
    ],
)
def test_a_state_that_ends_the_offer_is_kept_with_what_it_says(shown: dict[str, Any], text: str) -> None:
    error, reading = refused(page(BOX, state(**shown)))
    assert isinstance(error, OfferGone)
    assert told(reading)["available"] == [("state", text, False, "")]


@pytest.mark.parametrize("listed", [True, False])
def test_the_chosen_of_several_offers_tells_its_price_and_its_id(listed: bool) -> None:
    price = {"id": "price", "price": {"value": 80, "currency_id": "BRL"}}
    parts: Any = [{"id": "seller"}, price] if listed else {"seller": {"id": "seller"}, "price": price}
    items = [{"item_id": "MLB5000000009"}, {"selected": True, "item_id": "MLB-5000000001", "components": parts}]
    kept = told(read(page("", state(components={"buy_box_offers": {"state": "VISIBLE", "items": items}})), ""))
    assert kept["item_id"] == [("state", "MLB-5000000001", "MLB5000000001", "")]
    assert kept["price_cents"] == [("state", "80", 8000, "")]
    hidden = state(components={"buy_box_offers": {"state": "HIDDEN", "items": items}})
    assert [strategy for strategy, *_ in told(read(page(BOX, hidden), ""))["price_cents"]] == ["dom"]
