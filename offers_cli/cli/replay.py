"""`offers replay`: read saved pages again after a fix, without fetching."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from offers_cli.cli.command import command
from offers_cli.cli.completion import complete_reason
from offers_cli.cli.options import DryRunOption
from offers_cli.cli.render import Block, Table, summary

if TYPE_CHECKING:
    from offers_cli.runtime import Runtime
    from offers_cli.services.replay import ReplayReport


def replay_blocks(report: ReplayReport) -> Sequence[Block]:
    """The figures, and for a dry run what would be saved."""
    columns = [name.replace("_", " ") for name in report.changes[0]] if report.changes else []
    rows = [tuple(change.values()) for change in report.changes]
    figures = [name for name in columns if name.endswith((" cents", " pct"))]
    changes = [Table("Would be saved", columns, rows, right=figures)] if rows else []
    return [
        *changes,
        *summary("replay", report, ("found", "mended", "unchanged", "superseded", "unreadable", "forgotten")),
    ]


@command(
    "replay",
    report="offers_cli.services.replay:ReplayReport",
    blocks=replay_blocks,
    examples=("offers replay --reason page_changed --dry-run", "offers replay --reason page_changed --json"),
)
def replay(
    *,
    runtime: Runtime,
    reason: Annotated[
        str | None,
        typer.Option(metavar="CODE", help="Only pages kept for this failure code.", autocompletion=complete_reason),
    ] = None,
    dry_run: DryRunOption = False,
) -> ReplayReport:
    """Read saved pages again with today's code and save what is found; nothing is fetched."""
    from offers_cli.services.failed import check_reasons
    from offers_cli.services.replay import replay

    code = next(iter(check_reasons([reason] if reason else ())), None)
    return replay(
        snapshots=runtime.snapshots,
        storage=runtime.storage,
        queue=runtime.registries,
        marketplace_for=runtime.marketplace_for,
        reason=code,
        dry_run=dry_run,
    )
