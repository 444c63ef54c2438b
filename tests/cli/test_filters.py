"""The options by which offers are chosen: written as people write them, or refused by their name."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from offers_cli.cli.offers import FilterOptions, OfferSource
from offers_cli.cli.options import parse_amount, parse_rating
from offers_cli.errors import UsageError
from offers_cli.offer import PriceCondition
from offers_cli.storage.base import SORTS, OfferFilter

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("200", 20_000),
        ("199,90", 19_990),
        ("1.299", 129_900),
        ("1.299,90", 129_990),
        ("R$ 199,90", 19_990),
        ("R$199", 19_900),
        (" 5 ", 500),
    ],
)
def test_an_amount_is_read_as_brazil_writes_it(text: str, cents: int) -> None:
    assert parse_amount(text, "--max-price") == cents


@pytest.mark.parametrize(
    "text",
    ["", "0", "0,00", "-5", "199.90", "1,299.90", "1.29", "12.5", "199,9", "1e3", "US$ 10", "10x", "200 300", "²"],
)
def test_an_amount_that_may_be_another_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--max-price") as caught:
        parse_amount(text, "--max-price")
    assert caught.value.hint == "--max-price 199,90"


@pytest.mark.parametrize(
    ("text", "hundredths"), [("4.5", 450), ("4,5", 450), ("4", 400), ("4.75", 475), ("0", 0), ("5", 500), ("5.0", 500)]
)
def test_a_rating_is_read_with_a_point_or_a_comma(text: str, hundredths: int) -> None:
    assert parse_rating(text, "--min-rating") == hundredths


@pytest.mark.parametrize("text", ["", "5.1", "6", "45", "-1", "4.567", "4.", ".5", "four", "٤"])
def test_a_rating_beyond_five_stars_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--min-rating"):
        parse_rating(text, "--min-rating")


def test_every_filter_reaches_the_storage() -> None:
    options = FilterOptions(
        condition=PriceCondition.PIX,
        source=OfferSource.HUB,
        min_price="1,50",
        max_price="199,90",
        free_shipping=True,
        min_rating="4.5",
        official=True,
        coupon=True,
        min_commission=10,
        sort="-sold",
    )
    assert options.filter(limit=5, now=NOW) == OfferFilter(
        condition=PriceCondition.PIX,
        source="hub",
        min_price_cents=150,
        max_price_cents=19_990,
        free_shipping=True,
        min_rating_hundredths=450,
        official_store=True,
        coupon=True,
        min_commission=10,
        sort="-sold",
        limit=5,
    )
    assert FilterOptions().filter(limit=None, now=NOW) == OfferFilter()


def test_the_help_names_every_order() -> None:
    annotation = FilterOptions.__annotations__["sort"]
    assert all(name in annotation for name in SORTS)
