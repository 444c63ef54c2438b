"""`offers worker` on a terminal: one calm screen that says how far it is, what waits and why, and how it ended."""

from __future__ import annotations

import re
import sqlite3
from typing import Any

import pytest
from acceptance.program import Program, at_shop
from acceptance.terminal import Terminal
from shop import Shop
from waiting import wait_until

TAG = "demonstracao"


@pytest.fixture
def program(offers: Program, calm_shop: Shop) -> Program:
    """A queue with something to do; pages take a moment."""
    program = at_shop(offers, calm_shop)
    program("scrape", "ofertas", "--pages", "9", "--quiet")
    calm_shop.set_latency(0.3)
    return program


def fits(terminal: Terminal, rows: int = 24) -> bool:
    lines = terminal.screen.splitlines()
    return len(lines) <= rows and lines[0].startswith("offers worker")


@pytest.mark.parametrize("more", [[], ["--processes", "2"]], ids=["one process", "two processes"])
def test_a_burst_shows_its_progress_and_leaves_its_summary(program: Program, more: list[str]) -> None:
    with Terminal(program, "worker", "--burst", "--concurrency", "1", *more) as terminal:
        terminal.wait_for(" a minute, ").wait_for("enriched").wait_for("lately  ")
        assert fits(terminal), terminal.screen
        done = re.search(r"done +(\d+) of (\d+)  ━*─* +(\d+)%", terminal.screen)
        assert done, terminal.screen
        assert 0 <= int(done[1]) <= int(done[2]) <= 40
        assert "R$ " in terminal.screen, "what was read is among the events"
        cut = [line for line in terminal.screen.splitlines() if len(line) == 80]
        assert all(line.endswith("…") for line in cut), "nothing is cut without a sign"
        assert "[enrichment]" not in terminal.text, "no lines of the log run over it"
        assert terminal.end() == 0
        assert terminal.shows_cursor
        assert terminal.raw.count(b"\x1b[?1049h") == terminal.raw.count(b"\x1b[?1049l") == 1
        summary = terminal.raw.rpartition(b"\x1b[?1049l")[2].decode()
        assert "succeeded" in summary
        assert "error" not in summary


def test_a_wall_is_named_with_who_waits_behind_it(program: Program, calm_shop: Shop) -> None:
    calm_shop.wall(600)
    with Terminal(program, "worker", ENRICHMENT_BLOCKED_PAUSE_S="60") as terminal:
        terminal.wait_for("waits").wait_for("(page_blocked), ").wait_for("jobs wait")
        assert re.search(r"host: 127\.0\.0\.1:\d+ rests \d+ s \(page_blocked\), \d+ jobs wait", terminal.screen)
        assert fits(terminal), terminal.screen
        terminal.type("\x03")
        assert terminal.end() == 130
        assert "nothing is lost" in terminal.text


def test_a_login_that_is_missing_is_named(program: Program, calm_shop: Shop) -> None:
    cookies = "; ".join(f"{name}={value}" for name, value in calm_shop.log_in().items())
    (program.home.parent / "cookies").write_text(f"Cookie: {cookies}")
    assert program("session", "import", str(program.home.parent / "cookies")).code == 0
    calm_shop.expire_session()
    with Terminal(program, "worker", ML_AFFILIATE_TAG=TAG) as terminal:
        terminal.wait_for("login: ").wait_for("offers session import FILE")
        assert fits(terminal), terminal.screen
        terminal.type("\x03")
        assert terminal.end() == 130


def test_a_database_that_is_away_is_named_and_waited_for(program: Program) -> None:
    with sqlite3.connect(program.home / "offers.db", isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        with Terminal(program, "worker", "--burst") as terminal:
            terminal.wait_for("the database: ")
            assert fits(terminal), terminal.screen
            other.execute("ROLLBACK")
            assert terminal.end() == 0


def test_an_idle_worker_says_for_what_it_waits_at_any_size(program: Program, calm_shop: Shop) -> None:
    calm_shop.set_latency(0)
    program("worker", "--burst", "--quiet")
    with Terminal(program, "worker") as terminal:
        terminal.wait_for("for jobs: offers scrape")
        terminal.resize(columns=60, rows=10)
        before = len(terminal.raw)
        wait_until(lambda: terminal.read() and terminal.raw.count(b"offers worker", before) > 1, "it is drawn again")
        assert fits(terminal, rows=10), terminal.screen
        terminal.type("\x03")
        assert terminal.end() == 130
        assert "Traceback" not in terminal.text


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=["NO_COLOR", "dumb"])
def test_where_nothing_may_be_redrawn_lines_carry_the_time(program: Program, env: Any) -> None:
    with Terminal(program, "worker", "--burst", columns=200, **env) as terminal:
        assert terminal.end() == 0
    assert b"\x1b[" not in terminal.raw
    lines = [line for line in terminal.text.splitlines() if "] " in line and "[" in line]
    assert lines
    for line in lines:
        assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d \[[a-z_]+\] ", line), line


def test_off_a_terminal_and_with_v_there_are_lines(program: Program, calm_shop: Shop) -> None:
    piped = program("worker", "--max-jobs", "1", "--burst")
    assert re.search(r"^\S+T\S+ \[enrichment_job\] succeeded ", piped.err, re.MULTILINE)
    with Terminal(program, "worker", "--burst", "--max-jobs", "1", "-v", columns=200) as terminal:
        assert terminal.end() == 0
    assert re.search(r"^\S+T\S+ \[enrichment_job\] succeeded ", terminal.text, re.MULTILINE)
    assert b"\x1b[?1049h" not in terminal.raw
    calm_shop.recover()
