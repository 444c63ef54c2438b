"""`offers requeue-failed`: failed jobs go back to the queue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from offers_cli.cli.completion import complete_offer_id, complete_reason
from offers_cli.cli.options import MOST, DryRunOption, JsonOption, QuietOption, VerboseOption, examples, parse_age
from offers_cli.cli.perform import Voice, perform
from offers_cli.cli.render import Output, summary

if TYPE_CHECKING:
    from offers_cli.runtime import Runtime
    from offers_cli.services.failed import RequeueFailedReport

COLUMNS = ("found", "requeued", "skipped")


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(
        name="requeue-failed",
        epilog=examples("offers requeue-failed --reason page_changed", "offers requeue-failed --older-than 1h --json"),
    )(requeue_failed)


def requeue_failed(
    limit: Annotated[int | None, typer.Option(min=1, max=MOST, help="The most jobs to put back.")] = None,
    reason: Annotated[
        list[str] | None,
        typer.Option(metavar="CODE", help="Only jobs that failed with this code.", autocompletion=complete_reason),
    ] = None,
    offer: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="Only the job of this offer.", autocompletion=complete_offer_id),
    ] = None,
    older_than: Annotated[
        str | None, typer.Option(metavar="AGE", help="Only jobs that failed longer ago, such as 1h.")
    ] = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
    verbose: VerboseOption = 0,
    quiet: QuietOption = False,
) -> None:
    """Put failed jobs back to the queue, by reason, offer and age."""

    def work(runtime: Runtime, output: Output) -> RequeueFailedReport:
        from offers_cli.services import failed as service

        return service.requeue_failed(
            queue=runtime.registries,
            reasons=service.check_reasons(reason or ()),
            offer_ids=frozenset(offer or ()),
            older_than_s=parse_age(older_than, "--older-than"),
            limit=limit,
            dry_run=dry_run,
        )

    perform(
        "requeue-failed",
        Voice(json=json, verbose=verbose, quiet=quiet),
        work,
        lambda report: summary("requeue-failed", report.data(), COLUMNS),
    )
