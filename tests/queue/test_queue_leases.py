"""What a worker asks of Redis: what it may do, what is due, what it does not know, and what came back of the dead."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import urlsplit

import pytest
import redis
from queue_fakes import enqueue, make_job, rq_queue
from servers import RedisServer

from offers_cli.errors import QueueRefused
from offers_cli.queue.keys import QueueKeys
from offers_cli.queue.leases import JobLeases
from offers_cli.redis.connection import connect

KEYS = QueueKeys("enrichment")
NOW = 2_000_000_000.25
REHEARSED = (
    *(f"rq:{kind}:enrichment:rehearsal" for kind in ("queue", "scheduled", "wip", "finished", "failed")),
    *(f"offers:{kind}:enrichment:rehearsal" for kind in ("leases", "hosts", "read", "totals")),
    *("rq:worker:w:rehearsal", "rq:worker:w:executions:rehearsal", "offers:waiting:enrichment::rehearsal"),
    *("rq:job:rehearsal", "rq:results:rehearsal", "rq:execution:rehearsal", "rq:executions:rehearsal"),
    "offers:quarantine:rehearsal",
)


@pytest.fixture
def worker(connection: redis.Redis) -> JobLeases:
    return JobLeases(connection, queue_name="enrichment", worker="w", clock=lambda: NOW)


@pytest.fixture
def rehearse_with(shared_redis: RedisServer, connection: redis.Redis) -> Iterator[Callable[..., None]]:
    """Rehearses as a Redis user with no other rights."""

    def rehearse(*rights: str) -> None:
        connection.execute_command("ACL", "SETUSER", "worker", "reset", "on", ">secret", "+@all", *rights)  # type: ignore[no-untyped-call]
        with connect(f"{shared_redis.url}?username=worker&password=secret") as client:
            JobLeases(client, queue_name="enrichment", worker="w").rehearse()

    yield rehearse
    connection.acl_deluser("worker")


def test_a_worker_tries_each_kind_of_key_that_it_will_use(rehearse_with: Callable[..., None]) -> None:
    channels = ("resetchannels", "&rq:pubsub:w")
    rehearse_with(*channels, *(f"~{key}" for key in REHEARSED))
    for refused in REHEARSED:
        with pytest.raises(QueueRefused, match="may not do that"):
            rehearse_with(*channels, *(f"~{key}" for key in REHEARSED if key != refused))


def test_a_worker_that_would_be_deaf_says_so_and_what_to_do(rehearse_with: Callable[..., None]) -> None:
    with pytest.raises(QueueRefused) as refused:
        rehearse_with("~*", "resetchannels")
    assert refused.value.message.endswith("; no command to stop would be heard")
    assert refused.value.hint == "redis-cli ACL SETUSER NAME '&rq:pubsub:*' +subscribe"


def test_a_worker_that_may_not_listen_for_now_is_not_told_to_ask_for_rights(
    worker: JobLeases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It passes, as a Redis that is still loading does."""
    passing = QueueRefused("Redis is loading", temporary=True)

    def refuse() -> Any:
        raise passing

    monkeypatch.setattr(worker._scripts.connection, "pubsub", refuse)
    with pytest.raises(QueueRefused) as refused:
        worker.rehearse()
    assert refused.value is passing


def test_a_worker_does_not_wait_for_ever_for_a_redis_that_falls_silent_as_it_starts(
    worker: JobLeases, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float | None] = []

    class Silent:
        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None: ...

        def subscribe(self, channel: str) -> None: ...

        def get_message(self, *, timeout: float | None) -> None:
            waits.append(timeout)

    monkeypatch.setattr(worker._scripts.connection, "pubsub", Silent)
    worker.rehearse()
    assert waits == [5.0]


def test_the_next_due_job_is_the_first_of_those_put_off(worker: JobLeases, connection: redis.Redis) -> None:
    assert worker.next_due_in_s() is None
    connection.zadd(KEYS.scheduled, {"later": NOW + 60, "next": NOW + 5})
    assert worker.next_due_in_s() == 5
    connection.zadd(KEYS.scheduled, {"overdue": NOW - 7})
    assert worker.next_due_in_s() == -7


def test_a_foreign_key_in_the_place_of_a_workers_own_hides_it_and_stops_nothing(
    worker: JobLeases, connection: redis.Redis
) -> None:
    connection.set(KEYS.scheduled, "planted")
    connection.set("rq:worker:w:executions", "planted")
    assert worker.next_due_in_s() is None
    assert worker.give_back_unknown(()) == 0


def test_what_a_claim_saves_of_the_queue_lies_where_a_worker_is_allowed_to_write(
    worker: JobLeases, connection: redis.Redis
) -> None:
    enqueue(connection, "ab")
    [host] = {urlsplit(job.url).netloc for job in map(make_job, "ab")}
    worker.claim(1, held=1, hosts={host: 1})
    assert connection.lrange(KEYS.waiting_of(host), 0, -1) == [b"enrich-b"]


def test_a_claim_is_dated_by_the_clock_that_all_machines_share(worker: JobLeases, connection: redis.Redis) -> None:
    """A date without a time zone could not be compared with what the database holds."""
    enqueue(connection, "a")
    [job] = worker.claim(1, held=0).jobs
    assert job.claimed_at == datetime.fromtimestamp(NOW, UTC)


def test_what_a_worker_does_not_know_is_put_back_and_counted(worker: JobLeases, connection: redis.Redis) -> None:
    """Whatever a stranger put among it is no execution, or none that runs."""
    enqueue(connection, "abc")
    first, *others = worker.claim(3, held=0).jobs
    connection.sadd("rq:worker:w:executions", "nonsense", "enrich-z:gone", b"\xff:x")
    assert worker.give_back_unknown({first.composite}) == 4
    assert set(rq_queue(connection).job_ids) == {job.job_id for job in others}
    assert connection.hget("rq:job:enrich-b", "attempts") == b"0", "the attempt is not spent"
    assert connection.hget("rq:job:enrich-a", "status") == b"started"
    assert worker.give_back_unknown({first.composite}) == 1, "of which nothing can be written"


def test_the_name_of_a_job_ends_at_the_first_colon(worker: JobLeases, connection: redis.Redis) -> None:
    connection.hset("rq:job:enrich-a", "status", "started")
    connection.zadd("rq:executions:enrich-a", {"e:1": 1})
    connection.zadd(KEYS.leases, {"enrich-a:e:1": NOW + 1})
    connection.sadd("rq:worker:w:executions", "enrich-a:e:1")
    assert worker.give_back_unknown(()) == 1
    assert rq_queue(connection).job_ids == ["enrich-a"]


def start(connection: redis.Redis, count: int) -> None:
    """As many jobs, whose worker is dead."""
    with connection.pipeline(transaction=False) as pipe:
        for number in range(count):
            pipe.hset(f"rq:job:j{number}", "status", "started")
            pipe.zadd(f"rq:executions:j{number}", {"e": 1})
            pipe.zadd(KEYS.leases, {f"j{number}:e": NOW - 1})
        pipe.execute()


def test_a_thousand_jobs_come_back_at_once_and_the_rest_after_them(worker: JobLeases, connection: redis.Redis) -> None:
    """So no script keeps Redis from others for long."""
    start(connection, 1001)
    assert [worker.recover().requeued for _ in range(3)] == [1000, 1, 0]


@pytest.mark.parametrize(("deaths", "figures"), [(0, {"requeued": 1, "failed": 0}), (2, {"requeued": 0, "failed": 1})])
def test_what_came_back_is_said_and_nothing_where_nothing_did(
    worker: JobLeases, connection: redis.Redis, caplog: pytest.LogCaptureFixture, deaths: int, figures: dict[str, int]
) -> None:
    worker.recover()
    assert not caplog.records
    start(connection, 1)
    connection.hset("rq:job:j0", "deaths", deaths)
    worker.recover()
    [record] = caplog.records
    assert (record.levelname, record.getMessage()) == ("WARNING", "recovered jobs of dead workers")
    assert record.figures == figures  # type: ignore[attr-defined]


def test_an_abandoned_job_is_left_alone_by_rq_for_a_week(worker: JobLeases, connection: redis.Redis) -> None:
    enqueue(connection, "a")
    [job] = worker.claim(1, held=0).jobs
    assert connection.zscore(KEYS.started, job.composite) == NOW + 604_800
    assert connection.zscore(KEYS.leases, job.composite) == NOW + 20
