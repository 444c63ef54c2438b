"""Tables and lines: for people on a terminal, for programs in a pipe."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from offers_cli.cli import render
from offers_cli.cli.formatting import format_when
from offers_cli.cli.render import Coloured, Line, Output, Table, cell_text, show_problems
from offers_cli.cli.scrape import scrape_blocks
from offers_cli.report import Problem
from offers_cli.services.enqueue_missing import EnqueueMissingReport
from offers_cli.services.scrape import ScrapeReport


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


def test_an_error_names_its_offer_as_the_document_does(capsys: pytest.CaptureFixture[str]) -> None:
    show_problems(
        [
            Problem(code="page_changed", message="no price", offer_id="04de4472-8430-4c77-aed7-175348d4c98a"),
            Problem(code="different", message="0193-b: it is not the same", offer_id="0193-b"),
        ]
    )
    assert capsys.readouterr().err == (
        "error: no price (page_changed, offer 04de4472)\nerror: 0193-b: it is not the same (different)\n"
    )


def test_figures_stand_below_each_other_so_that_any_number_of_them_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "is_terminal", lambda _stream: True)
    report = EnqueueMissingReport(found=7, already_queued=3, dry_run=True)
    [table] = render.summary("enqueue-missing", report, ("found", "already_queued"))
    assert isinstance(table, Table)
    assert (table.title, table.rows) == (
        "enqueue-missing (dry run, nothing changed)",
        [("found", 7), ("already queued", 3)],
    )


def test_a_pipe_is_told_that_nothing_was_changed() -> None:
    [line] = render.summary("enqueue-missing", EnqueueMissingReport(found=7, dry_run=True), ("found",))
    assert line == Line("enqueue-missing (dry run, nothing changed): found=7")


def test_a_scrape_ends_with_its_time_and_the_next_command(on_terminal: pytest.MonkeyPatch) -> None:
    on_terminal.setattr("offers_cli.cli.scrape.is_terminal", lambda _stream: True)

    def drawn(**figures: Any) -> tuple[dict[str, object], str]:
        table, line = scrape_blocks(ScrapeReport(pages=1, seen=3, duration_s=63.4, **figures))
        assert isinstance(table, Table)
        assert isinstance(line, Line)
        return {str(name): figure for name, figure in table.rows}, line.text

    figures, next_step = drawn(enqueued=2)
    assert (figures["took"], figures["enqueued"], next_step) == ("1 min 3 s", 2, "Next: offers worker --burst")
    assert drawn()[1] == "Next: offers list"
    figures, next_step = drawn(would_enqueue=2, dry_run=True)
    assert (figures["would enqueue"], "enqueued" in figures) == (2, False)
    assert next_step == "Next: the same command without --dry-run"


def test_a_scrape_that_got_nothing_shows_no_zeros_before_the_reason(on_terminal: pytest.MonkeyPatch) -> None:
    on_terminal.setattr("offers_cli.cli.scrape.is_terminal", lambda _stream: True)
    assert scrape_blocks(ScrapeReport(problems=(Problem(code="site_unavailable", message="away"),))) == []


NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.mark.usefixtures("sao_paulo")
def test_a_person_reads_how_long_ago_or_the_local_time() -> None:
    ages = {
        timedelta(seconds=40): "just now",
        timedelta(minutes=3): "3 min ago",
        timedelta(hours=23, minutes=59): "23 h ago",
        timedelta(days=1): "2026-11-25 09:00",
        timedelta(hours=-1): "2026-11-26 10:00",  # it is still to come
    }
    assert {age: format_when(NOON - age, now=NOON) for age in ages} == ages


@pytest.fixture
def on_terminal(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Standard output is a terminal of as many columns as `COLUMNS` says."""
    monkeypatch.setattr(render, "is_terminal", lambda _stream: True)
    monkeypatch.setattr(render, "utc_now", lambda: NOON)
    return monkeypatch


SEEN = Table(
    "Offers",
    ("id", "title", "price now", "seen", "link"),
    [("MLB1", "Fone " * 12, Coloured("R$ 1,00", "green"), NOON - timedelta(days=2), "https://example/" + "x" * 30)],
    right=("price now",),
    cut=("title",),
    short=("id", "title", "price now"),
    wide=("link", "seen"),
)


@pytest.mark.usefixtures("sao_paulo")
def test_a_wider_terminal_shows_more_columns_the_most_wanted_first(
    on_terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    headings = {}
    for columns in (40, 80, 140):
        on_terminal.setenv("COLUMNS", str(columns))
        Output().show_blocks([SEEN])
        _, _, heading, _, row, *_ = capsys.readouterr().out.splitlines()
        assert len(row) <= columns
        assert "R$ 1,00" in row
        headings[columns] = heading.split()
    assert headings == {
        40: ["id", "title", "price", "now"],
        80: ["id", "title", "price", "now", "seen"],  # the link does not fit
        140: ["id", "title", "price", "now", "seen", "link"],
    }
    assert "2026-11-24 09:00" in row


def test_no_heading_is_cut_and_no_moment_folded_on_a_narrow_terminal(
    on_terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    on_terminal.setenv("COLUMNS", "60")
    table = Table("Jobs", ("message", "already queued", "when"), [("word " * 20, 3, NOON)], right=("already queued",))
    Output().show_blocks([table])
    out = capsys.readouterr().out
    assert "already queued" in out
    assert "just now" in out


def test_a_pipe_gets_a_moment_in_utc_and_a_coloured_cell_plain(capsys: pytest.CaptureFixture[str]) -> None:
    Output().show_blocks([SEEN])
    _, row = capsys.readouterr().out.splitlines()
    assert row.split("\t")[2:4] == ["R$ 1,00", "2026-11-24T12:00:00Z"]


def test_a_long_text_beside_a_moment_in_one_column_crowds_out_no_other_column(
    on_terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    on_terminal.setenv("COLUMNS", "60")
    rows = [("url", "https://example/" + "x" * 80, "listing"), ("seen", NOON, "listing")]
    Output().show_blocks([Table("Offer", ("column", "value", "from"), rows)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].split() == ["column", "value", "from"]
    assert any(line.split() == ["seen", "just", "now", "listing"] for line in lines)
