"""The whole way in homes whose paths hold what paths may hold."""

from __future__ import annotations

from pathlib import Path

import pytest
from acceptance.program import Program, at_shop
from servers import RedisServer

from offers_cli.demo.shop import Shop
from offers_cli.queue.server import stop_server


def run_through(program: Program) -> None:
    scraped = program.json("scrape", "ofertas", "--limit", "5")
    assert scraped.code == 0, scraped.err
    assert scraped.data["enqueued"] > 0
    worked = program.json("worker", "--burst")
    assert worked.code == 0, worked.err
    assert worked.data["succeeded"] == scraped.data["enqueued"]
    counted = program.json("stats")
    assert counted.code == 0, counted.err
    assert counted.data["queue"]["queued"] == counted.data["queue"]["failed"] == 0
    assert counted.data["offers"]["enriched"] == scraped.data["enqueued"]


@pytest.mark.parametrize(
    "name",
    ["Application Support", "a=b", "joão", "a%20b", "what?", "C#", 'it\'s "so" \\ [bold]', "d" * 200],
    ids=["blank", "equals", "accent", "percent", "question", "hash", "quotes", "200-characters"],
)
def test_a_worker_runs_in_any_home(folder: Path, calm_shop: Shop, name: str) -> None:
    home = folder / name
    try:
        run_through(at_shop(Program(home), calm_shop))
    finally:
        stop_server(home)


def test_two_processes_run_in_a_home_with_a_blank(folder: Path, calm_shop: Shop) -> None:
    program = at_shop(Program(folder / "my offers"), calm_shop)
    try:
        scraped = program.json("scrape", "ofertas", "--limit", "5")
        worked = program.json("worker", "--burst", "--processes", "2")
        assert worked.code == 0, worked.err
        assert worked.data["succeeded"] == scraped.data["enqueued"]
    finally:
        stop_server(program.home)


def test_a_unix_address_may_hold_escapes(folder: Path, calm_shop: Shop) -> None:
    place = folder / "sp ace=1"
    place.mkdir()
    with RedisServer(socket=place / "r.sock") as server:
        run_through(at_shop(Program(folder / "home"), calm_shop, REDIS_URL=server.url))
