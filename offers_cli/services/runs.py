"""Runs: the past scrapes, and which of those that never ended were killed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from offers_cli.queue.registration import ProcessId
from offers_cli.report import Report, plain
from offers_cli.storage.base import ScrapeRun, Storage

SILENCE = timedelta(minutes=15)
"""How long a scrape on another machine may give no sign of life before it counts as killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """One scrape.

    Attributes:
        status: ``running``, ``done``, ``failed`` (a source ended early), ``interrupted``, ``partial``: done, but for
            some items that were refused or not queued; or ``killed``: its process is gone, its counts are those of
            its last page.
        duration_s: until it ended, until its last sign of life, or until now.
    """

    run: ScrapeRun
    status: str
    duration_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsReport(Report):
    """Past scrapes, newest first."""

    runs: tuple[PastRun, ...] = ()

    def data(self) -> dict[str, Any]:
        """As `Report`; a run's own facts stand beside what became of it, but for its process."""
        rows = [
            plain(past.run) | {"status": past.status, "duration_s": round(past.duration_s, 1)} for past in self.runs
        ]
        return {"runs": [{name: value for name, value in row.items() if name != "process"} for row in rows]}


def list_runs(*, storage: Storage, limit: int, now: datetime) -> RunsReport:
    """The newest scrapes, `limit` at the most.

    Raises:
        StorageUnavailable, StorageRefused: see `Storage`.
    """
    return RunsReport(runs=tuple(_past(run, now) for run in storage.find_runs(limit=limit)))


def _past(run: ScrapeRun, now: datetime) -> PastRun:
    last_sign = run.alive_at or run.started_at
    status: str = "killed" if run.status == "running" and _is_killed(run.process, now - last_sign) else run.status
    if status == "done" and run.error:
        status = "partial"
    end = run.finished_at or (now if status == "running" else last_sign)
    return PastRun(run=run, status=status, duration_s=(end - run.started_at).total_seconds())


def _is_killed(process: str | None, silence: timedelta) -> bool:
    """A process of this machine is looked for; one of another is known by its silence alone."""
    found = ProcessId.parse(process or "")
    return (found is not None and found.is_dead()) or silence > SILENCE
