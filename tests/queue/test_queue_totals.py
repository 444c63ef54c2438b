"""The totals: how many attempts ended how, over all workers, and how long they took."""

from __future__ import annotations

import math

import pytest
import redis
from queue_fakes import make_job

from offers_cli.queue.enqueue import EnrichmentQueue
from offers_cli.queue.job import JobFailure
from offers_cli.queue.leases import JobLeases
from offers_cli.queue.registries import Registries
from offers_cli.queue.retry_policy import FINISHED, GIVEN_BACK, JobOutcome, JobStatus

TOTALS = "offers:totals:enrichment"


class Clock:
    """Seconds since 1970, moved by hand."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def ended(status: JobStatus, code: str, *, spent: bool = True) -> JobOutcome:
    failure = JobFailure(code=code, message="it was", attempts=1)
    return JobOutcome(status=status, spent=spent, delay_s=60.0, failure=failure)


def settle(connection: redis.Redis, clock: Clock, outcome: JobOutcome, *, took_s: float = 0.0) -> None:
    """One attempt at a job of its own, by a worker of its own."""
    name = f"o{clock.now:.0f}"
    EnrichmentQueue(connection).enqueue([make_job(name)])
    worker = JobLeases(connection, queue_name="enrichment", worker=name, clock=clock, lease_s=1e6)
    [job] = worker.claim(1, held=0).jobs
    clock.now += took_s
    assert worker.settle([(job, outcome)]) == [True]
    assert worker.settle([(job, outcome)]) == [False], "a repeated call counts nothing"
    connection.delete("rq:queue:enrichment")
    clock.now += 1


def test_attempts_are_counted_by_what_became_of_them_and_why(connection: redis.Redis) -> None:
    clock = Clock()
    for outcome in (
        *(FINISHED, FINISHED, GIVEN_BACK),
        *(ended(JobStatus.FAILED, "page_changed"), ended(JobStatus.STOPPED, "bug")),
        *(ended(JobStatus.SCHEDULED, "site_unavailable"), ended(JobStatus.SCHEDULED, "rate_limited", spent=False)),
    ):
        settle(connection, clock, outcome)
    totals = Registries(connection).totals()
    assert totals.ended == {
        ("finished", ""): 2,
        ("given_back", ""): 1,
        ("failed", "page_changed"): 1,
        ("failed", "bug"): 1,
        ("retried", "site_unavailable"): 1,
        ("snoozed", "rate_limited"): 1,
    }
    assert totals.within_s[math.inf] == 4, "of those that ended for good"


def test_how_long_attempts_took_is_counted_up_to_each_limit(connection: redis.Redis) -> None:
    clock = Clock()
    for took_s in (0.25, 0.75, 7.0, 300.0, 301.0):
        settle(connection, clock, FINISHED, took_s=took_s)
    settle(connection, clock, ended(JobStatus.SCHEDULED, "rate_limited", spent=False), took_s=50.0)
    totals = Registries(connection).totals()
    assert totals.within_s == {0.25: 1, 0.5: 1, 1: 2, 2: 2, 5: 2, 10: 3, 30: 3, 60: 3, 300: 4, math.inf: 5}
    assert totals.seconds == pytest.approx(609.0)


def test_whatever_was_planted_there_neither_stops_a_job_nor_is_told(connection: redis.Redis) -> None:
    clock = Clock()
    connection.set(TOTALS, "x")
    settle(connection, clock, FINISHED)
    connection.hset(TOTALS, mapping={"finished": "many", "failed x": 3, "x bug": 3, "le 1": "-1", "ms": "nan"})
    totals = Registries(connection).totals()
    assert totals.ended == {("finished", ""): 0, ("failed", "other"): 3}
    assert totals.seconds == 0
    settle(connection, clock, FINISHED)
    assert Registries(connection).totals().ended["finished", ""] == 1


def test_a_queue_without_history_has_none(connection: redis.Redis) -> None:
    totals = Registries(connection).totals()
    assert totals.ended == {}
    assert set(totals.within_s.values()) == {0}
