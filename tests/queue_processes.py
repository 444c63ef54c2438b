"""What worker processes of the tests run; importable by name, for they are no forks of a test."""

from __future__ import annotations

import os
import sys
import time

import redis

from offers_cli.errors import StorageUnavailable
from offers_cli.log import configure_logging
from offers_cli.offer import Enrichment, EnrichmentFailure, EnrichmentReport
from offers_cli.queue.job import ClaimedJob
from offers_cli.queue.retry_policy import RetryPolicy
from offers_cli.queue.signals import StopRequest, stop_on_signals
from offers_cli.queue.supervisor import Supervisor, WorkerSlot
from offers_cli.queue.worker import Worker
from offers_cli.redis.connection import connect

REDIS_URL = os.environ.get("TEST_REDIS_URL", "")
DELAY_S = float(os.environ.get("TEST_DELAY_S", "0"))
BURST = os.environ.get("TEST_BURST", "1") == "1"
CONCURRENCY = int(os.environ.get("TEST_CONCURRENCY", "4"))
GRACE_S = float(os.environ.get("TEST_GRACE_S", "30"))


def enrich(job: ClaimedJob) -> Enrichment:
    """Takes its time; an offer called ``poison…`` kills the process."""
    if job.offer_id.startswith("poison"):
        time.sleep(0.05)
        os.kill(os.getpid(), 9)
    time.sleep(DELAY_S)
    return Enrichment(offer_id=job.offer_id, observed_at=job.claimed_at, price_cents=1)


class RedisDatabase:
    """Counts in Redis how often each offer was saved: it outlives the process."""

    def __init__(self) -> None:
        self._connection = connect(REDIS_URL)

    def save(self, enrichments: list[Enrichment], failures: list[EnrichmentFailure]) -> EnrichmentReport:
        try:
            with self._connection.pipeline() as pipe:
                for enrichment in enrichments:
                    pipe.hincrby("test:saved", enrichment.offer_id, 1)
                for failure in failures:
                    pipe.hset("test:failures", failure.offer_id, failure.code)
                pipe.execute()
        except redis.RedisError as exc:
            raise StorageUnavailable("the test's database is away") from exc
        return EnrichmentReport()


def make_worker(**settings: object) -> Worker:
    return Worker(
        connect(REDIS_URL),
        enrich=enrich,
        save=RedisDatabase().save,  # type: ignore[arg-type]
        concurrency=CONCURRENCY,
        policy=RetryPolicy(waits_s=(0.1, 0.2)),
        grace_s=GRACE_S,
        **settings,  # type: ignore[arg-type]
    )


def announced(request: StopRequest) -> StopRequest:
    """Say so when a signal has reached it."""
    make = request.make

    def announce(*, now: bool = False, interrupted: bool = False) -> None:
        make(now=now, interrupted=interrupted)
        os.write(2, b"signal received\n")

    request.make = announce  # type: ignore[method-assign]
    return request


def work(slot: WorkerSlot) -> None:
    worker = make_worker(has_supervisor=slot.has_supervisor, on_progress=slot.record)
    with stop_on_signals(worker.stop_request, supervised=True):
        worker.run(burst=BURST)


def main() -> None:
    """`python queue_processes.py [processes]`"""
    configure_logging(verbosity=0, json_lines=False)
    processes = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    if processes == 1:
        worker = make_worker()
        with stop_on_signals(announced(worker.stop_request)):
            report = worker.run(burst=BURST)
    else:
        supervisor = Supervisor(work, processes=processes)
        with stop_on_signals(announced(supervisor.stop_request)):
            report = supervisor.run()
    print(report.succeeded, report.failed, report.interrupted, flush=True)


if __name__ == "__main__":
    main()
