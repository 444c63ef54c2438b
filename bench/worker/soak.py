"""Memory of `offers worker` over many jobs: it must be flat."""

from __future__ import annotations

import statistics
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import with_offers
from measure import Counter, Workers
from ratios import record
from stage import Stage

SAMPLE_S = 2.0
FLAT_PCT = 3.0
"""More than this between the second tenth of the jobs and the last is growth."""


def run(stage: Stage, *, jobs: int, concurrency: int) -> int:
    with_offers.enqueue(stage.reset(jobs))
    samples = sample(stage, jobs=jobs, concurrency=concurrency)
    tenths = [[mb for done, mb in samples if tenth <= done * 10 / jobs < tenth + 1] for tenth in range(10)]
    print("| jobs done | PSS MB, median | largest |\n|---:|---:|---:|")
    for tenth, found in enumerate(tenths):
        if found:
            print(f"| {(tenth + 1) * jobs // 10} | {statistics.median(found):.1f} | {max(found):.1f} |")
    before, after = statistics.median(tenths[1]), statistics.median(tenths[-1])
    growth_pct = (after - before) / before * 100
    is_flat = growth_pct <= FLAT_PCT
    print(f"\nFrom the second tenth to the last: {growth_pct:+.1f} % ({before:.1f} to {after:.1f} MB).")
    print(f"The goal, at most {FLAT_PCT:g} %, is {'met' if is_flat else 'missed'}.")
    record("soak_growth", growth_pct)
    return int(not is_flat)


def sample(stage: Stage, *, jobs: int, concurrency: int) -> list[tuple[int, float]]:
    """Jobs done and memory of one process, every two seconds until all are done."""
    samples = []
    with ExitStack() as stack:
        count = Counter(stage.database)
        stack.callback(count.close)
        workers = Workers(with_offers.one(concurrency), folder=Path(__file__).parent, log=stage.log)
        stack.callback(workers.stop)
        while (done := count()) < jobs and not workers.are_gone():
            samples.append((done, workers.pss_mb()))
            print(f"{done:7} jobs {samples[-1][1]:7.1f} MB", file=sys.stderr, flush=True)
            time.sleep(SAMPLE_S)
        samples.append((done, workers.pss_mb()))
    return samples
