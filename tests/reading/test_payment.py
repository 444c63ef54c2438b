"""How a price is paid for: labels and phrases, as texts, as templates of the state and as elements."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offers_cli.marketplaces.html import Document
from offers_cli.marketplaces.mercado_livre.payment import (
    NOTHING,
    Payment,
    condition_of,
    naming_a_condition,
    payment_in_node,
    payment_in_template,
    payment_in_text,
    price_condition,
    shown_text,
    written_out,
)
from offers_cli.marketplaces.mercado_livre.sites import BRAZIL, SITES
from offers_cli.money import format_cents
from offers_cli.offer import PriceCondition

MEXICO = next(site for site in SITES if site.id == "MLM")
PIX, CREDIT, ANY = PriceCondition.PIX, PriceCondition.CREDIT_LINE, PriceCondition.ANY


@pytest.mark.parametrize(
    ("label", "condition"),
    [
        ("43% OFF no Pix", PIX),
        ("no Pix", PIX),
        ("45% OFF no Pix ou Saldo no Mercado\N{NARROW NO-BREAK SPACE}Pago", PIX),
        ("10% de desconto à vista no PIX", PIX),
        ("pagando com Pix", PIX),
        ("5% OFF com saldo no Mercado Pago", PIX),
        ("50% OFF no Crédito disponível", CREDIT),
        ("12% OFF com Mercado Crédito", CREDIT),
        ("56% OFF", ANY),
        ("-40%", ANY),
        ("R$ 100 OFF", ANY),
        ("", ANY),
        ("10% OFF (no Pix).", PIX),
        ("no Pix, -10%", PIX),
        ("10% OFF no Pix X", None),
        ("5% OFF Dinheiro no Mercado Pago", None),
        ("10% OFF no boleto", None),
        ("10% OFF no boleto ou Pix", None),
        ("no cartão de crédito", None),
        ("no Pix ou Mercado Crédito", None),
        ("20% OFF na 2ª unidade", None),
        ("R$ 25 OFF BB VISA", None),
        ("no Pixel", None),
        ("Mercado Pago", None),
    ],
)
def test_a_label_names_a_condition_that_is_known_or_none(label: str, condition: PriceCondition | None) -> None:
    assert condition_of(label) is condition


def test_labels_beside_one_price_name_one_condition_between_them() -> None:
    assert price_condition([]) is ANY
    assert price_condition(["18% OFF", "no Pix"]) is PIX
    assert price_condition(["no Pix", "no Pix"]) is PIX
    assert price_condition(["no Pix", "com Mercado Crédito"]) is None
    assert price_condition(["no Pix", "no boleto"]) is None


def test_a_price_that_only_a_card_price_stands_beside_holds_on_a_condition_that_is_not_told() -> None:
    beside = Payment(card_price_cents=100)
    assert price_condition(["10% OFF"], beside) is None
    assert price_condition(["10% OFF no Pix"], beside) is PIX
    assert price_condition([], Payment(installments_count=2, installment_cents=50, interest_free=True)) is ANY


def instalments(count: int, each: int, *, free: bool, card: int | None = None) -> Payment:
    return Payment(card_price_cents=card, installments_count=count, installment_cents=each, interest_free=free)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ou R$ 3.579 em 10x R$ 357,90 sem juros", instalments(10, 35790, free=True, card=357900)),
        ("ou R$3.579 em 10x de R$357,90 sem juros", instalments(10, 35790, free=True, card=357900)),
        ("ou R$ 1.000 em até 12x R$ 99,90", instalments(12, 9990, free=False, card=100000)),
        ("ou R$ 3.499 em 10x R$ 349,99 sem juros", instalments(10, 34999, free=True, card=349900)),
        ("ou R$ 357,90 em outros meios", Payment(card_price_cents=35790)),
        ("ou R$ 357,90 em outros meios de pagamento", Payment(card_price_cents=35790)),
        ("ou R$ 357,90 no cartão de crédito", Payment(card_price_cents=35790)),
        ("ou R$ 357,90 em até 10x sem juros", Payment(card_price_cents=35790)),
        ("o R$ 357,90 con otros medios de pago", Payment(card_price_cents=35790)),
        ("12x R$ 192,14", instalments(12, 19214, free=False)),
        ("em 12x R$ 16,23", instalments(12, 1623, free=False)),
        ("ou 10x de R$ 10 sem juros", instalments(10, 1000, free=True)),
        ("10x sem juros de R$ 10", instalments(10, 1000, free=True)),
    ],
)
def test_a_text_tells_what_a_card_pays(text: str, told: Payment) -> None:
    assert payment_in_text(text, "BRL") == told


@pytest.mark.parametrize(
    "text",
    [
        "",
        "em até 12x",
        "10x sem juros",
        "R$ 100",
        "ou R$ 100",
        "R$ 100 em outros meios",  # may be the price itself
        "R$ 100 em 10x",
        "ou R$ 100 em 100x",
        "1x R$ 100",
        "0x R$ 100",
        "100x R$ 1",
        "12x R$ 0,00",
        "ou R$ 100 ou R$ 90 em outros meios",
        "ou R$ 357,90 em 10x R$ 3.579 sem juros",  # the amounts changed places
        "ou R$ 100 em 10x R$ 9,60 sem juros",
        "ou R$ 100 em 10x R$ 10,40 sem juros",
        "ou R$ 100 em 10x R$ 9,60",
        "ou R$ 1,290 em outros meios",
        "ou US$ 357,90 em outros meios",
        "ou 357,90 em outros meios",
        "10x R$ 10 sem juros no cartão da loja",
        "Cupom R$ 30 OFF",
        "ou R$ 357\N{CURRENCY SIGN} em outros meios",
        "ou " + "R$ 1 " * 200 + "em outros meios",
    ],
)
def test_a_text_that_is_worded_otherwise_or_contradicts_itself_tells_nothing(text: str) -> None:
    assert payment_in_text(text, "BRL") == NOTHING


def test_beside_its_price_a_card_pays_another_one_or_none() -> None:
    assert Payment(card_price_cents=100).beside(90) == Payment(card_price_cents=100)
    assert Payment(card_price_cents=100).beside(None) == Payment(card_price_cents=100)
    assert Payment(card_price_cents=100).beside(100) == NOTHING
    assert NOTHING.beside(100) == NOTHING


def test_instalments_that_add_up_to_the_price_are_not_said_to_bear_interest() -> None:
    """The words that say so may be cut off."""
    bearing, unknown = instalments(10, 1000, free=False), replace(instalments(10, 1000, free=False), interest_free=None)
    assert bearing.beside(10000) == unknown
    assert bearing.beside(9709) == unknown  # 3 % apart
    assert bearing.beside(9708) == bearing
    assert bearing.beside(None) == bearing
    assert instalments(10, 1000, free=True).beside(10000) == instalments(10, 1000, free=True)
    of_card = instalments(10, 1000, free=False, card=10000)
    assert of_card.beside(8000) == replace(of_card, interest_free=None)
    assert of_card.beside(10000) == unknown


@given(st.integers(2, 24), st.integers(100, 10**7), st.booleans())
def test_whatever_is_written_is_read_back(count: int, each: int, free: bool) -> None:
    suffix = " sem juros" if free else ""
    text = f"ou {format_cents(count * each)} em {count}x {format_cents(each)}{suffix}"
    assert payment_in_text(text, "BRL") == instalments(count, each, free=free, card=count * each)


@given(st.text(alphabet="ou em12x R$ .,9sjurosmein¤", max_size=40))
def test_no_text_raises_or_tells_half_of_instalments(text: str) -> None:
    told = payment_in_text(text, "BRL")
    together = (told.installments_count, told.installment_cents, told.interest_free)
    assert together == (None, None, None) or None not in together


def label(text: str) -> dict[str, object]:
    return {"type": "label", "label": {"text": text}}


def price(value: object, currency: str = "BRL") -> dict[str, object]:
    return {"type": "price", "price": {"value": value, "currency": currency}}


def part(text: object, no_interest: object = None, **values: dict[str, object]) -> dict[str, object]:
    listed = [{"key": key, **value} for key, value in values.items()]
    return {"text": text, "no_interest": no_interest, "values": listed}


IN_WORDS = "{o} {price_total} {en} 10x {price} sem juros"


def test_the_state_of_a_card_fills_a_template() -> None:
    values = {"o": label("ou"), "price_total": price(3499), "en": label("em"), "price": price(349.99)}
    told = instalments(10, 34999, free=True, card=349900)
    assert payment_in_template(part(IN_WORDS, no_interest=True, **values), "BRL") == told
    assert payment_in_template(part(IN_WORDS, **values), "BRL") == told
    doubtful = payment_in_template(part(IN_WORDS, no_interest=False, **values), "BRL")
    assert (doubtful.installments_count, doubtful.interest_free) == (10, None)
    other = payment_in_template(part("ou {price_total} em outros meios", no_interest=False, **values), "BRL")
    assert other == Payment(card_price_cents=349900)
    assert (
        payment_in_template(part("24 meses de {price}", price=price(318.54, "MXN")), "MXN").installment_cents == 31854
    )


def test_the_state_of_a_page_fills_a_template() -> None:
    values = {"en": {"text": "em", "color": "BLACK"}, "price_installments": {"type": "price", "value": 16.23}}
    subtitle = {"text": "{en} 12x {price_installments}", "values": values}
    assert payment_in_template(subtitle, "BRL") == instalments(12, 1623, free=False)
    pesos = {"price_installments": {"type": "price", "value": 11915, "currency_symbol": "$"}}
    subtitle = {"text": "6 cuotas de {price_installments} con 0% interés", "values": pesos}
    assert payment_in_template(subtitle, "COP") == instalments(6, 1191500, free=True)
    whole = {"ou": {"text": "ou"}, "price_total": {"value": 90}, "means": {"text": "em outros meios"}}
    assert payment_in_template({"text": "{ou} {price_total} {means}", "values": whole}, "BRL").card_price_cents == 9000


@pytest.mark.parametrize(
    "told",
    [
        None,
        {"values": []},
        part(7),
        part("12x {price}"),
        {"text": "12x {price}", "values": None},
        part("12x {price}", other=price(10)),
        part("12x {price}", price=price("10.50")),
        part("12x {price}", price=price(-1)),
        part("12x {price}", price=price(0)),
        part("12x {price}", price=price(value=True)),
        part("12x {price}", price=price(10.123)),
        part("12x {price}", price=price(10, "USD")),
        part("12x \N{CURRENCY SIGN}", price=price(10)),
        part("{fake}", fake=label("12x \N{CURRENCY SIGN}")),
        part("12x {price} " + " " * 300, price=price(10)),
    ],
)
def test_a_template_without_its_amounts_tells_nothing(told: object) -> None:
    assert payment_in_template(told, "BRL") == NOTHING


def test_a_template_is_written_out_as_people_read_it() -> None:
    coupon = part("{icon} Cupom  {amount} OFF", icon={"type": "icon", "icon": {"key": "icon"}}, amount=price(30))
    assert written_out(coupon, "BRL") == "Cupom R$ 30 OFF"
    assert written_out(part("{a} {pill}", a=price(30.5), pill={"pill": {"text": "EXTRA"}}), "BRL") == "R$ 30,50 EXTRA"
    assert written_out(part("{icon}"), "BRL") is None
    assert written_out(part("{amount}", amount=price(1299.9, "MXN")), "MXN") == "$ 1,299.90"


def amount(fraction: str, cents: str = "", *, spoken: str = "", symbol: str = "R$") -> str:
    label = f'aria-label="{spoken}"' if spoken else ""
    mark = f'<span>,</span><span class="andes-money-amount__cents">{cents}</span>' if cents else ""
    return (
        f'<span class="andes-money-amount" {label}><span class="andes-money-amount__currency-symbol">{symbol}</span>'
        f'<span class="andes-money-amount__fraction">{fraction}</span>{mark}</span>'
    )


def in_element(html: str, currency: str = "BRL") -> Payment:
    node = Document(f'<p id="told">{html}</p>').tree.css_first("#told")
    assert node is not None
    return payment_in_node(node, MEXICO if currency == "MXN" else BRAZIL, currency)


def test_elements_tell_it_with_their_amounts_in_order() -> None:
    html = f"<b>ou</b> <i>{amount('3.579')}</i> <b>em</b> 10x {amount('357', '90')} sem juros"
    assert in_element(html) == instalments(10, 35790, free=True, card=357900)
    assert in_element(f"ou {amount('134', '96')} em outros meios") == Payment(card_price_cents=13496)
    assert in_element(f"12x{amount('10')}") == instalments(12, 1000, free=False)
    mexican = amount("5,318", symbol="$")
    assert in_element(f"en 24 meses sin intereses de {mexican}", "MXN") == instalments(24, 531800, free=True)
    assert in_element(f"en 24 meses de {mexican}", "MXN") == instalments(24, 531800, free=False)


def test_amounts_of_an_element_are_written_out_in_its_text() -> None:
    node = Document(f"<p>Cupom{amount('1.300', '50')}OFF</p>").tree.css_first("p")
    assert node is not None
    assert shown_text(node, BRAZIL, "BRL") == "Cupom R$ 1.300,50 OFF"
    assert shown_text(node, BRAZIL, "USD") is None


def test_elements_without_marked_amounts_are_read_as_text_unless_digits_run_together() -> None:
    assert in_element("ou <b>R$</b> 3.579 em 10x R$<i>357,90</i> sem juros").card_price_cents == 357900
    assert in_element("ou R$<b>357</b><sup>90</sup> em outros meios") == NOTHING
    assert in_element("ou R$<b>357</b> <sup>90</sup> em outros meios") == NOTHING


@pytest.mark.parametrize(
    "html",
    [
        f"12x {amount('10', symbol='US$')}",
        f"12x {amount('10', spoken='11 reais')}",
        f"12x {amount('1o')}",
        f"12x {amount('10')} {amount('11')}",
        f"12x {amount('10')} R$ 9",
        "",
    ],
)
def test_elements_with_doubtful_amounts_tell_nothing(html: str) -> None:
    assert in_element(html) == NOTHING


@pytest.mark.parametrize(
    "label",
    [
        *(
            f"10% OFF {link} Pix"
            for link in [
                "no",
                "na",
                "com",
                "con",
                "via",
                "pelo",
                "pela",
                "por",
                "pagando",
                "só",
                "apenas",
                "somente",
                "usando",
            ]
        ),
        *(f"10% OFF Pix {both} saldo no Mercado Pago" for both in ["ou", "o", "e", "y"]),
        *(f"saldo {place} Mercado Pago" for place in ("no", "na", "do", "em", "en", "em conta do", "en cuenta de")),
        *(f"saldo en cuenta {place} Mercado Pago" for place in ("no", "en")),
        "à vista no Pix",
        "a vista Pix",
        "-10% de descuento con Pix",
        "US$ 10 OFF no Pix",
        "$ 10 de desconto no Pix",
    ],
)
def test_pix_is_known_in_each_wording(label: str) -> None:
    assert condition_of(label) is PIX


@pytest.mark.parametrize(
    "name",
    [
        "Crédito disponível",
        "credito disponivel",
        "crédito disponible",
        "Mercado Crédito",
        "linha de crédito",
        "línea de crédito",
    ],
)
def test_the_credit_line_is_known_by_each_name(name: str) -> None:
    assert condition_of(f"10% OFF no {name}") is CREDIT


STARTS = ("", "em ", "en ", "ou ", "o ", "mismo precio en ", "em até ", "en hasta ", "ate ")
UNITS = ("x", " x", "x de", " parcelas de", " cuotas de", " meses de", " mensualidades de")


@pytest.mark.parametrize(
    ("text", "free"),
    [
        *((f"{start}10x R$ 10 sem juros", True) for start in STARTS),
        *((f"10{unit} R$ 10 sem juros", True) for unit in UNITS),
        ("10x R$ 10 sin interés", True),
        ("10x R$ 10 sin intereses", True),
        ("10x R$ 10 con 0% interés", True),
        ("10 cuotas sin interés de R$ 10", True),
        ("10 meses sin intereses de R$ 10", True),
        ("10 meses de R$ 10", False),
    ],
)
def test_instalments_are_known_in_each_wording(text: str, free: bool) -> None:
    assert payment_in_text(text, "BRL") == instalments(10, 1000, free=free)


@pytest.mark.parametrize(
    "text",
    [
        "ou R$ 90 em outros meios de pagamento",
        "o R$ 90 en otros medios",
        "o R$ 90 con otros medios de pago",
        "ou R$ 90 no cartão",
        "ou R$ 90 no cartao de credito",
        "ou R$ 90 em 10x",
        "ou R$ 90 em ate 3 x sem juros",
    ],
)
def test_what_a_card_pays_is_known_in_each_wording(text: str) -> None:
    assert payment_in_text(text, "BRL") == Payment(card_price_cents=9000)


def test_amounts_are_known_by_each_symbol_of_their_currency() -> None:
    for text, currency in (("o S/. 90 en otros medios", "PEN"), ("o S/ 90 en otros medios", "PEN"),
                           ("o U$S 90 en otros medios", "USD"), ("o XYZ 90 en otros medios", "XYZ")):  # fmt: skip
        assert payment_in_text(text, currency) == Payment(card_price_cents=9000)
    assert payment_in_text("o US 90 en otros medios", "USD") == NOTHING
    assert payment_in_text("ou LR$ 90 em outros meios", "BRL") == NOTHING


def test_instalments_may_be_rounded_by_three_percent() -> None:
    assert payment_in_text("ou R$ 100 em 10x R$ 9,70 sem juros", "BRL").card_price_cents == 10000
    assert payment_in_text("ou R$ 100 em 10x R$ 10,30 sem juros", "BRL").card_price_cents == 10000
    assert payment_in_text("ou R$ 100 em 10x R$ 9,69 sem juros", "BRL") == NOTHING
    assert payment_in_text("ou R$ 100 em 10x R$ 10,31 sem juros", "BRL") == NOTHING
    assert payment_in_text("ou R$ 100 em 10x R$ 9,70", "BRL").interest_free is False


def test_texts_are_read_to_a_length_that_no_phrase_has() -> None:
    template = "12x {price}"
    told = {"text": template.ljust(300), "values": [{"key": "price", **price(10)}]}
    assert payment_in_template(told, "BRL") == instalments(12, 1000, free=False)
    assert payment_in_template({**told, "text": template.ljust(301)}, "BRL") == NOTHING
    assert payment_in_text(f"{'12x R$ 10'.ljust(300)}x", "BRL") == instalments(12, 1000, free=False)


def test_a_text_in_an_unknown_place_counts_where_it_names_a_condition() -> None:
    texts = ["{icon} no Pix", "50% OFF", "Mercado Crédito", "Pixel"]
    assert [text.strip() for text in naming_a_condition(texts)] == ["no Pix", "Mercado Crédito"]
