"""`offers show`: one offer and where each value came from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from offers_cli.cli.completion import complete_offer
from offers_cli.cli.figures import moment, money, percent
from offers_cli.cli.options import JsonOption, QuietOption, VerboseOption, examples
from offers_cli.cli.perform import Voice, perform
from offers_cli.cli.render import Block, Output, Table

if TYPE_CHECKING:
    from offers_cli.runtime import Runtime
    from offers_cli.services.offers import ShowReport

OfferArgument = Annotated[
    str,
    typer.Argument(metavar="ID", help="The offer's id, or the marketplace's id of it.", autocompletion=complete_offer),
]


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(
        name="show",
        epilog=examples("offers show MLB4241772593", "offers show MLB4241772593 --json | jq .data.offer.price_cents"),
    )(show)


def show(
    offer_id: OfferArgument,
    json: JsonOption = False,
    verbose: VerboseOption = 0,
    quiet: QuietOption = False,
) -> None:
    """Show one offer: every column, and who told it (a listing, or the product page and by which strategy)."""

    def work(runtime: Runtime, output: Output) -> ShowReport:
        from offers_cli.services import offers as service

        return service.show(offer_id, storage=runtime.storage)

    perform("show", Voice(json=json, verbose=verbose, quiet=quiet), work, show_blocks)


def show_blocks(report: ShowReport) -> Sequence[Block]:
    """One row a column; prices as a person reads them."""
    from dataclasses import fields

    offer = report.offer
    rows = [
        (
            field.name.removesuffix("_cents").replace("_", " "),
            _shown(field.name, getattr(offer, field.name), offer.currency),
            report.origins.get(field.name),
        )
        for field in fields(offer)
        if field.name != "strategies"
    ]
    return [Table(title=offer.title, columns=("column", "value", "from"), rows=rows)]


def _shown(name: str, value: Any, currency: str) -> str:
    if isinstance(value, datetime):
        return moment(value)
    if name.endswith("_cents"):
        return money(value, currency)
    return percent(value) if name.endswith("_pct") else "" if value is None else str(value)
