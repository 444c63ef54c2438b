"""What dead workers held comes back: leases that ran out, workers of this machine, and what RQ's own workers left."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import redis
from queue_fakes import Database, enqueue, fetch, found, make_worker, redis_now, rq_queue
from waiting import NEVER_S, wait_until

from offers_cli.offer import Enrichment
from offers_cli.queue import registration
from offers_cli.queue.job import ClaimedJob
from offers_cli.queue.keys import QueueKeys
from offers_cli.queue.leases import INTERMEDIATE_GRACE_S, KEEP_S, LEASE_S, JobLeases
from offers_cli.queue.registration import PROCESS_FIELD, ProcessId, WorkerRegistration

KEYS = QueueKeys("enrichment")


class Clock:
    def __init__(self) -> None:
        self.now = 2_000_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def leases(connection: redis.Redis, worker: str, clock: Callable[[], float] | None = None) -> JobLeases:
    return JobLeases(connection, queue_name="enrichment", worker=worker, clock=clock)


def test_a_lease_that_is_renewed_never_runs_out(connection: redis.Redis, clock: Clock) -> None:
    enqueue(connection, ["a"])
    mine, other = leases(connection, "mine", clock), leases(connection, "other", clock)
    [execution] = mine.claim(1, held=0).jobs
    for _ in range(20):
        clock.now += LEASE_S - 1
        assert mine.heartbeat([execution.composite]).lost == frozenset()
        assert other.recover().requeued == 0


def test_what_a_silent_worker_held_is_back_at_the_front_before_30_s(connection: redis.Redis, clock: Clock) -> None:
    enqueue(connection, "abc")
    leases(connection, "dead", clock).claim(2, held=0)
    other = leases(connection, "other", clock)
    clock.now += LEASE_S - 1
    assert other.recover().requeued == 0
    clock.now += 2
    assert LEASE_S + 1 < 30
    assert other.recover().requeued == 2
    assert set(rq_queue(connection).job_ids[:2]) == {"enrich-a", "enrich-b"}
    assert fetch(connection, "a").get_status() == "queued"


def test_a_job_that_crashed_a_worker_runs_alone_on_an_idle_one(connection: redis.Redis, clock: Clock) -> None:
    enqueue(connection, "abc")
    leases(connection, "dead", clock).claim(2, held=0)
    clock.now += LEASE_S + 1
    other = leases(connection, "other", clock)
    other.recover()
    assert other.claim(3, held=1).jobs == ()
    claims = [[execution.job_id for execution in other.claim(3, held=0).jobs] for _ in range(3)]
    assert sorted(claims[:2]) == [["enrich-a"], ["enrich-b"]]
    assert claims[2] == ["enrich-c"]


def test_a_death_does_not_spend_an_attempt(connection: redis.Redis, clock: Clock) -> None:
    enqueue(connection, ["a"])
    for number in range(2):
        [execution] = leases(connection, f"w{number}", clock).claim(1, held=0).jobs
        assert execution.attempt == 1
        clock.now += LEASE_S + 1
        leases(connection, "other", clock).recover()


def test_a_worker_of_this_machine_whose_process_is_gone_is_known_at_once(connection: redis.Redis) -> None:
    enqueue(connection, ["a"])
    dead = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    identity = ProcessId(registration._machine(), dead.pid, registration._started(dead.pid) or "")
    WorkerRegistration(connection, worker="dead", keys=KEYS).register()
    connection.hset("rq:worker:dead", PROCESS_FIELD, str(identity))
    leases(connection, "dead").claim(1, held=0)
    mine = leases(connection, "mine")
    assert mine.recover().requeued == 0
    dead.kill()
    os.waitid(os.P_PID, dead.pid, os.WEXITED | os.WNOWAIT)  # a zombie is dead too
    assert mine.recover().requeued == 1
    assert not connection.sismember("rq:workers:enrichment", "rq:worker:dead")
    dead.communicate()


@pytest.mark.parametrize(
    "identity",
    [
        f"another-machine/boot/pid:[1]|{os.getpid()}|1",
        "",
        "nonsense",
        f"{registration._machine()}|x|1",
    ],
    ids=["another machine", "nothing", "nonsense", "no process"],
)
def test_a_worker_of_whose_process_nothing_is_known_keeps_its_lease(connection: redis.Redis, identity: str) -> None:
    enqueue(connection, ["a"])
    WorkerRegistration(connection, worker="far", keys=KEYS).register()
    connection.hset("rq:worker:far", PROCESS_FIELD, identity)
    leases(connection, "far").claim(1, held=0)
    assert leases(connection, "mine").recover().requeued == 0


def test_a_pid_that_was_used_again_is_another_process() -> None:
    own = ProcessId.own()
    assert not own.is_dead()
    assert ProcessId.parse(str(own)) == own
    assert ProcessId(own.machine, own.pid, "1").is_dead()
    assert not ProcessId("elsewhere", own.pid, "1").is_dead()
    assert socket.gethostname() in own.machine


def test_without_proc_a_living_pid_counts_as_alive(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """macOS has no /proc: the pid is all there is to go by."""
    monkeypatch.setattr(registration, "PROC", tmp_path)
    own = ProcessId.own()
    assert own.started == ""
    assert not own.is_dead()
    done = subprocess.Popen(["true"])
    done.wait()
    assert ProcessId(own.machine, done.pid, "").is_dead()


def test_an_id_left_between_taking_and_starting_comes_back(connection: redis.Redis, clock: Clock) -> None:
    """RQ's own worker was killed between LMOVE and start; RQ itself would fail the job after two maintenance runs."""
    enqueue(connection, ["a"])
    connection.lmove(KEYS.queue, KEYS.intermediate)
    mine = leases(connection, "mine", clock)
    assert mine.recover().requeued == 0
    clock.now += INTERMEDIATE_GRACE_S - 1
    assert mine.recover().requeued == 0
    clock.now += 1
    assert mine.recover().requeued == 1
    assert rq_queue(connection).job_ids == ["enrich-a"]
    assert connection.llen(KEYS.intermediate) == 0
    mine.recover()
    assert not connection.exists(KEYS.orphans)


def test_an_expired_execution_of_rqs_own_worker_is_put_back_not_failed(connection: redis.Redis) -> None:
    enqueue(connection, ["a"])
    connection.lpop(KEYS.queue)
    connection.hset("rq:job:enrich-a", mapping={"status": "started", "worker_name": "rq-worker"})
    connection.hset("rq:execution:enrich-a:e1", mapping={"id": "e1", "worker_name": "rq-worker", "created_at": "1"})
    connection.zadd("rq:executions:enrich-a", {"e1": 1})
    connection.zadd(KEYS.started, {"enrich-a:e1": time.time() - 1})
    assert leases(connection, "mine").recover().requeued == 1
    assert not connection.exists("rq:execution:enrich-a:e1", "rq:executions:enrich-a", KEYS.started)


def test_rqs_own_clean_up_does_not_fail_our_abandoned_jobs(connection: redis.Redis) -> None:
    """`rq info` and RQ's workers declare an execution failed once its registry entry has expired."""
    enqueue(connection, ["a"])
    before = redis_now(connection)
    leases(connection, "dead").claim(1, held=0)
    score = connection.zscore(KEYS.started, connection.zrange(KEYS.started, 0, 0)[0])  # type: ignore[arg-type]
    assert before <= (score or 0) - KEEP_S <= redis_now(connection)
    rq_queue(connection).started_job_registry.cleanup()
    assert fetch(connection, "a").get_status() == "started"


def test_the_answer_to_a_claim_that_was_lost_does_not_lose_the_jobs(connection: redis.Redis) -> None:
    enqueue(connection, "abc")
    mine = leases(connection, "mine")
    [known] = mine.claim(1, held=0).jobs
    mine.claim(2, held=1)  # the answer never arrived
    assert mine.give_back_unknown({known.composite}) == 2
    assert set(rq_queue(connection).job_ids) == {"enrich-b", "enrich-c"}
    assert fetch(connection, "a").get_status() == "started"


def test_a_worker_frozen_for_longer_than_its_lease_does_no_harm(connection: redis.Redis) -> None:
    """A laptop that slept: its jobs were given to another worker; its late results settle nothing."""
    thawed = threading.Event()
    database = Database()

    def enrich(job: ClaimedJob) -> Enrichment:
        thawed.wait(NEVER_S)
        return found(job)

    enqueue(connection, ["a"])
    frozen = make_worker(connection, database, enrich, lease_s=0.1, heartbeat_s=30)
    thread = threading.Thread(target=frozen.run, kwargs={"burst": True})
    thread.start()
    wait_until(lambda: connection.zcount(KEYS.leases, "-inf", redis_now(connection)), "its lease ran out")
    report = make_worker(connection, database).run(burst=True)
    assert report.succeeded == 1
    thawed.set()
    thread.join()
    assert fetch(connection, "a").is_finished
    assert not connection.exists(KEYS.leases, KEYS.started)
