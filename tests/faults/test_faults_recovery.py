"""How soon the work of the dead goes on, and what is left when Redis forgets everything."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from faults.run import Run, assert_as_the_shop_shows, counts, is_done, is_empty, wait_until_done
from faults.service import Service, wait_until
from queue_fakes import redis_now
from servers import RedisServer
from shop import Shop

from offers_cli.demo.catalogue import Catalogue
from offers_cli.queue.registries import Registries

CALM_SHOP = Catalogue(60, 5, ())


@pytest.fixture
def run(folder: Path, server: RedisServer) -> Iterator[Run]:
    """A run over a calm shop, its offers queued; each page takes a second."""
    with Shop(CALM_SHOP, page_size=50) as shop:
        run = Run(folder / "run", shop, server.url)
        run.scrape()
        shop.set_latency(1.0)
        yield run


def held_by(connection: redis.Redis, pid: int) -> frozenset[str]:
    """The offers whose jobs a worker process runs now."""
    jobs = (job for worker in Registries(connection).workers() if worker.pid == pid for job in worker.jobs)
    return frozenset(str(job.offer_id) for job in jobs)


def wait_until_busy(connection: redis.Redis, service: Service) -> frozenset[str]:
    """Wait until it holds as many jobs as it may; returns their offers."""
    wait_until(lambda: len(held_by(connection, service.process.pid)) == 3, "a worker with three jobs")
    return held_by(connection, service.process.pid)


def prolong_leases(connection: redis.Redis) -> None:
    """Let the leases of the dead run for an hour: whoever waits for their end waits too long."""
    leases: Any = connection.zrange("offers:leases:enrichment", 0, -1)
    if leases:
        connection.zadd("offers:leases:enrichment", dict.fromkeys(leases, redis_now(connection) + 3600), xx=True)


def are_tried(run: Run, offers: frozenset[str]) -> bool:
    tried = {row["id"] for row in run.rows().values() if row["enrich_attempted_at"]}
    return offers <= tried


def test_while_another_worker_lives_the_jobs_of_a_killed_one_run_again_soon(run: Run, connection: redis.Redis) -> None:
    with run.service(name="victim") as victim, run.service(name="survivor") as survivor:
        wait_until_busy(connection, survivor)
        held = wait_until_busy(connection, victim)
        victim.end(signal.SIGKILL)
        prolong_leases(connection)
        seconds = wait_until(lambda: are_tried(run, held), "the jobs of the dead")
        print(f"the jobs of a killed worker were done by another after {seconds:.1f} s")
        run.shop.set_latency(0)
        wait_until_done(run, connection)
        assert survivor.end() == 0
    assert_as_the_shop_shows(run.rows(), run.shop)
    assert max(run.fetches().values()) <= 2


@pytest.mark.skipif(os.environ.get("OFFERS_CHAOS") != "long", reason="waits for a lease: OFFERS_CHAOS=long")
def test_a_worker_that_freezes_loses_its_jobs_and_spoils_nothing_when_it_wakes(
    run: Run, connection: redis.Redis
) -> None:
    """As a machine does that is cut off: nobody can see that its process is gone, only that it is silent."""
    with run.service(name="frozen") as frozen, run.service(name="survivor") as survivor:
        wait_until_busy(connection, survivor)
        held = wait_until_busy(connection, frozen)
        frozen.send(signal.SIGSTOP)
        seconds = wait_until(lambda: are_tried(run, held), "the jobs of the frozen")
        print(f"the jobs of a frozen worker were done by another after {seconds:.1f} s")
        run.shop.set_latency(0)
        wait_until_done(run, connection)
        before = run.rows()
        frozen.send(signal.SIGCONT)
        assert frozen.end() == 0
        assert survivor.end() == 0
    assert {key: row["price_cents"] for key, row in run.rows().items()} == {
        key: row["price_cents"] for key, row in before.items()
    }
    assert_as_the_shop_shows(run.rows(), run.shop)
    assert is_empty(counts(connection))


def test_the_next_start_takes_over_at_once(run: Run, connection: redis.Redis) -> None:
    with run.service(name="first") as first:
        held = wait_until_busy(connection, first)
        first.end(signal.SIGKILL)
    assert counts(connection).started == 3
    prolong_leases(connection)
    with run.service(name="second") as second:
        seconds = wait_until(lambda: held_by(connection, second.process.pid) & held, "a job of the dead")
        print(f"a new worker had a job of the dead {seconds:.1f} s after its start")
        run.shop.set_latency(0)
        wait_until_done(run, connection)
        assert second.end() == 0
    assert_as_the_shop_shows(run.rows(), run.shop)


def test_a_redis_that_comes_back_empty_is_filled_again_from_the_database(
    run: Run, server: RedisServer, connection: redis.Redis
) -> None:
    """The worker stays; what it had in hand is saved; `enqueue-missing` brings the rest."""
    with run.service() as service:
        wait_until(lambda: run.tried() >= 3, "the first offers")
        connection.flushall()
        server.restart()
        wait_until(lambda: counts(connection).workers == 1, "the worker's registration in the new Redis")
        assert counts(connection).queued == 0
        missing = run.program.json("enqueue-missing", "--limit", "1000")
        assert missing.code == 0, missing.err
        assert run.jobs - 12 <= missing.data["enqueued"] == missing.data["found"] < run.jobs
        run.shop.set_latency(0)
        wait_until_done(run, connection)
        assert service.codes == []
        assert service.end() == 0
    assert_as_the_shop_shows(run.rows(), run.shop)
    assert run.program.json("enqueue-missing").data["found"] == 0


def rests_s(connection: redis.Redis) -> list[float]:
    """How long each job that rests still has to, in seconds."""
    scheduled: Any = connection.zrange("rq:scheduled:enrichment", 0, -1, withscores=True)
    now = redis_now(connection)
    return [due - now for _, due in scheduled]


def test_waits_are_as_short_as_they_are_set(run: Run, connection: redis.Redis) -> None:
    """A wall of a second and an error for every page: with the usual settings each would rest for ten seconds."""
    run.shop.set_latency(0)
    run.program.env.update(ENRICHMENT_BLOCKED_PAUSE_S="0.2", ENRICHMENT_RETRY_DELAY_S="0.1")
    run.shop.wall(1.0)
    run.shop.fail(503, times=run.jobs)
    with run.service() as service:
        longest_s = 0.0

        def watch() -> bool:
            nonlocal longest_s
            longest_s = max(longest_s, *rests_s(connection), 0.0)
            return is_done(run, connection)

        seconds = wait_until(watch, "the end of all work")
        assert service.end() == 0
    assert longest_s < 3
    print(f"a wall of 1 s and {run.jobs} errors were over after {seconds:.1f} s")
    assert_as_the_shop_shows(run.rows(), run.shop)
