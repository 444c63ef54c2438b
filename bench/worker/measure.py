"""Runs one set-up's workers until their jobs are done in the database, and says how quick and how costly they were."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

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
        others_pct: how much of the machine was used by programs that have nothing to do with the bench.
    """

    jobs_per_s: float
    cpu_ms: float
    pss_mb: float
    others_pct: float
    done: int
    asked: int


class Workers:
    """The processes of one set-up, with all their children."""

    def __init__(self, commands: Iterable[Sequence[str]], *, folder: Path, log: Path) -> None:
        with log.open("wb") as out:
            self._roots = [
                psutil.Popen(list(command), cwd=folder, stdout=out, stderr=subprocess.STDOUT) for command in commands
            ]

    def cpu_s(self) -> float:
        return family_cpu_s(self._roots)

    def pss_mb(self) -> float:
        total = 0
        for process in family(self._roots):
            with suppress(psutil.Error):
                total += process.memory_full_info().pss
        return total / 2**20

    def are_gone(self) -> bool:
        return all(root.poll() is not None for root in self._roots)

    def stop(self) -> None:
        left = family(self._roots)
        for ask in (psutil.Process.terminate, psutil.Process.kill):
            for process in left:
                with suppress(psutil.NoSuchProcess):
                    ask(process)
            _, left = psutil.wait_procs(left, timeout=5)


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


def family_cpu_s(roots: Iterable[psutil.Process]) -> float:
    """All that these processes and their children used so far; of children that have ended, their parents tell."""
    total = 0.0
    for process in family(roots):
        with suppress(psutil.Error):
            total += sum(process.cpu_times()[:4])
    return total


def family(roots: Iterable[psutil.Process]) -> list[psutil.Process]:
    found = []
    for root in roots:
        with suppress(psutil.NoSuchProcess):
            found += [root, *root.children(recursive=True)]
    return found


@dataclass(frozen=True, slots=True)
class Moment:
    """Seconds: of the clock, and of CPU so far of the workers, of the whole bench, and of the machine."""

    at: float
    workers: float
    bench: float
    machine: float
    idle: float
    done: int

    @classmethod
    def now(cls, workers: Workers, done: int) -> Self:
        times = psutil.cpu_times()
        return cls(
            at=time.monotonic(),
            workers=workers.cpu_s(),
            bench=family_cpu_s([psutil.Process()]),
            machine=sum(times),
            idle=times.idle + times.iowait,
            done=done,
        )


def _between(first: Moment, last: Moment, *, pss_mb: float, asked: int) -> Measured:
    jobs, machine = last.done - first.done, last.machine - first.machine
    others = machine - (last.idle - first.idle) - (last.bench - first.bench)
    return Measured(
        jobs_per_s=jobs / (last.at - first.at) if jobs else 0.0,
        cpu_ms=(last.workers - first.workers) * 1000 / jobs if jobs else 0.0,
        pss_mb=pss_mb,
        others_pct=max(0.0, others / machine * 100),
        done=last.done,
        asked=asked,
    )


def _watch(workers: Workers, count: Counter, *, jobs: int, until: float) -> Measured:
    first = Moment.now(workers, 0)
    weigh_at, pss_mb, before, progress_at = 0.0, 0.0, 0, first.at
    while (done := count()) < jobs and time.monotonic() < until and not workers.are_gone():
        if first.done < jobs / 10 <= done:
            first = Moment.now(workers, done)
        if done > before:
            before, progress_at = done, time.monotonic()
        if time.monotonic() > weigh_at:
            pss_mb, weigh_at = max(pss_mb, workers.pss_mb()), time.monotonic() + WEIGH_S
        time.sleep(POLL_S)
    last = Moment.now(workers, done)
    if done < jobs:  # one that lost a job is not charged with the wait for it
        last = replace(last, at=progress_at)
    return _between(first, last, pss_mb=max(pss_mb, workers.pss_mb()), asked=jobs)
