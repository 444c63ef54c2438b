"""`offers export`: offers out, into a file or a pipe."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from offers_cli.cli.command import command
from offers_cli.cli.offers import FieldsOption, FilterOptions
from offers_cli.cli.options import MOST, parse_path_option
from offers_cli.cli.render import Block, Note, Output, writing_results
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
    XLSX = "xlsx"


def export_blocks(report: ExportReport) -> Sequence[Block]:
    """What was written where, and what to do when nothing was; a pipe holds the offers alone."""
    written = [Note(f"{report.exported} offers written to {report.file} ({report.format})")] if report.file else []
    return written if report.exported else [*written, Note("no offers match\n  try: offers list")]


@command(
    "export",
    report="offers_cli.services.export:ExportReport",
    blocks=export_blocks,
    examples=(
        "offers export offers.csv --min-discount 40",
        "offers export ofertas.csv --excel --fields title,price,off,link",
    ),
)
def export(
    *,
    runtime: Runtime,
    output: Output,
    file: Annotated[
        Path | None,
        typer.Argument(
            parser=parse_path_option, metavar="FILE", help="Where to write; default, or -: a pipe (stdout)."
        ),
    ] = None,
    format: Annotated[  # noqa: A002  (the parameter is the flag)
        Format | None, typer.Option(help="Default: that of the file's suffix, csv for a pipe.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, max=MOST, help="The most offers to write; default: all.")] = None,
    fields: FieldsOption = None,
    excel: Annotated[
        bool,
        typer.Option("--excel", help="csv as Excel opens it in Brazil: semicolons, amounts in reais, local times."),
    ] = False,
    wanted: FilterOptions,
) -> ExportReport:
    """Write the offers as csv, json, jsonl, parquet or xlsx, all or those that match, safe to open in a spreadsheet.

    Prices are integer cents, but in xlsx and with --excel, which are for people. In csv, parquet and xlsx each fact
    (shipping, reviews, coupon …) has a column of its own; json and jsonl have the known ones in one object, `facts`.
    A file appears when it is complete; an interrupted export leaves the old one. A symbolic link is replaced, not
    followed. With --json and no FILE the offers are in the document.
    """
    from offers_cli.services.export import choose_format, export, gather
    from offers_cli.services.fields import parse_fields

    target = None if file is None or str(file) == "-" else file
    chosen = parse_fields(fields)
    matching = wanted.filter(limit=limit, now=runtime.now())
    if output.json and target is None:
        if format not in (None, Format.JSON):
            raise UsageError(
                f"--json and --format {format} cannot share stdout", hint="give a FILE, or leave out --json"
            )
        return gather(matching, storage=runtime.storage, fields=chosen)
    name = choose_format(format, target)
    if name in (Format.PARQUET, Format.XLSX) and target is None and sys.stdout.isatty():
        raise UsageError(f"{name} cannot be shown on a terminal", hint=f"offers export offers.{name}")
    with output.progress("exporting") as progress, writing_results():
        return export(
            matching,
            storage=runtime.storage,
            format=name,
            file=target,
            pipe=sys.stdout.buffer,
            fields=chosen,
            excel=excel,
            on_progress=lambda done, total: progress(done, total=total),
        )
    raise typer.Exit  # the reader has seen enough
