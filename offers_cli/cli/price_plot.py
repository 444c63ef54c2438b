"""An offer's prices as a plot of braille dots; plotille draws it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from offers_cli.cli.figures import money
from offers_cli.storage.base import PricePoint

HEIGHT = 10
LEAST_WIDTH = 20


def draw_prices(points: Sequence[PricePoint], *, since: datetime, until: datetime, currency: str, width: int) -> str:
    """Draw prices from `since` to `until` as steps: each holds until the next was observed.

    Args:
        points: the prices in force, oldest first; at least one.
        width: of the terminal; the plot with its labels fits into it.
    """
    import plotille

    times, prices = steps(points, since=since, until=until)
    labels = [money(cents, currency) for cents in (min(prices), max(prices))]
    margin = max(map(len, labels)) // 10 + 1  # a tick between two prices may need one more digit
    label_width = max(map(len, labels)) + margin
    figure = plotille.Figure()
    figure.with_colors = False
    figure.width, figure.height = max(LEAST_WIDTH, width - label_width - len(" | ") - len("-> ")), HEIGHT
    figure.x_label = figure.y_label = ""
    figure.set_x_limits(min_=times[0], max_=times[-1])
    figure.set_y_limits(min_=min(prices) * 0.98, max_=max(prices) * 1.02)
    figure.y_ticks_fkt = lambda cents, _: money(round(cents), currency).rjust(label_width)
    figure.x_ticks_fkt = lambda time, _: f"{time:%d %b}"
    figure.plot(times, prices)
    drawn = figure.show().splitlines()[1:]  # the first line names the axis
    return "\n".join(line.removesuffix("-> ()").rstrip(" \N{BRAILLE PATTERN BLANK}") for line in drawn)


def steps(points: Sequence[PricePoint], *, since: datetime, until: datetime) -> tuple[list[datetime], list[int]]:
    """The corners of the steps between two times."""
    times: list[datetime] = []
    prices: list[int] = []
    ends = [*(point.observed_at for point in points[1:]), until]
    for point, end in zip(points, ends, strict=True):
        times += [max(point.observed_at, since), max(end, since)]
        prices += [point.price_cents, point.price_cents]
    return times, prices
