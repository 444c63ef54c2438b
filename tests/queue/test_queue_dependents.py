"""Jobs that wait for one of ours: they start when it has ended, as they would after RQ's own worker."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from queue_fakes import Database, enqueue, fetch, found, make_worker, raising, rq_queue
from rq import Queue
from rq.job import Dependency, Job, JobStatus
from rq.rate_limit import RateLimit
from rq.serializers import JSONSerializer

from offers_cli.errors import PageChanged, SiteUnavailable
from offers_cli.queue.keys import QueueKeys
from offers_cli.queue.leases import JOB_CRASHES_ALLOWED, LEASE_S, JobLeases


@pytest.fixture
def reports(connection: redis.Redis) -> Queue:
    """Another queue, which our workers do not read."""
    return Queue("reports", connection=connection, serializer=JSONSerializer)


def status(job: Job) -> JobStatus:
    return job.get_status()


def work(connection: redis.Redis, error: Exception | None = None) -> None:
    make_worker(connection, Database(), raising(error) if error else found).run(burst=True)


def test_a_job_starts_when_the_one_it_waits_for_is_done(connection: redis.Redis, reports: Queue) -> None:
    enqueue(connection, "a")
    child: Job = reports.enqueue("time.time", depends_on=fetch(connection, "a"))
    assert status(child) == JobStatus.DEFERRED
    work(connection)
    assert status(child) == JobStatus.QUEUED
    assert reports.job_ids == [child.id]
    assert reports in Queue.all(connection=connection)
    fresh = Job.fetch(child.id, connection=connection, serializer=JSONSerializer)
    assert fresh.enqueued_at
    assert fresh.timeout == 180
    assert not connection.exists("rq:deferred:reports", "rq:job:enrich-a:dependents")


def test_a_job_in_our_own_queue_that_waits_is_run_as_well(connection: redis.Redis) -> None:
    enqueue(connection, "a")
    call: Any = ("offers_cli.jobs.enrich_offer_job", "b", "https://shop.test/b", None)
    rq_queue(connection).enqueue(*call, job_id="enrich-b", depends_on="enrich-a")
    work(connection)
    assert fetch(connection, "b").is_finished


def test_a_job_that_waits_for_two_starts_after_both(connection: redis.Redis, reports: Queue) -> None:
    enqueue(connection, "ab")
    child = reports.enqueue("time.time", depends_on=["enrich-a", "enrich-b"])
    make_worker(connection, Database()).run(burst=True, max_jobs=1)
    assert status(child) == JobStatus.DEFERRED
    work(connection)
    assert status(child) == JobStatus.QUEUED


@pytest.mark.parametrize(("allowed", "expected"), [(False, JobStatus.DEFERRED), (True, JobStatus.QUEUED)])
def test_after_a_failure_only_those_start_that_allow_for_one(
    connection: redis.Redis, reports: Queue, allowed: bool, expected: JobStatus
) -> None:
    enqueue(connection, "a")
    child = reports.enqueue("time.time", depends_on=Dependency(jobs=["enrich-a"], allow_failure=allowed))
    work(connection, PageChanged("no price"))
    assert status(child) == expected


def test_after_a_failure_by_deaths_too(connection: redis.Redis, reports: Queue) -> None:
    enqueue(connection, "a")
    child = reports.enqueue("time.time", depends_on=Dependency(jobs=["enrich-a"], allow_failure=True))
    now = [2_000_000_000.0]
    for number in range(JOB_CRASHES_ALLOWED):
        worker = JobLeases(connection, queue_name="enrichment", worker=f"w{number}", clock=lambda: now[0])
        assert len(worker.claim(1, held=0).jobs) == 1
        now[0] += LEASE_S + 1
        worker.recover()
    assert fetch(connection, "a").is_failed
    assert status(child) == JobStatus.QUEUED


def test_a_job_for_the_front_goes_to_the_front(connection: redis.Redis, reports: Queue) -> None:
    enqueue(connection, "a")
    child = reports.enqueue("time.time", depends_on=Dependency(jobs=["enrich-a"], enqueue_at_front=True))
    other = reports.enqueue("time.time")
    work(connection)
    assert reports.job_ids == [child.id, other.id]


def test_a_cancelled_or_deleted_job_does_not_start(connection: redis.Redis, reports: Queue) -> None:
    enqueue(connection, "a")
    cancelled, deleted = (reports.enqueue("time.time", depends_on="enrich-a") for _ in range(2))
    cancelled.cancel()
    deleted.delete()
    work(connection)
    assert status(cancelled) == JobStatus.CANCELED
    assert reports.job_ids == []


def test_a_job_with_a_rate_limit_is_left_to_rqs_own_workers(connection: redis.Redis, reports: Queue) -> None:
    enqueue(connection, "a")
    child = reports.enqueue("time.time", depends_on="enrich-a", rate_limit=RateLimit(key="k", concurrency=1))
    work(connection)
    assert status(child) == JobStatus.READY_TO_ENQUEUE
    reports.ready_job_registry.cleanup()
    assert status(child) == JobStatus.QUEUED


def test_a_retried_job_starts_nothing_yet(connection: redis.Redis, reports: Queue) -> None:
    enqueue(connection, "a")
    child = reports.enqueue("time.time", depends_on=Dependency(jobs=["enrich-a"], allow_failure=True))
    work(connection, SiteUnavailable("503"))
    assert connection.zcard(QueueKeys("enrichment").scheduled) == 1
    assert status(child) == JobStatus.DEFERRED
