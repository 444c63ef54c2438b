"""How a product page weighs its witnesses: state, box, linked data and addresses, each with its own say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from offers_cli.errors import OfferGone, PageChanged
from offers_cli.marketplaces.base import Candidate, ProductReading
from offers_cli.marketplaces.mercado_livre import MercadoLivre

URL = "https://produto.mercadolivre.com.br/MLB-5000000001-cafeteira-_JM"
BOX = (
    '<div class="ui-pdp-price ui-pdp-price--size-large"><div class="ui-pdp-price__second-line">'
    '<span class="andes-money-amount">{}<span class="andes-money-amount__fraction">80</span></span></div></div>'
)
REAIS, DOLLARS = BOX.format("R$"), BOX.format("US$")


def linked(**offer: Any) -> str:
    return product_data("MLB5000000001", **offer)


def product_data(sku: str, name: str = "Cafeteira", **offer: object) -> str:
    data = {"@type": "Product", "name": name, "sku": sku, "offers": {"@type": "Offer", **offer}}
    return f'<script type="application/ld+json">{json.dumps(data)}</script>'


def page(body: str, head: str = "", title: str = '<h1 class="ui-pdp-title">Cafeteira</h1>') -> str:
    return f"<html><head>{head}</head><body><main>{title}{body}</main></body></html>"


def read(body: str, head: str = "", url: str = URL) -> ProductReading:
    return MercadoLivre().read_product(page(body, head), url)


def refusal(body: str, head: str = "") -> PageChanged:
    with pytest.raises(PageChanged) as caught:
        read(body, head)
    return caught.value


def test_two_currencies_on_one_page_are_no_price() -> None:
    """Eighty dollars and eighty reais are the same digits."""
    error = refusal(DOLLARS, linked(price=80, priceCurrency="BRL"))
    assert error.message == "the page names different currencies: USD, BRL"
    assert error.hint == f"offers explain {URL}"
    assert isinstance(error.reading, ProductReading)
    assert error.reading.price_cents is None
    assert [candidate.value for candidate in error.reading.candidates["currency"]] == ["USD", "BRL"]


def test_the_symbol_of_the_price_contradicts_another_currency_of_its_linked_data() -> None:
    error = refusal(REAIS, linked(price=80, priceCurrency="USD"))
    assert error.message == "the page names different currencies: BRL, USD"


def test_a_price_in_an_unknown_currency_is_none_whatever_linked_data_say() -> None:
    error = refusal(BOX.format("£"), linked(price=80, priceCurrency="BRL"))
    assert error.message == "the page shows its price in a currency unknown here: £80"
    assert error.hint == f"offers explain {URL}"


def test_two_states_that_differ_leave_the_price_unknown() -> None:
    def script(value: int) -> str:
        shown = {"app": "vip", "components": {"price": {"price": {"value": value}}}}
        return f"<script>window.__PRELOADED_STATE__ = {json.dumps(shown)};</script>"

    assert read("", script(90) + script(90)).candidates["price_cents"] == (Candidate("state", "90", 9000),)
    assert "state R$ 90,00, state R$ 100,00" in refusal("", script(90) + script(100)).message


def test_cents_of_linked_data_do_not_overrule_a_whole_price_that_is_also_said_aloud() -> None:
    aloud = REAIS.replace('amount">', 'amount" aria-label="80 reais">', 1)
    assert "dom R$ 80,00, json_ld R$ 80,90" in refusal(aloud, linked(price=80.9)).message
    assert read(REAIS, linked(price=80.9)).price_cents == 8090


@pytest.mark.parametrize("shown", ["R$ 80", "R$ 80,00", "<b>R$</b><i>80</i>", "12x R$ 8 <p>R$ 80</p>", "R$ 80,90"])
def test_a_price_of_linked_data_alone_is_one_that_the_page_shows(shown: str) -> None:
    cents = 8090 if "90" in shown else 8000
    assert read(f"<p>{shown}</p>", linked(price=cents / 100)).price_cents == cents


@pytest.mark.parametrize("shown", ["R$ 90", "R$ 8", "<s>R$ 100</s> <p>R$ 70</p>"])
def test_a_price_of_linked_data_that_the_page_does_not_show_is_none(shown: str) -> None:
    error = refusal(f"<p>{shown}</p>", linked(price=80))
    assert error.message == "of the amounts that the page shows, none is the R$ 80,00 of its data"
    assert error.hint == f"offers explain {URL}"
    assert isinstance(error.reading, ProductReading)


def test_amounts_of_scripts_and_styles_are_not_shown() -> None:
    hidden = "<script>R$ 90</script><style>R$ 90</style><template>R$ 90</template><noscript>R$ 90</noscript>"
    assert read(hidden, linked(price=80)).price_cents == 8000


def test_a_price_that_its_own_box_shows_needs_no_other_witness() -> None:
    assert read(f"{REAIS}<p>R$ 90</p>", linked(price=80)).price_cents == 8000


def test_one_currency_told_twice_is_believed() -> None:
    reading = read(DOLLARS, linked(price=80, priceCurrency="USD"))
    assert (reading.price_cents, reading.currency) == (8000, "USD")


@pytest.mark.parametrize(
    ("url", "currency"),
    [(URL, "BRL"), ("https://articulo.mercadolibre.com.ar/MLA-1400000001-x-_JM", "ARS"), ("", "BRL")],
)
def test_the_country_of_the_address_tells_the_currency(url: str, currency: str) -> None:
    assert read(REAIS.replace("R$", "$" if "ar/" in url else "R$"), url=url).currency == currency


def test_the_pages_own_address_goes_before_the_one_that_answered() -> None:
    head = '<link rel="canonical" href="https://articulo.mercadolibre.com.ar/MLA-1400000001-x-_JM">'
    reading = read(REAIS.replace("R$", "$"), head)
    assert (reading.currency, reading.item_id) == ("ARS", "MLA1400000001")


def test_box_and_linked_data_that_disagree_are_no_price() -> None:
    error = refusal(REAIS, linked(price=90))
    assert "dom R$ 80,00, json_ld R$ 90,00" in error.message
    assert isinstance(error.reading, ProductReading)
    assert len(error.reading.candidates["price_cents"]) == 2


def test_without_any_price_the_page_has_changed_and_keeps_what_it_told() -> None:
    error = refusal("<p>sem preço</p>")
    assert error.message == "a product page whose own price cannot be found"
    assert isinstance(error.reading, ProductReading)
    assert (error.reading.title, error.reading.item_id, error.reading.url) == ("Cafeteira", "MLB5000000001", URL)


def test_the_hint_of_a_file_without_address_names_the_file() -> None:
    with pytest.raises(PageChanged) as caught:
        MercadoLivre().read_product(page("<p>sem preço</p>"), "")
    assert caught.value.hint == "offers explain FILE"


def test_linked_data_that_say_sold_out_end_the_offer_though_a_price_stands() -> None:
    with pytest.raises(OfferGone) as caught:
        read(REAIS, linked(price=80, availability="https://schema.org/OutOfStock"))
    assert caught.value.message == "the product cannot be bought: OutOfStock"
    assert caught.value.hint == "it returns when a listing shows it again"
    reading = caught.value.reading
    assert isinstance(reading, ProductReading)
    assert (reading.available, reading.title, reading.price_cents) == (False, "Cafeteira", None)


def test_linked_data_that_say_in_stock_leave_the_offer() -> None:
    reading = read(REAIS, linked(price=80, availability="https://schema.org/InStock"))
    assert (reading.available, reading.price_cents) == (True, 8000)
    assert [candidate.value for candidate in reading.candidates["available"]] == [True]


def test_of_several_products_only_the_one_with_the_pages_id_is_heard() -> None:
    other = product_data("MLB5000000009", "Outra", price=9)
    form = '<form><input type="hidden" name="item_id" value="MLB5000000001"></form>'
    assert read(form, other + linked(price=80)).price_cents == 8000
    canonical = f'<link rel="canonical" href="{URL}">'
    assert read("", canonical + other + linked(price=80)).price_cents == 8000


def test_of_several_products_without_the_pages_id_none_is_heard() -> None:
    others = product_data("MLB5000000008", price=9) + product_data("MLB5000000009", price=9)
    assert read(REAIS, others).winners["price_cents"] == "dom"
    assert read(REAIS, linked(price=9) + linked(price=9)).price_cents == 8000


def test_the_only_product_is_heard_whatever_its_id() -> None:
    reading = read("", product_data("XYZ", " Cafeteira \n azul ", price=80))
    assert (reading.price_cents, reading.winners["price_cents"]) == (8000, "json_ld")
    assert [candidate.value for candidate in reading.candidates["title"]] == ["Cafeteira", "Cafeteira azul"]


@pytest.mark.parametrize("name", ["item_id", "itemId"])
def test_the_buy_forms_id_is_the_items_and_other_sellers_are_not(name: str) -> None:
    other = f'<div class="ui-pdp-other-sellers"><input name="{name}" value="MLB5000000009"></div>'
    own = f'<input name="{name}" value="MLB5000000002">'
    assert read(REAIS + other + own).item_id == "MLB5000000002"
    assert read(REAIS + other).item_id == "MLB5000000001"


def test_the_payments_link_tells_the_item_where_no_form_does() -> None:
    link = '<a href="https://www.mercadolivre.com.br/noindex/services/MLB5000000003/payments">x</a>'
    catalogue = "https://www.mercadolivre.com.br/cafeteira/p/MLB40000001"
    assert read(REAIS + link, url=catalogue).item_id == "MLB5000000003"
    assert read(f'{REAIS}<div class="poly-card">{link}</div>', url=catalogue).item_id is None
    form = '<input name="item_id" value="MLB5000000002">'
    assert read(REAIS + link + form, url=catalogue).item_id == "MLB5000000002"


@pytest.mark.parametrize(
    ("url", "field"),
    [(URL, "item_id"), ("https://www.mercadolivre.com.br/cafeteira/p/MLB40000001", "catalogue_id")],
)
def test_the_id_of_linked_data_is_of_the_kind_that_the_address_tells(url: str, field: str) -> None:
    reading = read(REAIS, product_data("MLB60000001", price=80), url=url)
    told = {name: [candidate.value for candidate in found] for name, found in reading.candidates.items()}
    assert told[field][0] == "MLB60000001"
    assert reading.candidates[field][0].strategy == "json_ld"


def test_the_offers_own_address_goes_before_the_pages() -> None:
    data = product_data("MLB60000001", price=80, url="https://www.mercadolivre.com.br/cafeteira/p/MLB40000001")
    assert read(REAIS, data).candidates["catalogue_id"][0].value == "MLB60000001"


def test_a_user_product_is_told_by_linked_data() -> None:
    reading = read(REAIS, product_data("MLBU3000000001", price=80), url="https://www.mercadolivre.com.br/c/up/MLBU3")
    assert reading.user_product_id == "MLBU3000000001"


def test_the_own_heading_is_the_title_and_other_offers_headings_are_not() -> None:
    other = '<div class="poly-card"><h3><b class="x">y</b></h3></div>'
    html = page(REAIS, title=f'{other}<h1>Sem classe</h1><h1 class="ui-pdp-title">Cafeteira</h1>')
    reading = MercadoLivre().read_product(html, URL)
    assert [(candidate.strategy, candidate.value) for candidate in reading.candidates["title"]] == [
        ("dom", "Cafeteira")
    ]
