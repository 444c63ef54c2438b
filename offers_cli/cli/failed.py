"""`offers failed`: the jobs that failed, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from offers_cli.cli.completion import complete_reason
from offers_cli.cli.figures import moment
from offers_cli.cli.options import MOST, JsonOption, QuietOption, VerboseOption, examples
from offers_cli.cli.perform import Voice, perform
from offers_cli.cli.render import Block, Note, Output, Table

if TYPE_CHECKING:
    from offers_cli.runtime import Runtime
    from offers_cli.services.failed import FailedReport

COLUMNS = ("offer", "reason", "message", "attempts", "when")


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(
        name="failed",
        epilog=examples("offers failed --reason page_changed", "offers failed --limit 1000 --json"),
    )(failed)


def failed(
    reason: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CODE",
            help="Only jobs that failed with this code; may be given more than once.",
            autocompletion=complete_reason,
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="The most jobs to show.")] = 50,
    json: JsonOption = False,
    verbose: VerboseOption = 0,
    quiet: QuietOption = False,
) -> None:
    """Show the failed jobs, newest first: offer, reason, message, attempts, when."""

    def work(runtime: Runtime, output: Output) -> FailedReport:
        from offers_cli.services import failed as service
        from offers_cli.services.failed import check_reasons

        return service.failed(queue=runtime.registries, reasons=check_reasons(reason or ()), limit=limit)

    perform("failed", Voice(json=json, verbose=verbose, quiet=quiet), work, failed_blocks)


def failed_blocks(report: FailedReport) -> Sequence[Block]:
    """The jobs as a table, and how many there are; a job that names no offer stands under its own id."""
    if not report.jobs:
        return [Note("no failed jobs")]
    rows = [
        (job.offer_id or job.job_id, job.code, job.message, job.attempts, moment(job.failed_at)) for job in report.jobs
    ]
    table = Table(title="Failed jobs", columns=COLUMNS, rows=rows, right=frozenset({"attempts"}))
    return [table, Note(f"{len(rows)} of {report.total} failed jobs")]
