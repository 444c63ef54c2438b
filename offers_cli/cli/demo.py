"""`offers demo`: a whole run against a local shop."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from offers_cli.cli.command import build, command
from offers_cli.cli.render import Block, Line, Output, can_redraw, show_problems
from offers_cli.errors import OffersError
from offers_cli.report import Report, problems_of

if TYPE_CHECKING:
    from offers_cli.cli.command import Command
    from offers_cli.demo.run import DemoReport
    from offers_cli.runtime import Runtime

NEXT = (
    "offers scrape ofertas --pages 2",
    "offers worker --burst",
    "offers list --sort -discount",
    "offers init",
)
"""What can be run when the demo is over."""


def closing_blocks(_report: DemoReport) -> Sequence[Block]:
    """What to do next; the steps were shown one by one."""
    head = "\nThe shop is closed, and what was saved of it removed. Now the real site:"
    return [Line(head), *(Line(f"  {line}") for line in NEXT)]


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

    shows_screen = can_redraw(sys.stderr) and not output.json
    inner = output if output.verbosity or shows_screen else replace(output, verbosity=-1)

    def tell(line: str) -> None:
        if not output.json:
            output.write(f"\n{line}\n")

    def do(runtime: Runtime, line: str) -> Report:
        tell(f"$ offers {line}")
        configure_logging(verbosity=output.verbosity or -1, json_lines=False)
        report, blocks = run_line(line, inner, runtime)
        if not output.json:
            output.show_blocks(blocks)
            show_problems(report.problems)
        return report

    return run_demo(offers, do=do, on_comment=tell)


def run_line(line: str, output: Output, runtime: Runtime) -> tuple[Report, Sequence[Block]]:
    """Do what a command line says with an open runtime; an error is a report with its problem."""
    from offers_cli.cli.commands import find_commands

    name, *words = shlex.split(line)
    find_commands(name)

    def run(typed: Command, *, json: bool, verbose: int, quiet: bool, **options: Any) -> Any:
        return typed.do(output, options, runtime=runtime)

    try:
        found: tuple[Report, Sequence[Block]] = build(name, run=run)(words, standalone_mode=False)
    except OffersError as error:
        return Report(problems=tuple(problems_of(error))), []
    return found
