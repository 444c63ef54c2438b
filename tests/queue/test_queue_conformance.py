"""Our worker writes the keys that RQ's own SimpleWorker writes for the same jobs, field by field."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from queue_fakes import Database, enqueue, fetch, found, make_worker, redis_now, rq_queue
from rq import SimpleWorker, Worker
from rq.command import send_kill_horse_command, send_shutdown_command, send_stop_job_command
from rq.serializers import JSONSerializer
from rq.suspension import resume, suspend
from servers import RedisServer
from waiting import NEVER_S, wait_until

import offers_cli.jobs
from offers_cli.errors import PageChanged
from offers_cli.offer import Enrichment
from offers_cli.queue.job import ClaimedJob
from offers_cli.queue.registries import Registries

OUR_FIELDS = {b"attempts", b"deaths", b"meta", b"offers_process"}
"""Hash fields that RQ does not know and leaves alone."""
OUR_KEYS = (b"offers:",)
RQ_LOCKS = (b"rq:clean_",)
VARYING = {b"worker_name", b"execution_id", b"exc_string", b"id", b"ip_address"}
"""Names, ids and tracebacks: present in both, different in each run."""

Snapshot = dict[bytes, Any]


def snapshot(connection: redis.Redis) -> Snapshot:
    """All keys with what does not vary from run to run."""
    keys: Any = connection.keys("*")
    return {_named(key): _read(connection, key) for key in keys if not key.startswith((*OUR_KEYS, *RQ_LOCKS))}


def _named(name: bytes) -> bytes:
    """Without the names of workers and executions."""
    name = re.sub(rb"(rq:worker:)[\w-]+", rb"\1NAME", name)
    return re.sub(rb"(enrich-\w+):[0-9a-f]{32}$", rb"\1:EXECUTION", name)


def _read(connection: redis.Redis, key: bytes) -> Any:
    kind: Any = connection.type(key)
    if kind == b"hash":
        fields: Any = connection.hgetall(key)
        return _fields({name: value for name, value in fields.items() if name not in OUR_FIELDS})
    if kind == b"zset":
        members: Any = connection.zrange(key, 0, -1)
        return sorted("EXECUTION" if key.startswith(b"rq:executions") else _named(member) for member in members)
    if kind == b"stream":
        results: Any = connection.xrange(key)
        return [_fields(result) for _, result in results]
    if kind == b"list":
        return connection.lrange(key, 0, -1)
    names: Any = connection.smembers(key)
    return {_named(name) for name in names}


def _fields(fields: dict[bytes, bytes]) -> dict[bytes, str]:
    """What fields say: RQ writes empty ones too, and reads those that are absent the same."""
    return {name: "present" if name in VARYING else _value(value) for name, value in fields.items() if value}


def _value(value: bytes) -> str:
    """The text; times and fractional numbers by their form alone."""
    text = (zlib.decompress(value) if value[:1] == b"x" else value).decode()
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", "TIME", text)
    return re.sub(r"\d+\.\d+", "NUMBER", text)


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """RQ's worker takes the process's signals and does not give them back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def run_rq(server: RedisServer, job: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offers_cli.jobs, "enrich_offer_job", job)
    with server.connect() as connection:
        worker = SimpleWorker([rq_queue(connection)], connection=connection, serializer=JSONSerializer)
        worker.work(burst=True, logging_level="CRITICAL")


def test_a_finished_job_looks_the_same(
    connection: redis.Redis, shared_redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    during: list[Snapshot] = []
    enqueue(connection, ["a", "b"])
    run_rq(shared_redis, lambda *_: during.append(snapshot(connection)), monkeypatch)
    theirs = snapshot(connection)
    connection.flushall()

    def enrich(job: ClaimedJob) -> Enrichment:
        during.append(snapshot(connection))
        return found(job)

    before = int(redis_now(connection))
    enqueue(connection, ["a", "b"])
    make_worker(connection, Database(), enrich, concurrency=1).run(burst=True)
    ours = snapshot(connection)
    assert ours == theirs
    assert ours[b"rq:job:enrich-a"][b"status"] == "finished"
    assert during[2] == during[0]  # while the first one ran
    until = connection.zscore("rq:finished:enrichment", "enrich-a")
    assert until
    assert before <= until - 500 <= redis_now(connection)
    assert connection.ttl("rq:job:enrich-a") in range(400, 501), "of 500 s, some have passed"


def test_a_failed_job_looks_the_same_and_tells_its_code(
    connection: redis.Redis, shared_redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Any:
        raise PageChanged("no price")

    enqueue(connection, ["a"])
    run_rq(shared_redis, fail, monkeypatch)
    theirs = snapshot(connection)
    connection.flushall()
    enqueue(connection, ["a"])
    make_worker(connection, Database(), fail, concurrency=1).run(burst=True)
    ours = snapshot(connection)
    assert theirs[b"rq:job:enrich-a"].pop(b"last_heartbeat") == "TIME", "it tells again when the job ended"
    told_by_the_hash = (b"execution_id", b"execution_started_at", b"execution_ended_at")
    assert [theirs[b"rq:results:enrich-a"][0].pop(name) for name in told_by_the_hash]
    assert ours == theirs
    job = fetch(connection, "a")
    assert job.is_failed
    assert job.meta == {"code": "page_changed", "message": "no price", "attempts": 1}
    result = job.latest_result()
    assert result
    assert (result.type, result.exc_string) == (result.Type.FAILED, "page_changed: no price")
    assert abs(int(connection.ttl("rq:job:enrich-a")) - 31_536_000) < 3


def in_thread(worker: Any, **options: Any) -> threading.Thread:
    thread = threading.Thread(target=worker.run, kwargs=options)
    thread.start()
    return thread


def test_rq_lists_a_working_worker_and_what_it_runs(connection: redis.Redis, shared_redis: RedisServer) -> None:
    go_on = threading.Event()

    def enrich(job: ClaimedJob) -> Enrichment:
        go_on.wait(NEVER_S)
        return found(job)

    enqueue(connection, ["a", "b", "c"])
    worker = make_worker(connection, Database(), enrich, concurrency=2)
    thread = in_thread(worker, burst=True)
    wait_until(lambda: Registries(connection).counts().started == 2)
    [seen] = Worker.all(connection=connection, serializer=JSONSerializer)
    assert (seen.name, seen.get_state(), seen.queue_names()) == (worker.name, "busy", ["enrichment"])
    assert seen.current_execution_count == 2
    assert {execution.job_id for execution in seen.get_current_executions()} == {"enrich-a", "enrich-b"}
    program = str(Path(sys.executable).with_name("rq"))
    shown = subprocess.run(
        [program, "info", "-R", "-u", shared_redis.url], capture_output=True, text=True, timeout=20, check=True
    )
    assert worker.name in shown.stdout
    assert "busy" in shown.stdout
    go_on.set()
    thread.join()
    assert Worker.all(connection=connection) == []
    assert SimpleWorker.find_by_key(f"rq:worker:{worker.name}", connection=connection).successful_job_count == 3  # type: ignore[union-attr]


def test_rq_suspend_and_resume(connection: redis.Redis) -> None:
    suspend(connection)
    enqueue(connection, ["a"])
    database = Database()
    make_worker(connection, database).run(burst=True)  # a suspended burst ends, as RQ's does
    assert not database.saved
    worker = make_worker(connection, database)
    thread = in_thread(worker)
    wait_until(lambda: connection.hget(f"rq:worker:{worker.name}", "state") == b"suspended")
    resume(connection)
    wait_until(lambda: database.saved)
    worker.stop()
    thread.join()


def test_rq_shutdown_command(connection: redis.Redis) -> None:
    worker = make_worker(connection, Database())
    thread = in_thread(worker)
    channel = f"rq:pubsub:{worker.name}"  # to which it listens for a moment before it is registered, too
    wait_until(lambda: connection.exists(f"rq:worker:{worker.name}") and connection.pubsub_numsub(channel)[0][1])
    send_shutdown_command(connection, worker.name)
    thread.join(NEVER_S)
    assert not thread.is_alive()


@pytest.mark.parametrize("command", ["stop-job", "kill-horse"])
def test_rq_stop_job_and_kill_horse_commands(connection: redis.Redis, command: str) -> None:
    never = threading.Event()

    def enrich(job: ClaimedJob) -> Enrichment:
        never.wait(0 if job.offer_id == "b" else 20)
        return found(job)

    enqueue(connection, ["a"])
    database = Database()
    worker = make_worker(connection, database, enrich, concurrency=1)
    thread = in_thread(worker)
    wait_until(lambda: Registries(connection).counts().started)
    wait_until(lambda: connection.pubsub_numsub(f"rq:pubsub:{worker.name}")[0][1])
    if command == "stop-job":
        send_stop_job_command(connection, "enrich-a", serializer=JSONSerializer)
    else:
        send_kill_horse_command(connection, worker.name)
    wait_until(lambda: Registries(connection).counts().failed)
    assert fetch(connection, "a").is_stopped
    enqueue(connection, ["b"])
    wait_until(lambda: database.saved == {"b": 1})
    never.set()
    worker.stop()
    thread.join()
    assert not connection.exists("offers:leases:enrichment")


def test_jobs_that_rq_enqueued_and_scheduled_are_run(connection: redis.Redis) -> None:
    from datetime import timedelta

    queue = rq_queue(connection)
    call = ("offers_cli.jobs.enrich_offer_job", "a", "https://shop.test/a", None)
    queue.enqueue(*call, job_id="enrich-a")
    queue.enqueue_in(
        timedelta(seconds=-5), "offers_cli.jobs.enrich_offer_job", "b", "https://shop.test/b", 5, job_id="enrich-b"
    )
    database = Database()
    make_worker(connection, database).run(burst=True)
    assert database.saved == {"a": 1, "b": 1}


def test_a_job_cancelled_while_it_runs_stays_cancelled(connection: redis.Redis) -> None:
    def enrich(job: ClaimedJob) -> Enrichment:
        fetch(connection, "a").cancel()
        return found(job)

    enqueue(connection, ["a"])
    report = make_worker(connection, Database(), enrich).run(burst=True)
    assert report.succeeded == 0
    assert fetch(connection, "a").is_canceled
    assert not connection.exists("rq:wip:enrichment", "offers:leases:enrichment")


def test_a_job_requeued_by_rq_begins_anew(connection: redis.Redis) -> None:
    def fail(job: ClaimedJob) -> Enrichment:
        raise PageChanged("no price")

    enqueue(connection, ["a"])
    make_worker(connection, Database(), fail).run(burst=True)
    fetch(connection, "a").requeue()
    attempts = []

    def enrich(job: ClaimedJob) -> Enrichment:
        attempts.append(job.attempt)
        return found(job)

    make_worker(connection, Database(), enrich).run(burst=True)
    assert attempts == [1]
    assert fetch(connection, "a").is_finished
