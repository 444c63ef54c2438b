"""`offers history`: an offer's prices over time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from offers_cli.cli.figures import moment, money
from offers_cli.cli.options import JsonOption, QuietOption, VerboseOption, examples
from offers_cli.cli.perform import Voice, perform
from offers_cli.cli.render import Block, Line, Output, Plot, Table
from offers_cli.cli.show import OfferArgument

if TYPE_CHECKING:
    from offers_cli.runtime import Runtime
    from offers_cli.services.offers import HistoryReport

MONEY = frozenset({"price", "old price"})


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(
        name="history",
        epilog=examples("offers history MLB4241772593", "offers history MLB4241772593 --days 30 --json"),
    )(history)


def history(
    offer_id: OfferArgument,
    days: Annotated[int, typer.Option(min=1, max=3650, help="The last days to plot and to judge.")] = 90,
    json: JsonOption = False,
    verbose: VerboseOption = 0,
    quiet: QuietOption = False,
) -> None:
    """Show an offer's prices over time, the lowest, and whether the advertised old price was ever charged."""

    def work(runtime: Runtime, output: Output) -> HistoryReport:
        from offers_cli.services import offers as service

        return service.history(offer_id, days=days, storage=runtime.storage, now=runtime.now())

    perform("history", Voice(json=json, verbose=verbose, quiet=quiet), work, history_blocks)


def history_blocks(report: HistoryReport) -> Sequence[Block]:
    """A plot for a person, every observed price for a pipe, and what they mean."""
    currency = report.offer.currency
    rows = [
        (moment(p.observed_at), money(p.price_cents, currency), money(p.old_price_cents, currency), p.source)
        for p in report.points
    ]
    table = Table(title="Prices", columns=("observed", "price", "old price", "source"), rows=rows, right=MONEY)
    plot = [Plot(lambda width: _draw(report, width), table)] if rows else []
    return [Line(report.offer.title), *plot, *(Line(text) for text in verdicts(report))]


def _draw(report: HistoryReport, width: int) -> str:
    from offers_cli.cli.price_plot import draw_prices
    from offers_cli.services.offers import in_force_since

    start = report.now - timedelta(days=report.days)
    points = in_force_since(start, report.points)
    return draw_prices(
        points,
        since=max(start, points[0].observed_at),
        until=report.now,
        currency=report.offer.currency,
        width=width,
    )


def verdicts(report: HistoryReport) -> list[str]:
    """What the prices mean, in sentences."""
    if not report.lowest or not report.lowest_in_days:
        return ["no price was observed yet"]
    currency, low = report.offer.currency, report.lowest
    price = money(report.offer.price_cents, currency)
    above = report.above_lowest_cents or 0
    now = (
        f"now {price}, {money(above, currency)} above the lowest ever"
        if above > 0
        else f"now {price}, the lowest ever seen"
    )
    return [
        now,
        f"lowest ever {money(low.price_cents, currency)}, {moment(low.observed_at)}",
        f"lowest in {report.days} days {money(report.lowest_in_days.price_cents, currency)}",
        _judgement(report),
    ]


def _judgement(report: HistoryReport) -> str:
    old, currency = report.old_price, report.offer.currency
    advertised = money(old.advertised_cents, currency)
    highest = money(old.highest_price_cents, currency)
    watched = "less than a day" if old.watched_days == 0 else f"{old.watched_days} days"
    return {
        "not_advertised": "old price: none is advertised",
        "charged": f"old price {advertised}: really charged, from {moment(old.seen_at)}",
        "more_charged": f"old price {advertised}: not seen, but more was charged: {highest}",
        "not_seen": f"old price {advertised}: never seen in {watched}, at most {highest}",
    }[old.verdict]
