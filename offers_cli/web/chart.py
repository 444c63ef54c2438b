"""An offer's prices over time as shapes: points in, the geometry of an SVG drawing out; its texts are the page's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal, NamedTuple

from offers_cli.offer import PriceCondition
from offers_cli.storage.base import PricePoint

WIDTH, HEIGHT = 640, 260
TOP, BOTTOM = 20, 30
"""Room for the label of the highest price, and for the dates."""
AMOUNTS, MOMENTS = 4, 4
"""Labels on the axes, about."""
LEAST_SPAN = 0.1
"""Of the highest price: one that hardly moves is drawn so."""

Kind = Literal["any", "pix", "credit_line", "unknown", "card"]
KINDS: dict[PriceCondition | None, Kind] = {
    PriceCondition.ANY: "any",
    PriceCondition.PIX: "pix",
    PriceCondition.CREDIT_LINE: "credit_line",
    None: "unknown",
}


class HeldPrice(NamedTuple):
    """A price that held for a time, in hundredths."""

    kind: Kind
    began_at: datetime
    ended_at: datetime
    cents: int


class Gap(NamedTuple):
    """A time in which no price is known."""

    x: float
    width: float


class PriceLabel(NamedTuple):
    """A price on the axis, in hundredths."""

    y: float
    cents: int


class DateLabel(NamedTuple):
    """A time on the axis, and which part of its label stands there."""

    x: float
    at: datetime
    anchor: Literal["start", "middle", "end"]


class Mark(NamedTuple):
    """A price that is pointed out where it began, and the side on which its label has room."""

    x: float
    y: float
    cents: int
    anchor: Literal["start", "end"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """The shapes, in units of `WIDTH` by `HEIGHT`.

    Attributes:
        lines: by who gets the price, its steps as the data of an SVG path.
        gaps: where no price is known: before the first one, and after the last sight.
        amounts, moments: where the axes are labelled.
    """

    lines: dict[Kind, str]
    gaps: tuple[Gap, ...]
    amounts: tuple[PriceLabel, ...]
    moments: tuple[DateLabel, ...]
    marks: tuple[Mark, ...]


def draw(
    points: Sequence[PricePoint],
    *,
    since: datetime,
    until: datetime,
    seen_until: datetime,
    lows: Sequence[PricePoint] = (),
) -> Chart | None:
    """Draw the prices between two times, each as a step that holds until the next was observed.

    Prices of different payments are lines of their own, and nothing leads from one to the other: they do not compare.

    Args:
        points: oldest first.
        seen_until: when the last price was last confirmed; nobody knows what held after.
        lows: points to be marked, those of them that were observed between the two times.

    Returns:
        None where no price is known between the two times.
    """
    until = max(until, since + timedelta(seconds=1))
    shown = [
        spell._replace(began_at=max(spell.began_at, since), ended_at=min(spell.ended_at, until))
        for spell in spells(points, seen_until=seen_until)
        if spell.began_at <= until and spell.ended_at >= since
    ]
    if not shown:
        return None
    low, high = _bounds([spell.cents for spell in shown])

    def x_of(moment: datetime) -> float:
        return round(WIDTH * ((moment - since) / (until - since)), 1)

    def y_of(cents: float) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (high - cents) / (high - low), 1)

    first = x_of(min(spell.began_at for spell in shown))
    last = x_of(max(spell.ended_at for spell in shown))
    paths = {kind: _path([each for each in shown if each.kind == kind], x_of, y_of) for kind in _KINDS_IN_ORDER}
    return Chart(
        lines={kind: path for kind, path in paths.items() if path},
        gaps=tuple(gap for gap in (Gap(0, first), Gap(last, round(WIDTH - last, 1))) if gap.width >= 1),
        amounts=tuple(PriceLabel(y_of(cents), cents) for cents in _amounts(low, high)),
        moments=tuple(_moments(since, until)),
        marks=tuple(
            Mark(x, y_of(point.price_cents), point.price_cents, "start" if x < WIDTH / 2 else "end")
            for point in lows
            if since <= point.observed_at <= until
            for x in [x_of(point.observed_at)]
        ),
    )


_KINDS_IN_ORDER: tuple[Kind, ...] = ("card", *KINDS.values())
"""What is drawn later lies above."""


def spells(points: Sequence[PricePoint], *, seen_until: datetime) -> list[HeldPrice]:
    """For how long each price held, and what a card paid meanwhile where that was another price."""
    found: list[HeldPrice] = []
    ends = [after.observed_at for _, after in pairwise(points)]
    ends += [max(seen_until, point.observed_at) for point in points[-1:]]
    for point, end in zip(points, ends, strict=True):
        found.append(HeldPrice(KINDS[point.price_condition], point.observed_at, end, point.price_cents))
        if point.card_price_cents is not None:
            found.append(HeldPrice("card", point.observed_at, end, point.card_price_cents))
    return found


def _bounds(prices: Sequence[int]) -> tuple[float, float]:
    """The lowest and the highest price of the drawing, with some air: below, for the label of a low."""
    low, high = min(prices), max(prices)
    air = max(high - low, high * LEAST_SPAN) * 0.1
    missing = max(0.0, high * LEAST_SPAN - (high - low)) / 2
    return max(0.0, low - missing - 2 * air), high + missing + air


def _path(spells: Sequence[HeldPrice], x_of: Callable[[datetime], float], y_of: Callable[[float], float]) -> str:
    """The steps of one line; where one does not begin as the one before ends, the pen is lifted."""
    steps: list[str] = []
    before: HeldPrice | None = None
    for spell in spells:
        y = f"{y_of(spell.cents):g}"
        steps.append(f"V{y}" if before and before.ended_at == spell.began_at else f"M{x_of(spell.began_at):g} {y}")
        steps.append(f"H{x_of(spell.ended_at):g}")
        before = spell
    return "".join(steps)


def _amounts(low: float, high: float) -> list[int]:
    """Round prices between the two, evenly apart: whole units of money, for nobody pays by tenths of a cent."""
    step = next(
        step
        for power in range(2, 20)
        for step in (10**power, 2 * 10**power, 5 * 10**power)
        if (high - low) / step <= AMOUNTS
    )
    return list(range(-int(-low // step) * step, int(high) + 1, step))


def _moments(since: datetime, until: datetime) -> list[DateLabel]:
    """Evenly apart, the first and the last at the edges."""
    anchors: dict[int, Literal["start", "end"]] = {0: "start", MOMENTS: "end"}
    return [
        DateLabel(round(WIDTH * i / MOMENTS, 1), since + (until - since) * i / MOMENTS, anchors.get(i, "middle"))
        for i in range(MOMENTS + 1)
    ]
