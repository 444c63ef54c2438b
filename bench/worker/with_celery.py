"""Celery: its thread pool, acknowledging late as its docs advise for jobs that may run twice, two workers.

Docs: https://docs.celeryq.dev/en/stable/userguide/optimizing.html (prefetching, acknowledging late, no results kept).
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from celery import Celery
from peer import Job, Peer
from work import enrich as work_enrich

app = Celery("with_celery", broker=os.environ["BENCH_REDIS"])
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,
    worker_prefetch_multiplier=4,
    broker_connection_retry_on_startup=True,
)
enrich = app.task(name="enrich")(work_enrich)


def enqueue(jobs: Sequence[Job]) -> None:
    for job in jobs:
        enrich.delay(job.offer_id, job.url)


def commands(concurrency: int) -> list[list[str]]:
    worker = ["celery", "--app", "with_celery", "worker", "--loglevel", "WARNING", "--pool", "threads"]
    return [[*worker, "--concurrency", str(concurrency), "--hostname", f"{name}@bench"] for name in ("one", "two")]


PEERS = [Peer("Celery (threads)", enqueue, commands)]
