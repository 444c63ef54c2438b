"""A worker among RQ's: how it comes onto their lists and leaves them, and that a full Redis hinders neither."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
from queue_fakes import enqueue, make_job, redis_now

from offers_cli.queue.job import parse_time
from offers_cli.queue.keys import SUSPENDED, WORKER_TTL_S, WORKERS, QueueKeys
from offers_cli.queue.leases import JobLeases
from offers_cli.queue.registration import WorkerRegistration
from offers_cli.queue.retry_policy import FINISHED
from offers_cli.redis.scripts import Scripts

KEYS = QueueKeys("enrichment")
LISTS = (WORKERS, KEYS.workers)


def registration(connection: redis.Redis, worker: str = "w") -> WorkerRegistration:
    return WorkerRegistration(connection, worker=worker, keys=KEYS)


def leases(connection: redis.Redis, worker: str = "w") -> JobLeases:
    return JobLeases(connection, queue_name="enrichment", worker=worker)


def listed(connection: redis.Redis) -> list[Any]:
    return [connection.smembers(names) for names in LISTS]


def about(seconds: float) -> Any:
    return pytest.approx(seconds, abs=30)


@pytest.fixture
def full(connection: redis.Redis) -> Iterator[redis.Redis]:
    """A Redis with three jobs that refuses whatever could need memory."""
    enqueue(connection, "abc")
    connection.config_set("maxmemory", 1)
    yield connection
    connection.config_set("maxmemory", 0)


def test_a_worker_that_registers_is_on_both_lists_until_it_falls_silent(connection: redis.Redis) -> None:
    registration(connection).register()
    assert listed(connection) == [{b"rq:worker:w"}] * 2
    assert connection.hget("rq:worker:w", "queues") == b"enrichment"
    assert connection.hget("rq:worker:w", "birth"), "the first of its fields"
    assert connection.ttl("rq:worker:w") == about(WORKER_TTL_S)
    registration(connection, "another").register()
    assert [connection.ttl(names) for names in LISTS] == [-1, -1], "the lists stay"


def test_a_worker_that_ends_is_on_no_list_and_shown_as_dead_for_a_while(connection: redis.Redis) -> None:
    enqueue(connection, "a")
    for worker in ("w", "another"):
        registration(connection, worker).register()
    leases(connection).claim(1, held=0)
    connection.persist("rq:worker:w")
    before = redis_now(connection)
    registration(connection).deregister()
    assert listed(connection) == [{b"rq:worker:another"}] * 2
    written: Any = connection.hget("rq:worker:w", "death")
    death = parse_time(written)
    assert death
    assert before - 0.001 <= death.timestamp() <= redis_now(connection) + 0.001
    assert connection.ttl("rq:worker:w") == about(WORKER_TTL_S)
    assert not connection.exists("rq:worker:w:executions")


def test_the_leases_of_a_dead_worker_run_out_and_no_others(connection: redis.Redis) -> None:
    enqueue(connection, "abc")
    dead = {job.composite for job in leases(connection).claim(2, held=0).jobs}
    [alive] = leases(connection, "another").claim(1, held=0).jobs
    connection.sadd("rq:worker:w:executions", "enrich-z:of-which-the-lease-is-gone")
    before = connection.zscore(KEYS.leases, alive.composite)
    Scripts(connection).run("expire_leases", (KEYS.leases, "rq:worker:w:executions"))
    assert [connection.zscore(KEYS.leases, composite) for composite in dead] == [0, 0]
    assert connection.zscore(KEYS.leases, alive.composite) == before
    assert connection.zcard(KEYS.leases) == 3


def test_a_full_redis_lets_a_worker_come_and_go(full: redis.Redis) -> None:
    registration(full).register()
    assert listed(full) == [{b"rq:worker:w"}] * 2
    registration(full).deregister()
    assert listed(full) == [set(), set()]


def test_a_full_redis_lets_jobs_be_taken_renewed_and_ended(full: redis.Redis) -> None:
    worker = leases(full)
    taken = worker.claim(2, held=0).jobs
    assert len(taken) == 2
    assert worker.heartbeat([job.composite for job in taken]).lost == frozenset()
    assert worker.settle([(job, FINISHED) for job in taken]) == [True, True]
    assert full.zcard(KEYS.finished) == 2


def test_a_full_redis_lets_a_worker_at_work_take_another_job(full: redis.Redis) -> None:
    """It looks for one of another host, and keeps what it read of the queue."""
    host = urlsplit(make_job("a").url).netloc
    assert len(leases(full).claim(1, held=1, hosts={host: 1}).jobs) == 1


def test_a_full_redis_shows_that_a_worker_is_suspended(full: redis.Redis) -> None:
    registration(full).register()
    full.config_set("maxmemory", 0)
    full.set(SUSPENDED, 1)
    full.config_set("maxmemory", 1)
    assert leases(full).claim(1, held=0).suspended
    assert full.hget("rq:worker:w", "state") == b"suspended"


def test_a_full_redis_lets_the_jobs_of_the_dead_come_back(full: redis.Redis) -> None:
    assert len(leases(full).claim(2, held=0).jobs) == 2
    Scripts(full).run("expire_leases", (KEYS.leases, "rq:worker:w:executions"))
    assert full.zcount(KEYS.leases, 0, 0) == 2
    assert leases(full, "another").recover().requeued == 2
    assert full.llen(KEYS.queue) == 3
