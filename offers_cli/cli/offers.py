"""`offers list` and `offers show`: the offers by filters, and one of them with where each value came from."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
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
    format_percent,
    format_value,
)
from offers_cli.cli.options import MOST, parse_amount, parse_rating, parse_since
from offers_cli.cli.render import Block, Coloured, Line, Note, Table, is_terminal
from offers_cli.offer import DiscountKind, PriceCondition
from offers_cli.storage.base import Missing, OfferFilter

if TYPE_CHECKING:
    from offers_cli.runtime import Runtime
    from offers_cli.services.offers import OffersReport, ShowReport
    from offers_cli.storage.base import StoredOffer

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


class OfferSource(StrEnum):
    """Where an offer can have come from first."""

    HUB = "hub"
    OFERTAS = "ofertas"
    SEARCH = "search"
    LISTING = "listing"
    FILE = "file"
    FEATURED = "featured"
    ADD = "add"
    INGEST = "ingest"
    ADOPTED = "adopted"


@dataclass(frozen=True, kw_only=True)
class ShopFilterOptions:
    """The options by which commands choose offers for what their shop says of them."""

    search: Annotated[
        str | None, typer.Option("--search", metavar="WORDS", help="Words that all occur in the title.")
    ] = None
    condition: Annotated[
        PriceCondition | None,
        typer.Option("--condition", help="Only prices for any payment, by Pix alone, or on the shop's credit alone."),
    ] = None
    source: Annotated[OfferSource | None, typer.Option("--source", help="Only offers that came from there.")] = None
    min_discount: Annotated[
        int | None, typer.Option("--min-discount", min=0, max=100, metavar="PCT", help="At least this discount.")
    ] = None
    min_price: Annotated[
        str | None, typer.Option("--min-price", metavar="PRICE", help="At least this price: 200, or 199,90.")
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

    def shop_filter(self) -> OfferFilter:
        """The filter that these options mean; raises `UsageError` for one that cannot be read."""
        return OfferFilter(
            min_discount=self.min_discount,
            search=self.search,
            condition=self.condition,
            source=self.source.value if self.source else None,
            min_price_cents=parse_amount(self.min_price, "--min-price"),
            max_price_cents=parse_amount(self.max_price, "--max-price"),
            free_shipping=self.free_shipping,
            min_rating_hundredths=parse_rating(self.min_rating, "--min-rating"),
            official_store=self.official,
            coupon=self.coupon,
            min_commission=self.min_commission,
        )


@dataclass(frozen=True, kw_only=True)
class FilterOptions(ShopFilterOptions):
    """The options by which `offers list` and `offers export` choose offers."""

    missing: Annotated[
        list[Missing] | None, typer.Option("--missing", help="Only offers that lack this; may be given more than once.")
    ] = None
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="WHEN", help="Seen since: 7d, or a date or time: 2026-01-31, 31/01/2026."),
    ] = None
    status: Annotated[Status | None, typer.Option("--status", help="Only offers that are active, or gone.")] = None
    sort: Annotated[
        str,
        typer.Option(
            "--sort",
            metavar="ORDER",
            help="last_seen, first_seen, price_changed, discount, price, title, commission, rating, reviews or sold; a "
            "leading - reverses. Offers without the value come last.",
            autocompletion=complete_sort,
        ),
    ] = "-last_seen"

    def filter(self, *, limit: int | None, now: datetime) -> OfferFilter:
        """The filter that these options mean; raises `UsageError` for one that cannot be read."""
        from offers_cli.services.offers import check_sort

        return replace(
            self.shop_filter(),
            missing=frozenset(self.missing or ()),
            since=parse_since(self.since, "--since", now=now),
            status=self.status.value if self.status else None,
            sort=check_sort(self.sort),
            limit=limit,
        )


FieldsOption = Annotated[
    str | None,
    typer.Option("--fields", metavar="NAMES", help="Only these fields, in this order: title,price,link,rating."),
]
DEEP_DISCOUNT_PCT = 30
"""From here on a discount stands out."""
UNCUT = frozenset({"id", "external_id", "item_id", "catalogue_id", "affiliation_id", "currency", "status", "source"})


def offer_blocks(report: OffersReport) -> Sequence[Block]:
    """The offers as a table, and how many there are; where there are none, the next command."""
    if report.offers:
        table = _chosen_fields(report) if report.fields else _offer_table(report)
        return [table, Note(f"{len(report.offers)} of {report.total} offers")]
    if report.stored:
        return [Note(f"no offers match, of {report.stored} that are stored"), Note("  try: offers list")]
    return [Note("no offers are stored yet"), Note("  try: offers scrape ofertas")]


def _offer_table(report: OffersReport) -> Table:
    columns = (
        *("id", "external id", "title", "price", "by", "by card", "old price", "off", "lowest", "commission"),
        *("source", "facts", "seen", "status", "link", "url"),
    )
    rows = [
        (
            offer.id,
            offer.external_id,
            offer.title,
            format_money(offer.price_cents, offer.currency),
            format_condition(offer.price_condition),
            format_money(offer.card_price_cents, offer.currency),
            format_money(offer.old_price_cents, offer.currency),
            _discount(offer),
            _lowest(offer, report.lowest_price_cents.get(offer.id)),
            format_percent(offer.commission_pct),
            offer.source,
            format_facts(offer.facts, offer.currency),
            offer.last_seen_at,
            offer.status if offer.status == "active" else Coloured(offer.status, "red"),
            offer.affiliate_link,
            offer.url,
        )
        for offer in report.offers
    ]
    short = {"external id", "title", "price", "by", "old price", "off"}
    if any(offer.status != "active" for offer in report.offers):
        short.add("status")
    told = {
        "commission": any(offer.commission_pct is not None for offer in report.offers),
        "lowest": bool(report.lowest_price_cents),
        "link": any(offer.affiliate_link for offer in report.offers),
    }
    wide = [name for name in ("commission", "seen", "lowest", "link", "source", "url") if told.get(name, True)]
    right = ("price", "by card", "old price", "off", "lowest", "commission")
    return Table("Offers", columns, rows, right=right, cut=("title",), short=short, wide=wide)


def _discount(offer: StoredOffer) -> object:
    """A discount, a deep one in green; one that only a payment gives is none of the price."""
    text = format_discount(offer.discount_pct, offer.discount_kind, offer.price_condition)
    is_deep = (offer.discount_pct or 0) >= DEEP_DISCOUNT_PCT and offer.discount_kind is not DiscountKind.PAYMENT
    return Coloured(text, "green") if is_deep else text


def _lowest(offer: StoredOffer, cents: int | None) -> object:
    if cents is None:
        return ""
    lowest = format_money(cents, offer.currency)
    return Coloured(f"{lowest} now", "green") if cents >= offer.price_cents else lowest


def _chosen_fields(report: OffersReport) -> Table:
    from offers_cli.services.fields import FIELDS
    from offers_cli.storage.base import value_of

    names = report.fields
    rows = [[format_value(name, value_of(offer, name), offer.currency) for name in names] for offer in report.offers]
    numbers = [format_name(name) for name in names if "int" in FIELDS[name]]
    texts = [format_name(name) for name in names if "str" in FIELDS[name] and name not in UNCUT]
    return Table("Offers", [format_name(name) for name in names], rows, right=numbers, cut=texts)


@command(
    "list",
    report="offers_cli.services.offers:OffersReport",
    blocks=offer_blocks,
    examples=(
        "offers list --min-discount 40 --sort -discount",
        "offers list --condition any --max-price 199,90 --free-shipping --min-rating 4.5",
        "offers list --search 'fone' --fields title,price,link --json",
    ),
)
def list_offers(
    *,
    runtime: Runtime,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="The most offers to show.")] = 50,
    fields: FieldsOption = None,
    wanted: FilterOptions,
) -> OffersReport:
    """Show the offers that match, with their prices as a person reads them; a wider terminal shows more of each."""
    from offers_cli.services.fields import parse_fields
    from offers_cli.services.offers import find_offers

    chosen = parse_fields(fields)
    return find_offers(wanted.filter(limit=limit, now=runtime.now()), storage=runtime.storage, fields=chosen)


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


ValueRow = tuple[str, object, str | None]


def show_blocks(report: ShowReport) -> Sequence[Block]:
    """A table for each group, one row a value; a pipe gets one table. Facts that nobody told are left out.

    A person sees no row without a value: what is not known stands in one line below.

    Of several offers of that name a row each.
    """
    offer = report.offer
    if offer is None:
        from offers_cli.services.offers import OffersReport

        return offer_blocks(OffersReport(offers=report.candidates, total=len(report.candidates)))
    rows = value_groups(report, offer)
    if is_terminal(sys.stdout):
        known = {group: [row for row in told if row[1] is not None and row[1] != ""] for group, told in rows.items()}
        tables = [Table(group.capitalize(), COLUMNS, told) for group, told in known.items() if told]
        unknown = [row[0] for group, told in rows.items() for row in told if row not in known[group]]
        return [
            Line(offer.title, verbatim=True),
            *tables,
            *([Line(f"Not known: {', '.join(unknown)}")] if unknown else []),
        ]
    return [Table(offer.title, (*COLUMNS, "group"), [(*row, group) for group, told in rows.items() for row in told])]


def value_groups(report: ShowReport, offer: StoredOffer) -> dict[str, list[ValueRow]]:
    """By group, the name of each value in words, the value as a person reads it, and where it came from."""
    columns = [
        field.name for field in fields(offer) if not field.metadata and field.name not in {"strategies", "facts"}
    ]
    values = {name: getattr(offer, name) for name in columns} | offer.facts.known()
    grouped = {name for names in GROUPS.values() for name in names}
    groups = {"offer": tuple(name for name in values if name not in grouped), **GROUPS}
    return {
        group: [
            (format_name(name), format_value(name, values[name], offer.currency), report.origins.get(name))
            for name in names
            if name in values
        ]
        for group, names in groups.items()
    }


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
