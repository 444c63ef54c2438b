"""What each worker does now, as `offers stats --watch` shows it."""

from __future__ import annotations

import threading

import redis
from queue_fakes import Database, enqueue, found, make_worker, redis_now
from waiting import NEVER_S, wait_until

from offers_cli.offer import Enrichment
from offers_cli.queue.job import ClaimedJob
from offers_cli.queue.registries import Registries


def test_a_worker_tells_the_jobs_it_runs(connection: redis.Redis) -> None:
    before = redis_now(connection)
    enqueue(connection, ["o1", "o2"])
    both_run, may_end = threading.Barrier(3, timeout=NEVER_S), threading.Event()

    def enrich(job: ClaimedJob) -> Enrichment:
        both_run.wait()
        assert may_end.wait(NEVER_S)
        return found(job)

    worker = make_worker(connection, Database(), enrich, concurrency=2)
    thread = threading.Thread(target=worker.run, kwargs={"burst": True})
    thread.start()
    both_run.wait()
    (running,) = Registries(connection).workers()
    may_end.set()
    thread.join(NEVER_S)
    assert running.state == "busy"
    assert {(job.offer_id, job.url) for job in running.jobs} == {
        ("o1", "https://shop.test/o1"),
        ("o2", "https://shop.test/o2"),
    }
    for time in (running.started_at, running.seen_at, *(job.started_at for job in running.jobs)):
        assert time is not None
        assert before <= time.timestamp() <= redis_now(connection)
    assert Registries(connection).workers() == [], "a worker that has ended is not shown"


def test_jobs_at_once_follow_what_the_pace_needs_and_too_few_are_shown(connection: redis.Redis) -> None:
    """The second job begins while the first one runs, as soon as there may be two."""
    enqueue(connection, ["o1", "o2"])
    at_once, running, may_end = [1], threading.Semaphore(0), threading.Event()

    def enrich(job: ClaimedJob) -> Enrichment:
        running.release()
        assert may_end.wait(NEVER_S)
        return found(job)

    worker = make_worker(connection, Database(), enrich, concurrency=lambda: at_once[0], too_few=lambda: at_once == [1])
    thread = threading.Thread(target=worker.run, kwargs={"burst": True})
    thread.start()
    assert running.acquire(timeout=NEVER_S)
    wait_until(lambda: Registries(connection).workers()[0].waits_for)
    (shown,) = Registries(connection).workers()
    assert shown.waits_for == "a free slot: 1 jobs at once are fewer than the allowed pace needs"
    assert len(shown.jobs) == 1
    at_once[0] = 2
    assert running.acquire(timeout=NEVER_S)
    wait_until(lambda: not Registries(connection).workers()[0].waits_for)
    may_end.set()
    thread.join(NEVER_S)


def test_foreign_and_planted_keys_are_shown_as_far_as_they_can_be_read(connection: redis.Redis) -> None:
    connection.sadd("rq:workers:enrichment", "rq:worker:gone", "rq:worker:planted", "rq:worker:list")
    connection.hset("rq:worker:planted", mapping={"birth": "soon", "pid": "x", "state": b"\xff"})
    connection.sadd("rq:worker:planted:executions", "other-job:1", b"\xff")
    connection.hset("rq:job:other-job", "data", b"\x80\x04pickle")
    connection.hset("rq:execution:other-job:1", "created_at", "1e400")
    connection.rpush("rq:worker:list", "x")
    (running,) = Registries(connection).workers()
    assert (running.name, running.pid, running.started_at) == ("planted", None, None)
    assert {job.offer_id for job in running.jobs} == {None}
