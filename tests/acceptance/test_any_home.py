"""The whole way in homes whose paths hold what paths may hold."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from acceptance.program import Program, at_shop
from servers import RedisServer
from shop import Shop

from offers_cli.redis.embedded import stop_server


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


def test_root_leaves_no_trace_in_a_home_of_another_user(folder: Path, calm_shop: Shop) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give a folder away")
    program = at_shop(Program(folder / "home"), calm_shop)
    program.home.mkdir(mode=0o700)
    os.chown(program.home, 54321, -1)
    for command in (("stats",), ("scrape", "ofertas"), ("worker", "--burst"), ("redis", "status"), ("doctor",)):
        result = program.json(*command)
        assert result.code == 3, result.err
        assert "belongs to #54321" in result.document["errors"][0]["message"]
    assert program.json("service", "systemd", "--user", "root").code == 0
    assert list(program.home.iterdir()) == []


def test_two_names_of_one_home_share_one_server(folder: Path, calm_shop: Shop) -> None:
    """Its socket lies elsewhere, for the path is long: by the path's name, which has to be the same."""
    home = folder / ("d" * 120)
    home.mkdir()
    (folder / "other").symlink_to(home)
    try:
        at_shop(Program(home), calm_shop).json("stats")
        pids = {Program(name).json("redis", "status").data["pid"] for name in (home, folder / "other")}
        Program(folder / "other").json("stats")
        assert pids == {Program(home).json("redis", "status").data["pid"]}
        assert None not in pids
    finally:
        stop_server(home)
