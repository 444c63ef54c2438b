"""`offers demo`: a whole run against a local shop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from offers_cli.cli.command import command
from offers_cli.cli.render import Block, Line, Output, show_problems

if TYPE_CHECKING:
    from offers_cli.demo.run import DemoReport, Step


def closing_blocks(report: DemoReport) -> Sequence[Block]:
    """The offers, and what to do next; the steps were shown one by one."""
    from offers_cli.cli.offers import offer_blocks
    from offers_cli.services.offers import OffersReport

    return [
        Line("\n$ offers list --sort -discount"),
        *offer_blocks(OffersReport(offers=report.offers, total=report.total)),
        Line("\nNow the real site: offers scrape ofertas --pages 2, then offers worker --burst"),
    ]


@command(
    "demo",
    report="offers_cli.demo.run:DemoReport",
    blocks=closing_blocks,
    examples=("offers demo", "offers demo --offers 100 --json"),
)
def demo(
    *,
    output: Output,
    offers: Annotated[int, typer.Option(min=1, max=5000, help="Offers that the shop sells.")] = 40,
) -> DemoReport:
    """Run everything once against a local shop; nothing outside the machine is touched."""
    from offers_cli.demo.run import run_demo
    from offers_cli.log import configure_logging

    configure_logging(verbosity=output.verbosity or -1, json_lines=False)

    def on_step(step: Step) -> None:
        if not output.json:
            output.write(f"\n$ {step.command}\n")
            output.show_blocks(step_blocks(step))
            show_problems(step.data.problems)

    return run_demo(offers, on_step=on_step)


def step_blocks(step: Step) -> Sequence[Block]:
    """What the command of that step would have shown."""
    from offers_cli.cli.commands import find_command

    found = find_command(step.command.split()[1])
    return found.blocks(step.data) if found else []
