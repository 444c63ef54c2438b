"""Work: what a worker did, for people and programs; its failures one by one, and what a burst leaves waiting."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import replace

from offers_cli.affiliate.link_builder import MEND_LABEL
from offers_cli.drift.watch import DriftWatch
from offers_cli.errors import (
    WORK_ERRORS,
    Bug,
    Interrupted,
    LabelRefused,
    Outcome,
    QueueRefused,
    QueueUnavailable,
    SessionExpired,
    StorageRefused,
    StorageUnavailable,
)
from offers_cli.fetch.pace import PausedHost, SharedPace
from offers_cli.offer import Enrichment, EnrichmentFailure, EnrichmentReport
from offers_cli.queue.registries import PutOff, Registries
from offers_cli.queue.results import WorkerReport
from offers_cli.report import Problem
from offers_cli.storage.base import Storage

REPORTED_FAILURES = 100
"""Failures that a report names one by one; `offers failed` lists them all."""

LATER = "offers worker --burst, later; offers stats shows the rest"
RESUME = "rq resume"
HINTS = {
    SessionExpired.code: "offers session check",
    LabelRefused.code: MEND_LABEL,
    StorageUnavailable.code: "offers doctor",
    QueueUnavailable.code: "offers doctor",
    QueueRefused.code: "offers doctor",
}
"""The next command where waiting alone may not help."""


class ReportingWriter:
    """Writes groups of results, with what their pages showed, and remembers the first failures for the report.

    Attributes:
        reported: the failures seen so far, `REPORTED_FAILURES` at the most.
    """

    def __init__(self, storage: Storage, drift: DriftWatch) -> None:
        self._storage = storage
        self._drift = drift
        self.reported: list[Problem] = []

    def __call__(self, enrichments: Sequence[Enrichment], failures: Sequence[EnrichmentFailure]) -> EnrichmentReport:
        """Write one group, in one transaction; raises as `Storage.save_enrichments`."""
        report = self._storage.save_enrichments(enrichments, failures)
        self._drift.flush()
        self.reported += _problems(failures, report)[: REPORTED_FAILURES - len(self.reported)]
        return report


def with_failures(worker: WorkerReport, *, reported: Sequence[Problem] = ()) -> WorkerReport:
    """What a worker did, with its failures; those that were not reported one by one are counted."""
    problems = list(reported)
    if worker.failed > len(problems):
        rest = f"{worker.failed - len(problems)} {'more ' if problems else ''}jobs failed"
        problems.append(Problem(code="jobs_failed", message=rest, hint="offers failed"))
    if worker.interrupted:
        problems.append(Problem.of(Interrupted("interrupted; nothing is lost, the rest waits in the queue")))
    return replace(worker, problems=tuple(problems))


def with_waiting(
    report: WorkerReport, *, queue: Registries, pace: SharedPace, check_session: Callable[[], Sequence[Problem]]
) -> WorkerReport:
    """The report of a burst, with what it leaves in the queue, whoever put it there: it has not done all.

    Args:
        check_session: what is wrong with the affiliate's session, when links are wanted of it.

    Raises:
        QueueUnavailable, QueueRefused: Redis does not answer or says no.
    """
    counts, put_off = queue.counts(), queue.put_off()
    session = check_session() if any(jobs.code == SessionExpired.code for jobs in put_off) else ()
    waiting = counts.queued + counts.scheduled
    suspended, paused = queue.suspended(), pace.paused_hosts()
    problems: list[Problem] = []
    if suspended and waiting:
        problems.append(Problem.of(QueueRefused(f"the queue is suspended; {_wait(waiting)}", hint=RESUME)))
    for jobs in put_off:
        problems += session if jobs.code == SessionExpired.code and session else [_put_off(jobs, paused)]
    return replace(report, problems=(*report.problems, *problems))


def _put_off(jobs: PutOff, paused: Sequence[PausedHost]) -> Problem:
    error = WORK_ERRORS.get(jobs.code, Bug)
    resting = [f"{host.host} rests for another {host.seconds:.0f} s" for host in paused if host.reason == jobs.code]
    if resting:
        message = f"{', '.join(resting)}; {_wait(jobs.jobs)} and lose nothing"
    else:
        message = f"{_wait(jobs.jobs)} for another attempt: {jobs.message or jobs.code}"
    tried_again = error.outcome is Outcome.RETRY and not resting
    exit_code = 1 if tried_again else error.exit_code
    return Problem(code=jobs.code, message=message, hint=HINTS.get(jobs.code, LATER), exit_code=exit_code)


def _wait(jobs: int) -> str:
    return "1 job waits" if jobs == 1 else f"{jobs} jobs wait"


def _problems(failures: Sequence[EnrichmentFailure], report: EnrichmentReport) -> list[Problem]:
    """What failed, by the code that its job fails with: what could not be written counts, not what the page said."""
    unwritten = report.unwritten
    refused = [
        Problem(code=StorageRefused.code, message=reason, exit_code=1, offer_id=offer_id)
        for offer_id, reason in sorted(unwritten.items())
    ]
    return refused + [_problem(failure) for failure in failures if failure.offer_id not in unwritten]


def _problem(failure: EnrichmentFailure) -> Problem:
    error = WORK_ERRORS.get(failure.code)
    hint = f"offers explain {shlex.quote(failure.offer_id)}" if error and error.code == "page_changed" else ""
    return Problem(code=failure.code, message=failure.message, hint=hint, exit_code=1, offer_id=failure.offer_id)
