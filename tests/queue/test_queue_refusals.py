"""Redis says no: what will not pass ends the worker, what passes is waited for, and a burst waits only so long."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import redis
from queue_fakes import Database, enqueue, found, make_worker, raising
from servers import RedisServer
from waiting import NEVER_S, wait_until

from offers_cli.errors import Bug, OffersError, PageChanged, QueueRefused, QueueUnavailable, StorageUnavailable
from offers_cli.offer import Enrichment
from offers_cli.queue import heartbeat as heartbeat_module
from offers_cli.queue import worker as worker_module
from offers_cli.queue.heartbeat import HeartbeatThread
from offers_cli.queue.job import ClaimedJob
from offers_cli.queue.job_threads import JobThreads
from offers_cli.queue.leases import JobLeases
from offers_cli.queue.outage import Backoff, Outage
from offers_cli.queue.registration import PROCESS_FIELD, ProcessId
from offers_cli.queue.registries import Registries
from offers_cli.queue.worker import Worker
from offers_cli.redis.connection import connect

EVERYTHING = ("resetchannels", "~rq:*", "~offers:*", "&rq:pubsub:*", "+@all")


@pytest.fixture
def connect_as(shared_redis: RedisServer, connection: redis.Redis) -> Iterator[Callable[..., redis.Redis]]:
    """Connects as a Redis user with the given rights, in the words of `ACL SETUSER`."""

    def connect_with(*rights: str) -> redis.Redis:
        connection.execute_command("ACL", "SETUSER", "worker", "reset", "on", ">secret", *rights)  # type: ignore[no-untyped-call]
        return connect(f"{shared_redis.url}?username=worker&password=secret")

    yield connect_with
    connection.acl_deluser("worker")


class Running:
    """A worker in a thread of its own, and the error it ended with."""

    def __init__(self, worker: Worker, **how: Any) -> None:
        self.error: BaseException | None = None
        self.worker = worker
        self._thread = threading.Thread(target=self._run, kwargs=how)
        self._thread.start()

    def _run(self, **how: Any) -> None:
        try:
            self.worker.run(**how)
        except OffersError as error:
            self.error = error

    def end(self) -> BaseException | None:
        """Wait until it has ended by itself."""
        self._thread.join(20)
        if self._thread.is_alive():
            self.worker.stop(now=True)
            self._thread.join(20)
            pytest.fail("the worker did not end by itself")
        return self.error


def messages(caplog: pytest.LogCaptureFixture, text: str) -> list[str]:
    return [record.getMessage() for record in caplog.records if text in record.getMessage()]


@pytest.mark.parametrize("burst", [True, False])
@pytest.mark.parametrize(
    "rights",
    [
        ("~rq:*", "&*", "+@all"),
        ("~offers:*", "&*", "+@all"),
        ("~*", "+@all", "resetchannels"),
        (*EVERYTHING, "-@scripting"),
        (*EVERYTHING, "-lpop"),
        (*EVERYTHING, "-smembers"),
        (*EVERYTHING, "-subscribe"),
    ],
    ids=["no keys of ours", "no keys of RQ", "no channel", "no scripts", "no lpop", "no smembers", "no subscribe"],
)
def test_a_right_that_is_missing_ends_every_worker(
    connect_as: Callable[..., redis.Redis], connection: redis.Redis, rights: tuple[str, ...], burst: bool
) -> None:
    """Nobody but the operator can grant it: waiting for it would be waiting for ever."""
    enqueue(connection, "abc")
    parked = threading.Event()

    def enrich(job: ClaimedJob) -> Enrichment:
        parked.wait(5)
        return found(job)

    running = Running(make_worker(connect_as(*rights), Database(), enrich), burst=burst)
    error = running.end()
    parked.set()
    assert isinstance(error, QueueRefused)
    assert (error.exit_code, error.temporary) == (3, False)
    assert "this Redis user may not do that" in error.message
    with pytest.raises(QueueRefused) as caught:  # as the doctor asks
        Registries(connect_as(*rights)).check_rights()
    assert caught.value.message == error.message
    assert Registries(connection).counts().queued == 3


@pytest.mark.parametrize("right", ["zadd", "sadd", "hset", "expire", "persist"])
def test_jobs_that_a_refused_claim_took_are_found_and_run_once(
    connect_as: Callable[..., redis.Redis], connection: redis.Redis, right: str
) -> None:
    """A right that is taken away while a worker runs is met in the middle of a script, where no rehearsal helps."""
    enqueue(connection, "abc")
    worker = connect_as(*EVERYTHING, f"-{right}")
    with pytest.raises(QueueRefused):
        JobLeases(worker, queue_name="enrichment", worker="w").claim(3, held=0)
    leases = connection.zrange("offers:leases:enrichment", 0, -1)
    connection.zadd("offers:leases:enrichment", dict.fromkeys([*leases, "none:none"], 0))  # they run out
    enqueue(connection, "abc")
    database = Database()
    assert make_worker(connection, database).run(burst=True).succeeded == 3
    assert database.saved == {"a": 1, "b": 1, "c": 1}


def test_a_full_redis_is_worked_off_by_a_worker_that_starts_only_then(connection: redis.Redis) -> None:
    """Finished jobs free its memory; what a dead worker held is among them."""
    enqueue(connection, "abcdef")
    dead = make_worker(connection, Database())
    dead._registration.register()
    dead._claim()
    dead._threads.close()
    connection.hset(f"rq:worker:{dead.name}", PROCESS_FIELD, str(replace(ProcessId.own(), started="0")))
    connection.config_set("maxmemory", 1)
    try:
        report = make_worker(connection, Database()).run(burst=True)
        counts = Registries(connection).counts()
    finally:
        connection.config_set("maxmemory", 0)
    assert (report.succeeded, report.failed) == (6, 0)
    assert (counts.finished, counts.queued, counts.started, counts.workers) == (6, 0, 0, 0)


def test_a_right_that_is_taken_away_ends_a_service_that_has_work_in_hand(
    connect_as: Callable[..., redis.Redis], connection: redis.Redis
) -> None:
    enqueue(connection, "abc")
    parked = threading.Event()

    def enrich(job: ClaimedJob) -> Enrichment:
        parked.wait(5)
        return found(job)

    running = Running(make_worker(connect_as(*EVERYTHING), Database(), enrich, concurrency=1, heartbeat_s=0.1))
    wait_until(lambda: Registries(connection).counts().started)
    connect_as("~rq:*", "&*", "+@all")
    error = running.end()
    parked.set()
    assert isinstance(error, QueueRefused)
    assert Registries(connection).counts().workers == 0, "it could still take its registration back"
    make_worker(connection, Database()).run(burst=True)
    assert Registries(connection).counts().finished == 3 - Registries(connection).counts().started


def test_a_read_only_redis_is_waited_for(redis_server: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    """In a failover the old primary is a replica for a moment."""
    caplog.set_level(logging.INFO)
    with redis_server.connect() as client:
        running = Running(make_worker(client, database := Database(), heartbeat_s=0.1))
        wait_until(lambda: Registries(client).counts().workers)
        enqueue(client, ["a"])
        wait_until(lambda: database.saved)
        client.replicaof("127.0.0.1", "1")
        wait_until(lambda: messages(caplog, "waiting for Redis"))
        client.replicaof("NO", "ONE")
        enqueue(client, ["b"])
        wait_until(lambda: "b" in database.saved)
        running.worker.stop()
        assert running.end() is None
    assert messages(caplog, "Redis answers again")


@pytest.mark.parametrize("away", ["replica", "gone"])
def test_a_burst_waits_for_redis_only_so_long(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch, away: str
) -> None:
    monkeypatch.setattr(worker_module, "OUTAGE_PATIENCE_S", 0.2)
    with redis_server.connect() as client:
        enqueue(client, "abcd")

        def enrich(job: ClaimedJob) -> Enrichment:
            if job.offer_id == "a":
                client.replicaof("127.0.0.1", "1") if away == "replica" else redis_server.kill()
            return found(job)

        error = Running(make_worker(client, Database(), enrich, concurrency=1), burst=True).end()
    assert isinstance(error, QueueRefused if away == "replica" else QueueUnavailable)
    assert error.temporary
    assert error.exit_code == (3 if away == "replica" else 4)


def test_a_burst_waits_for_the_database_only_so_long_and_claims_one_job_at_a_time(
    connection: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "OUTAGE_PATIENCE_S", 0.2)
    enqueue(connection, (f"o{n}" for n in range(50)))
    database = Database()
    database.errors = [StorageUnavailable("the disk is full")] * 50
    worker = make_worker(connection, database, concurrency=3)
    worker._storage_outage._waits = Backoff(0.15, 0.15)
    error = Running(worker, burst=True).end()
    assert isinstance(error, StorageUnavailable)
    assert len(database.errors) >= 40, "three at first, as many before those are written, then one after each pause"
    assert Registries(connection).counts().queued >= 40


@pytest.mark.parametrize("error", [QueueUnavailable("no pace"), QueueRefused("OOM", temporary=True)])
def test_a_pace_that_says_no_stops_the_claiming_and_a_burst_ends_with_its_error(
    connection: redis.Redis, monkeypatch: pytest.MonkeyPatch, error: OffersError
) -> None:
    """A full Redis lets jobs be claimed and refuses each one's turn: they are not churned through."""
    monkeypatch.setattr(worker_module, "OUTAGE_PATIENCE_S", 0.2)
    enqueue(connection, (f"o{n}" for n in range(50)))
    worker = make_worker(connection, Database(), raising(error), concurrency=3)
    worker._pace_outage._waits = Backoff(0.15, 0.15)
    assert Running(worker, burst=True).end() is error
    counts = Registries(connection).counts()
    assert (counts.queued >= 40, counts.started, counts.failed) == (True, 0, 0)


def test_a_pace_that_says_no_for_good_ends_the_worker_and_spends_no_attempt(connection: redis.Redis) -> None:
    enqueue(connection, "abcdef")
    error = QueueRefused("no rights")
    assert Running(make_worker(connection, Database(), raising(error))).end() is error
    assert Registries(connection).counts().queued == 6
    assert connection.hget("rq:job:enrich-a", "attempts") == b"0"


def test_a_pace_that_is_back_gives_all_places_back(connection: redis.Redis) -> None:
    enqueue(connection, "abcdef")
    tried: list[str] = []

    def enrich(job: ClaimedJob) -> Enrichment:
        tried.append(job.offer_id)
        if len(tried) == 1:
            raise QueueUnavailable("no pace")
        return found(job)

    worker = make_worker(connection, Database(), enrich, concurrency=1)
    worker._pace_outage._waits = Backoff(0.01, 0.01)
    assert worker.run(burst=True).succeeded == 6
    assert not worker._pace_outage.lasts


@pytest.mark.slow
def test_a_service_waits_as_long_as_it_takes(connection: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "OUTAGE_PATIENCE_S", 0.0)
    enqueue(connection, "ab")
    database = Database()
    database.errors = [StorageUnavailable("locked")] * 3
    worker = make_worker(connection, database, concurrency=1)
    worker._storage_outage._waits = Backoff(0.01, 0.01)
    running = Running(worker)
    wait_until(lambda: len(database.saved) == 2)
    worker.stop()
    assert running.end() is None


def test_the_limits_are_those_that_the_documents_name() -> None:
    """A minute of patience in docs/many-workers.md, and twenty unexpected errors in a row."""
    assert (worker_module.OUTAGE_PATIENCE_S, worker_module.BUGS_ALLOWED) == (60, 20)


def test_a_database_is_back_as_soon_as_anything_is_written(connection: redis.Redis) -> None:
    """A job that fails is written as well: a queue of nothing else must not be worked off one by one."""
    enqueue(connection, "abcd")
    database = Database()
    database.errors = [StorageUnavailable("locked")]
    worker = make_worker(connection, database, raising(PageChanged("no price")), concurrency=1)
    worker._storage_outage._waits = Backoff(0.01, 0.01)
    assert worker.run(burst=True).failed == 4
    assert not worker._storage_outage.lasts


def test_a_heartbeat_that_breaks_ends_the_worker(
    connection: redis.Redis, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Without it the leases run out, and others would do the same jobs again."""

    def broken(self: HeartbeatThread) -> None:
        raise ValueError("unheard of")

    monkeypatch.setattr(HeartbeatThread, "renew", broken)
    error = Running(make_worker(connection, Database())).end()
    assert isinstance(error, Bug)
    assert "ValueError: unheard of" in error.message
    assert messages(caplog, "unexpected error beside the jobs")


@pytest.mark.parametrize("where", ["listen", "trim_heap", "hear"])
def test_a_heartbeat_that_breaks_anywhere_ends_the_worker_and_gives_its_jobs_back(
    connection: redis.Redis, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """A thread that died silently would leave a worker whose leases run out while it works."""
    began = threading.Event()
    go_on = threading.Event()

    def broken(*_: Any, **__: Any) -> None:
        began.wait(NEVER_S)
        raise ValueError("unheard of")

    def enrich(job: ClaimedJob) -> Enrichment:
        began.set()
        connection.publish(f"rq:pubsub:{worker.name}", "{}")
        go_on.wait(NEVER_S)
        return found(job)

    target = {"listen": redis.client.PubSub, "trim_heap": heartbeat_module, "hear": HeartbeatThread}[where]
    enqueue(connection, "abcdef")
    worker = make_worker(connection, Database(), enrich, heartbeat_s=0.05)
    worker._leases.rehearse = lambda: None  # type: ignore[method-assign]  # it listens too
    monkeypatch.setattr(target, {"listen": "get_message"}.get(where, where), broken)
    error = Running(worker).end()
    go_on.set()
    assert isinstance(error, Bug)
    assert "the worker's heartbeat ended: ValueError: unheard of" in error.message
    counts = Registries(connection).counts()
    assert (counts.queued, counts.started, counts.workers) == (6, 0, 0)


def test_a_place_that_breaks_ends_the_worker_and_gives_its_jobs_back(
    connection: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its job would be held, and renewed, until it is given up as one that hangs."""

    def broken(self: JobThreads, job: ClaimedJob) -> Any:
        raise MemoryError

    monkeypatch.setattr(JobThreads, "_find", broken)
    enqueue(connection, "abcdef")
    error = Running(make_worker(connection, Database())).end()
    assert isinstance(error, Bug)
    assert error.message == "a thread of the worker ended: MemoryError"
    counts = Registries(connection).counts()
    assert (counts.queued, counts.started, counts.workers) == (6, 0, 0)
    assert connection.hget("rq:job:enrich-a", "attempts") == b"0"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_an_outage_is_told_at_once_then_every_minute_and_at_its_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    clock = Clock()
    outage = Outage("the database", Backoff(1, 4), clock=clock)
    assert (outage.lasts, outage.seconds) == (False, 0)
    waits = []
    for _ in range(5):
        waits.append(outage.failed(StorageUnavailable("locked")))
        clock.now += 29
    assert waits == [1, 2, 4, 4, 4]
    assert (outage.lasts, outage.seconds) == (True, 145)
    outage.ended()
    outage.ended()
    assert (outage.lasts, outage.seconds) == (False, 0)
    assert [record.getMessage() for record in caplog.records] == [
        "waiting for the database",
        "still waiting for the database",
        "the database answers again",
    ]
    assert caplog.records[1].figures["lasts_s"] == 87  # type: ignore[attr-defined]
    assert outage.failed(StorageUnavailable("locked")) == 1, "the next outage begins anew"


def test_a_worker_that_waits_for_the_database_shows_it_and_no_longer_when_it_is_back(connection: redis.Redis) -> None:
    enqueue(connection, "abc")
    database = Database()
    database.errors = [StorageUnavailable("it is locked")] * 2  # the second job ran while the first was to be written
    worker = make_worker(connection, database, concurrency=1)
    worker._storage_outage._waits = Backoff(1.0, 1.0)
    running = Running(worker)

    def waits_for() -> list[str | None]:
        return [worker.waits_for for worker in Registries(connection).workers()]

    wait_until(lambda: waits_for() == ["the database: it is locked"])
    wait_until(lambda: database.saved and waits_for() == [None])
    worker.stop()
    assert running.end() is None


def test_a_suspended_burst_ends_without_waiting_for_jobs_that_are_due(
    connection: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    enqueue(connection, "ab")
    make_worker(connection, Database(), raising(StorageUnavailable("locked")), concurrency=1).run(max_jobs=1)
    connection.set("rq:suspended", 1)
    worker = make_worker(connection, Database())
    slept: list[float] = []
    monkeypatch.setattr(worker, "_sleep", slept.append)
    assert worker.run(burst=True).ended == 0
    assert slept == []
