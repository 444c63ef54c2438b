"""Start-up time of `offers` against a bare two-command Typer app, interleaved in one run."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BARE = """
import typer
app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
@app.command()
def one(name: str = "x"): "First."
@app.command()
def two(name: str = "x"): "Second."
app()
"""


def measure_s(command: list[str], env: dict[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, env=env, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def main(rounds: int = 25) -> None:
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder) / "bare.py"
        bare.write_text(BARE)
        offers = str(Path(sys.executable).with_name("offers"))
        env = {**os.environ, "OFFERS_HOME": f"{folder}/home"}
        cases = {
            "bare app --help": [sys.executable, str(bare), "--help"],
            "bare app one": [sys.executable, str(bare), "one", "--name", "y"],  # Typer reads options with pydantic
            "offers --help": [offers, "--help"],
            "offers --version": [offers, "--version"],
            "offers scrape --help": [offers, "scrape", "--help"],
            "offers stats --json": [offers, "stats", "--json"],
        }
        for command in cases.values():  # warm the caches, start the embedded Redis
            measure_s(command, env)
        times: dict[str, list[float]] = {name: [] for name in cases}
        for _ in range(rounds):
            for name, command in cases.items():
                times[name].append(measure_s(command, env))
        base = statistics.median(times["bare app --help"])
        print(f"{'command':24} {'median ms':>10} {'ratio':>7}")
        for name, taken in times.items():
            print(f"{name:24} {statistics.median(taken) * 1000:10.1f} {statistics.median(taken) / base:7.2f}")
        stop_embedded_redis(Path(folder) / "home")


def stop_embedded_redis(home: Path) -> None:
    from offers_cli.redis.embedded import stop_server

    stop_server(home)


if __name__ == "__main__":
    main()
