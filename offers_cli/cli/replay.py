"""`offers replay`: read kept pages again after a fix, without fetching."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from offers_cli.cli.completion import complete_reason
from offers_cli.cli.options import DryRunOption, JsonOption, QuietOption, VerboseOption, examples
from offers_cli.cli.perform import Voice, perform
from offers_cli.cli.render import Block, Output, Table, summary

if TYPE_CHECKING:
    from offers_cli.runtime import Runtime
    from offers_cli.services.replay import ReplayReport

COLUMNS = ("found", "mended", "superseded", "unreadable", "forgotten")
CHANGES = ("offer_id", "price_cents", "old_price_cents", "discount_pct")


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(
        name="replay",
        epilog=examples("offers replay --reason page_changed --dry-run", "offers replay --reason page_changed --json"),
    )(replay)


def replay(
    reason: Annotated[
        str | None,
        typer.Option(metavar="CODE", help="Only pages kept for this failure code.", autocompletion=complete_reason),
    ] = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
    verbose: VerboseOption = 0,
    quiet: QuietOption = False,
) -> None:
    """Read kept pages again with today's code and save what they tell; nothing is fetched."""

    def work(runtime: Runtime, output: Output) -> ReplayReport:
        from offers_cli.services import replay as service
        from offers_cli.services.failed import check_reasons

        check_reasons([reason] if reason else ())
        return service.replay(
            snapshots=runtime.snapshots,
            storage=runtime.storage,
            queue=runtime.registries,
            marketplace_for=runtime.marketplace_for,
            reason=reason,
            dry_run=dry_run,
        )

    perform("replay", Voice(json=json, verbose=verbose, quiet=quiet), work, replay_blocks)


def replay_blocks(report: ReplayReport) -> Sequence[Block]:
    """The figures, and for a dry run what would be saved."""
    rows = [[change[name] for name in CHANGES] for change in report.changes]
    changes = [Table(title="Would be saved", columns=CHANGES, rows=rows, right=frozenset(CHANGES[1:]))] if rows else []
    return [*changes, *summary("replay", report.data(), COLUMNS)]
