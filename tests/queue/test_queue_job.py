"""Nobody but us runs code: planted jobs are set aside, nothing of theirs is imported, the worker lives."""

from __future__ import annotations

import json
import pickle
import sys
import zlib
from typing import Any

import pytest
import redis
from queue_fakes import Database, enqueue, make_worker

from offers_cli.money import MAX_CENTS
from offers_cli.queue.job import decode_job
from offers_cli.queue.registries import Registries

OURS = "offers_cli.jobs.enrich_offer_job"
GOOD: Any = (OURS, None, ["x", "https://shop.test/x", 5], {})


def call(*parts: Any) -> dict[str, Any]:
    return {"data": json.dumps(parts)}


class Boom:
    def __reduce__(self) -> Any:
        return (__import__, ("this",))


PLANTED: dict[str, dict[str, Any]] = {
    "another function": call("os.system", None, ["touch /tmp/planted"], {}),
    "another job of ours": call("offers_cli.jobs.open_runtime", None, ["x", "https://shop.test/x", 5], {}),
    "instance": call(OURS, {"a": 1}, ["x", "https://shop.test/x", 5], {}),
    "keywords": call(OURS, None, ["x", "https://shop.test/x", 5], {"a": 1}),
    "too few arguments": call(OURS, None, ["x"], {}),
    "too many arguments": call(OURS, None, ["x", "https://shop.test/x", 5, 6], {}),
    "price is text": call(OURS, None, ["x", "https://shop.test/x", "5"], {}),
    "price is true": call(OURS, None, ["x", "https://shop.test/x", True], {}),
    "price is a fraction": call(OURS, None, ["x", "https://shop.test/x", 5.5], {}),
    "price is negative": call(OURS, None, ["x", "https://shop.test/x", -5], {}),
    "price is too large by one": call(OURS, None, ["x", "https://shop.test/x", MAX_CENTS + 1], {}),
    "price is huge": call(OURS, None, ["x", "https://shop.test/x", 10**30], {}),
    "offer id is a number": call(OURS, None, [1, "https://shop.test/x", 5], {}),
    "offer of another job": call(OURS, None, ["y", "https://shop.test/x", 5], {}),
    "url is a file": call(OURS, None, ["x", "file:///etc/passwd", 5], {}),
    "url is huge": call(OURS, None, ["x", "https://shop.test/" + "x" * 5000, 5], {}),
    "not a call": call("one"),
    "an object": {"data": '{"a": 1}'},
    "nested too deep": {"data": "[" * 10_000},
    "not JSON": {"data": "hello"},
    "not text": {"data": b"\xff\xfe\x00"},
    "pickle": {"data": pickle.dumps(Boom())},
    "compressed pickle": {"data": zlib.compress(pickle.dumps(Boom()))},
    "zip bomb": {"data": zlib.compress(b" " * 50_000_000)},
    "huge": {"data": b"x" * 5_000_000},
    "empty": {"data": ""},
    "nothing": {"origin": "enrichment"},
    "success callback": {"data": json.dumps(GOOD), "success_callback_name": "os.system"},
    "failure callback": {"data": json.dumps(GOOD), "failure_callback_name": "os.system"},
    "stopped callback": {"data": json.dumps(GOOD), "stopped_callback_name": "os.system"},
    "webhooks": {"data": json.dumps(GOOD), "webhooks": '[{"url": "http://169.254.169.254/"}]'},
    "repeats": {"data": json.dumps(GOOD), "repeats_left": "5"},
    "RQ's own retries": {"data": json.dumps(GOOD), "retries_left": "3"},
    "rate limit": {"data": json.dumps(GOOD), "rate_limit_key": "x"},
    "odd counters": {"data": "x", "attempts": "many", "deaths": "1e999"},
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_job_is_set_aside(connection: redis.Redis, name: str) -> None:
    planted: Any = {"status": "queued", **PLANTED[name]}
    connection.hset("rq:job:enrich-x", mapping=planted)
    connection.rpush("rq:queue:enrichment", "enrich-x")
    enqueue(connection, ["good"])
    imported = set(sys.modules)
    database = Database()
    report = make_worker(connection, database).run(burst=True)
    assert (report.succeeded, report.failed) == (1, 1)
    assert database.saved == {"good": 1}
    [failed] = Registries(connection).failed_jobs()
    assert (failed.job_id, failed.code) == ("enrich-x", "bug")
    assert failed.message.startswith("refused: ")
    assert len(failed.message) < 300
    assert not {"this", "os.system"} & (set(sys.modules) - imported)


def test_ids_and_keys_that_are_no_jobs_are_dropped(connection: redis.Redis) -> None:
    connection.rpush("rq:queue:enrichment", "gone", "a b", "x" * 100_000, b"\xff\x00", "../x", "text", "a:b")
    connection.set("rq:job:text", "not a hash")
    enqueue(connection, ["good"])
    report = make_worker(connection, Database()).run(burst=True)
    assert (report.succeeded, report.failed) == (1, 0)
    assert Registries(connection).counts().queued == 0


def test_planted_keys_of_wrong_types_do_not_stop_the_worker(connection: redis.Redis) -> None:
    enqueue(connection, ["a", "b"])
    connection.set("rq:executions:enrich-a", "planted")
    connection.set("rq:results:enrich-a", "planted")
    report = make_worker(connection, Database()).run(burst=True)
    assert report.succeeded == 2


def test_a_job_twice_in_the_list_runs_once(connection: redis.Redis) -> None:
    enqueue(connection, ["a"])
    connection.rpush("rq:queue:enrichment", "enrich-a", "enrich-a")
    database = Database()
    make_worker(connection, database, concurrency=2).run(burst=True)
    assert database.saved == {"a": 1}


def test_the_largest_price_that_can_be_read_can_be_queued() -> None:
    data = json.dumps((OURS, None, ["x", "https://shop.test/x", MAX_CENTS], {})).encode()
    assert decode_job("enrich-x", data, "").current_price_cents == MAX_CENTS
