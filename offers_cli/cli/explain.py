"""`offers explain`: what one page says, by which strategy, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from offers_cli.cli.command import command
from offers_cli.cli.completion import complete_offer
from offers_cli.cli.formatting import (
    format_condition,
    format_discount,
    format_facts,
    format_money,
    format_price,
    format_time,
    format_value,
)
from offers_cli.cli.options import IgnoreRobotsOption
from offers_cli.cli.render import Block, Line, Table
from offers_cli.language import translate
from offers_cli.marketplaces.base import ListingReading, ProductReading

if TYPE_CHECKING:
    from offers_cli.runtime import Runtime
    from offers_cli.services.explain import ExplainReport


DOUBTS = {
    "old_price_disagrees": "the page names several old prices",
    "old_price_suspect": "the old price is not above the price, or more than ten times as high",
    "discount_disagrees": "the discounts shown differ from each other, or from the prices",
    "card_price_disagrees": "the page names several prices by card",
    "card_price_suspect": "the price by card is lower than the price",
    "condition_disagrees": "the page names several payments for the price",
}
"""What a person reads for a reading's flags."""


def explain_blocks(report: ExplainReport) -> Sequence[Block]:
    """A product's candidates field by field, or a listing's cards; first, whether it is a kept page."""
    kept = f"a page kept at {format_time(report.kept_at)}; its address instead of the id fetches it anew"
    blocks: list[Block] = [Line(kept)] if report.kept_at else []
    if isinstance(report.reading, ProductReading):
        blocks += _product_blocks(report.reading)
    elif isinstance(report.reading, ListingReading):
        blocks += _listing_blocks(report.reading)
    return blocks


def _product_blocks(product: ProductReading) -> list[Block]:
    rows = []
    for name, found in product.candidates.items():
        winner = product.winners.get(name)
        for candidate in found:
            value = format_value(name, candidate.value, product.currency)
            if candidate.strategy == winner:
                verdict, winner = "taken", None  # of several candidates of that strategy the first was
            else:
                verdict = candidate.note or ("agrees" if candidate.value == product.value(name) else "")
            rows.append((name, candidate.strategy, candidate.raw, value, verdict))
    head = f"product {product.external_id or '?'} of {product.marketplace}, {product.currency}: {product.url}"
    columns = ("field", "strategy", "on the page", "value", "verdict")
    doubts = [Line("in doubt: " + ", ".join(DOUBTS.get(flag, flag) for flag in product.flags))] if product.flags else []
    return [
        Line(head),
        *_summary(product),
        Table("Candidates", columns, rows, verbatim=("field", "strategy", "on the page")),
        *doubts,
    ]


def _summary(product: ProductReading) -> list[Block]:
    """What is believed of the page, in the lines that it takes."""
    price = format_price(product.price_cents, product.currency, product.price_condition, product.card_price_cents)
    old_price = format_money(product.old_price_cents, product.currency)
    off = format_discount(product.discount_pct, product.discount_kind, product.price_condition)
    lines = {
        "title": product.title,
        "price": price,
        "old price": f"{old_price}, {off} off" if old_price and off else old_price,
        "facts": format_facts(product.facts, product.currency),
    }
    return [
        Line(f"{translate(name)}: {text if name in ('title', 'facts') else translate(text)}", verbatim=True)
        for name, text in lines.items()
        if text
    ]


def _listing_blocks(listing: ListingReading) -> list[Block]:
    rows = [
        (
            offer.external_id,
            offer.title,
            format_money(offer.price_cents, offer.currency),
            format_condition(offer.price_condition),
            format_money(offer.card_price_cents, offer.currency),
            format_money(offer.old_price_cents, offer.currency),
            format_discount(offer.discount_pct, offer.discount_kind, offer.price_condition),
            format_facts(offer.facts, offer.currency),
            offer.url,
        )
        for offer in listing.offers
    ]
    columns = ("id", "title", "price", "by", "by card", "old price", "off", "facts", "url")
    short = ("id", "title", "price", "by", "old price", "off")
    right = ("price", "by card", "old price", "off")
    table = Table("Cards", columns, rows, right=right, cut=("title",), short=short)
    head = f"listing of {listing.marketplace}, {len(rows)} cards read from {listing.strategy}: {listing.url}"
    skipped = [Line(f"card {position} skipped: {reason}") for position, reason in listing.unreadable]
    return [Line(head), table, *skipped, Line(f"next page: {listing.next_page or 'none'}")]


@command(
    "explain",
    report="offers_cli.services.explain:ExplainReport",
    blocks=explain_blocks,
    examples=(
        "offers explain https://www.mercadolivre.com.br/p/MLB19120023",
        "offers explain page.html --url https://produto.mercadolivre.com.br/MLB-123456789 --json",
    ),
    log_level=-1,
)
def explain(
    *,
    runtime: Runtime,
    target: Annotated[
        str,
        typer.Argument(
            metavar="URL|ID|FILE", help="A URL, an offer's id or a saved page.", autocompletion=complete_offer
        ),
    ],
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="URL of the saved page, if the page does not contain it.")
    ] = None,
    ignore_robots: IgnoreRobotsOption = False,
) -> ExplainReport:
    """Read one page and show every candidate for each field, which was taken, and why."""
    from offers_cli.services.explain import explain

    runtime.ignore_robots |= ignore_robots
    return explain(
        target,
        url=url,
        pages=runtime.pages,
        storage=runtime.later.storage,
        marketplaces=runtime.marketplaces,
        snapshots=runtime.snapshots,
    )
