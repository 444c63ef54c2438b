"""A run in which everything dies: at its end every offer is exactly as after a calm run.

`OFFERS_CHAOS=long` takes the long form; `OFFERS_CHAOS_SEED` replays the troubles of an earlier run.
"""

from __future__ import annotations

import os
import secrets
import signal
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import pytest
import redis
from faults.run import (
    Row,
    Run,
    assert_as_the_shop_shows,
    comparable,
    counts,
    failures,
    is_empty,
    wait_until_done,
)
from faults.service import wait_until
from faults.trouble import STUCK_S, Fault, Saboteur, Scenario
from faults.watch import watching
from servers import RedisServer
from shop import Shop

from offers_cli.demo.catalogue import TYPICAL, Behaviour, Catalogue
from offers_cli.queue.keys import QueueKeys
from offers_cli.queue.leases import LEASE_S, JobLeases, Recovery
from offers_cli.queue.registration import find_dead_workers

SHORT = Scenario(sold=400, kills=15, redis_restarts=2, begun_anew=6, wall_s=3, lock_s=3)
LONG = Scenario(sold=2740, kills=100, redis_restarts=5, begun_anew=60, wall_s=20, lock_s=10)
SEED = os.environ.get("OFFERS_CHAOS_SEED") or secrets.token_hex(4)
SCENARIO = LONG if os.environ.get("OFFERS_CHAOS") == "long" else SHORT

SERVICES, PROCESSES, CONCURRENCY = 2, 2, 3
ARGUMENTS = ("--processes", str(PROCESSES), "--concurrency", str(CONCURRENCY))
PLACES = SERVICES * PROCESSES * CONCURRENCY
TROUBLED = tuple(behaviour for behaviour in TYPICAL if behaviour is not Behaviour.SLOW)
"""A page so slow that three kills in a row find its job alone would rightly be set aside: here it would be chance."""
SANE_CODES = {0, 1, 4, 130, -signal.SIGKILL, -signal.SIGINT, -signal.SIGTERM}
"""All done, some failed, Redis was away at the start, interrupted, killed by us; and an interpreter that had done all
and was about to end when the second signal came: Python then lets the system act on it."""


@pytest.fixture
def dice() -> Random:
    print(f"replay with OFFERS_CHAOS_SEED={SEED}")
    return Random(SEED)


def make_shop() -> Shop:
    return Shop(Catalogue(SCENARIO.sold, 7, TROUBLED), page_size=50)


def work_calmly(folder: Path) -> tuple[dict[str, Row], dict[str, str]]:
    """The offers, and the failed jobs' codes by external id, after a run without trouble."""
    with RedisServer() as server, server.connect() as connection, make_shop() as shop:
        run = Run(folder, shop, server.url)
        run.scrape()
        with run.service(*ARGUMENTS, "--quiet") as service:
            wait_until_done(run, connection, timeout_s=600)
            service.end()
        return run.rows(), failures_by_external_id(run.rows(), connection)


def all_are_dead(connection: redis.Redis) -> bool:
    """Whether no registered worker lives: the registration of one that was killed last is still there."""
    return len(find_dead_workers(connection, QueueKeys("enrichment"))) == counts(connection).workers


def failures_by_external_id(rows: dict[str, Row], connection: redis.Redis) -> dict[str, str]:
    by_id = failures(connection)
    return {external_id: by_id[row["id"]] for external_id, row in rows.items() if row["id"] in by_id}


def test_whatever_dies_every_offer_is_as_after_a_calm_run(
    dice: Random, folder: Path, server: RedisServer, connection: redis.Redis
) -> None:
    began = time.monotonic()
    with make_shop() as shop, ExitStack() as stack:
        run = Run(folder / "chaos", shop, server.url, ENRICHMENT_REQUEST_DELAY_S="0.01")
        run.scrape()
        plan = SCENARIO.plan(run.jobs, dice)
        services = [stack.enter_context(run.service(*ARGUMENTS, name=f"worker{n}")) for n in range(SERVICES)]
        watch = stack.enter_context(watching(server))
        saboteur = Saboteur(SCENARIO, dice, run, services=services, server=server)
        saboteur.work_through(plan)
        wait_until_done(run, connection, STUCK_S + 2 * SCENARIO.wall_s, tending=services)
        last_codes = [service.end() for service in services]
        wait_until(lambda: all_are_dead(connection), "the end of workers whose supervisor was killed")
        chaos_s = time.monotonic() - began
        rows, fetches = run.rows(), run.fetches()

    tell(plan, saboteur, rows, fetches, chaos_s)
    assert watch.looks > 10
    assert not watch.doubled
    assert not watch.miscalled
    assert is_empty(counts(connection))
    assert_nothing_is_left_to_recover(connection)
    assert_as_the_shop_shows(rows, shop)
    calm_rows, calm_failures = work_calmly(folder / "calm")
    assert comparable(rows) == comparable(calm_rows)
    assert failures_by_external_id(rows, connection) == calm_failures
    assert_within_bounds(plan, saboteur, rows, fetches)
    assert {code for service in services for code in (*service.codes, *last_codes)} <= SANE_CODES
    assert not any("Traceback" in service.log.read_text() for service in services)


def assert_nothing_is_left_to_recover(connection: redis.Redis) -> None:
    """Of a job that was deleted while it ran the lease stays, if its worker died, until it runs out."""
    after = time.time() + 2 * LEASE_S
    last = JobLeases(connection, queue_name="enrichment", worker="last", clock=lambda: after)
    assert last.recover() == Recovery(requeued=0, failed=0)
    assert not connection.exists("offers:leases:enrichment")


def assert_within_bounds(
    plan: list[tuple[int, Fault]], saboteur: Saboteur, rows: dict[str, Row], fetches: Counter[str]
) -> None:
    """A death costs at most what the dead held: one page for each of its places. A job begun anew costs one.

    And no job is tried again and again: how often one was begun anew is counted off.
    """
    faults = Counter(fault for _, fault in plan)
    repeated = sum(fetches.values()) - len(fetches)
    outages = faults[Fault.KILL_REDIS] + faults[Fault.WALL] + faults[Fault.LOCK] + 4  # the four stops
    by_deaths = CONCURRENCY * saboteur.killed["processes"] + 3 * PLACES * outages
    anew = saboteur.begun_anew
    assert repeated <= by_deaths + anew.total()
    assert max(times - anew[path] for path, times in fetches.items()) <= 8
    assert max(row["enrich_attempts"] - anew[urlsplit(row["url"]).path] for row in rows.values()) <= 8


def tell(
    plan: list[tuple[int, Fault]],
    saboteur: Saboteur,
    rows: dict[str, Row],
    fetches: Counter[str],
    chaos_s: float,
) -> None:
    for fault, times in Counter(fault for _, fault in plan).most_common():
        print(f"{times:4} × {fault}")
    print(f"{saboteur.killed['processes']} processes killed over {len(fetches)} jobs in {chaos_s:.0f} s")
    anew = saboteur.begun_anew
    print(f"{anew.total()} jobs begun anew, at most {max(anew.values(), default=0)} times the same")
    print(f"{sum(fetches.values())} product pages fetched, at most {max(fetches.values())} times the same")
    print(f"attempts told: at most {max(row['enrich_attempts'] for row in rows.values())}")
