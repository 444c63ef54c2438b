"""`offers worker`: one process, and two."""

from __future__ import annotations

import os
from collections.abc import Sequence

from peer import Job, Peer

from offers_cli.queue.enqueue import EnrichmentQueue
from offers_cli.queue.job import EnrichmentJob
from offers_cli.redis.connection import connect


def enqueue(jobs: Sequence[Job]) -> None:
    with connect(os.environ["REDIS_URL"]) as connection:
        EnrichmentQueue(connection).enqueue(
            EnrichmentJob(offer_id=job.offer_id, url=job.url, current_price_cents=job.price_cents) for job in jobs
        )


def one(concurrency: int) -> list[list[str]]:
    return [["offers", "worker", "--quiet", "--concurrency", str(concurrency)]]


def two(concurrency: int) -> list[list[str]]:
    return [[*one(concurrency)[0], "--processes", "2"]]


PEERS = [Peer("offers worker, 1 process", enqueue, one, processes=1), Peer("offers worker", enqueue, two)]
