"""What a bench found out, kept for the one table of `nox -s bench`; its rows stand in ratios.toml."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path

ROWS = tomllib.loads(Path(__file__).with_name("ratios.toml").read_text("utf-8"))
RECORD = "BENCH_RECORD"
"""The environment variable that names the file; without it nothing is kept."""


def record(row: str, *values: float) -> None:
    """Keep what several runs found for a row of the table: it shows their median, and the range."""
    assert row in ROWS, f"bench/ratios.toml has no row {row}"
    assert values, f"nothing was measured for {row}"
    _keep({"row": row, "values": [round(value, 4) for value in values]})


def record_table(name: str, text: str) -> None:
    """Keep a table of details, in Markdown, for the page."""
    _keep({"table": name, "text": text})


def _keep(found: dict[str, object]) -> None:
    if path := os.environ.get(RECORD):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(found) + "\n")
