"""taskiq on a Redis stream: of its Redis brokers the one that acknowledges, so that a killed worker loses nothing.

Docs: https://taskiq-python.github.io/guide/cli.html, https://github.com/taskiq-python/taskiq-redis
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence

from peer import Job, Peer
from taskiq_redis import RedisStreamBroker
from work import enrich_async

broker = RedisStreamBroker(os.environ["BENCH_REDIS"])
enrich = broker.task(enrich_async)


def enqueue(jobs: Sequence[Job]) -> None:
    async def send() -> None:
        await broker.startup()
        for job in jobs:
            await enrich.kiq(job.offer_id, job.url)
        await broker.shutdown()

    asyncio.run(send())


def commands(concurrency: int) -> list[list[str]]:
    worker = ["taskiq", "worker", "with_taskiq:broker", "--workers", "2", "--log-level", "WARNING"]
    return [[*worker, "--max-async-tasks", str(concurrency)]]


PEERS = [Peer("taskiq (Redis stream)", enqueue, commands)]
