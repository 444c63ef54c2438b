"""What in and around the own price box is the price, the previous price and the discount, one mark at a time.

Without linked data and embedded state the box is the only witness, so each of its marks must do its work alone.
"""

from __future__ import annotations

import pytest

from offers_cli.errors import PageChanged
from offers_cli.marketplaces.base import ProductReading
from offers_cli.marketplaces.evidence import Evidence
from offers_cli.marketplaces.html import Document
from offers_cli.marketplaces.mercado_livre import MercadoLivre
from offers_cli.marketplaces.mercado_livre.price_box import find_price_boxes, gather
from offers_cli.marketplaces.mercado_livre.sites import BRAZIL

FOREIGN = [
    "poly-card", "ui-pdp-other-sellers", "ui-recommendations", "ui-carousel", "ui-bbw", "ui-alternative",
    "buy-box-offers", "ui-search-result", "ui-item", "ui-billboard", "ui-advertising",
]  # fmt: skip
BESIDE = [
    "ui-pdp-price__subtitles", "ui-installments", "ui-pdp-price__price_tags", "ui-price-tags", "ui-rebate",
    "ui-coupon", "ui-payments-link", "ui-meliplus",
]  # fmt: skip
UNITS = [
    "quilo", "kilo", "g", "grama", "gramas", "ml", "l", "litro", "m", "metro", "m²", "m2", "unidad", "unidade", "un",
    "peça", "peca", "pieza", "par", "100 g",
]  # fmt: skip
ANCHORED = '<span class="andes-money-amount" itemprop="offers"><meta itemprop="price" content="80">{}</span>'


def digits(amount: str) -> str:
    whole, _, cents = amount.partition(",")
    rest = f',<span class="andes-money-amount__cents">{cents}</span>' if cents else ""
    return f'R$<span class="andes-money-amount__fraction">{whole}</span>{rest}'


def amount(value: str, *, tag: str = "span", classes: str = "andes-money-amount", more: str = "") -> str:
    return f'<{tag} class="{classes}" {more}>{digits(value)}</{tag}>'


def line(inner: str) -> str:
    return f'<div class="ui-pdp-price__second-line">{inner}</div>'


def box(inner: str) -> str:
    return f'<div class="ui-pdp-price ui-pdp-price--size-large">{inner}</div>'


def page(inner: str) -> str:
    return f'<body><main><h1 class="ui-pdp-title">Cafeteira</h1><section>{inner}</section></main></body>'


def read(inner: str) -> ProductReading:
    return MercadoLivre().read_product(page(inner), "https://produto.mercadolivre.com.br/MLB-5000000001-x-_JM")


def found(html: str) -> dict[str, list[tuple[str, object]]]:
    """Strategy and value of each candidate that the boxes of a page give."""
    evidence = Evidence()
    gather(evidence, Document(html), BRAZIL)
    return {
        name: [(candidate.strategy, candidate.value) for candidate in candidates]
        for name, candidates in evidence.freeze().items()
    }


def told(reading: ProductReading) -> tuple[int | None, int | None, int | None]:
    return reading.price_cents, reading.old_price_cents, reading.discount_pct


# --- Which amount is the price ---


@pytest.mark.parametrize("beside", BESIDE)
def test_an_amount_beside_the_price_is_never_the_price(beside: str) -> None:
    """In a box that marks no price for machines, the first amount that is not beside it counts."""
    reading = read(box(f'<p class="{beside}">{amount("9")}</p>{amount("80")}'))
    assert told(reading) == (8000, None, None)


@pytest.mark.parametrize("beside", BESIDE)
def test_an_old_price_or_label_beside_the_price_is_none_of_its_own(beside: str) -> None:
    label = '<span class="andes-money-amount__discount">5% OFF</span>'
    reading = read(box(f'{line(amount("80"))}<p class="{beside}">{amount("90", tag="s")}{label}</p>'))
    assert told(reading) == (8000, None, None)


@pytest.mark.parametrize(
    "old",
    [
        pytest.param(amount("100", tag="s"), id="s"),
        pytest.param(amount("100", tag="del"), id="del"),
        pytest.param(amount("100", classes="andes-money-amount ui-pdp-price__original-value"), id="original-value"),
        pytest.param(amount("100", classes="andes-money-amount andes-money-amount--previous"), id="previous"),
        pytest.param(amount("100", more='aria-label="Antes: 100 reais"'), id="label for screen readers"),
    ],
)
def test_each_mark_of_an_old_price_suffices(old: str) -> None:
    """It is the previous price, and never the price, though it stands first in a box without an anchor."""
    assert told(read(box(old + amount("80")))) == (8000, 10000, 20)


def test_the_second_line_is_looked_at_before_the_rest_of_the_box() -> None:
    assert read(box(amount("9") + line(amount("80")))).price_cents == 8000


def test_a_box_of_old_and_beside_amounts_has_no_price() -> None:
    with pytest.raises(PageChanged, match="own price cannot be found"):
        read(box(f'{amount("100", tag="s")}<p class="ui-pdp-price__subtitles">{amount("9")}</p>'))


@pytest.mark.parametrize("classes", ["andes-money-amount", "price-tag", "ui-pdp-price__part"])
def test_each_class_of_amounts_is_known(classes: str) -> None:
    assert read(box(amount("80", classes=classes))).price_cents == 8000


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("classes", ["andes-money-amount", "price-tag", "ui-pdp-price__part"])
def test_the_amount_around_the_machine_readable_price_is_the_price(classes: str, wide: bool) -> None:
    inner = f'<i><meta itemprop="price" content="80"></i>{digits("80")}'
    priced = f'{amount("9")}<span class="{classes}">{inner}</span>'
    candidates = found(page(box(priced) if wide else priced))
    assert candidates.keys() <= {"currency", "price_cents", "price_condition"}
    assert candidates["price_cents"] == [("dom", 8000), ("microdata", 8000)]


def test_the_machine_readable_price_of_a_box_is_preferred_to_the_offer_around_it() -> None:
    marked = f'<div itemprop="offers">{amount("9")}{ANCHORED.format(digits("80"))}</div>'
    assert found(page(box(marked)))["price_cents"] == [("dom", 8000), ("microdata", 8000)]


@pytest.mark.parametrize("foreign", FOREIGN)
def test_what_shows_other_offers_has_no_price_of_the_pages_own(foreign: str) -> None:
    other = box(line(ANCHORED.format(digits("9"))).replace("80", "9"))
    assert read(f'<div class="{foreign}"><div>{other}</div></div>{box(line(amount("80")))}').price_cents == 8000


@pytest.mark.parametrize("foreign", FOREIGN)
def test_what_shows_other_offers_marks_no_price_of_a_trimmed_page(foreign: str) -> None:
    other = f'<div class="{foreign}"><p>{ANCHORED.format(digits("9")).replace("80", "9")}</p></div>'
    assert found(page(f"{other}<p>{amount('80', more='itemprop=offers')}</p>"))["price_cents"] == [("dom", 8000)]


def test_what_surrounds_the_own_heading_is_never_foreign() -> None:
    html = f'<body><div class="ui-carousel">{page(box(line(amount("80"))))}</div></body>'
    assert found(html)["price_cents"] == [("dom", 8000)]


# --- Trimmed pages: the marked price without its box ---


@pytest.mark.parametrize(
    ("marked", "strategies"),
    [
        pytest.param(
            f'<span class="andes-money-amount"><meta itemprop="price" content="80">{digits("80")}</span>',
            ["dom", "microdata"],
            id="the price",
        ),
        pytest.param(amount("80", more='itemprop="offers"'), ["dom"], id="the offer"),
        pytest.param('<p><meta itemprop="price" content="80.00">R$ 80</p>', ["dom", "microdata"], id="no amount class"),
    ],
)
def test_each_mark_for_machines_suffices_on_a_trimmed_page(marked: str, strategies: list[str]) -> None:
    assert found(page(marked))["price_cents"] == [(strategy, 8000) for strategy in strategies]


def test_of_marks_within_marks_the_inner_one_counts() -> None:
    marked = f'<div itemprop="offers">{amount("100", tag="s")}{ANCHORED.format(digits("80"))}</div>'
    html = page(marked)
    assert len(find_price_boxes(Document(html).tree)) == 1
    assert found(html)["price_cents"] == [("dom", 8000), ("microdata", 8000)]
    assert told(read(marked)) == (8000, 10000, 20)


def test_two_marks_in_one_smaller_box_are_one_price() -> None:
    smaller = f'<div class="ui-pdp-price">{amount("80", more="itemprop=offers")}{amount("80", more="itemprop=offers")}'
    assert len(find_price_boxes(Document(page(f"{smaller}</div>")).tree)) == 1


def test_two_marks_apart_are_two_prices() -> None:
    marks = amount("80", more="itemprop=offers") + amount("90", more="itemprop=offers")
    with pytest.raises(PageChanged, match=r"different prices: dom R\$ 80,00, dom R\$ 90,00"):
        read(marks)


@pytest.mark.parametrize(
    "element",
    [
        "<h1>Outro</h1>", '<img alt="">', "<form></form>", "<input>", "<button>Comprar</button>", '<a href="/x">x</a>',
    ],
)  # fmt: skip
def test_the_surroundings_of_a_marked_price_end_where_something_else_stands(element: str) -> None:
    near = f"<div><p>{amount('80', more='itemprop=offers')}</p></div>"
    assert told(read(f"<div>{near}{amount('100', tag='s')}</div>")) == (8000, 10000, 20)
    assert told(read(f"<div>{near}{amount('100', tag='s')}{element}</div>")) == (8000, None, None)


@pytest.mark.parametrize(("steps", "old"), [(4, 10000), (5, 10000), (6, None)])
def test_the_surroundings_reach_five_steps_up(steps: int, old: int | None) -> None:
    around = "<div>" * steps + amount("80", more="itemprop=offers") + "</div>" * (steps - 1)
    assert read(f"{around}{amount('100', tag='s')}</div><p></p>").old_price_cents == old


def test_the_surroundings_stay_within_the_body() -> None:
    html = f"<html><body><p>{amount('80', more='itemprop=offers')}</p>{amount('100', tag='s')}</body></html>"
    assert "old_price_cents" not in found(html)


def test_an_old_price_without_any_box_belongs_to_a_trimmed_page() -> None:
    loose = amount("100", classes="andes-money-amount ui-pdp-price__original-value")
    priced = f"<div>{amount('80', more='itemprop=offers')}</div><form></form>"
    assert told(read(priced + f"<div>{loose}</div>")) == (8000, 10000, 20)
    assert told(read(priced + f'<div class="poly-card">{loose}</div>')) == (8000, None, None)
    assert told(read(priced + f'<div class="ui-pdp-price">{loose}</div>')) == (8000, None, None)
    assert told(read(box(amount("80")) + f"<div>{loose}</div>")) == (8000, None, None)


@pytest.mark.parametrize("text", ["20% OFF", "20 % off", "20% de desconto", "20% de descuento"])
def test_a_trimmed_page_tells_its_discount_in_words(text: str) -> None:
    assert found(page(f"<div>{amount('80', more='itemprop=offers')} {text}</div>"))["discount_pct"] == [("dom", 20)]


@pytest.mark.parametrize("text", ["20% OFF e 5% OFF", "20% de juros", "OFF"])
def test_other_percentages_of_a_trimmed_page_are_no_discount(text: str) -> None:
    assert "discount_pct" not in found(page(f"<div>{amount('80', more='itemprop=offers')} {text}</div>"))


def test_words_of_a_whole_box_are_no_discount() -> None:
    assert "discount_pct" not in found(page(box(line(amount("80")) + "<p>20% OFF</p>")))


# --- Where prices only begin ---


@pytest.mark.parametrize("words", ["A partir de", "desde", "From"])
@pytest.mark.parametrize("trimmed", [True, False])
def test_where_prices_begin_is_not_a_price(words: str, trimmed: bool) -> None:
    inner = f"<span>{words}</span> {amount('80', more='itemprop=offers')}"
    with pytest.raises(PageChanged, match='a "from" price'):
        read(f"<p>{inner}</p>" if trimmed else box(line(inner)))


@pytest.mark.parametrize(
    "html",
    [
        pytest.param(f"<p>A partir de</p>{box(line(amount('80')))}", id="above the box"),
        pytest.param(box(f"<p>A partir de:</p>{line(amount('80'))}"), id="above the line"),
        pytest.param(box(f"<p>Desde</p>{amount('100', tag='s')}{line(amount('80'))}"), id="above the struck price"),
        pytest.param(
            box(f"<p>Desde</p>{amount('100', classes='price-tag x--previous')}{line(amount('80'))}"),
            id="struck by class",
        ),
        pytest.param(
            box(f"<p>Desde</p>{amount('100', classes='price-tag x__original-value')}{line(amount('80'))}"),
            id="the original value",
        ),
        pytest.param(box(line(f"<span>{amount('80')}</span> <i>desde</i>")), id="behind the element of the price"),
        pytest.param(box(line(amount("80", more='aria-label="A partir de 80 reais"'))), id="said aloud"),
        pytest.param(box(line(f"{amount('80')} <i>desde</i>")), id="behind the price"),
    ],
)
def test_words_that_a_price_follows_make_it_a_beginning(html: str) -> None:
    with pytest.raises(PageChanged, match='a "from" price'):
        read(html)


def test_words_elsewhere_do_not_make_the_price_a_beginning() -> None:
    assert read(box(f"<p>Parcelas a partir de hoje</p>{line(amount('80'))}")).price_cents == 8000
    assert read(box(line(f"<i>oferta desdenhosa</i>{amount('80')}"))).price_cents == 8000
    assert read(f"<script>desde</script>{box(line(amount('80')))}").price_cents == 8000
    assert read(f"<p>Frete a partir de</p><p>{'muito bom ' * 9}</p>{box(line(amount('80')))}").price_cents == 8000


# --- Instalments in the place of the price ---


@pytest.mark.parametrize("words", ["12x", "12 x", "em 12x de", "10X de:"])
@pytest.mark.parametrize("marked", ["", 'itemprop="offers"'])
def test_one_of_many_instalments_is_not_the_price(words: str, marked: str) -> None:
    with pytest.raises(PageChanged, match="shows an instalment instead of its price"):
        read(box(line(f"<span>{words}</span> {amount('80', more=marked)}")))


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ("x 12", "an instalment instead of its price"),
        ("x12", "an instalment instead of its price"),
        ("/mês", "an instalment instead of its price"),
        ("por mes", "an instalment instead of its price"),
        ("mensais", "an instalment instead of its price"),
        *((f"{word} mês", "an instalment instead of its price") for word in ("ao", "al", "cada")),
        *((f"mensa{end}", "an instalment instead of its price") for end in ("l", "les")),
        *((f"{word} kg", "a price per unit") for word in ("cada", "o", "a", "el", "la")),
        *((f"por {unit}", "a price per unit") for unit in UNITS),
        ("cada", "a price per unit"),
        ("/kg", "a price per unit"),
        ("por unidade", "a price per unit"),
        ("em diante", 'a "from" price, not its own'),
        ("en adelante", 'a "from" price, not its own'),
    ],
)
def test_words_behind_an_amount_may_say_that_it_is_not_the_price(words: str, what: str) -> None:
    with pytest.raises(PageChanged, match=f"^the page shows {what}$"):
        read(box(line(f"{amount('80')}<span>{words}</span>")))
    assert read(box(line(amount("80")) + f"<p>{words}</p>")).price_cents == 8000


def test_amounts_of_one_line_that_differ_are_no_price() -> None:
    with pytest.raises(PageChanged, match="own price cannot be found"):
        read(box(line(amount("80") + amount("90"))))
    assert found(page(box(line(amount("80") + amount("90")))))["price_cents"] == [("dom", None)]
    assert read(box(line(amount("80") + amount("80")))).price_cents == 8000
    assert read(box(line(amount("80") + amount("90", more='itemprop="offers"')))).price_cents == 9000
    assert read(box(line(amount("80")) + amount("90"))).price_cents == 8000


def test_instalments_before_the_price_leave_it() -> None:
    assert read(box(f"<p>12x {amount('9')}</p>{line(amount('80'))}")).price_cents == 8000
    assert read(box(f"<p>em 12x sem juros</p>{line(amount('80'))}")).price_cents == 8000


# --- Old prices and labels ---


def test_an_old_price_within_an_old_price_is_read_once() -> None:
    """The outer one, with its cents; the inner alone would be another reading."""
    inner = (
        '<span class="andes-money-amount andes-money-amount--previous">R$<b class="andes-money-amount__fraction">100'
    )
    old = f'<s class="andes-money-amount">{inner}</b></span>,<b class="andes-money-amount__cents">50</b></s>'
    assert found(page(box(old + amount("80"))))["old_price_cents"] == [("dom", 10050)]


def test_an_old_price_told_twice_is_one_candidate() -> None:
    old = amount("100", tag="s")
    assert found(page(box(old + old + amount("80"))))["old_price_cents"] == [("dom", 10000)]


def test_an_old_price_that_cannot_be_read_is_kept_as_refused() -> None:
    candidates = found(page(box(f"<s>{digits('100')}{digits('90')}</s>{amount('80')}")))
    assert candidates["old_price_cents"] == [("dom", None)]


@pytest.mark.parametrize(
    "label",
    [
        '<span class="andes-money-amount__discount">20% OFF</span>',
        "<span data-andes-money-amount-discount>20% OFF</span>",
        '<span class="ui-pdp-price__discount">20% OFF</span>',
    ],
)
def test_each_mark_of_a_label_suffices(label: str) -> None:
    assert found(page(box(line(amount("80") + label))))["discount_pct"] == [("dom", 20)]
    assert found(page(box(line(amount("80")) + label)))["discount_pct"] == [("dom", 20)]


def test_the_label_in_the_prices_line_is_preferred() -> None:
    far, near = (f'<span class="andes-money-amount__discount">{pct}% OFF</span>' for pct in (5, 20))
    assert found(page(box(far + line(amount("80") + near))))["discount_pct"] == [("dom", 20)]


def test_a_label_without_a_percentage_is_kept_as_refused() -> None:
    label = '<span class="andes-money-amount__discount">até 20% OFF</span>'
    assert found(page(box(line(amount("80") + label))))["discount_pct"] == [("dom", None)]


def test_a_label_told_twice_is_one_discount_and_two_that_differ_are_none() -> None:
    labels = [f'<span class="andes-money-amount__discount">{text}</span>' for text in ("10% OFF", "5% OFF no Pix")]
    assert found(page(box(line(amount("80") + labels[0] + labels[0]))))["discount_pct"] == [("dom", 10)]
    assert found(page(box(line(amount("80") + labels[0] + labels[1]))))["discount_pct"] == [("dom", None)]
    assert told(read(box(line(amount("100", tag="s") + amount("85") + "".join(labels))))) == (8500, 10000, None)


@pytest.mark.parametrize(
    ("symbol", "currency"), [("R$", "BRL"), ("US$", "USD"), ("\u20ac", "EUR"), ("UF", "CLF"), ("\u00a3", None)]
)
def test_the_currency_that_the_price_shows_is_named(symbol: str, currency: str | None) -> None:
    assert found(page(box(amount("80").replace("R$", symbol))))["currency"] == [("dom", currency)]
    assert "currency" not in found(page(box(amount("80").replace("R$", ""))))


def test_a_price_and_an_old_price_said_aloud_without_cents_are_whole() -> None:
    aloud = [amount(value, tag=tag, more=f'aria-label="{value} reais"') for value, tag in (("100", "s"), ("80", "b"))]
    evidence = Evidence()
    gather(evidence, Document(page(box("".join(aloud)))), BRAZIL)
    assert evidence.whole == {"price_cents", "old_price_cents"}
    silent = Evidence()
    gather(silent, Document(page(box(amount("100", tag="s") + amount("80")))), BRAZIL)
    assert silent.whole == set()


def test_the_machine_readable_price_must_be_a_plain_number() -> None:
    marked = f'<span class="andes-money-amount"><meta itemprop="price" content=" 80.5 ">{digits("80,50")}</span>'
    assert found(page(box(marked)))["price_cents"] == [("dom", 8050), ("microdata", 8050)]
    refused = marked.replace(" 80.5 ", "R$ 80")
    assert found(page(box(refused)))["price_cents"] == [("dom", 8050), ("microdata", None)]


def test_each_candidate_of_the_price_shows_what_stood_there() -> None:
    html = page(f'<p class="andes-money-amount"><meta itemprop="price" content="80">{digits("80")}</p>')
    evidence = Evidence()
    gather(evidence, Document(html), BRAZIL)
    assert [candidate.raw for candidate in evidence.freeze()["price_cents"]] == ["R$80", "80"]
    beginning = Evidence()
    gather(beginning, Document(page(box(line(f"<i>A partir de</i> {amount('80')}")))), BRAZIL)
    (refused,) = beginning.freeze()["price_cents"]
    assert (refused.strategy, refused.raw, refused.value) == ("dom", "A partir de R$80", None)
    assert refused.note == 'this is a "from" price'


def kept(html: str, name: str) -> list[tuple[str, str, object, str]]:
    """All that is kept of the candidates of one field, as `offers explain` shows them."""
    evidence = Evidence()
    gather(evidence, Document(html), BRAZIL)
    return [(one.strategy, one.raw, one.value, one.note) for one in evidence.freeze()[name]]


def test_what_is_refused_is_kept_with_its_text_and_its_reason() -> None:
    two = page(box(line(amount("80") + amount("90"))))
    assert kept(two, "price_cents") == [("dom", "R$80R$90", None, "several amounts that differ")]
    pounds = page(box(amount("80").replace("R$", "\u00a3")))
    assert kept(pounds, "currency") == [("dom", "\u00a380", None, "'\u00a3' is no currency known here")]
    old = page(box(f"<s>{digits('100')}{digits('90')[2:]}</s>{amount('80')}"))
    assert kept(old, "old_price_cents") == [("dom", "R$10090", None, "several amounts in one node")]
    labels = "".join(f'<i class="andes-money-amount__discount">{text}</i>' for text in ("20% OFF", "5% OFF"))
    refused = [("dom", "20% OFF \u00b7 5% OFF", None, "no single percentage")]
    assert kept(page(box(line(amount("80") + labels))), "discount_pct") == refused


def test_what_is_believed_is_kept_with_its_text() -> None:
    label = '<i class="andes-money-amount__discount">20% OFF</i>'
    html = page(box(amount("100", tag="s") + line(amount("80") + label)))
    assert kept(html, "old_price_cents") == [("dom", "R$100", 10000, "")]
    assert kept(html, "discount_pct") == [("dom", "20% OFF", 20, "")]
    paid = page(box(line(amount("80")) + f'<p id="pricing_price_subtitle">em 10x {amount("8")} sem juros</p>'))
    assert kept(paid, "installments_count") == [("dom", "em 10x R$8 sem juros", 10, "")]


def test_what_a_card_pays_is_in_the_currency_of_the_price() -> None:
    paid = amount("90").replace("R$", "US$")
    html = page(box(line(amount("80").replace("R$", "US$")) + f'<p id="pricing_price_subtitle">ou {paid} em 10x</p>'))
    assert found(html)["card_price_cents"] == [("dom", 9000)]


def test_a_subtitle_names_no_condition_of_the_price() -> None:
    html = page(box(line(amount("80")) + '<p id="pricing_price_subtitle">10% OFF no Pix na próxima compra</p>'))
    assert found(html)["price_condition"] == [("dom", "any")]


def test_of_a_page_that_was_cut_off_behind_the_box_the_box_is_read() -> None:
    whole = f"<html>{page(box(line(amount('80'))) + '<p>Descrição</p>')}</html>"
    assert found(whole[: whole.index("Descr")])["price_cents"] == [("dom", 8000)]
    assert "price_cents" not in found(whole[: whole.index("80")])
