"""Enqueueing: what RQ reads, unique in the same call, old jobs out of the way, nothing half done."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer
from storage.cases import UNFIT_URLS

from offers_cli import offer
from offers_cli.queue.enqueue import EnrichmentQueue
from offers_cli.queue.job import EnrichmentJob, JobFailure
from offers_cli.queue.keys import job_key
from offers_cli.queue.leases import JobLeases
from offers_cli.queue.retry_policy import FINISHED, JobOutcome, JobStatus


def job(offer_id: str, price_cents: int | None = 1000) -> EnrichmentJob:
    return EnrichmentJob(
        offer_id=offer_id, url=f"https://shop.test/{offer_id}?token=x", current_price_cents=price_cents
    )


def jobs(count: int) -> Iterator[EnrichmentJob]:
    return (job(f"o{number}") for number in range(count))


def rq_queue(connection: redis.Redis) -> Queue:
    return Queue("enrichment", connection=connection, serializer=JSONSerializer)


def fetch(connection: redis.Redis, offer_id: str) -> Job:
    return Job.fetch(f"enrich-{offer_id}", connection=connection, serializer=JSONSerializer)


def test_rq_reads_what_was_enqueued(connection: redis.Redis) -> None:
    report = EnrichmentQueue(connection, job_timeout_s=90).enqueue([job("a", None), job("b", 99900)])
    assert (report.enqueued, report.already_queued) == (2, 0)
    assert rq_queue(connection).job_ids == ["enrich-a", "enrich-b"]
    assert Queue.all(connection=connection) == [rq_queue(connection)]
    found = fetch(connection, "b")
    assert found.func_name == "offers_cli.jobs.enrich_offer_job"
    assert found.args == ["b", "https://shop.test/b?token=x", 99900]
    assert (found.kwargs, found.instance, found.timeout, found.origin) == ({}, None, 90, "enrichment")
    assert found.get_status() == "queued"
    assert found.description == "enrich https://shop.test/b"
    assert fetch(connection, "a").args[2] is None


def test_rq_reads_it_as_one_that_it_wrote_itself(connection: redis.Redis) -> None:
    """What RQ writes as an empty field is left out: it reads the same, and costs a third of the queueing."""
    EnrichmentQueue(connection).enqueue([job("a")])
    connection.rename("rq:job:enrich-a", "ours")
    call = ("offers_cli.jobs.enrich_offer_job", "a", "https://shop.test/a?token=x", 1000)
    rq_queue(connection).enqueue(*call, job_id="enrich-a", description="enrich https://shop.test/a")
    theirs = fetch(connection, "a")
    fields: Any = connection.hgetall("rq:job:enrich-a")
    assert set(connection.hgetall("ours")) == {name for name, value in fields.items() if value}
    connection.rename("ours", "rq:job:enrich-a")
    varying = {"created_at", "enqueued_at", "timeout"}
    ours = fetch(connection, "a")
    assert {**ours.to_dict(), **dict.fromkeys(varying)} == {**theirs.to_dict(), **dict.fromkeys(varying)}
    assert ours.enqueued_at
    assert ours.created_at


def test_twice_in_a_batch_is_once(connection: redis.Redis) -> None:
    """Also where an older job of it ended: that one makes way, and the new one waits."""
    connection.hset(job_key("enrich-b"), "status", "failed")
    connection.zadd("rq:failed:enrichment", {"enrich-b": 5})
    report = EnrichmentQueue(connection).enqueue([job("a"), job("b"), job("a"), job("b"), job("c")])
    assert (report.enqueued, report.already_queued) == (3, 2)
    assert rq_queue(connection).job_ids == ["enrich-a", "enrich-b", "enrich-c"]
    assert not connection.exists("rq:failed:enrichment")


def test_twice_is_once(connection: redis.Redis) -> None:
    queue = EnrichmentQueue(connection)
    queue.enqueue(jobs(10))
    before = connection.hgetall(job_key("enrich-o3"))
    report = queue.enqueue([*jobs(12), job("o11")])
    assert (report.enqueued, report.already_queued) == (2, 11)
    assert len(rq_queue(connection)) == 12
    assert connection.hgetall(job_key("enrich-o3")) == before


@pytest.mark.parametrize("status", ["scheduled", "deferred"])
def test_a_job_that_stands_elsewhere_counts_as_present(connection: redis.Redis, status: str) -> None:
    connection.hset(job_key("enrich-a"), mapping={"status": status, "data": "x"})
    connection.zadd(f"rq:{status}:enrichment", {"enrich-a": 9e9})
    assert EnrichmentQueue(connection).enqueue([job("a")]).already_queued == 1


@pytest.mark.parametrize("status", ["ready_to_enqueue", "rate_limited"])
def test_a_job_that_rq_holds_back_for_its_rate_is_not_queued_beside_that(connection: redis.Redis, status: str) -> None:
    connection.hset(job_key("enrich-a"), mapping={"status": status, "data": "x"})
    assert EnrichmentQueue(connection).enqueue([job("a")]).already_queued == 1
    assert rq_queue(connection).job_ids == []


@pytest.mark.parametrize("registry", ["offers:leases:enrichment", "rq:wip:enrichment"])
def test_a_job_that_runs_counts_as_present(connection: redis.Redis, registry: str) -> None:
    """With our lease, or in the registry of RQ's own workers."""
    connection.hset(job_key("enrich-a"), mapping={"status": "started", "data": "x"})
    connection.zadd("rq:executions:enrich-a", {"e1": 9e9})
    connection.zadd(registry, {"enrich-a:e1": 9e9})
    assert EnrichmentQueue(connection).enqueue([job("a")]).already_queued == 1


@pytest.mark.parametrize("status", ["queued", "started", "scheduled", "deferred"])
@pytest.mark.parametrize("executions", [{}, {"e1": 9e9}])
def test_a_job_that_stands_nowhere_is_queued_again(
    connection: redis.Redis, status: str, executions: dict[str, float]
) -> None:
    """A worker killed, or a script refused, between taking and starting a job leaves a hash that no registry lists."""
    connection.hset(job_key("enrich-a"), mapping={"status": status, "data": "x"})
    if executions:
        connection.zadd("rq:executions:enrich-a", executions)
    assert EnrichmentQueue(connection).enqueue([job("a")]).enqueued == 1
    assert rq_queue(connection).job_ids == ["enrich-a"]


@pytest.mark.parametrize(
    ("status", "registry"), [("finished", "finished"), ("failed", "failed"), ("canceled", "canceled")]
)
def test_an_old_job_does_not_block_and_leaves_its_registry(connection: redis.Redis, status: str, registry: str) -> None:
    connection.hset(job_key("enrich-a"), mapping={"status": status, "data": "x", "meta": "{}", "attempts": 3})
    connection.expire(job_key("enrich-a"), 100)
    connection.zadd(f"rq:{registry}:enrichment", {"enrich-a": 9e9})
    assert EnrichmentQueue(connection).enqueue([job("a")]).enqueued == 1
    assert connection.zcard(f"rq:{registry}:enrichment") == 0
    assert connection.ttl(job_key("enrich-a")) == -1
    assert not connection.hexists(job_key("enrich-a"), "attempts")


def test_a_planted_key_of_another_type_does_not_stop_the_batch(connection: redis.Redis) -> None:
    connection.set(job_key("enrich-b"), "planted")
    assert EnrichmentQueue(connection).enqueue([job("a"), job("b"), job("c")]).enqueued == 3


@pytest.mark.parametrize("offer_id", ["", "a b", "a:b", "é", "x" * 200, "a\n"])
def test_an_offer_id_that_rq_does_not_allow_is_refused_by_itself(connection: redis.Redis, offer_id: str) -> None:
    odd = EnrichmentJob(offer_id=offer_id, url="https://a.test/", current_price_cents=1)
    report = EnrichmentQueue(connection).enqueue([job("a"), odd, job("b")])
    assert (report.enqueued, report.already_queued, list(report.refused)) == (2, 0, [offer_id])
    assert rq_queue(connection).job_ids == ["enrich-a", "enrich-b"]


@pytest.mark.parametrize("url", [*UNFIT_URLS, ""])
def test_an_address_that_no_offer_may_have_is_refused_by_itself(connection: redis.Redis, url: str) -> None:
    """Five of six are queued, whatever the sixth's address is; and nobody's password is in the reason."""
    odd = EnrichmentJob(offer_id="odd", url=url, current_price_cents=1)
    report = EnrichmentQueue(connection).enqueue([*jobs(3), odd, job("a"), job("b")])
    assert (report.enqueued, report.already_queued, list(report.refused)) == (5, 0, ["odd"])
    assert "secret" not in report.refused["odd"]
    assert len(rq_queue(connection)) == 5


def test_a_plain_address_is_one_that_nothing_is_wrong_with(monkeypatch: pytest.MonkeyPatch) -> None:
    """The quick look at an address lets nothing through that the long one refuses."""
    pieces = [*"a-.:/?#@[]% \\\n\x7fé\u200b", "shop.test", "80", "::1"]
    chosen = random.Random(7)
    urls = {f"https://{''.join(chosen.choices(pieces, k=chosen.randint(0, 9)))}" for _ in range(40_000)}
    plain = [url for url in urls if offer._PLAIN_URL.fullmatch(url)]
    assert len(plain) > 100
    monkeypatch.setattr(offer, "_PLAIN_URL", re.compile("(?!)"))
    assert [url for url in plain if offer.url_problem(url)] == []


def test_a_large_run_needs_one_call_per_thousand_and_constant_memory(connection: redis.Redis) -> None:
    queue = EnrichmentQueue(connection)
    queue.enqueue([job("warm")])
    connection.config_resetstat()
    taken = 0

    def count() -> Iterator[EnrichmentJob]:
        nonlocal taken
        for each in jobs(5000):
            taken += 1
            yield each

    seen: list[tuple[int, int]] = []
    report = queue.enqueue(count(), on_progress=lambda done: seen.append((done.enqueued, taken)))
    assert report.enqueued == 5000
    assert seen == [(done, done) for done in range(1000, 5001, 1000)], "no more are taken than one call queues"
    assert connection.info("commandstats")["cmdstat_evalsha"]["calls"] == 5


@pytest.mark.parametrize("status", ["finished", "failed", "stopped"])
def test_a_job_that_ended_after_the_caller_had_read_is_left_alone(connection: redis.Redis, status: str) -> None:
    """Else its page would be asked twice: the caller does not know yet what came of it."""
    clock = [2_000_000_000.5]
    queue = EnrichmentQueue(connection, clock=lambda: clock[0])
    leases = JobLeases(connection, queue_name="enrichment", worker="w", clock=lambda: clock[0])
    queue.enqueue([job("a")])
    failure = JobFailure(code="bug", message="m", attempts=1)
    outcome = FINISHED if status == "finished" else JobOutcome(status=JobStatus(status), failure=failure)
    leases.settle([(leases.claim(1, held=0).jobs[0], outcome)])
    for since, enqueued in ((clock[0] - 1, 0), (clock[0], 0), (clock[0] + 1, 1)):
        report = queue.enqueue([job("a")], unless_ended_since=since)
        assert (report.enqueued, report.already_queued) == (enqueued, 1 - enqueued)
    assert rq_queue(connection).job_ids == ["enrich-a"]


@pytest.mark.parametrize("fields", [{"ended_at": ""}, {}])
def test_a_job_of_which_nobody_knows_when_it_ended_is_queued(connection: redis.Redis, fields: Any) -> None:
    connection.hset(job_key("enrich-a"), mapping={"status": "finished", "data": "x", **fields})
    assert EnrichmentQueue(connection).enqueue([job("a")], unless_ended_since=1.0).enqueued == 1


def test_the_queue_s_time_is_redis_s(connection: redis.Redis) -> None:
    before = connection.time()[0]
    assert before <= EnrichmentQueue(connection).time() <= before + 60
