"""`offers scrape`: scrape listings, save their offers, queue those that lack something."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from offers_cli.cli.command import command
from offers_cli.cli.completion import complete_source
from offers_cli.cli.options import MOST, DryRunOption, IgnoreRobotsOption
from offers_cli.cli.render import Block, Line, Output, is_terminal, summary
from offers_cli.errors import WorkError
from offers_cli.report import Problem

if TYPE_CHECKING:
    from offers_cli.runtime import Runtime
    from offers_cli.services.scrape import ScrapeReport


FIGURES = ("pages", "seen", "new", "changed", "unchanged", "filtered")
QUEUED = ("enqueued", "already_queued")


def scrape_blocks(report: ScrapeReport) -> Sequence[Block]:
    """The figures and, for a person, the next command; a person who got nothing wants to know why, not how many."""
    watched = is_terminal(sys.stdout)
    if watched and not report.pages and report.problems:
        return []
    queued = ("would_enqueue",) if report.dry_run else QUEUED
    columns = (*FIGURES, *queued, "pages_spared", "duration_s")
    return [*summary("scrape", report, columns), *([Line(f"Next: {_next(report)}")] if watched else [])]


def _next(report: ScrapeReport) -> str:
    if report.dry_run:
        return "the same command without --dry-run"
    if report.enqueued or report.already_queued:
        return "offers worker --burst"
    return "offers list"


@command(
    "scrape",
    report="offers_cli.services.scrape:ScrapeReport",
    blocks=scrape_blocks,
    examples=(
        "offers scrape ofertas --pages 3",
        "offers scrape hub --pages 10 --extra-commission",
        "offers scrape 'search:fone de ouvido' page.html --json",
    ),
)
def scrape(
    *,
    runtime: Runtime,
    output: Output,
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SOURCE",
            help="hub, ofertas, search:TERM, a listing URL or a saved page.",
            autocompletion=complete_source,
        ),
    ] = None,
    pages: Annotated[int, typer.Option(min=1, max=1000, help="Pages to read of each source.")] = 1,
    min_discount: Annotated[
        int | None, typer.Option(min=0, max=100, metavar="PCT", help="Skip offers whose known discount is lower.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, max=MOST, help="The most offers to take, filtered ones apart.")
    ] = None,
    category: Annotated[str | None, typer.Option(metavar="ID", help="Hub: only this category, e.g. MLB1574.")] = None,
    extra_commission: Annotated[
        bool, typer.Option("--extra-commission", help="Hub: only offers with an extra commission.")
    ] = False,
    best_seller: Annotated[bool, typer.Option("--best-seller", help="Hub: only best sellers.")] = False,
    no_enqueue: Annotated[bool, typer.Option("--no-enqueue", help="Save only; queue nothing.")] = False,
    ignore_robots: IgnoreRobotsOption = False,
    dry_run: DryRunOption = False,
) -> ScrapeReport:
    """Scrape listings, save their offers, and queue those that lack something."""
    from offers_cli.affiliate.hub import HubFilter
    from offers_cli.queue.schedule import OWN_ENTRY
    from offers_cli.services.scrape import Scraper, ScrapeReport
    from offers_cli.services.sources import check_hub_filter, parse_source

    runtime.ignore_robots |= ignore_robots
    wanted = [parse_source(text) for text in sources or [runtime.default_source]]
    hub_filter = HubFilter(category=category, extra_commission=extra_commission, best_seller=best_seller)
    read_hub = partial(runtime.read_hub, wanted=check_hub_filter(hub_filter, wanted))
    with output.progress("scraping") as progress:

        def on_page(report: ScrapeReport) -> None:
            progress(report.pages, total=pages * len(wanted), note=f"{report.seen} offers, {report.new} new")

        try:
            scraper = Scraper(
                storage=runtime.storage,
                queue=None if no_enqueue else runtime.later.queue,
                pages=runtime.pages,
                read_hub=read_hub,
                wanted=runtime.wanted,
                drift=runtime.drift,
                now=runtime.now,
                max_pages=pages,
                min_discount=runtime.config.marketplace.min_discount_pct if min_discount is None else min_discount,
                limit=limit,
                trust_cards=runtime.config.enrichment.trust_cards,
                dry_run=dry_run,
                schedule_entry=OWN_ENTRY.get(),
                on_page=on_page,
            )
        except WorkError as error:  # the database: nothing is done, and the figures say so
            return ScrapeReport(dry_run=dry_run, problems=(Problem.of(error),))
        return scraper.scrape(wanted)
