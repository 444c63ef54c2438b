"""`/metrics`: the figures of the queue, the catalogue and the hosts, as Prometheus reads them.

Whatever was counted stands in Redis or the database and survives every process; nothing is counted here. Each look
costs the same however many offers and failed jobs there are. The text format has three rules, and needs no library.
Source: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from offers_cli.errors import OffersError
from offers_cli.log import get_log

if TYPE_CHECKING:
    from offers_cli.drift.store import DriftStore
    from offers_cli.fetch.pace import SharedPace
    from offers_cli.queue.registries import Registries
    from offers_cli.queue.schedule import Schedule
    from offers_cli.storage.base import Storage

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
MOST_SERIES = 200
"""Of one metric: what a label says may come from elsewhere, and a series is kept for long."""
RUNS = 20
"""The newest scrapes, among which the last one that was done is looked for."""

Labels = Mapping[str, object]
Sample = tuple[Labels, float]

log = get_log("dashboard")


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric and its series.

    Attributes:
        kind: ``gauge``, ``counter`` or ``histogram``.
        samples: labels and value; those of a histogram under the ending of their name, such as ``_bucket``.
    """

    name: str
    kind: str
    help: str
    samples: Iterable[Sample] = ()
    endings: Mapping[str, Iterable[Sample]] = field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        """The metric in Prometheus's text format."""
        yield f"# HELP {self.name} {self.help}"
        yield f"# TYPE {self.name} {self.kind}"
        for ending, samples in {"": self.samples, **self.endings}.items():
            for labels, value in list(samples)[:MOST_SERIES]:
                told = ",".join(f'{name}="{_escaped(str(text))}"' for name, text in labels.items())
                yield (
                    f"{self.name}{ending}{{{told}}} {_number(value)}"
                    if told
                    else f"{self.name}{ending} {_number(value)}"
                )


def _escaped(text: str) -> str:
    """A label's text: whoever wrote it, it ends neither the label nor the line."""
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else repr(float(value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What the figures are read from."""

    registries: Registries
    pace: SharedPace
    drift: DriftStore
    schedule: Schedule
    storage: Storage
    version: str

    def text(self) -> str:
        """All metrics; those of a service that does not answer are missing, and `offers_up` says so."""
        metrics = [Metric("offers_build_info", "gauge", "The installed version.", [({"version": self.version}, 1)])]
        up: list[Sample] = []
        for service, read in (("redis", self._of_redis), ("database", self._of_database)):
            try:
                metrics += read()
                up.append(({"service": service}, 1))
            except OffersError as error:
                log.warning("no figures", service=service, reason=error.message)
                up.append(({"service": service}, 0))
        metrics.append(Metric("offers_up", "gauge", "Whether the service answers.", up))
        return "".join(f"{line}\n" for metric in metrics for line in metric.lines())

    def _of_redis(self) -> list[Metric]:
        return [*self._jobs(), *self._workers(), *self._hosts(), *self._pages(), *self._entries()]

    def _jobs(self) -> Iterator[Metric]:
        counts, totals = self.registries.counts(), self.registries.totals()
        states = ("queued", "started", "scheduled", "deferred", "finished", "failed")
        yield Metric(
            *(
                "offers_jobs",
                "gauge",
                "Jobs of the queue by state; finished ones are kept for minutes, failed ones for a year.",
            ),
            [({"state": state}, getattr(counts, state)) for state in states],
        )
        yield Metric(
            *(
                "offers_attempts_total",
                "counter",
                "Attempts that workers ended, by what became of them and failure code.",
            ),
            [({"outcome": outcome, "code": code}, count) for (outcome, code), count in sorted(totals.ended.items())],
        )
        within = [
            ({"le": "+Inf" if limit == float("inf") else f"{limit:g}"}, n) for limit, n in totals.within_s.items()
        ]
        yield Metric(
            *("offers_attempt_seconds", "histogram", "How long attempts took that finished or failed for good."),
            endings={
                "_bucket": within,
                "_sum": [({}, totals.seconds)],
                "_count": [({}, max(totals.within_s.values(), default=0))],
            },
        )
        yield Metric(
            *("offers_queue_suspended", "gauge", "Whether no job is started (rq suspend)."),
            [({}, int(self.registries.suspended()))],
        )

    def _workers(self) -> Iterator[Metric]:
        workers = self.registries.workers()
        yield Metric("offers_workers", "gauge", "Workers that are alive.", [({}, len(workers))])
        yield Metric(
            *("offers_worker_jobs", "gauge", "Jobs that run now, over all workers: the slots in use."),
            [({}, sum(len(worker.jobs) for worker in workers))],
        )
        waiting = sum(worker.waits_for is not None for worker in workers)
        yield Metric(
            *("offers_workers_waiting", "gauge", "Workers that wait for a service, or for a free slot."),
            [({}, waiting)],
        )

    def _hosts(self) -> Iterator[Metric]:
        totals = self.pace.request_totals()
        yield Metric(
            *("offers_requests_total", "counter", "Requests by host and HTTP status, none where nothing answered."),
            [({"host": host, "status": status}, n) for (host, status), n in sorted(totals.answered.items())],
        )
        yield Metric(
            *("offers_turn_wait_seconds_total", "counter", "How long turns at a host were waited for."),
            [({"host": host}, seconds) for host, seconds in sorted(totals.waited_s.items())],
        )
        yield Metric(
            *("offers_host_paused_seconds", "gauge", "How long a host is still paused for all workers."),
            [
                ({"host": each.host, "egress": each.egress, "reason": each.reason}, each.seconds)
                for each in self.pace.paused_hosts()
            ],
        )

    def _pages(self) -> Iterator[Metric]:
        warnings = self.drift.warnings()
        yield Metric(
            *("offers_drift_warnings", "gauge", "What pages no longer show as they did, by source and field."),
            [({"source": each.source, "field": each.field}, 1) for each in warnings],
        )

    def _entries(self) -> Iterator[Metric]:
        state = self.schedule.look()
        yield Metric(
            *("offers_schedule_has_worker", "gauge", "Whether a worker runs what is due."),
            [({}, int(state.has_worker))],
        )
        ended = [(each.entry.name, each.last_run) for each in state.commands if each.last_run]
        yield Metric(
            *("offers_schedule_last_run_ok", "gauge", "Whether an entry's last run that ended was all done."),
            [({"entry": name}, int(run.status == "ok")) for name, run in ended if run.status != "running"],
        )
        yield Metric(
            *("offers_schedule_last_run_timestamp_seconds", "gauge", "When an entry's last run began."),
            [({"entry": name}, _seconds(run.started_at)) for name, run in ended],
        )
        yield Metric(
            *("offers_schedule_next_run_timestamp_seconds", "gauge", "When an entry is due."),
            [({"entry": each.entry.name}, _seconds(each.clock.next_at)) for each in state.commands],
        )

    def _of_database(self) -> list[Metric]:
        counts = self.storage.counts()
        missing = ("old_price", "discount", "affiliate_link")
        done = [
            run.finished_at for run in self.storage.find_runs(limit=RUNS) if run.status == "done" and run.finished_at
        ]
        return [
            Metric(
                *("offers_stored", "gauge", "Offers by status."),
                [({"status": "active"}, counts.total - counts.gone), ({"status": "gone"}, counts.gone)],
            ),
            Metric("offers_enriched", "gauge", "Offers whose prices a page told.", [({}, counts.enriched)]),
            Metric(
                *("offers_missing", "gauge", "Active offers that lack a field, by field."),
                [({"field": name}, getattr(counts, f"missing_{name}")) for name in missing],
            ),
            Metric(
                *("offers_last_scrape_timestamp_seconds", "gauge", "When the last scrape ended that was done."),
                [({}, _seconds(max(done)))] if done else [],
            ),
        ]


def _seconds(moment: datetime) -> float:
    return round(moment.timestamp(), 3)
