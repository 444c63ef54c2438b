"""Stopping the program by signals: nothing stays `started`, and its exit code and its report tell what happened."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
import redis
from faults.run import Run, counts
from faults.service import wait_until
from servers import RedisServer

from offers_cli.demo.catalogue import Catalogue
from offers_cli.demo.shop import Shop

GRACE_S = 8.0
NOW_S = 3.0


@pytest.mark.parametrize(
    ("arguments", "number", "times", "page_s", "code", "within_s"),
    [
        ((), signal.SIGTERM, 1, 2.0, 0, GRACE_S),
        (("--processes", "2"), signal.SIGTERM, 1, 2.0, 0, GRACE_S),
        ((), signal.SIGINT, 1, 2.0, 130, GRACE_S),
        (("--processes", "2"), signal.SIGINT, 2, 20.0, 130, NOW_S),
        ((), signal.SIGTERM, 2, 20.0, 0, NOW_S),
    ],
    ids=["SIGTERM", "SIGTERM to a supervisor", "SIGINT", "SIGINT twice to a supervisor", "SIGTERM twice"],
)
def test_a_stopped_worker_leaves_nothing_started(
    folder: Path,
    server: RedisServer,
    connection: redis.Redis,
    arguments: tuple[str, ...],
    number: int,
    times: int,
    page_s: float,
    code: int,
    within_s: float,
) -> None:
    with Shop(Catalogue(60, 5, ()), page_size=50) as shop:
        run = Run(folder / "run", shop, server.url)
        run.scrape()
        shop.set_latency(page_s)
        process = run.program.start("worker", *arguments, "--json")
        try:
            places = 6 if arguments else 3
            wait_until(lambda: counts(connection).started == places, "a busy worker")
            began = time.monotonic()
            for _ in range(times):
                process.send_signal(number)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.3)
            out, err = process.communicate(timeout=40)
            seconds = time.monotonic() - began
        finally:
            process.kill()
            process.wait()
    assert process.returncode == code, err
    assert seconds < within_s
    found, report = counts(connection), json.loads(out)
    assert (found.started, found.scheduled, found.failed, found.workers) == (0, 0, 0, 0)
    assert found.finished == report["data"]["succeeded"] == run.tried() == (places if times == 1 else 0)
    assert found.queued == run.jobs - found.finished
    assert "Traceback" not in err
