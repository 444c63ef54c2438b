"""What jobs cost Redis: its own CPU time to claim and settle them, its memory for those that wait or failed.

    python bench/redis_cost.py [--rounds 5] [--failed 100000]

Redis serves one at a time: its CPU time is that of all workers together. Cases take turns.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import redis
from enqueue import make_jobs
from program import Used, installed, run
from ratios import record

from offers_cli.errors import PageChanged
from offers_cli.queue.enqueue import EnrichmentQueue
from offers_cli.queue.job import JobFailure
from offers_cli.queue.keys import QueueKeys
from offers_cli.queue.leases import JobLeases
from offers_cli.queue.retry_policy import FINISHED, JobOutcome, JobStatus
from offers_cli.redis.connection import connect_to_socket
from offers_cli.redis.embedded import ensure_server, stop_server

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from servers import RedisServer

HOST = "produto.mercadolivre.com.br"
QUEUED, SETTLED = 3000, 1600
CLAIMS = {"claim_batch": (8, 15), "claim_single": (1, 15), "16 at once, none held": (16, 0)}
FAILURE = JobFailure(code=PageChanged.code, message=f"no price in https://{HOST}/MLB-1000000000-fone", attempts=1)
FAILED = JobOutcome(status=JobStatus.FAILED, failure=FAILURE)


def cpu_s(connection: redis.Redis) -> float:
    used: Any = connection.info("cpu")
    return float(used["used_cpu_user"] + used["used_cpu_sys"])


def used_bytes(connection: redis.Redis) -> int:
    used: Any = connection.info("memory")
    return int(used["used_memory"])


def leases(connection: redis.Redis) -> JobLeases:
    return JobLeases(connection, queue_name="enrichment", worker="bench")


def end(worker: JobLeases, slots: int, outcome: JobOutcome, *, held: int = 0) -> int:
    """Claim so many jobs of one host and settle them at once; how many there were."""
    jobs = worker.claim(slots, held=held, hosts={HOST: held} if held else {}).jobs
    worker.settle([(job, outcome) for job in jobs])
    return len(jobs)


def claim_ms(connection: redis.Redis, slots: int, held: int) -> float:
    """Redis's CPU time for each job, once the queue was read."""
    connection.flushall()
    EnrichmentQueue(connection).enqueue(make_jobs(QUEUED))
    worker, done = leases(connection), 0
    for _ in range(4):
        end(worker, slots, FINISHED, held=held)
    before = cpu_s(connection)
    while done < SETTLED:
        done += end(worker, slots, FINISHED, held=held)
    return (cpu_s(connection) - before) * 1000 / done


def bench_claims(rounds: int) -> None:
    found: dict[str, list[float]] = {case: [] for case in CLAIMS}
    with RedisServer() as server, server.connect() as connection:
        for _ in range(rounds):
            for case, (slots, held) in CLAIMS.items():
                found[case].append(claim_ms(connection, slots, held))
    print("| claim and settle, one host | Redis CPU, ms a job |\n|---|---:|")
    for case, values in found.items():
        print(f"| {case} | {statistics.median(values):.3f} ({min(values):.3f}–{max(values):.3f}) |")
        if case.startswith("claim_"):
            record(case, *values)


def bench_memory(failed: int) -> None:
    """On the embedded Redis, as `offers` starts it."""
    with tempfile.TemporaryDirectory(prefix="of-") as name:
        home = Path(name)
        try:
            with connect_to_socket(ensure_server(home)) as connection:
                queued_kb, failed_kb = fill(connection, failed)
                before, env = cpu_s(connection), {"OFFERS_HOME": str(home)}
                listed = run([installed("offers"), "failed", "--reason", "offer_gone", "--json"], env)
                listed_ms = listed.cpu_ms + (cpu_s(connection) - before) * 1000
                shown = run([installed("offers"), "failed", "--limit", str(failed), "--json"], env)
                requeued, first_s = requeue(connection, env)
        finally:
            stop_server(home)
    for row, value in {
        "queued_job": queued_kb,
        "failed_job": failed_kb,
        "failed_reason": listed_ms,
        "failed_list_memory": shown.rss_mb,
        "requeue_failed_memory": requeued.rss_mb,
        "requeue_failed_first": first_s,
    }.items():
        print(f"{row:24} {value:8.2f}")
        record(row, value)


def requeue(connection: redis.Redis, env: Mapping[str, str]) -> tuple[Used, float]:
    """What `requeue-failed` uses, and after how many seconds its first job is queued."""
    began = time.perf_counter()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run, [installed("offers"), "requeue-failed", "--json"], env)
        while not connection.llen(QueueKeys("enrichment").queue) and not running.done():
            time.sleep(0.01)
        first_s = time.perf_counter() - began
        return running.result(), first_s


def fill(connection: redis.Redis, failed: int) -> tuple[float, float]:
    """Queue that many jobs and let all of them fail; what each took before and after, in kB."""
    connection.flushall()
    empty = used_bytes(connection)
    EnrichmentQueue(connection).enqueue(make_jobs(failed))
    queued = used_bytes(connection)
    worker = leases(connection)
    while end(worker, 500, FAILED):
        pass
    ended = used_bytes(connection)
    return (queued - empty) / 1000 / failed, (ended - empty) / 1000 / failed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--failed", type=int, default=100_000, help="jobs that are queued and fail")
    chosen = parser.parse_args()
    bench_claims(chosen.rounds)
    bench_memory(chosen.failed)


if __name__ == "__main__":
    main()
