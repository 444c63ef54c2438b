"""`offers worker`: run queued jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from offers_cli.cli.command import command
from offers_cli.cli.render import Output

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
    from offers_cli.worker import WorkOptions, finish_report, supervise, work

    options = WorkOptions(burst=burst, concurrency=concurrency, max_jobs=max_jobs, verbosity=output.verbosity)
    with output.progress("enriching") as progress:

        def on_progress(done: WorkerReport) -> None:
            progress(done.ended, note=f"{done.succeeded} enriched, {done.failed} failed")

        if processes == 1:
            report = work(runtime, options, on_progress=on_progress)
        else:
            report = supervise(options, processes=processes, on_progress=on_progress)
    return finish_report(runtime, report, burst=burst)
