"""dramatiq: processes with threads. Docs: https://dramatiq.io/guide.html"""

from __future__ import annotations

import os
from collections.abc import Sequence

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from peer import Job, Peer
from work import enrich as work_enrich

dramatiq.set_broker(RedisBroker(url=os.environ["BENCH_REDIS"]))
enrich = dramatiq.actor(max_retries=3)(work_enrich)


def enqueue(jobs: Sequence[Job]) -> None:
    for job in jobs:
        enrich.send(job.offer_id, job.url)


def commands(concurrency: int) -> list[list[str]]:
    return [["dramatiq", "with_dramatiq", "--processes", "2", "--threads", str(concurrency)]]


PEERS = [Peer("dramatiq", enqueue, commands)]
