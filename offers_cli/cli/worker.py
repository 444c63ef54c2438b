"""`offers worker`: run queued jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from offers_cli.cli.options import JsonOption, QuietOption, VerboseOption, examples
from offers_cli.cli.perform import Voice, perform
from offers_cli.cli.render import Output, summary

if TYPE_CHECKING:
    from offers_cli.queue.results import WorkerReport
    from offers_cli.runtime import Runtime
    from offers_cli.services.worker import WorkReport

COLUMNS = ("succeeded", "failed", "retried", "snoozed", "duration_s", "jobs_per_s")


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(
        name="worker", epilog=examples("offers worker --burst", "offers worker --concurrency 8 --processes 2 --json")
    )(worker)


def worker(
    burst: Annotated[bool, typer.Option("--burst", help="End when the queue is empty.")] = False,
    concurrency: Annotated[int | None, typer.Option(min=1, max=256, help="Jobs that one process runs at once.")] = None,
    processes: Annotated[int, typer.Option(min=1, max=64, help="Processes under one supervisor.")] = 1,
    max_jobs: Annotated[int | None, typer.Option(min=1, help="End after this many jobs of all processes.")] = None,
    json: JsonOption = False,
    verbose: VerboseOption = 0,
    quiet: QuietOption = False,
) -> None:
    """Run queued jobs: fetch each product page politely and enrich its offer."""
    voice = Voice(json=json, verbose=verbose, quiet=quiet)

    def work(runtime: Runtime, output: Output) -> WorkReport:
        from offers_cli.worker import WorkOptions, report_waiting, supervise
        from offers_cli.worker import work as work_here

        options = WorkOptions(burst=burst, concurrency=concurrency, max_jobs=max_jobs, verbosity=voice.verbosity)

        with output.progress("enriching") as progress:

            def on_progress(done: WorkerReport) -> None:
                progress(done.ended, note=f"{done.succeeded} enriched, {done.failed} failed")

            if processes == 1:
                report = work_here(runtime, options, on_progress=on_progress)
            else:
                report = supervise(options, processes=processes, on_progress=on_progress)
        return report_waiting(runtime, report) if burst else report

    perform(
        "worker",
        voice,
        work,
        lambda report: summary("worker", report.data(), COLUMNS),
    )
