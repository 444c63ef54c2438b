"""`offers doctor`: everything that can be wrong, and the command that fixes it."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from offers_cli.cli.command import command
from offers_cli.cli.render import Block, Coloured, Line, Note, Output, Table, is_terminal

if TYPE_CHECKING:
    from offers_cli.services.doctor.examine import DoctorReport


COLOURS = {"ok": "green", "warning": "yellow", "problem": "red"}
"""Of the states; what was not looked at has none."""


def doctor_blocks(report: DoctorReport) -> Sequence[Block]:
    """The findings as a table, and how many of them are not well.

    On a terminal advice stands below, each on a line of its own, to be copied; that of problems follows on stderr.
    """
    rows = [
        (each.title, Coloured(each.state, COLOURS.get(each.state, "")), each.evidence, each.advice)
        for each in report.findings
    ]
    columns = ("check", "state", "evidence", "advice")
    table = Table("Doctor", columns, rows, short=columns[:-1])
    advised = [each for each in report.findings if each.advice and each.state != "problem"]
    advice = [Line(f"{each.title}: {each.advice}") for each in advised] if is_terminal(sys.stdout) else []
    return [table, *advice, Note(count_findings(report))]


def count_findings(report: DoctorReport) -> str:
    """How many findings are what, in words: ``2 problems, 1 warning, 16 ok``."""
    counts: Counter[str] = Counter(each.state for each in report.findings)
    if counts["ok"] == len(report.findings):
        return f"all {counts['ok']} checks are ok"
    words = [("problem", "problem", "problems"), ("warning", "warning", "warnings")]
    words += [("unknown", "not looked at", "not looked at"), ("ok", "ok", "ok")]
    return ", ".join(
        f"{counts[state]} {one if counts[state] == 1 else many}" for state, one, many in words if counts[state]
    )


@command(
    "doctor",
    report="offers_cli.services.doctor.examine:DoctorReport",
    blocks=doctor_blocks,
    examples=("offers doctor", "offers doctor --json | jq '.data.checks[] | select(.state != \"ok\")'"),
)
def doctor(*, output: Output) -> DoctorReport:
    """Check the setup and print the command that fixes each problem; ends within 10 seconds."""
    import os

    from offers_cli.config import examine_config, working_folder
    from offers_cli.log import configure_logging
    from offers_cli.redis.health import read_health
    from offers_cli.runtime import Runtime
    from offers_cli.services.doctor.checks import list_checks
    from offers_cli.services.doctor.examine import examine

    config, problems = examine_config(os.environ, working_folder())
    configure_logging(verbosity=0 if output.verbosity > 0 else -1, json_lines=config.log.format == "json")
    runtime = Runtime(config)  # never closed: closing could wait for what hangs
    later = runtime.later
    checks = list_checks(
        config,
        problems,
        read_health=lambda: read_health(runtime.connection),
        queue=later.registries,
        drift=runtime.drift_store,
        alerts=later.alerts,
        schedule=later.schedule,
        storage=later.brief_storage,
        pages=runtime.pages,
        now=runtime.now(),
    )
    return examine(checks)
