"""RQ's own worker, started as the documentation says, does our jobs."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from acceptance.program import PROGRAM, Program, at_shop
from servers import RedisServer
from shop import Shop

from offers_cli.demo.catalogue import Catalogue

PAGE = Path(__file__).parents[2] / "docs" / "many-workers.md"


def test_the_documented_command_works_the_queue(folder: Path) -> None:
    [command] = re.findall(r"^rq worker .*$", PAGE.read_text(), re.MULTILINE)
    with RedisServer() as server, Shop(Catalogue(6, 1, ())) as shop:
        program = at_shop(Program(folder / "home"), shop, REDIS_URL=server.url)
        queued = program.json("scrape", "ofertas").data["enqueued"]
        assert queued > 0
        environment = program.environment()
        environment["PATH"] = f"{PROGRAM.parent}:{environment['PATH']}"
        done = subprocess.run(
            ["sh", "-c", f"{command} --burst"], env=environment, capture_output=True, text=True, check=False
        )
        stats = program.json("stats").data["queue"]
        failed = program.json("failed").data
    assert (stats["finished"], stats["failed"], stats["queued"]) == (queued, 0, 0), (done.stderr, failed)
