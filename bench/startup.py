"""What starting `offers` costs, in CPU time, beside a bare Typer app and RQ's worker, interleaved in one run."""

from __future__ import annotations

import argparse
import contextlib
import statistics
import sys
import tempfile
from pathlib import Path

from program import installed, run
from ratios import record

from offers_cli.redis.embedded import ensure_server, stop_server

BARE = """
import typer
app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
@app.command()
def one(name: str = "x"): "First."
@app.command()
def two(name: str = "x"): "Second."
app()
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=25)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="of-") as folder, contextlib.ExitStack() as stack:
        home = Path(folder) / "home"
        bare = Path(folder) / "bare.py"
        bare.write_text(BARE)
        offers, rq, env = installed("offers"), installed("rq"), {"OFFERS_HOME": str(home)}
        url = f"unix://{ensure_server(home)}"
        stack.callback(stop_server, home)
        cases = {
            "bare app --help": [sys.executable, str(bare), "--help"],
            "bare app one": [sys.executable, str(bare), "one", "--name", "y"],  # Typer reads options with pydantic
            "offers --help": [offers, "--help"],
            "offers --version": [offers, "--version"],
            "offers scrape --help": [offers, "scrape", "--help"],
            "offers list --json": [offers, "list", "--json"],
            "offers stats --json": [offers, "stats", "--json"],
            "rq worker --burst": [rq, "worker", "--burst", "--url", url, "enrichment"],
            "offers worker --burst": [offers, "worker", "--burst"],
        }
        for command in cases.values():  # warm the caches
            run(command, env)
        times: dict[str, list[float]] = {name: [] for name in cases}
        for _ in range(rounds):
            for name, command in cases.items():
                times[name].append(run(command, env).cpu_ms)
    base = statistics.median(times["bare app --help"])
    print(f"{'command':24} {'CPU ms':>10} {'ratio':>7}")
    for name, taken in times.items():
        print(f"{name:24} {statistics.median(taken):10.1f} {statistics.median(taken) / base:7.2f}")
    for row, ours, other in (
        ("startup_help", "offers --help", "bare app --help"),
        ("startup_list", "offers list --json", "bare app one"),
        ("startup_stats", "offers stats --json", "bare app one"),
        ("startup_burst", "offers worker --burst", "rq worker --burst"),
    ):
        record(row, *(mine / theirs for mine, theirs in zip(times[ours], times[other], strict=True)))


if __name__ == "__main__":
    main()
