"""The worker: outcomes, groups, time-outs, stops, and what RQ's tools see of it."""

from __future__ import annotations

import redis
from queue_fakes import Database, enqueue, fetch, make_worker

from offers_cli.queue.registries import Registries


def test_a_burst_does_every_job_once_and_leaves_nothing_behind(connection: redis.Redis) -> None:
    enqueue(connection, (f"o{n}" for n in range(200)))
    database = Database()
    report = make_worker(connection, database, concurrency=8).run(burst=True)
    assert (report.succeeded, report.failed, report.retried, report.snoozed) == (200, 0, 0, 0)
    assert database.saved == {f"o{n}": 1 for n in range(200)}
    counts = Registries(connection).counts()
    assert (counts.queued, counts.started, counts.finished, counts.workers) == (0, 0, 200, 0)
    assert not connection.keys("offers:*")
    assert not connection.keys("rq:execution*")
    assert fetch(connection, "o3").get_status() == "finished"
