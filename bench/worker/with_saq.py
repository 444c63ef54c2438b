"""SAQ. Docs: https://saq-py.readthedocs.io/en/latest/getting_started.html"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import Any

from peer import Job, Peer
from saq import Queue
from work import enrich_async


async def enrich(_context: Any, *, offer_id: str, url: str) -> None:
    await enrich_async(offer_id, url)


queue = Queue.from_url(os.environ["BENCH_REDIS"])
settings = {"queue": queue, "functions": [enrich], "concurrency": int(os.environ["BENCH_CONCURRENCY"])}


def enqueue(jobs: Sequence[Job]) -> None:
    async def send() -> None:
        sender = Queue.from_url(os.environ["BENCH_REDIS"])
        for job in jobs:
            await sender.enqueue("enrich", offer_id=job.offer_id, url=job.url, timeout=600)
        await sender.disconnect()

    asyncio.run(send())


def commands(_concurrency: int) -> list[list[str]]:
    return [["saq", "with_saq.settings", "--quiet", "--workers", "2"]]


PEERS = [Peer("SAQ", enqueue, commands)]
