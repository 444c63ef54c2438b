"""`offers list` and `offers show`: the offers by filters, and one of them with where each value came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from offers_cli.cli.command import command
from offers_cli.cli.completion import complete_offer, complete_sort
from offers_cli.cli.formatting import format_money, format_percent, format_time
from offers_cli.cli.options import MOST, parse_since
from offers_cli.cli.render import Block, Note, Table
from offers_cli.storage.base import Missing, OfferFilter

if TYPE_CHECKING:
    from offers_cli.demo.run import DemoReport
    from offers_cli.runtime import Runtime
    from offers_cli.services.offers import OffersReport, ShowReport

OfferArgument = Annotated[
    str,
    typer.Argument(
        metavar="ID",
        help="The offer's id or its beginning, the marketplace's id, a catalogue or user-product id, or a link.",
        autocompletion=complete_offer,
    ),
]


class Status(StrEnum):
    """What an offer can be."""

    ACTIVE = "active"
    GONE = "gone"


@dataclass(frozen=True, kw_only=True)
class FilterOptions:
    """The options by which `offers list` and `offers export` choose offers."""

    min_discount: Annotated[
        int | None, typer.Option("--min-discount", min=0, max=100, metavar="PCT", help="At least this discount.")
    ] = None
    missing: Annotated[
        list[Missing] | None, typer.Option("--missing", help="Only offers that lack this; may be given more than once.")
    ] = None
    since: Annotated[
        str | None, typer.Option("--since", metavar="WHEN", help="Seen since: 7d, or an ISO date or time (UTC).")
    ] = None
    search: Annotated[
        str | None, typer.Option("--search", metavar="WORDS", help="Words that all occur in the title.")
    ] = None
    status: Annotated[Status | None, typer.Option("--status", help="Only offers that are active, or gone.")] = None
    sort: Annotated[
        str,
        typer.Option(
            "--sort",
            metavar="ORDER",
            help="last_seen, first_seen, discount, price or title; a leading - reverses.",
            autocompletion=complete_sort,
        ),
    ] = "-last_seen"

    def filter(self, *, limit: int | None, now: datetime) -> OfferFilter:
        """The filter that these options mean; raises `UsageError` for a time or an order that cannot be read."""
        from offers_cli.services.offers import check_sort

        return OfferFilter(
            min_discount=self.min_discount,
            missing=frozenset(self.missing or ()),
            since=parse_since(self.since, "--since", now=now),
            search=self.search,
            status=self.status.value if self.status else None,
            sort=check_sort(self.sort),
            limit=limit,
        )


def offer_blocks(report: OffersReport | DemoReport) -> Sequence[Block]:
    """The offers as a table, and how many there are."""
    if not report.offers:
        return [Note("no offers match")]
    rows = [
        (
            offer.id,
            offer.external_id,
            offer.title,
            format_money(offer.price_cents, offer.currency),
            format_money(offer.old_price_cents, offer.currency),
            format_percent(offer.discount_pct),
            offer.affiliate_link,
            offer.status,
            offer.url,
        )
        for offer in report.offers
    ]
    columns = ("id", "external id", "title", "price", "old price", "off", "link", "status", "url")
    short = ("external id", "title", "price", "old price", "off", "status")
    table = Table("Offers", columns, rows, right=("price", "old price", "off"), cut=("title",), short=short)
    return [table, Note(f"{len(report.offers)} of {report.total} offers")]


@command(
    "list",
    report="offers_cli.services.offers:OffersReport",
    blocks=offer_blocks,
    examples=("offers list --min-discount 40 --sort -discount", "offers list --search 'fone' --json"),
)
def list_offers(
    *,
    runtime: Runtime,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="The most offers to show.")] = 50,
    wanted: FilterOptions,
) -> OffersReport:
    """Show the offers that match, with their prices as a person reads them."""
    from offers_cli.services.offers import find_offers

    return find_offers(wanted.filter(limit=limit, now=runtime.now()), storage=runtime.storage)


def show_blocks(report: ShowReport) -> Sequence[Block]:
    """One row a column; prices as a person reads them. Of several offers of that name a row each."""
    offer = report.offer
    if offer is None:
        from offers_cli.services.offers import OffersReport

        return offer_blocks(OffersReport(offers=report.candidates, total=len(report.candidates)))
    rows = [
        (
            field.name.removesuffix("_cents").replace("_", " "),
            _shown(field.name, getattr(offer, field.name), offer.currency),
            report.origins.get(field.name),
        )
        for field in fields(offer)
        if field.name != "strategies"
    ]
    return [Table(offer.title, ("column", "value", "from"), rows)]


def _shown(name: str, value: Any, currency: str) -> str:
    if isinstance(value, datetime):
        return format_time(value)
    if name.endswith("_cents"):
        return format_money(value, currency)
    return format_percent(value) if name.endswith("_pct") else "" if value is None else str(value)


@command(
    "show",
    report="offers_cli.services.offers:ShowReport",
    blocks=show_blocks,
    examples=("offers show MLB4241772593", "offers show MLB4241772593 --json | jq .data.offer.price_cents"),
)
def show(*, runtime: Runtime, offer_id: OfferArgument) -> ShowReport:
    """Show one offer: every column and its source (a listing, or the product page and by which strategy)."""
    from offers_cli.services.offers import show

    return show(offer_id, storage=runtime.storage, marketplaces=runtime.marketplaces)
