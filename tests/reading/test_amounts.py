"""One amount of a page: its digits are all accounted for, its currency is known, its label says the same."""

from __future__ import annotations

import pytest
from selectolax.lexbor import LexborNode

from offers_cli.marketplaces.html import Document
from offers_cli.marketplaces.mercado_livre.amounts import (
    amounts_in,
    currency_of,
    is_surely_whole,
    named_currency,
    percent_in,
    raw_text,
    read_amount,
)
from offers_cli.marketplaces.mercado_livre.sites import BRAZIL, SITES, Site, find_site
from offers_cli.money import STYLES, MoneyError


def site(name: str) -> Site:
    found = find_site(name)
    assert found is not None
    return found


def node(inner: str, *, classes: str = "", more: str = "") -> LexborNode:
    html = f'<p class="andes-money-amount {classes}" {more}>{inner}</p>'
    found = Document(html).tree.css_first("p")
    assert found is not None
    return found


def amount(whole: str, cents: str = "", *, symbol: str = "R$", between: str = "", more: str = "") -> LexborNode:
    rest = f'<i class="andes-money-amount__cents">{cents}</i>' if cents else ""
    return node(f'{symbol}<b class="andes-money-amount__fraction">{whole}</b>{between}{rest}', more=more)


def refusal(place: LexborNode, country: Site = BRAZIL) -> str:
    with pytest.raises(MoneyError) as caught:
        read_amount(place, country)
    return str(caught.value)


# --- Digits ---


@pytest.mark.parametrize(
    "inner",
    [
        pytest.param('<b class="andes-money-amount__fraction">2.499</b><i class="dec">90</i>', id="cents renamed"),
        pytest.param('<b class="andes-money-amount__fraction">2.499</b>,90', id="cents without an element"),
        pytest.param('12 <b class="andes-money-amount__fraction">99</b>', id="digits before"),
        pytest.param(
            '<i class="andes-money-amount__cents">90</i><b class="andes-money-amount__fraction">99</b>', id="swapped"
        ),
    ],
)
def test_digits_that_are_neither_whole_part_nor_cents_refuse_an_amount(inner: str) -> None:
    assert refusal(node(f"R${inner}")).startswith("other digits than those of")


@pytest.mark.parametrize("classes", ["cents", "andes-money-amount__cents"])
def test_cents_within_the_whole_part_refuse_an_amount(classes: str) -> None:
    """79 and 50 would run together to 7950."""
    inner = f'R$<b class="andes-money-amount__fraction">79<sup class="{classes}">50</sup></b>'
    assert refusal(node(inner)) == "several parts in the whole part"


@pytest.mark.parametrize("mark", [",", ".", '<i class="andes-visually-hidden">,</i>'])
def test_a_mark_without_cents_behind_it_refuses_an_amount(mark: str) -> None:
    assert refusal(amount("1.299", between=mark)).startswith("no cents behind the mark of 'R$1.299")
    assert read_amount(amount("1.299", symbol="Bs."), site("MLV")) == 129900


def test_an_amount_without_its_whole_part_is_refused() -> None:
    """As where the page was cut off; a comma alone is no reason to fail otherwise."""
    assert "are not one amount" in refusal(amount("", between=","))
    assert "are not one amount" in refusal(amount(""))


def test_an_element_around_all_of_the_whole_part_changes_nothing() -> None:
    assert read_amount(node('R$<b class="andes-money-amount__fraction"><i>1.299</i></b>'), BRAZIL) == 129900


@pytest.mark.parametrize(
    ("inner", "note"),
    [
        ('<b class="andes-money-amount__fraction">1</b><b class="andes-money-amount__fraction">2</b>', "amounts"),
        (
            '<b class="price-tag-fraction">1</b><i class="price-tag-cents">2</i><i class="price-tag-cents">3</i>',
            "cents",
        ),
    ],
)
def test_two_of_a_part_refuse_an_amount(inner: str, note: str) -> None:
    assert refusal(node(inner)) == f"several {note} in one node"


def test_a_refusal_names_the_digits_that_do_not_fit() -> None:
    assert refusal(amount("99", "90", symbol="12 ")) == "other digits than those of '99 and 90'"
    assert refusal(amount("1.299", symbol="R$ ", between=",")) == "no cents behind the mark of 'R$ 1.299,'"
    assert refusal(amount("80", symbol="x" * 30)) == f"'{'x' * 20}' is no currency known here"


def test_an_amount_without_known_parts_is_read_as_it_stands() -> None:
    assert read_amount(node("<i>R$</i><i>80</i>"), BRAZIL) == 8000
    assert read_amount(node("<i>R$</i> <i>1.280</i><i>,</i><i>50</i>"), BRAZIL) == 128050
    assert refusal(node("<i>R$ 8</i><i>50</i>")) == "no separator between 'R$ 8' and '50'"


def test_an_amount_that_is_only_said_is_what_is_said() -> None:
    said = node("", more='aria-label="80 reais"')
    assert (read_amount(said, BRAZIL), raw_text(said)) == (8000, "80 reais")
    assert (refusal(node("")), raw_text(node(""))) == ("no amount", "")


def test_people_are_shown_the_amount_as_it_stands() -> None:
    assert raw_text(amount("1.280", "50", symbol="R$ ", between=" , ")) == "R$1.280,50"


# --- Marks ---


@pytest.mark.parametrize(
    ("country", "symbol", "own", "other"), [("MLB", "R$", "2.345", "2,345"), ("MLM", "$", "2,345", "2.345")]
)
def test_thousands_are_marked_as_the_country_marks_them(country: str, symbol: str, own: str, other: str) -> None:
    assert read_amount(amount(own, symbol=symbol), site(country)) == 234500
    assert "are not one amount" in refusal(amount(other, symbol=symbol), site(country))


@pytest.mark.parametrize(("classes", "whole"), [("x--cents-dot", "2,345"), ("x--cents-comma", "2.345")])
def test_a_class_may_tell_the_mark_before_the_cents(classes: str, whole: str) -> None:
    for country in ("MLB", "MLM"):
        symbol = STYLES[site(country).currency].symbol
        place = node(f'{symbol}<b class="andes-money-amount__fraction">{whole}</b>', classes=classes)
        assert read_amount(place, site(country)) == 234500
        joined = node(f"{symbol}{whole}", classes=classes)
        assert read_amount(joined, site(country)) == 234500
        other = whole.translate(str.maketrans(".,", ",."))
        for inner in (f'<b class="andes-money-amount__fraction">{other}</b>', other):
            refusal(node(f"{symbol}{inner}", classes=classes), site(country))


# --- Currencies ---


@pytest.mark.parametrize("country", SITES, ids=lambda country: country.id)
def test_the_countrys_own_symbol_and_code_name_its_currency(country: Site) -> None:
    for symbol in (STYLES[country.currency].symbol, country.currency):
        place = amount("80", symbol=f"{symbol} ")
        assert named_currency(place, country) == currency_of(place, country) == country.currency
        assert read_amount(place, country) == 8000


@pytest.mark.parametrize(("country", "symbol"), [("MLU", "$U"), ("MCR", "\u00a2"), ("MPE", "S/."), ("MLV", "Bs.")])
def test_a_countrys_currency_is_known_by_its_other_symbols(country: str, symbol: str) -> None:
    assert read_amount(amount("80", symbol=symbol), site(country)) == 8000


@pytest.mark.parametrize(
    ("symbol", "currency"),
    [("US$", "USD"), ("U$S", "USD"), ("USD", "USD"), ("UF", "CLF"), ("\u20ac", "EUR"), ("S/.", "PEN"), ("RD$", "DOP")],
)
def test_a_symbol_of_one_foreign_currency_names_it(symbol: str, currency: str) -> None:
    place = amount("80", symbol=symbol)
    assert named_currency(place, site("MLC")) == currency_of(place, site("MLC")) == currency
    assert read_amount(place, site("MLC")) == 8000


@pytest.mark.parametrize("symbol", ["\u00a3", "$", "Bs", "pontos", "12x R$", "-R$"])
def test_what_names_no_currency_refuses_an_amount(symbol: str) -> None:
    """`$` is the symbol of many countries, and of none in Brazil."""
    assert "is no currency known here" in refusal(amount("80", symbol=symbol))
    with pytest.raises(MoneyError):
        named_currency(amount("80", symbol=symbol), BRAZIL)


def test_an_amount_without_symbol_names_no_currency_and_is_read() -> None:
    place = amount("1.080", "50", symbol="", between=" , ")
    assert named_currency(place, BRAZIL) is None
    assert currency_of(place, BRAZIL) == "BRL"
    assert read_amount(place, BRAZIL) == 108050


def test_invisible_characters_beside_a_symbol_change_nothing() -> None:
    assert named_currency(amount("80", symbol="R$\u200b\ufeff\u2060\xa0\u202f"), BRAZIL) == "BRL"


def test_words_without_digits_name_no_currency() -> None:
    assert named_currency(node("consulte"), BRAZIL) is None
    assert "is not one amount" in refusal(node("consulte"))


def test_of_a_part_with_several_amounts_the_first_known_symbol_names_the_currency() -> None:
    assert currency_of(node("ou 10x <b>US$</b><i>80</i> R$ 90"), BRAZIL) == "USD"
    assert currency_of(node("10x<b>US$</b><i>80</i>"), BRAZIL) == "USD"
    assert currency_of(node("10x \u00a3 80"), BRAZIL) == "BRL"


# --- What is said aloud ---


@pytest.mark.parametrize("classes", ["price-tag-text-sr-only", "andes-visually-hidden"])
def test_a_text_that_is_only_said_aloud_is_a_second_reading(classes: str) -> None:
    """In the markup of 2021 it stands among the digits."""
    said = f'<i class="{classes}">1299 reais com 90 centavos</i>'
    assert read_amount(amount("1.299", "90", symbol=f"{said}R$", between=","), BRAZIL) == 129990
    assert refusal(amount("1.299", "80", symbol=f"{said}R$")) == "written 129980 but spoken 129990"


def test_what_is_only_said_aloud_may_have_elements_of_its_own() -> None:
    said = '<i class="price-tag-text-sr-only"><b>1299</b> reais com <b>90</b> centavos</i>'
    assert read_amount(amount("1.299", "90", symbol=f"{said}R$", between=","), BRAZIL) == 129990


def test_figures_that_are_said_and_shown_alike_are_shown_once() -> None:
    assert read_amount(amount("80", symbol='<i class="price-tag-text-sr-only">80</i>R$'), BRAZIL) == 8000


def test_a_mark_that_is_only_said_aloud_is_no_reading() -> None:
    mark = '<i class="andes-visually-hidden">,</i>'
    assert read_amount(amount("1.299", "90", between=mark), BRAZIL) == 129990


def test_a_label_goes_before_a_text_that_is_said_aloud() -> None:
    said = '<i class="price-tag-text-sr-only">80 reais</i>'
    assert refusal(amount("80", symbol=said, more='aria-label="90 reais"')) == "written 8000 but spoken 9000"


@pytest.mark.parametrize(
    ("place", "country", "is_whole"),
    [
        pytest.param(amount("100", more='aria-label="100 reais"'), "MLB", True, id="said aloud without cents"),
        pytest.param(amount("100"), "MLB", False, id="figures alone"),
        pytest.param(amount("100", "90", more='aria-label="100 reais com 90 centavos"'), "MLB", False, id="cents"),
        pytest.param(amount("100", symbol="$", more='aria-label="100 pesos"'), "MCO", False, id="no cents there"),
        pytest.param(amount("100", symbol="US$", more='aria-label="100 dólares"'), "MCO", True, id="dollars there"),
    ],
)
def test_an_amount_is_surely_whole_where_it_is_said_so(place: LexborNode, country: str, is_whole: bool) -> None:
    assert is_surely_whole(place, site(country)) is is_whole


# --- The amounts of a whole text ---


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        ("R$ 1.299,90", {129900, 129990}),
        ("R$ 1.299 , 90", {129900, 129990}),
        ("R$ 1.299 90", {129900, 129990}),
        ("R$1299", {129900}),
        ("R$ 1\u200b.299", {129900}),
        ("$ 6,929", {692900}),
        ("S/ 57.29 UF 4.200 Bs. 7", {5700, 5729, 420000, 700}),
        ("US$ 80 R$ 90", {8000, 9000}),
        ("R$ 12 345", {1200}),
        ("1.299,90", set()),
        ("R$ consulte", set()),
    ],
)
def test_a_text_shows_amounts_with_their_symbols(text: str, amounts: set[int]) -> None:
    assert amounts_in(text) == amounts


def test_as_many_amounts_are_looked_at_as_pages_have() -> None:
    assert amounts_in("R$ 1 " * 1999 + "R$ 2 R$ 3") == {100, 200}


# --- Percentages ---


@pytest.mark.parametrize(
    ("text", "percent"),
    [
        ("20% OFF", 20),
        ("20 % OFF", 20),
        ("5% OFF no Pix", 5),
        ("até 20% OFF", None),
        ("hasta 20% OFF", None),
        ("Up to 20% OFF", None),
        ("20% OFF e 5% OFF", None),
        ("100% OFF", None),
        ("2,5% OFF", None),
        ("2.5% OFF", None),
        ("0% OFF", None),
        ("OFF", None),
    ],
)
def test_a_label_has_one_whole_percentage(text: str, percent: int | None) -> None:
    assert percent_in(text) == percent
