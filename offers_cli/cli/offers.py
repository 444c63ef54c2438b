"""`offers list` and `offers show`: the offers by filters, and one of them with where each value came from."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from offers_cli.cli.command import command
from offers_cli.cli.completion import complete_offer, complete_sort
from offers_cli.cli.formatting import (
    format_condition,
    format_discount,
    format_facts,
    format_money,
    format_name,
    format_value,
)
from offers_cli.cli.options import MOST, parse_amount, parse_rating, parse_since
from offers_cli.cli.render import Block, Line, Note, Table, is_terminal
from offers_cli.offer import PriceCondition
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
        str | None,
        typer.Option("--since", metavar="WHEN", help="Seen since: 7d, or a date or time: 2026-01-31, 31/01/2026."),
    ] = None
    search: Annotated[
        str | None, typer.Option("--search", metavar="WORDS", help="Words that all occur in the title.")
    ] = None
    status: Annotated[Status | None, typer.Option("--status", help="Only offers that are active, or gone.")] = None
    condition: Annotated[
        PriceCondition | None,
        typer.Option("--condition", help="Only prices for any payment, by Pix alone, or on the shop's credit alone."),
    ] = None
    max_price: Annotated[
        str | None, typer.Option("--max-price", metavar="PRICE", help="At most this price: 200, or 199,90.")
    ] = None
    free_shipping: Annotated[bool, typer.Option("--free-shipping", help="Only offers with free shipping.")] = False
    min_rating: Annotated[
        str | None, typer.Option("--min-rating", metavar="STARS", help="At least this rating, such as 4.5.")
    ] = None
    official: Annotated[bool, typer.Option("--official", help="Only offers of official stores.")] = False
    coupon: Annotated[bool, typer.Option("--coupon", help="Only offers with a coupon.")] = False
    min_commission: Annotated[
        int | None, typer.Option("--min-commission", min=0, max=100, metavar="PCT", help="At least this commission.")
    ] = None
    sort: Annotated[
        str,
        typer.Option(
            "--sort",
            metavar="ORDER",
            help="last_seen, first_seen, discount, price, title, commission, rating, reviews or sold; a leading - "
            "reverses. Offers without the value come last.",
            autocompletion=complete_sort,
        ),
    ] = "-last_seen"

    def filter(self, *, limit: int | None, now: datetime) -> OfferFilter:
        """The filter that these options mean; raises `UsageError` for one that cannot be read."""
        from offers_cli.services.offers import check_sort

        return OfferFilter(
            min_discount=self.min_discount,
            missing=frozenset(self.missing or ()),
            since=parse_since(self.since, "--since", now=now),
            search=self.search,
            status=self.status.value if self.status else None,
            condition=self.condition,
            max_price_cents=parse_amount(self.max_price, "--max-price"),
            free_shipping=self.free_shipping,
            min_rating_hundredths=parse_rating(self.min_rating, "--min-rating"),
            official_store=self.official,
            coupon=self.coupon,
            min_commission=self.min_commission,
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
            format_condition(offer.price_condition),
            format_money(offer.card_price_cents, offer.currency),
            format_money(offer.old_price_cents, offer.currency),
            format_discount(offer.discount_pct, offer.discount_kind, offer.price_condition),
            format_facts(offer.facts, offer.currency),
            offer.affiliate_link,
            offer.status,
            offer.url,
        )
        for offer in report.offers
    ]
    columns = (
        "id",
        "external id",
        "title",
        "price",
        "by",
        "by card",
        "old price",
        "off",
        "facts",
        "link",
        "status",
        "url",
    )
    short = ("external id", "title", "price", "by", "old price", "off", "status")
    right = ("price", "by card", "old price", "off")
    table = Table("Offers", columns, rows, right=right, cut=("title",), short=short)
    return [table, Note(f"{len(report.offers)} of {report.total} offers")]


@command(
    "list",
    report="offers_cli.services.offers:OffersReport",
    blocks=offer_blocks,
    examples=(
        "offers list --min-discount 40 --sort -discount",
        "offers list --condition any --max-price 199,90 --free-shipping --min-rating 4.5",
        "offers list --search 'fone' --json",
    ),
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


COLUMNS = ("column", "value", "from")
GROUPS = {
    "price": (
        "price_cents",
        "price_condition",
        "card_price_cents",
        "old_price_cents",
        "suspect_old_price_cents",
        "discount_pct",
        "discount_kind",
        "listing_price_cents",
        "currency",
        "price_changed_at",
    ),
    "payment": ("installments_count", "installment_cents", "interest_free"),
    "shipping": ("free_shipping", "free_shipping_note", "full"),
    "coupon": ("coupon_label", "coupon_cents", "coupon_pct", "coupon_min_cents", "badge", "badge_until"),
    "reviews": ("rating_hundredths", "reviews", "sold_at_least"),
    "seller": ("seller", "official_store", "brand", "category"),
    "affiliate": ("commission_pct", "affiliate_link", "affiliation_id", "affiliate_checked_at"),
    "enrichment": (
        "enriched_at",
        "enrich_attempts",
        "enrich_attempted_at",
        "enrich_error",
        "enrich_error_message",
    ),
}
"""What is shown together; whatever stands in none of them is the offer itself."""


def show_blocks(report: ShowReport) -> Sequence[Block]:
    """A table for each group, one row a value; a pipe gets one table. Facts that nobody told are left out.

    Of several offers of that name a row each.
    """
    offer = report.offer
    if offer is None:
        from offers_cli.services.offers import OffersReport

        return offer_blocks(OffersReport(offers=report.candidates, total=len(report.candidates)))
    columns = [
        field.name for field in fields(offer) if not field.metadata and field.name not in {"strategies", "facts"}
    ]
    values = {name: getattr(offer, name) for name in columns} | offer.facts.known()
    grouped = {name for names in GROUPS.values() for name in names}
    groups = {"offer": tuple(name for name in values if name not in grouped), **GROUPS}
    rows = {
        group: [
            (format_name(name), format_value(name, values[name], offer.currency), report.origins.get(name))
            for name in names
            if name in values
        ]
        for group, names in groups.items()
    }
    if is_terminal(sys.stdout):
        tables = [Table(group.capitalize(), COLUMNS, told) for group, told in rows.items() if told]
        return [Line(offer.title), *tables]
    return [Table(offer.title, (*COLUMNS, "group"), [(*row, group) for group, told in rows.items() for row in told])]


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
