"""What another shop's page shows to people settles, completes or contradicts what its data say for machines."""

from __future__ import annotations

import json
from typing import Any

import pytest
from reading.captures import REAL_PAGES, real_pages_folder, without_attribute

from offers_cli.errors import PageChanged
from offers_cli.marketplaces.base import ProductReading
from offers_cli.marketplaces.html import Document
from offers_cli.marketplaces.schema_org import SchemaOrg
from offers_cli.marketplaces.schema_org.shown import Shown
from offers_cli.offer import PriceCondition

URL = "https://shop.example/p/1"
SHOP = SchemaOrg()
CAPTURED = REAL_PAGES / "other-shops"
PIX, NO_OLD = PriceCondition.PIX, (None, None)


def page(price: object, body: str, currency: str = "BRL") -> str:
    written = json.dumps(price)
    script = f'{{"@type": "Product", "name": "X", "offers": {{"price": {written}, "priceCurrency": "{currency}"}}}}'
    return (
        f'<html><head><script type="application/ld+json">{script}</script></head><body><h1>X</h1>{body}</body></html>'
    )


def read(price: object, body: str, currency: str = "BRL") -> ProductReading:
    return SHOP.read_product(page(price, body, currency), URL)


def shown(body: str, currency: str | None = "BRL") -> Shown:
    return Shown(Document(f"<html><body><h1>X</h1>{body}</body></html>"), currency)


@pytest.mark.parametrize(
    ("body", "currency", "cents"),
    [
        ("<p>R$ 2.490,00</p>", "BRL", 249000), ("<p>R$&nbsp;2.490</p>", "BRL", 249000), ("R$2490", "BRL", 249000),
        ("<p>R$ 1.234.567</p>", "BRL", 123456700), ("<p>$ 173.000</p>", "COP", 17300000), ("6 290 Kč", "CZK", 629000),
        ("<p>$1,299.50</p>", "USD", 129950), ("<p>$1,299</p>", "USD", 129900),
        ("<b>R$</b> <i>38</i><i>,</i><i>70</i>", "BRL", 3870),
        ("1.099,00 €", "EUR", 109900), ("1 099,00 €", "EUR", 109900), ("<p class=price>183.20</p>", "USD", 18320),
        ("<p>R$ <span>38,<sup>70</sup></span></p>", "BRL", 3870), ("1x R$ 38,70", "BRL", None), ("R$ 12,90/kg",
        "BRL", None),
        ("<p>R$ 2.490</p>", None, None), ("<p>$2.490</p>", "USD", None), ("<p>R$ 38<sup>70</sup></p>", "BRL", None),
        ("<p>R$ 1.290.00</p>", "BRL", None), ("<p>R$ 1,5</p>", "BRL", None), ("<p>R$ 0,00</p>", "BRL", None),
        ("<p>R$ 1.234,567</p>", "BRL", None), ("<p>R$ 1.234'567,89</p>", "BRL", None), ("CHF 1'299", "CHF", 129900),
        ("CHF 1’299.50", "CHF", 129950), ("<p>$1.234.567</p>", "USD", 123456700),
        ("<p>3% de desconto</p>", "BRL", None), ("<p class=price>3% OFF</p>", "BRL", None), ("<p>2 unidades</p>",
        "BRL", None),
        ("<p>R$ 38,70 OFF</p>", "BRL", None), ("<script>R$ 38,70</script>", "BRL", None), ("<s>R$ 38,70</s>",
        "BRL", None),
    ],
)  # fmt: skip
def test_an_amount_is_certain_by_its_own_marks_or_by_its_currency(
    body: str, currency: str | None, cents: int | None
) -> None:
    assert shown(body, currency).certain == (frozenset() if cents is None else {cents})


@pytest.mark.parametrize(
    "aside",
    [
        "a partir de R$ 10,00", "Desde R$ 10,00", "from R$ 10,00", "od R$ 10,00", "10x R$ 10,00", "10x de R$ 10,00",
        "em 3 parcelas de R$ 10,00", "12 cuotas de R$ 10,00", "Frete grátis acima de R$ 10,00", "Compras de R$ 10,00",
        "Economize R$ 10,00", "Você ganha cashback de R$ 10,00", "Frete: R$ 10,00", "Free shipping over R$ 10,00",
        "parcela mínima R$ 10,00", "R$ 10,00 por mês", "R$ 10,00/mês", "R$ 10,00 /kg", "R$ 10,00 mensais",
        "R$ 10,00 OFF",
        "R$ 10,00 de desconto", "R$ 10,00 de volta", "Cupom de R$ 10,00", "Ahorra R$ 10,00", "Desde:</p><p>R$ 10,00",
        "<small>A partir de</small> R$ 10,00", "a partir de</p><p>R$ 10,00", "Starting at</p><p>R$ 10,00",
    ],
)  # fmt: skip
def test_instalments_thresholds_savings_and_prices_by_time_or_weight_are_no_price(aside: str) -> None:
    assert not shown(f"<p>{aside}</p>").prices
    assert read(80, f"<p>R$ 80,00</p><p>{aside}</p>").price_cents == 8000
    with pytest.raises(PageChanged, match="shows other amounts"):
        read(10, f"<p>R$ 80,00</p><p>{aside}</p>")


@pytest.mark.parametrize(
    "elsewhere",
    [
        "<header><p>R$ 10,00</p></header>", "<footer>R$ 10,00</footer>", "<nav>R$ 10,00</nav>",
        '<a href="/p/2">R$ 10,00</a>', '<div class="related-products">R$ 10,00</div>', "<ul id=carousel>R$ 10,00</ul>",
        '<div data-testid="recommendations"><p>R$ 10,00</p></div>', '<li class="item product-card">R$ 10,00</li>',
        "<div class=vitrine>R$ 10,00</div>", "<template>R$ 10,00</template>", "<noscript>R$ 10,00</noscript>",
    ],
)  # fmt: skip
def test_what_belongs_to_other_products_or_to_the_shop_is_not_the_pages_own(elsewhere: str) -> None:
    assert not shown(elsewhere).amounts
    assert read(80, elsewhere).price_cents == 8000


def test_the_part_around_the_heading_is_the_pages_own_whatever_it_is_called() -> None:
    html = '<html><body><div class="related carousel"><header><h1>X</h1><p>R$ 10,00</p></header></div></body></html>'
    assert Shown(Document(html), "BRL").certain == {1000}
    for link in ('href="#buy"', 'href="javascript:buy()"', 'href=""', 'class="buy"'):
        assert shown(f"<a {link}>R$ 10,00</a>").certain == {1000}


@pytest.mark.parametrize(
    "body",
    [
        "<s>R$ 229,00</s> R$ 183,20", "<del>R$ 229,00</del><ins>R$ 183,20</ins>",
        "R$ 183,20 <strike>R$ 229,00</strike>",
        '<p style="text-decoration: line-through">R$ 229,00</p><p>R$ 183,20</p>',
        "<p class=old-price>R$ 229,00</p><p>R$ 183,20</p>",
        "<p data-testid=price-original>R$ 229,00</p><p>R$ 183,20</p>",
        "<i class=listPrice>R$ 229,00</i><p>R$ 183,20</p>", "<p class='price was'>R$ 229,00</p><p>R$ 183,20</p>",
        "<p>De R$ 229,00 por R$ 183,20</p>", "<p>De:</p><p>R$ 183,20</p><s>R$ 229,00</s>",
        "<p>Antes: R$ 229,00</p>R$ 183,20",
        "<p id=compare_price_display>R$ 229,00</p><p>R$ 183,20</p><p>ou 10x de R$ 18,32</p>",
    ],
)  # fmt: skip
def test_the_struck_amount_beside_the_price_is_the_previous_one(body: str) -> None:
    reading = read("183.20", body)
    assert (reading.price_cents, reading.old_price_cents, reading.discount_pct) == (18320, 22900, 20)
    (told,) = reading.candidates["old_price_cents"]
    assert (told.strategy, told.raw, told.value) == ("shown", "R$ 229,00", 22900)
    with pytest.raises(PageChanged, match="shows other amounts"):
        read("229.00", body)


@pytest.mark.parametrize(
    "body",
    [
        "<p>R$ 183,20</p>",
        "<s>R$ 229,00</s><p>R$ 183,20</p><s>R$ 300,00</s>",
        "<s>R$ 150,00</s><p>R$ 183,20</p>",
        "<s>R$ 229,00</s><p>R$ 200,00</p><p>R$ 183,20</p>",
        f"<s>R$ 229,00</s><p>{'x ' * 150}</p><p>R$ 183,20</p>",
        "<p>R$ 183,20</p><div class=related><s>R$ 229,00</s></div>",
        "<p>R$ 183,20</p><p>Regular price: R$ 229,00</p>",
    ],
)
def test_other_amounts_are_no_previous_price(body: str) -> None:
    reading = read("183.20", body)
    assert (reading.price_cents, reading.old_price_cents, reading.discount_pct) == (18320, None, None)


@pytest.mark.parametrize(
    "body",
    [
        "<dl><dt>Est Value:</dt><dd>R$ 229,00</dd><dt>Outlet</dt><dd>R$ 183,20</dd></dl>",
        "<p>Preço normal R$ 229,00</p><p>R$ 183,20</p>",
        "<p class=msrp>R$ 229,00</p><p>R$ 183,20</p>",
        "<p>R$ 183,20</p><div class=related>R$ 229,00</div>",
        "<p>R$ 22,90</p>",
        "<p>R$ 22.900,00</p>",
    ],
)
def test_data_that_the_page_contradicts_are_refused(body: str) -> None:
    with pytest.raises(PageChanged, match=r"other amounts than the R\$ 229,00"):
        read("229.00", body)


@pytest.mark.parametrize(
    "body",
    [
        "", "<p>X</p>", "<p>R$ 229</p>", "<p>R$ 229,00</p>", "<p>$229.00+</p>", "<p class=old-price>R$ 229,00</p>",
        "<b>R$ 229</b><sup>00</sup>", "<p>R$ 10,00</p><p>229,00</p>", "<p>R$ 10,00</p><p class=price>229</p>",
        "<p>R$ 10,00</p><p hidden>R$ 229,00</p>", "<p style='display:none'>R$ 10,00</p>", "<p>R$ 229,01</p>",
        "<select><option>A (R$ 229,00)<option>B (R$ 300,00)</select>",
    ],
)  # fmt: skip
def test_data_that_the_page_does_not_contradict_are_believed(body: str) -> None:
    assert read("229.00", body).price_cents == 22900


@pytest.mark.parametrize(
    "body",
    [
        "<p>12x de R$ 229,00 sem juros</p>", "<p>a partir de R$ 229,00</p>", "<p>R$ 229,00/kg</p>", "<s>R$ 229,00</s>",
        "<p>US$ 229,00</p>", "<p>229,00 €</p>", "<p>US$ 229,00</p><p>R$ 1.145,00</p>",
    ],
)  # fmt: skip
def test_an_amount_that_is_shown_for_something_else_only_is_refused(body: str) -> None:
    with pytest.raises(PageChanged, match="shows other amounts"):
        read("229.00", body)


def test_an_amount_of_another_currency_settles_nothing() -> None:
    assert not shown("<p>US$ 2,490.00</p>", "BRL").certain
    assert read("10.00", "<p>$ 10.00</p>", "USD").currency == read("10.00", "<p>US$ 10.00</p>", "USD").currency == "USD"
    reading = read("80", "<p>R$ 80,00</p><s>US$ 100,00</s>")
    assert (reading.price_cents, reading.old_price_cents) == (8000, None)


@pytest.mark.parametrize(
    ("body", "currency", "cents"),
    [
        ("<p>R$ 2.490,00</p>", "BRL", 249000), ("<p>R$ 2,49</p>", "BRL", 249), ("<p>$ 2.490</p>", "COP", 249000),
        ("<p>R$ 2.490,00</p><p>10x de R$ 2,49</p>", "BRL", 249000),
    ],
)  # fmt: skip
@pytest.mark.parametrize("price", ["2.490", "json"])
def test_the_page_settles_thousands_with_a_point(price: str, body: str, currency: str, cents: int) -> None:
    html = page("2.490", body, currency)
    if price == "json":
        html = html.replace('"2.490"', "2.490")
    assert SHOP.read_product(html, URL).price_cents == cents
    meta = f'<meta property="og:price:amount" content="2.490"><meta property="og:price:currency" content="{currency}">'
    assert SHOP.read_product(f"<html><head>{meta}</head><body><h1>X</h1>{body}</body></html>", URL).price_cents == cents


@pytest.mark.parametrize("body", ["", "<p>R$ 100,00</p>", "<p>R$ 2.490,00</p><p>R$ 2,49</p>", "<s>R$ 2.490,00</s>"])
def test_a_page_that_shows_neither_or_both_settles_nothing(body: str) -> None:
    with pytest.raises(PageChanged, match="two ways"):
        read("2.490", body)


@pytest.mark.parametrize(
    ("body", "condition"),
    [
        ("<p>R$ 80,00</p><span>no Pix</span>", PIX), ("R$ 80,00 à vista no Pix", PIX), ("R$ 80,00 via pix", PIX),
        ("R$ 80,00 no PIX (5% de desconto)", PIX), ("<p>R$ 80,00 (no Pix)</p>", PIX), ("<p>No Pix: R$ 80,00</p>", PIX),
        ("<p>Pix R$ 80,00</p>", PIX), ("<p>R$ 80,00</p><p>R$ 80,00 no Pix</p>", PIX), ("R$ 80,00", None),
        ("R$ 80,00 no pix ou R$ 92,00 em 3x", PIX), ("<p>R$ 80,00 no Pix</p><p>ou por R$ 92,00</p>", PIX),
        ("R$ 80,00 no Pix ou cartão", None), ("R$ 80,00 ou R$ 76,00 no Pix", None), ("R$ 80,00 à vista", None),
        ("R$ 80,00<p>5% de desconto no Pix</p>", None), ("<p>R$ 80,00 no Pix</p><p>R$ 80,00 no cartão</p>", None),
        ("<p>R$ 76,00 no Pix</p><p>R$ 80,00</p>", None), ("<p>R$ 80,00 no boleto</p>", None), ("R$ 80,00 pixel", None),
    ],
)  # fmt: skip
def test_a_price_holds_by_pix_only_where_the_page_says_so_beside_it(
    body: str, condition: PriceCondition | None
) -> None:
    assert read(80, body).price_condition is condition


def test_what_a_card_pays_stands_behind_the_price() -> None:
    reading = read(
        "179.97", "<p>R$ 179,97</p>no Pix <p>(8% de desconto)</p><p>ou R$ 195,62 em 3x de R$ 65,21 sem juros</p>"
    )
    assert (reading.price_condition, reading.card_price_cents) == (PIX, 19562)
    assert reading.facts.known() == {"installments_count": 3, "installment_cents": 6521, "interest_free": True}


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("R$ 80,00 em até 10x de R$ 8,00 sem juros", (None, 10, 800, True)),
        ("R$ 80,00 <i>em até</i> <b>10x</b><i>de</i><b>R$ 8,00</b> <i>sem juros</i>", (None, 10, 800, True)),
        ("R$ 80,00 em 2x de R$ 40,00", (None, 2, 4000, False)),
        ("R$ 80,00 em 10x de R$ 8,01 sem juros", (None, 10, 801, True)),
        ("R$ 80,00 em 10x de R$ 7,99 sem juros", (None, 10, 799, True)),
        ("R$ 80,00 em 10x de R$ 8,02 sem juros", (None, None, None, None)),
        ("R$ 80,00 em 10x de R$ 7,98 sem juros", (None, None, None, None)),
        ("R$ 80,00 ou R$ 90,00 em 10x de R$ 9,00", (9000, 10, 900, False)),
        ("R$ 80,00 ou R$ 90,00 em 10x de R$ 8,99", (9000, 10, 899, False)),
        ("R$ 80,00 ou R$ 90,00 em 10x de R$ 8,98", (None, None, None, None)),
        ("R$ 80,00 ou 10x de R$ 8,00", (None, 10, 800, False)),
        ("R$ 80,00 ou R$ 90,00 em 10x de R$ 9,90", (9000, 10, 990, False)),
        ("R$ 80,00 ou R$ 70,00 em 10x de R$ 7,00 sem juros", (None, 10, 700, True)),
        ("R$ 80,00 ou 10x de R$ 9,00", (None, None, None, None)),
        ("R$ 80,00 ou R$ 90,00 em 10x de R$ 8,00", (None, None, None, None)),
        ("R$ 80,00 ou R$ 90,00 em 10x de R$ 9,90 sem juros", (None, None, None, None)),
        ("R$ 80,00 ou 1x de R$ 80,00", (None, None, None, None)),
        ("R$ 80,00. Outro: R$ 90,00 ou R$ 95,00 em 10x de R$ 9,50", (None, None, None, None)),
        ("R$ 80,00 ou R$ 9,000 em 10x de R$ 9,50", (None, None, None, None)),
    ],
)
def test_instalments_must_add_up(body: str, told: tuple[Any, ...]) -> None:
    reading = read(80, body)
    facts = reading.facts
    found = reading.card_price_cents, facts.installments_count, facts.installment_cents, facts.interest_free
    assert found == told


# --- In each wording ---

BEFORE_ASIDES = [
    "à partir de", "desde", "from", "starting at", "beginning at", "as low as", "ab", "od", "acima de", "superior a",
    "superiores a", "mais de", "más de", "mas de", "over", "above", "spend", "mínimo", "mínima de", "minimo de",
    "compra", "compras de", "pedido", "pedidos de", "economia:", "ahorro", "save", "you save", "desconto",
    "desconto de", "descuento", "descuento de", "cashback", "cashback de", "ganhe", "receba", "crédito", "credito de",
    "credit", "credit of", "cupom", "cupom de", "cupón", "cupon de", "coupon", "coupon of", "frete", "envio", "envío",
    "entrega", "shipping", "delivery", "juros", "juros de", "taxa", "taxa de", "10x", "10 x de", "10× de",
    "10 vezes de", "10 parcelas", "12 cuotas",
    "1 parcela de", "10 parcelas de", "1 cuota de", "12 cuotas sem juros de", "12 meses de",
    "12 mensualidades de", "4 payment of", "4 payments of", "4 pago de", "4 pagos de", "parcela de", "parcelas de",
    "cuota de", "cuotas de",
]  # fmt: skip


@pytest.mark.parametrize("words", BEFORE_ASIDES)
def test_what_is_said_before_an_amount_that_is_no_price(words: str) -> None:
    for said in (f"{words} R$ 10,00", f"({words.upper()} R$ 10,00"):
        assert not shown(f"<p>{said}</p>").prices
    assert shown(f"<p>x{words.replace(' ', 'x')} R$ 10,00</p>").certain == {1000}


@pytest.mark.parametrize(
    "words",
    ["a partir de", "à partir de", "Desde:", "from", "starting at", "starting from", "beginning at", "as low as"],
)
def test_a_line_above_an_amount_may_say_that_prices_begin_there(words: str) -> None:
    assert not shown(f"<p>{words}</p><p>R$ 10,00</p>").prices
    assert shown(f"<p>x {words}</p><p>R$ 10,00</p>").certain == {1000}


@pytest.mark.parametrize("before", ["/", "por ", "per ", "ao ", "a ", "na ", "p/", " / "])
@pytest.mark.parametrize(
    "unit",
    [
        "mês", "mes", "month", "mo", "semana", "week", "ano", "year", "dia", "day", "kg", "kilo", "100 g", "100g",
        "litro", "unidade", "un", "m²",
    ],
)  # fmt: skip
def test_a_price_for_a_time_or_a_measure_is_no_price(unit: str, before: str) -> None:
    assert not shown(f"<p>R$ 10,00 {before}{unit}</p>").prices
    assert shown(f"<p>R$ 10,00 {before}{unit}x</p>").certain == {1000}


@pytest.mark.parametrize(
    "words",
    [
        "mensal", "mensais", "mensales", "monthly", "měsíčně", "off", "de desconto", "de descuento", "de volta",
        "cashback", "de cashback",
    ],
)  # fmt: skip
def test_what_is_said_behind_an_amount_that_is_no_price(words: str) -> None:
    assert not shown(f"<p>R$ 10,00 {words}</p>").prices
    assert shown(f"<p>R$ 10,00 {words}x</p>").certain == {1000}


@pytest.mark.parametrize(
    "name",
    [
        "related", "similar", "recommend", "recomendados", "carousel", "carrossel", "carrusel", "slick", "swiper",
        "upsell", "up-sell", "crosssell", "cross-sell", "viewed", "mais-vistos", "shelf", "prateleira", "vitrine",
        "showcase", "bundle", "minicart", "mini-cart", "cartdrawer", "cart-drawer", "newsletter", "reviews", "comments",
        "faq", "product-card", "product-item", "product-list", "product-grid", "product-tile", "card-product",
        "item-product", "products-grid", "grid-item",
    ],
)  # fmt: skip
def test_other_products_are_known_by_what_their_place_is_called(name: str) -> None:
    for attribute in ("class", "id", "data-testid"):
        assert not shown(f'<div {attribute}="{name}">R$ 10,00</div>').amounts
    assert not shown(f'<div class="x {name} y">R$ 10,00</div>').amounts


@pytest.mark.parametrize("name", ["product-cards", "my-product-item", "grid-items"])
def test_a_place_that_is_called_nearly_so_is_the_pages_own(name: str) -> None:
    assert shown(f'<div class="{name}">R$ 10,00</div>').certain == {1000}


@pytest.mark.parametrize(
    "name",
    [
        "old", "was", "original", "previous", "before", "anterior", "antigo", "antes", "strike", "striked",
        "strikethrough", "linethrough", "line-through", "crossed", "compare", "msrp", "rrp", "list-price", "listprice",
        "pricelist", "price-list", "precode", "preco-de", "deprice", "de-price", "productOldPrice", "productListPrice",
        "priceCompareAt", "valueStriked",
    ],
)  # fmt: skip
def test_a_former_price_is_known_by_what_its_element_is_called(name: str) -> None:
    reading = read("183.20", f"<p class='price {name}'>R$ 229,00</p><p>R$ 183,20</p>")
    assert (reading.price_cents, reading.old_price_cents) == (18320, 22900)
    with pytest.raises(PageChanged, match="shows other amounts"):
        read("229.00", f"<p class='{name}'>R$ 229,00</p><p>R$ 183,20</p>")


@pytest.mark.parametrize("name", ["bold", "wash", "gold", "comparex", "olds"])
def test_an_element_that_is_called_nearly_so_is_of_no_former_price(name: str) -> None:
    assert read("183.20", f"<p class='{name}'>R$ 229,00</p><p>R$ 183,20</p>").old_price_cents is None


@pytest.mark.parametrize("words", ["de", "De:", "antes", "Antes:", "was", "era", "era:"])
def test_a_former_price_is_known_by_the_word_before_it(words: str) -> None:
    for body in (f"<p>{words} R$ 229,00</p><p>R$ 183,20</p>", f"<p>x</p><p>{words} R$ 229,00 por R$ 183,20</p>"):
        assert read("183.20", body).old_price_cents == 22900


def test_a_former_price_may_be_named_so_within_a_line() -> None:
    for words, old in (("o que antes:", 22900), ("it was", 22900), ("caixa de", None), ("isso era", None)):
        assert read("183.20", f"<p>{words} R$ 229,00</p><p>R$ 183,20</p>").old_price_cents == old


@pytest.mark.parametrize(
    "words",
    [
        "before", "list price", "rrp", "msrp", "pvp", "est value", "est. value", "retail", "retail price",
        "regular price", "compare at", "original price", "preço normal", "preco original", "preço antigo",
        "preço de tabela", "preço cheio", "preço anterior", "valor original", "precio normal", "precio regular",
        "precio anterior", "precio de lista", "precio original",
    ],
)  # fmt: skip
def test_a_usual_price_is_not_the_price_where_a_lower_one_stands(words: str) -> None:
    for said in (words, f"x {words}:", f"{words.upper()}</b><b>"):
        body = f"<p><b>{said} R$ 229,00</b></p><p>R$ 183,20</p>"
        assert shown(body).certain == {18320}
    assert shown(f"<p>{words} R$ 229,00</p>").certain == {22900}


@pytest.mark.parametrize(
    "said",
    [
        "no pix", "na pix", "via pix", "com pix", "com o pix", "pelo pix", "por pix", "em pix", "à vista pix",
        "a vista no pix", "- no pix", "– pix", ", pix",
    ],
)  # fmt: skip
def test_pix_is_named_behind_a_price_in_each_wording(said: str) -> None:
    assert shown(f"<p>R$ 80,00 {said}</p>").is_by_pix(8000)
    assert shown(f"<p>R$ 80,00 ({said})</p>").is_by_pix(8000)
    for other in ("ou boleto", "e boleto", "/ boleto"):
        assert not shown(f"<p>R$ 80,00 {said} {other}</p>").is_by_pix(8000)


@pytest.mark.parametrize(
    "said",
    ["pix", "Pix:", "pix -", "pix –", "no pix", "na pix", "via pix", "com pix", "pelo pix", "por pix", "à vista no pix",
     "a vista pix", "pix por", "pix: por"],
)  # fmt: skip
def test_pix_is_named_before_a_price_in_each_wording(said: str) -> None:
    assert shown(f"<p>{said} R$ 80,00</p>").is_by_pix(8000)
    assert not shown(f"<p>x {said} R$ 80,00</p>").is_by_pix(8000)


@pytest.mark.parametrize(
    "said",
    ["no cartão", "na cartao", "no crédito", "no credito", "em 10x", "em até 10 x", "em ate 10x", "(no cartão)"],
)
def test_a_price_that_a_card_pays_too_is_none_by_pix(said: str) -> None:
    assert not shown(f"<p>R$ 80,00 no pix</p><p>R$ 80,00 {said}</p>").is_by_pix(8000)
    assert shown(f"<p>R$ 80,00 no pix</p><p>R$ 90,00 {said}</p>").is_by_pix(8000)


@pytest.mark.parametrize(
    ("symbol", "currency"),
    [
        ("R$", "BRL"), ("RD$", "DOP"), ("US$", "USD"), ("U$S", "USD"), ("$U", "UYU"), ("S/", "PEN"), ("S/.", "PEN"),
        ("€", "EUR"), ("£", "GBP"), ("₡", "CRC"), ("₲", "PYG"),
        *((code, code) for code in (
            "BRL", "ARS", "MXN", "EUR", "GBP", "CZK", "PLN", "CHF", "SEK", "NOK", "DKK", "CAD", "AUD", "NZD", "JPY",
            "INR",
        )),
    ],
)  # fmt: skip
def test_an_amount_bears_the_symbol_of_one_currency_before_or_behind_it(symbol: str, currency: str) -> None:
    other = "USD" if currency != "USD" else "BRL"
    for body in (f"{symbol} 12", f"{symbol}12", f"12 {symbol}"):
        (amount,) = shown(body, currency).amounts
        assert (amount.is_money, amount.is_foreign, amount.cents) == (True, False, 1200)
        assert shown(body, other).amounts[0].is_foreign


@pytest.mark.parametrize("symbol", ["C$", "$", "₹", "¥", "Bs", "Bs.", "Kč", "zł"])
def test_a_symbol_of_several_currencies_is_of_the_pages_own(symbol: str) -> None:
    for body in (f"{symbol} 12", f"12 {symbol}"):
        (amount,) = shown(body, "BRL").amounts
        assert (amount.is_money, amount.is_foreign, amount.cents) == (True, False, 1200)


@pytest.mark.parametrize("style", ["display:none", "display : none", "visibility:hidden", "VISIBILITY : HIDDEN"])
def test_an_amount_that_nobody_sees_is_no_price(style: str) -> None:
    assert not shown(f'<p style="{style}">R$ 10,00</p>').prices
    assert shown('<p style="display:block">R$ 10,00</p>').certain == {1000}


@pytest.mark.parametrize("name", ["price", "preco", "preço", "precio", "valor"])
def test_a_number_is_money_where_its_element_is_called_a_price(name: str) -> None:
    assert shown(f'<p class="{name}">12,50</p>').certain == shown(f'<p itemprop="{name}">12,50</p>').certain == {1250}
    assert not shown('<p class="x">12,50</p>').prices


def test_instalments_are_read_in_the_pages_currency() -> None:
    facts = read(1080, "US$ 1,080.00 ou US$ 1,100.00 em 10x de US$ 110.00", "USD")
    assert (facts.card_price_cents, facts.facts.installment_cents) == (110000, 11000)


# --- What stands beside the price ---

FAR = "<p>" + "x " * 150 + "</p>"


@pytest.mark.parametrize(
    "body",
    [
        "<s>R$ 229,00</s><p hidden>R$ 10,00</p><p>R$ 183,20</p>",
        "<s>R$ 229,00</s><p>10x de R$ 18,32</p><p>R$ 183,20</p>",
        "<s>R$ 229,00</s><p>nota 4,80</p><p>R$ 183,20</p>",
        "<p>R$ 183,20</p><p>nota 4,80</p><s>R$ 229,00</s>",
        "<p>R$ 183,20 <s>R$ 229,00</s></p><p>R$ 15,00</p>",
        f"{FAR}<s>R$ 229,00</s><p>R$ 183,20</p>",
        f"{FAR}<p>R$ 183,20</p><s>R$ 229,00</s>",
        f"<s>R$ 229,00</s><p>{'x' * 197}</p><p>R$ 183,20</p>",
    ],
)
def test_the_previous_price_is_the_struck_one_next_to_the_price(body: str) -> None:
    old = shown(body).old_price(18320)
    assert old is not None
    assert old.cents == 22900


@pytest.mark.parametrize(
    "body",
    [
        "<p>R$ 183,20</p><p>R$ 190,00</p><s>R$ 229,00</s>",
        f"<p>R$ 183,20</p>{FAR}<s>R$ 229,00</s>",
        f"<s>R$ 229,00</s><p>{'x' * 198}</p><p>R$ 183,20</p>",
        "<s>R$ 150,00</s><p>R$ 183,20</p>",
        "<s>R$ 183,20</s><p>R$ 183,20</p>",
        f"<s>R$ 229,00</s><s>R$ 183,20</s>{FAR}<p>R$ 183,20</p>",
        f"<s>R$ 229,00</s><p>US$ 183.20</p>{FAR}<p>R$ 183,20</p>",
        "<p>R$ 183,20</p><s>R$ 1.229,5</s>",
    ],
)
def test_a_struck_amount_that_is_not_next_to_the_price_or_not_above_it_is_none(body: str) -> None:
    assert shown(body).old_price(18320) is None


@pytest.mark.parametrize(
    "lower",
    [
        "<p>10x de R$ 22,90</p>", "<p hidden>R$ 10,00</p>", "<s>R$ 10,00</s>", "<p>Preço normal R$ 10,00</p>",
        "<p class=old-price>R$ 10,00</p>", "<p>nota 4,80</p>", "",
    ],
)  # fmt: skip
def test_an_old_price_is_the_price_where_no_lower_one_is_a_price(lower: str) -> None:
    """Shops keep the class of a former price when the sale is over."""
    assert read("229.00", f"<p class=old-price>R$ 229,00</p>{lower}").price_cents == 22900


def test_an_old_price_that_is_no_higher_is_a_price_as_well() -> None:
    assert not shown("<p class=old-price>R$ 80,00 no cartão</p><p>R$ 80,00 no Pix</p>").is_by_pix(8000)


def test_a_word_at_the_very_beginning_of_a_page_counts() -> None:
    whole = Shown(Document("<html><body>de R$ 229,00 por R$ 183,20</body></html>"), "BRL")
    assert whole.certain == {18320}


def test_a_number_is_money_within_the_line_that_is_called_a_price() -> None:
    assert shown('<div class="price"><b>12,50</b><p>13,50</p></div>').certain == {1250}
    assert not shown("<p><b>12,50</b></p>").prices


def test_what_is_within_hidden_elements_is_no_price() -> None:
    for body in ("<p hidden>R$ 10,00</p>", "<div hidden><p>R$ 10,00</p></div>"):
        assert not shown(body).prices


def test_what_the_whole_page_is_called_makes_no_former_price() -> None:
    around = '<body class="was-loaded related"><main class="old-layout" id="reviews">{}</main></body>'
    body = around.format("<p>R$ 229,00</p><p>R$ 183,20</p>")
    assert Shown(Document(f"<html>{body}</html>"), "BRL").certain == {22900, 18320}


@pytest.mark.parametrize(
    ("body", "readings"),
    [
        ("R$ 38,70", {3870}), ("R$ 38,5", {3850}), ("R$ 38<sup>70</sup>", {3870, 387000}), ("R$ 1.290", {129, 129000}),
        ("R$ <i>1</i><i>.</i><i>290</i>", {129, 129000}), ("R$ 1.299", {129900}), ("R$ 1.234.500", {123450000}),
        ("R$ 229", {22900}),
    ],
)  # fmt: skip
def test_everything_that_an_amount_may_be_is_known(body: str, readings: set[int]) -> None:
    (amount,) = shown(f"<p>{body}</p>").amounts
    assert amount.readings == readings


def test_an_amount_is_kept_as_it_stands_there() -> None:
    (amount,) = shown("<p><b>R$</b> <i>38</i><i>,</i><i>70</i></p>").amounts
    assert amount.text == "R$ 38,70"


def test_what_is_no_amount_hides_none_behind_it() -> None:
    assert shown("<p>R$ 0,00</p><p>R$ 10,00</p>").certain == {1000}
    assert not shown('<p class="price">12,50 % menos</p>').amounts
    assert not shown('<p class="price">229</p>').prices


def test_blanks_between_elements_are_one() -> None:
    assert not shown("<p>a partir de <b> </b> R$ 10,00</p>").prices


def test_markup_among_other_products_is_not_the_pages_own() -> None:
    other = '<div class="related"><p><b itemprop="price">70.00</b></p></div>'
    assert read(80, f"<p>R$ 80,00</p>{other}").price_cents == 8000


def priced() -> list[str]:
    if not real_pages_folder():
        return []
    expected = json.loads((CAPTURED / "expected.json").read_text("utf-8"))
    return [name for name, wanted in expected.items() if "magalu" in name and wanted["price_cents"]]


@pytest.mark.parametrize("name", priced())
def test_captures_show_their_previous_price_and_their_condition(name: str) -> None:
    wanted = json.loads((CAPTURED / "expected.json").read_text("utf-8"))[name]
    html = (CAPTURED / name).read_text("utf-8")
    reading = SHOP.read_product(html, SHOP.page_url(html) or "")
    assert (reading.price_cents, reading.old_price_cents) == (wanted["price_cents"], wanted["old_price_cents"])
    assert reading.price_condition is PIX


@pytest.mark.parametrize("name", priced())
def test_changed_captures_are_read_rightly_or_refused(name: str) -> None:
    """Names of the markup taken away; data for machines that name another amount of the page, or cents as units."""
    wanted = json.loads((CAPTURED / "expected.json").read_text("utf-8"))[name]
    html = (CAPTURED / name).read_text("utf-8")
    url, price, old = SHOP.page_url(html) or "", wanted["price_cents"], wanted["old_price_cents"]
    for attribute in ("class", "data-testid", "id"):
        html = without_attribute(attribute, html)
        reading = SHOP.read_product(html, url)
        assert (reading.price_cents, reading.price_condition) == (price, PIX)
        assert reading.old_price_cents in {None, old}
    named = f'"price":"{price // 100}.{price % 100:02}"'
    assert named in html
    for lie in (price * 100, price // 10, price * 7 + 13):
        with pytest.raises(PageChanged):
            SHOP.read_product(html.replace(named, f'"price":"{lie // 100}.{lie % 100:02}"'), url)
