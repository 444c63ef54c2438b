"""Politeness from end to end: however many processes work, the shop sees the configured rate."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path

import pytest
import redis
from faults.run import Run, counts, wait_until_done
from faults.service import wait_until
from servers import RedisServer
from shop import Shop

from offers_cli.demo.catalogue import Catalogue
from offers_cli.queue.keys import SUSPENDED

DELAY_S = 0.05
WINDOW_S = 10.0
LATE_S = 2.0
"""A request may be that late on its way, and so stand nearer to those after it."""
LONG = os.environ.get("OFFERS_CHAOS") == "long"
SOLD = 600 if LONG else 300
"""Three in four become jobs: enough for more than one window."""


def busiest_window(moments: Sequence[float], length_s: float) -> int:
    """The most requests within any stretch of time of that length, its end not included."""
    return max(bisect_left(moments, start + length_s) - place for place, start in enumerate(moments))


@pytest.mark.parametrize("processes", [1, 4, 16] if LONG else [4])
def test_the_shop_sees_no_more_than_the_configured_rate(
    folder: Path, server: RedisServer, connection: redis.Redis, processes: int
) -> None:
    """The work begins when all have started, as after `rq resume`: until then the machine is busy with that."""
    with Shop(Catalogue(SOLD, 5, ()), page_size=50) as shop:
        run = Run(folder / "run", shop, server.url)
        run.scrape()
        listing = len(shop.requests)
        run.program.env["ENRICHMENT_REQUEST_DELAY_S"] = str(DELAY_S)
        connection.set(SUSPENDED, 1)
        with run.service("--processes", str(processes)) as service:
            wait_until(lambda: counts(connection).workers == processes, "all workers")
            connection.delete(SUSPENDED)
            wait_until_done(run, connection)
            assert service.end() == 0
    moments = sorted(seen.at for seen in shop.requests[listing:])
    assert len(moments) == run.jobs
    rate = (len(moments) - 1) / (moments[-1] - moments[0])
    busiest = busiest_window(moments, WINDOW_S)
    print(f"{processes} processes: {rate * DELAY_S:.1%} of the rate, {busiest} requests in the busiest {WINDOW_S:g} s")
    assert busiest <= (WINDOW_S + LATE_S) / DELAY_S
