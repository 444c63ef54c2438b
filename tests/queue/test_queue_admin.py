"""The jobs one by one, as the dashboard shows and changes them: this queue's alone, and broken ones too."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest
import redis
from queue_fakes import Database, enqueue, fetch, make_worker, raising, rq_queue

from offers_cli.errors import PageChanged
from offers_cli.queue.admin import PAGE_SIZE, QueueAdmin, Registry
from offers_cli.queue.job import JobFailure
from offers_cli.queue.keys import QueueKeys
from offers_cli.queue.leases import JobLeases
from offers_cli.queue.retry_policy import FINISHED, JobOutcome, JobStatus
from offers_cli.redis.scripts import Scripts

KEYS = QueueKeys("enrichment")
SCORED = [registry for registry in Registry if registry not in {Registry.QUEUED, Registry.STARTED}]


@pytest.fixture
def jobs(connection: redis.Redis) -> QueueAdmin:
    return QueueAdmin(connection)


def worker(connection: redis.Redis) -> JobLeases:
    return JobLeases(connection, queue_name="enrichment", worker="w")


def start(connection: redis.Redis) -> None:
    assert len(worker(connection).claim(3, held=0).jobs) == 1


def fail(connection: redis.Redis) -> None:
    make_worker(connection, Database(), raising(PageChanged("no <price>"))).run(max_jobs=1)


def finish(connection: redis.Redis) -> None:
    [execution] = worker(connection).claim(3, held=0).jobs
    worker(connection).settle([(execution, FINISHED)])


def put_off(connection: redis.Redis) -> None:
    [execution] = worker(connection).claim(3, held=0).jobs
    failure = JobFailure(code="rate_limited", message="429", attempts=1)
    worker(connection).settle([(execution, JobOutcome(status=JobStatus.SCHEDULED, delay_s=90, failure=failure))])


def defer(connection: redis.Redis) -> None:
    connection.lrem(KEYS.queue, 1, "enrich-o")
    connection.hset("rq:job:enrich-o", "status", "deferred")
    connection.zadd(KEYS.deferred, {"enrich-o": 1})


def cancel(connection: redis.Redis) -> None:
    fetch(connection, "o").cancel()


def leave(connection: redis.Redis) -> None:
    """It stays in the queue."""


STEPS: dict[Registry, Callable[[redis.Redis], None]] = {
    Registry.QUEUED: leave,
    Registry.STARTED: start,
    Registry.SCHEDULED: put_off,
    Registry.DEFERRED: defer,
    Registry.FINISHED: finish,
    Registry.FAILED: fail,
    Registry.CANCELED: cancel,
}
in_every_registry = pytest.mark.parametrize("registry", STEPS)


def stand_in(connection: redis.Redis, registry: Registry) -> None:
    enqueue(connection, ["o"])
    STEPS[registry](connection)


def traces(connection: redis.Redis) -> list[bytes]:
    """All that is left of the job, in names and in values."""
    found: Any = connection.keys("*enrich-o*")
    for key in connection.keys("*"):
        kind = connection.type(key)
        if kind == b"zset":
            members: Any = connection.zrange(key, 0, -1)
        elif kind in {b"list", b"set"}:
            members = connection.lrange(key, 0, -1) if kind == b"list" else connection.smembers(key)
        else:
            continue
        found += [key for member in members if b"enrich-o" in member]
    return sorted(key for key in found if not key.startswith(b"offers:waiting:"))


@in_every_registry
def test_a_job_is_counted_listed_and_found_where_it_stands(
    connection: redis.Redis, jobs: QueueAdmin, registry: Registry
) -> None:
    stand_in(connection, registry)
    assert jobs.counts() == {each: int(each is registry) for each in Registry}
    page = jobs.page(registry)
    assert (page.number, page.pages, page.total) == (1, 1, 1)
    (job,) = page.jobs
    assert (job.id, job.status, job.broken) == (b"enrich-o", registry, "")
    assert (job.offer_id, job.url) == ("o", "https://shop.test/o")
    assert (job.due_at is not None) == (registry is Registry.SCHEDULED)
    found = jobs.find(b"enrich-o")
    assert found
    assert (found.status, found.offer_id) == (registry, "o")


def test_a_failed_job_tells_why(connection: redis.Redis, jobs: QueueAdmin) -> None:
    stand_in(connection, Registry.FAILED)
    job = jobs.find(b"enrich-o")
    assert job
    assert (job.code, job.message, job.attempts) == ("page_changed", "no <price>", "1")
    assert job.error == "page_changed: no <price>"
    assert job.ended_at
    assert job.started_at
    assert job.ended_at >= job.started_at


@in_every_registry
def test_a_deleted_job_leaves_nothing_behind(connection: redis.Redis, jobs: QueueAdmin, registry: Registry) -> None:
    stand_in(connection, registry)
    assert jobs.delete(b"enrich-o")
    assert traces(connection) == []
    assert jobs.find(b"enrich-o") is None
    assert not jobs.delete(b"enrich-o")


@in_every_registry
def test_an_emptied_registry_has_no_jobs_left(connection: redis.Redis, jobs: QueueAdmin, registry: Registry) -> None:
    stand_in(connection, registry)
    assert jobs.empty(registry) == 1
    assert traces(connection) == []
    assert jobs.empty(registry) == 0


@in_every_registry
def test_only_what_waits_or_runs_is_cancelled(connection: redis.Redis, jobs: QueueAdmin, registry: Registry) -> None:
    stand_in(connection, registry)
    is_active = registry not in {Registry.FINISHED, Registry.FAILED, Registry.CANCELED}
    assert jobs.cancel(b"enrich-o") == is_active
    if is_active:
        assert fetch(connection, "o").is_canceled
        assert rq_queue(connection).canceled_job_registry.get_job_ids() == ["enrich-o"]
        assert jobs.counts() == {each: int(each is Registry.CANCELED) for each in Registry}
        assert not connection.exists("rq:executions:enrich-o", KEYS.leases)


@in_every_registry
def test_only_a_failed_job_is_requeued(connection: redis.Redis, jobs: QueueAdmin, registry: Registry) -> None:
    stand_in(connection, registry)
    assert jobs.requeue(b"enrich-o") == (registry is Registry.FAILED)
    if registry is Registry.FAILED:
        assert rq_queue(connection).job_ids == ["enrich-o"]
        assert fetch(connection, "o").is_queued


def test_what_ended_comes_newest_first_what_waits_as_it_is_taken(connection: redis.Redis, jobs: QueueAdmin) -> None:
    enqueue(connection, ["a", "b"])
    connection.zadd(KEYS.scheduled, {"later": 9e9, "sooner": 8e9})
    connection.zadd(KEYS.failed, {"older": 8e9, "newer": 9e9})
    shown = {registry: [job.id for job in jobs.page(registry).jobs] for registry in Registry}
    assert shown[Registry.QUEUED] == [b"enrich-a", b"enrich-b"]
    assert shown[Registry.SCHEDULED] == [b"sooner", b"later"]
    assert shown[Registry.FAILED] == [b"newer", b"older"]


@pytest.mark.parametrize("registry", [Registry.QUEUED, *SCORED])
def test_every_page_of_a_long_registry_costs_the_same(
    connection: redis.Redis, jobs: QueueAdmin, registry: Registry
) -> None:
    """Commands that Redis runs, those within scripts too, with one page of entries and with four hundred."""

    def fill(first: int, last: int) -> None:
        ids = [f"j{number}" for number in range(first, last)]
        if registry is Registry.QUEUED:
            connection.rpush(KEYS.queue, *ids)
        else:
            connection.zadd(f"rq:{registry}:enrichment", {job_id: 9e9 + n for n, job_id in enumerate(ids)})

    def cost(number: int) -> int:
        before = connection.info("commandstats")
        page = jobs.page(registry, number)
        assert (len(page.jobs), page.number) == (PAGE_SIZE, number)
        after = connection.info("commandstats")
        return sum(each["calls"] - before.get(name, {"calls": 0})["calls"] for name, each in after.items())

    fill(0, PAGE_SIZE)
    jobs.page(registry)  # the scripts are loaded
    alone = cost(1)
    fill(PAGE_SIZE, 400 * PAGE_SIZE)
    assert [cost(number) for number in (1, 200, 400)] == [alone] * 3
    assert jobs.page(registry, 999_999_999).number == 400, "beyond the last is the last"


def plant_gone(connection: redis.Redis, job_id: bytes) -> None:
    """An entry whose hash has expired."""


def plant_string(connection: redis.Redis, job_id: bytes) -> None:
    connection.set(b"rq:job:" + job_id, "x")


def plant_pickle(connection: redis.Redis, job_id: bytes) -> None:
    fields: dict[Any, Any] = {
        "status": "failed",
        "data": pickle.dumps(print),
        "meta": pickle.dumps({}),
        "origin": "enrichment",
    }
    connection.hset((b"rq:job:" + job_id).decode("latin-1"), mapping=fields)


def plant_nesting(connection: redis.Redis, job_id: bytes) -> None:
    deep = "[" * 100_000
    connection.hset(b"rq:job:" + job_id, mapping={"status": deep, "data": deep, "meta": deep, "created_at": deep})


def plant_bytes(connection: redis.Redis, job_id: bytes) -> None:
    connection.hset(b"rq:job:" + job_id, mapping={"status": b"\xff", "data": b"x\xff", "meta": b"\xfe", "origin": ""})


def plant_results(connection: redis.Redis, job_id: bytes) -> None:
    connection.hset(b"rq:job:" + job_id, "status", "failed")
    connection.set(b"rq:results:" + job_id, "x")
    connection.set(b"rq:executions:" + job_id, "x")


PLANTED = [plant_gone, plant_string, plant_pickle, plant_nesting, plant_bytes, plant_results]
ODD_IDS = [b"planted", b"\xff\xfe", b"a:b", b"</a><script>", b"../x", b" ", b"\x00"]


@pytest.mark.parametrize("registry", Registry)
@pytest.mark.parametrize("plant", PLANTED)
def test_a_broken_job_is_shown_and_deleted(
    connection: redis.Redis, jobs: QueueAdmin, registry: Registry, plant: Callable[..., None]
) -> None:
    plant(connection, b"planted")
    if registry is Registry.QUEUED:
        connection.rpush(KEYS.queue, "planted")
    elif registry is Registry.STARTED:
        connection.zadd(KEYS.started, {"planted:e1": 9e9})
        connection.zadd(KEYS.leases, {"planted:e1": 9e9})
    else:
        connection.zadd(f"rq:{registry}:enrichment", {"planted": 9e9})
    (job,) = jobs.page(registry).jobs
    assert (job.id, bool(job.broken)) == (b"planted", True)
    assert jobs.find(b"planted")
    assert jobs.delete(b"planted")
    assert connection.keys("rq:*planted*") == []
    assert not connection.exists(KEYS.queue, KEYS.leases, KEYS.started, f"rq:{registry}:enrichment")


@pytest.mark.parametrize("job_id", ODD_IDS)
def test_an_odd_id_is_shown_as_it_is_and_deleted(connection: redis.Redis, jobs: QueueAdmin, job_id: bytes) -> None:
    connection.zadd(KEYS.failed, {job_id: 9e9})
    connection.rpush(KEYS.queue, job_id)
    for registry in (Registry.FAILED, Registry.QUEUED):
        (job,) = jobs.page(registry).jobs
        assert job.id == job_id
        assert job.broken
    assert jobs.find(job_id)
    assert jobs.delete(job_id)
    assert not connection.exists(KEYS.failed, KEYS.queue)


def test_a_value_of_any_size_is_cut_before_it_is_sent(connection: redis.Redis, jobs: QueueAdmin) -> None:
    stand_in(connection, Registry.QUEUED)
    connection.hset("rq:job:enrich-o", mapping={"description": "d" * 2**22, "meta": "m" * 2**22})
    job = jobs.find(b"enrich-o")
    assert job
    assert len(job.description) == 65_536
    assert len(jobs.page(Registry.QUEUED).jobs[0].description) == 16_384


@pytest.mark.parametrize("registry", Registry)
def test_a_key_of_another_type_is_named_and_makes_way(
    connection: redis.Redis, jobs: QueueAdmin, registry: Registry
) -> None:
    names = {Registry.QUEUED: KEYS.queue, Registry.STARTED: KEYS.started}
    connection.set(names.get(registry, f"rq:{registry}:enrichment"), "x")
    assert jobs.counts() == {each: None if each is registry else 0 for each in Registry}
    page = jobs.page(registry)
    assert (page.jobs, page.total) == ((), None)
    assert jobs.find(b"enrich-o") is None
    assert jobs.empty(registry) == 0
    assert jobs.counts() == dict.fromkeys(Registry, 0)


def test_another_queues_jobs_are_out_of_reach(connection: redis.Redis, jobs: QueueAdmin) -> None:
    """Even where an entry of ours names one: the entry goes, the job stays as it is."""
    connection.rpush("rq:queue:payments", "theirs")
    theirs = {b"status": b"failed", b"origin": b"payments", b"data": b"x"}
    connection.hset("rq:job:theirs", mapping=theirs)  # type: ignore[arg-type]
    connection.zadd("rq:failed:payments", {"theirs": 9e9})
    for do in (jobs.requeue, jobs.cancel, jobs.delete):
        assert not do(b"theirs")
    assert jobs.find(b"theirs") is None

    for plant in (jobs.delete, jobs.requeue, lambda _id: jobs.empty(Registry.FAILED)):
        connection.zadd(KEYS.failed, {"theirs": 9e9})
        assert "payments" in jobs.page(Registry.FAILED).jobs[0].broken
        assert jobs.find(b"theirs") is None
        plant(b"theirs")
        assert not connection.exists(KEYS.failed)
    connection.rpush(KEYS.queue, "theirs")
    assert jobs.empty(Registry.QUEUED) == 1
    assert connection.hgetall("rq:job:theirs") == theirs
    assert connection.lrange("rq:queue:payments", 0, -1) == [b"theirs"]
    assert connection.zcard("rq:failed:payments") == 1


@pytest.mark.parametrize("status", ["queued", "failed"])
@pytest.mark.parametrize("plant", PLANTED[1:])
def test_what_neither_says_that_it_is_ours_nor_stands_among_ours_is_left_alone(
    connection: redis.Redis, jobs: QueueAdmin, plant: Callable[..., None], status: str
) -> None:
    plant(connection, b"whose")
    connection.hset("rq:job:another", mapping={"status": status, "data": "x"})
    if plant is plant_pickle:
        connection.hset("rq:job:whose", "origin", "payments")
    before = {key: connection.dump(key) for key in sorted(connection.keys("*"))}
    for job_id in (b"whose", b"another"):
        for do in (jobs.requeue, jobs.cancel, jobs.delete, jobs.find):
            assert not do(job_id)
    assert {key: connection.dump(key) for key in sorted(connection.keys("*"))} == before


def test_an_emptied_registry_spares_jobs_that_wait_again(connection: redis.Redis, jobs: QueueAdmin) -> None:
    stand_in(connection, Registry.QUEUED)
    connection.zadd(KEYS.failed, {"enrich-o": 9e9})
    assert jobs.empty(Registry.FAILED) == 1
    assert fetch(connection, "o").is_queued
    assert [execution.job_id for execution in worker(connection).claim(3, held=0).jobs] == ["enrich-o"]


def test_more_than_a_batch_is_emptied(connection: redis.Redis, jobs: QueueAdmin) -> None:
    enqueue(connection, [f"o{number}" for number in range(2500)])
    assert jobs.empty(Registry.QUEUED) == 2500
    assert connection.keys("rq:job:*") == []


def test_a_batch_takes_as_many_as_it_is_told_the_first_ones(connection: redis.Redis) -> None:
    """What comes while a registry is emptied stays."""
    own = (KEYS.queue, KEYS.read, KEYS.started, KEYS.leases)
    enqueue(connection, "abcd")
    connection.zadd(KEYS.canceled, {f"enrich-{name}": 9e9 + number for number, name in enumerate("wxyz")})
    for emptied in (KEYS.queue, KEYS.canceled):
        assert Scripts(connection).run("empty", (emptied, *own), "queued", 2) == 2
    assert connection.lrange(KEYS.queue, 0, -1) == [b"enrich-c", b"enrich-d"]
    assert connection.zrange(KEYS.canceled, 0, -1) == [b"enrich-y", b"enrich-z"]


def test_an_emptied_queue_is_read_anew(connection: redis.Redis, jobs: QueueAdmin) -> None:
    """What was read of it for the sake of other hosts counts no more."""
    enqueue(connection, ["a", "b", "c"])
    worker(connection).claim(1, held=1, hosts={"shop.test": 1})
    assert connection.exists(KEYS.read)
    assert jobs.empty(Registry.QUEUED) == 2
    assert not connection.exists(KEYS.read)


def test_emptying_what_runs_ends_leases_of_which_no_job_knows(connection: redis.Redis, jobs: QueueAdmin) -> None:
    for registry in (KEYS.started, KEYS.leases):
        connection.zadd(registry, {"planted:e1": 9e9})
    assert jobs.empty(Registry.STARTED) == 1
    assert not connection.exists(KEYS.started, KEYS.leases)


def test_a_job_that_stands_nowhere_is_not_found_among_others(connection: redis.Redis, jobs: QueueAdmin) -> None:
    for registry in SCORED:
        connection.zadd(f"rq:{registry}:enrichment", {"another": 9e9})
    connection.zadd(KEYS.started, {"another:e1": 9e9})
    connection.rpush(KEYS.queue, "another")
    assert jobs.find(b"nobody") is None
    assert jobs.find(b"another")


@pytest.mark.parametrize("registry", [Registry.QUEUED, Registry.FINISHED])
def test_a_job_that_did_not_fail_tells_of_no_failure(
    connection: redis.Redis, jobs: QueueAdmin, registry: Registry
) -> None:
    stand_in(connection, registry)
    job = jobs.find(b"enrich-o")
    assert job
    assert (job.error, job.code, job.message) == ("", "", "")


def test_a_job_whose_results_were_all_deleted_is_shown(connection: redis.Redis, jobs: QueueAdmin) -> None:
    stand_in(connection, Registry.FAILED)
    connection.xtrim("rq:results:enrich-o", maxlen=0, approximate=False)
    assert connection.exists("rq:results:enrich-o")
    job = jobs.find(b"enrich-o")
    assert job
    assert job.error == ""


def test_after_a_deletion_other_hosts_are_served_as_before(connection: redis.Redis, jobs: QueueAdmin) -> None:
    """What was read of the queue is read anew: no id is skipped for one that is gone."""
    enqueue(connection, ["a", "b", "c"])
    first = worker(connection).claim(1, held=0)
    assert [execution.job_id for execution in first.jobs] == ["enrich-a"]
    assert jobs.delete(b"enrich-b")
    assert not connection.exists(KEYS.read)
    assert [execution.job_id for execution in worker(connection).claim(3, held=0).jobs] == ["enrich-c"]
