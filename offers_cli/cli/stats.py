"""`offers stats`: the queue, the failures by reason, and how complete the catalogue is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from offers_cli.cli.options import JsonOption, QuietOption, VerboseOption, examples
from offers_cli.cli.perform import Voice, perform
from offers_cli.cli.render import Block, Line, Output, Table

if TYPE_CHECKING:
    from offers_cli.runtime import Runtime
    from offers_cli.services.stats import StatsReport

FIGURES = frozenset({"count"})


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(name="stats", epilog=examples("offers stats", "offers stats --json | jq .data.failures"))(stats)


def stats(json: JsonOption = False, verbose: VerboseOption = 0, quiet: QuietOption = False) -> None:
    """Show the queue, the failures by reason, and how complete the catalogue is."""

    def work(runtime: Runtime, output: Output) -> StatsReport:
        return runtime.stats()

    perform("stats", Voice(json=json, verbose=verbose, quiet=quiet), work, stats_blocks)


def stats_blocks(report: StatsReport) -> Sequence[Block]:
    """One table for each part that answered."""
    data = report.data()
    blocks: list[Block] = []
    if data["queue"] is not None:
        rows = list(data["queue"].items())
        rows += [
            ("jobs per minute", _rounded(data["jobs_per_minute"])),
            ("time to empty", _span(data["time_to_empty_s"])),
        ]
        blocks.append(Table(title="Queue", columns=("queue", "count"), rows=rows, right=FIGURES))
    if data["failures"]:
        rows = sorted(data["failures"].items(), key=lambda item: -item[1])
        blocks.append(Table(title="Failures", columns=("reason", "count"), rows=rows, right=FIGURES))
    if data["offers"] is not None:
        rows = [(name.replace("_", " "), count) for name, count in data["offers"].items()]
        blocks.append(Table(title="Offers", columns=("offers", "count"), rows=rows, right=FIGURES))
    blocks += [
        Line(f"paused: {host['host']} for {host['seconds']:.0f} s ({host['reason']})") for host in data["paused"]
    ]
    return blocks


def _rounded(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _span(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
