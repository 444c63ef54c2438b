"""`offers doctor` against broken set-ups: each is named, and each advice is run and mends it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from acceptance.program import Program, Result, at_shop
from doctor.broken_setups import PASSWORD, SETUPS, Place, redis_on_port, run_advice
from servers import RedisServer
from shop import Shop

from offers_cli.demo.catalogue import Catalogue

pytestmark = [pytest.mark.acceptance, pytest.mark.network]


@pytest.fixture
def place() -> Iterator[Place]:
    with (
        tempfile.TemporaryDirectory(prefix="of-") as name,
        Shop(Catalogue(20, 1, ())) as shop,
        RedisServer() as redis,
    ):
        folder = Path(name)
        program = at_shop(Program(folder / "home"), shop, REDIS_URL=redis.url)
        yield Place(program, shop, redis, folder)


def checks(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {check["name"]: check for check in document["data"]["checks"]}


def examine(place: Place) -> Result:
    return place.program.json("doctor")


def test_a_healthy_setup_is_all_well(place: Place) -> None:
    result = examine(place)
    assert result.code == 0, result.out
    assert {check["state"] for check in checks(result.document).values()} == {"ok"}
    assert result.document["status"] == "ok"
    assert not place.home.exists(), "looking changes nothing"


@pytest.mark.parametrize("name", SETUPS)
def test_a_broken_setup_is_named_and_its_advice_mends_it(place: Place, name: str) -> None:
    broken = SETUPS[name]
    with broken.breaks(place) as mend:
        result = examine(place)
        finding = checks(result.document)[broken.finding]
        assert finding["state"] == broken.state, result.out
        assert broken.says in finding["evidence"]
        assert result.code == broken.exit_code
        assert finding["advice"], "every finding says what to do"
        assert PASSWORD not in result.out + result.err

        if mend is None:
            again = json.loads(run_advice(place, finding["advice"]).stdout)
        else:
            mend()
            again = place.program.json("doctor").document
        assert checks(again)[broken.finding]["state"] == "ok", again


def test_everything_hanging_at_once_ends_in_time_and_hides_nothing(place: Place) -> None:
    with SETUPS["silent_redis"].breaks(place), SETUPS["silent_site"].breaks(place), SETUPS["open_home"].breaks(place):
        result = examine(place)
        found = checks(result.document)
    assert {name for name, check in found.items() if check["state"] == "problem"} == {"redis", "source", "home"}
    assert found["eviction"]["state"] == "unknown"
    assert result.code == 3, "the worst: configuration stands above services"


@pytest.mark.parametrize("form", ["redis://:{}@127.0.0.1:{}/0", "redis://127.0.0.1:{1}/0?password={0}"])
def test_a_password_is_told_nowhere(place: Place, form: str) -> None:
    with redis_on_port(place) as (server, url):
        with server.connect() as connection:
            connection.config_set("requirepass", PASSWORD)
        place.program.env["REDIS_URL"] = form.format(PASSWORD, url.rpartition(":")[2])
        well = examine(place)
        server.kill()
        away = examine(place)
    assert (well.code, away.code) == (0, 4)
    assert PASSWORD not in well.out + well.err + away.out + away.err


def test_a_pipe_gets_one_line_a_check_and_problems_go_to_stderr(place: Place) -> None:
    with SETUPS["open_home"].breaks(place):
        result = place.program("doctor")
    lines = [line.split("\t") for line in result.out.splitlines()]
    assert lines[0] == ["check", "state", "evidence", "advice"]
    assert ["home", "problem"] in [line[:2] for line in lines]
    assert "chmod 700" in result.err
