"""`offers list`: the offers by filters."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from offers_cli.cli.figures import money, percent
from offers_cli.cli.offer_filters import (
    MinDiscountOption,
    MissingOption,
    SearchOption,
    SinceOption,
    SortOption,
    StatusOption,
    offer_filter,
)
from offers_cli.cli.options import MOST, JsonOption, QuietOption, VerboseOption, examples
from offers_cli.cli.perform import Voice, perform
from offers_cli.cli.render import Block, Note, Output, Table, is_terminal

if TYPE_CHECKING:
    from offers_cli.runtime import Runtime
    from offers_cli.services.offers import OffersReport
    from offers_cli.storage.base import StoredOffer

COLUMNS = ("id", "external id", "title", "price", "old price", "off", "link", "status", "url")
SHORT = ("external id", "title", "price", "old price", "off", "status")
"""What fits a terminal; `offers show` has the rest."""
FIGURES = frozenset({"price", "old price", "off"})


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(
        name="list",
        epilog=examples("offers list --min-discount 40 --sort -discount", "offers list --search 'fone' --json"),
    )(list_offers)


def list_offers(
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="The most offers to show.")] = 50,
    min_discount: MinDiscountOption = None,
    missing: MissingOption = None,
    since: SinceOption = None,
    search: SearchOption = None,
    status: StatusOption = None,
    sort: SortOption = "-last_seen",
    json: JsonOption = False,
    verbose: VerboseOption = 0,
    quiet: QuietOption = False,
) -> None:
    """Show the offers that match, with their prices as a person reads them."""

    def work(runtime: Runtime, output: Output) -> OffersReport:
        from offers_cli.services.offers import find_offers

        wanted = offer_filter(
            min_discount=min_discount,
            missing=missing,
            since=since,
            search=search,
            status=status,
            sort=sort,
            limit=limit,
            now=runtime.now(),
        )
        return find_offers(wanted, storage=runtime.storage)

    perform("list", Voice(json=json, verbose=verbose, quiet=quiet), work, offer_blocks)


def offer_blocks(report: OffersReport) -> Sequence[Block]:
    """The offers as a table, and how many there are."""
    if not report.offers:
        return [Note("no offers match")]
    columns = SHORT if is_terminal(sys.stdout) else COLUMNS
    rows = [[_cells(offer)[column] for column in columns] for offer in report.offers]
    table = Table(title="Offers", columns=columns, rows=rows, right=FIGURES, cut=frozenset({"title"}))
    return [table, Note(f"{len(rows)} of {report.total} offers")]


def _cells(offer: StoredOffer) -> dict[str, object]:
    return {
        "id": offer.id,
        "external id": offer.external_id,
        "title": offer.title,
        "price": money(offer.price_cents, offer.currency),
        "old price": money(offer.old_price_cents, offer.currency),
        "off": percent(offer.discount_pct),
        "link": offer.affiliate_link,
        "status": offer.status,
        "url": offer.url,
    }
