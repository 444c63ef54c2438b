"""`offers history`: an offer's prices over time, as a plot of braille dots that plotille draws."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated

import typer

from offers_cli.cli.command import command
from offers_cli.cli.formatting import by_payment, format_condition, format_money, format_price, format_time
from offers_cli.cli.offers import OfferArgument
from offers_cli.cli.render import Block, Line, Plot, Table
from offers_cli.offer import PriceCondition

if TYPE_CHECKING:
    from offers_cli.runtime import Runtime
    from offers_cli.services.offers import HistoryReport
    from offers_cli.storage.base import PricePoint

HEIGHT = 10
LEAST_WIDTH = 20
SHOWN_CHANGES = 5
"""Changes of condition, the latest ones."""


def history_blocks(report: HistoryReport) -> Sequence[Block]:
    """A plot for a person, every observed price for a pipe, and what they mean."""
    currency = report.offer.currency
    rows = [
        (
            point.observed_at,
            format_money(point.price_cents, currency),
            format_condition(point.price_condition),
            format_money(point.card_price_cents, currency),
            format_money(point.old_price_cents, currency),
            point.source,
        )
        for point in report.points
    ]
    columns = ("observed", "price", "by", "by card", "old price", "source")
    table = Table("Prices", columns, rows, right=("price", "by card", "old price"))
    plot = [Plot(lambda width: _draw(report, width), table)] if report.points else []
    return [Line(report.offer.title, verbatim=True), *plot, *(Line(text) for text in findings(report))]


@command(
    "history",
    report="offers_cli.services.offers:HistoryReport",
    blocks=history_blocks,
    examples=("offers history MLB4241772593", "offers history MLB4241772593 --days 30 --json"),
)
def history(
    *,
    runtime: Runtime,
    offer_id: OfferArgument,
    days: Annotated[int, typer.Option(min=1, max=3650, help="Days to plot and to judge, up to today.")] = 90,
) -> HistoryReport:
    """Show an offer's prices over time, the lowest, and whether the advertised old price was ever charged."""
    from offers_cli.services.offers import history

    return history(offer_id, days=days, storage=runtime.storage, marketplaces=runtime.marketplaces, now=runtime.now())


def findings(report: HistoryReport) -> list[str]:
    """What the prices mean, in sentences."""
    if not report.points:
        return ["no price was observed yet"]
    return [
        *_lows(report),
        *(_low_otherwise(point, report.offer.currency) for point in report.lowest_otherwise),
        *_changes(report.points)[-SHOWN_CHANGES:],
        _old_price(report),
    ]


def _lows(report: HistoryReport) -> list[str]:
    """Today's price beside the lowest of the same condition."""
    offer, low, low_in_days = report.offer, report.lowest, report.lowest_in_days
    price = format_price(offer.price_cents, offer.currency, offer.price_condition, offer.card_price_cents)
    if low is None:
        return [f"now {price}; no price of that condition was observed yet"]
    above, by = report.above_lowest_cents or 0, by_payment(offer.price_condition)
    place = (
        f"{format_money(above, offer.currency)} above the lowest ever{by}" if above > 0 else "the lowest ever seen" + by
    )
    sentences = [
        f"now {price}, {place}",
        f"lowest ever {format_money(low.price_cents, offer.currency)}{by}, last begun {format_time(low.observed_at)}",
    ]
    if low_in_days:
        lowest = format_money(low_in_days.price_cents, offer.currency)
        sentences.append(f"lowest in {report.days} days {lowest}{by}")
    return sentences


def _low_otherwise(point: PricePoint, currency: str) -> str:
    price = format_money(point.price_cents, currency)
    return f"not comparable: {price} {_condition_in_words(point.price_condition)}, {format_time(point.observed_at)}"


def _condition_in_words(condition: PriceCondition | None) -> str:
    if condition is None:
        return "by a payment that is not known"
    return by_payment(condition).strip() or "by any payment"


def _changes(points: Sequence[PricePoint]) -> list[str]:
    """When the condition of the price became another one."""
    return [
        f"since {format_time(after.observed_at)} {_condition_in_words(after.price_condition)}, "
        f"before {_condition_in_words(before.price_condition)}"
        for before, after in pairwise(points)
        if after.price_condition != before.price_condition
    ]


def _old_price(report: HistoryReport) -> str:
    old, currency, by = report.old_price, report.offer.currency, by_payment(report.offer.price_condition)
    advertised = format_money(old.advertised_cents, currency)
    highest = format_money(old.highest_price_cents, currency)
    watched = {0: "less than a day", 1: "1 day"}.get(old.watched_days, f"{old.watched_days} days")
    return {
        "not_advertised": "old price: none is advertised",
        "card_price": f"old price {advertised}: what a card pays today, no former price",
        "charged": f"old price {advertised}: really charged{by}, last from {format_time(old.seen_at)}",
        "more_charged": f"old price {advertised}: not charged{by} as such, but more was: {highest}",
        "not_seen": f"old price {advertised}: never charged{by} while watched ({watched}), at most {highest}"
        if highest
        else f"old price {advertised}: no price of that condition was observed yet",
    }[old.verdict]


def _draw(report: HistoryReport, width: int) -> str:
    from offers_cli.services.offers import in_force_since

    start = report.now - timedelta(days=report.days)
    points = in_force_since(start, report.points)
    since = max(start, points[0].observed_at)
    currency = report.offer.currency
    if len({point.price_cents for point in points}) == 1:  # a flat line on an axis of its own says less
        return f"{format_money(points[0].price_cents, currency)} since {format_time(since)}, no other price was seen"
    return draw_prices(points, since=since, until=report.now, currency=currency, width=width)


def draw_prices(points: Sequence[PricePoint], *, since: datetime, until: datetime, currency: str, width: int) -> str:
    """Draw prices from `since` to `until` as steps: each holds until the next was observed.

    The lowest, the highest and the last price stand beside the rows in which they are drawn; the last one is drawn
    however short a time it has held.

    Args:
        points: the prices in force, oldest first; at least two different ones.
        width: of the terminal; the plot with its labels fits into it.
    """
    import plotille

    prices = [point.price_cents for point in points]
    low, high = min(prices), max(prices)
    row_cents = (high - low) / (HEIGHT - 1)  # each extreme is the middle of its row
    labels = {round((cents - low) / row_cents): format_money(cents, currency) for cents in (prices[-1], low, high)}
    margin = max(map(len, labels.values()))
    columns = max(LEAST_WIDTH, width - margin - len(" ┤ "))
    end = until + max((until - since) / columns, timedelta(seconds=1))
    canvas = plotille.Canvas(
        columns,
        HEIGHT,
        xmin=since.timestamp(),
        xmax=end.timestamp(),
        ymin=low - row_cents / 2,
        ymax=high + row_cents / 2,
    )
    corners = list(zip(*steps(points, since=since, until=end), strict=True))
    for (begin, before), (then, after) in pairwise(corners):
        canvas.line(begin.timestamp(), before, then.timestamp(), after)
    rows = enumerate(reversed(canvas.plot().splitlines()))
    lines = [f"{labels.get(row, ''):>{margin}} {'┤' if row in labels else '│'} {drawn}" for row, drawn in rows]
    dates = _dates(since, until, columns)
    axis = [f"{'':{margin}} └{'─' * (columns + 1)}", f"{'':{margin}}   {dates}"]
    return "\n".join(line.rstrip(" \N{BRAILLE PATTERN BLANK}") for line in [*reversed(lines), *axis])


def _dates(since: datetime, until: datetime, columns: int) -> str:
    """The first day and today under the ends of an axis; the times too, where both are the same."""
    days = [f"{moment.astimezone():%Y-%m-%d}" for moment in (since, until)]
    first, last = days if days[0] != days[1] else [f"{moment.astimezone():%H:%M}" for moment in (since, until)]
    return first + last.rjust(columns - len(first))


def steps(points: Sequence[PricePoint], *, since: datetime, until: datetime) -> tuple[list[datetime], list[int]]:
    """The corners of the steps between two times."""
    times: list[datetime] = []
    prices: list[int] = []
    ends = [*(point.observed_at for point in points[1:]), until]
    for point, end in zip(points, ends, strict=True):
        times += [max(point.observed_at, since), max(end, since)]
        prices += [point.price_cents, point.price_cents]
    return times, prices
