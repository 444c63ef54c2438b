"""`offers stats`: the queue, the failures by reason, and how complete the catalogue is.

With `--watch` again and again: redrawn in place on a terminal that may be, block by block elsewhere.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from offers_cli.cli.command import command
from offers_cli.cli.failed import failure_lines
from offers_cli.cli.formatting import format_time
from offers_cli.cli.render import Block, Line, Output, Table, can_redraw, console, is_terminal
from offers_cli.cli.schedule import schedule_table
from offers_cli.errors import Interrupted
from offers_cli.language import figure, translate
from offers_cli.text import printable
from offers_cli.times import format_duration, utc_now

if TYPE_CHECKING:
    from rich.table import Table as Grid

    from offers_cli.queue.registries import QueueCounts, RunningWorker
    from offers_cli.runtime import Runtime
    from offers_cli.services.schedule import ScheduleEntry
    from offers_cli.services.stats import StatsReport
    from offers_cli.storage.base import OfferCounts

SHOWN_KEYS = 5
WAITING = {
    "queued": "queued",
    "started": "running",
    "scheduled": "put off",
    "deferred": "waiting for another job",
}
"""What a person reads for the registries of RQ whose jobs are still to end."""
SUSPENDED = "no job is started, until rq resume"

Row = tuple[str, str]
"""A label and what stands beside it."""
Show = Callable[["StatsReport"], object]


class Verbatim(str):
    """What stands beside a label and is not translated: it is already, or others wrote it."""

    __slots__ = ()


def stats_blocks(report: StatsReport) -> Sequence[Block]:
    """One table for each part that answered."""
    blocks: list[Block] = []
    if report.queue is not None:
        blocks.append(Table("Queue", ("queue", "count"), _queue_figures(report, report.queue), right=("count",)))
    if report.failures:
        blocks.append(Table("Failures", ("reason", "count"), _most_first(report.failures), right=("count",)))
        blocks += failure_lines(report.failure_groups) if is_terminal(sys.stdout) else []
    if report.offers is not None:
        blocks.append(Table("Offers", ("offers", "count"), _offer_figures(report, report.offers), right=("count",)))
    if report.workers:
        rows = [(w.name, doing(w), w.hostname, w.pid, w.started_at, len(w.jobs)) for w in report.workers]
        columns = ("worker", "state", "host", "pid", "started", "jobs")
        blocks.append(Table("Workers", columns, rows, right=("pid", "jobs")))
    if report.schedule:
        blocks.append(schedule_table(report.schedule))
    blocks += [Line(f"put off: {jobs.jobs} ({jobs.code}): {jobs.message}") for jobs in report.put_off]
    blocks += [Line(f"paused: {host.host} for {host.seconds:.0f} s ({host.reason})") for host in report.paused]
    if report.suspended:
        blocks.append(Line(f"suspended: {SUSPENDED}"))
    blocks += [Line(f"pages: {warning.message}") for warning in report.drift]
    blocks += [Line(f"alerts: {wrong}; offers alerts list")] if (wrong := _alerts(report)) else []
    newest = report.set_aside[-SHOWN_KEYS:]
    blocks += [Line(f"set aside, because it is a {key.kind}: {key.key}; {key.look}") for key in newest]
    if more := len(report.set_aside) - len(newest):
        blocks.append(Line(f"and {more} more, see docs/redis.md"))
    return blocks


def _alerts(report: StatsReport) -> str:
    from offers_cli.services.alerts import say_what_went_wrong

    return say_what_went_wrong(report.alerts) if report.alerts else ""


def _queue_figures(report: StatsReport, queue: QueueCounts) -> list[tuple[str, object]]:
    """Each figure says what it counts; one that shrinks by itself says over which time it does."""
    figures: list[tuple[str, object]] = [(words, getattr(queue, name)) for name, words in WAITING.items()]
    figures += [("finished, kept for 8 min", queue.finished), ("failed, kept for a year", queue.failed)]
    if report.recent is not None:
        minutes = report.recent.window_s // 60
        figures += [(f"finished in the last {minutes} min", report.recent.finished)]
        figures += [(f"failed in the last {minutes} min", report.recent.failed)]
    rate = "-" if report.jobs_per_minute is None else figure(f"{report.jobs_per_minute:.1f}")
    figures += [("workers", queue.workers), ("jobs per minute of work", rate)]
    return [*figures, ("time to empty", format_duration(report.time_to_empty_s))]


def _offer_figures(report: StatsReport, offers: OfferCounts) -> list[tuple[str, object]]:
    """Missing is what is not there; to look for is what nobody has looked for yet."""
    figures: list[tuple[str, object]] = [("total", offers.total), ("gone", offers.gone), ("enriched", offers.enriched)]
    needing = report.needing
    if needing is not None:
        figures.append(("still need something", needing.any))
    for name in ("old_price", "discount", "affiliate_link"):
        figures.append((f"on sale, missing {name.replace('_', ' ')}", getattr(offers, f"missing_{name}")))
        if needing is not None:
            to_look_for = getattr(needing, name)
            figures.append(("  of them to look for", "no links are made" if to_look_for is None else to_look_for))
    return figures


def _most_first(failures: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(failures.items(), key=lambda item: -item[1])


def doing(worker: RunningWorker) -> str:
    """What a worker does now: RQ's state, or what keeps it from working."""
    return f"waits for {worker.waits_for}" if worker.waits_for else worker.state


@command(
    "stats",
    report="offers_cli.services.stats:StatsReport",
    blocks=stats_blocks,
    examples=("offers stats --watch --interval 5", "offers stats --json | jq .data.failures"),
)
def stats(
    *,
    runtime: Runtime,
    output: Output,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Refresh the figures until Ctrl-C.")] = False,
    interval: Annotated[
        float, typer.Option(min=0.1, max=3600, metavar="SECONDS", help="Refresh interval for --watch.")
    ] = 2.0,
) -> StatsReport:
    """Show the queue, the failures by reason, how complete the catalogue is, and what each worker does now."""
    if watch:
        watch_stats(runtime.collect_stats, output, interval_s=interval, sleep=time.sleep)
    return runtime.collect_stats()


def watch_stats(
    collect: Callable[[], StatsReport], output: Output, *, interval_s: float, sleep: Callable[[float], None]
) -> NoReturn:
    """Show the figures every `interval_s` seconds until Ctrl-C (exit 130); the terminal is left as it was found."""
    live = can_redraw(sys.stdout) and not output.json
    signal.signal(signal.SIGTERM, _end)
    try:
        with _live_view(interval_s) if live else _one_below_the_other(output) as show:
            while True:
                show(collect())
                sleep(interval_s)
    except KeyboardInterrupt:
        raise typer.Exit(Interrupted.exit_code) from None


def _end(number: int, _frame: object) -> NoReturn:
    """Leave by way of the view, which gives the cursor and the screen back."""
    raise typer.Exit(128 + number)


def _clock() -> str:
    """The local time, to the second."""
    return f"{utc_now().astimezone():%Y-%m-%d %H:%M:%S}"


@contextmanager
def _one_below_the_other(output: Output) -> Iterator[Show]:
    yield lambda report: output.show("stats", report, [Line(_clock()), *stats_blocks(report), Line("")])


@contextmanager
def _live_view(interval_s: float) -> Iterator[Show]:
    from rich.live import Live

    screen = console(sys.stdout)
    with Live(console=screen, screen=True, auto_refresh=False) as live:

        def show(report: StatsReport) -> None:
            now = utc_now()
            head = f"{_clock()}, every {interval_s:g} s, Ctrl-C ends"
            rows = [("offers", head), *view_rows(report, now=now, height=screen.height - 1)]
            live.update(grid(rows), refresh=True)

        yield show


def grid(rows: list[Row]) -> Grid:
    """One line a row, so that nothing moves but the figures."""
    from rich.table import Table as Grid
    from rich.text import Text

    told = [(translate(label), text if isinstance(text, Verbatim) else translate(text)) for label, text in rows]
    lines = Grid.grid(padding=(0, 2))
    lines.add_column(style="bold", no_wrap=True, min_width=max(len(label) for label, _ in told))
    lines.add_column()  # that may wrap: one that may not is cut without a sign
    for label, text in told:
        lines.add_row(Text(label), Text(printable(text), no_wrap=True, overflow="ellipsis"))
    return lines


def view_rows(report: StatsReport, *, now: datetime, height: int) -> list[Row]:
    """Everything worth watching, in `height` lines at the most; the workers' jobs give way first."""
    rows = [
        *[("error", problem.message) for problem in report.problems],
        *_queue_rows(report),
        *_coverage_rows(report),
        *([("suspended", SUSPENDED)] if report.suspended else []),
        *[("paused", f"{p.host} for {format_duration(p.seconds)} ({p.reason})") for p in report.paused],
        *[("pages", warning.message) for warning in report.drift],
        *([("alerts", wrong)] if (wrong := _alerts(report)) else []),
        *([("by the clock", "; ".join(map(_on_clock, report.schedule)))] if report.schedule else []),
        *[("set aside", f"{key.key} (a {key.kind}); {key.look}") for key in report.set_aside[-1:]],
        ("workers", f"{len(report.workers)}"),
    ]
    workers = [row for worker in report.workers for row in _worker_rows(worker, now)]
    room = max(0, height - len(rows))
    if len(workers) > room:
        hidden = len(workers) - room + 1
        workers = [*workers[: max(0, room - 1)], ("", f"… {hidden} more lines; a taller window shows them")]
    return [*rows, *workers][:height]


def _queue_rows(report: StatsReport) -> list[Row]:
    if report.queue is None:
        return []
    rate = "-" if report.jobs_per_minute is None else f"{report.jobs_per_minute:.1f} jobs per minute"
    ended = {name: getattr(report.queue, name) for name in ("finished", "failed")}
    over = "finished ones of the last 8 min"
    if report.recent is not None:
        ended = {"finished": report.recent.finished, "failed": report.recent.failed}
        over = f"in the last {report.recent.window_s // 60} min"
    return [
        ("queue", _figures({words: getattr(report.queue, name) for name, words in WAITING.items()})),
        ("ended", f"{_figures(ended)}  {over}"),
        ("rate", f"{rate}, empty in {format_duration(report.time_to_empty_s)}"),
        ("failures", _figures(dict(_most_first(report.failures))) if report.failures else "none"),
    ]


def _coverage_rows(report: StatsReport) -> list[Row]:
    offers = report.offers
    if offers is None:
        return []
    missing = {
        "old price": offers.missing_old_price,
        "discount": offers.missing_discount,
        "affiliate link": offers.missing_affiliate_link,
    }
    coverage = [f"{offers.total:,} offers, {offers.gone:,} gone, {offers.enriched:,} enriched"]
    if report.needing is not None:  # the share reaches its end when nothing is left to do, whatever pages show
        on_sale = offers.total - offers.gone
        done = max(0, on_sale - report.needing.any)
        share = f" ({done * 100 // on_sale}%)" if on_sale else ""
        coverage.append(f"{done:,} of {on_sale:,} on sale need nothing{share}")
    return [
        ("coverage", "; ".join(coverage)),
        ("missing", _figures(missing)),
    ]


def _worker_rows(worker: RunningWorker, now: datetime) -> list[Row]:
    where = worker.hostname + (f" pid {worker.pid}" if worker.pid else "")
    busy = [("", f"{_age(job.started_at, now):>8}  {job.url or job.job_id}") for job in worker.jobs]
    return [("worker", f"{where} · {doing(worker)} · up {_age(worker.started_at, now)}"), *busy]


def _on_clock(entry: ScheduleEntry) -> str:
    """What an entry of the schedule does, or how it ended last and when it is due."""
    ended = entry.last_run.status if entry.last_run else "never run"
    state = f"{ended}, next {format_time(entry.next_run_at)}" if entry.status == "waiting" else entry.status
    return f"{entry.name} {state}"


def _age(start: datetime | None, now: datetime) -> str:
    return format_duration(max(0.0, (now - start).total_seconds()) if start else None)


def _figures(figures: Mapping[str, int]) -> str:
    return "  ".join(f"{name} {count:,}" for name, count in figures.items())
