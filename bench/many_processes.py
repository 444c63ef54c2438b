"""How soon 16 worker processes fetch their first page, beside one; and what they take.

    python bench/many_processes.py [--processes 16] [--rounds 3]

Both take turns. Pages take 2 s, so that memory is looked at while every process has some in hand.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from ratios import record

sys.path.append(str(Path(__file__).with_name("worker")))

import with_offers
from measure import Workers
from stage import Stage, open_stage

JOBS = 400
LATENCY_S = 2.0
NEVER_S = 120.0


@dataclass(frozen=True, slots=True)
class Start:
    """How a worker began: seconds and CPU seconds up to its first page, memory when all of its processes work."""

    first_page_s: float
    cpu_s: float
    pss_mb: float


def start(stage: Stage, processes: int) -> Start:
    with_offers.enqueue(stage.reset(JOBS))
    seen = len(stage.page_requests())
    command = ["offers", "worker", "--quiet", "--concurrency", "3", "--processes", str(processes)]
    with ExitStack() as stack:
        began = time.monotonic()
        workers = Workers([command], folder=Path(__file__).parent, log=stage.log)
        stack.callback(workers.stop)
        wait_for(stage, seen + 1)
        cpu_s = workers.cpu_s()
        wait_for(stage, seen + 3 * processes)
        return Start(stage.page_requests()[seen] - began, cpu_s, workers.pss_mb())


def wait_for(stage: Stage, pages: int) -> None:
    deadline = time.monotonic() + NEVER_S
    while len(stage.page_requests()) < pages:
        assert time.monotonic() < deadline, stage.log.read_text(errors="replace")[-2000:]
        time.sleep(0.05)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    found: dict[int, list[Start]] = {1: [], chosen.processes: []}
    with tempfile.TemporaryDirectory() as folder, open_stage(Path(folder), offers=JOBS) as stage:
        os.environ["ENRICHMENT_REQUEST_DELAY_S"] = "0.02"
        stage.set_latency(LATENCY_S)
        for _ in range(chosen.rounds):
            for processes, starts in found.items():
                starts.append(start(stage, processes))
    print("| processes | first page after s | CPU s up to then | PSS MB of one |\n|---:|---:|---:|---:|")
    for processes, starts in found.items():
        shown = [
            f"{statistics.median(values):.2f} ({min(values):.2f}–{max(values):.2f})"
            for values in (
                [one.first_page_s for one in starts],
                [one.cpu_s for one in starts],
                [one.pss_mb / processes for one in starts],
            )
        ]
        print(f"| {processes} | {' | '.join(shown)} |")
    one, many = found.values()
    record("first_page_one", *(each.first_page_s for each in one))
    record("first_page_sixteen", *(b.first_page_s - a.first_page_s for a, b in zip(one, many, strict=True)))
    record("processes_cpu", *(b.cpu_s / a.cpu_s for a, b in zip(one, many, strict=True)))
    record("processes_pss", *(each.pss_mb / chosen.processes for each in many))


if __name__ == "__main__":
    main()
