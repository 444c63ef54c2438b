"""A person at a terminal, 80×24 and 200×50: what stands on the screen, what is asked, how it is left."""

from __future__ import annotations

import os
import signal
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from acceptance.program import Program, at_shop
from acceptance.terminal import Terminal
from shop import Shop
from waiting import NEVER_S

from offers_cli.demo.catalogue import Behaviour, Catalogue
from offers_cli.redis.embedded import stop_server

SIZES = pytest.mark.parametrize(("columns", "rows"), [(80, 24), (200, 50)], ids=["80x24", "200x50"])


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with Shop(Catalogue(40, 1, (Behaviour.BROKEN, Behaviour.BROKEN))) as shop:
        yield shop


@pytest.fixture(scope="module")
def program(shop: Shop) -> Iterator[Program]:
    with tempfile.TemporaryDirectory(prefix="of-") as name:
        program = at_shop(Program(Path(name) / "home"), shop)
        program("scrape", "ofertas", "--pages", "20", "--quiet")
        program("worker", "--burst", "--quiet")
        yield program
        stop_server(program.home)


def shown(program: Program, *args: str, columns: int = 80, rows: int = 24, **env: str) -> Terminal:
    with Terminal(program, *args, columns=columns, rows=rows, **env) as terminal:
        assert terminal.end() == 0, terminal.screen
    return terminal


@SIZES
def test_a_list_has_one_line_an_offer_and_fits(program: Program, columns: int, rows: int) -> None:
    terminal = shown(program, "list", "--limit", "10", columns=columns, rows=rows)
    lines = terminal.screen.splitlines()
    assert sum("R$ " in line for line in lines) == 10
    assert all(len(line) <= columns for line in terminal.text.splitlines())
    assert "10 of 40 offers" in lines[-1]
    assert all(heading in terminal.screen for heading in ("external id", "title", "price", "old price", "off"))
    assert ("source" in terminal.screen) == (columns > 80), "a wider one shows more"


@SIZES
def test_a_price_plot_fits_and_says_what_it_means(program: Program, shop: Shop, columns: int, rows: int) -> None:
    calm = next(offer for offer in shop.offers if offer.behaviour is Behaviour.NORMAL)
    shop.change_price(calm.external_id, calm.page.price_cents + columns)
    program("scrape", "ofertas", "--pages", "20", "--quiet", "--no-enqueue")
    terminal = shown(program, "history", calm.external_id, columns=columns, rows=rows)
    lines = terminal.screen.splitlines()
    drawn = [line for line in lines if any("\u2801" <= c <= "\u28ff" for c in line)]
    assert drawn, terminal.screen
    axis = next(line for line in lines if "└──" in line)
    assert all(len(line) <= columns for line in (*drawn, axis, lines[lines.index(axis) + 1]))
    assert len(lines[lines.index(axis) + 1].split()) == 2, "the times of both ends stand below"
    assert len(lines) < rows, "the title is still on the screen"
    assert any(line.startswith("lowest in 90 days R$ ") for line in lines)
    assert any(line.startswith("old price") for line in lines)


@SIZES
def test_every_table_of_the_desk_fits(program: Program, columns: int, rows: int) -> None:
    for words in (["deals"], ["failed"], ["stats"], ["config", "show", "--origin"], ["help", "failure-codes"]):
        terminal = shown(program, *words, columns=columns, rows=rows)
        assert all(len(line) <= columns for line in terminal.text.splitlines()), words
        assert "─" in terminal.text, "a table is drawn on a terminal"


@SIZES
def test_the_live_view_stays_in_its_screen_and_gives_it_back(program: Program, columns: int, rows: int) -> None:
    with Terminal(program, "stats", "--watch", "--interval", "0.2", columns=columns, rows=rows) as terminal:
        terminal.wait_for("coverage")
        assert not terminal.shows_cursor
        first = terminal.screen.splitlines()
        terminal.wait_for("40 offers")
        assert [line.split()[0] for line in first[:6]] == ["offers", "queue", "ended", "rate", "failures", "coverage"]
        assert "page_changed 2" in terminal.screen
        assert len(terminal.screen.splitlines()) <= rows
        written = len(terminal.raw)
        terminal.wait_for("workers")
        terminal.type("\x03")
        assert terminal.end() == 130
        assert terminal.shows_cursor
        assert terminal.raw.count(b"\x1b[?1049h") == terminal.raw.count(b"\x1b[?1049l") == 1
        assert b"\n\n\n" not in terminal.raw[written:]
        assert "Traceback" not in terminal.text


def test_the_live_view_shows_the_workers_and_their_jobs(shop: Shop, offers: Program) -> None:
    program = at_shop(offers, shop)
    program("scrape", "ofertas", "--quiet")
    shop.set_latency(1.0)
    worker = program.start("worker", "--quiet")
    try:
        with Terminal(program, "stats", "--watch", "--interval", "0.2") as terminal:
            terminal.wait_for(" busy · up ").wait_for(f"s  {shop.url}")
            terminal.type("\x03")
            terminal.end()
    finally:
        shop.set_latency(0)
        worker.send_signal(signal.SIGTERM)
        worker.communicate(timeout=NEVER_S)


def test_a_terminated_live_view_gives_the_cursor_back(program: Program) -> None:
    with Terminal(program, "stats", "--watch") as terminal:
        terminal.wait_for("coverage")
        os.kill(terminal.pid, signal.SIGTERM)
        assert terminal.end() == 128 + signal.SIGTERM
        assert terminal.shows_cursor


@pytest.mark.parametrize("words", [["list"], ["stats"], ["failed"], ["help", "json"]], ids=" ".join)
def test_colours_obey_the_environment(program: Program, words: list[str]) -> None:
    assert b"\x1b[" in shown(program, *words).raw
    assert b"\x1b[" not in shown(program, *words, NO_COLOR="1").raw
    dumb = shown(program, *words, TERM="dumb")
    assert b"\x1b[" not in dumb.raw
    assert "─" not in dumb.text
    assert "\x1b[" not in program(*words).out
    assert "\x1b[1m" in program(*words, CLICOLOR_FORCE="1").out
    assert "\x1b[" not in program(*words, CLICOLOR_FORCE="1", NO_COLOR="1").out
    assert "─" not in program(*words, CLICOLOR_FORCE="1").out, "no drawing off a terminal"


def test_progress_is_not_drawn_where_no_escape_code_is_wanted(program: Program) -> None:
    words = ("scrape", "ofertas", "--dry-run")
    assert b"\x1b[?25l" in shown(program, *words).raw, "a bar that is redrawn in place"
    assert b"\x1b[" not in shown(program, *words, NO_COLOR="1").raw


def test_without_its_colours_a_table_says_the_same(program: Program) -> None:
    coloured = shown(program, "list", "--sort", "-discount")
    assert b"\x1b[32m" in coloured.raw, "a deep discount is green"
    assert coloured.text == shown(program, "list", "--sort", "-discount", NO_COLOR="1").text


def test_the_zone_moves_the_times_that_people_read_and_no_others(program: Program) -> None:
    with sqlite3.connect(program.home / "offers.db") as database:
        (name,) = database.execute("SELECT external_id FROM offers LIMIT 1").fetchone()
        database.execute(
            "UPDATE offers SET first_seen_at = '2026-01-02T03:04:05.000000Z' WHERE external_id = ?", (name,)
        )
    for zone, local in (("Asia/Tokyo", "2026-01-02 12:04"), ("America/Sao_Paulo", "2026-01-02 00:04")):
        assert local in shown(program, "show", name, rows=80, OFFERS_TZ=zone).text
        offer = program.json("show", name, OFFERS_TZ=zone).data["offer"]
        assert offer["first_seen_at"].startswith("2026-01-02T03:04:05")


def test_init_asks_on_a_terminal_until_it_can_use_the_answer(folder: Path) -> None:
    program = Program(folder / "home")
    with Terminal(program, "init") as terminal:
        terminal.answer("affiliate label", "Not Valid")
        terminal.wait_for("such as minhaloja").answer("affiliate label", "myshop")
        terminal.answer("Minimum discount", "15")
        terminal.answer("Supabase address", "")
        terminal.answer("Redis address", "redis://:canary@localhost:6379/0")
        terminal.wait_for("next: offers session import")
        assert terminal.end() == 0
        assert "canary" not in terminal.text, "a secret is not shown while it is typed"
    assert (program.home / ".env").stat().st_mode & 0o777 == 0o600
    settings = program.json("config", "show").data["settings"]
    assert settings["MIN_DISCOUNT_PCT"]["value"] == 15
    assert settings["ML_AFFILIATE_TAG"]["value"] == "myshop"
    assert settings["REDIS_URL"]["origin"] == ".env"


def test_init_interrupted_writes_nothing(folder: Path) -> None:
    with Terminal(Program(folder / "home"), "init") as terminal:
        terminal.wait_for("affiliate label").type("\x03")
        assert terminal.end() == 130
        assert "Traceback" not in terminal.text
    assert not (folder / "home").exists()


def test_parquet_is_not_thrown_at_a_terminal(program: Program) -> None:
    with Terminal(program, "export", "--format", "parquet") as terminal:
        assert terminal.end() == 2
        assert "offers export offers.parquet" in terminal.screen
