"""`offers list`: the offers by filters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from offers_cli.cli.options import JsonOption, QuietOption, VerboseOption, examples, parse_since
from offers_cli.cli.perform import Voice, perform
from offers_cli.cli.render import Block, Line, Output, Table
from offers_cli.storage.base import Missing

if TYPE_CHECKING:
    from offers_cli.runtime import Runtime
    from offers_cli.services.find_offers import OffersReport
    from offers_cli.storage.base import StoredOffer

COLUMNS = ("id", "title", "price", "old price", "off", "link", "status", "url")


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(
        name="list",
        epilog=examples("offers list --min-discount 40 --sort -discount", "offers list --search 'fone' --json"),
    )(list_offers)


def list_offers(
    limit: Annotated[int, typer.Option(min=1, help="The most offers to show.")] = 50,
    min_discount: Annotated[
        int | None, typer.Option(min=0, max=100, metavar="PCT", help="At least this discount.")
    ] = None,
    missing: Annotated[list[Missing] | None, typer.Option(help="Only offers that lack this.")] = None,
    since: Annotated[str | None, typer.Option(metavar="WHEN", help="Seen since: 7d, or an ISO date.")] = None,
    search: Annotated[str | None, typer.Option(metavar="WORDS", help="Words that stand in the title.")] = None,
    sort: Annotated[
        str, typer.Option(help="last_seen, first_seen, discount, price or title; a leading - reverses.")
    ] = "-last_seen",
    json: JsonOption = False,
    verbose: VerboseOption = 0,
    quiet: QuietOption = False,
) -> None:
    """Show the offers that match, with their prices as a person reads them."""

    def work(runtime: Runtime, output: Output) -> OffersReport:
        from offers_cli.services.find_offers import check_sort, find_offers
        from offers_cli.storage.base import OfferFilter

        wanted = OfferFilter(
            min_discount=min_discount,
            missing=frozenset(missing or ()),
            since=parse_since(since, "--since", now=runtime.now()),
            search=search,
            sort=check_sort(sort),
            limit=limit,
        )
        return find_offers(wanted, storage=runtime.storage)

    perform("list", Voice(json=json, verbose=verbose, quiet=quiet), work, offer_blocks)


def offer_blocks(report: OffersReport) -> Sequence[Block]:
    """The offers as a table, and how many there are."""
    rows = [_row(offer) for offer in report.offers]
    table = Table(title="Offers", columns=COLUMNS, rows=rows, right=frozenset({"price", "old price", "off"}))
    return [table, Line(f"{len(rows)} of {report.total} offers")] if rows else [Line("no offers match")]


def _row(offer: StoredOffer) -> list[object]:
    from offers_cli.money import format_cents

    def money(cents: int | None) -> str:
        return "" if cents is None else format_cents(cents, offer.currency)

    off = "" if offer.discount_pct is None else f"{offer.discount_pct}%"
    return [
        offer.id,
        offer.title,
        money(offer.price_cents),
        money(offer.old_price_cents),
        off,
        offer.affiliate_link,
        offer.status,
        offer.url,
    ]
