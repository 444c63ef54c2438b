"""Money is one amount in integer cents, or it is refused."""

from __future__ import annotations

import os
import random
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from offers_cli.money import (
    MAX_CENTS,
    STYLES,
    MoneyError,
    cents_from_number,
    cents_from_parts,
    discount_pct,
    format_cents,
    parse_cents,
    spoken_cents,
)

EXAMPLES = int(os.environ.get("OFFERS_EXAMPLES", "100000"))
"""How many random cases the two main properties try; ``nox -s fuzz`` asks for a million."""

many = settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck), database=None)
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


def test_the_discount_is_rounded_down_as_the_site_shows_it() -> None:
    assert discount_pct(100070, 72090) == 27
    assert discount_pct(619900, 610268) == 1
    assert discount_pct(16690, 10490) == 37
    assert discount_pct(100, 100) is None
    assert discount_pct(100, 0) is None
