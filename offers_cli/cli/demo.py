"""`offers demo`: a whole run against a local shop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from offers_cli.cli.options import JsonOption, QuietOption, VerboseOption, examples
from offers_cli.cli.perform import exit_code
from offers_cli.cli.render import Block, Line, Output, show_problems

if TYPE_CHECKING:
    from offers_cli.demo.run import DemoReport, Step


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(name="demo", epilog=examples("offers demo", "offers demo --offers 100 --json"))(demo)


def demo(
    offers: Annotated[int, typer.Option(min=1, max=5000, help="Offers that the shop sells.")] = 40,
    json: JsonOption = False,
    verbose: VerboseOption = 0,
    quiet: QuietOption = False,
) -> None:
    """Run everything once against a local shop; nothing outside the machine is touched."""
    from offers_cli.demo.run import run_demo
    from offers_cli.log import configure_logging

    configure_logging(verbosity=-1 if quiet or not verbose else verbose, json_lines=False)
    output = Output(json=json)

    def on_step(step: Step) -> None:
        if not json:
            output.write(f"\n$ {step.words}\n")
            output.show_blocks(step_blocks(step))
            show_problems(step.report.problems)

    report = run_demo(offers, on_step=on_step)
    output.show("demo", report, [] if json else closing_blocks(report), exit_code=exit_code(report.problems))


def step_blocks(step: Step) -> Sequence[Block]:
    """What the command of that step would have shown."""
    from offers_cli.cli.render import summary
    from offers_cli.cli.requeue_failed import COLUMNS as REQUEUE
    from offers_cli.cli.scrape import COLUMNS as SCRAPE
    from offers_cli.cli.stats import stats_blocks
    from offers_cli.cli.worker import COLUMNS as WORKER
    from offers_cli.services.stats import StatsReport

    if isinstance(step.report, StatsReport):
        return stats_blocks(step.report)
    name = step.words.split()[1]
    return summary(name, step.report.data(), {"scrape": SCRAPE, "worker": WORKER}.get(name, REQUEUE))


def closing_blocks(report: DemoReport) -> Sequence[Block]:
    """The offers, and what to do next."""
    from offers_cli.cli.list_offers import offer_blocks

    return [
        Line("\n$ offers list --sort -discount"),
        *offer_blocks(report.offers),
        Line("\nNow the real site: offers scrape ofertas --pages 2, then offers worker --burst"),
    ]
