"""`offers export`: offers out, into a file or a pipe."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from offers_cli.cli.command import command
from offers_cli.cli.offers import FilterOptions
from offers_cli.cli.options import MOST, parse_path_option
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


def export_blocks(report: ExportReport) -> Sequence[Block]:
    """What was written where; a pipe holds the offers alone."""
    return [Note(f"{report.exported} offers written to {report.file}")] if report.file else []


@command(
    "export",
    report="offers_cli.services.export:ExportReport",
    blocks=export_blocks,
    examples=("offers export offers.csv --min-discount 40", "offers export --format jsonl | gzip > o.gz"),
)
def export(
    *,
    runtime: Runtime,
    output: Output,
    file: Annotated[
        Path | None,
        typer.Argument(
            parser=parse_path_option, metavar="[FILE]", help="Where to write; default, or -: a pipe (stdout)."
        ),
    ] = None,
    format: Annotated[  # noqa: A002  (the parameter is the flag)
        Format | None, typer.Option(help="Default: that of the file's suffix, csv for a pipe.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, max=MOST, help="The most offers to write; default: all.")] = None,
    wanted: FilterOptions,
) -> ExportReport:
    """Write the offers as csv, json, jsonl or parquet, all or those that match, safe to open in a spreadsheet.

    Prices are integer cents. In csv and parquet each fact (shipping, reviews, coupon …) has a column of its own; json
    and jsonl have the known ones in one object, `facts`. A file appears when it is complete; an interrupted export
    leaves the old one. A symbolic link is replaced, not followed. With --json and no FILE the offers are in the
    document.
    """
    from offers_cli.services.export import choose_format, export, gather

    target = None if file is None or str(file) == "-" else file
    matching = wanted.filter(limit=limit, now=runtime.now())
    if output.json and target is None:
        if format not in (None, Format.JSON):
            raise UsageError(
                f"--json and --format {format} cannot share stdout", hint="give a FILE, or leave out --json"
            )
        return gather(matching, storage=runtime.storage)
    name = choose_format(format, target)
    if name == Format.PARQUET and target is None and sys.stdout.isatty():
        raise UsageError("parquet cannot be shown on a terminal", hint="offers export offers.parquet")
    with output.progress("exporting") as progress:
        return export(
            matching,
            storage=runtime.storage,
            format=name,
            file=target,
            pipe=sys.stdout.buffer,
            on_progress=lambda done, total: progress(done, total=total),
        )
