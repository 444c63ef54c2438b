"""`offers scrape`: collect listings, save their offers, queue what lacks something."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from offers_cli.cli.completion import complete_source
from offers_cli.cli.options import (
    MOST,
    DryRunOption,
    IgnoreRobotsOption,
    JsonOption,
    QuietOption,
    VerboseOption,
    examples,
)
from offers_cli.cli.perform import Voice, perform
from offers_cli.cli.render import Output, summary
from offers_cli.errors import WorkError
from offers_cli.report import Problem

if TYPE_CHECKING:
    from offers_cli.runtime import Runtime
    from offers_cli.services.scrape import ScrapeReport

COLUMNS = ("pages", "seen", "new", "changed", "unchanged", "filtered", "enqueued", "already_queued")


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(
        name="scrape",
        epilog=examples(
            "offers scrape ofertas --pages 3",
            "offers scrape hub --pages 10 --extra-commission",
            "offers scrape 'search:fone de ouvido' page.html --json",
        ),
    )(scrape)


def scrape(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SOURCE]...",
            help="hub, ofertas, search:TERM, a listing URL or a saved page.",
            autocompletion=complete_source,
        ),
    ] = None,
    pages: Annotated[int, typer.Option(min=1, max=1000, help="Pages to read of each source.")] = 1,
    min_discount: Annotated[
        int | None, typer.Option(min=0, max=100, metavar="PCT", help="Leave out offers known to be below it.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, max=MOST, help="The most offers to take.")] = None,
    category: Annotated[
        str | None, typer.Option(metavar="ID", help="Of the hub, only this category, e.g. MLB1574.")
    ] = None,
    extra_commission: Annotated[
        bool, typer.Option("--extra-commission", help="Of the hub, only offers with an extra commission.")
    ] = False,
    best_seller: Annotated[bool, typer.Option("--best-seller", help="Of the hub, only best sellers.")] = False,
    no_enqueue: Annotated[bool, typer.Option("--no-enqueue", help="Save only; queue nothing.")] = False,
    ignore_robots: IgnoreRobotsOption = False,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
    verbose: VerboseOption = 0,
    quiet: QuietOption = False,
) -> None:
    """Collect listings, save their offers, and queue those that lack something."""

    def work(runtime: Runtime, output: Output) -> ScrapeReport:
        from offers_cli.affiliate.hub import HubFilter
        from offers_cli.services.scrape import Scraper, ScrapeReport
        from offers_cli.services.sources import check_hub_filter, parse_source

        runtime.ignore_robots |= ignore_robots
        wanted = [parse_source(text) for text in sources or [runtime.default_source]]
        hub_filter = HubFilter(category=category, extra_commission=extra_commission, best_seller=best_seller)
        with output.progress("scraping") as progress:

            def on_page(report: ScrapeReport) -> None:
                progress(report.pages, total=pages * len(wanted), note=f"{report.seen} offers, {report.new} new")

            read_hub = partial(runtime.read_hub, wanted=check_hub_filter(hub_filter, wanted))
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
                    dry_run=dry_run,
                    on_page=on_page,
                )
            except WorkError as error:  # the database: nothing is done, and the figures say so
                return ScrapeReport(dry_run=dry_run, problems=(Problem.of(error),))
            return scraper.scrape(wanted)

    perform(
        "scrape",
        Voice(json=json, verbose=verbose, quiet=quiet),
        work,
        lambda report: summary("scrape", report.data(), COLUMNS),
    )
