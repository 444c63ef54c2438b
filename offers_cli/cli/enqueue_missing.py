"""`offers enqueue-missing`: queue what still lacks something."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from offers_cli.cli.command import command
from offers_cli.cli.options import MOST, DryRunOption, parse_age
from offers_cli.cli.render import Block, Output, summary
from offers_cli.storage.base import Missing

if TYPE_CHECKING:
    from offers_cli.runtime import Runtime
    from offers_cli.services.enqueue_missing import EnqueueMissingReport


def enqueue_blocks(report: EnqueueMissingReport) -> Sequence[Block]:
    """The figures; of a dry run what would be queued."""
    queued = ("would_enqueue",) if report.dry_run else ("enqueued", "already_queued")
    return summary("enqueue-missing", report, ("found", *queued))


@command(
    "enqueue-missing",
    report="offers_cli.services.enqueue_missing:EnqueueMissingReport",
    blocks=enqueue_blocks,
    examples=("offers enqueue-missing --limit 1000", "offers enqueue-missing --missing discount --json"),
)
def enqueue_missing(
    *,
    runtime: Runtime,
    output: Output,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="The most offers to queue.")] = 100,
    missing: Annotated[
        list[Missing] | None, typer.Option(help="Only offers that lack this; may be given more than once.")
    ] = None,
    recheck_after: Annotated[
        str | None,
        typer.Option(metavar="AGE", help="Also retry offers last checked more than this long ago, e.g. 7d."),
    ] = None,
    dry_run: DryRunOption = False,
) -> EnqueueMissingReport:
    """Queue one job for each offer that still lacks something, oldest first."""
    from offers_cli.services.enqueue_missing import check_links_can_be_made, enqueue_missing

    if Missing.AFFILIATE_LINK in (missing or ()):
        check_links_can_be_made(runtime.links)
    age_s = parse_age(recheck_after, "--recheck-after")
    with output.progress("queueing") as progress:
        return enqueue_missing(
            storage=runtime.storage,
            queue=runtime.queue,
            missing=frozenset(missing) if missing else runtime.wanted,
            limit=limit,
            recheck_before=None if age_s is None else runtime.ago(age_s),
            dry_run=dry_run,
            on_progress=progress,
        )
