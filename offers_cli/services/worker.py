"""Work: what a worker did, for people and programs; the failures are told one by one."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from offers_cli.drift.watch import DriftWatch
from offers_cli.errors import (
    WORK_ERRORS,
    Bug,
    Interrupted,
    Outcome,
    QueueRefused,
    QueueUnavailable,
    SessionExpired,
    StorageRefused,
    StorageUnavailable,
)
from offers_cli.offer import Enrichment, EnrichmentFailure
from offers_cli.queue.results import NO_SUCH_OFFER, WorkerReport
from offers_cli.report import Problem
from offers_cli.storage.base import EnrichmentReport, Storage

TOLD_FAILURES = 100
"""Failures that a report tells one by one; `offers failed` lists them all."""

LATER = "offers worker --burst, later; offers stats shows the rest"
RESUME = "rq resume"
HINTS = {
    SessionExpired.code: "offers session check",
    StorageUnavailable.code: "offers doctor",
    QueueUnavailable.code: "offers doctor",
    QueueRefused.code: "offers doctor",
}
"""The next command where waiting alone may not help."""


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
        self._told += _problems(failures, report)[: TOLD_FAILURES - len(self._told)]
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


class PutOff(Protocol):
    """Jobs that wait for another attempt."""

    @property
    def code(self) -> str: ...

    @property
    def jobs(self) -> int: ...

    @property
    def message(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What a burst leaves in the queue, whoever put it there.

    Attributes:
        jobs: queued and scheduled ones together.
        suspended: whether the queue is, so that nobody starts them.
        put_off: those whose last attempt failed, by why.
        paused: hosts that rest.
        session: what is wrong with the affiliate's session, when links are wanted of it.
    """

    jobs: int = 0
    suspended: bool = False
    put_off: Sequence[PutOff] = ()
    paused: Sequence[PausedHost] = ()
    session: Sequence[Problem] = ()


def tell_waiting(report: WorkReport, waiting: Waiting) -> WorkReport:
    """Tell of the jobs that a burst leaves: it has not done all."""
    problems: list[Problem] = []
    if waiting.suspended and waiting.jobs:
        message = f"the queue is suspended; {_wait(waiting.jobs)}"
        problems.append(Problem.of(QueueRefused(message, hint=RESUME)))
    for put_off in waiting.put_off:
        problems += _why(put_off, waiting)
    return replace(report, problems=(*report.problems, *problems))


def _why(put_off: PutOff, waiting: Waiting) -> Sequence[Problem]:
    if put_off.code == SessionExpired.code and waiting.session:
        return waiting.session
    error = WORK_ERRORS.get(put_off.code, Bug)
    resting = [
        f"{host.host} rests for another {host.seconds:.0f} s" for host in waiting.paused if host.reason == put_off.code
    ]
    if resting:
        message = f"{', '.join(resting)}; {_wait(put_off.jobs)} and lose nothing"
    else:
        message = f"{_wait(put_off.jobs)} for another attempt: {put_off.message or put_off.code}"
    tried_again = error.outcome is Outcome.RETRY and not resting
    exit_code = 1 if tried_again else error.exit_code
    return [Problem(code=put_off.code, message=message, hint=HINTS.get(put_off.code, LATER), exit_code=exit_code)]


def _wait(jobs: int) -> str:
    return "1 job waits" if jobs == 1 else f"{jobs} jobs wait"


def _problems(failures: Sequence[EnrichmentFailure], report: EnrichmentReport) -> list[Problem]:
    """What failed, by the code that its job fails with: what could not be written counts, not what the page said."""
    unwritten = {**dict.fromkeys(report.unknown, NO_SUCH_OFFER), **report.refused}
    refused = [
        Problem(code=StorageRefused.code, message=reason, exit_code=1, offer_id=offer_id)
        for offer_id, reason in sorted(unwritten.items())
    ]
    return refused + [_problem(failure) for failure in failures if failure.offer_id not in unwritten]


def _problem(failure: EnrichmentFailure) -> Problem:
    error = WORK_ERRORS.get(failure.code)
    hint = f"offers explain {shlex.quote(failure.offer_id)}" if error and error.code == "page_changed" else ""
    return Problem(code=failure.code, message=failure.message, hint=hint, exit_code=1, offer_id=failure.offer_id)
