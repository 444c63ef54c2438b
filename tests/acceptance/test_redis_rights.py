"""The Redis user of docs/redis.md can do all that the program does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from acceptance.program import Program, at_shop
from servers import RedisServer
from shop import Shop

from offers_cli.demo.catalogue import Behaviour, Catalogue

PAGE = Path(__file__).parents[2] / "docs" / "redis.md"
NO_DIAGNOSIS = ("-info", "-config|get", "-acl|getuser")


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop(Catalogue(30, 1, (Behaviour.BROKEN,) * 6)) as shop:
        yield shop


def states(document: dict[str, Any]) -> dict[str, str]:
    return {check["name"]: check["state"] for check in document["data"]["checks"]}


@pytest.mark.parametrize("more", [(), NO_DIAGNOSIS], ids=["documented", "without diagnosis"])
def test_the_documented_rights_suffice(offers: Program, shop: Shop, more: tuple[str, ...]) -> None:
    found = re.search(r"ACL SETUSER (offers [^`]+)", PAGE.read_text())
    assert found
    with RedisServer() as server:
        with server.connect() as client:
            client.execute_command("ACL", "SETUSER", *found[1].split(), *more)
        program = at_shop(offers, shop, REDIS_URL=f"{server.url}?username=offers&password=PASSWORD")
        scraped = program.json("scrape", "ofertas")
        assert scraped.code == 0, scraped.err
        assert scraped.data["enqueued"] > 2
        worked = program.json("worker", "--burst", "--processes", "2")
        assert worked.code == 1, worked.err
        assert worked.data["failed"] > 0
        for command in (("stats",), ("failed",), ("list",)):
            result = program.json(*command)
            assert result.code == 0, result.out
        assert program.json("requeue-failed").data["requeued"] > 0
        assert program.json("enqueue-missing").code == 0
        assert program.json("worker", "--burst").code == 1
        seen = states(program.json("doctor").document)
        with server.connect() as client:
            refused = [entry for entry in client.acl_log() if "acl" not in str(entry["object"])]
    rest = {name: seen[name] for name in ("redis", "eviction", "persistence", "clock", "workers")}
    unknown = "unknown" if more else "ok"
    assert rest == {"redis": "ok", "eviction": unknown, "persistence": unknown, "clock": "ok", "workers": "ok"}
    assert more or not refused, refused
