"""`offers failed` and `offers requeue-failed`: the jobs that failed and why, and their way back to the queue."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Annotated

import typer

from offers_cli.cli.command import command
from offers_cli.cli.completion import complete_failed_offer, complete_reason
from offers_cli.cli.options import MOST, DryRunOption, parse_age
from offers_cli.cli.render import Block, Line, Note, Table, console, is_terminal, summary
from offers_cli.language import translate
from offers_cli.text import printable

if TYPE_CHECKING:
    from offers_cli.queue.registries import RequeueReport
    from offers_cli.runtime import Runtime
    from offers_cli.services.failed import FailedReport, FailureGroup

ReasonsOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CODE",
        help="Only jobs that failed with this code; may be given more than once.",
        autocompletion=complete_reason,
    ),
]


def failed_blocks(report: FailedReport) -> Sequence[Block]:
    """The jobs as a table, then all failures by code; a job that names no offer stands under its own id."""
    if not report.jobs:
        return [Note("no failed jobs")]
    rows = []
    for job in report.jobs:
        offer = report.offers.get(job.offer_id or "")
        called = (offer.external_id, offer.title) if offer else (job.offer_id or job.job_id, "")
        rows.append((*called, job.code, job.message, job.attempts, job.failed_at, job.offer_id))
    columns = ("id", "title", "reason", "message", "attempts", "when", "offer")
    short = ("id", "title", "reason", "when")
    table = Table("Failed jobs", columns, rows, right=("attempts",), cut=("title",), short=short)
    note = Note(f"{len(report.jobs)} of {report.total} failed jobs")
    return [table, *failure_lines(report.groups), note] if is_terminal(sys.stdout) else [table, note]


def failure_lines(groups: Sequence[FailureGroup]) -> list[Line]:
    """The failures by code, each with an example and the next command; translated before they are wrapped."""
    width = console(sys.stdout).width
    texts = []
    for group in groups:
        such_as = translate(", such as") if group.jobs > 1 else ":"
        texts.append(f"{group.jobs} {group.code}{such_as} {group.example}: {printable(translate(group.message))}")
        texts.append(f"  {translate('try')}: {translate(group.next)}")
    wrapped = [wrap(text, width, subsequent_indent="  ", break_on_hyphens=False) for text in texts]
    return [Line(line) for lines in wrapped for line in lines]


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
    """Show the failed jobs, newest first, and all of them by reason with the next command."""
    from offers_cli.services.failed import check_reasons, failed

    return failed(
        queue=runtime.later.registries,
        storage=runtime.later.brief_storage,
        reasons=check_reasons(reason or ()),
        limit=limit,
    )


def requeue_blocks(report: RequeueReport) -> Sequence[Block]:
    """What went back, and what was left because it would only fail again."""
    blocks = summary("requeue-failed", report, ("found", "requeued", "skipped"))
    if report.left:
        counts = ", ".join(f"{count} {code}" for code, count in report.left.items())
        blocks.append(Note(f"left, because that is final: {counts}; --reason or --offer asks for them"))
    return blocks


@command(
    "requeue-failed",
    report="offers_cli.queue.registries:RequeueReport",
    blocks=requeue_blocks,
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
    """Requeue failed jobs, by reason, offer and age; what is final, as offer_gone, only when asked for by name."""
    from offers_cli.services.failed import check_reasons, requeue_failed

    return requeue_failed(
        offer or (),
        queue=runtime.later.registries,
        storage=runtime.later.storage,
        marketplaces=runtime.marketplaces,
        reasons=check_reasons(reason or ()),
        older_than_s=parse_age(older_than, "--older-than"),
        limit=limit,
        dry_run=dry_run,
    )
