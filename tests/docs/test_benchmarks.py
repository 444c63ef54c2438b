"""The table of what is measured: each row has a bench that fills it, and each figure a row."""

from __future__ import annotations

import importlib.util
import json
import re
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
BENCH, DOCS = ROOT / "bench", ROOT / "docs"
ROWS = tomllib.loads((BENCH / "ratios.toml").read_text("utf-8"))
RESULTS: dict[str, Any] = json.loads((DOCS / "benchmarks.json").read_text("utf-8"))


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"{path.parent.name}_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def files_of(bench: str) -> list[Path]:
    path = BENCH / bench.split(maxsplit=1)[0]
    return sorted(path.glob("*.py")) if path.is_dir() else [path]


@pytest.mark.parametrize("row", ROWS)
def test_no_row_stays_empty_for_ever(row: str) -> None:
    """What the page says to measure it names it, and `nox -s bench` runs that."""
    bench = ROWS[row]["bench"]
    named = "".join(file.read_text("utf-8") for file in files_of(bench))
    assert f'"{row}"' in named, f"bench/{bench} does not record {row}"
    assert f'"{bench.split()[0]}' in (ROOT / "noxfile.py").read_text("utf-8")


def test_every_figure_has_a_row() -> None:
    recorded = set(RESULTS["rows"])
    for file in BENCH.rglob("*.py"):
        recorded |= set(re.findall(r'\brecord\("(\w+)"', file.read_text("utf-8")))
    assert recorded <= ROWS.keys()


def test_a_bench_keeps_nothing_that_the_table_does_not_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that was renamed in one place would be lost without a word."""
    ratios, file = load(BENCH / "ratios.py"), tmp_path / "found.jsonl"
    monkeypatch.setenv("BENCH_RECORD", str(file))
    with pytest.raises(AssertionError, match="has no row nonsense"):
        ratios.record("nonsense", 1.0)
    ratios.record("job_cpu", 7.123456, 8)
    ratios.record_table("details", "| a |")
    assert [json.loads(line) for line in file.read_text().splitlines()] == [
        {"row": "job_cpu", "values": [7.1235, 8]},
        {"table": "details", "text": "| a |"},
    ]
    monkeypatch.delenv("BENCH_RECORD")
    ratios.record("job_cpu", 9.0)
    assert len(file.read_text().splitlines()) == 2


def test_the_page_says_which_goals_were_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A figure is the median of its runs; one beside its goal is no success, whichever way better is."""
    figures = load(DOCS / "figures.py")
    rows = {"job_floor": [1.2, 1.5, 1.4], "job_peer_rate": [1.31], "pace_one_egress": [97.9]}
    monkeypatch.setitem(figures.RESULTS, "rows", rows)
    page = figures.benchmarks()
    assert "| 1.4 × (1.2–1.5) **missed** | ≤ 1.3 |" in page
    assert "| 1.31 × | ≥ 1.3 |" in page
    assert "| 97.9 % **missed** | ≥ 98 |" in page
    assert "| – | ≤ 2 |" in page


def test_larger_catalogues_are_computed_from_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    figures = load(DOCS / "figures.py")
    rows = {"pace_one_egress": [100.0], "job_cpu": [10.0], "queued_job": [2.0], "database_offer": [1.0]}
    monkeypatch.setitem(figures.RESULTS, "rows", rows)
    small, _, large = (figures._demand(size) for size in figures.SIZES)
    assert small["all pages once, by one egress"] == "13.9 hours"
    assert large["pages a second, for all in 7 days"] == "165"
    assert large["egresses at the delay of 0.5 s"] == "83"
    assert large["CPU of the workers"] == "1.65 cores"
    assert large["Redis, were all queued at once"] == "200 GB"
    assert (small["as a Supabase project"], large["as a Supabase project"]) == ("free", "36.5 USD a month")
    assert "| `job_cpu` | CPU of a whole job, 2 × 16 jobs at once, 650 kB pages | 10 ms | measured |" in figures.scale()
