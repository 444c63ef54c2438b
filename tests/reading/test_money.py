"""Money is one amount in integer cents, or it is refused."""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from offers_cli.money import (
    MAX_CENTS,
    STYLES,
    AmbiguousAmount,
    MoneyError,
    WrittenNumber,
    cents_from_number,
    cents_from_parts,
    currency_code,
    discount_pct,
    format_cents,
    parse_cents,
    spoken_cents,
)

EXAMPLES = int(os.environ.get("OFFERS_EXAMPLES", "20000"))
"""How many random cases the two main properties try; ``nox -s fuzz`` asks for a million."""

many = settings(max_examples=5 * settings().max_examples, suppress_health_check=list(HealthCheck))
cents = st.integers(min_value=0, max_value=MAX_CENTS)
currencies = st.sampled_from(sorted(STYLES))
AMBIGUOUS = (
    "a partir de {}",
    "{} a {}",
    "10x {}",
    "{} ou {}",
    "{} - {}",
    "-{}",
    "{}/un",
    "por {}",
    "{} {}",
    "{}%",
    "{}{}",
)


def random_cents(source: random.Random) -> int:
    """Small and huge amounts alike, every number of digits as likely."""
    return source.randrange(10 ** source.randint(1, 13))


def test_many_random_amounts_are_read_back_and_never_when_ambiguous() -> None:
    source = random.Random(20260616)
    names = sorted(STYLES)
    for _ in range(EXAMPLES):
        currency, one, other = source.choice(names), random_cents(source), random_cents(source)
        first, second = format_cents(one, currency), format_cents(other, currency)
        assert parse_cents(first, currency=currency) == one
        text = source.choice(AMBIGUOUS).format(first, second)
        with pytest.raises(MoneyError):
            parse_cents(text, currency=currency)


@many
@given(cents, currencies)
def test_what_is_written_is_read_back(value: int, currency: str) -> None:
    assert parse_cents(format_cents(value, currency), currency=currency) == value


@many
@given(cents, cents, st.sampled_from(AMBIGUOUS), currencies)
def test_no_ambiguous_text_yields_a_price(one: int, other: int, pattern: str, currency: str) -> None:
    text = pattern.format(format_cents(one, currency), format_cents(other, currency))
    with pytest.raises(MoneyError):
        parse_cents(text, currency=currency)


@many
@given(st.text(alphabet="R$ .,0123456789x-+eE%\u00a0\u202f\u0661\uff11NaInf", max_size=24))
def test_whatever_is_read_is_written_with_the_same_digits(text: str) -> None:
    try:
        value = parse_cents(text)
    except MoneyError:
        return
    assert re.sub(r"\D", "", text) == str(value // 100 if "," not in text else f"{value:03}")


@many
@given(st.one_of(st.floats(), st.integers(), st.text(max_size=20), st.booleans(), st.none()))
def test_a_number_gives_whole_cents_or_is_refused(value: object) -> None:
    try:
        assert 0 <= cents_from_number(value) <= MAX_CENTS
    except MoneyError:
        return


@many
@given(cents)
def test_a_float_of_whole_cents_keeps_them(value: int) -> None:
    value %= 10**11  # further up a double cannot hold cents
    assert cents_from_number(value / 100) == value
    assert cents_from_number(f"{value // 100}.{value % 100:02}") == value


@pytest.mark.parametrize(
    ("text", "currency", "value"),
    [
        ("R$ 1.234", "BRL", 123400),
        ("R$ 1.234,56", "BRL", 123456),
        ("R$1.949", "BRL", 194900),
        ("R$\u00a0336,93", "BRL", 33693),
        ("1234,56", "BRL", 123456),
        ("R$ 12.345.678,90", "BRL", 1234567890),
        ("R$ 0,99", "BRL", 99),
        ("$ 6,929", "MXN", 692900),
        ("$ 6,929.50", "MXN", 692950),
        ("$ 699.999", "ARS", 69999900),
        ("$ 71.492", "COP", 7149200),
        ("S/ 57,29", "PEN", 5729),
        ("U$S 1,250", "USD", 125000),
    ],
)
def test_one_amount_is_read(text: str, currency: str, value: int) -> None:
    assert parse_cents(text, currency=currency) == value


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "R$", "10x R$ 25,90", "R$ 10 R$ 20", "R$ 10,00 a R$ 20,00", "R$ 10-20", "a partir de R$ 10", "NaN",
        "-10", "R$ -10", "(10)", "1e5", "1.23.4", "1.2345", "12.34", "1,234.56", "R$ 1.234,5", "R$ 1.234,567", "01,00",
        "１２,00", "١٢", "٫10", "R$ 1 234,56", "US$ 10", "$ 10", "€ 10", "10%", "R$ 10/kg", "9" * 30, "1_000", "inf",
        "R$ 10,00\n20,00",
    ],
)  # fmt: skip
def test_what_is_not_one_amount_is_refused(text: str) -> None:
    with pytest.raises(MoneyError):
        parse_cents(text)


@pytest.mark.parametrize(
    "value",
    [
        True,
        False,
        None,
        [],
        {},
        float("nan"),
        float("inf"),
        -1,
        -0.01,
        1.299,
        119.6399,
        "1.299",
        "1,50",
        "1e3",
        "",
        10**400,
        "9" * 500,
    ],
)
def test_what_is_no_number_of_cents_is_refused(value: object) -> None:
    with pytest.raises(MoneyError):
        cents_from_number(value)


@pytest.mark.parametrize(
    ("value", "expected"), [(104.9, 10490), (0.1 + 0.2, 30), (16.229999542236328, 1623), (65, 6500), ("69.9", 6990)]
)
def test_numbers_are_read_through_their_decimal_form(value: object, expected: int) -> None:
    assert cents_from_number(value) == expected


def test_fraction_and_cents_of_one_node_are_joined() -> None:
    assert cents_from_parts("1.949", "05") == 194905
    assert cents_from_parts("6,929", None) == 692900
    assert cents_from_parts("0", "99") == 99
    for fraction, rest in [
        ("1.94", "05"),
        ("1.949", "5"),
        ("1.949", "050"),
        ("", "05"),
        ("1.949,00", None),
        ("１", None),
        ("1.234,567", None),
    ]:
        with pytest.raises(MoneyError):
            cents_from_parts(fraction, rest)


@pytest.mark.parametrize(
    ("label", "value"),
    [
        ("Antes: 1000 reais com 70 centavos", 100070),
        ("Agora: 3149 reais", 314900),
        ("1 real", 100),
        ("336 reales con 93 centavos", 33693),
        ("Antes: 5919 pesos mexicanos", 591900),
        ("1 dólar con 1 centavo", 101),
    ],
)
def test_what_a_screen_reader_says_is_read(label: str, value: int) -> None:
    assert spoken_cents(label) == value


@pytest.mark.parametrize(
    "label",
    [
        "10x 20 reais",
        "10 reais ou 20 reais",
        "10 reais ou mais",
        "1.000 reais",
        "reais",
        "A partir de: 10 reais",
        "10 estrelas",
    ],
)
def test_other_labels_are_refused(label: str) -> None:
    with pytest.raises(MoneyError):
        spoken_cents(label)


@pytest.mark.parametrize(
    ("value", "currency", "text"),
    [
        (123456, "BRL", "R$ 1.234,56"),
        (99, "BRL", "R$ 0,99"),
        (7149200, "COP", "$ 71.492"),
        (692950, "MXN", "$ 6,929.50"),
        (100, "XYZ", "XYZ 1.00"),
    ],
)
def test_amounts_are_written_as_their_country_reads_them(value: int, currency: str, text: str) -> None:
    assert format_cents(value, currency) == text


LARGEST = "100.000.000.000"


def test_the_largest_amount_is_read_and_a_cent_more_is_not() -> None:
    assert parse_cents(f"R$ {LARGEST},00") == cents_from_parts(LARGEST, None) == MAX_CENTS
    assert cents_from_number(MAX_CENTS // 100) == cents_from_number(f"{MAX_CENTS // 100}.00") == MAX_CENTS
    assert spoken_cents(f"{MAX_CENTS // 100} reais") == MAX_CENTS


@pytest.mark.parametrize(
    ("read", "amount"),
    [
        (parse_cents, f"R$ {LARGEST},01"),
        (parse_cents, "9" * 25),
        (lambda whole: cents_from_parts(whole, "01"), LARGEST),
        (lambda whole: cents_from_parts(whole, None), "9" * 25),
        (cents_from_number, MAX_CENTS // 100 + 1),
        (cents_from_number, f"{MAX_CENTS // 100}.01"),
        (cents_from_number, MAX_CENTS),
        (cents_from_number, MAX_CENTS + 1),
        (spoken_cents, f"{MAX_CENTS // 100} reais com 1 centavo"),
        (parse_cents, "R$ 10".rjust(61)),
        (lambda whole: cents_from_parts(whole, None), "1" * 61),
        (spoken_cents, "10 reais".rjust(121)),
    ],
)
def test_larger_amounts_and_longer_texts_are_refused(read: Callable[[Any], int], amount: object) -> None:
    with pytest.raises(MoneyError):
        read(amount)


@pytest.mark.parametrize(
    ("read", "amount", "why"),
    [
        (parse_cents, "10x R$ 25,90", "'10x R$ 25,90' is not one amount in BRL"),
        (parse_cents, "R$ 100.000.000.001", "'R$ 100.000.000.001' is absurdly large"),
        (lambda whole: cents_from_parts(whole, None), "1.94", "'1.94' and '' are not one amount"),
        (lambda cents: cents_from_parts("1", cents), "5", "'1' and '5' are not one amount"),
        (lambda whole: cents_from_parts(whole, None), "1" * 60, f"'{'1' * 60}' is absurdly large"),
        (cents_from_number, True, "'True' is not a number"),
        (cents_from_number, "1,50", "'1,50' is not a plain number"),
        (cents_from_number, -1, "a number below zero or absurdly large"),
        (cents_from_number, Decimal("sNaN"), "Decimal('sNaN') is not a number"),
        (cents_from_number, float("inf"), "inf is not an amount"),
        (cents_from_number, 119.6399, "'119.6399' is finer than cents"),
        (spoken_cents, "10x 20 reais", "'10x 20 reais' is not one spoken amount"),
        (spoken_cents, "9999999999999 reais", "'9999999999999 reais' is absurdly large"),
    ],
)
def test_a_refusal_names_the_amount_and_the_reason(read: Callable[[Any], int], amount: object, why: str) -> None:
    """It is what a person reads beside an offer without a price."""
    with pytest.raises(MoneyError) as refused:
        read(amount)
    assert str(refused.value) == why


@pytest.mark.parametrize("currency", [None, "BRL", "COP", "CLP", "PYG", "EUR", "CZK"])
@pytest.mark.parametrize(
    ("text", "readings"),
    [("1.290", (129, 129000)), ("173.000", (17300, 17300000)), ("2.499", (249900,)), ("1.001", (100100,))],
)
def test_a_point_before_three_digits_may_mean_two_amounts(
    text: str, readings: tuple[int, ...], currency: str | None
) -> None:
    for amount in (text, WrittenNumber(text)):
        with pytest.raises(AmbiguousAmount, match="two ways") as refused:
            cents_from_number(amount, currency=currency)
        assert refused.value.readings == readings
        assert all(isinstance(cents, int) for cents in refused.value.readings)


@pytest.mark.parametrize(
    ("text", "currency", "value"),
    [("49.950", "USD", 4995), ("1.290", "MXN", 129), ("0.990", "BRL", 99), ("1234.500", "BRL", 123450)],
)
def test_three_decimals_that_are_no_thousands_are_read(text: str, currency: str, value: int) -> None:
    assert (
        cents_from_number(text, currency=currency) == cents_from_number(WrittenNumber(text), currency=currency) == value
    )


def test_a_number_of_json_knows_how_it_is_written() -> None:
    """1.290 without quotes may be a shop's own thousands too: no program writes a last zero."""
    written = json.loads('{"price": 1.290, "other": 2.5}', parse_float=WrittenNumber)
    assert (str(written["price"]), written["price"], json.dumps(written)) == (
        "1.290",
        1.29,
        '{"price": 1.29, "other": 2.5}',
    )
    assert cents_from_number(written["other"]) == 250


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("BRL", "BRL"), (" brl ", "BRL"), ("R$", "BRL"), ("r$", "BRL"), ("US$", "USD"), ("U$S", "USD"), ("€", "EUR"),
        ("£", "GBP"), ("S/", "PEN"), ("S/.", "PEN"), ("RD$", "DOP"), ("$U", "UYU"), ("₡", "CRC"), ("₲", "PYG"),
        ("$", None), ("", None), ("reais", None), ("BR", None), ("Bs", None),
    ],
)  # fmt: skip
def test_a_currency_is_known_by_its_code_or_by_a_symbol_of_its_own(text: str, code: str | None) -> None:
    assert currency_code(text) == code


@pytest.mark.parametrize("nothing", [0, 0.0, "0", "0.00", Decimal(0)])
def test_zero_is_an_amount(nothing: object) -> None:
    """Whether zero is a price is decided where prices are read."""
    assert cents_from_number(nothing) == 0


def test_an_amount_may_stand_in_sixty_characters_and_no_more() -> None:
    assert parse_cents("R$ 10".rjust(60)) == 1000
    assert cents_from_parts("10".rjust(60), None) == 1000
    assert spoken_cents("10 reais".rjust(120)) == 1000


@pytest.mark.parametrize(("value", "expected"), [("1.23001", 123), ("1.22999", 123), (Decimal("1.23"), 123), (1, 100)])
def test_a_thousandth_of_a_cent_is_noise(value: object, expected: int) -> None:
    assert cents_from_number(value) == expected


@pytest.mark.parametrize("value", ["1.23002", "1.22998", Decimal("NaN"), Decimal("Infinity"), Decimal("-0.01"), -1])
def test_more_than_noise_is_refused(value: object) -> None:
    with pytest.raises(MoneyError):
        cents_from_number(value)


@pytest.mark.parametrize(
    ("text", "currency", "value"),
    [
        ("$ 10.50", "USD", 1050), ("US$ 10.50", "USD", 1050), ("S/. 10,50", "PEN", 1050), ("$U 10,50", "UYU", 1050),
        ("Bs 10,50", "VES", 1050), ("¢ 10,50", "CRC", 1050), ("BRL 10,50", "BRL", 1050), ("XYZ 10.50", "XYZ", 1050),
    ],
)  # fmt: skip
def test_other_symbols_of_a_currency_are_known(text: str, currency: str, value: int) -> None:
    assert parse_cents(text, currency=currency) == value


def test_a_page_may_write_otherwise_than_its_country() -> None:
    assert parse_cents("1,234.50", decimal_mark=".") == 123450
    with pytest.raises(MoneyError):
        parse_cents("1.234,50", decimal_mark=".")


@pytest.mark.parametrize(
    ("words", "cents"),
    [
        ("10 reais", 1000), ("1 real", 100), ("10 reales", 1000), ("1 peso", 100), ("10 pesos", 1000), ("1 sol", 100),
        ("10 soles", 1000), ("10 dólares", 1000), ("10 dolares", 1000), ("10 bolívares", 1000), ("10 bolivares", 1000),
        ("10 bolivianos", 1000), ("10 guaraníes", 1000), ("10 guarani", 1000), ("10 colones", 1000),
        ("10 colón", 1000), ("10 quetzales", 1000), ("10 lempiras", 1000), ("10 córdobas", 1000),
        ("10 cordobas", 1000), ("10 balboas", 1000), ("10 euros", 1000), ("10 pesos argentinos", 1000),
        ("10 pesos chilenos", 1000), ("10 pesos colombianos", 1000), ("10 pesos uruguayos", 1000),
        ("10 pesos dominicanos", 1000), ("10 dólares estadounidenses", 1000), ("1 dólar americano", 100),
        ("10 soles con 5 céntimos", 1005), ("10 euros con 5 centimos", 1005), ("10 pesos con 5 centésimos", 1005),
        ("10 pesos con 5 centesimos", 1005), ("Antes: 10 reais", 1000), ("Agora: 10 reais", 1000),
        ("Ahora: 10 pesos", 1000), ("Now: 10 pesos", 1000), ("Before: 10 pesos", 1000), ("Valor: 10 reais", 1000),
        ("Preço atual: 10 reais", 1000), ("Precio: 10 pesos", 1000), ("Preco: 10 reais", 1000),
    ],
)  # fmt: skip
def test_every_wording_of_screen_readers_is_known(words: str, cents: int) -> None:
    assert spoken_cents(words) == cents


def test_negative_amounts_are_written_with_their_sign() -> None:
    assert format_cents(-123456) == "-R$ 1.234,56"
    assert format_cents(0) == "R$ 0,00"


@pytest.mark.parametrize(
    ("currency", "text"),
    [
        ("BRL", "R$ 1.234,50"), ("ARS", "$ 1.234,50"), ("BOB", "Bs 1.234,50"), ("CLP", "$ 1.234,50"),
        ("COP", "$ 1.234,50"), ("CRC", "₡ 1.234,50"), ("CUP", "CUP 1,234.50"), ("DOP", "RD$ 1,234.50"),
        ("EUR", "€ 1.234,50"), ("GTQ", "Q 1,234.50"), ("HNL", "L 1,234.50"), ("MXN", "$ 1,234.50"),
        ("NIO", "C$ 1,234.50"), ("PEN", "S/ 1.234,50"), ("PYG", "₲ 1.234,50"), ("USD", "US$ 1,234.50"),
        ("UYU", "$ 1.234,50"), ("VES", "Bs. 1.234,50"),
    ],
)  # fmt: skip
def test_each_currency_is_written_its_own_way(currency: str, text: str) -> None:
    assert format_cents(123450, currency) == text
    whole = text.partition("1")[0] + "1"
    assert format_cents(100, currency) in {whole, f"{whole},00", f"{whole}.00"}
    assert (format_cents(100, currency) == whole) is (currency in {"CLP", "COP", "PYG"})


@pytest.mark.parametrize(
    ("old", "price", "pct"),
    [(2, 1, 50), (100, 1, 99), (101, 100, 0), (10000, 7999, 20), (10000, 8001, 19), (100, 101, None), (1, -1, None)],
)
def test_a_discount_counts_from_one_cent_on(old: int, price: int, pct: int | None) -> None:
    assert discount_pct(old, price) == pct


def test_the_discount_is_rounded_down_as_the_site_shows_it() -> None:
    assert discount_pct(100070, 72090) == 27
    assert discount_pct(619900, 610268) == 1
    assert discount_pct(16690, 10490) == 37
    assert discount_pct(100, 100) is None
    assert discount_pct(100, 0) is None
