"""`offers explain`: what one page says, by which strategy, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from offers_cli.cli.completion import complete_offer
from offers_cli.cli.options import IgnoreRobotsOption, JsonOption, QuietOption, VerboseOption, examples
from offers_cli.cli.perform import Voice, perform
from offers_cli.cli.render import Block, Line, Output, Table
from offers_cli.marketplaces.base import ListingReading, ProductReading, Value

if TYPE_CHECKING:
    from offers_cli.runtime import Runtime
    from offers_cli.services.explain import ExplainReport


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(
        name="explain",
        epilog=examples(
            "offers explain https://www.mercadolivre.com.br/p/MLB19120023",
            "offers explain page.html --url https://produto.mercadolivre.com.br/MLB-123456789 --json",
        ),
    )(explain)


def explain(
    target: Annotated[
        str,
        typer.Argument(
            metavar="URL|ID|FILE", help="An address, an offer's id or a saved page.", autocompletion=complete_offer
        ),
    ],
    url: Annotated[str | None, typer.Option(help="The address of a saved page that does not tell its own.")] = None,
    ignore_robots: IgnoreRobotsOption = False,
    json: JsonOption = False,
    verbose: VerboseOption = 0,
    quiet: QuietOption = False,
) -> None:
    """Read one page and show every candidate for each field, which won, and why."""

    def work(runtime: Runtime, output: Output) -> ExplainReport:
        from offers_cli.services import explain as service

        runtime.ignore_robots |= ignore_robots
        return service.explain(
            target, url=url, pages=runtime.pages, storage=runtime.later.storage, snapshots=runtime.snapshots
        )

    perform("explain", Voice(json=json, verbose=verbose, quiet=quiet), work, explain_blocks, log_level=-1)


def explain_blocks(report: ExplainReport) -> Sequence[Block]:
    """A product's candidates field by field, or a listing's cards."""
    reading = report.reading
    if isinstance(reading, ProductReading):
        return _product_blocks(reading)
    if isinstance(reading, ListingReading):
        return _listing_blocks(reading)
    return []


def _product_blocks(product: ProductReading) -> list[Block]:
    rows = []
    for name, found in product.candidates.items():
        winner = product.winners.get(name)
        for candidate in found:
            verdict = (
                "won"
                if candidate.strategy == winner
                else candidate.note or ("agrees" if candidate.value == getattr(product, name, None) else "")
            )
            rows.append(
                (name, candidate.strategy, candidate.raw, _value(name, candidate.value, product.currency), verdict)
            )
            winner = None if candidate.strategy == winner else winner
    head = f"product {product.external_id or '?'} of {product.marketplace}, {product.currency}: {product.url}"
    columns = ("field", "strategy", "on the page", "value", "verdict")
    flags = [Line("doubts: " + ", ".join(product.flags))] if product.flags else []
    return [Line(head), Table(title="Candidates", columns=columns, rows=rows), *flags]


def _listing_blocks(listing: ListingReading) -> list[Block]:
    rows = [
        (
            offer.external_id,
            offer.title,
            _value("price_cents", offer.price_cents, listing.currency),
            _value("old_price_cents", offer.old_price_cents, listing.currency),
            "" if offer.discount_pct is None else f"{offer.discount_pct}%",
            offer.url,
        )
        for offer in listing.offers
    ]
    columns = ("id", "title", "price", "old price", "off", "url")
    head = f"listing of {listing.marketplace}, {len(rows)} cards read from {listing.strategy}: {listing.url}"
    left_out = [Line(f"card {position} left out: {reason}") for position, reason in listing.unreadable]
    table = Table(title="Cards", columns=columns, rows=rows, right=frozenset({"price", "old price", "off"}))
    return [Line(head), table, *left_out, Line(f"next page: {listing.next_page or 'none'}")]


def _value(name: str, value: Value, currency: str) -> str:
    from offers_cli.money import format_cents

    if value is None:
        return ""
    return format_cents(value, currency) if name.endswith("_cents") and isinstance(value, int) else str(value)
