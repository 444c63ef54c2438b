"""`offers ingest`: pages that the operator's own browser saved."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from offers_cli.cli.command import command
from offers_cli.cli.options import parse_path_option
from offers_cli.cli.render import Block, Line, Output, Table

if TYPE_CHECKING:
    import io
    from pathlib import Path

    from offers_cli.runtime import Runtime
    from offers_cli.services.ingest import IngestReport
    from offers_cli.services.saved_pages import Found


def ingest_blocks(report: IngestReport) -> Sequence[Block]:
    """What became of the pages, and of the listings' cards where there are any."""
    figures = [
        ("product pages: offers enriched", report.enriched),
        ("offers added", report.added),
        ("older than what is stored", report.known),
        ("refused", report.refused),
        ("listings", report.listings),
        ("their offers: new", report.new),
        ("changed", report.changed),
        ("unchanged", report.unchanged),
        ("filtered", report.filtered),
        ("pages of no interest", report.ignored),
        ("queued", report.enqueued),
    ]
    rows = [row for row in figures if row[1]]
    if not rows:
        return [Line("no pages")]
    return [Table(f"{report.pages} saved pages", ("what", "count"), rows, right=("count",))]


@command(
    "ingest",
    report="offers_cli.services.ingest:IngestReport",
    blocks=ingest_blocks,
    examples=(
        "offers ingest ~/Downloads/produto.mhtml",
        "offers ingest www.mercadolivre.com.br.har saved-pages/ --add --json",
    ),
)
def ingest(
    *,
    runtime: Runtime,
    output: Output,
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE|DIR|-",
            help="Saved pages (HTML, MHTML, HAR), folders of them, or - for the standard input.",
        ),
    ],
    add: Annotated[
        bool, typer.Option("--add", help="Save the offers of product pages that are not stored yet.")
    ] = False,
    no_enqueue: Annotated[bool, typer.Option("--no-enqueue", help="Save only; queue nothing.")] = False,
) -> IngestReport:
    """Read pages that your browser saved: products enrich their offers, listings are scraped; nothing is fetched."""
    from offers_cli.services.ingest import Ingester
    from offers_cli.services.saved_pages import find_files

    found = [None if text == "-" else find_files(parse_path_option(text)) for text in files]
    with output.progress("reading") as progress:
        ingester = Ingester(
            storage=runtime.storage,
            offers=runtime.page_offers(enqueue=not no_enqueue),
            snapshots=runtime.snapshots,
            marketplace_for=runtime.marketplace_for,
            is_listed=runtime.is_listed,
            forget_failed=runtime.later.registries.forget_failed,
            now=runtime.now,
            add=add,
            min_discount=runtime.config.marketplace.min_discount_pct,
            on_page=lambda report: progress(report.pages, note=f"{report.enriched} enriched, {report.new} new"),
        )
        return ingester.ingest(_pages(found))


def _pages(found: Sequence[Sequence[Path] | None]) -> Iterator[Found]:
    from offers_cli.services.saved_pages import read_file, read_stream

    for paths in found:
        if paths is None:
            yield from read_stream(cast("io.BufferedReader[Any]", sys.stdin.buffer), name="-", saved_at=None)
        for path in paths or ():
            yield from read_file(path)
