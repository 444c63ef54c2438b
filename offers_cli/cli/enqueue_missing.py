"""`offers enqueue-missing`: queue what still lacks something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from offers_cli.cli.options import MOST, DryRunOption, JsonOption, QuietOption, VerboseOption, examples, parse_age
from offers_cli.cli.perform import Voice, perform
from offers_cli.cli.render import Output, summary
from offers_cli.storage.base import Missing

if TYPE_CHECKING:
    from offers_cli.runtime import Runtime
    from offers_cli.services.enqueue_missing import EnqueueMissingReport


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(
        name="enqueue-missing",
        epilog=examples("offers enqueue-missing --limit 1000", "offers enqueue-missing --missing discount --json"),
    )(enqueue_missing)


def enqueue_missing(
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="The most offers to queue.")] = 100,
    missing: Annotated[
        list[Missing] | None, typer.Option(help="Only offers that lack this; may be given more than once.")
    ] = None,
    recheck_after: Annotated[
        str | None, typer.Option(metavar="AGE", help="Ask again for what was looked for longer ago, such as 7d.")
    ] = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
    verbose: VerboseOption = 0,
    quiet: QuietOption = False,
) -> None:
    """Queue one job for each offer that still lacks something, oldest first."""

    def work(runtime: Runtime, output: Output) -> EnqueueMissingReport:
        from offers_cli.services import enqueue_missing as service

        age_s = parse_age(recheck_after, "--recheck-after")
        with output.progress("queueing") as progress:
            return service.enqueue_missing(
                storage=runtime.storage,
                queue=runtime.queue,
                missing=frozenset(missing) if missing else runtime.wanted,
                limit=limit,
                recheck_before=None if age_s is None else runtime.ago(age_s),
                dry_run=dry_run,
                on_progress=progress,
            )

    perform(
        "enqueue-missing",
        Voice(json=json, verbose=verbose, quiet=quiet),
        work,
        lambda report: summary("enqueue-missing", report.data(), ("found", "enqueued", "already_queued")),
    )
