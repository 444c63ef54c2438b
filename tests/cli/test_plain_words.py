"""What only the code, RQ or Postgres would call so is said in words wherever a person reads it; JSON keeps its keys."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from offers_cli.cli import render
from offers_cli.cli.commands import find_command
from offers_cli.cli.doctor import doctor_blocks
from offers_cli.cli.explain import explain_blocks
from offers_cli.cli.render import Block, Line, Table
from offers_cli.cli.stats import stats_blocks
from offers_cli.drift.detect import FieldCounts, find_drift
from offers_cli.errors import QueueRefused
from offers_cli.marketplaces.base import Candidate, ProductReading
from offers_cli.queue.registries import QueueCounts
from offers_cli.queue.results import WorkerReport
from offers_cli.services.doctor.examine import DoctorReport, Finding
from offers_cli.services.explain import ExplainReport
from offers_cli.services.replay import ReplayReport
from offers_cli.services.stats import StatsReport

DOCS = Path(__file__).parents[2] / "docs"
OURS = re.compile(
    r"snooz|\bdeferred|\bdrift|egress|\bwon\b|_suspect|\bsuspect|superseded|forgotten|exposure|row.level", re.IGNORECASE
)


def told(blocks: Sequence[Block]) -> str:
    """The words of the blocks, cell by cell."""
    parts: list[object] = []
    for block in blocks:
        if isinstance(block, Table):
            parts += [block.title, *block.columns, *(cell for row in block.rows for cell in row)]
        elif not isinstance(block, render.Plot):
            parts.append(block.text)
    return "\n".join(map(str, parts))


def product(**values: Any) -> ProductReading:
    where: dict[str, Any] = {"marketplace": "m", "url": "https://produto.example/MLB-1", "currency": "BRL"}
    return ProductReading(**where, external_id="MLB1", **values)


def test_help_is_read_without_a_dictionary() -> None:
    """These pages are what the program prints; another test sees that they are."""
    pages = ("commands.md", "exit-codes.md", "failure-codes.md", "settings.md")
    text = "".join((DOCS / page).read_text("utf-8") for page in pages)
    assert [found[0] for found in OURS.finditer(text)] == []


def test_help_says_what_can_be_given_without_types_and_inequations() -> None:
    """And cuts no summary."""
    lines = (DOCS / "commands.md").read_text("utf-8").splitlines()
    shown = [line for line in lines if not line.startswith(("Usage:", "    offers "))]
    assert [line for line in shown if re.search(r"<[a-z|]+[ \[>]|<=|>=|\.\.\.", line)] == []
    assert any("--pages N " in line and line.endswith("[default: 1; 1 to 1000]") for line in shown)


def test_figures_and_findings_are_read_without_a_dictionary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "is_terminal", lambda _stream: True)
    good, bad = (
        FieldCounts.of_page(1, {"old_price_cents": {"markup": 1}} if has else {"price_cents": {"markup": 1}})
        for has in (True, False)
    )
    queue = QueueCounts(queued=1, started=2, scheduled=3, deferred=4, finished=5, failed=6, workers=7)
    drift = tuple(find_drift("shop product", newest_first=[bad] * 200, before=FieldCounts.total([good] * 200)))
    findings = (
        Finding.of("exposure", QueueRefused("anybody may write to it")),
        Finding("row_level_security", "ok", "yours alone", "chmod 600 offers.db"),
    )
    reading = product(
        price_cents=1000,
        candidates={"price_cents": (Candidate("markup", "R$ 10", 1000),)},
        flags=("old_price_suspect", "card_price_suspect"),
    )
    replay, worker = find_command("replay"), find_command("worker")
    assert replay
    assert worker
    text = {
        "stats": told(stats_blocks(StatsReport(queue=queue, drift=drift))),
        "worker": told(worker.blocks(WorkerReport(snoozed=3))),
        "replay": told(replay.blocks(ReplayReport(superseded=1, forgotten=2))),
        "doctor": told(doctor_blocks(DoctorReport(findings=findings))),
        "doctor's problems": "".join(problem.message for each in findings if (problem := each.problem)),
        "explain": told(explain_blocks(ExplainReport(reading=reading))),
    }
    assert {place: found[0] for place, words in text.items() if (found := OURS.search(words))} == {}
    assert "pages: old price found on 0%" in text["stats"]
    assert "times put off\n3" in text["worker"]
    assert "in doubt: the old price is not above the price" in text["explain"]


def test_a_doubt_that_has_no_words_yet_is_shown_all_the_same() -> None:
    assert Line("in doubt: new_doubt") in explain_blocks(ExplainReport(reading=product(flags=("new_doubt",))))
