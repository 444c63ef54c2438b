"""`offers runs`: the past scrapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from offers_cli.cli.command import command
from offers_cli.cli.render import Block, Coloured, Note, Table
from offers_cli.times import format_duration

if TYPE_CHECKING:
    from offers_cli.runtime import Runtime
    from offers_cli.services.runs import PastRun, RunsReport

COUNTS = ("pages", "seen", "new", "changed", "unchanged", "filtered", "enqueued")


def run_blocks(report: RunsReport) -> Sequence[Block]:
    """The scrapes as a table."""
    if not report.runs:
        return [Note("no scrapes yet")]
    rows = [
        (
            past.run.started_at,
            past.run.source,
            _result(past),
            format_duration(past.duration_s),
            *(getattr(past.run, name) for name in COUNTS),
            past.run.schedule_entry,
            past.run.id,
        )
        for past in report.runs
    ]
    columns = ("started", "source", "result", "took", *COUNTS, "schedule", "id")
    short = ("started", "source", "result", "took", "seen", "new", "schedule")
    cut = ("source", "result", "schedule")
    return [Table("Scrapes", columns, rows, right=("took", *COUNTS), cut=cut, short=short)]


def _result(past: PastRun) -> object:
    """How a scrape ended, coloured where something of it is missing."""
    result = f"{past.status}: {past.run.error}" if past.run.error else past.status
    colour = {"done": "", "running": "", "partial": "yellow"}.get(past.status, "red")
    return Coloured(result, colour) if colour else result


@command(
    "runs",
    report="offers_cli.services.runs:RunsReport",
    blocks=run_blocks,
    examples=("offers runs", "offers runs --limit 100 --json"),
)
def runs(
    *,
    runtime: Runtime,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="The most scrapes to show.")] = 20,
) -> RunsReport:
    """Show past scrapes, newest first: source, when, how long, counts, and how they ended."""
    from offers_cli.services.runs import list_runs

    return list_runs(storage=runtime.storage, limit=limit, now=runtime.now())
