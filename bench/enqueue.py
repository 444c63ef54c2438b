"""Enqueueing 100,000 offers: `offers` against a loop of RQ's `queue.enqueue`, and against its `enqueue_many`.

The loop is timed on a sample and its time multiplied: it would take a minute or more. All three leave one RQ job for
each offer, with the same function and arguments; only ours and the loop with `unique=True` never queue an offer twice.

    python bench/enqueue.py [--jobs 100000] [--sample 5000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from uuid import UUID

import redis
from rq import Queue
from rq.serializers import JSONSerializer

from offers_cli.queue.enqueue import BATCH, EnrichmentQueue
from offers_cli.queue.job import EnrichmentJob
from offers_cli.queue.keys import JOB_FUNCTION, job_id_of

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from ratios import record
from servers import RedisServer

NAME = "enrichment"
Enqueue = Callable[[redis.Redis, Iterable[EnrichmentJob]], None]


def make_jobs(count: int) -> Iterator[EnrichmentJob]:
    for number in range(count):
        url = f"https://produto.mercadolivre.com.br/MLB-{1_000_000_000 + number}-fone-de-ouvido-bluetooth-_JM"
        yield EnrichmentJob(offer_id=str(UUID(int=number)), url=url, current_price_cents=9990 + number)


def arguments(job: EnrichmentJob) -> tuple[str, str, int | None]:
    return job.offer_id, job.url, job.current_price_cents


def with_offers(connection: redis.Redis, jobs: Iterable[EnrichmentJob]) -> None:
    EnrichmentQueue(connection, name=NAME).enqueue(jobs)


def with_rq_loop(connection: redis.Redis, jobs: Iterable[EnrichmentJob]) -> None:
    queue = Queue(NAME, connection=connection, serializer=JSONSerializer)
    for job in jobs:
        queue.enqueue(JOB_FUNCTION, args=arguments(job), job_id=job_id_of(job.offer_id))


def with_rq_unique_loop(connection: redis.Redis, jobs: Iterable[EnrichmentJob]) -> None:
    queue = Queue(NAME, connection=connection, serializer=JSONSerializer)
    for job in jobs:
        queue.enqueue(JOB_FUNCTION, args=arguments(job), job_id=job_id_of(job.offer_id), unique=True)


def with_rq_many(connection: redis.Redis, jobs: Iterable[EnrichmentJob]) -> None:
    queue = Queue(NAME, connection=connection, serializer=JSONSerializer)
    stream = iter(jobs)
    while batch := list(islice(stream, BATCH)):
        queue.enqueue_many(
            [Queue.prepare_data(JOB_FUNCTION, args=arguments(job), job_id=job_id_of(job.offer_id)) for job in batch]
        )


def time_s(connection: redis.Redis, enqueue: Enqueue, count: int) -> float:
    connection.flushall()
    started = time.perf_counter()
    enqueue(connection, make_jobs(count))
    taken_s = time.perf_counter() - started
    waiting = connection.llen(f"rq:queue:{NAME}")
    assert waiting == count, f"{waiting} of {count} jobs wait"
    return taken_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--sample", type=int, default=5_000, help="jobs of the loops, whose time is extrapolated")
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    cases: dict[str, tuple[Enqueue, int]] = {
        "offers": (with_offers, chosen.jobs),
        f"rq enqueue_many, {BATCH:,} a call": (with_rq_many, chosen.jobs),
        "rq queue.enqueue in a loop": (with_rq_loop, chosen.sample),
        "rq queue.enqueue(unique=True) in a loop": (with_rq_unique_loop, chosen.sample),
    }
    times: dict[str, list[float]] = {name: [] for name in cases}
    with RedisServer() as server, server.connect() as connection:
        for _ in range(chosen.rounds):
            for name, (enqueue, count) in cases.items():
                times[name].append(time_s(connection, enqueue, count) * chosen.jobs / count)
    base = statistics.median(times["offers"])
    many = times[f"rq enqueue_many, {BATCH:,} a call"]
    record("queueing", *(other / ours for ours, other in zip(times["offers"], many, strict=True)))
    print(f"| how | seconds for {chosen.jobs:,} (least–most) | offers is quicker by | |\n|---|---:|---:|---|")
    for name, taken in times.items():
        count = cases[name][1]
        note = "" if count == chosen.jobs else f"extrapolated from {count:,}"
        median = statistics.median(taken)
        print(f"| {name} | {median:.2f} ({min(taken):.2f}–{max(taken):.2f}) | {median / base:.1f} × | {note} |")


if __name__ == "__main__":
    main()
