"""Work: what a worker did, for people and programs; its failures by code, and what a burst leaves waiting."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from offers_cli.errors import (
    MEND_LABEL,
    WORK_ERRORS,
    Bug,
    Interrupted,
    LabelRefused,
    OfferGone,
    Outcome,
    QueueRefused,
    QueueUnavailable,
    SessionExpired,
    StorageUnavailable,
)
from offers_cli.fetch.pace import PausedHost, SharedPace
from offers_cli.queue.registries import FailedJob, FailedJobs, PutOff, QueueCounts, Registries
from offers_cli.queue.results import WorkerReport
from offers_cli.report import Problem

if TYPE_CHECKING:
    from offers_cli.services.failed import FailureGroup
    from offers_cli.storage.base import Storage

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


def with_failures(worker: WorkerReport, *, queue: Registries, storage: Storage) -> WorkerReport:
    """What a worker did, its failures by code, each with one example and the next command.

    They are those that failed last: with others at work on the same queue, some may be theirs. An offer that is gone is
    no failure of the work. Without a Redis that answers they are counted alone.
    """
    problems = _problems_of_failures(worker, queue, storage) if worker.failed else []
    if worker.interrupted:
        problems.append(Problem.of(Interrupted("interrupted; nothing is lost, the rest waits in the queue")))
    return replace(worker, problems=tuple(problems))


def _problems_of_failures(worker: WorkerReport, queue: Registries, storage: Storage) -> list[Problem]:
    from offers_cli.services.failed import describe, find_titles

    try:
        jobs = queue.failed_jobs(limit=worker.failed + worker.gone)
    except (QueueUnavailable, QueueRefused):
        jobs = []
    failures = [job for job in jobs if job.code != OfferGone.code][: worker.failed]
    by_code: dict[str, list[FailedJob]] = defaultdict(list)
    for job in failures:
        by_code[job.code].append(job)
    most_first = sorted(by_code.items(), key=lambda item: -len(item[1]))
    groups = [FailedJobs(code=code, jobs=len(found), newest=found[0]) for code, found in most_first]
    offers = find_titles(storage, [group.newest for group in groups])
    problems = [_problem(group) for group in describe(groups, offers)]
    if rest := worker.failed - len(failures):
        problems.append(Problem(code="jobs_failed", message=f"{_count(rest)} failed", hint="offers failed"))
    return problems


def _problem(group: FailureGroup) -> Problem:
    jobs = _count(group.jobs)
    message = f"{jobs} failed{', such as' if group.jobs > 1 else ':'} {group.example}: {group.message}"
    return Problem(code=group.code, message=message, hint=group.next, exit_code=1, offer_id=group.offer_id)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueView:
    """What stands in the queue while a worker runs, and what keeps it there.

    Attributes:
        waits_for: the services, with the reason, that living workers of this queue wait for.
        error: why nothing is known: Redis does not answer, or says no.
    """

    counts: QueueCounts | None = None
    put_off: tuple[PutOff, ...] = ()
    paused: tuple[PausedHost, ...] = ()
    suspended: bool = False
    waits_for: tuple[str, ...] = ()
    error: str = ""


def look_at_queue(queue: Registries, pace: SharedPace) -> QueueView:
    """What stands in the queue now; a Redis that is away is a view too."""
    try:
        return QueueView(
            counts=queue.counts(),
            put_off=tuple(queue.put_off()),
            paused=tuple(pace.paused_hosts()),
            suspended=queue.suspended(),
            waits_for=tuple(sorted({worker.waits_for for worker in queue.workers() if worker.waits_for})),
        )
    except (QueueUnavailable, QueueRefused) as error:
        return QueueView(error=error.message)


NEEDS_A_PERSON = {
    SessionExpired.code: "login: {jobs} for one, offers session import FILE",
    LabelRefused.code: "label: {jobs} for another one, set ML_AFFILIATE_TAG and start again",
    StorageUnavailable.code: "database: {jobs} for it",
}


def say_what_waits(view: QueueView) -> list[str]:
    """What waits, and for what or whom: one line for each reason, that which a person can mend first."""
    if view.error:
        return [f"Redis: {view.error}"]
    lines = [f"for rq resume: the queue is suspended, {_wait(_left(view))}"] if view.suspended else []
    lines += list(view.waits_for)
    resting = {host.reason for host in view.paused}
    mended_by_people = [jobs for jobs in view.put_off if jobs.code in NEEDS_A_PERSON]
    lines += [NEEDS_A_PERSON[jobs.code].format(jobs=_wait(jobs.jobs)) for jobs in mended_by_people]
    put_off = {jobs.code: jobs.jobs for jobs in view.put_off if jobs.code not in NEEDS_A_PERSON}
    for host in view.paused:
        behind = put_off.get(host.reason)
        lines.append(
            f"host: {host.host} rests {host.seconds:.0f} s ({host.reason})" + (f", {_wait(behind)}" if behind else "")
        )
    lines += [f"{_wait(jobs)} for another attempt ({code})" for code, jobs in put_off.items() if code not in resting]
    return lines


def _left(view: QueueView) -> int:
    return view.counts.queued + view.counts.started + view.counts.scheduled if view.counts else 0


def _wait(jobs: int) -> str:
    return f"{_count(jobs)} {'waits' if jobs == 1 else 'wait'}"


def _count(jobs: int) -> str:
    return "1 job" if jobs == 1 else f"{jobs} jobs"
