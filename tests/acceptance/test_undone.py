"""What a worker says that could not do everything: its exit code, its errors, and what `stats` and `doctor` show."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from acceptance.program import Program, at_shop
from servers import RedisServer
from shop import Shop


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with RedisServer() as running:
        yield running


@pytest.fixture
def program(offers: Program, calm_shop: Shop, server: RedisServer) -> Program:
    """Jobs wait in a given Redis."""
    program = at_shop(offers, calm_shop, REDIS_URL=server.url)
    assert program.json("scrape", "ofertas", "--limit", "6").data["enqueued"]
    return program


def test_a_suspended_queue_is_no_success(program: Program, server: RedisServer) -> None:
    with server.connect() as client:
        client.set("rq:suspended", 1)
        worked = program.json("worker", "--burst")
        assert (worked.code, worked.codes, worked.document["status"]) == (3, ["queue_refused"], "error")
        assert worked.document["errors"][0]["hint"] == "rq resume"
        assert worked.err.count("suspended") == 1, "said in the log once"
        stats = program("stats")
        assert "suspended: no job is started" in stats.out
        assert program.json("stats").data["suspended"] is True
        checks = {check["name"]: check for check in program.json("doctor").data["checks"]}
        assert checks["workers"]["advice"] == "rq resume"
        client.delete("rq:suspended")
    assert program.json("worker", "--burst").code == 0
    assert program.json("stats").data["suspended"] is False


def test_a_burst_during_a_pause_is_no_success_whoever_met_the_wall(program: Program, calm_shop: Shop) -> None:
    """Cron must not see success while the shop blocks us."""
    calm_shop.fail(403, below="/")
    program.env["ENRICHMENT_BLOCKED_PAUSE_S"] = "600"
    first, second = (program.json("worker", "--burst") for _ in range(2))
    for worked in (first, second):
        assert (worked.code, worked.codes) == (5, ["page_blocked"])
        assert "jobs wait" in worked.document["errors"][0]["message"]
    assert (second.data["snoozed"], second.data["succeeded"]) == (0, 0)


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_missing_right_ends_the_worker_with_exit_3(program: Program, server: RedisServer, processes: str) -> None:
    with server.connect() as client:
        client.execute_command("ACL", "SETUSER", "u", "on", ">pw", "~rq:*", "&*", "+@all")
        url = f"{server.url}?username=u&password=pw"
        worked = program.json("worker", "--burst", "--processes", processes, REDIS_URL=url)
        assert (worked.code, worked.codes) == (3, ["queue_refused"])
        assert "this Redis user may not do that" in worked.document["errors"][0]["message"]
        worker = program.start("worker", "--processes", processes, REDIS_URL=url)
        _, err = worker.communicate(timeout=40)
        assert worker.returncode == 3, "a service ends too"
        assert "Traceback" not in err
