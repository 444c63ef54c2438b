"""`offers runs`: the past scrapes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from offers_cli.cli.figures import moment, span
from offers_cli.cli.options import JsonOption, QuietOption, VerboseOption, examples
from offers_cli.cli.perform import Voice, perform
from offers_cli.cli.render import Block, Note, Output, Table, is_terminal

if TYPE_CHECKING:
    from offers_cli.runtime import Runtime
    from offers_cli.services.runs import PastRun, RunsReport

COUNTS = ("pages", "seen", "new", "changed", "unchanged", "filtered", "enqueued")
COLUMNS = ("started", "source", "result", "took", *COUNTS, "id")
SHORT = ("started", "source", "result", "took", "seen", "new")
"""What fits a terminal."""
FIGURES = frozenset({"took", *COUNTS})


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(name="runs", epilog=examples("offers runs", "offers runs --limit 100 --json"))(runs)


def runs(
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="The most scrapes to show.")] = 20,
    json: JsonOption = False,
    verbose: VerboseOption = 0,
    quiet: QuietOption = False,
) -> None:
    """Show past scrapes, newest first: source, when, how long, counts, and how they ended."""

    def work(runtime: Runtime, output: Output) -> RunsReport:
        from offers_cli.services.runs import list_runs

        return list_runs(storage=runtime.storage, limit=limit, now=runtime.now())

    perform("runs", Voice(json=json, verbose=verbose, quiet=quiet), work, run_blocks)


def run_blocks(report: RunsReport) -> Sequence[Block]:
    """The scrapes as a table."""
    if not report.runs:
        return [Note("no scrapes yet")]
    columns = SHORT if is_terminal(sys.stdout) else COLUMNS
    rows = [[_cells(each)[column] for column in columns] for each in report.runs]
    return [Table(title="Scrapes", columns=columns, rows=rows, right=FIGURES, cut=frozenset({"source", "result"}))]


def _cells(past: PastRun) -> dict[str, object]:
    run = past.run
    return {
        "started": moment(run.started_at),
        "source": run.source,
        "result": f"{past.status}: {run.error}" if run.error else past.status,
        "took": span(past.duration_s),
        **{name: getattr(run, name) for name in COUNTS},
        "id": run.id,
    }
