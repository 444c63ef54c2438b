"""Stats: the queue, the failures by reason, and how complete the catalogue is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from offers_cli.errors import OffersError
from offers_cli.queue.registries import RunningWorker
from offers_cli.redis.quarantine import SetAside
from offers_cli.report import Problem
from offers_cli.services.offers import plain
from offers_cli.storage.base import OfferCounts, Storage

QUEUE_KEYS = ("queued", "started", "scheduled", "deferred", "finished", "failed", "workers")


class QueueView(Protocol):
    """The part of the queue that stats needs."""

    def counts(self) -> Any: ...

    def failures(self) -> Mapping[str, int]: ...

    def rates(self) -> Any: ...

    def workers(self) -> Sequence[RunningWorker]: ...

    def suspended(self) -> bool: ...

    def set_aside(self) -> Sequence[SetAside]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StatsReport:
    """A moment's figures; a part whose service did not answer is None and has a problem."""

    queue: Mapping[str, int] | None = None
    jobs_per_minute: float | None = None
    time_to_empty_s: float | None = None
    suspended: bool | None = None
    failures: Mapping[str, int] | None = None
    offers: OfferCounts | None = None
    paused: tuple[Mapping[str, Any], ...] = ()
    drift: tuple[Mapping[str, str], ...] = ()
    workers: tuple[RunningWorker, ...] = ()
    set_aside: tuple[SetAside, ...] = ()
    problems: tuple[Problem, ...] = ()

    def data(self) -> dict[str, Any]:
        return {
            "queue": dict(self.queue) if self.queue is not None else None,
            "jobs_per_minute": self.jobs_per_minute,
            "time_to_empty_s": self.time_to_empty_s,
            "suspended": self.suspended,
            "failures": dict(self.failures) if self.failures is not None else None,
            "offers": asdict(self.offers) if self.offers is not None else None,
            "paused": [dict(host) for host in self.paused],
            "drift": [dict(warning) for warning in self.drift],
            "workers": [plain(asdict(worker)) for worker in self.workers],
            "set_aside": [plain(asdict(key)) for key in self.set_aside],
        }


class PaceView(Protocol):
    """The part of the shared pace that stats needs."""

    def paused_hosts(self) -> Iterable[Any]:
        """Hosts that are paused, each with `host, egress, seconds, reason`."""
        ...


class DriftView(Protocol):
    """The part of the drift store that stats needs."""

    def warnings(self) -> Sequence[Any]:
        """Fields that are no longer found as they were, each with `source, field, message`."""
        ...


def collect_stats(
    *,
    get_storage: Callable[[], Storage],
    get_queue: Callable[[], QueueView],
    get_pace: Callable[[], PaceView],
    get_drift: Callable[[], DriftView],
) -> StatsReport:
    """Collect the figures; one service that is down does not hide the other."""
    problems: list[Problem] = []
    figures: dict[str, Any] = {}
    try:
        queue = get_queue()
        counts, rates = queue.counts(), queue.rates()
        figures = {
            "queue": {key: getattr(counts, key) for key in QUEUE_KEYS},
            "suspended": queue.suspended(),
            "failures": queue.failures(),
            "jobs_per_minute": rates.jobs_per_minute,
            "time_to_empty_s": rates.time_to_empty_s,
            "paused": tuple(asdict(paused) for paused in get_pace().paused_hosts()),
            "drift": tuple(asdict(warning) for warning in get_drift().warnings()),
            "workers": tuple(queue.workers()),
            "set_aside": tuple(queue.set_aside()),
        }
    except OffersError as error:
        problems.append(Problem.of(error))
    try:
        figures["offers"] = get_storage().counts()
    except OffersError as error:
        problems.append(Problem.of(error))
    return StatsReport(**figures, problems=tuple(problems))
