"""What stands in for the page and the database in tests of the worker."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import redis
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer

from offers_cli.offer import Enrichment, EnrichmentFailure, EnrichmentReport
from offers_cli.queue.enqueue import EnrichmentQueue
from offers_cli.queue.job import ClaimedJob, EnrichmentJob
from offers_cli.queue.worker import Worker


def make_job(offer_id: str) -> EnrichmentJob:
    return EnrichmentJob(offer_id=offer_id, url=f"https://shop.test/{offer_id}", current_price_cents=1000)


def enqueue(connection: redis.Redis, offer_ids: Iterable[str]) -> None:
    EnrichmentQueue(connection).enqueue(make_job(offer_id) for offer_id in offer_ids)


def found(job: ClaimedJob) -> Enrichment:
    return Enrichment(offer_id=job.offer_id, observed_at=job.claimed_at, price_cents=job.current_price_cents)


def raising(error: BaseException) -> Callable[[ClaimedJob], Enrichment]:
    def enrich(job: ClaimedJob) -> Enrichment:
        raise error

    return enrich


class Database:
    """Remembers what was saved; raises or answers what it is told to."""

    def __init__(self) -> None:
        self.saved: Counter[str] = Counter()
        self.failures: dict[str, EnrichmentFailure] = {}
        self.groups: list[int] = []
        self.errors: list[BaseException] = []
        self.report = EnrichmentReport()
        self._lock = threading.Lock()

    def save(self, enrichments: Sequence[Enrichment], failures: Sequence[EnrichmentFailure]) -> EnrichmentReport:
        with self._lock:
            if self.errors:
                raise self.errors.pop(0)
            self.groups.append(len(enrichments) + len(failures))
            self.saved.update(enrichment.offer_id for enrichment in enrichments)
            self.failures |= {failure.offer_id: failure for failure in failures}
            return self.report


def make_worker(
    connection: redis.Redis, database: Database, enrich: Callable[[ClaimedJob], Enrichment] = found, **kw: Any
) -> Worker:
    return Worker(connection, enrich=enrich, save=database.save, **kw)


def redis_now(connection: redis.Redis) -> float:
    """Redis's own time in seconds: whatever the queue writes lies between two readings, however busy the machine."""
    time: Any = connection.time()
    seconds, micros = time
    return float(seconds) + float(micros) / 1e6


def rq_queue(connection: redis.Redis) -> Queue:
    return Queue("enrichment", connection=connection, serializer=JSONSerializer)


def fetch(connection: redis.Redis, offer_id: str) -> Job:
    return Job.fetch(f"enrich-{offer_id}", connection=connection, serializer=JSONSerializer)
