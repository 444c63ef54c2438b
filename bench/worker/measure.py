"""Runs one set-up's workers until their jobs are done in the database, and says how quick and how costly they were."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

POLL_S = 0.02
WEIGH_S = 0.4
"""How often memory is looked at: it costs more than to count."""


@dataclass(frozen=True, slots=True)
class Measured:
    """From the moment when a tenth of the jobs was done until all were: start-up does not count.

    Attributes:
        cpu_ms: CPU time of all the worker's processes, for each job.
        pss_mb: the largest sum over its processes, shared memory counted once.
    """

    jobs_per_s: float
    cpu_ms: float
    pss_mb: float
    done: int
    asked: int


class Workers:
    """The processes of one set-up, with all their children."""

    def __init__(self, commands: Iterable[Sequence[str]], *, folder: Path, log: Path) -> None:
        with log.open("wb") as out:
            self._roots = [
                psutil.Popen(list(command), cwd=folder, stdout=out, stderr=subprocess.STDOUT) for command in commands
            ]

    def family(self) -> list[psutil.Process]:
        found = []
        for root in self._roots:
            with suppress(psutil.NoSuchProcess):
                found += [root, *root.children(recursive=True)]
        return found

    def cpu_s(self) -> float:
        """All that was used so far; of children that have ended, their parents tell."""
        total = 0.0
        for process in self.family():
            with suppress(psutil.Error):
                total += sum(process.cpu_times()[:4])
        return total

    def pss_mb(self) -> float:
        total = 0
        for process in self.family():
            with suppress(psutil.Error):
                total += process.memory_full_info().pss
        return total / 2**20

    def are_gone(self) -> bool:
        return all(root.poll() is not None for root in self._roots)

    def stop(self) -> None:
        family = self.family()
        for ask in (psutil.Process.terminate, psutil.Process.kill):
            for process in family:
                with suppress(psutil.NoSuchProcess):
                    ask(process)
            _, family = psutil.wait_procs(family, timeout=5)


class Counter:
    """Counts the offers that were enriched: what is not in the database is not done."""

    def __init__(self, database: Path) -> None:
        self._connection = sqlite3.connect(database)

    def __call__(self) -> int:
        query = "SELECT count(*) FROM offers WHERE enriched_at IS NOT NULL"
        return int(self._connection.execute(query).fetchone()[0])

    def close(self) -> None:
        self._connection.close()


def measure(commands: Iterable[Sequence[str]], *, jobs: int, log: Path, limit_s: float) -> Measured:
    """Start the workers on a filled queue and watch them; those that are not done in time are measured as far as
    they came.
    """
    with ExitStack() as stack:
        count = Counter(Path(os.environ["OFFERS_DB"]))
        stack.callback(count.close)
        workers = Workers(commands, folder=Path(__file__).parent, log=log)
        stack.callback(workers.stop)
        return _watch(workers, count, jobs=jobs, until=time.monotonic() + limit_s)


def _watch(workers: Workers, count: Counter, *, jobs: int, until: float) -> Measured:
    first: tuple[float, int, float] | None = None
    weigh_at, pss_mb = 0.0, 0.0
    while True:
        done, now = count(), time.monotonic()
        if first is None and done >= jobs / 10:
            first = (now, done, workers.cpu_s())
        if done >= jobs or now > until or workers.are_gone():
            break
        if now > weigh_at:
            pss_mb, weigh_at = max(pss_mb, workers.pss_mb()), now + WEIGH_S
        time.sleep(POLL_S)
    pss_mb = max(pss_mb, workers.pss_mb())
    if first is None or done <= first[1]:
        return Measured(jobs_per_s=0.0, cpu_ms=0.0, pss_mb=pss_mb, done=done, asked=jobs)
    began, before, cpu_s = first
    measured = done - before
    cpu_ms = (workers.cpu_s() - cpu_s) * 1000 / measured
    return Measured(jobs_per_s=measured / (now - began), cpu_ms=cpu_ms, pss_mb=pss_mb, done=done, asked=jobs)
