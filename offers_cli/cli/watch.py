"""`offers stats --watch`: the figures again and again, redrawn in place on a terminal, block by block elsewhere."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from offers_cli.cli.figures import moment, span
from offers_cli.cli.perform import exit_code
from offers_cli.cli.render import Line, Output, console, is_terminal
from offers_cli.errors import Interrupted
from offers_cli.text import printable
from offers_cli.times import utc_now

if TYPE_CHECKING:
    from rich.table import Table

    from offers_cli.queue.registries import RunningWorker
    from offers_cli.services.stats import StatsReport

Row = tuple[str, str]
"""A label and what stands beside it."""
Show = Callable[["StatsReport"], None]


def watch(
    collect: Callable[[], StatsReport], output: Output, *, interval_s: float, sleep: Callable[[float], None]
) -> NoReturn:
    """Show the figures every `interval_s` seconds until Ctrl-C (exit 130); the terminal is left as it was found."""
    live = is_terminal(sys.stdout) and not output.json
    signal.signal(signal.SIGTERM, _end)
    try:
        with _live_view(interval_s) if live else _blocks(output) as show:
            while True:
                show(collect())
                sleep(interval_s)
    except KeyboardInterrupt:
        raise typer.Exit(Interrupted.exit_code) from None


def _end(number: int, _frame: object) -> NoReturn:
    """Leave by way of the view, which gives the cursor and the screen back."""
    raise typer.Exit(128 + number)


@contextmanager
def _blocks(output: Output) -> Iterator[Show]:
    from offers_cli.cli.stats import stats_blocks

    def show(report: StatsReport) -> None:
        blocks = [Line(moment(utc_now())), *stats_blocks(report), Line("")]
        output.show("stats", report, blocks, exit_code=exit_code(report.problems))

    yield show


@contextmanager
def _live_view(interval_s: float) -> Iterator[Show]:
    from rich.live import Live

    screen = console(sys.stdout)
    with Live(console=screen, screen=True, auto_refresh=False) as live:

        def show(report: StatsReport) -> None:
            now = utc_now()
            head = f"{moment(now)}, every {interval_s:g} s, Ctrl-C ends"
            rows = [("offers", head), *view_rows(report, now=now, height=screen.height - 1)]
            live.update(_grid(rows), refresh=True)

        yield show


def _grid(rows: list[Row]) -> Table:
    """One line a row, so that nothing moves but the figures."""
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True, min_width=max(len(label) for label, _ in rows))
    grid.add_column(no_wrap=True, overflow="ellipsis")
    for label, text in rows:
        grid.add_row(Text(label), Text(printable(text)))
    return grid


def view_rows(report: StatsReport, *, now: datetime, height: int) -> list[Row]:
    """Everything worth watching, in `height` lines at the most; the workers' jobs give way first."""
    rows = [
        *[("error", problem.message) for problem in report.problems],
        *_queue_rows(report),
        *_coverage_rows(report),
        *([("suspended", "no job is started, until rq resume")] if report.suspended else []),
        *[("paused", f"{p.host} for {span(p.seconds)} ({p.reason})") for p in report.paused],
        *[("drift", warning.message) for warning in report.drift],
        *[("set aside", f"{key.key} (a {key.kind}); {key.look}") for key in report.set_aside[-1:]],
    ]
    rows += [("workers", f"{len(report.workers)}")]
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
    failures = sorted((report.failures or {}).items(), key=lambda item: -item[1])
    waiting = {name: getattr(report.queue, name) for name in ("queued", "started", "scheduled", "deferred")}
    return [
        ("queue", _figures(waiting)),
        ("ended", _figures({name: getattr(report.queue, name) for name in ("finished", "failed")})),
        ("rate", f"{rate}, empty in {span(report.time_to_empty_s)}"),
        ("failures", _figures(dict(failures)) if failures else "none"),
    ]


def _coverage_rows(report: StatsReport) -> list[Row]:
    offers = report.offers
    if offers is None:
        return []
    share = f"{offers.enriched * 100 // offers.total}%" if offers.total else "-"
    missing = {
        "old price": offers.missing_old_price,
        "discount": offers.missing_discount,
        "affiliate link": offers.missing_affiliate_link,
    }
    return [
        ("coverage", f"{offers.total:,} offers, {offers.enriched:,} enriched ({share}), {offers.gone:,} gone"),
        ("missing", _figures(missing)),
    ]


def _worker_rows(worker: RunningWorker, now: datetime) -> list[Row]:
    where = worker.hostname + (f" pid {worker.pid}" if worker.pid else "")
    from offers_cli.cli.stats import doing

    busy = [("", f"{_age(job.started_at, now):>8}  {job.url or job.job_id}") for job in worker.jobs]
    return [("worker", f"{where} {doing(worker)}, up {_age(worker.started_at, now)}"), *busy]


def _age(start: datetime | None, now: datetime) -> str:
    return span(max(0.0, (now - start).total_seconds()) if start else None)


def _figures(figures: Any) -> str:
    return "  ".join(f"{name} {count:,}" for name, count in figures.items())
