"""`offers stats`: the queue, the failures by reason, and how complete the catalogue is."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from offers_cli.cli.figures import moment, span
from offers_cli.cli.options import JsonOption, QuietOption, VerboseOption, examples
from offers_cli.cli.perform import Voice, perform
from offers_cli.cli.render import Block, Line, Output, Table

if TYPE_CHECKING:
    from offers_cli.queue.registries import RunningWorker
    from offers_cli.runtime import Runtime
    from offers_cli.services.stats import StatsReport

FIGURES = frozenset({"count"})
SHOWN_KEYS = 5
SUSPENDED = "suspended: no job is started, until rq resume"


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(
        name="stats", epilog=examples("offers stats --watch --interval 5", "offers stats --json | jq .data.failures")
    )(stats)


def stats(
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Show the figures again and again until Ctrl-C.")
    ] = False,
    interval: Annotated[
        float, typer.Option(min=0.1, max=3600, metavar="SECONDS", help="Time between two looks of --watch.")
    ] = 2.0,
    json: JsonOption = False,
    verbose: VerboseOption = 0,
    quiet: QuietOption = False,
) -> None:
    """Show the queue, the failures by reason, how complete the catalogue is, and what each worker does now."""

    def work(runtime: Runtime, output: Output) -> StatsReport:
        from offers_cli.services.stats import collect_stats

        later = runtime.later
        collect = partial(
            collect_stats,
            storage=later.brief_storage,
            queue=later.registries,
            pace=later.shared_pace,
            drift=runtime.drift_store,
        )
        if watch:
            from offers_cli.cli.watch import watch as show_again

            show_again(collect, output, interval_s=interval, sleep=time.sleep)
        return collect()

    perform("stats", Voice(json=json, verbose=verbose, quiet=quiet), work, stats_blocks)


def stats_blocks(report: StatsReport) -> Sequence[Block]:
    """One table for each part that answered."""
    data = report.data()
    blocks: list[Block] = []
    if data["queue"] is not None:
        rows = list(data["queue"].items())
        rows += [
            ("jobs per minute", _rounded(data["jobs_per_minute"])),
            ("time to empty", span(data["time_to_empty_s"])),
        ]
        blocks.append(Table(title="Queue", columns=("queue", "count"), rows=rows, right=FIGURES))
    if data["failures"]:
        rows = sorted(data["failures"].items(), key=lambda item: -item[1])
        blocks.append(Table(title="Failures", columns=("reason", "count"), rows=rows, right=FIGURES))
    if data["offers"] is not None:
        rows = [(name.replace("_", " "), count) for name, count in data["offers"].items()]
        blocks.append(Table(title="Offers", columns=("offers", "count"), rows=rows, right=FIGURES))
    if report.workers:
        columns = ("worker", "state", "host", "pid", "started", "jobs")
        rows = [(w.name, doing(w), w.hostname, w.pid, moment(w.started_at), len(w.jobs)) for w in report.workers]
        blocks.append(Table(title="Workers", columns=columns, rows=rows, right=frozenset({"pid", "jobs"})))
    blocks += [
        Line(f"paused: {host['host']} for {host['seconds']:.0f} s ({host['reason']})") for host in data["paused"]
    ]
    if report.suspended:
        blocks.append(Line(SUSPENDED))
    blocks += [Line(f"drift: {warning['message']}") for warning in data["drift"]]
    return [*blocks, *_set_aside(report)]


def _set_aside(report: StatsReport) -> list[Block]:
    """The newest keys of a wrong type, with the command that shows each."""
    newest = report.set_aside[-SHOWN_KEYS:]
    lines: list[Block] = [Line(f"set aside, for it is a {key.kind}: {key.key}; {key.look}") for key in newest]
    more = len(report.set_aside) - len(newest)
    return [*lines, Line(f"and {more} more, see docs/redis.md")] if more else lines


def doing(worker: RunningWorker) -> str:
    """What a worker does now: RQ's state, or what keeps it from working."""
    return f"waits for {worker.waits_for}" if worker.waits_for else worker.state


def _rounded(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
