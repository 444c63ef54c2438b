"""Stats: the queue, the failures by reason, and how complete the catalogue is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from offers_cli.drift.detect import DriftWarning
from offers_cli.drift.store import DriftStore
from offers_cli.errors import OffersError
from offers_cli.fetch.pace import PausedHost, SharedPace
from offers_cli.queue.registries import QueueCounts, Registries, RunningWorker
from offers_cli.redis.quarantine import SetAside
from offers_cli.report import WHEN_DONE, Problem, Report
from offers_cli.storage.base import OfferCounts, Storage


@dataclass(frozen=True, slots=True, kw_only=True)
class StatsReport(Report):
    """A moment's figures; a part whose service did not answer is None and has a problem."""

    queue: QueueCounts | None = None
    jobs_per_minute: float | None = None
    time_to_empty_s: float | None = None
    suspended: bool | None = None
    failures: Mapping[str, int] | None = None
    offers: OfferCounts | None = None
    paused: tuple[PausedHost, ...] = ()
    drift: tuple[DriftWarning, ...] = ()
    workers: tuple[RunningWorker, ...] = ()
    set_aside: tuple[SetAside, ...] = field(default=(), metadata=WHEN_DONE)


def collect_stats(*, storage: Storage, queue: Registries, pace: SharedPace, drift: DriftStore) -> StatsReport:
    """Collect the figures; one service that is down does not hide the other."""
    problems: list[Problem] = []
    figures: dict[str, Any] = {}
    try:
        counts, rates = queue.counts(), queue.rates()
        figures = {
            "queue": counts,
            "suspended": queue.suspended(),
            "failures": queue.failures(),
            "jobs_per_minute": rates.jobs_per_minute,
            "time_to_empty_s": rates.time_to_empty_s,
            "paused": tuple(pace.paused_hosts()),
            "drift": tuple(drift.warnings()),
            "workers": tuple(queue.workers()),
            "set_aside": tuple(queue.set_aside()),
        }
    except OffersError as error:
        problems.append(Problem.of(error))
    try:
        figures["offers"] = storage.counts()
    except OffersError as error:
        problems.append(Problem.of(error))
    return StatsReport(**figures, problems=tuple(problems))
