"""`offers doctor`: everything that can be wrong, and the command that mends it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from offers_cli.cli.options import JsonOption, QuietOption, VerboseOption, examples
from offers_cli.cli.perform import Voice, perform_alone
from offers_cli.cli.render import Block, Line, Note, Output, Table, is_terminal

if TYPE_CHECKING:
    from offers_cli.services.doctor.examine import DoctorReport

COLUMNS = ("check", "state", "evidence", "advice")


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(
        name="doctor",
        epilog=examples("offers doctor", "offers doctor --json | jq '.data.checks[] | select(.state != \"ok\")'"),
    )(doctor)


def doctor(json: JsonOption = False, verbose: VerboseOption = 0, quiet: QuietOption = False) -> None:
    """Check everything that can be wrong, with the command that mends it; ends within 10 seconds."""

    def work(output: Output) -> DoctorReport:
        import os

        from offers_cli.config import examine_config, working_folder
        from offers_cli.log import configure_logging
        from offers_cli.redis.health import read_health
        from offers_cli.runtime import Runtime
        from offers_cli.services.doctor.checks import list_checks
        from offers_cli.services.doctor.examine import examine

        config, problems = examine_config(os.environ, working_folder())
        configure_logging(verbosity=0 if verbose else -1, json_lines=config.log.format == "json")
        runtime = Runtime(config)  # never closed: closing could wait for what hangs
        later = runtime.later
        checks = list_checks(
            config,
            problems,
            read_health=lambda: read_health(runtime.connection),
            queue=later.registries,
            drift=runtime.drift_store,
            storage=later.brief_storage,
            pages=runtime.pages,
            now=runtime.now(),
        )
        return examine(checks)

    perform_alone("doctor", Voice(json=json, verbose=verbose, quiet=quiet), work, doctor_blocks)


def doctor_blocks(report: DoctorReport) -> Sequence[Block]:
    """The findings as a table, and how many of them are not well.

    On a terminal advice stands below, each on a line of its own, to be copied; that of problems follows on stderr.
    """
    bad = sum(finding.state != "ok" for finding in report.findings)
    counted = Note(f"{bad} of {len(report.findings)} checks are not ok")
    rows = [(f.name, f.state, f.evidence, f.advice) for f in report.findings]
    if not is_terminal(sys.stdout):
        return [Table(title="Doctor", columns=COLUMNS, rows=rows), counted]
    advice = [Line(f"{f.name}: {f.advice}") for f in report.findings if f.advice and f.state != "problem"]
    return [Table(title="Doctor", columns=COLUMNS[:-1], rows=[row[:-1] for row in rows]), *advice, counted]
