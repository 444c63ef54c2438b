"""When a burst ends: jobs that are due in a moment are waited for, a host that only puts them off is not."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest
import redis
from queue_fakes import Database, enqueue, found, make_worker

from offers_cli.errors import RateLimited
from offers_cli.offer import Enrichment
from offers_cli.queue import worker as worker_module
from offers_cli.queue.job import ClaimedJob
from offers_cli.queue.registries import Registries


def test_a_job_put_off_for_a_second_is_done_in_the_same_burst(connection: redis.Redis) -> None:
    enqueue(connection, ["o1"])
    asked: list[str] = []

    def enrich(job: ClaimedJob) -> Enrichment:
        asked.append(job.offer_id)
        if len(asked) == 1:
            raise RateLimited("slow down", retry_after_s=1)
        return found(job)

    report = make_worker(connection, Database(), enrich=enrich).run(burst=True)
    assert (report.succeeded, report.snoozed, len(asked)) == (1, 1, 2)


def test_a_host_that_only_puts_off_does_not_keep_a_burst(
    connection: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked again while the burst's patience lasts, which no attempt that is only put off prolongs."""
    skipped_s = 0.0
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + skipped_s, sleep=time.sleep)
    monkeypatch.setattr(worker_module, "time", clock)
    monkeypatch.setattr(worker_module, "PATIENCE_S", 3600.0)
    enqueue(connection, ["o1"])
    attempts: list[str] = []

    def enrich(job: ClaimedJob) -> Enrichment:
        nonlocal skipped_s
        attempts.append(job.offer_id)
        skipped_s = 4000.0 if len(attempts) == 2 else 0.0
        raise RateLimited("slow down", retry_after_s=1)

    report = make_worker(connection, Database(), enrich=enrich).run(burst=True)
    assert (report.succeeded, report.failed, report.snoozed) == (0, 0, 2)
    assert Registries(connection).counts().scheduled == 1


def test_a_long_pause_is_not_waited_for(connection: redis.Redis) -> None:
    enqueue(connection, ["o1"])

    def enrich(_job: ClaimedJob) -> Enrichment:
        raise RateLimited("slow down", retry_after_s=900)

    assert make_worker(connection, Database(), enrich=enrich).run(burst=True).snoozed == 1
    assert Registries(connection).counts().scheduled == 1
