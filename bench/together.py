"""Puts together what the benches recorded: the figures of docs/benchmarks.json, and the pages that are written from it.

`nox -s bench` runs this at its end. A run of some benches alone shows their rows, and changes no file.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from ratios import ROWS

PROJECT = Path(__file__).parents[1]
RESULTS = PROJECT / "docs" / "benchmarks.json"
PAGE = PROJECT / "docs" / "benchmarks.md"
LIBRARIES = ("rq", "redis", "httpx", "selectolax", "taskiq", "saq", "dramatiq", "celery", "parsel")


def machine() -> dict[str, str | int]:
    """What the figures depend on; nothing that names the machine or its owner."""
    cpu = Path("/proc/cpuinfo")
    names = [line.partition(":")[2].strip() for line in cpu.read_text().splitlines() if line.startswith("model name")]
    return {
        "system": platform.system(),
        "architecture": platform.machine(),
        "processor": names[0] if names else platform.processor(),
        "cores": os.cpu_count() or 0,
    }


def versions() -> dict[str, str]:
    found = {"Python": platform.python_version(), "SQLite": sqlite3.sqlite_version, "offers": version("offers")}
    return found | {name: version(name) for name in LIBRARIES}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("record", type=Path, help="the file that the benches wrote to")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.json and its pages anew")
    chosen = parser.parse_args()
    kept = [json.loads(line) for line in chosen.record.read_text("utf-8").splitlines()]
    rows = {one["row"]: one["values"] for one in kept if "row" in one}
    tables = {one["table"]: one["text"] for one in kept if "table" in one}
    if not chosen.write:
        print(*(f"{ROWS[row]['what']}: {values} {ROWS[row]['unit']}" for row, values in rows.items()), sep="\n")
        return
    results = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": machine(),
        "versions": versions(),
        "rows": {row: rows[row] for row in ROWS if row in rows},
        "tables": json.loads(RESULTS.read_text("utf-8"))["tables"] | tables,
    }
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    subprocess.run([sys.executable, str(PROJECT / "docs" / "generate.py")], check=True)
    print(PAGE.read_text("utf-8"))


if __name__ == "__main__":
    main()
