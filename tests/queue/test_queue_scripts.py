"""What the scripts write, to the second: leases, expiries, heartbeats, states, and who may be claimed."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import pytest
import redis
from queue_fakes import fetch, make_job, rq_queue

from offers_cli.errors import PageChanged
from offers_cli.queue import registries
from offers_cli.queue.enqueue import EnrichmentQueue
from offers_cli.queue.job import DATA_LIMIT, ClaimedJob, JobFailure
from offers_cli.queue.keys import FAILURE_TTL_S, RESULT_TTL_S, WORKER_TTL_S, QueueKeys
from offers_cli.queue.leases import CRASH_MESSAGE, INTERMEDIATE_GRACE_S, JOB_CRASHES_ALLOWED, KEEP_S, LEASE_S, JobLeases
from offers_cli.queue.registries import Registries
from offers_cli.queue.retry_policy import FINISHED, GIVEN_BACK, JobOutcome, JobStatus, stopped

KEYS = QueueKeys("enrichment")
START = 2_000_000_000.25
JOB = "rq:job:enrich-a"
FAILED = JobOutcome(status=JobStatus.FAILED, failure=JobFailure(code=PageChanged.code, message="no price", attempts=1))


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now

    def iso(self) -> bytes:
        return datetime.fromtimestamp(self.now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").encode()

    def stamp(self) -> bytes:
        return f"{self.now:.6f}".encode()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def worker(connection: redis.Redis, clock: Clock) -> JobLeases:
    return JobLeases(connection, queue_name="enrichment", worker="w", clock=clock)


def enqueue(connection: redis.Redis, clock: Clock, *offer_ids: str) -> None:
    EnrichmentQueue(connection, clock=clock).enqueue(map(make_job, offer_ids))


def claim(worker: JobLeases, places: int = 1, held: int = 0) -> list[ClaimedJob]:
    return list(worker.claim(places, held=held).jobs)


def ttl(connection: redis.Redis, key: str) -> float:
    """Seconds until it expires, to be compared by `about`."""
    return int(connection.pttl(key)) / 1000


def about(seconds: float) -> Any:
    return pytest.approx(seconds, abs=30)


def failed_score(connection: redis.Redis) -> float:
    score: Any = connection.zscore(KEYS.failed, "enrich-a")
    return float(score)


def only_result(connection: redis.Redis) -> dict[bytes, bytes]:
    results: Any = connection.xrange("rq:results:enrich-a")
    [(_, result)] = results
    return dict(result)


def test_without_a_clock_the_time_is_redis_s(connection: redis.Redis) -> None:
    EnrichmentQueue(connection).enqueue([make_job("a")])
    [execution] = claim(JobLeases(connection, queue_name="enrichment", worker="w"))
    seconds, micros = connection.time()
    assert execution.claimed_at.timestamp() == pytest.approx(seconds + micros / 1e6, abs=30)


# Heartbeats


def test_a_heartbeat_renews_the_lease_for_as_long_as_a_lease(
    connection: redis.Redis, worker: JobLeases, clock: Clock
) -> None:
    enqueue(connection, clock, "a")
    [execution] = claim(worker)
    clock.now += 7
    worker.heartbeat([execution.composite])
    assert connection.zscore(KEYS.leases, execution.composite) == clock.now + LEASE_S


def test_a_heartbeat_tells_rq_that_worker_and_execution_live(
    connection: redis.Redis, worker: JobLeases, clock: Clock
) -> None:
    enqueue(connection, clock, "a")
    connection.hset("rq:worker:w", mapping={"state": "busy", "birth": clock.iso()})
    [execution] = claim(worker)
    keys = ("rq:worker:w", "rq:worker:w:executions", f"rq:execution:{execution.composite}")
    for key in keys:
        connection.persist(key)
    clock.now += 7
    assert worker.heartbeat([execution.composite]).registered
    assert connection.hget("rq:worker:w", "last_heartbeat") == clock.iso()
    assert connection.hget(keys[2], "last_heartbeat") == clock.stamp()
    assert [ttl(connection, key) for key in keys] == [about(WORKER_TTL_S), about(KEEP_S), about(KEEP_S)]


def test_a_heartbeat_of_a_worker_that_is_not_registered_says_so(connection: redis.Redis, worker: JobLeases) -> None:
    assert not worker.heartbeat([]).registered
    assert not connection.exists("rq:worker:w")


def test_a_heartbeat_of_an_execution_that_is_lost_revives_nothing(connection: redis.Redis, worker: JobLeases) -> None:
    assert worker.heartbeat(["enrich-a:gone"]).lost == {"enrich-a:gone"}
    assert not connection.exists(KEYS.leases, "rq:execution:enrich-a:gone")


# Claims


def test_a_claim_writes_when_everything_ends(connection: redis.Redis, worker: JobLeases, clock: Clock) -> None:
    enqueue(connection, clock, "a")
    clock.now += 5
    [execution] = claim(worker)
    composite = execution.composite
    assert connection.zscore(KEYS.started, composite) == clock.now + KEEP_S
    assert connection.zscore(KEYS.leases, composite) == clock.now + LEASE_S
    assert connection.zscore("rq:executions:enrich-a", execution.execution_id) == clock.now + KEEP_S
    for key in ("rq:worker:w:executions", f"rq:execution:{composite}", "rq:executions:enrich-a"):
        assert ttl(connection, key) == about(KEEP_S)
    assert connection.hmget(JOB, "status", "worker_name", "started_at", "last_heartbeat", "attempts") == [
        *(b"started", b"w", clock.iso(), clock.iso(), b"1")
    ]
    assert connection.hgetall(f"rq:execution:{composite}") == {
        b"id": execution.execution_id.encode(),
        b"job_id": b"enrich-a",
        b"worker_name": b"w",
        b"created_at": clock.stamp(),
        b"last_heartbeat": clock.stamp(),
    }
    assert connection.smembers("rq:worker:w:executions") == {composite.encode()}


def test_a_job_that_would_expire_does_not_while_it_runs(
    connection: redis.Redis, worker: JobLeases, clock: Clock
) -> None:
    """RQ's requeue of a failed job leaves the expiry of a failed one."""
    enqueue(connection, clock, "a")
    connection.expire(JOB, 100)
    claim(worker)
    assert connection.ttl(JOB) == -1


@pytest.mark.parametrize(
    ("status", "stands", "runs"),
    [
        ("queued", None, True),
        ("", None, True),
        *((status, KEYS.failed, False) for status in ("failed", "stopped")),
        *((status, None, True) for status in ("failed", "stopped")),
        *((status, None, False) for status in ("finished", "canceled")),
        ("started", KEYS.started, False),
        ("started", KEYS.leases, False),
        ("started", None, True),
        ("scheduled", KEYS.scheduled, False),
        ("scheduled", None, True),
        ("deferred", KEYS.deferred, False),
        ("deferred", None, True),
    ],
)
def test_what_is_in_the_queue_runs_unless_it_stands_elsewhere(
    connection: redis.Redis, worker: JobLeases, clock: Clock, status: str, stands: str | None, runs: bool
) -> None:
    enqueue(connection, clock, "a")
    connection.hset(JOB, "status", status)
    connection.zadd("rq:executions:enrich-a", {"e1": 9e9})
    if stands:
        connection.zadd(stands, {"enrich-a:e1" if status == "started" else "enrich-a": 9e9})
    assert len(claim(worker)) == runs
    assert connection.llen(KEYS.queue) == 0


def test_an_id_as_long_as_the_limit_runs_and_a_longer_one_does_not(
    connection: redis.Redis, worker: JobLeases, clock: Clock
) -> None:
    for length in (200, 201):
        connection.hset(f"rq:job:{'x' * length}", mapping={"status": "queued", "data": "x"})
        connection.rpush(KEYS.queue, "x" * length)
    assert [len(execution.job_id) for execution in claim(worker, 3)] == [200]


@pytest.mark.parametrize(("size", "read"), [(DATA_LIMIT, True), (DATA_LIMIT + 1, False)])
def test_data_as_large_as_the_limit_is_read(
    connection: redis.Redis, worker: JobLeases, clock: Clock, size: int, read: bool
) -> None:
    enqueue(connection, clock, "a")
    connection.hset(JOB, "data", "x" * size)
    [execution] = claim(worker)
    assert execution.invalid == ("its data cannot be read" if read else "its data is missing or too large")


def test_scheduled_jobs_are_queued_when_they_are_due(connection: redis.Redis, worker: JobLeases, clock: Clock) -> None:
    enqueue(connection, clock, "a", "b", "c")
    connection.delete(KEYS.queue)
    for offer, due in (("a", clock.now), ("b", clock.now + 1), ("c", clock.now - 1)):
        connection.hset(f"rq:job:enrich-{offer}", "status", "canceled" if offer == "c" else "scheduled")
        connection.zadd(KEYS.scheduled, {f"enrich-{offer}": due})
    clock.now += 0.5
    assert [execution.job_id for execution in claim(worker, 3)] == ["enrich-a"]
    assert connection.zrange(KEYS.scheduled, 0, -1) == [b"enrich-b"]
    assert connection.hget(JOB, "enqueued_at") == clock.iso()
    assert fetch(connection, "c").is_canceled


def test_a_job_that_is_due_waits_its_turn_behind_the_queued(
    connection: redis.Redis, worker: JobLeases, clock: Clock
) -> None:
    enqueue(connection, clock, "a", "b")
    connection.lpop(KEYS.queue)
    connection.hset(JOB, "status", "scheduled")
    connection.zadd(KEYS.scheduled, {"enrich-a": clock.now})
    assert [execution.job_id for execution in claim(worker, 2)] == ["enrich-b", "enrich-a"]


def test_a_claim_tells_what_is_left_and_the_worker_s_state(
    connection: redis.Redis, worker: JobLeases, clock: Clock
) -> None:
    enqueue(connection, clock, "a", "b", "c")
    connection.hset("rq:worker:w", "state", "starting")

    def state_after(places: int, held: int) -> tuple[int, bool, Any]:
        done = worker.claim(places, held=held)
        return done.left, done.suspended, connection.hget("rq:worker:w", "state")

    assert state_after(2, 0) == (1, False, b"busy")
    assert state_after(1, 2) == (0, False, b"busy")
    assert state_after(1, 3) == (0, False, b"busy")
    assert state_after(1, 0) == (0, False, b"idle")
    connection.set("rq:suspended", 1)
    enqueue(connection, clock, "d")
    assert state_after(1, 0) == (0, True, b"suspended")
    assert state_after(1, 1) == (0, True, b"busy")
    assert rq_queue(connection).job_ids == ["enrich-d"]


def test_a_claim_registers_no_worker(connection: redis.Redis, worker: JobLeases) -> None:
    claim(worker)
    assert not connection.exists("rq:worker:w")


def test_a_job_that_crashed_a_worker_goes_back_to_the_front_and_runs_alone(
    connection: redis.Redis, worker: JobLeases, clock: Clock
) -> None:
    enqueue(connection, clock, "a", "b", "c")
    connection.hset("rq:job:enrich-b", "deaths", 1)
    assert [execution.job_id for execution in claim(worker, 3)] == ["enrich-a"]
    assert rq_queue(connection).job_ids == ["enrich-b", "enrich-c"]
    assert claim(worker, 2, held=1) == []
    [alone] = claim(worker, 3)
    assert (alone.job_id, alone.exclusive) == ("enrich-b", True)


# The ends


def settle(worker: JobLeases, execution: ClaimedJob, outcome: JobOutcome) -> None:
    assert worker.settle([(execution, outcome)]) == [True]


def test_a_finished_job_ends_as_rq_ends_it(connection: redis.Redis, worker: JobLeases, clock: Clock) -> None:
    enqueue(connection, clock, "a")
    connection.hset("rq:worker:w", "state", "busy")
    connection.hset(JOB, mapping={"meta": FAILED.failure.as_meta() if FAILED.failure else "", "deaths": 1})
    [execution] = claim(worker)
    clock.now += 2
    settle(worker, execution, FINISHED)
    assert connection.hmget(JOB, "status", "ended_at", "last_heartbeat", "attempts", "deaths", "meta") == [
        *(b"finished", clock.iso(), clock.iso(), None, None, None)
    ]
    assert connection.zscore(KEYS.finished, "enrich-a") == int(clock.now) + RESULT_TTL_S
    assert [ttl(connection, JOB), ttl(connection, "rq:results:enrich-a")] == [about(RESULT_TTL_S)] * 2
    assert connection.hmget("rq:worker:w", "successful_job_count", "failed_job_count") == [b"1", None]
    assert float(connection.hget("rq:worker:w", "total_working_time") or 0) == pytest.approx(2)
    result = only_result(connection)
    assert result == {
        b"type": b"1",
        b"worker_name": b"w",
        b"execution_id": execution.execution_id.encode(),
        b"execution_started_at": f"{clock.now - 2:.6f}".encode(),
        b"execution_ended_at": clock.stamp(),
    }


@pytest.mark.parametrize("written", ["nan", "inf", "-1", "9e12", "x", "", "0", "0.25"])
def test_an_attempt_of_which_nobody_knows_when_it_began_began_now(
    connection: redis.Redis, worker: JobLeases, clock: Clock, written: str
) -> None:
    """A stranger may have written there; the time that the worker spent stays a number."""
    enqueue(connection, clock, "a")
    connection.hset("rq:worker:w", "state", "busy")
    [execution] = claim(worker)
    connection.hset(f"rq:execution:{execution.composite}", "created_at", written)
    clock.now += 2
    settle(worker, execution, FINISHED)
    began = float(written) if written in {"0", "0.25"} else clock.now
    assert float(only_result(connection)[b"execution_started_at"]) == began
    assert float(connection.hget("rq:worker:w", "total_working_time") or -1) == pytest.approx(clock.now - began)


def test_a_job_that_is_kept_for_a_second_is_not_kept_for_ever(
    connection: redis.Redis, worker: JobLeases, clock: Clock
) -> None:
    enqueue(connection, clock, "a")
    connection.hset(JOB, "result_ttl", 1)
    [execution] = claim(worker)
    settle(worker, execution, FINISHED)
    assert connection.zscore(KEYS.finished, "enrich-a") == int(clock.now) + 1
    assert connection.ttl(JOB) != -1


@pytest.mark.parametrize("outcome", [FAILED, stopped(attempt=1)], ids=["failed", "stopped"])
def test_a_failed_job_stays_a_year(
    connection: redis.Redis, worker: JobLeases, clock: Clock, outcome: JobOutcome
) -> None:
    enqueue(connection, clock, "a")
    connection.hset("rq:worker:w", "state", "busy")
    [execution] = claim(worker)
    settle(worker, execution, outcome)
    assert outcome.failure
    assert connection.hmget(JOB, "status", "meta") == [outcome.status.encode(), outcome.failure.as_meta().encode()]
    assert math.floor(failed_score(connection)) == int(clock.now) + FAILURE_TTL_S
    assert [ttl(connection, JOB), ttl(connection, "rq:results:enrich-a")] == [about(FAILURE_TTL_S)] * 2
    assert connection.hmget("rq:worker:w", "successful_job_count", "failed_job_count") == [None, b"1"]


def test_jobs_that_end_together_are_counted_each_by_its_end(
    connection: redis.Redis, worker: JobLeases, clock: Clock
) -> None:
    """`rq info` shows what a worker did; one that is put off or was given to another is not done."""
    enqueue(connection, clock, *"abcdef")
    connection.hset("rq:worker:w", "state", "busy")
    executions = claim(worker, 6)
    connection.hset(f"rq:execution:{executions[0].composite}", "created_at", clock.now - 5)
    connection.zrem(KEYS.leases, executions[4].composite)
    clock.now += 2
    put_off = JobOutcome(status=JobStatus.SCHEDULED, delay_s=60, failure=FAILED.failure)
    outcomes = [FINISHED, FAILED, stopped(attempt=1), FINISHED, FINISHED, put_off]
    settled = worker.settle(list(zip(executions, outcomes, strict=True)))
    assert settled == [True, True, True, True, False, True]
    assert connection.hmget("rq:worker:w", "successful_job_count", "failed_job_count") == [b"2", b"2"]
    assert float(connection.hget("rq:worker:w", "total_working_time") or 0) == pytest.approx(7 + 2 + 2 + 2)


def test_a_job_that_is_put_off_is_due_to_the_moment(connection: redis.Redis, worker: JobLeases, clock: Clock) -> None:
    enqueue(connection, clock, "a")
    connection.hset(JOB, "deaths", 1)
    [execution] = claim(worker)
    settle(worker, execution, JobOutcome(status=JobStatus.SCHEDULED, spent=False, delay_s=12.5, failure=FAILED.failure))
    assert connection.zscore(KEYS.scheduled, "enrich-a") == pytest.approx(clock.now + 12.5)
    assert connection.hmget(JOB, "status", "worker_name", "attempts", "deaths") == [b"scheduled", b"", b"0", None]
    assert connection.ttl(JOB) == -1


def test_a_job_that_is_given_back_stands_first(connection: redis.Redis, worker: JobLeases, clock: Clock) -> None:
    enqueue(connection, clock, "a", "b")
    [execution] = claim(worker)
    settle(worker, execution, GIVEN_BACK)
    assert rq_queue(connection).job_ids == ["enrich-a", "enrich-b"]
    assert connection.hmget(JOB, "status", "worker_name", "started_at", "attempts") == [b"queued", b"", b"", b"0"]


def test_what_has_expired_leaves_its_registry_with_the_next_end(
    connection: redis.Redis, worker: JobLeases, clock: Clock
) -> None:
    """The names of all offers ever enriched would stay there; what RQ keeps for ever, scored so, stays."""
    enqueue(connection, clock, "a")
    for registry in (KEYS.finished, KEYS.failed):
        connection.zadd(registry, {"expired": clock.now - 1, "now": clock.now, "kept": float("inf")})
    [execution] = claim(worker)
    settle(worker, execution, FINISHED)
    assert set(connection.zrange(KEYS.finished, 0, -1)) == {b"now", b"kept", b"enrich-a"}
    assert set(connection.zrange(KEYS.failed, 0, -1)) == {b"now", b"kept"}


# Recovery


def let_die(worker: JobLeases, clock: Clock) -> Any:
    clock.now += LEASE_S + 1
    return worker.recover()


def test_a_job_that_was_alone_too_often_with_a_dying_worker_fails(
    connection: redis.Redis, worker: JobLeases, clock: Clock
) -> None:
    enqueue(connection, clock, "a")
    for death in range(1, JOB_CRASHES_ALLOWED):
        claim(worker)
        assert let_die(worker, clock).requeued == 1
        assert connection.hmget(JOB, "status", "attempts", "deaths") == [b"queued", b"0", str(death).encode()]
    claim(worker)
    recovery = let_die(worker, clock)
    assert (recovery.requeued, recovery.failed) == (0, 1)
    [failed] = Registries(connection, clock=clock).failed_jobs()
    assert (failed.code, failed.message, failed.attempts) == ("bug", CRASH_MESSAGE, JOB_CRASHES_ALLOWED)
    assert connection.hmget(JOB, "status", "ended_at", "attempts", "deaths") == [b"failed", clock.iso(), None, None]
    assert math.floor(failed_score(connection)) == int(clock.now) + FAILURE_TTL_S
    assert [ttl(connection, JOB), ttl(connection, "rq:results:enrich-a")] == [about(FAILURE_TTL_S)] * 2
    result = only_result(connection)
    assert (result[b"type"], result[b"worker_name"]) == (b"2", b"w")
    told = fetch(connection, "a").latest_result()
    assert told
    assert told.exc_string == f"bug: {CRASH_MESSAGE}"
    assert rq_queue(connection).job_ids == []


def test_a_job_in_company_is_not_blamed_but_runs_alone(
    connection: redis.Redis, worker: JobLeases, clock: Clock
) -> None:
    enqueue(connection, clock, "a", "b")
    claim(worker, 2)
    assert let_die(worker, clock).requeued == 2
    assert connection.hget(JOB, "deaths") == b"0"
    assert connection.hget("rq:job:enrich-b", "deaths") == b"0"
    assert [execution.exclusive for execution in claim(worker, 2)] == [True]


def test_an_entry_of_the_registry_that_names_no_execution_is_dropped(
    connection: redis.Redis, worker: JobLeases, clock: Clock
) -> None:
    connection.zadd(KEYS.started, {"nonsense": 1})
    connection.zadd(KEYS.leases, {"nonsense": 1})
    recovery = worker.recover()
    assert (recovery.requeued, recovery.failed) == (0, 0)
    assert not connection.exists(KEYS.started, KEYS.leases)


def test_only_what_still_waits_comes_back_from_between_taking_and_starting(
    connection: redis.Redis, worker: JobLeases, clock: Clock
) -> None:
    enqueue(connection, clock, "a", "b")
    connection.delete(KEYS.queue)
    connection.rpush(KEYS.intermediate, "enrich-a", "enrich-b", "gone")
    connection.hset("rq:job:enrich-b", "status", "finished")
    assert worker.recover().requeued == 0
    clock.now += 31
    assert worker.recover().requeued == 1
    assert rq_queue(connection).job_ids == ["enrich-a"]
    assert not connection.exists(KEYS.intermediate)
    assert connection.zcard(KEYS.orphans) == 0


def test_an_id_that_comes_back_from_there_stands_first_and_once(
    connection: redis.Redis, worker: JobLeases, clock: Clock
) -> None:
    enqueue(connection, clock, "a", "b")
    connection.lpop(KEYS.queue)
    connection.rpush(KEYS.intermediate, "enrich-a", "enrich-a")
    worker.recover()
    clock.now += INTERMEDIATE_GRACE_S
    assert worker.recover().requeued == 1
    assert rq_queue(connection).job_ids == ["enrich-a", "enrich-b"]
    assert not connection.exists(KEYS.intermediate)


def test_an_id_that_was_started_after_all_is_forgotten(
    connection: redis.Redis, worker: JobLeases, clock: Clock
) -> None:
    """Left there again later, it has its full time."""
    enqueue(connection, clock, "a")
    connection.lmove(KEYS.queue, KEYS.intermediate)
    worker.recover()
    connection.lmove(KEYS.intermediate, KEYS.queue)
    clock.now += INTERMEDIATE_GRACE_S
    worker.recover()
    connection.lmove(KEYS.queue, KEYS.intermediate)
    assert worker.recover().requeued == 0


# Requeueing


def test_a_requeued_job_is_a_new_one_at_the_end(connection: redis.Redis, worker: JobLeases, clock: Clock) -> None:
    enqueue(connection, clock, "a", "b")
    [execution] = claim(worker)
    settle(worker, execution, FAILED)
    connection.hset(JOB, mapping={"attempts": 2, "deaths": 1})
    connection.delete("rq:queues")
    clock.now += 9
    Registries(connection, clock=clock).requeue_failed()
    assert rq_queue(connection).job_ids == ["enrich-b", "enrich-a"]
    fields = ("status", "enqueued_at", "ended_at", "started_at", "worker_name", "meta", "attempts", "deaths")
    assert connection.hmget(JOB, *fields) == [b"queued", clock.iso(), b"", b"", b"", None, None, None]
    assert connection.ttl(JOB) == -1
    assert connection.smembers("rq:queues") == {KEYS.queue.encode()}
    assert connection.exists("rq:results:enrich-a")
    assert not connection.exists(KEYS.failed)


def test_requeueing_by_age_takes_what_failed_at_that_moment_or_before(
    connection: redis.Redis, worker: JobLeases, clock: Clock
) -> None:
    enqueue(connection, clock, "a", "b")
    for execution in claim(worker, 2):
        settle(worker, execution, FAILED)
        clock.now += 10
    registries = Registries(connection, clock=clock)
    assert registries.requeue_failed(older_than_s=21).found == 0
    assert registries.requeue_failed(older_than_s=20).found == 1
    assert rq_queue(connection).job_ids == ["enrich-a"]


def test_a_dry_requeueing_changes_nothing(connection: redis.Redis, worker: JobLeases, clock: Clock) -> None:
    enqueue(connection, clock, "a")
    [execution] = claim(worker)
    settle(worker, execution, FAILED)
    connection.delete("rq:queues")
    report = Registries(connection, clock=clock).requeue_failed(dry_run=True)
    assert (report.found, report.requeued, report.skipped) == (1, 0, 0)
    assert connection.zcard(KEYS.failed) == 1
    assert not connection.exists("rq:queues", KEYS.queue)


@pytest.mark.parametrize("dry_run", [False, True])
def test_what_is_not_wanted_is_passed_over_batch_by_batch(
    connection: redis.Redis, worker: JobLeases, clock: Clock, monkeypatch: pytest.MonkeyPatch, dry_run: bool
) -> None:
    monkeypatch.setattr(registries, "BATCH", 2)
    enqueue(connection, clock, *"abcdefg")
    for number, execution in enumerate(claim(worker, 7)):
        settle(worker, execution, FAILED if number % 3 else stopped(attempt=1))
        clock.now += 1
    report = Registries(connection, clock=clock).requeue_failed(reasons=["bug"], dry_run=dry_run)
    assert (report.found, report.requeued) == (3, 0 if dry_run else 3)
    assert rq_queue(connection).job_ids == ([] if dry_run else ["enrich-a", "enrich-d", "enrich-g"])


@pytest.mark.parametrize("dry_run", [False, True])
def test_none_is_missed_behind_one_that_is_not_wanted(
    connection: redis.Redis, worker: JobLeases, clock: Clock, monkeypatch: pytest.MonkeyPatch, dry_run: bool
) -> None:
    monkeypatch.setattr(registries, "BATCH", 2)
    enqueue(connection, clock, *"abcde")
    for number, execution in enumerate(claim(worker, 5)):
        settle(worker, execution, stopped(attempt=1) if number else FAILED)
        clock.now += 1
    report = Registries(connection, clock=clock).requeue_failed(reasons=["bug"], dry_run=dry_run)
    assert (report.found, report.requeued) == (4, 0 if dry_run else 4)


@pytest.mark.parametrize("dry_run", [False, True])
def test_what_is_to_be_left_alone_stays(
    connection: redis.Redis, worker: JobLeases, clock: Clock, monkeypatch: pytest.MonkeyPatch, dry_run: bool
) -> None:
    """Nobody needs to know which other codes there are."""
    monkeypatch.setattr(registries, "BATCH", 2)
    enqueue(connection, clock, *"abcde")
    for number, execution in enumerate(claim(worker, 5)):
        settle(worker, execution, FAILED if number % 2 else stopped(attempt=1))
        clock.now += 1
    code, queue = PageChanged.code, Registries(connection, clock=clock)
    report = queue.requeue_failed(but_for=[code, "offer_gone"], dry_run=dry_run)
    assert (report.found, report.requeued) == (3, 0 if dry_run else 3)
    assert rq_queue(connection).job_ids == ([] if dry_run else ["enrich-a", "enrich-c", "enrich-e"])
    assert queue.failures() == ({"bug": 3, code: 2} if dry_run else {code: 2})


def test_the_results_of_earlier_attempts_stay(connection: redis.Redis, worker: JobLeases, clock: Clock) -> None:
    enqueue(connection, clock, "a")
    for _ in range(2):
        [execution] = claim(worker)
        settle(worker, execution, FAILED)
        Registries(connection, clock=clock).requeue_failed()
    assert connection.xlen("rq:results:enrich-a") == 2


def test_a_death_gives_its_own_attempt_back_and_no_other(
    connection: redis.Redis, worker: JobLeases, clock: Clock
) -> None:
    enqueue(connection, clock, "a")
    for attempt in (1, 2):
        [execution] = claim(worker)
        assert execution.attempt == attempt
        settle(worker, execution, JobOutcome(status=JobStatus.SCHEDULED, delay_s=1, failure=FAILED.failure))
        clock.now += 2
    [execution] = claim(worker)
    assert execution.attempt == 3
    let_die(worker, clock)
    assert [one.attempt for one in claim(worker)] == [3]
