"""Stats: the queue, the failures by reason, and how complete the catalogue is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from offers_cli.alerts.store import AlertStore
from offers_cli.drift.detect import DriftWarning
from offers_cli.drift.store import DriftStore
from offers_cli.errors import OffersError
from offers_cli.fetch.pace import PausedHost, SharedPace
from offers_cli.queue.registries import (
    RATE_WINDOW_S,
    FailedJobs,
    PutOff,
    QueueCounts,
    Registries,
    RunningWorker,
)
from offers_cli.queue.schedule import Schedule
from offers_cli.redis.quarantine import SetAside
from offers_cli.report import WHEN_DONE, Problem, Report
from offers_cli.services.alerts import AlertCounts, count_alerts
from offers_cli.services.failed import FailureGroup, describe, find_titles
from offers_cli.services.schedule import ScheduleEntry, list_schedule
from offers_cli.storage.base import Missing, OfferCounts, Storage


@dataclass(frozen=True, slots=True, kw_only=True)
class Needing:
    """How many offers still need something: what was looked for and is not there is no need.

    Attributes:
        any: offers that need one of the fields at least.
        affiliate_link: None where no links can be made: without a label or a session.
    """

    any: int
    old_price: int
    discount: int
    affiliate_link: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentlyEnded:
    """The jobs that ended within the last `window_s` seconds."""

    window_s: int
    finished: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StatsReport(Report):
    """A moment's figures; a part whose service did not answer is None and has a problem.

    Attributes:
        schedule: the commands on a clock, as `offers schedule list` shows them.
        put_off: the jobs that wait for another attempt, by why.
        failure_groups: the failed jobs by code, with an example and the next command.
    """

    queue: QueueCounts | None = None
    jobs_per_minute: float | None = None
    time_to_empty_s: float | None = None
    suspended: bool | None = None
    failures: Mapping[str, int] | None = None
    offers: OfferCounts | None = None
    paused: tuple[PausedHost, ...] = ()
    drift: tuple[DriftWarning, ...] = ()
    workers: tuple[RunningWorker, ...] = ()
    schedule: tuple[ScheduleEntry, ...] = ()
    set_aside: tuple[SetAside, ...] = field(default=(), metadata=WHEN_DONE)
    put_off: tuple[PutOff, ...] = field(default=(), metadata=WHEN_DONE)
    recent: RecentlyEnded | None = field(default=None, metadata=WHEN_DONE)
    failure_groups: tuple[FailureGroup, ...] = field(default=(), metadata=WHEN_DONE)
    needing: Needing | None = field(default=None, metadata=WHEN_DONE)
    alerts: AlertCounts | None = field(default=None, metadata=WHEN_DONE)


def collect_stats(
    *,
    storage: Storage,
    queue: Registries,
    pace: SharedPace,
    drift: DriftStore,
    schedule: Schedule,
    alerts: AlertStore,
    wanted: frozenset[Missing] = frozenset(),
) -> StatsReport:
    """Collect the figures; one service that is down does not hide the other.

    Args:
        wanted: the fields that enrichment is asked for; of none it is not counted how many need them.
    """
    problems: list[Problem] = []
    figures: dict[str, Any] = {}
    groups: Sequence[FailedJobs] = ()
    try:
        counts, rates = queue.counts(), queue.rates()
        groups = queue.failures_with_newest()
        paused = tuple(pace.paused_hosts())
        figures = {
            "queue": counts,
            "suspended": queue.suspended(),
            "failures": {group.code: group.jobs for group in groups},
            "jobs_per_minute": rates.jobs_per_minute,
            "time_to_empty_s": _until_empty(rates.time_to_empty_s, paused),
            "paused": paused,
            "drift": tuple(drift.warnings()),
            "workers": tuple(queue.workers()),
            "schedule": list_schedule(schedule).entries,
            "set_aside": tuple(queue.set_aside()),
            "put_off": tuple(queue.put_off()),
            "alerts": count_alerts(alerts),
            "recent": RecentlyEnded(window_s=RATE_WINDOW_S, finished=rates.finished, failed=rates.failed),
        }
    except OffersError as error:
        problems.append(Problem.of(error))
    try:
        figures["offers"] = storage.counts()
        figures["needing"] = _count_needing(storage, wanted)
    except OffersError as error:
        problems.append(Problem.of(error))
    titles = find_titles(storage, [group.newest for group in groups]) if "offers" in figures else {}
    return StatsReport(**figures, failure_groups=describe(groups, titles), problems=tuple(problems))


def _until_empty(seconds: float | None, paused: Sequence[PausedHost]) -> float | None:
    """The queue is not empty before the last paused host serves again, where anything waits."""
    if not seconds:
        return seconds
    return round(max(seconds, *(host.seconds for host in paused)), 1) if paused else seconds


def _count_needing(storage: Storage, wanted: frozenset[Missing]) -> Needing | None:
    if not wanted:
        return None
    links = Missing.AFFILIATE_LINK in wanted
    return Needing(
        any=storage.count_needing(wanted),
        old_price=storage.count_needing(frozenset({Missing.OLD_PRICE})),
        discount=storage.count_needing(frozenset({Missing.DISCOUNT})),
        affiliate_link=storage.count_needing(frozenset({Missing.AFFILIATE_LINK})) if links else None,
    )
