"""`offers deals`: the offers worth showing, best first, each judged against its own recorded prices."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from offers_cli.cli.command import command
from offers_cli.cli.completion import complete_deal_sort
from offers_cli.cli.formatting import format_condition, format_money, format_percent
from offers_cli.cli.offers import ShopFilterOptions
from offers_cli.cli.options import MOST, parse_age, parse_since
from offers_cli.cli.render import Block, Coloured, Line, Note, Table, is_terminal
from offers_cli.deals.judge import DealClass, Weights
from offers_cli.errors import UsageError

if TYPE_CHECKING:
    from offers_cli.runtime import Runtime
    from offers_cli.services.deals import Deal, DealFilter, DealsReport

COLOURS = {DealClass.PROVED: "green", DealClass.CONTRADICTED: "red", DealClass.YOUNG: "yellow"}


@dataclass(frozen=True, kw_only=True)
class DealOptions:
    """The options by which `offers deals` chooses among what it judged."""

    drop: Annotated[
        int | None,
        typer.Option("--drop", min=1, max=99, metavar="PCT", help="Only prices so much below the one before."),
    ] = None
    lowest_since: Annotated[
        str | None,
        typer.Option(
            "--lowest-since",
            metavar="AGE|ever",
            help="Only prices that were never less for so long, all of it watched: 90d, or ever (at least 14 days).",
        ),
    ] = None
    kind: Annotated[
        list[DealClass] | None, typer.Option("--class", help="Only deals of this class; may be given more than once.")
    ] = None
    sort: Annotated[
        str,
        typer.Option(
            "--sort",
            metavar="ORDER",
            help="score, drop, reduction, evidence, price, discount, commission, rating, reviews or sold; a leading - "
            "reverses. Offers without the value come last.",
            autocompletion=complete_deal_sort,
        ),
    ] = "-score"

    def filter(self, *, limit: int) -> DealFilter:
        """The filter that these options mean; raises `UsageError` for one that cannot be read."""
        from offers_cli.services.deals import DealFilter, check_deal_sort

        lowest_ever = self.lowest_since == "ever"
        age_s = None if lowest_ever else parse_age(self.lowest_since, "--lowest-since")
        return DealFilter(
            least_drop_pct=self.drop,
            lowest_for_days=math.ceil((age_s or 0) / 86_400),
            lowest_ever=lowest_ever,
            classes=frozenset(self.kind or ()),
            sort=check_deal_sort(self.sort),
            limit=limit,
        )


def deal_blocks(report: DealsReport) -> Sequence[Block]:
    """The deals as a table, with `--why` the reasons of each, and of how many offers they are the best."""
    if not report.offers:
        return [Note(f"no deals among {report.judged} offers"), *_next_step(report)]
    why = [block for deal in report.offers for block in _why(deal)] if report.with_reasons else []
    of_all = ", those whose price changed last; --since and the filters choose others" if report.is_cut else ""
    count = Note(f"{len(report.offers)} of {report.total} deals among {report.judged} offers{of_all}")
    return [_table(report.offers), *why, count]


def _next_step(report: DealsReport) -> list[Block]:
    return [] if report.judged else [Note("  try: offers scrape ofertas")]


def _table(deals: Sequence[Deal]) -> Table:
    columns = (
        *("score", "class", "title", "price", "by", "below", "before", "lowest", "watched", "old price", "commission"),
        *("external id", "link", "id"),
    )
    rows = [
        (
            deal.judgement.score,
            _class(deal.judgement.kind),
            deal.offer.title,
            format_money(deal.offer.price_cents, deal.offer.currency),
            format_condition(deal.offer.price_condition),
            format_percent(deal.judgement.reduction_pct or None),
            format_money(deal.judgement.reference_cents, deal.offer.currency),
            format_money(deal.lowest.price_cents, deal.offer.currency),
            f"{deal.judgement.evidence_days} d",
            format_money(deal.offer.old_price_cents, deal.offer.currency),
            format_percent(deal.offer.commission_pct),
            deal.offer.external_id,
            deal.offer.affiliate_link,
            deal.offer.id,
        )
        for deal in deals
    ]
    told = {
        "commission": any(deal.offer.commission_pct is not None for deal in deals),
        "link": any(deal.offer.affiliate_link for deal in deals),
    }
    wide = ("watched", "lowest", "old price", "commission", "external id", "link")
    return Table(
        "Deals",
        columns,
        rows,
        right=("score", "price", "below", "before", "lowest", "watched", "old price", "commission"),
        cut=("title",),
        short=("score", "class", "title", "price", "by", "below", "before"),
        wide=[name for name in wide if told.get(name, True)],
    )


def _class(kind: DealClass) -> object:
    return Coloured(kind.value, COLOURS[kind]) if kind in COLOURS else kind.value


def reasons(deal: Deal) -> list[tuple[int, str]]:
    """The points of a score, each with its reason; and what other sellers ask, which gives none."""
    rows = [(reason.points, reason.text) for reason in deal.reasons]
    if product := deal.product:
        cheapest = format_money(product.cheapest_cents, deal.offer.currency)
        here = "this is the cheapest" if product.cheapest_id == deal.offer.id else f"one asks {cheapest}"
        rows.append((0, f"{product.sellers} sellers of the same product: {here}"))
    return rows


def _why(deal: Deal) -> list[Block]:
    """Each point of a score with its reason; a pipe gets a row for each."""
    rows = reasons(deal)
    if not is_terminal(sys.stdout):
        return [Table(deal.offer.id, ("points", "reason", "id"), [(*row, deal.offer.id) for row in rows])]
    heading = f"{deal.judgement.score}  {deal.judgement.kind.value}  {deal.offer.title}"
    return [Line(heading), *(Line(f"  {points:+4}  {text}") for points, text in rows)]


@command(
    "deals",
    report="offers_cli.services.deals:DealsReport",
    blocks=deal_blocks,
    examples=(
        "offers deals --why",
        "offers deals --class proved --drop 20 --min-commission 10",
        "offers deals --lowest-since 90d --since 24h --json",
    ),
)
def deals(
    *,
    runtime: Runtime,
    wanted: DealOptions,
    matching: ShopFilterOptions,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="WHEN", help="Only prices that changed since: 24h, 2026-01-31, 31/01/2026."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="The most deals to show.")] = 20,
    why: Annotated[bool, typer.Option("--why", help="Show the reason of each point.")] = False,
) -> DealsReport:
    """Show the offers worth showing, best first, each judged against its own recorded prices."""
    from offers_cli.services.deals import find_deals

    now = runtime.now()
    changed_since = parse_since(since, "--since", now=now)
    if changed_since and changed_since > now:
        raise UsageError(f"--since {since!r}: that is in the future", hint="offers deals --since 24h")
    report = find_deals(
        replace(matching.shop_filter(), changed_since=changed_since),
        wanted.filter(limit=limit),
        weights=Weights(**dict(runtime.config.deals.weights)),
        storage=runtime.storage,
        now=now,
    )
    return replace(report, with_reasons=why)
