"""A worker with nothing to do costs Redis nothing but the question."""

from __future__ import annotations

from typing import Any

import redis
from queue_fakes import Database, enqueue, make_worker

from offers_cli.queue.registries import Registries


def changes(connection: redis.Redis) -> int:
    """How many changes Redis has counted: each of them is written to its append-only file."""
    info: Any = connection.info("persistence")
    return int(info["rdb_changes_since_last_save"])


def test_an_idle_look_writes_nothing(connection: redis.Redis) -> None:
    """It comes five times a second for days: written, it would be 97 MB a day."""
    worker = make_worker(connection, Database())
    worker._registration.register()
    worker._claim()
    [shown] = Registries(connection).workers()
    assert shown.state == "idle"
    before = changes(connection)
    for _ in range(10):
        worker._claim()
    worker._recover()
    worker._threads.close()
    assert changes(connection) == before


def test_the_state_follows_what_the_worker_does(connection: redis.Redis) -> None:
    worker = make_worker(connection, Database())
    worker._registration.register()
    worker._claim()
    assert Registries(connection).workers()[0].state == "idle"
    enqueue(connection, ["a"])
    worker._claim()
    assert Registries(connection).workers()[0].state == "busy"
    worker._write(worker._threads.gather(5))
    worker._settle()
    connection.set("rq:suspended", 1)
    worker._claim()
    assert Registries(connection).workers()[0].state == "suspended"
    worker._threads.close()


def test_a_worker_that_is_not_registered_leaves_no_key_behind(connection: redis.Redis) -> None:
    worker = make_worker(connection, Database())
    worker._claim()
    assert connection.keys("rq:worker*") == []
    worker._threads.close()
