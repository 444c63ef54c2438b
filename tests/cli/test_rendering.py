"""Tables and lines: for people on a terminal, for programs in a pipe."""

from __future__ import annotations

import pytest

from offers_cli.cli import render
from offers_cli.cli.render import Line, Output, Table, cell_text
from offers_cli.report import Problem
from offers_cli.services.enqueue_missing import EnqueueMissingReport


def test_a_pipe_gets_tabs_and_whole_text(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("T", ("a", "b"), [("x" * 300, None), ("tab\there", 3)])
    Output().show("list", EnqueueMissingReport(), [table, Line("2 of 2")])
    out = capsys.readouterr().out
    assert out == f"a\tb\n{'x' * 300}\t\ntab here\t3\n2 of 2\n"


def test_control_characters_are_made_visible() -> None:
    assert cell_text("a\x1b[31mb\x07\u202e[/bold]") == "a�[31mb��[/bold]"


def test_problems_go_to_stderr_with_code_and_next_command(capsys: pytest.CaptureFixture[str]) -> None:
    report = EnqueueMissingReport(
        problems=(Problem(code="storage_refused", message="no\x1bway", hint="offers doctor"),)
    )
    Output().show("x", report, [])
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "error: no�way (storage_refused)\n  try: offers doctor\n"


def test_figures_stand_below_each_other_so_that_any_number_of_them_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "is_terminal", lambda _stream: True)
    report = EnqueueMissingReport(found=7, already_queued=3, dry_run=True)
    [table] = render.summary("enqueue-missing", report, ("found", "already_queued"))
    assert isinstance(table, Table)
    assert (table.title, table.rows) == (
        "enqueue-missing (dry run, nothing changed)",
        [("found", 7), ("already queued", 3)],
    )
