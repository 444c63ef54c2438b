"""`offers failed` and `offers requeue-failed`: the jobs that failed and why, and their way back to the queue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from offers_cli.cli.command import command
from offers_cli.cli.completion import complete_failed_offer, complete_reason
from offers_cli.cli.formatting import format_time
from offers_cli.cli.options import MOST, DryRunOption, parse_age
from offers_cli.cli.render import Block, Note, Table

if TYPE_CHECKING:
    from offers_cli.queue.registries import RequeueReport
    from offers_cli.runtime import Runtime
    from offers_cli.services.failed import FailedReport

ReasonsOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CODE",
        help="Only jobs that failed with this code; may be given more than once.",
        autocompletion=complete_reason,
    ),
]


def failed_blocks(report: FailedReport) -> Sequence[Block]:
    """The jobs as a table, and how many there are; a job that names no offer stands under its own id."""
    if not report.jobs:
        return [Note("no failed jobs")]
    rows = [
        (job.offer_id or job.job_id, job.code, job.message, job.attempts, format_time(job.failed_at))
        for job in report.jobs
    ]
    table = Table("Failed jobs", ("offer", "reason", "message", "attempts", "when"), rows, right=("attempts",))
    return [table, Note(f"{len(report.jobs)} of {report.total} failed jobs")]


@command(
    "failed",
    report="offers_cli.services.failed:FailedReport",
    blocks=failed_blocks,
    examples=("offers failed --reason page_changed", "offers failed --limit 1000 --json"),
)
def failed(
    *,
    runtime: Runtime,
    reason: ReasonsOption = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="The most jobs to show.")] = 50,
) -> FailedReport:
    """Show the failed jobs, newest first: offer, reason, message, attempts, when."""
    from offers_cli.services.failed import check_reasons, failed

    return failed(queue=runtime.registries, reasons=check_reasons(reason or ()), limit=limit)


@command(
    "requeue-failed",
    report="offers_cli.queue.registries:RequeueReport",
    columns=("found", "requeued", "skipped"),
    examples=("offers requeue-failed --reason page_changed", "offers requeue-failed --older-than 1h --json"),
)
def requeue_failed(
    *,
    runtime: Runtime,
    limit: Annotated[int | None, typer.Option(min=1, max=MOST, help="The most jobs to requeue.")] = None,
    reason: ReasonsOption = None,
    offer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID",
            help="Only the job of this offer, by whatever id or link; may be given more than once.",
            autocompletion=complete_failed_offer,
        ),
    ] = None,
    older_than: Annotated[
        str | None, typer.Option(metavar="AGE", help="Only jobs that failed longer ago than this, e.g. 1h.")
    ] = None,
    dry_run: DryRunOption = False,
) -> RequeueReport:
    """Requeue failed jobs, by reason, offer and age."""
    from offers_cli.services.failed import check_reasons, requeue_failed

    return requeue_failed(
        offer or (),
        queue=runtime.registries,
        storage=runtime.later.storage,
        marketplaces=runtime.marketplaces,
        reasons=check_reasons(reason or ()),
        older_than_s=parse_age(older_than, "--older-than"),
        limit=limit,
        dry_run=dry_run,
    )
