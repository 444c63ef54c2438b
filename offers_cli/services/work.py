"""Work: what a worker did, for people and programs; the failures are told one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from offers_cli.enrichment import Enrichment, EnrichmentFailure
from offers_cli.errors import WORK_ERRORS, Interrupted, PageBlocked, SiteUnavailable
from offers_cli.queue.work import WorkerReport
from offers_cli.services.drift import DriftWatch
from offers_cli.services.report import Problem
from offers_cli.storage.base import EnrichmentReport, Storage

TOLD_FAILURES = 100
"""Failures that a report tells one by one; `offers failed` lists them all."""

LATER = "offers worker --burst, later; offers stats shows the rest"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkReport:
    """A worker's figures and its failures."""

    worker: WorkerReport = field(default_factory=WorkerReport)
    problems: tuple[Problem, ...] = ()

    def data(self) -> dict[str, Any]:
        names = ("succeeded", "failed", "retried", "snoozed", "duration_s", "jobs_per_s")
        return {name: getattr(self.worker, name) for name in names}


class TellingSave:
    """Writes groups of results, with what their pages told, and remembers the first failures for the report."""

    def __init__(self, storage: Storage, drift: DriftWatch) -> None:
        self._storage = storage
        self._drift = drift
        self._told: list[Problem] = []

    def __call__(self, enrichments: Sequence[Enrichment], failures: Sequence[EnrichmentFailure]) -> EnrichmentReport:
        """Write one group, in one transaction."""
        report = self._storage.save_enrichments(enrichments, failures)
        self._drift.flush()
        self._told += [_problem(failure) for failure in failures[: TOLD_FAILURES - len(self._told)]]
        return report

    @property
    def told(self) -> tuple[Problem, ...]:
        """The failures seen so far."""
        return tuple(self._told)


def report_work(worker: WorkerReport, *, told: Sequence[Problem] = ()) -> WorkReport:
    """What a worker did; failures that were not told one by one are counted."""
    problems = list(told)
    if worker.failed > len(problems):
        untold = f"{worker.failed - len(problems)} {'more ' if problems else ''}jobs failed"
        problems.append(Problem(code="jobs_failed", message=untold, hint="offers failed"))
    if worker.interrupted:
        problems.append(Problem.of(Interrupted("interrupted; nothing is lost, the rest waits in the queue")))
    return WorkReport(worker=worker, problems=tuple(problems))


class PausedHost(Protocol):
    """A host that rests for everyone."""

    @property
    def host(self) -> str: ...

    @property
    def seconds(self) -> float: ...

    @property
    def reason(self) -> str: ...


def tell_waiting(
    report: WorkReport, *, scheduled: int, paused: Sequence[PausedHost], session: Sequence[Problem]
) -> WorkReport:
    """Tell of jobs that wait for a host, a login or their next attempt: a burst that ends before them has not done all.

    Args:
        session: what is wrong with the affiliate's session, when links are wanted of it.
    """
    if not scheduled:
        return report
    problems = [_rest(host, scheduled) for host in paused] if report.worker.snoozed else []
    problems += session if report.worker.snoozed else ()
    if report.worker.retried and not problems:
        problems.append(
            Problem(
                code=SiteUnavailable.code,
                message=f"{scheduled} jobs wait for another attempt: the site did not answer as it should",
                hint=LATER,
            )
        )
    return replace(report, problems=(*report.problems, *problems))


def _rest(host: PausedHost, scheduled: int) -> Problem:
    error = WORK_ERRORS.get(host.reason, PageBlocked)
    return Problem(
        code=host.reason,
        message=f"{host.host} rests for another {host.seconds:.0f} s; {scheduled} jobs wait and lose nothing",
        hint=LATER,
        exit_code=error.exit_code,
    )


def _problem(failure: EnrichmentFailure) -> Problem:
    error = WORK_ERRORS.get(failure.code)
    hint = f"offers explain {failure.offer_id}" if error and error.code == "page_changed" else ""
    return Problem(code=failure.code, message=failure.message, hint=hint, exit_code=1, offer_id=failure.offer_id)
