"""An offer is gone where its own page says so, not by what visitors, other sellers or other colours say."""

from __future__ import annotations

import json

import pytest

from offers_cli.errors import OfferGone, PageChanged
from offers_cli.marketplaces.base import ProductReading
from offers_cli.marketplaces.mercado_livre import MercadoLivre
from offers_cli.marketplaces.mercado_livre.walls import says_ended

URL = "https://produto.mercadolivre.com.br/MLB-5000000001-cafeteira-_JM"
PRICE = (
    '<div class="ui-pdp-price ui-pdp-price--size-large"><span class="andes-money-amount">R$'
    '<b class="andes-money-amount__fraction">80</b></span></div>'
)
LINKED = '<script type="application/ld+json">{"@type": "Product", "name": "x", "offers": {"price": 80}}</script>'
ENDED = [
    "Anúncio pausado",
    "Anúncio finalizado",
    "Este anúncio foi encerrado.",
    "Este anúncio já não está mais disponível",
    "Produto indisponível",
    "Este produto está indisponível. Por favor, escolha outra variação.",
    "O produto está temporariamente indisponível",
    "Produto esgotado",
    "Produto indisponível no momento",
    "Ops! Item esgotado!",
    "Publicación pausada",
    "Publicación finalizada",
    "Esta publicación fue finalizada por el vendedor",
    "Producto sin stock",
    "El producto no está disponible",
]
OUT_OF_STOCK = [
    "Ops! Estoque esgotado!",
    "Estoque indisponível",
    "O estoque está esgotado",
    "El stock no está disponible",
    "Sem estoque",
    "Stock no disponible",
    "Sin stock",
    "Esgotado",
    "Indisponível no momento",
]
THINGS = [
    "Este anúncio",
    "Esta oferta",
    "Esse produto",
    "Ese producto",
    "O item",
    "A oferta",
    "El artículo",
    "La publicación",
    "Anuncio",
    "Publicação",
    "Publicación",
    "Item",
    "Ítem",
    "Articulo",
    "Producto",
]
STATES = [
    "está pausado",
    "esta pausada",
    "foi finalizado",
    "fue finalizada",
    "se encontra encerrado",
    "se encuentra terminada",
    "encontra-se esgotado",
    "ficou agotado",
    "está temporariamente indisponível",
    "está temporalmente inactivo",
    "inativo",
    "indisponivel",
    "no disponible",
    "sem estoque",
    "sin stock",
    "fora de estoque",
    "fuera de stock",
    "não está disponível",
    "no está disponible",
    "já não está mais disponível",
    "ya no está más disponible",
    "não está à venda",
    "no esta a la venta",
]
TAILS = ["no momento", "neste momento", "por enquanto", "por el momento", "pelo vendedor", "por el vendedor"]
REGIONS = [
    "na sua região",
    "en tu región",
    "Informe seu CEP",
    "Código postal",
    "codigo postal",
    "para tu ubicación",
    "ubicacion",
    "na sua área",
    "no seu endereço",
]
SAYS_LESS = [
    "Outros vendedores estão sem estoque. Compre deste!",
    "Produto indisponível na cor azul",
    "Produto esgotado rapidamente, muito bom",
    "Este produto está indisponível em outras cores",
    "Sem estoque de outra loja",
    "Sem estoque da cor preta?",
    "Produto esgotado?",
    "Este produto está indisponível. Informe seu CEP.",
    "Produto indisponível na sua região",
    "Estoque disponível",
    "Produto disponível",
]


def page(body: str) -> str:
    return f'<html><body><main><h1 class="ui-pdp-title">Cafeteira</h1>{body}</main></body></html>'


def read(body: str) -> ProductReading:
    return MercadoLivre().read_product(page(body), URL)


def said(body: str) -> str:
    with pytest.raises(OfferGone) as gone:
        read(body)
    assert gone.value.reading is not None
    return gone.value.message.removeprefix("the product cannot be bought: ")


@pytest.mark.parametrize("text", ENDED)
def test_the_pages_own_message_ends_the_offer_with_a_price_or_without(text: str) -> None:
    message = f'<div class="ui-pdp-message"><p>{text}</p></div>'
    assert said(message) == said(message + PRICE) == text


@pytest.mark.parametrize("text", OUT_OF_STOCK)
def test_a_message_that_names_no_offer_ends_it_only_where_no_price_is_shown(text: str) -> None:
    """Beside a price it may be another seller's, or another colour's."""
    message = f'<div class="andes-message"><p>{text}</p></div>'
    assert said(message) == said(message + LINKED) == text
    assert read(message + PRICE).price_cents == 8000


@pytest.mark.parametrize(
    "message",
    [
        '<div class="ui-pdp-message">{}</div>',
        '<div class="andes-message andes-message--caution">{}</div>',
        '<div class="ui-pdp-item-status-message">{}</div>',
        '<div class="ui-vpp-no-stock">{}</div>',
        '<div class="ui-pdp-warning-message">{}</div>',
        "<h1>{}</h1>",
        "<h2>{}</h2>",
        '<p role="alert">{}</p>',
        '<p role="status">{}</p>',
    ],
)
def test_each_form_of_a_message_suffices(message: str) -> None:
    assert said(message.format("Anúncio pausado") + LINKED) == "Anúncio pausado"


@pytest.mark.parametrize("text", OUT_OF_STOCK)
def test_a_message_may_be_asked_to_name_the_offer(text: str) -> None:
    assert says_ended(text)
    assert not says_ended(text, names_offer=True)


@pytest.mark.parametrize("thing", THINGS)
def test_whatever_the_page_calls_what_it_sells(thing: str) -> None:
    assert says_ended(f"{thing} pausado")
    assert not says_ended(f"Outro {thing} pausado")


@pytest.mark.parametrize("state", STATES)
def test_however_it_says_that_it_is_not_sold(state: str) -> None:
    assert says_ended(f"Este produto {state}")
    assert all(says_ended(f"Este produto {state} {tail}") for tail in TAILS)
    assert not says_ended(f"Este produto {state} em azul")


@pytest.mark.parametrize("region", REGIONS)
def test_a_message_about_a_region_is_none_of_the_product(region: str) -> None:
    assert not says_ended(f"Produto indisponível. {region}")


@pytest.mark.parametrize("end", [".", "!", ";", "\n"])
def test_one_of_several_sentences_suffices(end: str) -> None:
    assert says_ended(f"Que pena{end} Produto esgotado{end} Veja outros")


def test_a_message_is_as_long_as_a_message() -> None:
    """Longer texts are a description, or all of a page."""
    assert says_ended("Produto esgotado." + " " * 283)
    assert not says_ended("Produto esgotado." + " " * 284)


@pytest.mark.parametrize("text", SAYS_LESS)
def test_a_message_that_says_less_leaves_the_price(text: str) -> None:
    assert read(f'<div class="andes-message">{text}</div>{PRICE}').price_cents == 8000


@pytest.mark.parametrize("text", [*SAYS_LESS, "Muito bom. " * 28 + "Produto esgotado"])
def test_a_message_that_says_less_leaves_an_unreadable_page_unreadable(text: str) -> None:
    with pytest.raises(PageChanged):
        read(f'<div class="andes-message">{text}</div>')


@pytest.mark.parametrize("text", ["Anúncio pausado", "Publicación finalizada", "Sem estoque"])
@pytest.mark.parametrize("body", ["<p>{}</p>", "<li>{}</li>", '<span class="x">{}</span>', "<b>{}</b>"])
def test_a_bare_text_ends_the_offer_where_the_page_shows_no_amount_at_all(body: str, text: str) -> None:
    assert said(body.format(text)) == text


@pytest.mark.parametrize("amount", ["R$ 80", "US$80", "€ 80", "S/ 80", "UF 80", "<b>R$</b> <i>80</i>"])
def test_a_bare_text_may_be_a_visitors_where_the_page_shows_an_amount(amount: str) -> None:
    """On the day that a page's classes change, its reviews and questions are all that can be read."""
    with pytest.raises(PageChanged):
        read(f"<p>Produto esgotado</p><div>{amount}</div>")


def test_a_bare_text_ends_nothing_beside_a_price_that_cannot_be_read() -> None:
    with pytest.raises(PageChanged):
        read("<p>Produto esgotado</p>" + PRICE.replace("80", "consulte"))


@pytest.mark.parametrize("text", SAYS_LESS)
def test_a_bare_text_that_says_less_ends_nothing(text: str) -> None:
    with pytest.raises(PageChanged):
        read(f"<p>{text}</p>")


@pytest.mark.parametrize(
    "classes",
    [
        "ui-review-capability-comments__comment",
        "ui-vpp-opinions",
        "ui-pdp-comments",
        "ui-pdp-questions__list",
        "ui-pdp-qadb",
        "ui-pdp-variations__thumbnail",
        "ui-pdp-outside_variations__picker",
        "ui-pdp-picker",
        "ui-pdp-description",
        "ui-pdp-other-sellers",
        "poly-card",
        "ui-recommendations",
    ],
)
def test_a_message_in_what_is_not_the_pages_own_ends_nothing(classes: str) -> None:
    for text in ("Produto esgotado", "Sem estoque"):
        notice = f'<section class="{classes}"><div><h2 class="andes-message" role="alert">{text}</h2></div></section>'
        assert read(PRICE + notice).price_cents == 8000


@pytest.mark.parametrize(
    ("components", "text"),
    [
        ({"no_stock_status": {"state": "VISIBLE", "body": {"text": "Sem estoque"}}}, "Sem estoque"),
        ({"no_stock_status": {"state": "VISIBLE"}}, "no_stock_status"),
        ({"track": {"melidata_event": {"event_data": {"item_status": "paused"}}}}, "item_status paused"),
    ],
)
def test_the_machines_state_ends_the_offer(components: object, text: str) -> None:
    shown = {"app": "vip", "components": components}
    assert said(f"{PRICE}<script>window.__PRELOADED_STATE__ = {json.dumps(shown)};</script>") == text


@pytest.mark.parametrize(
    "components",
    [
        {"no_stock_status": {"state": "HIDDEN", "body": {"text": "Sem estoque"}}},
        {"no_stock_status": {"state": "VISIBLE", "body": {"text": "Sem estoque na sua região"}}},
        {"track": {"melidata_event": {"event_data": {"item_status": "active"}}}},
        {"track": {"melidata_event": {"event_data": {"item_status": None}}}},
    ],
)
def test_a_state_that_hides_it_or_says_active_leaves_the_offer(components: object) -> None:
    shown = {"app": "vip", "components": components}
    script = f"<script>window.__PRELOADED_STATE__ = {json.dumps(shown)};</script>"
    assert read(PRICE + script).price_cents == 8000


def sold_out(**ids: str) -> str:
    offer = {"price": 80, "availability": "https://schema.org/OutOfStock"}
    data = {"@type": "Product", "name": "x", "offers": offer, **ids}
    return f'<script type="application/ld+json">{json.dumps(data)}</script>'


@pytest.mark.parametrize("ids", [{}, {"sku": "MLB5000000001"}, {"productID": "mlb-5000000001"}, {"sku": "ACME-7"}])
def test_linked_data_of_the_page_end_the_offer(ids: dict[str, str]) -> None:
    assert said(PRICE + sold_out(**ids)) == "OutOfStock"


def test_linked_data_of_another_product_end_nothing() -> None:
    reading = read(PRICE + sold_out(sku="MLB5000000009"))
    assert (reading.price_cents, reading.available) == (8000, True)
    (told,) = reading.candidates["available"]
    assert (told.raw, told.value, told.note) == ("OutOfStock", None, "of another product")
