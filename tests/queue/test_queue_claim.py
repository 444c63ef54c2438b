"""How a claim chooses: how far it reads the queue, what it keeps of that, whom it passes over, and where it stops."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
import redis

from offers_cli.queue.job import DATA_LIMIT
from offers_cli.queue.keys import QueueKeys
from offers_cli.queue.leases import JobLeases

KEYS = QueueKeys("enrichment")
NOW = 2_000_000_000.25


@pytest.fixture
def worker(connection: redis.Redis) -> JobLeases:
    return JobLeases(connection, queue_name="enrichment", worker="w", clock=lambda: NOW)


def put(connection: redis.Redis, ids: Iterable[str], **fields: str) -> None:
    """Queue jobs named by their host, "a-1" for one of a.test."""
    with connection.pipeline(transaction=False) as pipe:
        for job_id in ids:
            url = f"https://{job_id.partition('-')[0]}.test/p"
            pipe.hset(f"rq:job:{job_id}", mapping={"status": "queued", "description": url, "data": "x"})
            for name, value in fields.items():
                pipe.hset(f"rq:job:{job_id}", name, value)
            pipe.rpush(KEYS.queue, job_id)
        pipe.execute()


def claim(worker: JobLeases, slots: int = 1, **slots_of: int) -> list[str]:
    """The jobs that a worker is given that holds so many slots for each host."""
    hosts = {f"{host}.test": held for host, held in slots_of.items()}
    return [job.job_id for job in worker.claim(slots, held=sum(slots_of.values()), hosts=hosts).jobs]


def waiting(connection: redis.Redis, host: str) -> list[Any]:
    return connection.lrange(KEYS.waiting_of(f"{host}.test"), 0, -1)


def names(host: str, count: int) -> list[str]:
    return [f"{host}-{number}" for number in range(count)]


def test_a_thousand_jobs_that_are_due_are_queued_at_once(connection: redis.Redis, worker: JobLeases) -> None:
    put(connection, names("a", 1001), status="scheduled")
    connection.delete(KEYS.queue)
    connection.zadd(KEYS.scheduled, dict.fromkeys(names("a", 1001), NOW - 1))
    assert [worker.claim(0, held=0).left for _ in range(2)] == [1000, 1001]


@pytest.mark.parametrize(("useless", "claims"), [(999, [["a-0"]]), (1000, [[], ["a-0"]])])
def test_a_claim_drops_a_thousand_useless_names_and_no_more(
    connection: redis.Redis, worker: JobLeases, useless: int, claims: list[list[str]]
) -> None:
    connection.rpush(KEYS.queue, *names("gone", useless))
    put(connection, ["a-0"])
    assert [claim(worker) for _ in claims] == claims


@pytest.mark.parametrize(("stale", "given"), [(999, "b-0"), (1000, "a-0")])
def test_a_claim_skips_a_thousand_names_of_other_hosts_and_no_more(
    connection: redis.Redis, worker: JobLeases, stale: int, given: str
) -> None:
    put(connection, ["a-0", "b-0"])
    connection.set(KEYS.read, 2, ex=600)
    connection.zadd(KEYS.hosts, {"b.test": 0})
    connection.rpush(KEYS.waiting_of("b.test"), *names("gone", stale), "b-0")
    assert claim(worker, a=1) == [given]


@pytest.mark.parametrize(("before", "claims"), [(1999, ["b-0"]), (2000, [None, "b-0"])])
def test_a_claim_reads_two_thousand_jobs_of_the_queue(
    connection: redis.Redis, worker: JobLeases, before: int, claims: list[str | None]
) -> None:
    """Until it is read to its end, half of the slots are kept for hosts that may come."""
    put(connection, [*names("a", before), "b-0"])
    assert [next(iter(claim(worker, a=1)), None) for _ in claims] == claims
    assert connection.zrange(KEYS.hosts, 0, -1)[0] == b"a.test"
    assert len(waiting(connection, "a")) == before


def test_a_queue_is_read_to_its_end_when_nothing_is_left_to_read(connection: redis.Redis, worker: JobLeases) -> None:
    put(connection, names("a", 2000))
    assert [claim(worker, a=1), claim(worker, a=1)] == [[], ["a-0"]]
    assert connection.get(KEYS.read) == b"1999"
    assert 590_000 < connection.pttl(KEYS.read) <= 600_000, "then it is read anew"


@pytest.mark.parametrize(("held", "slots", "given"), [(1, 3, 1), (2, 3, 1), (2, 2, 0), (1, 2, 1), (3, 1, 0)])
def test_half_of_the_slots_are_kept_while_the_queue_is_not_read(
    connection: redis.Redis, worker: JobLeases, held: int, slots: int, given: int
) -> None:
    put(connection, names("a", 2001))
    assert claim(worker, slots, a=held) == names("a", given)


def test_a_job_more_costs_the_same_however_many_wait_behind_it(connection: redis.Redis, worker: JobLeases) -> None:
    """Redis serves nobody else meanwhile. One host waits, which holds every other slot: the normal case."""
    calls = []
    for queued in (20, 1000):
        connection.flushall()
        put(connection, names("a", queued))
        for slots in (1, 1, 9):
            before = calls_of(connection)
            assert len(claim(worker, slots, a=15)) == slots
            calls.append(calls_of(connection) - before)
    short, long = calls[1:3], calls[4:6]
    assert long == short
    assert short[1] - short[0] <= 8 * 32


def calls_of(connection: redis.Redis) -> int:
    """What Redis was asked for so far, within scripts and without."""
    told: Any = connection.info("commandstats")
    return sum(command["calls"] for name, command in told.items() if name != "cmdstat_info")


def test_what_was_read_is_counted_off_as_it_is_taken(connection: redis.Redis, worker: JobLeases) -> None:
    put(connection, names("a", 4))
    connection.set(KEYS.read, 1)
    counts = []
    for _ in range(2):
        claim(worker)
        counts.append(connection.get(KEYS.read))
    connection.delete(KEYS.read)
    claim(worker)
    assert [*counts, connection.get(KEYS.read)] == [b"0", b"0", None]


@pytest.mark.parametrize("written", ["-1", "x", "1.5"])
def test_a_queue_of_which_nobody_knows_how_far_it_was_read_is_read_anew(
    connection: redis.Redis, worker: JobLeases, written: str
) -> None:
    put(connection, ["a-0", "b-0", "b-1"])
    connection.set(KEYS.read, written)
    connection.zadd(KEYS.hosts, {"gone.test": 0})
    connection.rpush(KEYS.waiting_of("gone.test"), "gone-0")
    assert claim(worker, a=1) == ["b-0"]
    assert connection.get(KEYS.read) == b"2"
    assert (waiting(connection, "a"), waiting(connection, "b"), waiting(connection, "gone")) == ([b"a-0"], [b"b-1"], [])
    assert connection.zrange(KEYS.hosts, 0, -1, withscores=True) == [(b"a.test", 0), (b"b.test", NOW)]


def test_what_was_read_is_not_read_again(connection: redis.Redis, worker: JobLeases) -> None:
    put(connection, ["a-0", "b-0", "c-0"])
    connection.set(KEYS.read, 2, ex=600)
    assert claim(worker, a=1) == ["c-0"]
    assert (waiting(connection, "a"), waiting(connection, "b")) == ([], [])


def test_a_job_that_is_taken_from_the_front_waits_no_more(connection: redis.Redis, worker: JobLeases) -> None:
    put(connection, names("a", 3))
    assert claim(worker, a=1) == ["a-0"]
    assert waiting(connection, "a") == [b"a-1", b"a-2"]
    connection.lpush(KEYS.queue, "a-9")
    connection.hset("rq:job:a-9", mapping={"status": "queued", "description": "https://a.test/9", "data": "x"})
    assert claim(worker, a=1) == ["a-9"]
    assert waiting(connection, "a")[0] == b"a-1", "another one's place is not touched"


def test_names_that_no_longer_wait_are_passed_over(connection: redis.Redis, worker: JobLeases) -> None:
    put(connection, ["a-0", "b-0", "b-1", "b-2", "b-2"])
    connection.set(KEYS.read, 5, ex=600)
    connection.zadd(KEYS.hosts, {"b.test": 0})
    connection.rpush(KEYS.waiting_of("b.test"), "b-gone", "b-0", "b-elsewhere", "b-1", "b-2")
    connection.hset("rq:job:b-0", "status", "canceled")
    connection.hset("rq:job:b-elsewhere", "status", "queued")
    connection.delete("rq:job:b-1")
    assert claim(worker, a=1) == ["b-2"]
    assert connection.lrange(KEYS.queue, 0, -1) == [b"a-0", b"b-0", b"b-1", b"b-2"]
    assert claim(worker, a=1) == ["a-0"], "nobody else is known to wait"
    assert connection.zrange(KEYS.hosts, 0, -1) == []


def test_a_host_of_which_nothing_waits_any_more_costs_no_other_its_turn(
    connection: redis.Redis, worker: JobLeases
) -> None:
    put(connection, ["a-0", "c-0"])
    connection.set(KEYS.read, 2, ex=600)
    connection.zadd(KEYS.hosts, {"b.test": 0, "c.test": 1})
    connection.rpush(KEYS.waiting_of("c.test"), "c-0")
    assert claim(worker, a=1) == ["c-0"]
    assert connection.zrange(KEYS.hosts, 0, -1) == [b"c.test"]


def test_a_slot_is_for_the_host_that_holds_fewest_and_was_served_longest_ago(
    connection: redis.Redis, worker: JobLeases
) -> None:
    put(connection, [*names("a", 3), *names("b", 3), *names("c", 3), *names("d", 3)])
    assert claim(worker, a=2, b=1, c=1) == ["d-0"]
    assert claim(worker, a=2, b=1, c=1, d=1) == ["b-0"], "d was served, b and c were not"
    assert claim(worker, a=1, b=1, c=1, d=1) == ["a-0"], "none holds fewer than the first job's"
    assert claim(worker, a=2, b=2, c=2, d=2) == ["a-1"]


def test_a_host_that_was_just_given_one_slot_gives_way_to_none_that_holds_as_many(
    connection: redis.Redis, worker: JobLeases
) -> None:
    put(connection, ["a-0", "a-1", "b-0"])
    assert claim(worker, 2, b=1) == ["a-0", "a-1"]


def test_a_host_does_not_lose_its_turn_when_all_that_was_read_is_taken(
    connection: redis.Redis, worker: JobLeases
) -> None:
    put(connection, ["a-0", "b-0", "c-0"])
    connection.set(KEYS.read, 0, ex=600)
    connection.zadd(KEYS.hosts, {"b.test": NOW - 1, "c.test": NOW - 2})
    assert claim(worker, a=1) == ["c-0"], "it was served longest ago"


def test_a_job_that_another_queued_again_while_it_runs_is_held_by_its_second_worker_alone(
    connection: redis.Redis, worker: JobLeases
) -> None:
    """Else the first one's late result would count, or neither's."""
    put(connection, ["a-0"])
    [first] = worker.claim(1, held=0).jobs
    put(connection, ["a-0"])
    [second] = JobLeases(connection, queue_name="enrichment", worker="x", clock=lambda: NOW).claim(1, held=0).jobs
    assert connection.zrange(KEYS.leases, 0, -1) == [second.composite.encode()]
    assert not connection.exists("rq:worker:w:executions", f"rq:execution:{first.composite}")


def test_each_job_of_a_claim_runs_under_a_name_of_its_own(connection: redis.Redis, worker: JobLeases) -> None:
    put(connection, names("a", 6))
    executions = {job.execution_id for _ in range(2) for job in worker.claim(3, held=0).jobs}
    assert len(executions) == 6


def test_what_a_worker_holds_is_on_record_for_as_long_as_rq_leaves_it_alone(
    connection: redis.Redis, worker: JobLeases
) -> None:
    """Renewed by every claim, whether it gives a job or not."""
    put(connection, ["a-0"])
    for _ in range(2):
        claim(worker)
        assert 604_000 < connection.ttl("rq:worker:w:executions") <= 604_800
        connection.expire("rq:worker:w:executions", 60)


def test_one_claim_gives_each_host_a_slot(connection: redis.Redis, worker: JobLeases) -> None:
    put(connection, [*names("a", 4), *names("b", 4), *names("c", 4)])
    assert claim(worker, 5) == ["a-0", "b-0", "c-0", "a-1", "b-1"]


def test_a_host_is_read_from_the_description_or_from_data_within_the_limit(
    connection: redis.Redis, worker: JobLeases
) -> None:
    url = '["https://data.test/p"]'
    put(connection, ["a-0", "a-1"])
    put(connection, ["b-0"], description="", data=url + " " * (DATA_LIMIT - len(url)))
    put(connection, ["c-0"], description="none", data=url.replace("data", "large") + " " * (DATA_LIMIT - len(url)))
    put(connection, ["d-0"], description="http://d.test:81?x=http://no.test/")
    assert claim(worker, a=1) == ["c-0"]
    assert sorted(connection.zrange(KEYS.hosts, 0, -1)) == [b"", b"a.test", b"d.test:81", b"data.test"]


@pytest.mark.parametrize(("written", "invalid"), [("", False), ("1", True)])
def test_a_field_that_is_empty_asks_for_nothing(
    connection: redis.Redis, worker: JobLeases, written: str, invalid: bool
) -> None:
    put(connection, ["a-0"], repeats_left=written, rate_limit_key=written)
    [job] = worker.claim(1, held=0).jobs
    assert (job.invalid == "it asks for repeats_left, rate_limit_key") is invalid


def test_nothing_is_kept_of_a_queue_that_is_empty(connection: redis.Redis, worker: JobLeases) -> None:
    put(connection, ["a-0", "b-0"])
    assert claim(worker, a=1) == ["b-0"]
    assert connection.exists(KEYS.read, KEYS.hosts, KEYS.waiting_of("a.test")) == 3
    assert claim(worker, a=1) == ["a-0"]
    assert connection.exists(KEYS.read, KEYS.hosts, KEYS.waiting_of("a.test")) == 0


def test_a_job_that_runs_alone_is_the_last_of_its_claim_and_of_no_other(
    connection: redis.Redis, worker: JobLeases
) -> None:
    put(connection, names("a", 3))
    connection.hset("rq:job:a-0", "deaths", 0)
    assert claim(worker, 3, b=1) == []
    assert connection.lrange(KEYS.queue, 0, 0) == [b"a-0"]
    claims = [worker.claim(3, held=0).jobs for _ in range(2)]
    assert [[(job.job_id, job.exclusive) for job in jobs] for jobs in claims] == [
        [("a-0", True)],
        [("a-1", False), ("a-2", False)],
    ]
