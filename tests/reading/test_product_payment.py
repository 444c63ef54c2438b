"""By which payment a product page's price holds, what a card pays instead, and in which instalments.

State and elements each suffice; where they differ, the one that names a condition is believed, two that differ are not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from reading.captures import RealPages, only_elements, only_state, read_product, real_names

from offers_cli.errors import PageChanged
from offers_cli.marketplaces.base import ProductReading
from offers_cli.marketplaces.mercado_livre import MercadoLivre
from offers_cli.offer import DiscountKind, PriceCondition

URL = "https://produto.mercadolivre.com.br/MLB-5000000001-cafeteira-_JM"
ANY, PIX, CREDIT = PriceCondition.ANY, PriceCondition.PIX, PriceCondition.CREDIT_LINE
WITH_STATE = [name for name in real_names("product") if re.search(r"_pdp_[0-9]+[.]html$", name)]


def amount(value: str, tag: str = "span") -> str:
    whole, _, cents = value.partition(",")
    rest = f',<i class="andes-money-amount__cents">{cents}</i>' if cents else ""
    return f'<{tag} class="andes-money-amount">R$<b class="andes-money-amount__fraction">{whole}</b>{rest}</{tag}>'


def elements(
    price: str = "80", *, old: str = "", label: str = "", words: str = "", subtitle: str = "", more: str = ""
) -> str:
    """A price box as the pages of 2026 have it."""
    pill = f'<span class="andes-money-amount__discount">{label}</span>' if label else ""
    text = f'<span class="ui-pdp-price__second-line__text">{words}</span>' if words else ""
    below = f'<div class="ui-pdp-price__subtitles"><p id="pricing_price_subtitle">{subtitle}</p></div>'
    return (
        f'<div class="ui-pdp-price ui-pdp-price--size-large">{amount(old, "s") if old else ""}'
        f'<div class="ui-pdp-price__second-line">{amount(price)}<span>{pill}{text}</span></div>{below}{more}</div>'
    )


def state(value: float = 80, *, event: dict[str, Any] | None = None, subtitle: object = None, **more: Any) -> str:
    price = {"value": value, "currency_id": "BRL", "original_value": more.pop("old", None)}
    component = {"price": price, "subtitles": [subtitle] if subtitle else [], **more}
    if event is not None:
        component["action"] = {"track": {"melidata_event": {"event_data": event}}}
    return script({"price": component})


def script(components: object) -> str:
    shown = {"app": "vip", "siteId": "MLB", "components": components}
    return f"<script>window.__PRELOADED_STATE__ = {json.dumps(shown)};</script>"


def read(body: str, head: str = "") -> ProductReading:
    html = f'<html><head>{head}</head><body><main><h1 class="ui-pdp-title">Cafeteira</h1>{body}</main></body></html>'
    return MercadoLivre().read_product(html, URL)


def condition(body: str, head: str = "") -> PriceCondition | None:
    return read(body, head).price_condition


CARD = {
    "id": "pricing_price_subtitle",
    "text": "{ou} {price_total} em 10x {price_installments} sem juros",
    "values": {
        "ou": {"text": "ou"},
        "price_total": {"type": "price", "value": 90},
        "price_installments": {"type": "price", "value": 9},
    },
}
CARD_SHOWN = f"<span>ou</span> {amount('90')} em 10x {amount('9')} sem juros"


# --- Elements ---


@pytest.mark.parametrize(
    ("label", "words", "named"),
    [
        ("", "", ANY),
        ("18% OFF", "", ANY),
        ("18% OFF", "no Pix", PIX),
        ("", "no Pix", PIX),
        ("18% OFF no Pix", "", PIX),
        ("18% OFF", "no Pix ou Saldo no Mercado\u202fPago", PIX),
        ("50% OFF", "no Crédito disponível", CREDIT),
        ("18% OFF", "com Mercado Crédito", CREDIT),
        ("18% OFF", "no cartão da loja", None),
        ("18% OFF", "no Pix e no cartão da loja", None),
    ],
)
def test_the_words_beside_the_price_name_its_condition(label: str, words: str, named: PriceCondition | None) -> None:
    assert condition(elements(label=label, words=words)) is named


@pytest.mark.parametrize("place", ["<p>{}</p>", '<div class="renamed">{}</div>'])
def test_a_condition_further_from_the_price_leaves_it_unknown(place: str) -> None:
    """In its box or just beside it: it may be the price's, of classes that are not known."""
    assert condition(elements(label="18% OFF", more=place.format("no Pix"))) is None
    assert condition(f"<div>{elements(label='18% OFF')}{place.format('no Pix')}</div>") is None
    assert condition(f"<div>{elements(label='18% OFF')}{place.format('Oferta do dia')}</div>") is ANY


def test_words_of_other_parts_of_the_page_are_none_of_the_price() -> None:
    assert condition(f"{elements()}<section><h2>Pague com Pix</h2></section>") is ANY


@pytest.mark.parametrize("classes", ["ui-pdp-price__price_tags", "ui-pdp-price__subtitles", "x-coupon", "x-rebate"])
def test_pills_beside_the_price_are_no_condition(classes: str) -> None:
    assert condition(elements(more=f'<p class="{classes}">5% OFF Saldo no Mercado Pago</p>')) is ANY


def test_a_price_without_its_box_is_not_known_to_hold_for_all() -> None:
    priced = amount("80").replace("<span", '<span itemprop="offers"', 1)
    assert condition(f"<div>{priced}</div>") is None
    assert condition(f"<div>{priced} <b>no Pix</b></div>") is PIX


def test_linked_data_alone_name_no_condition() -> None:
    data = {"@type": "Product", "name": "Cafeteira", "offers": {"price": 80, "priceCurrency": "BRL"}}
    assert condition("", f'<script type="application/ld+json">{json.dumps(data)}</script>') is None


def test_the_subtitle_tells_what_a_card_pays_and_the_instalments() -> None:
    reading = read(elements(label="18% OFF", words="no Pix", subtitle=CARD_SHOWN))
    assert (reading.price_cents, reading.card_price_cents, reading.price_condition) == (8000, 9000, PIX)
    assert reading.facts.known() == {"installments_count": 10, "installment_cents": 900, "interest_free": True}
    (card,) = reading.candidates["card_price_cents"]
    assert (card.strategy, card.raw, card.value) == ("dom", "ou R$90 em 10x R$9 sem juros", 9000)


def test_instalments_alone_tell_no_other_price() -> None:
    reading = read(elements(subtitle=f"em 12x {amount('7,50')}"))
    assert (reading.card_price_cents, reading.price_condition) == (None, ANY)
    assert reading.facts.known() == {"installments_count": 12, "installment_cents": 750, "interest_free": False}


def test_a_card_price_without_a_condition_leaves_the_condition_unknown() -> None:
    reading = read(elements(label="18% OFF", subtitle=CARD_SHOWN))
    assert (reading.price_condition, reading.card_price_cents) == (None, 9000)


def test_a_subtitle_without_its_id_or_without_its_class_suffices() -> None:
    whole = elements(words="no Pix", subtitle=CARD_SHOWN)
    assert read(whole.replace('id="pricing_price_subtitle"', "")).card_price_cents == 9000
    assert read(whole.replace("ui-pdp-price__subtitles", "renamed")).card_price_cents == 9000
    assert read(whole.replace("ui-pdp-price__subtitles", "renamed")).price_cents == 8000


def test_what_another_offer_s_card_pays_is_not_the_pages() -> None:
    other = f'<div class="poly-card"><p id="pricing_price_subtitle">{CARD_SHOWN}</p></div>'
    assert read(other + elements(words="no Pix")).card_price_cents is None


# --- State ---


@pytest.mark.parametrize(
    ("label", "named"),
    [
        (None, ANY),
        ({"value": 18}, ANY),
        ({"value": 18, "text": "no Pix"}, PIX),
        ({"value": "18% OFF no Pix"}, PIX),
        ({"text": "18% OFF {means}", "values": {"means": {"text": "no Pix"}}}, PIX),
        ({"text": "50% OFF no Crédito disponível"}, CREDIT),
        ({"value": 18, "suffix": {"text": "no Pix"}}, PIX),
        ({"value": 18, "text": "no cartão da loja"}, None),
        ({"value": 18, "text": "no Pix", "suffix": "no Crédito disponível"}, None),
        ({"value": 18, "suffix": ["https://www.mercadolivre.com.br/pix"]}, None),
    ],
)
def test_the_label_of_the_state_names_the_condition(label: object, named: PriceCondition | None) -> None:
    assert condition("", state(discount_label=label)) is named


@pytest.mark.parametrize("part", ["price_tags", "discounts_tags"])
def test_tags_of_the_state_are_no_condition(part: str) -> None:
    tags: dict[str, Any] = {part: [{"tag": {"text": "5% OFF Saldo no Mercado Pago"}}]}
    assert condition("", state(**tags)) is ANY


def test_the_subtitle_of_the_state_tells_what_a_card_pays_and_the_instalments() -> None:
    reading = read("", state(discount_label={"value": 18, "text": "no Pix"}, subtitle=CARD))
    assert (reading.price_cents, reading.card_price_cents, reading.price_condition) == (8000, 9000, PIX)
    assert reading.facts.known() == {"installments_count": 10, "installment_cents": 900, "interest_free": True}
    (card,) = reading.candidates["card_price_cents"]
    assert (card.strategy, card.raw, card.value) == ("state", "ou R$ 90 em 10x R$ 9 sem juros", 9000)


def test_the_flag_of_the_state_is_a_condition() -> None:
    reading = read("", state(event={"is_cash_price": True}))
    assert (reading.price_condition, reading.card_price_cents) == (PIX, None)
    assert condition("", state(event={"is_cash_price": False})) is ANY
    assert condition("", state(event={"is_cash_price": True}, discount_label={"text": "no Crédito disponível"})) is None


EVENT = {
    "is_cash_price": True,
    "original_price": 100,
    "price": 80,
    "installments_value_total": 90,
    "installments_value_each": 9,
    "installments_amount": 10,
    "is_free_installments": True,
}


@pytest.mark.parametrize(
    ("change", "card", "instalments"),
    [
        pytest.param({}, 9000, (10, 900, True), id="all of it"),
        pytest.param({"is_cash_price": False}, None, (10, 900, True), id="a price for all"),
        pytest.param({"is_free_installments": False}, None, (10, 900, False), id="the total bears interest"),
        pytest.param({"original_price": 90.1}, 9010, (10, 900, True), id="rounded instalments of the struck price"),
        pytest.param({"original_price": 90.11}, 9000, (10, 900, True), id="the struck price is another"),
        pytest.param({"original_price": None}, 9000, (10, 900, True), id="nothing is struck"),
        pytest.param({"installments_amount": 1}, None, None, id="one instalment is none"),
        pytest.param({"installments_amount": 100}, None, None, id="absurdly many"),
        pytest.param({"installments_amount": None}, None, None, id="no count"),
        pytest.param({"is_free_installments": None}, None, None, id="interest is not told"),
        pytest.param({"installments_value_total": "90"}, 9000, (10, 900, True), id="a number as a text"),
        pytest.param({"installments_value_each": None}, None, None, id="no amount"),
    ],
)
def test_what_the_page_reports_of_its_payments_stands_in_for_a_subtitle(
    change: dict[str, Any], card: int | None, instalments: tuple[object, ...] | None
) -> None:
    reading = read("", state(event=EVENT | change))
    told = reading.facts
    assert reading.card_price_cents == card
    assert (told.installments_count, told.installment_cents, told.interest_free) == (instalments or (None, None, None))


def test_a_subtitle_goes_before_what_the_page_reports() -> None:
    reading = read("", state(subtitle=CARD, event=EVENT | {"installments_value_total": 95}))
    assert (reading.card_price_cents, reading.flags) == (9000, ())


def test_the_chosen_offer_of_a_buy_box_tells_its_own_payment() -> None:
    """Its struck price is what a card pays: the discount is the payment's alone."""
    paid = {"text": "ou {price} em outros meios", "values": {"price": {"value": 3599}}}
    price = {
        "type": "price",
        "price": {"value": 3491.03, "original_value": 3599, "currency_id": "BRL"},
        "discount_label": {"value": 3, "text": "no Pix"},
        "subtitles": [paid],
    }
    other = {"type": "price", "price": {"value": 3749, "currency_id": "BRL"}}
    items = [
        {"selected": True, "type": "BEST_PRICE", "item_id": "MLB5000000001", "components": [price]},
        {"selected": False, "type": "BEST_INSTALLMENTS", "item_id": "MLB5000000002", "components": [other]},
    ]
    reading = read("", script({"header": {"title": "x"}, "buy_box_offers": {"state": "VISIBLE", "items": items}}))
    assert (reading.price_cents, reading.old_price_cents, reading.card_price_cents) == (349103, 359900, 359900)
    assert (reading.price_condition, reading.discount_kind) == (PIX, DiscountKind.PAYMENT)


@pytest.mark.parametrize("text", ["A partir de", "Desde {price}", "From"])
def test_where_prices_begin_is_no_price_of_the_state(text: str) -> None:
    with pytest.raises(PageChanged, match='a "from" price'):
        read("", state(prefix={"label": {"text": text}}))
    assert read("", state(prefix="Ver de onde vem", action={"text": text})).price_cents == 8000


# --- Together ---


def test_what_one_names_is_believed_before_what_the_other_does_not_say() -> None:
    assert condition(elements(label="18% OFF", words="no Pix"), state(discount_label={"value": 18})) is PIX
    assert condition(elements(label="18% OFF"), state(discount_label={"value": 18, "text": "no Pix"})) is PIX


def test_two_conditions_are_none_and_flagged() -> None:
    reading = read(elements(words="no Pix"), state(discount_label={"text": "50% OFF no Crédito disponível"}))
    assert (reading.price_condition, reading.flags) == (None, ("condition_disagrees",))


def test_two_card_prices_are_none_and_flagged() -> None:
    shown = f"ou {amount('95')} em 10x {amount('9,50')} sem juros"
    reading = read(elements(words="no Pix", subtitle=shown), state(subtitle=CARD))
    assert (reading.card_price_cents, reading.flags) == (None, ("card_price_disagrees",))
    assert reading.facts.known() == {}


def test_a_card_price_below_the_price_is_none_and_flagged() -> None:
    reading = read(elements("99", subtitle=CARD_SHOWN))
    assert (reading.card_price_cents, reading.price_condition, reading.flags) == (None, None, ("card_price_suspect",))


def test_a_card_price_that_is_the_price_is_no_other() -> None:
    reading = read(elements("90", subtitle=CARD_SHOWN))
    assert (reading.card_price_cents, reading.price_condition, reading.flags) == (None, ANY, ())


@pytest.mark.parametrize(
    ("old", "words", "kind"),
    [("90", "no Pix", DiscountKind.PAYMENT), ("100", "no Pix", DiscountKind.PRICE_CUT), ("", "no Pix", None)],
)
def test_the_struck_price_beside_a_card_price_tells_what_the_discount_is(
    old: str, words: str, kind: DiscountKind | None
) -> None:
    assert read(elements(old=old, words=words, subtitle=CARD_SHOWN)).discount_kind is kind


def test_a_price_for_all_is_cut() -> None:
    assert read(elements(old="100")).discount_kind is DiscountKind.PRICE_CUT
    assert read(elements(old="100", words="no Pix")).discount_kind is None


@pytest.mark.parametrize("name", WITH_STATE)
@pytest.mark.parametrize("cut", [only_state, only_elements])
def test_state_or_elements_of_a_real_page_alone_tell_the_same_payment(
    name: str, cut: Callable[[str], str], real_pages: RealPages, market: MercadoLivre
) -> None:
    def payment(reading: ProductReading) -> tuple[object, ...]:
        told = reading.facts
        return (
            *(reading.price_condition, reading.card_price_cents, reading.discount_kind),
            *(told.installments_count, told.installment_cents, told.interest_free),
        )

    html = real_pages.html(name)
    whole = read_product(market, html)
    assert payment(read_product(market, cut(html))) == payment(whole)
    assert whole.price_condition is ANY


def test_the_real_page_with_a_pix_price_tells_what_a_card_pays(real_pages: RealPages, market: MercadoLivre) -> None:
    reading = read_product(market, real_pages.html("product/mlb_pdp_trimmed_vasco_1.html"))
    assert (reading.price_cents, reading.card_price_cents, reading.old_price_cents) == (318531, 357900, 389900)
    assert (reading.price_condition, reading.discount_kind) == (PIX, DiscountKind.PRICE_CUT)
