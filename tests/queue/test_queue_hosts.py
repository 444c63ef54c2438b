"""A host that holds nearly all places does not keep jobs of other hosts waiting."""

from __future__ import annotations

import threading

import redis
from queue_fakes import Database, found, make_worker

from offers_cli.enrichment import Enrichment, EnrichmentJob
from offers_cli.queue.enqueue import EnrichmentQueue
from offers_cli.queue.work import ClaimedJob


def enqueue(connection: redis.Redis, host: str, numbers: range) -> None:
    EnrichmentQueue(connection).enqueue(
        EnrichmentJob(offer_id=f"{host}-{n}", url=f"https://{host}.example/p/{n}", current_price_cents=None)
        for n in numbers
    )


def test_places_that_wait_for_one_host_leave_room_for_others(connection: redis.Redis) -> None:
    enqueue(connection, "slow", range(30))
    enqueue(connection, "quick", range(10))
    quick_is_done = threading.Event()
    done: list[str] = []

    def enrich(job: ClaimedJob) -> Enrichment:
        """The slow host gives no turn before all jobs of the quick one are done."""
        if job.offer_id.startswith("slow"):
            assert quick_is_done.wait(10), "the quick host's jobs were blocked"
        done.append(job.offer_id)
        if sum(offer_id.startswith("quick") for offer_id in done) == 10:
            quick_is_done.set()
        return found(job)

    report = make_worker(connection, Database(), enrich=enrich, concurrency=3).run(burst=True)
    assert (report.succeeded, report.failed) == (40, 0)
    assert all(offer_id.startswith("quick") for offer_id in done[:10])


def test_one_host_alone_gets_every_place(connection: redis.Redis) -> None:
    enqueue(connection, "only", range(6))
    together = threading.Barrier(3, timeout=10)

    def enrich(job: ClaimedJob) -> Enrichment:
        together.wait()
        return found(job)

    assert make_worker(connection, Database(), enrich=enrich, concurrency=3).run(burst=True).succeeded == 6
