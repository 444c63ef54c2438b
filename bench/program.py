"""What one run of a program uses."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

REAL_PAGES = "OFFERS_REAL_PAGES"
"""Where the benches find captured pages; the program would take it for a setting of its own, and refuse it."""
NOT_HANDED_ON = (REAL_PAGES, "PYTHONDONTWRITEBYTECODE")
"""With the second a program without its bytecode compiles itself at each start: twice the CPU."""


@dataclass(frozen=True, slots=True)
class Used:
    cpu_ms: float
    rss_mb: float


def installed(name: str) -> str:
    """The path of a program of this environment."""
    return str(Path(sys.executable).with_name(name))


def run(command: Sequence[str], env: Mapping[str, str], *, may_refuse: bool = False) -> Used:
    """Run a program to its end, with these variables besides; it must end well, unless it may refuse its input."""
    variables = {name: value for name, value in os.environ.items() if name not in NOT_HANDED_ON} | dict(env)
    quiet = subprocess.DEVNULL
    with (
        tempfile.TemporaryFile("w+") as said,
        subprocess.Popen(command, env=variables, stdin=quiet, stdout=quiet, stderr=said) as process,
    ):
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        is_well = process.returncode == 0 or (may_refuse and process.returncode > 0)
        assert is_well, f"{' '.join(command)} ended with {process.returncode}: {said.read()[-1000:]}"
    return Used((used.ru_utime + used.ru_stime) * 1000, used.ru_maxrss / 1024)
