"""The worker: outcomes, groups, time-outs, and trouble with the storage."""

from __future__ import annotations

import threading
from typing import Any, Self

import pytest
import redis
from queue_fakes import Database, enqueue, fetch, found, make_worker, raising, redis_now
from waiting import NEVER_S, wait_until

from offers_cli.errors import (
    LinkRefused,
    OfferGone,
    PageBlocked,
    PageChanged,
    QueueRefused,
    QueueUnavailable,
    SiteUnavailable,
    StorageRefused,
    StorageUnavailable,
)
from offers_cli.offer import Enrichment, EnrichmentReport
from offers_cli.queue.job import ClaimedJob
from offers_cli.queue.leases import Claim, JobLeases
from offers_cli.queue.registries import QueueCounts, Registries
from offers_cli.queue.results import WorkerReport
from offers_cli.queue.retry_policy import RetryPolicy

QUICK = RetryPolicy(waits_s=(0.05, 0.05), snooze_s=0.05)


def counts(connection: redis.Redis) -> QueueCounts:
    return Registries(connection).counts()


class Wait:
    """Around a run that puts a job off: how long the job is made to wait, within the bounds that the run allows."""

    def __init__(self, connection: redis.Redis, offer_id: str) -> None:
        self._connection = connection
        self._job_id = f"enrich-{offer_id}"

    def __enter__(self) -> Self:
        self._began = redis_now(self._connection)
        return self

    def __exit__(self, *_: object) -> None:
        ended = redis_now(self._connection)
        due = self._connection.zscore("rq:scheduled:enrichment", self._job_id)
        assert due is not None
        self.most_s, self.least_s = due - self._began, due - ended

    def is_between(self, least_s: float, most_s: float) -> bool:
        """Whether the wait may have been so long: the run itself lies between the two readings of the clock."""
        return self.least_s <= most_s and self.most_s >= least_s


def test_a_burst_does_every_job_once_and_leaves_nothing_behind(connection: redis.Redis) -> None:
    enqueue(connection, (f"o{n}" for n in range(200)))
    database = Database()
    progress: list[WorkerReport] = []
    report = make_worker(connection, database, concurrency=8, on_progress=progress.append).run(burst=True)
    assert (report.succeeded, report.failed, report.retried, report.snoozed) == (200, 0, 0, 0)
    assert report.jobs_per_s > 0
    assert progress[-1].succeeded == 200
    assert database.saved == {f"o{n}": 1 for n in range(200)}
    assert counts(connection) == QueueCounts(
        queued=0, started=0, scheduled=0, deferred=0, finished=200, failed=0, workers=0
    )
    assert connection.keys("offers:*") == [b"offers:totals:enrichment"], "what was counted stays"
    assert not connection.keys("rq:execution*")
    assert fetch(connection, "o3").get_status() == "finished"


def test_an_empty_queue_ends_a_burst_at_once(connection: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """It asks for jobs once, and does not look again."""
    claims: list[JobLeases] = []
    claim = JobLeases.claim

    def count(leases: JobLeases, *args: Any, **kw: Any) -> Claim:
        claims.append(leases)
        return claim(leases, *args, **kw)

    monkeypatch.setattr(JobLeases, "claim", count)
    assert make_worker(connection, Database()).run(burst=True).succeeded == 0
    assert len(claims) == 1


def test_max_jobs_ends_after_exactly_so_many(connection: redis.Redis) -> None:
    enqueue(connection, (f"o{n}" for n in range(50)))
    assert make_worker(connection, Database(), concurrency=8).run(max_jobs=13).succeeded == 13
    assert (counts(connection).queued, counts(connection).started) == (37, 0)


def test_what_finishes_together_is_saved_together_and_only_then_counts(connection: redis.Redis) -> None:
    barrier = threading.Barrier(4)
    statuses: list[object] = []

    def enrich(job: ClaimedJob) -> Enrichment:
        barrier.wait(NEVER_S)
        return found(job)

    class Watching(Database):
        def save(self, enrichments: Any, failures: Any) -> EnrichmentReport:
            statuses.extend(fetch(connection, enrichment.offer_id).get_status() for enrichment in enrichments)
            return super().save(enrichments, failures)

    database = Watching()
    enqueue(connection, (f"o{n}" for n in range(40)))
    make_worker(connection, database, enrich, concurrency=4).run(burst=True)
    assert statuses == ["started"] * 40
    assert len(database.groups) < 40, "ten times, four ended in the same moment"


def test_no_slot_stands_idle_while_a_slow_database_writes(connection: redis.Redis) -> None:
    """Else as many results go out at once as happen to end together, and the pace is that of the database."""
    begun: list[str] = []

    class Slow(Database):
        def save(self, enrichments: Any, failures: Any) -> EnrichmentReport:
            written = sum(self.groups) + len(enrichments)
            wait_until(lambda: len(begun) >= min(written + 3, 30), "three more jobs to begin")
            return super().save(enrichments, failures)

    def enrich(job: ClaimedJob) -> Enrichment:
        begun.append(job.offer_id)
        return found(job)

    enqueue(connection, (f"o{n}" for n in range(30)))
    database = Slow()
    assert make_worker(connection, database, enrich, concurrency=3).run(burst=True).succeeded == 30
    assert database.saved == {f"o{n}": 1 for n in range(30)}


def test_a_burst_does_what_comes_back_to_a_queue_that_seemed_empty(
    connection: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a job is left over, and a timer's next run is the first that does it."""
    claims: list[Claim] = []
    claim = JobLeases.claim

    def note(leases: JobLeases, *args: Any, **kw: Any) -> Claim:
        claims.append(claim(leases, *args, **kw))
        return claims[-1]

    class StaleOnce(Database):
        def save(self, enrichments: Any, failures: Any) -> EnrichmentReport:
            super().save(enrichments, failures)
            return EnrichmentReport(stale=frozenset("a") if len(self.groups) == 1 else frozenset())

    def enrich(job: ClaimedJob) -> Enrichment:
        wait_until(lambda: len(claims) > 1, "a look at the queue, which is empty")
        return found(job)

    monkeypatch.setattr(JobLeases, "claim", note)
    enqueue(connection, ["a"])
    assert make_worker(connection, StaleOnce(), enrich, concurrency=2).run(burst=True).succeeded == 1
    assert (counts(connection).queued, counts(connection).finished) == (0, 1)


def test_a_redis_that_goes_away_between_reading_and_writing_loses_no_result(
    connection: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page was asked for: a second request for it is not polite."""
    claim = JobLeases.claim
    begun: list[str] = []

    def fail_once(leases: JobLeases, *args: Any, **kw: Any) -> Claim:
        if len(begun) == 1:
            begun.append("the outage")
            raise QueueUnavailable("gone")
        return claim(leases, *args, **kw)

    def enrich(job: ClaimedJob) -> Enrichment:
        begun.append(job.offer_id)
        return found(job)

    monkeypatch.setattr(JobLeases, "claim", fail_once)
    enqueue(connection, ["a", "b"])
    database = Database()
    assert make_worker(connection, database, enrich, concurrency=1).run(burst=True).succeeded == 2
    assert begun == ["a", "the outage", "b"]
    assert database.saved == {"a": 1, "b": 1}


def test_the_claim_time_is_redis_time(connection: redis.Redis) -> None:
    seen: list[ClaimedJob] = []
    enqueue(connection, ["a"])
    before = redis_now(connection)
    make_worker(connection, Database(), lambda job: seen.append(job) or found(job)).run(burst=True)  # type: ignore[func-returns-value]
    [job] = seen
    assert (job.offer_id, job.url, job.current_price_cents, job.attempt) == ("a", "https://shop.test/a", 1000, 1)
    assert before <= job.claimed_at.timestamp() <= redis_now(connection)


@pytest.mark.parametrize(
    ("error", "gone", "final"),
    [
        (OfferGone("paused"), True, True),
        (LinkRefused("no programme"), False, True),
        (PageChanged("no price"), False, False),
    ],
)
def test_final_and_failing_outcomes_fail_at_once_and_are_recorded(
    connection: redis.Redis, error: Any, gone: bool, final: bool
) -> None:
    enqueue(connection, ["a"])
    database = Database()
    report = make_worker(connection, database, raising(error)).run(burst=True)
    assert (report.succeeded, report.failed, report.gone) == (0, not gone, gone)
    failure = database.failures["a"]
    assert (failure.code, failure.message, failure.gone, failure.final) == (error.code, error.message, gone, final)
    [failed] = Registries(connection).failed_jobs()
    assert (failed.code, failed.message, failed.attempts) == (error.code, error.message, 1)


def test_an_unexpected_exception_is_a_bug_of_that_job_alone(connection: redis.Redis) -> None:
    def enrich(job: ClaimedJob) -> Enrichment:
        if job.offer_id == "a":
            raise SystemExit(3)
        if job.offer_id == "b":
            raise ZeroDivisionError("oops")
        return found(job)

    enqueue(connection, "abc")
    database = Database()
    report = make_worker(connection, database, enrich).run(burst=True)
    assert (report.succeeded, report.failed) == (1, 2)
    assert Registries(connection).failures() == {"bug": 2}
    assert database.failures["b"].message == "ZeroDivisionError: oops"


def test_a_retry_is_tried_three_times_with_growing_waits_then_failed(connection: redis.Redis) -> None:
    attempts: list[int] = []

    def enrich(job: ClaimedJob) -> Enrichment:
        attempts.append(job.attempt)
        raise SiteUnavailable("503")

    database = Database()
    enqueue(connection, ["a"])
    for least_s, most_s in [(10, 12.5), (60, 75)]:
        with Wait(connection, "a") as wait:
            report = make_worker(connection, database, enrich).run(burst=True)
        assert wait.is_between(least_s, most_s)
        assert (report.retried, report.failed) == (1, 0)
        assert fetch(connection, "a").is_scheduled
        assert fetch(connection, "a").meta["code"] == "site_unavailable"
        assert not database.failures
        connection.zadd("rq:scheduled:enrichment", {"enrich-a": 1})
    report = make_worker(connection, database, enrich).run(burst=True)
    assert (report.retried, report.failed) == (0, 1)
    assert attempts == [1, 2, 3]
    assert database.failures["a"].code == "site_unavailable"
    assert Registries(connection).failed_jobs()[0].attempts == 3


def test_a_retry_that_falls_due_is_taken_without_any_scheduler(connection: redis.Redis) -> None:
    def enrich(job: ClaimedJob) -> Enrichment:
        if job.attempt == 1:
            raise SiteUnavailable("503")
        return found(job)

    database = Database()
    enqueue(connection, ["a"])
    worker = make_worker(connection, database, enrich, policy=QUICK)
    assert worker.run(max_jobs=2).succeeded == 1
    assert fetch(connection, "a").meta == {}


@pytest.mark.parametrize(
    ("asked_s", "least_s", "most_s"), [(None, 30, 37.5), (60, 60, 75), (0, 1, 1.25), (9999, 900, 1125)]
)
def test_a_snooze_spends_no_attempt_and_waits_as_asked_within_bounds(
    connection: redis.Redis, asked_s: float | None, least_s: float, most_s: float
) -> None:
    enqueue(connection, ["a"])
    database = Database()
    worker = make_worker(connection, database, raising(PageBlocked("captcha", retry_after_s=asked_s)))
    with Wait(connection, "a") as wait:
        report = worker.run(max_jobs=1)
    assert (report.snoozed, report.failed, report.retried) == (1, 0, 0)
    assert wait.is_between(least_s, most_s)
    assert connection.hget("rq:job:enrich-a", "attempts") == b"0"
    assert not database.failures


def test_a_job_that_could_not_ask_for_its_turn_rests_a_moment(connection: redis.Redis) -> None:
    """Redis keeps the pace too: a restart in the middle of a job is no fault of the job."""
    enqueue(connection, ["a"])
    with Wait(connection, "a") as wait:
        report = make_worker(connection, Database(), raising(QueueUnavailable("no pace"))).run(max_jobs=1)
    assert (report.snoozed, report.failed) == (1, 0)
    assert wait.is_between(1, 1.25)
    assert connection.hget("rq:job:enrich-a", "attempts") == b"0"


def test_a_stale_result_goes_back_to_the_queue(connection: redis.Redis) -> None:
    enqueue(connection, "ab")
    database = Database()
    database.report = EnrichmentReport(stale=frozenset("a"))

    def enrich(job: ClaimedJob) -> Enrichment:
        if database.groups:
            database.report = EnrichmentReport()
        return found(job)

    report = make_worker(connection, database, enrich, concurrency=1).run(burst=True)
    assert report.succeeded == 2
    assert database.saved == {"a": 2, "b": 1}


def test_a_result_that_the_storage_refuses_fails_alone(connection: redis.Redis) -> None:
    enqueue(connection, "ab")
    database = Database()
    database.report = EnrichmentReport(refused={"a": "not a price"})
    report = make_worker(connection, database).run(burst=True)
    assert (report.succeeded, report.failed) == (1, 1)
    [failed] = Registries(connection).failed_jobs()
    assert (failed.offer_id, failed.code, failed.message) == ("a", "storage_refused", "not a price")


def test_a_job_whose_offer_the_database_does_not_hold_is_not_told_as_done(connection: redis.Redis) -> None:
    enqueue(connection, "ab")
    database = Database()
    database.report = EnrichmentReport(unknown=frozenset("a"))
    report = make_worker(connection, database).run(burst=True)
    assert (report.succeeded, report.failed) == (1, 1)
    [failed] = Registries(connection).failed_jobs()
    assert (failed.offer_id, failed.code) == ("a", "storage_refused")
    assert "no such offer" in failed.message


def test_a_suspended_queue_is_told_of_and_its_jobs_stay(
    connection: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    enqueue(connection, "ab")
    connection.set("rq:suspended", 1)
    try:
        assert make_worker(connection, Database()).run(burst=True).ended == 0
    finally:
        connection.delete("rq:suspended")
    assert [record.message for record in caplog.records if "suspended" in record.message]
    assert connection.llen("rq:queue:enrichment") == 2


def test_a_storage_that_is_away_costs_no_attempt_and_the_worker_goes_on_when_it_is_back(
    connection: redis.Redis,
) -> None:
    enqueue(connection, (f"o{n}" for n in range(10)))
    database = Database()
    database.errors = [StorageUnavailable("locked")]
    report = make_worker(connection, database).run(burst=True)
    assert report.succeeded == 10
    assert 1 <= report.snoozed <= 3
    assert set(database.saved.values()) == {1}


def test_a_storage_that_refuses_stops_the_worker_and_burns_no_job(connection: redis.Redis) -> None:
    enqueue(connection, (f"o{n}" for n in range(10)))
    database = Database()
    database.errors = [StorageRefused("read-only")] * 9
    with pytest.raises(StorageRefused, match="read-only"):
        make_worker(connection, database).run(burst=True)
    assert (counts(connection).queued, counts(connection).started, counts(connection).failed) == (10, 0, 0)
    assert connection.hget("rq:job:enrich-o0", "attempts") == b"0"


def test_a_bug_in_saving_hits_only_the_result_that_caused_it(connection: redis.Redis) -> None:
    class Broken(Database):
        def save(self, enrichments: Any, failures: Any) -> EnrichmentReport:
            if any(enrichment.offer_id == "b" for enrichment in enrichments):
                raise TypeError("no such thing")
            return super().save(enrichments, failures)

    enqueue(connection, "abc")
    report = make_worker(connection, Broken(), concurrency=3).run(burst=True)
    assert (report.succeeded, report.failed) == (2, 1)
    [failed] = Registries(connection).failed_jobs()
    assert (failed.offer_id, failed.code) == ("b", "bug")


def test_a_job_that_hangs_is_given_up_and_its_late_result_is_ignored(connection: redis.Redis) -> None:
    late = threading.Event()

    def enrich(job: ClaimedJob) -> Enrichment:
        if job.offer_id == "a" and job.attempt == 1:
            late.wait(NEVER_S)
        return found(job)

    enqueue(connection, "abcdef")
    database = Database()
    worker = make_worker(connection, database, enrich, concurrency=1, job_timeout_s=1)
    report = worker.run(burst=True)
    assert (report.succeeded, report.retried) == (5, 1)
    assert set(database.saved) == set("bcdef")
    meta = fetch(connection, "a").meta
    assert (meta["code"], meta["message"]) == ("site_unavailable", "the job was still running after 1 s")
    late.set()
    assert "a" not in database.saved


def test_a_result_of_a_lost_lease_does_not_settle_the_job(connection: redis.Redis) -> None:
    """Another worker was given the job meanwhile: its claim stands."""
    other = JobLeases(connection, queue_name="enrichment", worker="other")

    def enrich(job: ClaimedJob) -> Enrichment:
        if not connection.exists("rq:worker:other:executions"):
            leases: Any = connection.zrange("offers:leases:enrichment", 0, -1)
            [composite] = leases
            connection.zadd("offers:leases:enrichment", {composite: 0})
            other.recover()
            assert len(other.claim(1, held=0).jobs) == 1
        return found(job)

    enqueue(connection, ["a"])
    worker = make_worker(connection, Database(), enrich, concurrency=1)
    assert worker.run(burst=True).succeeded == 0
    job = fetch(connection, "a")
    assert (job.get_status(), job.worker_name) == ("started", "other")


def test_an_eviction_policy_that_drops_jobs_is_refused(connection: redis.Redis) -> None:
    connection.config_set("maxmemory-policy", "allkeys-lru")
    try:
        with pytest.raises(QueueRefused, match="drops jobs"):
            make_worker(connection, Database()).run(burst=True)
    finally:
        connection.config_set("maxmemory-policy", "noeviction")


def test_an_idle_worker_takes_new_jobs(connection: redis.Redis) -> None:
    database = Database()
    worker = make_worker(connection, database)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        wait_until(lambda: connection.smembers("rq:workers:enrichment"))
        enqueue(connection, ["a"])
        wait_until(lambda: database.saved)
    finally:
        worker.stop()
        thread.join()


def test_a_redis_that_fills_up_refuses_new_jobs_and_its_queue_is_still_worked_off(connection: redis.Redis) -> None:
    enqueue(connection, (f"o{n}" for n in range(20)))

    def enrich(job: ClaimedJob) -> Enrichment:
        connection.config_set("maxmemory", 1)
        return found(job)

    try:
        assert make_worker(connection, Database(), enrich).run(burst=True).succeeded == 20
        with pytest.raises(QueueRefused, match="out of memory"):
            enqueue(connection, ["more"])
    finally:
        connection.config_set("maxmemory", 0)
