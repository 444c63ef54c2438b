"""The price chart: what it draws is what was observed, and what nobody saw stays empty."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from storage.cases import at

from offers_cli.offer import PriceCondition
from offers_cli.storage.base import PricePoint
from offers_cli.web.chart import HEIGHT, WIDTH, Chart, draw

ANY, PIX, CREDIT = PriceCondition.ANY, PriceCondition.PIX, PriceCondition.CREDIT_LINE


def seen(minute: float, cents: int, condition: PriceCondition | None = ANY, card: int | None = None) -> PricePoint:
    return PricePoint(
        observed_at=at(minute),
        price_cents=cents,
        old_price_cents=None,
        price_condition=condition,
        card_price_cents=card,
        source="listing",
    )


def drawn(*points: PricePoint, since: float = 0, until: float = 100, seen_until: float = 100, **more: object) -> Chart:
    chart = draw(points, since=at(since), until=at(until), seen_until=at(seen_until), **more)  # type: ignore[arg-type]
    assert chart is not None
    return chart


def corners(path: str) -> list[tuple[str, list[float]]]:
    return [
        (word, [float(each) for each in numbers.split()]) for word, numbers in re.findall(r"([MHV])([^MHV]*)", path)
    ]


def test_each_price_holds_until_the_next_was_observed() -> None:
    chart = drawn(seen(0, 20_000), seen(50, 10_000))
    (m, [x, high]), (_, [change]), (v, [low]), (_, [end]) = corners(chart.lines["any"])
    assert (m, v) == ("M", "V")
    assert (x, change, end) == (0, WIDTH / 2, WIDTH)
    assert 0 < high < low < HEIGHT, "what costs less stands lower"


def test_a_pix_price_is_no_step_of_the_price_that_everybody_pays() -> None:
    chart = drawn(seen(0, 20_000), seen(25, 18_000, PIX, card=20_000), seen(75, 19_000))
    assert [word for word, _ in corners(chart.lines["any"])] == ["M", "H", "M", "H"], "the pen is lifted between"
    assert corners(chart.lines["pix"])[0][1][0] == corners(chart.lines["card"])[0][1][0] == WIDTH / 4
    assert corners(chart.lines["card"])[0][1][1] < corners(chart.lines["pix"])[0][1][1]
    chart = drawn(seen(0, 5, None), seen(50, 6, CREDIT))
    assert set(chart.lines) == {"unknown", "credit_line"}


def test_what_nobody_watched_is_a_gap_and_no_line() -> None:
    chart = drawn(seen(25, 10_000), seen(50, 9_000), seen_until=75)
    assert [tuple(gap) for gap in chart.gaps] == [(0, WIDTH / 4), (WIDTH * 3 / 4, WIDTH / 4)]
    assert corners(chart.lines["any"])[-1] == ("H", [WIDTH * 3 / 4])
    assert drawn(seen(-10, 10_000)).gaps == ()
    assert draw([seen(0, 5)], since=at(50), until=at(100), seen_until=at(10)) is None, "it was last seen long before"
    assert draw([], since=at(50), until=at(100), seen_until=at(100)) is None


def test_the_price_that_held_when_the_window_begins_is_drawn_from_its_edge() -> None:
    chart = drawn(seen(-500, 10_000), seen(-50, 12_000), seen(90, 8_000))
    assert corners(chart.lines["any"])[0][1][0] == 0
    assert [word for word, _ in corners(chart.lines["any"])] == ["M", "H", "V", "H"]


def test_a_price_that_holds_beyond_the_window_is_drawn_to_its_edge() -> None:
    assert corners(drawn(seen(0, 10_000), seen_until=200).lines["any"])[-1] == ("H", [WIDTH])


def test_prices_use_the_height_that_there_is() -> None:
    (_, [_, high]), _, (_, [low]), _ = corners(drawn(seen(0, 20_000), seen(50, 10_000)).lines["any"])
    assert high < HEIGHT / 4
    assert low > HEIGHT / 2


@pytest.mark.parametrize(
    ("high", "low", "told"),
    [
        (20_000, 10_000, [10_000, 15_000, 20_000]),
        (3_000, 2_000, [2_000, 2_500, 3_000]),
        (50_000, 20_000, [20_000, 30_000, 40_000, 50_000]),
        (90_000, 30_000, [20_000, 40_000, 60_000, 80_000]),
    ],
)
def test_the_axis_tells_a_few_round_amounts(high: int, low: int, told: list[int]) -> None:
    assert [label.cents for label in drawn(seen(0, high), seen(50, low)).amounts] == told


def test_times_are_told_evenly_apart_from_edge_to_edge() -> None:
    chart = drawn(seen(0, 10_000))
    assert [label.x for label in chart.moments] == [0, WIDTH / 4, WIDTH / 2, WIDTH * 3 / 4, WIDTH]
    assert [label.at for label in chart.moments] == [at(minute) for minute in (0, 25, 50, 75, 100)]


def test_a_mark_stands_on_its_line_with_its_label_where_there_is_room() -> None:
    early, late = seen(20, 8_000), seen(80, 9_000)
    chart = drawn(seen(0, 10_000), early, late, lows=[early, late])
    _, _, (_, [first]), _, (_, [second]), _ = corners(chart.lines["any"])
    assert [(mark.y, mark.anchor) for mark in chart.marks] == [(first, "start"), (second, "end")]


def test_lows_are_marked_where_they_began_and_not_outside() -> None:
    low, older = seen(80, 9_000), seen(-80, 8_000)
    chart = drawn(older, seen(-1, 10_000), low, lows=[low, older])
    [mark] = chart.marks
    assert (mark.x, mark.cents, mark.anchor) == (WIDTH * 0.8, 9_000, "end")


@pytest.mark.parametrize(
    "prices", [(1,), (1, 2), (9_99, 10_00), (100, 10**13), (50_000,), (123_456, 123_457), (1, 10**15)]
)
def test_all_is_within_the_drawing_whatever_it_costs(prices: tuple[int, ...]) -> None:
    chart = drawn(*(seen(minute, cents) for minute, cents in enumerate(prices)))
    found = corners(chart.lines["any"])
    heights = [numbers[-1] for word, numbers in found if word in "MV"]
    assert all(0 < height < HEIGHT for height in heights)
    assert all(0 <= amount.y <= HEIGHT and amount.cents % 100 == 0 for amount in chart.amounts)
    assert len(chart.amounts) <= 5
    assert [moment.anchor for moment in chart.moments] == ["start", "middle", "middle", "middle", "end"]


def test_a_history_of_one_moment_is_drawn() -> None:
    chart = draw([seen(0, 100)], since=at(0), until=at(0), seen_until=at(0))
    assert chart
    assert chart.moments[-1].at == at(0) + timedelta(seconds=1)
