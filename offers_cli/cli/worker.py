"""`offers worker`: run queued jobs."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from offers_cli.cli.command import command
from offers_cli.cli.render import Output, can_redraw

if TYPE_CHECKING:
    from offers_cli.queue.results import WorkerReport
    from offers_cli.runtime import Runtime


@command(
    "worker",
    report="offers_cli.queue.results:WorkerReport",
    columns=("succeeded", "failed", "gone", "retried", "snoozed", "duration_s", "jobs_per_s"),
    examples=("offers worker --burst", "offers worker --concurrency 8 --processes 2 --json"),
)
def worker(
    *,
    runtime: Runtime,
    output: Output,
    burst: Annotated[bool, typer.Option("--burst", help="End when the queue is empty.")] = False,
    concurrency: Annotated[int | None, typer.Option(min=1, max=256, help="Jobs that one process runs at once.")] = None,
    processes: Annotated[int, typer.Option(min=1, max=64, help="Processes under one supervisor.")] = 1,
    max_jobs: Annotated[int | None, typer.Option(min=1, help="End after this many jobs of all processes.")] = None,
) -> WorkerReport:
    """Run queued jobs: fetch each product page politely and enrich its offer."""
    from offers_cli.log import configure_logging
    from offers_cli.worker import WorkOptions, finish_report, supervise, work

    options = WorkOptions(burst=burst, concurrency=concurrency, max_jobs=max_jobs, verbosity=output.verbosity)
    do = partial(work, runtime) if processes == 1 else partial(supervise, processes=processes)
    json_lines = runtime.config.log.format == "json"
    if json_lines or output.json or output.verbosity or not can_redraw(sys.stderr):
        configure_logging(verbosity=output.verbosity, json_lines=json_lines, times=True)
        return finish_report(runtime, do(options=options), burst=burst)
    from offers_cli.cli.worker_screen import WorkerScreen, showing
    from offers_cli.services.worker import look_at_queue

    jobs_at_once = concurrency or runtime.config.enrichment.worker_concurrency
    title = "jobs at once as the pace needs" if jobs_at_once == "auto" else f"{jobs_at_once} jobs at once"
    title = f"{title} in each of {processes} processes" if processes > 1 else title
    screen = WorkerScreen(partial(look_at_queue, runtime.registries, runtime.shared_pace), title=title)
    with showing(screen) as log_to:
        report = do(options=replace(options, log_to=log_to), on_progress=screen.progress)
    return finish_report(runtime, report, burst=burst)
