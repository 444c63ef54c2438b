"""RQ: `rq worker` (a fork for each job), the same with its imports done before the fork, and a pool of SimpleWorkers.

Docs: https://python-rq.org/docs/workers/ ("Performance Notes" tell to import before the fork; `rq worker-pool`).
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import redis
from peer import Job, Peer
from rq import Queue

QUEUE = "bench"


def enqueue(jobs: Sequence[Job]) -> None:
    queue = Queue(QUEUE, connection=redis.Redis.from_url(os.environ["BENCH_REDIS"]))
    queue.enqueue_many([Queue.prepare_data("work.enrich", args=(job.offer_id, job.url)) for job in jobs])


def forking(_concurrency: int) -> list[list[str]]:
    return [["rq", "worker", "--quiet", "--url", os.environ["BENCH_REDIS"], QUEUE]]


def preloaded(_concurrency: int) -> list[list[str]]:
    return [["python", "rq_preloaded.py", QUEUE]]


def simple_pool(_concurrency: int) -> list[list[str]]:
    pool = ["rq", "worker-pool", "--quiet", "--num-workers", "4", "--worker-class", "rq.SimpleWorker"]
    return [[*pool, "--url", os.environ["BENCH_REDIS"], QUEUE]]


PEERS = [
    Peer("rq worker", enqueue, forking, processes=1, places=1, share=0.04),
    Peer("rq worker, imports before the fork", enqueue, preloaded, processes=1, places=1, share=0.1),
    Peer("rq SimpleWorker × 4", enqueue, simple_pool, processes=4, places=1, share=0.5),
]
