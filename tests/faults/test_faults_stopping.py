"""Stopping the program by signals: nothing stays `started`, and its exit code and its report tell what happened."""

from __future__ import annotations

import json
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
import redis
from faults.run import Run, counts
from faults.service import wait_until
from servers import RedisServer
from shop import Shop
from waiting import NEVER_S

from offers_cli.demo.catalogue import Catalogue


@pytest.mark.parametrize(
    ("arguments", "number", "now", "page_s", "code"),
    [
        ((), signal.SIGTERM, False, 2.0, 0),
        (("--processes", "2"), signal.SIGTERM, False, 2.0, 0),
        ((), signal.SIGINT, False, 2.0, 130),
        (("--processes", "2"), signal.SIGINT, True, 25.0, 130),
        ((), signal.SIGTERM, True, 25.0, 0),
    ],
    ids=["SIGTERM", "SIGTERM to a supervisor", "SIGINT", "SIGINT twice to a supervisor", "SIGTERM twice"],
)
def test_a_stopped_worker_leaves_nothing_started(
    folder: Path,
    server: RedisServer,
    connection: redis.Redis,
    arguments: tuple[str, ...],
    number: int,
    now: bool,
    page_s: float,
    code: int,
) -> None:
    """After one signal it finishes the pages in hand, after another it waits for none of them."""
    with Shop(Catalogue(60, 5, ()), page_size=50) as shop:
        run = Run(folder / "run", shop, server.url)
        run.scrape()
        shop.set_latency(page_s)
        process = run.program.start("worker", *arguments, "--json")
        try:
            places = 6 if arguments else 3
            wait_until(lambda: counts(connection).started == places, "a busy worker")
            process.send_signal(number)
            for pause_s in (0.5, 10) if now else ():  # two that arrive together are heard as one
                with suppress(subprocess.TimeoutExpired):
                    process.wait(pause_s)
                    break
                process.send_signal(number)
            out, err = process.communicate(timeout=NEVER_S)
        finally:
            process.kill()
            process.wait()
    assert process.returncode == code, err
    found, report = counts(connection), json.loads(out)
    assert (found.started, found.scheduled, found.failed, found.workers) == (0, 0, 0, 0)
    assert found.finished == report["data"]["succeeded"] == run.tried() == (0 if now else places)
    assert found.queued == run.jobs - found.finished
    assert "Traceback" not in err
