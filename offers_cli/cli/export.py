"""`offers export`: offers out, into a file or a pipe."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from offers_cli.cli.offer_filters import (
    MinDiscountOption,
    MissingOption,
    SearchOption,
    SinceOption,
    SortOption,
    StatusOption,
    offer_filter,
)
from offers_cli.cli.options import MOST, JsonOption, QuietOption, VerboseOption, examples, parse_path_option
from offers_cli.cli.perform import Voice, perform
from offers_cli.cli.render import Block, Note, Output
from offers_cli.errors import UsageError

if TYPE_CHECKING:
    from offers_cli.runtime import Runtime
    from offers_cli.services.export import ExportReport


class Format(StrEnum):
    """How offers can be written."""

    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"
    PARQUET = "parquet"


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(
        name="export",
        epilog=examples("offers export offers.csv --min-discount 40", "offers export --format jsonl | gzip > o.gz"),
    )(export)


def export(
    file: Annotated[
        Path | None,
        typer.Argument(
            parser=parse_path_option, metavar="[FILE]", help="Where to write; - or nothing is a pipe (stdout)."
        ),
    ] = None,
    format: Annotated[  # noqa: A002  (the parameter is the flag)
        Format | None, typer.Option(help="Default: what the file's suffix names, csv for a pipe.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, max=MOST, help="The most offers to write; default: all.")] = None,
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
    """Write the offers as csv, json, jsonl or parquet, as many as there are, safe to open in a spreadsheet.

    Prices are integer cents. A file appears when it is whole; an interrupted export leaves the old one. A link is
    replaced, not followed. With --json and no FILE the offers stand in the document.
    """

    def work(runtime: Runtime, output: Output) -> ExportReport:
        from offers_cli.services import export as service

        target = None if file is None or str(file) == "-" else file
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
        if json and target is None:
            _check_document(format)
            return service.gather(wanted, storage=runtime.storage)
        name = service.choose_format(format, target)
        if name == Format.PARQUET and target is None and sys.stdout.isatty():
            raise UsageError("parquet is not for a terminal", hint="offers export offers.parquet")
        with output.progress("exporting") as progress:
            return service.export(
                wanted,
                storage=runtime.storage,
                format=name,
                file=target,
                pipe=sys.stdout.buffer,
                on_progress=lambda done, total: progress(done, total=total),
            )

    perform("export", Voice(json=json, verbose=verbose, quiet=quiet), work, export_blocks)


def _check_document(asked: Format | None) -> None:
    if asked not in (None, Format.JSON):
        raise UsageError(f"--json and --format {asked} cannot share stdout", hint="give a FILE, or leave out --json")


def export_blocks(report: ExportReport) -> Sequence[Block]:
    """What was written where; a pipe holds the offers alone."""
    return [Note(f"{report.exported} offers written to {report.file}")] if report.file else []
